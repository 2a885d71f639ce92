"""Lineage without a database: reading evidence and events, and drawing the graph."""
