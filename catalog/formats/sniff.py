"""What a file is, from its first and last kilobytes and its name.

Content decides. The name only chooses between kinds of text that content cannot tell apart, and
a name that says something else than the content is a conflict worth showing.
"""

from __future__ import annotations

import pickletools
import zlib

from catalog.formats import guess, protobuf, textual, unpack
from catalog.formats.checks import Match
from catalog.formats.magic import ALWAYS_SIGNED, identify
from catalog.formats.names import BY_NAME, claimed_format
from catalog.model import Sniffed

_INNER = 16 * 1024
_ZIPS = frozenset(
    {"docx", "xlsx", "pptx", "odt", "ods", "odp", "epub", "jar"}
    | {"apk", "wheel", "kmz", "npz", "keras", "pytorch", "torchscript", "zarr"}
)

# What a claim allows besides itself: kinds of it, wrappers of it, and formats that share its ending.
_ALLOWS: dict[str, frozenset[str]] = {
    claim: frozenset(formats.split())
    for claim, formats in {
        "arrow": "arrow_file arrow_stream feather",
        "arrow_stream": "arrow",
        "csv": "tsv",
        "tsv": "csv",
        "json": "jsonl geojson ipynb",
        "geojson": "json",
        "ipynb": "json",
        "yaml": "json jsonl",
        "xml": "svg html kml gpx feed pmml graphml plist",
        "feed": "xml",
        "plist": "xml",
        "graphml": "xml",
        "pmml": "xml",
        "html": "xml svg",
        "kml": "xml",
        "gpx": "xml",
        "svg": "xml",
        "hdf5": "netcdf4 mat keras_h5 anndata",
        "anndata": "hdf5",
        "netcdf": "netcdf3 netcdf4 hdf5",
        "mat": "hdf5",
        "hdf4": "hdf5",
        "tiff": "raw_photo",
        "raw_photo": "tiff",
        "mp4": "mov m4a",
        "mov": "mp4 m4a",
        "m4a": "mp4 mov",
        "heic": "avif",
        "matroska": "webm",
        "webm": "matroska",
        "aac": "m4a mp4",
        "ogg": "ogv",
        "mp3": "aac",
        "mpeg": "mp4",
        "ttf": "otf",
        "otf": "ttf",
        "sqlite": "geopackage mbtiles",
        "doc": "ole rtf",
        "xls": "ole",
        "ppt": "ole",
        "pem": "pgp",
        "pgp": "pem",
        "pytorch": "pickle zip torchscript tar joblib",
        "pickle": "gzip bzip2 xz lz4 lzma zlib npy joblib pytorch torchscript",
        "joblib": "pickle gzip bzip2 xz lz4 lzma zlib",
        "protobuf": "onnx saved_model graphdef coreml caffe sentencepiece",
        "keras": "hdf5 keras_h5",
        "bam": "gzip",
        "bcf": "gzip vcf",
        "tex": "bibtex",
        "spss": "idl",
        "stl": "text",
        "rds": "gzip bzip2 xz",
        "nifti": "gzip",
        "typescript": "mpeg",
        "hdr": "text nifti",
        "zip": " ".join(_ZIPS),
        "tar": "gzip bzip2 xz zstd lz4",
        "jar": "apk zip",
        "qcow2": "disk_image",
        "iso": "disk_image",
        "vhd": "disk_image",
        "text": "log csv tsv",
    }.items()
}
_ARCHIVES = frozenset({"gzip", "zstd", "xz", "bzip2", "lz4", "snappy", "brotli", "compress", "lzip", "zlib", "lzma"})
_STRUCTURED = frozenset({"csv", "tsv", "json", "jsonl", "ipynb", "geojson", "kml", "gpx", "svg", "xml", "yaml"})
"""Kinds of text that their readers refuse when the content is another kind."""
_OPEN_ENDED = frozenset({"text", "log"})
"""Claims that any text fulfils: what else it may be is only more specific."""
_AMBIGUOUS = frozenset({"obj", "pdb", "bed", "sam", "cif", "dot", "gettext", "tex", "calendar", "matlab", "log"})
"""Formats whose endings other programs use for files of their own, which nobody mislabelled."""
_THROUGH = frozenset({"tar", "nifti", "bam", "bcf", "rds"})
"""What a compressed file is called after, besides text."""


