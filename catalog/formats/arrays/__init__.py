"""Arrays: shapes, types and dimensions from headers; their numbers are never read."""
