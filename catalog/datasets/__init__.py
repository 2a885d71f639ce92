"""Datasets: how files become datasets, what columns they have, and when a version is new."""
