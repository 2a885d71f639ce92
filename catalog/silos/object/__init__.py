"""Object stores, through obstore: one silo for all (`silo.py`), and a file for what each is opened with."""
