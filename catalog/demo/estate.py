"""The demo's files: what a shop that trains models might keep. Generated, the same every time."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import struct
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.demo.disk import write_disk

if TYPE_CHECKING:
    import pyarrow as pa

_JUNE = datetime(2026, 6, 1, 2, 10, tzinfo=UTC)
_OLD = datetime(2023, 11, 5, 4, 0, tzinfo=UTC)
_FLOWERS = ("daisy", "rose", "tulip")
_PAGES = ("/", "/basket", "/checkout", "/flowers", "/help", "/search")
_WORDS = ("fresh", "late", "lovely", "pale", "quick", "red", "small", "sturdy", "sweet", "wilted")


def write(estate: Path) -> None:
    """Write everything below `estate`: the folders of three silos, and the disk image of a fourth."""
    rng = random.Random(7)  # noqa: S311 (sample data, the same on every machine)
    _lake(estate / "lake", rng)
    _lab(estate / "lab", rng)
    _archive(estate / "archive", rng)
    _vault(estate / "vault.img", rng)


def change(estate: Path) -> None:
    """What the next day brings: a partition more, a column more, new weights, a day of logs gone."""
    rng = random.Random(8)  # noqa: S311
    lake, lab = estate / "lake", estate / "lab"
    _write_parquet(lake / "clicks/date=2026-07-01/part-00000.parquet", _clicks(rng, _JUNE + timedelta(30), True))
    _write_parquet(lake / "clicks/date=2026-06-30/part-00001.parquet", _clicks(rng, _JUNE + timedelta(29), True))
    _write_text(lake / "orders/orders-2026-06.csv", _orders(rng, 6, "gift_card"))
    shutil.rmtree(lake / "logs/2026/06/01")
    _write_bytes(lab / "models/reviews-tiny/model.safetensors", _weights(rng, layers=5))
    _write_text(lab / "exports/survey-followup.csv", _survey(rng))
    (lab / "notebooks/scratch.json").unlink()


# ---------------------------------------------------------------- the silos


def _lake(root: Path, rng: random.Random) -> None:
    import fastavro
    import pyarrow.orc as orc

    for day in range(30):
        moment = _JUNE + timedelta(days=day)
        for number in range(2):
            path = root / f"clicks/date={moment:%Y-%m-%d}/part-{number:05}.parquet"
            _write_parquet(path, _clicks(rng, moment), moment)
        for hour in range(0, 24, 6):
            path = root / f"logs/{moment:%Y/%m/%d}/shop-{hour:02}.jsonl"
            _write_text(path, _log(rng, moment, hour), moment)
    for month in range(1, 7):
        _write_text(root / f"orders/orders-2026-{month:02}.csv", _orders(rng, month), _JUNE)
    for region in ("eu", "us", "jp"):
        path = _place(root / f"sensors/region={region}/greenhouse.orc")
        orc.write_table(_readings(rng), str(path), compression="zlib")
        _date(path, _JUNE + timedelta(days=3))
    for number in range(6):
        path = _place(root / f"payments/payments-{number:03}.avro")
        with path.open("wb") as file:
            fastavro.writer(file, _PAYMENT, _payments(rng), codec="deflate", sync_marker=bytes(range(16)))
        _date(path, _JUNE + timedelta(days=number))
    _delta(root / "warehouse/stock", rng)
    for number in range(4):
        path = root / f"features/reviews/part-{number:05}.parquet"
        _write_parquet(path, _features(rng), _JUNE)


def _lab(root: Path, rng: random.Random) -> None:
    import pyarrow as pa

    for split, count in (("train", 12), ("validation", 2), ("test", 2)):
        for number in range(count):
            path = root / f"corpora/reviews/{split}-{number:05}-of-{count:05}.parquet"
            _write_parquet(path, _reviews(rng, split), _JUNE)
    for flower in _FLOWERS:
        for number in range(1, 41):
            _write_bytes(root / f"images/{flower}/img_{number:04}.png", _png(rng), _JUNE)
    model = root / "models/reviews-tiny"
    _write_text(model / "config.json", json.dumps({"model_type": "bert", "hidden_size": 32, "num_labels": 5}), _JUNE)
    _write_text(model / "tokenizer.json", json.dumps({"version": "1.0", "model": {"vocab": list(_WORDS)}}), _JUNE)
    _write_bytes(model / "model.safetensors", _weights(rng, layers=4), _JUNE)
    _cards(root / "models", rng)
    embeddings = _embeddings(rng)
    for name, new in (("embeddings.arrow", pa.ipc.new_file), ("embeddings-stream.arrows", pa.ipc.new_stream)):
        path = _place(root / "features" / name)
        with new(str(path), embeddings.schema) as writer:
            writer.write_table(embeddings)
        _date(path, _JUNE)
    _write_text(root / "exports/survey.csv", _survey(rng), _JUNE)
    runs = [{"run": number, "loss": round(1 / (number + 1), 4)} for number in range(20)]
    _write_text(root / "notebooks/scratch.json", json.dumps(runs), _JUNE)
    _write_text(root / "README.md", "# Lab\n\nOne folder for each experiment; ask before removing corpora.\n", _JUNE)
    _mishaps(root / "exports", rng)


def _cards(models: Path, rng: random.Random) -> None:
    """What the two models say of themselves: what they were made from."""
    tiny = {"base_model": "google/bert_uncased_L-2_H-128_A-2", "language": "en", "license": "apache-2.0"}
    _write_text(models / "reviews-tiny/README.md", _card(tiny, "Rates a review from 1 to 5."), _JUNE)
    small = models / "reviews-tiny-int8"
    _write_text(small / "config.json", json.dumps({"model_type": "bert", "hidden_size": 32, "num_labels": 5}), _JUNE)
    _write_bytes(small / "model.safetensors", _weights(rng, layers=2), _JUNE)
    made = {"base_model": "../reviews-tiny", "base_model_relation": "quantized", "language": "en"}
    _write_text(small / "README.md", _card(made, "The same, in eight bits."), _JUNE)


def _card(front: dict[str, str], text: str) -> str:
    return _lines(["---", *(f"{key}: {value}" for key, value in front.items()), "---", "", text])


def _vault(image: Path, rng: random.Random) -> None:
    """A volume on a shelf: the reviews as the shop exported them."""
    files = {f"reviews/reviews-2025-q{quarter}.csv": _exported(rng, quarter).encode() for quarter in range(1, 5)}
    files["README.txt"] = b"Exports of the shop. Copy from here; nothing else holds them.\n"
    write_disk(image, files, _OLD, "vault")
    _date(image, _OLD)


def _mishaps(root: Path, rng: random.Random) -> None:
    """What every real estate has: an upload that was cut off, and a file with the wrong name."""
    _write_parquet(root / "basket-sizes.parquet", _readings(rng), _JUNE)
    whole = (root / "basket-sizes.parquet").read_bytes()
    _write_bytes(root / "basket-sizes.parquet", whole[: len(whole) // 2], _JUNE)
    _write_parquet(_place(root / "customers.csv"), _customers(rng), _JUNE)


def _archive(root: Path, rng: random.Random) -> None:
    for day in range(40):
        moment = _OLD - timedelta(days=day)
        packed = gzip.compress(_log(rng, moment, 0).encode(), mtime=0)
        _write_bytes(root / f"logs/{moment:%Y-%m-%d}/shop.jsonl.gz", packed, moment)
    for month in range(1, 13):
        _write_text(root / f"orders-2022/orders-2022-{month:02}.csv", _orders(rng, month), _OLD)
    _write_text(root / "MOVED.txt", "Orders before 2022 are on tape.\n", _OLD)


# ---------------------------------------------------------------- what is in the files


def _clicks(rng: random.Random, day: datetime, referrer: bool = False) -> pa.Table:
    import pyarrow as pa

    rows = range(40)
    columns: dict[str, Any] = {
        "user_id": pa.array([rng.randrange(1, 5000) for _ in rows], pa.int64()),
        "page": [rng.choice(_PAGES) for _ in rows],
        "clicked_at": pa.array(
            [day.replace(tzinfo=None) + timedelta(seconds=rng.randrange(70_000)) for _ in rows], pa.timestamp("us")
        ),
        "milliseconds": pa.array([rng.randrange(20, 3000) for _ in rows], pa.int32()),
    }
    if referrer:
        columns["referrer"] = [rng.choice(("mail", "search", None)) for _ in rows]
    return pa.table(columns)


def _reviews(rng: random.Random, split: str) -> pa.Table:
    import pyarrow as pa

    rows = range(50)
    return pa.table(
        {
            "review_id": pa.array([rng.getrandbits(40) for _ in rows], pa.int64()),
            "text": [" ".join(rng.choices(_WORDS, k=12)) for _ in rows],
            "stars": pa.array([rng.randrange(1, 6) for _ in rows], pa.int8()),
            "split": [split for _ in rows],
        }
    )


def _features(rng: random.Random) -> pa.Table:
    import pyarrow as pa

    rows = range(60)
    return pa.table(
        {
            "review_id": pa.array([rng.getrandbits(40) for _ in rows], pa.int64()),
            "tokens": pa.array([[rng.randrange(30_000) for _ in range(12)] for _ in rows], pa.list_(pa.int32())),
            "stars": pa.array([rng.randrange(1, 6) for _ in rows], pa.int8()),
        }
    )


def _exported(rng: random.Random, quarter: int) -> str:
    rows = [["review_id", "customer_email", "written_on", "stars", "text"]]
    for _ in range(120):
        day = f"2025-{3 * quarter - rng.randrange(3):02}-{rng.randrange(1, 29):02}"
        words = " ".join(rng.choices(_WORDS, k=8))
        address, stars = f"user{rng.randrange(9999)}@example.com", str(rng.randrange(1, 6))
        rows.append([str(rng.getrandbits(40)), address, day, stars, words])
    return _lines(",".join(row) for row in rows)


def _readings(rng: random.Random) -> pa.Table:
    import pyarrow as pa

    rows = range(200)
    return pa.table(
        {
            "sensor": [f"g{rng.randrange(12):02}" for _ in rows],
            "celsius": [round(rng.gauss(21, 3), 2) for _ in rows],
            "humidity": [round(rng.uniform(0.3, 0.9), 3) for _ in rows],
        }
    )


def _customers(rng: random.Random) -> pa.Table:
    import pyarrow as pa

    rows = range(100)
    return pa.table({"customer_id": list(rows), "email": [f"user{rng.randrange(9999)}@example.com" for _ in rows]})


def _embeddings(rng: random.Random) -> pa.Table:
    import pyarrow as pa

    vectors = [[rng.uniform(-1, 1) for _ in range(16)] for _ in range(100)]
    return pa.table(
        {"review_id": list(range(100)), "vector": pa.array(vectors, pa.list_(pa.float32(), 16))}
    )


_PAYMENT = {
    "type": "record",
    "name": "Payment",
    "fields": [
        {"name": "payment_id", "type": "long"},
        {"name": "order_id", "type": "long"},
        {"name": "amount", "type": "double"},
        {"name": "method", "type": {"type": "enum", "name": "Method", "symbols": ["card", "transfer", "voucher"]}},
    ],
}


def _payments(rng: random.Random) -> list[dict[str, Any]]:
    return [
        {
            "payment_id": rng.getrandbits(40),
            "order_id": rng.randrange(10**6),
            "amount": round(rng.uniform(4, 120), 2),
            "method": rng.choice(("card", "transfer", "voucher")),
        }
        for _ in range(60)
    ]


def _orders(rng: random.Random, month: int, *more: str) -> str:
    rows = [["order_id", "customer_email", "ordered_on", "total", *more]]
    for number in range(80):
        day = f"2026-{month:02}-{rng.randrange(1, 29):02}"
        cells = [f"{month:02}{number:05}", f"user{rng.randrange(9999)}@example.com", day, f"{rng.uniform(5, 200):.2f}"]
        rows.append([*cells, *("no" for _ in more)])
    return _lines(",".join(row) for row in rows)


def _survey(rng: random.Random) -> str:
    rows = [["respondent", "email", "likes", "would_return"]]
    for number in range(60):
        address = f"user{rng.randrange(9999)}@example.com"
        rows.append([str(number), address, rng.choice(_FLOWERS), rng.choice(("true", "false"))])
    return _lines(";".join(row) for row in rows)


def _log(rng: random.Random, day: datetime, hour: int) -> str:
    first = day.replace(hour=hour, minute=0)
    return _lines(
        json.dumps(
            {
                "time": (first + timedelta(minutes=minute * 9)).isoformat(),
                "level": rng.choice(("info", "info", "info", "warning", "error")),
                "service": rng.choice(("shop", "search", "payment")),
                "request": {"path": rng.choice(_PAGES), "milliseconds": rng.randrange(5, 900)},
            }
        )
        for minute in range(20)
    )


def _weights(rng: random.Random, *, layers: int) -> bytes:
    """A safetensors file: the header's length (u64, little-endian), a JSON header, the tensors."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt", "seed": str(rng.randrange(1000))}}
    for layer in range(layers):
        offsets = [layer * 4096, (layer + 1) * 4096]
        header[f"encoder.{layer}.weight"] = {"dtype": "F32", "shape": [32, 32], "data_offsets": offsets}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + bytes(4096 * layers)


