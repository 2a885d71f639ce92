"""Database files: their tables, from the pages that hold the schema. No database is ever opened."""
