"""Which of the formats that are ZIP files (APPNOTE.TXT 6.3) a file is, from the member names in view."""

from __future__ import annotations

import re

_LOCAL = re.compile(rb"PK\x03\x04.{22}(..)..", re.DOTALL)
_CENTRAL = re.compile(rb"PK\x01\x02.{24}(..)", re.DOTALL)
_END = re.compile(rb"PK\x05\x06.{16}(..)", re.DOTALL)
_MEDIA = {
    b"application/epub+zip": "epub",
    b"application/vnd.oasis.opendocument.text": "odt",
    b"application/vnd.oasis.opendocument.spreadsheet": "ods",
    b"application/vnd.oasis.opendocument.presentation": "odp",
}
_OFFICE = {"word/": "docx", "xl/": "xlsx", "ppt/": "pptx"}


def members(head: bytes, tail: bytes) -> list[str]:
    """Names of the members whose local headers are in `head` or central records in `tail`."""
    found: dict[str, None] = {}
    for pattern, data, skip in ((_LOCAL, head, 30), (_CENTRAL, tail, 46)):
        for match in pattern.finditer(data):
            start = match.start() + skip
            name = data[start : start + int.from_bytes(match[1], "little")]
            found[name.decode("utf-8", "replace")] = None
    return list(found)


def ends_as_zip(tail: bytes) -> bool:
    """Whether a central directory's end record, with its comment, closes the file."""
    ending = _END.search(tail, max(tail.rfind(b"PK\x05\x06"), 0))
    return ending is not None and ending.end() + int.from_bytes(ending[1], "little") == len(tail)


def kind(head: bytes, tail: bytes) -> tuple[str, float, str]:
    """Format, confidence and evidence of a ZIP file; `zip` where the members in view name nothing else."""
    if head[30:38] == b"mimetype":
        for media, name in _MEDIA.items():
            if head.startswith(media, 38):
                return name, 1.0, f"ZIP with mimetype '{media.decode()}'"
    return of_names(members(head, tail))


def of_names(names: list[str]) -> tuple[str, float, str]:
    """As `kind`, from member names alone."""
    for rule in (_office, _packages, _models, _geo):
        if found := rule(names, set(names)):
            return found[0], 0.98, f"ZIP with member '{found[1][:60]}'"
    return "zip", 0.95, "magic 'PK' at 0"


def _first(names: list[str], pattern: str) -> str | None:
    rule = re.compile(pattern)
    return next((name for name in names if rule.fullmatch(name)), None)


def _office(names: list[str], seen: set[str]) -> tuple[str, str] | None:
    if "[Content_Types].xml" not in seen and not any(n.startswith("_rels/") for n in names):
        return None
    return next(((_OFFICE[top], top) for n in names for top in _OFFICE if n.startswith(top)), None)


def _packages(names: list[str], seen: set[str]) -> tuple[str, str] | None:
    for member, name in (("AndroidManifest.xml", "apk"), ("META-INF/MANIFEST.MF", "jar")):
        if member in seen:
            return name, member
    found = _first(names, r"[^/]+\.dist-info/(WHEEL|METADATA|RECORD)")
    return ("wheel", found) if found else None


def _models(names: list[str], seen: set[str]) -> tuple[str, str] | None:
    if found := _first(names, r"(.*/)?data\.pkl"):
        top = found[: -len("data.pkl")]
        scripted = f"{top}constants.pkl" in seen or any(n.startswith(f"{top}code/") for n in names)
        return ("torchscript", f"{top}constants.pkl") if scripted else ("pytorch", found)
    if "model.weights.h5" in seen or {"config.json", "metadata.json"} <= seen:
        return "keras", "config.json"
    if found := _first(names, r"(.*/)?(\.zgroup|\.zarray|zarr\.json)"):
        return "zarr", found
    return ("npz", names[0]) if names and all(n.endswith(".npy") for n in names) else None


def _geo(names: list[str], seen: set[str]) -> tuple[str, str] | None:
    if "doc.kml" in seen:
        return "kmz", "doc.kml"
    kml = _first(names, r"[^/]+\.kml")
    return ("kmz", kml) if kml and len(names) < 3 else None
