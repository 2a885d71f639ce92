"""Signatures that need a second look: one small check a format, over a file's first and last kilobytes."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import NamedTuple


class Match(NamedTuple):
    """A recognised format, how sure (0 to 1), and the bytes or structure that decided."""

    format: str
    confidence: float
    evidence: str


class Ends(NamedTuple):
    """The two ends of a file; `size` is None where unknown. `tail` may be empty."""

    head: bytes
    tail: bytes
    size: int | None


def looks_text(data: bytes) -> bool:
    """Whether nothing in the first half kilobyte speaks against plain text; too short a piece never does."""
    return len(data) >= 16 and not _CONTROLS.search(data[:512])


_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def _parquet(ends: Ends) -> Match | None:
    for magic, note in ((b"PAR1", ""), (b"PARE", ", encrypted footer")):
        at_end = ends.tail.endswith(magic)
        if not at_end and looks_text(ends.head):
            continue
        if ends.head.startswith(magic) or (at_end and ends.head.startswith(b"PAR1")):
            where = "at 0 and at end" if at_end else "at 0, not at end"
            return Match("parquet", 1.0 if at_end else 0.7, f"magic '{magic.decode()}' {where}{note}")
    return None


def _arrow_stream(ends: Ends) -> Match | None:
    """An IPC message: continuation, length, a flatbuffer that is a Schema (Columnar.rst, Serialization)."""
    head = ends.head
    at = 8 if head.startswith(b"\xff\xff\xff\xff") else 4  # before 0.15 there was no continuation mark
    if len(head) < at + 32:
        return None
    length, root = struct.unpack_from("<iI", head, at - 4)
    if length <= 16 or not 4 <= root < min(length, 256) or at + root + 4 > len(head):
        return None
    table = at + root
    vtable = table - struct.unpack_from("<i", head, table)[0]
    if not at <= vtable <= len(head) - 10:
        return None
    slots = struct.unpack_from("<5H", head, vtable)  # vtable size, table size, version, header type, header
    kind = table + slots[3]
    if not 8 <= slots[0] <= 20 or slots[3] < 4 or kind >= len(head) or head[kind] != 1:
        return None
    return Match("arrow_stream", 0.98 if at == 8 else 0.9, "IPC schema message at 0")


def _orc(ends: Ends) -> Match | None:
    if not ends.head.startswith(b"ORC"):
        return None
    if ends.tail[-4:-1] == b"ORC":  # PostScript.magic, then its length in one byte
        return Match("orc", 1.0, "magic 'ORC' at 0 and at end")
    return None if looks_text(ends.head) else Match("orc", 0.7, "magic 'ORC' at 0, not at end")


def _hdf5(ends: Ends) -> Match | None:
    for at in (0, 512, 1024, 2048):
        if ends.head.startswith(b"\x89HDF\r\n\x1a\n", at):
            if ends.head.startswith(b"MATLAB 7.3"):
                return Match("mat", 1.0, "MATLAB 7.3 header before HDF5")
            if b"_NCProperties" in ends.head:
                return Match("netcdf4", 1.0, "HDF5 with _NCProperties")
            return Match("hdf5", 1.0, f"magic 'HDF' at {at}")
    return None


def _dicom(ends: Ends) -> Match | None:
    if ends.head.startswith(b"DICM", 128):
        also = ", also a TIFF header" if ends.head[:4] in (b"II*\0", b"MM\0*") else ""
        return Match("dicom", 1.0, f"magic 'DICM' at 128{also}")
    if re.match(rb"\x08\0[\0-\x18]\0(UL|CS|UI|DA|SH)", ends.head):  # no preamble, explicit VR, group 0008
        return Match("dicom", 0.8, "DICOM elements of group 0008 at 0")
    return None


def _tiff(ends: Ends) -> Match | None:
    if ends.head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return Match("tiff", 0.98, "TIFF byte order mark at 0")
    return None


def _riff(ends: Ends) -> Match | None:
    head = ends.head
    kind = {b"WAVE": "wav", b"AVI ": "avi", b"WEBP": "webp"}.get(head[8:12])
    if kind and head[:4] in (b"RIFF", b"RIFX", b"RF64"):
        return Match(kind, 1.0, f"RIFF of type '{head[8:12].decode().strip()}'")
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return Match("aiff", 1.0, "FORM of type 'AIFF'")
    return None


_BRANDS = {
    b"qt  ": "mov", b"M4A ": "m4a", b"M4B ": "m4a", b"heic": "heic", b"heix": "heic", b"mif1": "heic",
    b"msf1": "heic", b"hevc": "heic", b"avif": "avif", b"avis": "avif",
}  # fmt: skip


def _mp4(ends: Ends) -> Match | None:
    box, brand = ends.head[4:8], ends.head[8:12]
    if box == b"ftyp":
        return Match(_BRANDS.get(brand, "mp4"), 1.0, "box 'ftyp' at 4")
    if box in (b"moov", b"mdat", b"wide") and ends.head[:2] == b"\0\0":
        return Match("mov", 0.8, f"box '{box.decode()}' at 4")
    return None


def _matroska(ends: Ends) -> Match | None:
    if not ends.head.startswith(b"\x1a\x45\xdf\xa3"):
        return None
    return Match("webm" if b"webm" in ends.head[:64] else "matroska", 1.0, "EBML header at 0")


def _class_or_fat(ends: Ends) -> Match | None:
    if not ends.head.startswith(b"\xca\xfe\xba\xbe") or len(ends.head) < 8:
        return None
    # A fat Mach-O has a small number of architectures here; a class file its version, 45 and up.
    if struct.unpack_from(">I", ends.head, 4)[0] < 40:
        return Match("macho", 0.95, "fat Mach-O magic at 0")
    return Match("java_class", 0.95, "magic 'CAFEBABE' at 0")


def _pe(ends: Ends) -> Match | None:
    if not ends.head.startswith(b"MZ") or len(ends.head) < 64:
        return None
    at = struct.unpack_from("<I", ends.head, 60)[0]
    return Match("pe", 1.0, f"'PE' header at {at}") if ends.head.startswith(b"PE\0\0", at) else None


def _bzip2(ends: Ends) -> Match | None:
    if re.match(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", ends.head):
        return Match("bzip2", 1.0, "magic 'BZh' and block mark at 0")
    return None


def _bmp(ends: Ends) -> Match | None:
    if ends.head[:2] != b"BM" or len(ends.head) < 18 or ends.head[6:10] != bytes(4):
        return None
    header = struct.unpack_from("<I", ends.head, 14)[0]
    return Match("bmp", 0.98, "'BM' and a DIB header") if header in (12, 40, 52, 56, 64, 108, 124) else None


def _ico(ends: Ends) -> Match | None:
    head = ends.head
    if head[:4] not in (b"\0\0\x01\0", b"\0\0\x02\0") or len(head) < 22:
        return None
    count, at = struct.unpack_from("<H", head, 4)[0], struct.unpack_from("<I", head, 18)[0]
    fits = 0 < count < 64 and head[9] == 0 and 6 + 16 * count <= at < (ends.size or 1 << 24)
    return Match("ico", 0.9, "icon directory at 0") if fits else None


def _ttf(ends: Ends) -> Match | None:
    head = ends.head
    if head[:4] not in (b"\0\x01\0\0", b"true") or len(head) < 32 or not 4 <= head[5] <= 64 or head[4]:
        return None
    named = re.match(rb"[A-Za-z/ 0-9]{4}", head[12:16])
    return Match("ttf", 0.95, "sfnt table directory at 0") if named else None


def _shapefile(ends: Ends) -> Match | None:
    if ends.head[:4] == b"\0\0\x27\x0a" and ends.head[28:32] == b"\xe8\x03\0\0":
        return Match("shapefile", 1.0, "file code 9994 and version 1000")
    return None


def _mpeg_audio(ends: Ends) -> Match | None:
    """Two MPEG audio frames in a row (ISO/IEC 11172-3, 2.4.1.3): one sync word alone is too common."""
    head = ends.head
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 not in (0xE2, 0xE0):
        return None
    if head[1] & 0xF6 == 0xF0:
        length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5 if len(head) > 5 else 0
        again = length > 7 and head[length : length + 1] == b"\xff"
        return Match("aac", 0.9, "two ADTS frames") if again else None
    first = head[1] & 0x18 == 0x18
    rates = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320) if first else (
        0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)  # fmt: skip
    samples = {0x18: (44100, 48000, 32000), 0x10: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
    rate, sampling = head[2] >> 4, head[2] >> 2 & 3
    if rate in (0, 15) or sampling == 3 or head[1] & 0x18 not in samples:
        return None
    hertz = samples[head[1] & 0x18][sampling]
    length = (144 if first else 72) * rates[rate] * 1000 // hertz + (head[2] >> 1 & 1)
    return Match("mp3", 0.95, "two MPEG audio frames") if head[length : length + 2] == head[:2] else None


def _mpeg_ts(ends: Ends) -> Match | None:
    for packet, at in ((188, 0), (192, 4)):
        if len(ends.head) > at + 3 * packet and all(ends.head[at + i * packet] == 0x47 for i in range(4)):
            return Match("mpeg", 0.95, f"sync byte every {packet} bytes")
    return None


def _pickle(ends: Ends) -> Match | None:
    """Protocol 2 and later: PROTO, then FRAME (4, 5) or an opcode that can open a pickle. Never loaded."""
    head = ends.head
    if len(head) < 3 or head[0] != 0x80 or not 2 <= head[1] <= 5:
        return None
    framed = head[1] >= 4 and head[2] == 0x95
    if framed or (head[1] >= 2 and head[2:3] in b"c}](.)NKJMGXBU\x8a\x88\x89\x8c\x8f"):
        return Match("pickle", 0.95 if framed else 0.85, f"pickle protocol {head[1]}")
    return None


def _safetensors(ends: Ends) -> Match | None:
    if len(ends.head) < 10:
        return None
    length = struct.unpack_from("<Q", ends.head)[0]
    if not 2 <= length <= 100_000_000 or (ends.size is not None and length + 8 > ends.size):
        return None
    header = ends.head[8 : 8 + length]
    closed = len(header) < length or header.rstrip().endswith(b"}")
    if closed and header.startswith((b'{"', b"{}", b"{ ")):
        return Match("safetensors", 0.98, f"JSON header of {length} bytes behind its length")
    return None


def _tfrecord(ends: Ends) -> Match | None:
    if len(ends.head) < 16 or (ends.size is not None and ends.size < 16):
        return None
    length, crc = struct.unpack_from("<QI", ends.head)
    if ends.size is not None and length + 16 > ends.size:
        return None
    proven = masked_crc32c(ends.head[:8]) == crc
    return Match("tfrecord", 1.0, "masked CRC of the first record's length") if proven else None


def masked_crc32c(data: bytes) -> int:
    """TensorFlow's masked CRC32C (lib/hash/crc32c.h); bit by bit, as it is only ever fed eight bytes."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) & 0xFFFFFFFF