def sniff(head: bytes, tail: bytes, name: str, size: int | None) -> Sniffed:
    """The format of a file whose first and last bytes (4 KiB or more, if it has them) are given.

    `tail` may be empty for a file that `head` holds completely. `size` is None where unknown.
    `Sniffed.format` is `unknown` when neither a signature fits nor text is found.
    """
    claimed = claimed_format(name)
    whole = size is not None and len(head) >= size
    if not head:
        return _empty(claimed)
    match = identify(head, tail or (head if whole else b""), size)
    if match and match.format in _ARCHIVES:
        match = _inside(match, head, whole, claimed)
    match = match or _text(head, tail, whole, claimed) or _only_by_name(head, size, claimed)
    if match is None:
        return _unknown(head, claimed)
    return concluded(match, claimed)


def concluded(match: Match, claimed: str | None) -> Sniffed:
    """The answer, once the content is known and the name is heard."""
    match = _by_name(match, claimed)
    conflict = _contradicts(match.format, claimed)
    return Sniffed(match.format, match.confidence, match.evidence, claimed, conflict, match.also)


def _empty(claimed: str | None) -> Sniffed:
    known = BY_NAME.get(claimed or "")
    if known and known.text:
        return Sniffed(known.name, 0.5, "empty file, format by name", claimed)
    return Sniffed("unknown", 0.0, "empty file", claimed, conflict=claimed in ALWAYS_SIGNED)


def _unknown(head: bytes, claimed: str | None) -> Sniffed:
    evidence = "only zero bytes" if not head.strip(b"\0") else "binary data without a known signature"
    known = BY_NAME.get(claimed or "")
    signed = known is not None and (known.text or known.name in ALWAYS_SIGNED)
    return Sniffed("unknown", 0.0, evidence, claimed, signed and claimed not in _AMBIGUOUS)


def _contradicts(format: str, claimed: str | None) -> bool:
    if claimed is None or format == claimed or format in _ALLOWS.get(claimed, ()):
        return False
    known, claim = BY_NAME[format], BY_NAME[claimed]
    if claimed in _ARCHIVES:
        return format not in _ARCHIVES and format not in ("tar", "nifti") and not known.text
    if known.text and claim.text:
        return format == "lfs_pointer" or claimed in _STRUCTURED
    # Endings such as `.key` and `.seq` have many meanings: text there contradicts only what must be signed.
    return (not known.text and claimed not in _AMBIGUOUS) or claimed in ALWAYS_SIGNED


def _by_name(match: Match, claimed: str | None) -> Match:
    """Where content cannot tell two formats apart, the name may."""
    if match.format == "ole" and claimed in ("doc", "xls", "ppt"):
        return Match(claimed, 0.9, f"{match.evidence}, kind by name")
    if match.format == "zip" and claimed in _ZIPS:
        return Match(claimed, 0.7, f"{match.evidence}, kind by name")
    if match.format == "tiff" and claimed == "raw_photo":
        return Match(claimed, 0.9, f"{match.evidence}, kind by name")
    if match.format == "pickle" and claimed in ("pytorch", "joblib"):
        return Match(claimed, 0.7, f"{match.evidence}, kind by name")
    return match


def _only_by_name(head: bytes, size: int | None, claimed: str | None) -> Match | None:
    """Formats without a signature that a name and a fitting structure make believable together."""
    if claimed in ("pickle", "joblib", "pytorch") and _opcodes(head):
        return Match("pickle", 0.7, "opcodes of an old pickle protocol, kind by name")
    if claimed == "protobuf" and protobuf.plausible(head, size):
        return Match("protobuf", 0.6, "fields of a protobuf message, kind by name")
    return None


def _opcodes(head: bytes) -> bool:
    """Whether `head` begins with opcodes of a pickle: protocols 0 and 1 have no signature. Nothing is run."""
    count = 0
    try:
        for opcode, _, _ in pickletools.genops(head):
            count += 1
            if opcode.name == "STOP" or count == 12:
                return True
    except Exception:  # noqa: BLE001 - pickletools raises what its parts raise; then it is no pickle
        return count >= 12
    return False


def _zlib_pickle(head: bytes) -> str | None:
    """joblib's `compress=` writes zlib without any header around a pickle."""
    inner = zlib.decompressobj().decompress(head, 64)
    return "zlib, in it a pickle" if inner[:1] == b"\x80" and inner[1:2] <= b"\x05" else None


# ---------------------------------------------------------------- compressed


