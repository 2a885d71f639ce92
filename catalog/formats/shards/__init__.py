"""Shards of training data: how many records, and what is in the first of them."""
