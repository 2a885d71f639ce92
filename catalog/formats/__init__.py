"""Formats: recognise a file from a few kilobytes, and read its header and footer."""
