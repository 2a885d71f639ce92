"""Which binary format a file is, from the bytes at fixed places in its first and last kilobytes.

A table for signatures that prove themselves, and small checks for those that need a second look.
"""

from __future__ import annotations

import re

from catalog.formats import checks_media, checks_streams, protobuf, zips
from catalog.formats.checks import AFTER, BEFORE, TEXTUAL, Ends, Match, looks_text
from catalog.formats.checks import at_end as _at_end

_TABLE: tuple[tuple[int, bytes, str], ...] = (
    (0, b"ARROW1\0\0", "arrow_file"),
    (0, b"FEA1", "feather"),
    (0, b"Obj\x01", "avro"),
    (0, b"SEQ\x06", "sequencefile"),
    (0, b"RCF\x01", "rcfile"),
    (0, b"#HUDI#", "hudi_log"),
    (0, b"SQLite format 3\0", "sqlite"),
    (8, b"DUCK", "duckdb"),
    (16, b"\xde\xc0\xef\xbe\x01\0\0\0", "lmdb"),
    (0, b"\0\x01\0\0Standard Jet DB", "access"),
    (0, b"\0\x01\0\0Standard ACE DB", "access"),
    (0, b"PGDMP", "pgdump"),
    (0, b"REDIS00", "rdb"),
    (0, bytes(12) + b"\xc2\xea\x81\x60\xb3\x14\x11\xcf\xbd\x92\x08\0\x09\xc7\x31\x8c", "sas"),
    (0, b"SR\0\4", "idl"),
    (0, b"SR\0\6", "idl"),
    (0, b"$FL2", "spss"),
    (0, b"$FL3", "spss"),
    (0, b"<stata_dta>", "stata"),
    (0, b"RDX2\n", "rds"),
    (0, b"RDX3\n", "rds"),
    (0, b"X\n\0\0\0", "rds"),
    (0, b"MATLAB 5.0 MAT-file", "mat"),
    (0, b"MATLAB 7.3 MAT-file", "mat"),
    (0, b"\x0e\x03\x13\x01", "hdf4"),
    (0, b"CDF\x01", "netcdf3"),
    (0, b"CDF\x02", "netcdf3"),
    (0, b"CDF\x05", "netcdf3"),
    (0, b"\x93NUMPY", "npy"),
    (0, b"SIMPLE  =", "fits"),
    (344, b"n+1\0", "nifti"),
    (344, b"ni1\0", "nifti"),
    (4, b"n+2\0\r\n\x1a\n", "nifti"),
    (4, b"ni2\0\r\n\x1a\n", "nifti"),
    (0, b"GRIB", "grib"),
    (0, b"NRRD000", "nrrd"),
    (0, b"\xffBIOSEMI", "edf"),
    (0, b"root\0", "root"),
    (0, b"GGUF", "gguf"),
    (0, b"lmgg", "ggml"),
    (0, b"fmgg", "ggml"),
    (0, b"tjgg", "ggml"),
    (4, b"TFL3", "tflite"),
    (4, b"ORTM", "ort"),
    (0, b"CBM1", "catboost"),
    (0, b"CRAM\x03", "cram"),
    (0, b"CRAM\x02", "cram"),
    (0, b"BCF\x02", "bcf"),
    (0, b"BAM\x01", "bam"),
    (0, b"bplist00", "plist"),
    (0, b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "pytorch"),
    (0, b"\x1f\x8b\x08", "gzip"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"\xfd7zXZ\0", "xz"),
    (0, b"\x04\x22\x4d\x18", "lz4"),
    (0, b"\xff\x06\0\0sNaPpY", "snappy"),
    (0, b"\x1f\x9d", "compress"),
    (0, b"LZIP\x01", "lzip"),
    (0, b":W&B\xe1\xbe", "wandb"),
    (0, b"\x8bPOD\r\n\x1a\n", "pod5"),
    (0, b"PFA1", "puffin"),
    (0, b"VTXF", "vortex"),
    (0, b"TRACK\0", "trackvis"),
    (0, b"mrtrix tracks", "mrtrix"),
    (0, b"mrtrix image\n", "mrtrix"),
    (0, b"BLENDER", "blend"),
    (0, b"PXR-USDC", "usd"),
    (0, b"\xde\x12\x04\x95\0", "mo"),
    (0, b"\x95\x04\x12\xde\0", "mo"),
    (0, b"TZif", "tzif"),
    (36, b"acsp", "icc"),
    (0, b"Xcur", "xcursor"),
    (0, b"\0\0\0\1Bud1", "ds_store"),
    (0, b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", "lnk"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"Rar!\x1a\x07", "rar"),
    (257, b"ustar", "tar"),
    (0, b"070701", "cpio"),
    (0, b"070702", "cpio"),
    (0, b"070707", "cpio"),
    (0, b"!<arch>\ndebian-binary", "deb"),
    (0, b"!<arch>\n", "ar"),
    (0, b"!<thin>\n", "ar"),
    (0, b"\xed\xab\xee\xdb", "rpm"),
    (0, b"MSCF\0\0\0\0", "cab"),
    (0, b"PACK\0\0\0", "gitpack"),
    (0, b"%PDF-", "pdf"),
    (0, b"{\\rtf", "rtf"),
    (0, b"%!PS", "postscript"),
    (0, b"\xc5\xd0\xd3\xc6", "postscript"),
    (0, b"AT&TFORM", "djvu"),
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"GIF87a", "gif"),
    (0, b"GIF89a", "gif"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
    (0, b"\xff\x4f\xff\x51", "jp2"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
    (0, b"\x76\x2f\x31\x01", "exr"),
    (0, b"#?RADIANCE", "hdr"),
    (0, b"#?RGBE", "hdr"),
    (0, b"DDS |", "dds"),
    (0, b"8BPS\0\x01", "psd"),
    (0, b"8BPS\0\x02", "psd"),
    (0, b"fLaC", "flac"),
    (0, b"ID3", "mp3"),
    (0, b"#!AMR", "amr"),
    (0, b"MThd\0\0\0\x06", "midi"),
    (0, b".snd\0\0", "au"),
    (0, b"\0\0\x01\xba", "mpeg"),
    (0, b"\0\0\x01\xb3", "mpeg"),
    (0, b"FLV\x01", "flv"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (0, b"#ROSBAG V", "rosbag"),
    (0, b"\x89MCAP0\r\n", "mcap"),
    (0, b"LASF", "las"),
    (0, b"PMTiles", "pmtiles"),
    (0, b"fgb\x03fgb", "flatgeobuf"),
    (0, b"ply\n", "ply"),
    (0, b"ply\r\n", "ply"),
    (0, b"# .PCD v", "pcd"),
    (0, b"ASTM-E57", "e57"),
    (0, b"glTF\x02\0\0\0", "glb"),
    (0, b"QFI\xfb", "qcow2"),
    (0, b"KDMV", "vmdk"),
    (0, b"# Disk DescriptorFile", "vmdk"),
    (0, b"conectix", "vhd"),
    (0, b"vhdxfile", "vhdx"),
    (64, b"\x7f\x10\xda\xbe", "vdi"),
    (0, b"LUKS\xba\xbe", "luks"),
    (0, b"hsqs", "squashfs"),
    (32769, b"CD001", "iso"),
    (65600, b"_BHRfS_M", "disk_image"),
    (1024, b"\xe2\xe1\xf5\xe0", "disk_image"),
    (512, b"EFI PART", "disk_image"),
    (1080, b"\x53\xef", "disk_image"),
    (0, b"XFSB\0\0", "disk_image"),
    (0, b"\x7fELF", "elf"),
    (0, b"\xfe\xed\xfa\xce", "macho"),
    (0, b"\xfe\xed\xfa\xcf", "macho"),
    (0, b"\xce\xfa\xed\xfe", "macho"),
    (0, b"\xcf\xfa\xed\xfe", "macho"),
    (0, b"\0asm", "wasm"),
    (0, b"dex\n03", "dex"),
    (0, b"BC\xc0\xde", "llvm"),
    (0, b"\xd4\xc3\xb2\xa1", "pcap"),
    (0, b"\xa1\xb2\xc3\xd4", "pcap"),
    (0, b"\x4d\x3c\xb2\xa1", "pcap"),
    (0, b"\x0a\x0d\x0d\x0a", "pcap"),
    (0, b"-----BEGIN PGP MESSAGE", "pgp"),
    (0, b"age-encryption.org/v1", "age"),
    (0, b"wOFF", "woff"),
    (0, b"wOF2", "woff2"),
    (0, b"OTTO\0", "otf"),
    (0, b"ttcf\0", "ttf"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
)


_ALSO_UNSIGNED = {
    "pytorch",
    "mat",
    "rds",
    "disk_image",
    "iso",
    "mp3",
    "ggml",
    "mpeg",
    "hdr",
    "edf",
    "grib",
} | {"pgp", "snappy", "lz4", "pem", "plist", "cram", "bcf", "bam", "puffin", "mrtrix", "blend", "mo", "wandb"}
ALWAYS_SIGNED = frozenset({each[2] for each in _TABLE} - _ALSO_UNSIGNED) | {
    "parquet", "arrow", "orc", "hdf5", "netcdf", "webp", "wav", "avi", "matroska", "webm", "mp4", "mov",
    "heic", "avif", "m4a", "bzip2", "safetensors", "shapefile", "java_class", "tiff", "zip", "xlsx", "docx",
    "pptx", "odt", "ods", "epub", "npz", "keras", "jar", "wheel", "kmz", "geopackage", "xls", "doc", "ppt",
    "anndata", "torchscript", "ogg", "ogv", "mbtiles",
}  # fmt: skip
"""Formats that cannot exist without their signature: a file named so and lacking it is something else."""

_WITH_TAIL = frozenset({"pe", "elf", "macho", "zip", "tar", "gzip", "zstd", "xz", "bzip2", "cpio", "ar", "sqlite"})
"""Formats that may well end with a ZIP directory: installers, and archives whose last member is one."""

_INSIDE = [each for each in _TABLE if each[0]]
_AT_START: dict[bytes, list[tuple[int, bytes, str]]] = {}
for _each in _TABLE:
    if not _each[0]:
        _AT_START.setdefault(_each[1][:1], []).append(_each)


def identify(head: bytes, tail: bytes, size: int | None) -> Match | None:
    """The binary format of a file, None where no signature fits (text, or unknown)."""
    ends = Ends(head, tail, size)
    found = _identify(ends)
    if found and found.format not in _WITH_TAIL and not found.evidence.startswith("ZIP") and zips.ends_as_zip(tail):
        return found._replace(also=(*found.also, "zip"))
    return found


def _identify(ends: Ends) -> Match | None:
    head, tail, size = ends
    plain = looks_text(head)
    for check in TEXTUAL if plain else BEFORE:
        if found := check(ends):
            return found
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return Match(*zips.kind(head, tail))
    for at, magic, name in (*_AT_START.get(head[:1], ()), *_INSIDE):
        if head.startswith(magic, at) and not (plain and magic.isalnum()):
            return _refined(Match(name, _strength(magic), f"magic {_shown(magic)} at {at}"), ends)
    if plain:
        return _at_end(ends)
    for check in (*checks_media.CHECKS, *AFTER, *checks_streams.CHECKS):
        if found := check(ends):
            return found
    return Match(*message) if (message := protobuf.kind(head, size)) else None


def _refined(match: Match, ends: Ends) -> Match:
    """A kind of what the signature says, where the bytes behind it tell one."""
    head = ends.head
    if match.format == "sqlite":
        if head[68:72] in (b"GPKG", b"GP10", b"GP11"):
            return Match("geopackage", 1.0, f"SQLite with application id '{head[68:72].decode()}'")
        if head[68:72] == b"MPBX" or (b"zoom_level" in head and b"tile_data" in head):
            return Match("mbtiles", 0.97, "SQLite with map tiles")
    if match.format == "mp3" and head.startswith(b"fLaC", 10 + _synchsafe(head[6:10])):
        return Match("flac", 0.97, "magic 'fLaC' behind an ID3 tag")
    return match


def _synchsafe(data: bytes) -> int:
    """A number in seven bits a byte, as ID3 writes lengths."""
    value = 0
    for byte in data:
        value = value << 7 | byte & 127
    return value


def _strength(magic: bytes) -> float:
    return 1.0 if len(magic) >= 5 else 0.95 if len(magic) >= 3 else 0.8


def _shown(magic: bytes) -> str:
    words = re.findall(rb"[ -~]{3,}", magic)
    return f"'{words[0].decode().strip()}'" if words else magic[:8].hex()
