"""Schedules: when silos are crawled, and the servers that see to it."""
