"""Signatures that need a second look: one small check a format, over a file's first and last kilobytes."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import NamedTuple


class Match(NamedTuple):
    """A recognised format, how sure (0 to 1), and the bytes or structure that decided.

    `also` names other formats whose signature the file carries.
    """

    format: str
    confidence: float
    evidence: str
    also: tuple[str, ...] = ()


class Ends(NamedTuple):
    """The two ends of a file; `size` is None where unknown. `tail` may be empty."""

    head: bytes
    tail: bytes
    size: int | None


def looks_text(data: bytes) -> bool:
    """Whether nothing in the first half kilobyte speaks against plain text; too short a piece never does."""
    start = data[:512]
    return len(data) >= 16 and len(start.translate(None, _CONTROLS)) == len(start)


_CONTROLS = bytes([*range(9), *range(0x0E, 0x1B), *range(0x1C, 0x20), 0x7F])


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
    """HDF5's signature stands at 0, 512, 1024, … (HDF5 File Format Specification, II.A); others build on it."""
    for at in (0, 512, 1024, 2048):
        if ends.head.startswith(b"\x89HDF\r\n\x1a\n", at):
            if ends.head.startswith(b"MATLAB 7.3"):
                return Match("mat", 1.0, "MATLAB 7.3 header before HDF5")
            return hdf5_kind(ends.head, ends.tail) or Match("hdf5", 0.95, f"magic 'HDF' at {at}")
    return None


def hdf5_kind(*pieces: bytes) -> Match | None:
    """What is stored in an HDF5 file, from the attributes that only one kind of writer sets."""
    for name, marks in _HDF5_KINDS:
        for mark in marks:
            if any(mark in piece for piece in pieces):
                return Match(name, 0.98, f"HDF5 with '{mark.decode()}'")
    return None


_HDF5_KINDS: tuple[tuple[str, tuple[bytes, ...]], ...] = (
    ("netcdf4", (b"_NCProperties", b"_Netcdf4Dimid", b"_Netcdf4Coordinates", b"This is a netCDF dimension")),
    ("keras_h5", (b"keras_version", b"model_config", b"layer_names")),
    ("anndata", (b"anndata",)),
)


def _dicom(ends: Ends) -> Match | None:
    if ends.head.startswith(b"DICM", 128):
        if ends.head[:4] in (b"II*\0", b"MM\0*"):
            return Match("dicom", 1.0, "magic 'DICM' at 128, also a TIFF header", ("tiff",))
        return Match("dicom", 1.0, "magic 'DICM' at 128")
    # Without the preamble a data set begins with group 0002 or 0008 (PS3.5, 7.1.2), its VR explicit or not.
    if re.match(rb"[\x02\x08]\0[\0-\x18]\0(UL|CS|UI|DA|SH|OB|LO|TM)", ends.head):
        return Match("dicom", 0.8, "DICOM elements at 0")
    implicit = re.match(rb"\x08\0[\0\x05\x08\x16]\0[\x02-\x40]\0\0\0[\w. \\/-]{2}", ends.head)
    if implicit and b"1.2.840.10008." in ends.head:
        return Match("dicom", 0.75, "DICOM elements of group 0008 at 0, implicit VR")
    return None


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


def _pickle(ends: Ends) -> Match | None:
    """Protocol 2 and later: PROTO, then FRAME (4, 5) or an opcode that can open a pickle. Never loaded."""
    head = ends.head
    if len(head) < 3 or head[0] != 0x80 or not 2 <= head[1] <= 5:
        return None
    framed = head[1] >= 4 and head[2] == 0x95
    if not framed and head[2:3] not in b"c}](.)NKJMGXBU\x8a\x88\x89\x8c\x8f":
        return None
    if b"NumpyArrayWrapper" in head or b"joblib.numpy_pickle" in head:
        return Match("joblib", 0.95, f"pickle protocol {head[1]} with joblib's array wrapper")
    return Match("pickle", 0.95 if framed else 0.85, f"pickle protocol {head[1]}")


def _safetensors(ends: Ends) -> Match | None:
    if len(ends.head) < 10:
        return None
    length = struct.unpack_from("<Q", ends.head)[0]
    if not 2 <= length <= 100_000_000 or (ends.size is not None and length + 8 > ends.size):
        return None
    header = ends.head[8 : 8 + length]
    closed = len(header) < length or header.rstrip().endswith(b"}")
    if closed and re.match(rb"\{\s*[\"}]", header):
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


def _mds(ends: Ends) -> Match | None:
    """MosaicML's shards: a count, as many offsets and one, then the header in JSON."""
    if len(ends.head) < 16:
        return None
    count, first = struct.unpack_from("<II", ends.head)
    begin = 8 + 4 * count
    if not 0 < count < 1 << 28 or not begin < first < begin + (1 << 20) or (ends.size and first > ends.size):
        return None
    if begin < len(ends.head) and not ends.head.startswith(b'{"', begin):
        return None
    rising = struct.unpack_from(f"<{min(count + 1, 64, len(ends.head) // 4 - 1)}I", ends.head, 4)
    return Match("mds", 0.9, f"offsets of {count} samples") if list(rising) == sorted(rising) else None


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


class Mat4(NamedTuple):
    """The header of a variable in a MATLAB 4 file; `length` counts its name, `data` its values, in bytes."""

    kind: str
    rows: int
    columns: int
    length: int
    data: int


_MAT4_KINDS = ("float64", "float32", "int32", "int16", "uint16", "uint8")


