"""Silograph: one catalog and one lineage graph over object, file and block storage."""

__version__ = "0.1.0"
