"""The store: the catalog's tables in SQLite or Postgres. Knows the model and queries, no silo and no format."""