def _inside(outer: Match, head: bytes, whole: bool, claimed: str | None) -> Match:
    """What a compressed file holds, where that is text, tar or NIfTI; else the compression itself."""
    if outer.format in ("zlib", "lzma"):  # no reader looks into these, but for joblib
        inside = _zlib_pickle(head) if outer.format == "zlib" else None
        return Match("joblib", 0.9, inside) if inside else outer
    try:
        inner = unpack.unpack(head, outer.format, _INNER) if unpack.codec_of(head) else None
    except Exception:  # noqa: BLE001 - each decompressor has errors of its own; the signature still stands
        return Match(outer.format, 0.5, f"{outer.evidence}, does not decompress")
    by_claim = claimed is not None and claimed not in _ARCHIVES
    if inner is None or not inner.data:
        known = by_claim and claimed is not None and (BY_NAME[claimed].text or claimed == "tar")
        return Match(claimed or "", 0.6, f"{outer.evidence}, content by name") if known else outer
    complete = whole and inner.ended
    found = identify(inner.data, inner.data[-4096:] if complete else b"", None)
    if found is None:
        found = _text(inner.data, b"", complete, claimed if by_claim else None)
        if found and found.confidence < 0.75 and not by_claim:
            return outer  # compressed prose says less than the compression does
    elif claimed == "joblib" and found.format in ("pickle", "joblib"):
        return Match("joblib", 0.9, f"{outer.format}, in it {found.evidence}")
    elif found.format not in _THROUGH and found.format != claimed:
        return Match(outer.format, outer.confidence, f"{outer.evidence}, in it {found.evidence}")
    if found is None:
        return outer
    return Match(found.format, found.confidence, f"{outer.format}, in it {found.evidence}")


# ---------------------------------------------------------------- text


def _text(head: bytes, tail: bytes, whole: bool, claimed: str | None) -> Match | None:
    decoded = textual.decode(head, whole)
    if decoded is None:
        return None
    text, encoding = decoded
    match = _kind_of_text(text, whole, claimed)
    if claimed in ("pickle", "joblib", "pytorch") and _opcodes(head):
        return Match("pickle", 0.7, "text that is pickle protocol 0, kind by name")
    if encoding not in ("utf-8", "utf-8-sig"):
        match = Match(match.format, min(match.confidence, 0.9), f"{match.evidence} ({encoding})")
    if b"\0" in tail and not encoding.startswith(("utf-16", "utf-32")):
        match = Match(match.format, match.confidence / 2, f"{match.evidence}, binary at its end")
    return match


def _kind_of_text(text: str, whole: bool, claimed: str | None) -> Match:
    claim = BY_NAME.get(claimed or "")
    shape = textual.structure(text, whole)
    if shape and shape.format == "lfs_pointer":
        return shape
    if claim is None or not claim.text or claim.name in _OPEN_ENDED:
        if shape or claim is None or not claim.text:
            return shape or guess.guess(text, whole)
        # A log is a log and prose is prose, unless every record says it is a table.
        return guess.delimited(text, whole, strict=True) or Match(claim.name, 0.7, "text, kind by name")
    if claim.name in ("csv", "tsv"):
        return _delimited(text, whole, claim.name, shape)
    if claim.name in ("json", "jsonl", "geojson", "ipynb"):
        return _json(text, claim.name, shape, whole)
    if claim.name in ("xml", "html", "svg", "kml", "gpx", "yaml") and shape:
        if claim.name == "xml" and text.startswith("<?xml"):
            return Match("xml", 0.97, f"XML declaration, {shape.evidence}") if shape.format == "html" else shape
        return shape
    return Match(claim.name, 0.8, "text, kind by name")


def _delimited(text: str, whole: bool, claimed: str, shape: Match | None) -> Match:
    if shape and shape.format not in ("pem", "vcf"):
        return shape
    found = guess.delimited(text, whole, strict=False)
    # One column is a table too, and so is a ragged one, but only the name can say so.
    return found or Match(claimed, 0.6, "text without clear columns, kind by name")


def _json(text: str, claimed: str, shape: Match | None, whole: bool) -> Match:
    if shape is None:
        start = text.lstrip("\ufeff \t\r\n")[:1]
        if not start or start in '{["0123456789-':  # damaged JSON and bare values are still no other format
            return Match(claimed, 0.5, "blank or starts like JSON, kind by name")
        return guess.guess(text, whole)
    if shape.format == "json" and claimed in ("jsonl", "ipynb", "geojson"):
        one_line = "\n" not in text.strip()
        if claimed != "jsonl" or one_line:
            return Match(claimed, 0.8, f"{shape.evidence}, kind by name")
    return shape