def mat4_header(head: bytes) -> Mat4 | None:
    """MATLAB 4 has no signature: a number whose digits are machine, 0, precision and type, then sizes."""
    for order, machine in (("<", 0), (">", 1)) if len(head) >= 20 else ():
        number, rows, columns, imaginary, length = struct.unpack_from(f"{order}5I", head)
        precision, kind = number // 10 % 10, number % 10
        known = number // 1000 == machine and not number // 100 % 10 and precision <= 5 and kind <= 2
        if known and imaginary <= 1 and 2 <= length <= 64:
            width = (8, 4, 4, 2, 2, 1)[precision] * (1 + imaginary)
            named = "string" if kind == 1 else "sparse" if kind == 2 else _MAT4_KINDS[precision]
            return Mat4(named, rows, columns, length, rows * columns * width)
    return None


def _mat4(ends: Ends) -> Match | None:
    found = mat4_header(ends.head)
    if found is None or not found.data or not re.fullmatch(rb"[A-Za-z]\w*\0", ends.head[20 : 20 + found.length]):
        return None
    if ends.size is not None and 20 + found.length + found.data > ends.size:
        return None
    return Match("mat", 0.85, f"MATLAB 4 matrix of {found.rows} by {found.columns}")


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


def _pyc(ends: Ends) -> Match | None:
    head = ends.head
    if len(head) > 16 and head[2:4] == b"\r\n" and head[1] in (0x0C, 0x0D, 0x0E) and head[16] & 0x7F == 0x63:
        return Match("pyc", 0.9, "bytecode magic and a code object")
    return None


def _faiss(ends: Ends) -> Match | None:
    """An index header: kind, dimensions, vectors, and twice the number 2**20 (faiss/impl/index_write.cpp)."""
    head = ends.head
    if head[:1] == b"I" and head[1:4].isalnum() and head[16:32] == (1 << 20).to_bytes(8, "little") * 2:
        return Match("faiss", 0.97, f"FAISS index header '{head[:4].decode()}'")
    return None


def at_end(ends: Ends) -> Match | None:
    """Formats that are told by how they end, whatever stands in front."""
    if looks_text(ends.tail[-512:]):
        return None
    if ends.tail.endswith(b"LANC"):
        return Match("lance", 0.98, "magic 'LANC' at end")
    if ends.tail[-512:].startswith(b"conectix"):
        return Match("vhd", 0.98, "footer 'conectix' at end")
    if ends.tail[-512:].startswith(b"koly\0\0\0\x04"):
        return Match("disk_image", 0.98, "trailer 'koly' of an Apple disk image")
    if ends.tail.endswith(b"PAR1") and len(ends.tail) > 12:
        return Match("parquet", 0.7, "magic 'PAR1' at end, not at 0")
    return None


def _stl(ends: Ends) -> Match | None:
    """Binary STL has no signature, but its size follows from the number of facets at 80."""
    if len(ends.head) < 134 or ends.size is None or ends.head.startswith(b"solid "):
        return None
    count = struct.unpack_from("<I", ends.head, 80)[0]
    fits = count and ends.size == 84 + 50 * count
    return Match("stl", 0.9, f"{count} facets fill the file") if fits else None


def _xgboost(ends: Ends) -> Match | None:
    if re.match(rb"\{L\0{7}.learner\{", ends.head, re.DOTALL) or ends.head.startswith(b"binf\0\0\0"):
        return Match("xgboost", 0.97, "UBJSON of a learner")
    return None


def _lvm_or_swap(ends: Ends) -> Match | None:
    if ends.head[512:520] == b"LABELONE" and ends.head[536:544] == b"LVM2 001":
        return Match("disk_image", 0.98, "label of an LVM volume")
    if ends.head[4086:4096] in (b"SWAPSPACE2", b"SWAP-SPACE"):
        return Match("disk_image", 0.98, "swap signature at 4086")
    return None


_BOOTS = ((3, b"NTFS ", "NTFS"), (3, b"EXFAT ", "exFAT"), (54, b"FAT", "FAT"), (82, b"FAT32", "FAT32"))


def _boot_sector(ends: Ends) -> Match | None:
    if ends.head[510:512] != b"\x55\xaa" or (ends.size is not None and ends.size % 512):
        return None
    for at, mark, name in _BOOTS:
        if ends.head.startswith(mark, at):
            return Match("disk_image", 0.95, f"boot sector of {name}")
    tables = [ends.head[at] for at in (446, 462, 478, 494)]
    plausible = all(table in (0, 0x80) for table in tables)
    return Match("disk_image", 0.7, "partition table at 446") if plausible else None


def netpbm(ends: Ends) -> Match | None:
    """Netpbm, of which half the kinds write their pixels as decimal numbers."""
    if re.match(rb"P[1-7F][fF]?\s+(#[^\n]*\n\s*)*(\d+\s+\d+\s|WIDTH )", ends.head[:256]):
        return Match("netpbm", 0.95, "Netpbm header at 0")
    return None


# What a file may be whose beginning is text: its header is, or what tells lies at its end.
TEXTUAL: tuple[Callable[[Ends], Match | None], ...] = (_parquet, _edf, netpbm)
# DICOM stands before TIFF: a file may carry both headers, and then it is an image for DICOM readers.
BEFORE: tuple[Callable[[Ends], Match | None], ...] = (_parquet, _hdf5, _dicom)
AFTER: tuple[Callable[[Ends], Match | None], ...] = (
    _arrow_stream, _orc, _class_or_fat, _pe, _bzip2, _ttf, _shapefile, _pickle, _safetensors, _tfrecord, _dbf, _mds,
    _mat4, _stata_old, _edf, netpbm, _pyc, _xgboost, _faiss, _lvm_or_swap, at_end, _old_tar, _boot_sector, _stl,
)  # fmt: skip
