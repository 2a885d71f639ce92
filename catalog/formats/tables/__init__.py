"""Table formats that are folders: schema, partitioning and state from their own logs, never by listing data."""
