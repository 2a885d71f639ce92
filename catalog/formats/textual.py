"""Plain text: its encoding, and which kinds of text prove themselves by their structure."""

from __future__ import annotations

import codecs
import json
import re

from catalog.formats.checks import Match

_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_CONTROL_BYTES = bytes([*range(9), *range(0x0E, 0x1B), *range(0x1C, 0x20), 0x7F])
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
         (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_TOKENS_LOOKED_AT = 2048
"""How far JSON is followed token by token, where it is cut off and cannot be parsed."""
_HIGH = bytes(range(0x80, 0x100))
_LEGACY = ("cp932", "gb18030", "big5", "euc_kr")
_LINE = 512
_SPACE = re.compile(r"[\r\n\t \u3000]")


def decode(data: bytes, whole: bool) -> tuple[str, str] | None:
    """Text and encoding of `data`, None where it is binary. The end may cut a character unless `whole`.

    Encodings: `utf-8`, `utf-8-sig`, `utf-16`, `utf-16-le`, `utf-16-be`, `utf-32` (`-le`, `-be`), `latin-1`
    (which stands for any 8-bit encoding), `cp932`, `gb18030`, `big5`, `euc_kr`.
    """
    if data.isascii() and len(data.translate(None, _CONTROL_BYTES)) == len(data):
        return data.decode("ascii"), "utf-8"  # which nearly all text is
    for encoding in _candidates(data):
        try:
            text = codecs.getincrementaldecoder(encoding)("strict").decode(data, final=whole)
        except UnicodeDecodeError:
            continue
        # A stray control character is found in real logs; several are a sign of binary data.
        if encoding in _LEGACY and len(text) > _LINE and not _SPACE.search(text):
            continue  # nearly any bytes are text in these: in real text a line ends some time
        if "\0" not in text and (not _CONTROLS.search(text) or len(_CONTROLS.findall(text[:65536])) * 200 <= len(text)):
            return text, encoding
    return None


def _candidates(data: bytes) -> list[str]:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return [encoding]
    sample = data[:4096]
    if sample.count(0) * 3 > len(sample) * 2:
        return ["utf-32-be" if sample[::4].count(0) > sample[3::4].count(0) else "utf-32-le"]
    if sample.count(0) * 5 > len(sample):  # every second byte of Western UTF-16 is zero, and no other
        first, second = sample[::2].count(0), sample[1::2].count(0)
        if min(first, second) * 20 > max(first, second):
            return []
        return ["utf-16-be" if first > second else "utf-16-le"]
    high = len(sample) - len(sample.translate(None, _HIGH))
    if not high:
        return ["utf-8"]
    odd = len(sample) - len(sample.translate(None, _HIGH[:32]))
    eight_bit = ["latin-1"] if odd * 20 <= len(sample) else []
    if high * 10 <= len(sample) * 3:
        return ["utf-8", *eight_bit, *_LEGACY]
    return ["utf-8", *_LEGACY, *eight_bit]  # Cyrillic and Greek are mostly high bytes, as Japanese is


def structure(text: str, whole: bool) -> Match | None:
    """The kind of text whose structure leaves no doubt (JSON, markup, pointers), else None."""
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith("version https://git-lfs.github.com/spec/v1"):
        return Match("lfs_pointer", 1.0, "Git LFS pointer")
    if start[:1] in ("{", "["):
        return _json(start, whole)
    if start[:1] == "<":
        return _markup(start)
    for prefix, name in _PREFIXES:
        if start.startswith(prefix):
            return Match(name, 0.95, f"text starts with '{prefix.strip()}'")
    return None


_PREFIXES = (
    ("-----BEGIN ", "pem"), ("ssh-rsa ", "pem"), ("ssh-ed25519 ", "pem"), ("WARC/1.", "warc"),
    ("##fileformat=VCF", "vcf"), ("WEBVTT", "subtitles"), ("diff --git ", "diff"), ("{\\rtf", "rtf"),
    ("ecdsa-sha2-", "pem"), ("PuTTY-User-Key-File-", "pem"), ("---- BEGIN SSH2", "pem"),
)  # fmt: skip


# ---------------------------------------------------------------- JSON (RFC 8259)

_VALUE = r"\"(?:[^\"\\\x00-\x1f]|\\.)*+\"|-?\d[\d.eE+-]*+|true|false|null|NaN|-?Infinity"
_TOKENS = re.compile(rf"(?:\s*+(?:{_VALUE}|[{{}}\[\],:]))*+")
_MARKED = re.compile(rf"(?:\s*+(?:{_VALUE}|[{{}}\[\]]))*+\s*+[,:]")


def _json(text: str, whole: bool) -> Match | None:
    lines = _json_lines(text, whole)
    if lines:
        return lines
    try:
        parsed = json.loads(text) if whole else None
    except (ValueError, RecursionError):
        return None
    if not whole and not json_like(text):
        return None
    cells = isinstance(parsed, dict) and {"nbformat", "cells"} <= parsed.keys()
    if cells or re.match(r'\{\s*"cells"\s*:\s*\[', text):
        return Match("ipynb", 0.95, "JSON with notebook cells")
    if re.search(r'"type"\s*:\s*"(FeatureCollection|Feature)"', text[:4096]):
        return Match("geojson", 0.95, "JSON of type Feature")
    return Match("json", 0.97 if whole else 0.9, "parses as JSON" if whole else "starts as JSON")


def _json_lines(text: str, whole: bool) -> Match | None:
    lines = text.split("\n")  # not splitlines: U+2028 may stand unescaped in a JSON string
    cut = "" if whole or not lines else lines.pop()
    lines = [line for line in lines if line.strip()][:20]
    if not any(map(_is_container, lines[:2])):
        return None  # one document over many lines: each of them would fail slowly
    good = sum(map(_is_container, lines))
    if good >= 2 and good * 10 >= len(lines) * 8:
        return Match("jsonl", 0.97 if good == len(lines) else 0.8, f"{good} lines of JSON")
    if good == 1 == len(lines) and cut[:1] in ("{", "[") and json_like(cut):
        return Match("jsonl", 0.9, "a line of JSON, and another begins")
    return None


def _is_container(line: str) -> bool:
    try:
        return isinstance(json.loads(line), (dict, list))
    except (ValueError, RecursionError):
        return False


def json_like(text: str) -> bool:
    """Whether `text`, possibly cut off, is made of JSON tokens with at least one `:` or `,` among them."""
    text = text[:_TOKENS_LOOKED_AT]
    tokens = _TOKENS.match(text)
    rest = text[tokens.end() if tokens else 0 :].strip()
    fits = not rest or (rest[0] in '"-tfnNI0123456789' and "\n" not in rest)
    return fits and _MARKED.match(text) is not None


# ---------------------------------------------------------------- markup

_PROLOG = re.compile(r"(?is)(?:\s|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>)*+")
_ROOT = re.compile(r"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)[\s/>]")
_HTML = frozenset(
    {"html", "head", "body", "div", "p", "table", "span", "a", "meta", "script", "h1", "h2", "h3", "ul", "ol", "li"}
    | {"fieldset", "details", "select", "option", "label", "input", "form", "nav", "section", "header", "footer"}
    | {"main", "article", "img", "button", "td", "tr", "th", "dl", "link", "style", "small", "strong", "br", "hr"}
)
_ROOTS = {
    "svg": "svg", "kml": "kml", "gpx": "gpx", "rss": "feed", "rdf": "xml", "feed": "feed", "plist": "plist",
    "graphml": "graphml", "pmml": "pmml",
}  # fmt: skip


def _markup(text: str) -> Match | None:
    prolog = _PROLOG.match(text)
    root = _ROOT.match(text, prolog.end() if prolog else 0)
    name = root[1].lower() if root else ""
    if re.match(r"<!doctype\s+html", text, re.IGNORECASE) or name in _HTML:
        return Match("html", 0.95, "HTML markup")
    if name in _ROOTS:
        return Match(_ROOTS[name], 0.97, f"root element '{name}'")
    if text.startswith("<?xml"):
        return Match("xml", 0.97, "XML declaration")
    if root and ("</" in text or "/>" in text or "xmlns" in text):
        return Match("xml", 0.8, f"root element '{name[:40]}'")
    return None