def _old_tar(ends: Ends) -> Match | None:
    """A tar header without `ustar` proves itself by its checksum (POSIX.1-1988, 10.1.1)."""
    block = ends.head[:512]
    stored = re.fullmatch(rb" *([0-7]{1,6})[\0 ]*", block[148:156])
    if len(block) < 512 or not block[0] or not stored:
        return None
    total = sum(block[:148]) + 8 * 32 + sum(block[156:])
    return Match("tar", 0.9, "tar header checksum") if int(stored[1], 8) == total else None


def _dbf(ends: Ends) -> Match | None:
    head = ends.head
    if len(head) < 33 or head[0] not in (0x03, 0x30, 0x83, 0x8B, 0xF5):
        return None
    if not (1 <= head[2] <= 12 and 1 <= head[3] <= 31):
        return None
    header, record = struct.unpack_from("<HH", head, 8)
    fits = header >= 33 and record > 1 and (header % 32 in (1, 2, 8) or head[0] == 0x30)
    named = re.match(rb"[A-Za-z_0-9]+\0", head[32:43]) is not None
    return Match("dbf", 0.9, "dBASE header and first field") if fits and named else None


def _stata_old(ends: Ends) -> Match | None:
    head = ends.head
    known = len(head) > 109 and head[0] in (0x69, 0x6E, 0x6F, 0x71, 0x72, 0x73)
    if known and head[1] in (1, 2) and head[2:4] == b"\x01\0":
        return Match("stata", 0.8, f"Stata release {head[0]}")
    return None


