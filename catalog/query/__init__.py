"""The query language: one string for the command line, the terminal UI and Python.

    clicks "user events" silo:lake format:csv,parquet size:>1GB modified:<30d -is:stale sort:-modified

Words and conditions are joined by AND, `-` in front negates, a comma in a value means OR, double
quotes keep spaces and special characters (a quote inside is written twice). `parse` turns the
string into a small immutable `Query`; `str` turns it back. Nothing here knows a database.
"""

from __future__ import annotations

from catalog.query.fields import FIELDS, KINDS, RULES, SORTS, STATES, TABLE_RULES, FieldSpec
from catalog.query.parse import parse, suggest
from catalog.query.tree import Query, Sort, Term, Value, Word

__all__ = [
    "FIELDS",
    "KINDS",
    "RULES",
    "SORTS",
    "STATES",
    "TABLE_RULES",
    "FieldSpec",
    "Query",
    "Sort",
    "Term",
    "Value",
    "Word",
    "parse",
    "suggest",
]
