"""Values from the beginning of a table, by column, for `catalog crawl --classify`. Runs in worker processes alone.

Paths are those of the schema that the inspector of the format gives. What is read is bounded: rows and items of lists
by `Sampler`, bytes by the reader's caps; a cap that is reached leaves what was read before.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.formats.base import KIB, MIB, RangeReader, parsing
from catalog.formats.tabular import avro, csv, json
from catalog.formats.tabular.fields import DEEPEST, join

MOST_COLUMNS = 2_000
_CELLS = 200_000
"""Values of all columns of one file together: wide tables are looked at in fewer rows."""
_ITEMS = 8
"""Items of one list that are looked at."""
_GROUPS = 3
"""Row groups of a Parquet file, stripes of ORC, batches of Arrow that are looked into: first, middle and last."""
_HEAD = MIB
_FAT = 16 * KIB
"""Columns with values longer than this on average hold pictures or documents, and are left out."""


@dataclass(slots=True)
class Sampler:
    """Values by column path, at most `rows` from each file. `cut` counts columns that were not looked at."""

    rows: int
    columns: dict[str, list[Any]] = field(default_factory=dict)
    cut: int = 0

    def add(self, path: str, values: Iterable[Any]) -> None:
        """Values of one column; those of columns beyond `MOST_COLUMNS` are left out."""
        kept = self.columns.get(path)
        if kept is None:
            if len(self.columns) >= MOST_COLUMNS:
                self.cut += 1
                return
            kept = self.columns[path] = []
        kept.extend(values)

    def per_column(self, columns: int) -> int:
        """Rows to look at in a table of so many columns."""
        return max(min(self.rows, _CELLS // max(columns, 1)), 20)


def sample(reader: RangeReader, format: str, into: Sampler) -> None:
    """Add values of a file. Raises `InspectError` for what cannot be read; what was read before stays."""
    with parsing(reader, format):
        _READERS[format](reader, into)


# ---------------------------------------------------------------- columnar formats


def _parquet(reader: RangeReader, into: Sampler) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Buffered columns are read page by page, and no further than asked.
    file = pq.ParquetFile(pa.PythonFile(reader.file(), mode="r"), buffer_size=64 * KIB, pre_buffer=False)
    groups = _spread(file.metadata.num_row_groups)
    leaves = min(file.metadata.num_columns, MOST_COLUMNS)
    rows = max(into.per_column(leaves) // max(len(groups), 1), 1)
    for group in groups:
        for index in range(leaves):
            column = file.metadata.row_group(group).column(index)
            if column.total_uncompressed_size > _FAT * max(column.num_values, 1):
                into.cut += 1
                continue
            try:
                batches = file.iter_batches(
                    batch_size=rows, row_groups=[group], columns=[column.path_in_schema], use_threads=False
                )
                _add_batch(next(batches, None), rows, into)
            except pa.ArrowNotImplementedError:
                into.cut += 1


def _orc(reader: RangeReader, into: Sampler) -> None:
    import pyarrow as pa
    import pyarrow.orc as orc

    file = orc.ORCFile(pa.PythonFile(reader.file(), mode="r"))
    names = list(dict.fromkeys(file.schema.names))[:MOST_COLUMNS]
    stripes = _spread(file.nstripes)
    rows = max(into.per_column(len(names)) // max(len(stripes), 1), 1)
    for stripe in stripes:
        for name in names:
            _add_batch(file.read_stripe(stripe, columns=[name]), rows, into)


def _arrow_file(reader: RangeReader, into: Sampler) -> None:
    import pyarrow as pa
    import pyarrow.ipc as ipc

    source = pa.PythonFile(reader.file(), mode="r")
    file = ipc.open_file(source, options=ipc.IpcReadOptions(use_threads=False))
    batches = _spread(file.num_record_batches)
    rows = max(into.per_column(len(file.schema.names)) // max(len(batches), 1), 1)
    for index in batches:
        _add_batch(file.get_batch(index), rows, into)


def _arrow_stream(reader: RangeReader, into: Sampler) -> None:
    import pyarrow as pa
    import pyarrow.ipc as ipc

    stream = ipc.open_stream(pa.PythonFile(reader.file(), mode="r"), options=ipc.IpcReadOptions(use_threads=False))
    left = into.per_column(len(stream.schema.names))
    for batch in stream:
        _add_batch(batch, left, into)
        left -= batch.num_rows
        if left <= 0:
            return


def _spread(count: int) -> list[int]:
    """The first, the middle and the last of so many."""
    return sorted({0, count // 2, count - 1} if count >= _GROUPS else set(range(count)))


def _add_batch(batch: Any, rows: int, into: Sampler) -> None:
    if batch is not None:
        head = batch.slice(0, rows)
        for name, column in zip(head.schema.names, head.columns):
            _add_array(join("", name), column, into, 1)


def _add_array(path: str, array: Any, into: Sampler, depth: int) -> None:
    """The values of an Arrow array, or of its members; kinds of values that no label has are left out."""
    import pyarrow as pa
    import pyarrow.types as kinds

    type_ = array.type
    if isinstance(type_, pa.ExtensionType):
        array, type_ = array.storage, type_.storage_type
    if kinds.is_dictionary(type_):
        array, type_ = array.dictionary_decode(), type_.value_type
    if depth > DEEPEST:
        return
    if kinds.is_struct(type_):
        for index, member in enumerate(array.flatten()):
            _add_array(join(path, type_.field(index).name), member, into, depth + 1)
    elif kinds.is_map(type_):
        _add_array(f"{path}.key", array.keys[: into.rows * _ITEMS], into, depth + 1)
        _add_array(f"{path}.value", array.items[: into.rows * _ITEMS], into, depth + 1)
    elif kinds.is_list(type_) or kinds.is_large_list(type_) or kinds.is_fixed_size_list(type_):
        _add_array(f"{path}[]", array.flatten()[: into.rows * _ITEMS], into, depth + 1)
    elif kinds.is_timestamp(type_):
        into.add(path, (value for value in array.cast(pa.date32(), safe=False).to_pylist() if value is not None))
    elif kinds.is_binary(type_) and array.nbytes > _FAT * max(len(array), 1):
        into.cut += 1
    elif not (kinds.is_boolean(type_) or kinds.is_null(type_) or kinds.is_time(type_) or kinds.is_duration(type_)):
        into.add(path, (value for value in array.to_pylist() if value is not None))


# ---------------------------------------------------------------- rows


def _avro(reader: RangeReader, into: Sampler) -> None:
    import fastavro

    head = reader.head(_HEAD)
    records = fastavro.reader(io.BytesIO(head))
    types = {each.path: each.type for each in avro.fields_of(records.writer_schema)}
    left = into.per_column(len(types))
    try:
        for record in records:
            reader.check_time()
            _add_value("" if isinstance(record, dict) else "value", record, types, into, 1)
            left -= 1
            if left <= 0:
                return
    except (EOFError, StopIteration, IndexError, ValueError):
        if reader.whole():  # else the block was cut off where reading ended, and the rows before it stand
            raise


def _csv(reader: RangeReader, into: Sampler) -> None:
    table = csv.beginning(reader, _HEAD)
    for index, path in enumerate(table.paths[:MOST_COLUMNS]):
        rows = table.rows[: into.per_column(len(table.paths))]
        into.add(path, (row[index] for row in rows if index < len(row) and row[index].strip()))


def _json(reader: RangeReader, into: Sampler) -> None:
    _add_rows(json.beginning(reader), into)


def _jsonl(reader: RangeReader, into: Sampler) -> None:
    _add_rows(json.beginning_of_lines(reader), into)


def _add_rows(table: json.Beginning, into: Sampler) -> None:
    types = {each.path: each.type for each in table.fields}
    for row in table.rows[: into.per_column(len(types))]:
        if table.keyed and isinstance(row, dict):
            into.add("key", row)
            for value in row.values():
                _add_value("value", value, types, into, 1)
        else:
            _add_value("" if isinstance(row, dict) else "value", row, types, into, 1)


def _add_value(path: str, value: Any, types: Mapping[str, str], into: Sampler, depth: int) -> None:
    """A value of a row, or its members, at the paths that the schema knows."""
    if depth > DEEPEST:
        return
    if isinstance(value, dict):
        if types.get(path) == "map":
            into.add(f"{path}.key", value)
            for member in _first(value.values()):
                _add_value(f"{path}.value", member, types, into, depth + 1)
        else:
            for key, member in value.items():
                _add_value(join(path, str(key)), member, types, into, depth + 1)
    elif isinstance(value, list):
        for item in _first(value):
            _add_value(f"{path}[]", item, types, into, depth + 1)
    elif path in types and value is not None and not isinstance(value, bool):
        into.add(path, (value,))


def _first(values: Iterable[Any]) -> Iterator[Any]:
    for at, value in enumerate(values):
        if at >= _ITEMS:
            return
        yield value


_READERS: Mapping[str, Callable[[RangeReader, Sampler], None]] = {
    "parquet": _parquet, "orc": _orc, "arrow_file": _arrow_file, "arrow_stream": _arrow_stream, "avro": _avro,
    "csv": _csv, "tsv": _csv, "json": _json, "jsonl": _jsonl,
}  # fmt: skip
SAMPLED = frozenset(_READERS)
"""Formats whose values can be looked at."""
