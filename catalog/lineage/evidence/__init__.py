"""Evidence: what files that tools leave beside data tell about lineage.

A harvester reads one kind of file (`dvc.lock`, a model card, a commit of a Delta table) and returns
claims. It is pure: it is given bytes and a few questions it may ask about the silo, opens nothing
itself and executes nothing. `registry.py` says which harvester reads which file.
"""
