"""Rows as Arrow, polars and pandas: one stream, and a table for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from catalog.errors import MissingExtra
from catalog.text import safe

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


class Framed:
    """Gives a class with `_columns()` and `_records()` its Arrow, polars, pandas and HTML forms."""

    def _columns(self) -> Sequence[tuple[str, str]]:
        """(name, Arrow type) of each column: `string`, `int64`, `float64`, `time` (UTC) or `strings`."""
        raise TypeError(f"{type(self).__name__} has no columns")

    def _records(self) -> Iterable[Sequence[Any]]:
        raise TypeError(f"{type(self).__name__} has no records")

    def to_arrow(self) -> pyarrow.Table:
        """All rows as an Arrow table."""
        import pyarrow as pa

        types = {
            "string": pa.string(),
            "int64": pa.int64(),
            "float64": pa.float64(),
            "time": pa.timestamp("us", tz="UTC"),
            "strings": pa.list_(pa.string()),
        }
        columns = self._columns()
        rows = list(self._records())
        arrays = []
        for at, (_, kind) in enumerate(columns):
            values = [row[at] for row in rows]
            arrays.append(pa.array(map(_time, values) if kind == "time" else values, types[kind]))
        return pa.table(arrays, names=[name for name, _ in columns])

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """A fresh Arrow stream each time, for `pyarrow.table(x)`, `polars.DataFrame(x)`, DuckDB."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def to_polars(self) -> polars.DataFrame:
        """All rows as a polars frame."""
        return to_polars(self.to_arrow())

    def to_pandas(self) -> pandas.DataFrame:
        """All rows as a pandas frame."""
        return to_pandas(self.to_arrow())


def to_polars(table: Any) -> polars.DataFrame:
    """An Arrow table as a polars frame. Raises `MissingExtra`."""
    try:
        import polars
    except ImportError as error:
        raise MissingExtra("A polars frame", "frames") from error
    return polars.DataFrame(table)


def to_pandas(table: Any) -> pandas.DataFrame:
    """An Arrow table as a pandas frame. Raises `MissingExtra`."""
    try:
        import pandas  # noqa: F401 (pyarrow needs it)
    except ImportError as error:
        raise MissingExtra("A pandas frame", "frames") from error
    frame: pandas.DataFrame = table.to_pandas()
    return frame


def html_table(names: Sequence[str], rows: Iterable[Sequence[object]], caption: str) -> str:
    """A small HTML table; every cell is escaped."""
    from html import escape

    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(safe('' if cell is None else cell, 200))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _time(ns: int | None) -> datetime | None:
    if ns is None:
        return None
    try:
        return datetime.fromtimestamp(ns / 1e9, UTC)
    except (OverflowError, ValueError, OSError):
        return None