def _png(rng: random.Random) -> bytes:
    """A valid PNG of 8 by 8 pixels (RGB, 8 bits) in one colour and its shades."""
    colour = [rng.randrange(256) for _ in range(3)]
    rows = b"".join(b"\0" + bytes((c + 8 * y) % 256 for _ in range(8) for c in colour) for y in range(8))
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    packed = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def _delta(root: Path, rng: random.Random) -> None:
    """A table as Delta Lake lays it out: Parquet files, and a log that says which of them count."""
    for number in range(4):
        path = root / f"part-{number:05}-{rng.getrandbits(64):016x}.snappy.parquet"
        _write_parquet(path, _readings(rng).select(["sensor", "celsius"]), _JUNE)
        add = {"add": {"path": path.name, "size": path.stat().st_size, "dataChange": True, "partitionValues": {}}}
        actions = [add] if number else [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}, add]
        _write_text(root / f"_delta_log/{number:020}.json", _lines(map(json.dumps, actions)), _JUNE)


# ---------------------------------------------------------------- writing


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _place(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _write_parquet(path: Path, table: pa.Table, moment: datetime | None = None) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, _place(path), compression="snappy")
    _date(path, moment)


def _write_text(path: Path, text: str, moment: datetime | None = None) -> None:
    _write_bytes(path, text.encode(), moment)


def _write_bytes(path: Path, content: bytes, moment: datetime | None = None) -> None:
    _place(path).write_bytes(content)
    _date(path, moment)


def _date(path: Path, moment: datetime | None) -> None:
    """Set a file's time; without a moment it stays that of writing."""
    if moment is not None:
        os.utime(path, (moment.timestamp(), moment.timestamp()))
