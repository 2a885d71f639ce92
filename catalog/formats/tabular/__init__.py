"""Tables: one module a format, each with `inspect(reader) -> Facts`."""
