"""Which of the formats that are ZIP files (APPNOTE.TXT 6.3) a file is, from the member names in view."""

from __future__ import annotations

import re

_LOCAL = re.compile(rb"PK\x03\x04.{22}(..)..", re.DOTALL)
_CENTRAL = re.compile(rb"PK\x01\x02.{24}(..)", re.DOTALL)
_MEDIA = {
    b"application/epub+zip": "epub",
    b"application/vnd.oasis.opendocument.text": "odt",
    b"application/vnd.oasis.opendocument.spreadsheet": "ods",
    b"application/vnd.oasis.opendocument.presentation": "odp",
}


def members(head: bytes, tail: bytes) -> list[str]:
    """Names of the members whose local headers are in `head` or central records in `tail`."""
    found: dict[str, None] = {}
    for pattern, data, skip in ((_LOCAL, head, 30), (_CENTRAL, tail, 46)):
        for match in pattern.finditer(data):
            start = match.start() + skip
            name = data[start : start + int.from_bytes(match[1], "little")]
            found[name.decode("utf-8", "replace")] = None
    return list(found)


def kind(head: bytes, tail: bytes) -> tuple[str, float, str]:
    """Format, confidence and evidence of a ZIP file; `zip` where the members name nothing else."""
    if head[30:38] == b"mimetype":
        for media, name in _MEDIA.items():
            if head.startswith(media, 38):
                return name, 1.0, f"ZIP with mimetype '{media.decode()}'"
    names = members(head, tail)
    for name, evidence in _rules(names):
        return name, 0.98, f"ZIP with member '{evidence}'"
    return "zip", 0.95, "magic 'PK' at 0"


def _rules(names: list[str]) -> list[tuple[str, str]]:
    """Every rule the names fulfil, most specific first, with the member that fulfils it."""
    seen = set(names)
    found: list[tuple[str, str]] = []
    if "[Content_Types].xml" in seen or any(n.startswith("_rels/") for n in names):
        for folder, office in (("word/", "docx"), ("xl/", "xlsx"), ("ppt/", "pptx")):
            found += [(office, folder) for n in names if n.startswith(folder)][:1]
    for member, name in (("AndroidManifest.xml", "apk"), ("META-INF/MANIFEST.MF", "jar"), ("doc.kml", "kmz")):
        if member in seen:
            found.append((name, member))
    found += [("wheel", n) for n in names if re.fullmatch(r"[^/]+\.dist-info/(WHEEL|METADATA|RECORD)", n)][:1]
    found += [("pytorch", "data.pkl") for n in names if n == "data.pkl" or n.endswith("/data.pkl")][:1]
    if "model.weights.h5" in seen or {"config.json", "metadata.json"} <= seen:
        found.append(("keras", "config.json"))
    if names and all(n.endswith(".npy") for n in names):
        found.append(("npz", names[0][:40]))
    return found
