"""ZIP files and the packages that are ZIP files (APPNOTE.TXT 6.3): members from the central directory."""

from __future__ import annotations

from catalog.formats.archives.contents import add_contents
from catalog.formats.base import KIB, RangeReader, parsing
from catalog.formats.vocabulary import Facet
from catalog.formats.zipdir import ZipDirectory
from catalog.model import Facts

_BOMB = 1000
"""Packed this many times smaller, and beyond a gigabyte: nobody should unpack it unasked."""
_HUGE = 1 << 30
_METHODS = {0: "stored", 8: "deflate", 9: "deflate64", 12: "bzip2", 14: "lzma", 93: "zstd", 95: "xz", 99: "aes"}


def inspect(reader: RangeReader) -> Facts:
    """Members of a plain archive."""
    return _inspect(reader, "zip")


def inspect_wheel(reader: RangeReader) -> Facts:
    """Members of a Python wheel, with the name and version of its package."""
    return _inspect(reader, "wheel")


def inspect_jar(reader: RangeReader) -> Facts:
    """Members of a Java archive."""
    return _inspect(reader, "jar")


def inspect_apk(reader: RangeReader) -> Facts:
    """Members of an Android package."""
    return _inspect(reader, "apk")


def inspect_kmz(reader: RangeReader) -> Facts:
    """Members of a zipped KML."""
    return _inspect(reader, "kmz")


def _inspect(reader: RangeReader, format: str) -> Facts:
    with parsing(reader, "a ZIP file"):
        archive, facet = ZipDirectory(reader), Facet()
        members = archive.members
        files = [member for member in members if not member.name.endswith("/")]
        facet.add("members", len(files) if len(members) >= archive.count else archive.count)
        facet.flag("members_cut", len(members) < archive.count)
        unpacked, packed = sum(m.size for m in files), sum(m.packed for m in files)
        facet.add("unpacked_bytes", unpacked)
        facet.flag("encrypted", any(m.encrypted for m in files))
        add_contents([m.name for m in files], facet)
        if format == "wheel":
            _package(archive, facet)
        codecs = sorted({_METHODS.get(m.method, f"method {m.method}") for m in files} - {"stored"})
        bomb = unpacked > _HUGE and unpacked > _BOMB * max(packed, 1)
        detail = f"It would unpack to {unpacked:,} bytes, {unpacked // max(packed, 1):,} times its size."
        codec = "+".join(codecs) or None
        return Facts(format, (), None, codec, facet.details, "unsafe" if bomb else None, detail if bomb else None)


def _package(archive: ZipDirectory, facet: Facet) -> None:
    """Name, version and licence from the METADATA of a wheel (Core metadata specifications)."""
    found = next((m for m in archive.members if m.name.endswith(".dist-info/METADATA")), None)
    if found is None:
        return
    head = archive.read(found, 16 * KIB).decode("utf-8", "replace")
    told: dict[str, str] = {}
    for line in head.split("\n\n")[0].splitlines():
        key, colon, value = line.partition(": ")
        if colon:
            told.setdefault(key, value)
    facet.add("title", told.get("Name"))
    facet.add("version", told.get("Version"))
    facet.add("license", told.get("License-Expression") or told.get("License"))