def _edf(ends: Ends) -> Match | None:
    """EDF's fixed header: version 0, patient and recording, then date and time (edfplus.info, 2.1.1)."""
    if re.match(rb"0 {7}.{160}\d\d\.\d\d\.\d{4}\.\d\d\.\d\d", ends.head, re.DOTALL):
        return Match("edf", 1.0, "EDF header with its date")
    return None


def _netpbm(ends: Ends) -> Match | None:
    if re.match(rb"P[1-7F][fF]?\s+(#[^\n]*\n\s*)*(\d+\s+\d+\s|WIDTH )", ends.head[:256]):
        return Match("netpbm", 0.95, "Netpbm header at 0")
    return None


def _pyc(ends: Ends) -> Match | None:
    head = ends.head
    if len(head) > 16 and head[2:4] == b"\r\n" and head[1] in (0x0C, 0x0D, 0x0E) and head[16] & 0x7F == 0x63:
        return Match("pyc", 0.9, "bytecode magic and a code object")
    return None


def _at_end(ends: Ends) -> Match | None:
    if looks_text(ends.tail[-512:]):
        return None
    if ends.tail.endswith(b"LANC"):
        return Match("lance", 0.98, "magic 'LANC' at end")
    if ends.tail[-512:].startswith(b"conectix"):
        return Match("vhd", 0.98, "footer 'conectix' at end")
    if ends.tail.endswith(b"PAR1") and len(ends.tail) > 12:
        return Match("parquet", 0.7, "magic 'PAR1' at end, not at 0")
    return None


