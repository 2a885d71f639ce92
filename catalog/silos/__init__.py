"""Silos: storage locations opened read-only, one room a kind. See `base.py` for the contract."""