def _boot_sector(ends: Ends) -> Match | None:
    if ends.head[510:512] != b"\x55\xaa" or (ends.size is not None and ends.size % 512):
        return None
    tables = [ends.head[at] for at in (446, 462, 478, 494)]
    if ends.head[54:57] == b"FAT" or ends.head[82:85] == b"FAT" or ends.head[3:8] in (b"NTFS ", b"EXFAT"):
        return Match("disk_image", 0.9, "boot sector of a filesystem")
    plausible = all(table in (0, 0x80) for table in tables)
    return Match("disk_image", 0.7, "boot sector mark at 510") if plausible else None


# DICOM stands before TIFF: a file may carry both headers, and then it is an image for DICOM readers.
BEFORE: tuple[Callable[[Ends], Match | None], ...] = (_parquet, _hdf5, _dicom)
AFTER: tuple[Callable[[Ends], Match | None], ...] = (
    _arrow_stream, _orc, _tiff, _riff, _mp4, _matroska, _class_or_fat, _pe, _bzip2, _bmp, _ico, _ttf,
    _shapefile, _mpeg_audio, _mpeg_ts, _pickle, _safetensors, _tfrecord, _dbf, _stata_old, _edf, _netpbm,
    _pyc, _at_end, _old_tar, _boot_sector,
)  # fmt: skip
