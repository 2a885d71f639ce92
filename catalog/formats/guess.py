"""What kind of text a file is when its name claims nothing, from lines that only that kind has.

Most telling first: a `#!` line, signs that hardly stand anywhere else, lines that are all alike, marks of
prose and statements of programming languages (`languages.py`), columns, keys and values.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from catalog.formats import dialect
from catalog.formats.checks import Match
from catalog.formats.languages import language

_LOOKED_AT = 4096
"""How far the patterns look that may take time growing with the square of the text."""
_LINES = 120
_RECORDS_LOOKED_AT = 16_384
_CERTAIN = 0.93
"""A table so sure that marks of prose and code in its cells do not count."""
_FEW_RECORDS = 1_200
"""Where the name says CSV and so little of it leaves no doubt, more is not looked at."""

_SHEBANG = re.compile(r"#!\s*(?:\S*/env\s+(?:-S\s+)?(?:\w+=\S+\s+)*)?(?:\S*/)?([a-zA-Z]+)")
_INTERPRETERS = {
    "python": "python", "pypy": "python", "uv": "python", "bash": "shell", "sh": "shell", "zsh": "shell",
    "ksh": "shell", "dash": "shell", "fish": "shell", "perl": "perl", "ruby": "ruby", "node": "javascript",
    "deno": "typescript", "bun": "typescript", "rscript": "r", "lua": "lua", "php": "php", "julia": "julia",
    "make": "build", "groovy": "java", "tclsh": "text", "awk": "text", "gawk": "text", "expect": "text",
}  # fmt: skip


class _Sign(NamedTuple):
    """A format that a text with at least `times` matches of `lines` is, and how to say so.

    `asked` are texts of which one must be there (for `_STARTS`: characters, of which one is the first) for the
    pattern to be tried at all.
    """

    format: str
    confidence: float
    evidence: str
    asked: tuple[str, ...]
    lines: re.Pattern[str]
    times: int = 1


def _signs(*rows: tuple[str, float, str, str, str, int]) -> tuple[_Sign, ...]:
    return tuple(
        _Sign(name, sure, why, tuple(asked.split("¦")), re.compile(rf"(?m){rule}"), times)
        for name, sure, why, asked, rule, times in rows
    )


_STARTS = _signs(
    ("gff", 0.97, "'##gff-version'", "#", r"\A##gff-version", 1),
    ("sam", 0.95, "SAM header lines", "@", r"\A@(?:HD|SQ|RG|PG|CO)\t[A-Z][A-Za-z]:", 1),
    ("bed", 0.9, "a browser track", "b¦t", r"\A(?:browser (?:position|hide)|track (?:type|name)=)", 1),
    ("pgn", 0.97, "PGN tags", "[", r"\A\[(?:Event|Site|Date) \"", 1),
    ("calendar", 0.97, "BEGIN of a calendar or contact", "B", r"\ABEGIN:V(?:CALENDAR|CARD)\b", 1),
    ("subtitles", 0.95, "script of subtitles", "[", r"\A\[Script Info\]", 1),
    ("subtitles", 0.97, "numbered times", "0¦1¦2¦3¦4¦5¦6¦7¦8¦9", r"\A\d+\s*\n\d\d:\d\d:\d\d[,.]\d{3} --> ", 1),
    ("pdb", 0.9, "records of a protein structure", "H¦C¦A¦R¦M",
     r"\A(?:HEADER|CRYST1|ATOM  |REMARK|MODEL ).{4,76}\n(?:.*\n)*?(?:ATOM  |HETATM|TITLE |COMPND|REMARK)", 1),
    ("cif", 0.9, "CIF data block", "#¦d¦\n¦ ¦\r", r"\A(?:#.*\n|[ \t\r]*\n)*+data_\S*[ \t\r]*\n(?:#.*\n|[ \t\r]*\n)*+(?:_\w|loop_)", 1),
    ("stl", 0.95, "facets of a solid", "s", r"\Asolid\b.*\n\s*facet normal ", 1),
    ("lightgbm", 0.97, "LightGBM trees", "t", r"\Atree\nversion=v\d", 1),
    ("pickle", 0.8, "pickle protocol 0", "(¦d¦l¦c", r"\A(?:\(?[dl]p\d*\n|c(?:copy_reg|numpy|pandas|sklearn|__builtin__)[\w.]*\n\w+\n)", 1),
    ("fasta", 0.8, "'>' and a sequence", ">¦;", r"\A(?:;.*\n)*>[^\n]*\n(?:[A-Za-z*-]{20,}|[ACGTUNacgtun]+)\s*(?:\n|\Z)", 1),
    ("fastq", 0.9, "'@', sequence, '+', qualities", "@", r"\A@[^\n]+\n[ACGTNacgtn.]+\n\+[^\n]*\n", 1),
    ("postscript", 0.9, "PostScript", "%", r"\A%!", 1),
    ("email", 0.9, "mail headers", "F¦R¦D¦T¦S¦M¦X",
     r"\A(?:From \S+@?\S* .*\d{4}\n)?(?:(?:Received|Return-Path|Delivered-To|From|To|Subject|Date|Message-ID|MIME-Version|X-[\w-]+): .*\n(?:[ \t].*\n)*){3}", 1),
    ("php", 0.95, "'<?php'", "<", r"\A<\?php\b", 1),
    ("html", 0.75, "a template of markup", "{",
     r"\A\{(?:%-? ?(?:extends|load|block|include|import|from|if|for|comment|set|with|macro|spaceless)\b|#|\{)[\s\S]*(?:</?[a-z]|\.html)", 1),
    ("javascript", 0.9, "'use strict' at the top", "\"¦'", r"\A[\"']use strict[\"'];", 1),
    ("javascript", 0.8, "a function that is called at once", "!¦(¦;¦/",
     r"\A(?:/\*(?:[^*]|\*(?!/))*+\*/\s*)*+(?:[!;+]|\(){1,2}(?:async )?(?:function\b|\(\)\s*=>)", 1),
    ("python", 0.75, "a docstring at the top", "#¦\"¦'¦ ¦\n¦r¦u¦R¦U¦\t", r"\A(?:#.*\n|[ \t]*\n)*+[ruRU]?(?:\"\"\"|\'\'\')", 1),
)  # fmt: skip

_ANYWHERE = _signs(
    ("arff", 0.95, "ARFF declarations", "@", r"^@(?i:relation|attribute|data)\b", 2),
    ("tex", 0.95, "LaTeX document", "\\", r"^[ \t]*\\(?:documentclass|begin\{document\}|usepackage|chapter\{|section\{)", 1),
    ("bibtex", 0.95, "BibTeX entries", "@",
     r"^@(?i:article|book|inproceedings|misc|techreport|phdthesis|incollection|string|manual)\s*\{\s*[\w:./+-]*\s*[,=]", 1),
    ("diff", 0.95, "hunks of a patch", "@@ -¦\n*****¦diff -", r"^(?:@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@|\*{15}\n\*\*\* \d|diff -[-\w]+ .*)", 1),
    ("gettext", 0.95, "translated messages", "msgid", r"^msg(?:id|str) \"", 2),
    ("schema", 0.9, "interface schema", "proto2¦proto3¦namespace¦thrift_spec",
     r"^[ \t]*(?:syntax ?= ?[\"']proto[23][\"'];|namespace (?:py|java|cpp|go|rs|\*) \w|thrift_spec)", 1),
    ("build", 0.85, "Dockerfile", "FROM ",
     r"\A(?:#.*\n|ARG .*\n|[ \t\r]*\n)*+FROM [\w./:${}@-]+(?: AS \w+)?[ \t\r]*\n(?:.*\n)*?(?:RUN|COPY|CMD|ENTRYPOINT|WORKDIR|ENV|ADD) ", 1),
    ("build", 0.85, "CMake commands", "(",
     r"^(?i:cmake_minimum_required|cmake_policy|add_(?:library|executable|subdirectory|test)|target_link_libraries|find_package|"
     r"set_target_properties|project|install|include|macro|endif|endmacro|endfunction|get_filename_component)\s*\(", 3),
    ("terraform", 0.9, "Terraform blocks", '" {', r"^(?:resource|data|provider|variable|module|output) \"[\w-]+\"(?: \"[\w-]+\")? \{$", 1),
    ("dot", 0.9, "a graph", "graph", r"\A(?:\s|//.*\n|/\*.*?\*/)*+(?:strict )?(?:di)?graph\b[^{]*\{(?=[^}]*(?:->|--|\[))", 1),
    ("obj", 0.85, "vertices and faces", "v ¦f ", r"^(?:v -?\d[\d.e+-]* -?\d[\d.e+-]* -?\d[\d.e+-]*|f \d+(?:/\d*)*(?: \d+(?:/\d*)*){2,})\s*$", 6),
    ("libsvm", 0.85, "labels and numbered values", " 1:¦ 2:¦ 3:¦ 4:", r"^[+-]?\d[\d.]*(?: \d+:-?\d[\d.eE+-]*){2,}\s*$", 3),
)  # fmt: skip

_STAMP = re.compile(
    r"\[?(?:\d{4}[-/.]\d\d[-/.]\d\d[T ]\d\d:\d\d|[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d|\d\d:\d\d:\d\d[,.]\d{3}"
    r"|\d{2}/\d{2}/\d{2,4} \d\d:\d\d)|\S+ \S+ \S+ \[\d\d/[A-Z][a-z]{2}/\d{4}:"
    r"|\[?(?:DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL|TRACE|FATAL)\b[\]:]?|[IWEF]\d{4} \d\d:\d\d:\d\d"
)
_BED = re.compile(r"chr[\w.]{1,20}\t\d+\t\d+(?:\t|\s*$)")
_GTF = re.compile(r"[^\t]+\t[^\t]+\t[^\t]+\t\d+\t\d+\t[^\t]+\t[-+.?]\t[.012]\t")
def _marks(*rows: tuple[str, int, str]) -> tuple[tuple[str, int, re.Pattern[str]], ...]:
    return tuple((asked, weight, re.compile(rf"(?m){rule}")) for asked, weight, rule in rows)


# A text that must be there, how much the mark says, and the mark.
_MARKDOWN = _marks(
    ("```", 3, r"^[ \t]*```[\w{}+-]*\s*$"),
    ("](", 3, r"\[[^\]\n]+\]\((?:https?:|\.?\.?/|#|[\w./-]+\.\w+)[^)\n]*\)"),
    ("## ", 3, r"^#{2,6} [A-Z0-9`*\[]"),
    ("# ", 1, r"\A\s*# \S.*\n\s*\n"),
    ("**", 1, r"\*\*\w[^*\n]*\*\*"),
    ("- [", 2, r"^[ \t]*[-*] \[[ x]\] "),
    ("|", 2, r"^\|(?:\s*:?-+:?\s*\|)+\s*$"),
    ("* ", 1, r"^\* \w.*\n(?:  .*\n|\n)*\* \w"),
    ("- ", 1, r"^- [A-Z`*].*\n(?:  .*\n|\n)*- [A-Z`*]"),
    ("\n===", 2, r"^\w[^\n]{2,}\n={3,}\s*$"),
    ("](", 1, r"^\[!\[|^!\["),
)  # fmt: skip
_RST = _marks(
    ("::", 4, r"^[ \t]*\.\. [\w:-]+::"),
    (".. _", 3, r"^\.\. _[^:\n]+:"),
    (":`", 3, r":[a-z:]+:`[^`\n]+`"),
    ("`_", 3, r"`[^`\n]+`__?\b"),
    ("::", 3, r"\w.*::[ \t]*\n[ \t]*\n[ \t]+\S"),
    ("``", 1, r"``[^`\n]+``"),
    ("\n===", 3, r"^\w[^\n]{2,}\n={4,}\s*$"),
    ("\n---", 2, r"^\w[^\n]{2,}\n-{4,}\s*$"),
    ("~~~", 3, r"^\w[^\n]{2,}\n~{4,}\s*$"),
    ("***", 3, r"^(?:\*{4,})\n *\w[^\n]+\n\*{4,}\s*$"),
    ("===", 3, r"^={4,}\n *\w[^\n]+\n={4,}\s*$"),
    ("\n:", 2, r"^:[A-Z][\w -]*: \S"),
)  # fmt: skip
_FENCED = re.compile(r"(?ms)^[ \t]*```.*?(?:^[ \t]*```\s*$|\Z)")
_ALIKE = (
    ("gff", 0.9, "nine columns of an annotation", _GTF),
    ("bed", 0.85, "regions of a genome", _BED),
)
_YAML = re.compile(r"\s*(?:- )*(?:[\"']?[\w./$@ -]{1,60}[\"']?\s*:(?:\s|$)|[|>]-?\s*$)|\s*- \S|---\s*$|\.\.\.\s*$")
_TABLE = re.compile(r"\[\[?[\w\"'. -]+\]\]?\s*(?:#.*)?$")
_TOML = re.compile(r"\s*[\w\"'.-]+\s*=\s*(?:\"|'|\[|\{|true\b|false\b|[+-]?\d[\d_.eE:TZ+-]*\s*(?:#|$))")
_SETTING = re.compile(r"\s*[\w./ -]+\s*[=:]")


def guess(text: str, whole: bool) -> Match:
    """What kind of text this looks like when its name claims nothing; `text` where nothing stands out."""
    text, whole = text[:_LOOKED_AT], whole and len(text) <= _LOOKED_AT
    if script := _script(text):
        return script
    for sign in _STARTS:
        if text[:1] in sign.asked and sign.lines.match(text):
            return Match(sign.format, sign.confidence, sign.evidence)
    for sign in _ANYWHERE:
        if any(asked in text for asked in sign.asked) and _found(sign.lines, text, sign.times):
            return Match(sign.format, sign.confidence, sign.evidence)
    lines = [line for line in text.split("\n", _LINES)[:_LINES] if line.strip() and not line.lstrip().startswith("#")]
    for attempt in (_by_line, _settings):
        if found := attempt(lines):
            return found
    table = delimited(text, whole, strict=True)
    if table and table.confidence >= _CERTAIN:
        return table
    prose = _prose(text)
    code = language(_FENCED.sub("", text) if prose else text, prose=prose is not None)
    if code:
        return Match(code[0], 0.65, f"{code[1]} kinds of evidence for {code[0]}")
    return prose or table or _loose(text, lines)


def _script(text: str) -> Match | None:
    shebang = _SHEBANG.match(text)
    name = _INTERPRETERS.get(shebang[1].lower()) if shebang else None
    return Match(name, 0.9, f"'#!' of {shebang[1].lower()}") if shebang and name else None


def _found(rule: re.Pattern[str], text: str, times: int) -> bool:
    return sum(1 for _, _ in zip(rule.finditer(text), range(times))) == times


def _by_line(lines: list[str]) -> Match | None:
    """Formats of which nearly every line has the same beginning."""
    if not lines:
        return None
    enough = max(len(lines) * 8 // 10, 1)
    few = lines[:8]
    for name, sure, why, rule in _ALIKE:
        if any(map(rule.match, few)) and sum(rule.match(line) is not None for line in lines) >= enough:
            return Match(name, sure, why)
    if not any(map(_STAMP.match, few)):
        return None
    stamped = sum(_STAMP.match(line) is not None for line in lines)
    columns = [{line.count(mark) for line in lines[: max(len(lines) - 1, 1)]} for mark in ",;\t"]
    table = any(len(counts) == 1 and counts != {0} for counts in columns)
    if len(lines) >= 2 and stamped * 10 >= len(lines) * 6 and not table:
        return Match("log", 0.75, f"{stamped} of {len(lines)} lines begin as log lines do")
    return None


def _settings(lines: list[str]) -> Match | None:
    """TOML or an INI file: sections with keys below; TOML quotes its strings."""
    if not any(line.lstrip()[:1] == "[" for line in lines):
        return None
    tables = sum(_TABLE.match(line) is not None for line in lines)
    quoted = sum(_TOML.match(line) is not None for line in lines)
    settings = sum(_SETTING.match(line) is not None for line in lines)
    if not tables or not settings or not (_TABLE.match(lines[0]) or _TOML.match(lines[0])):
        return None
    if quoted and quoted * 10 >= settings * 9:
        return Match("toml", 0.75, "tables and quoted values")
    return Match("ini", 0.7, "sections and settings") if _TABLE.match(lines[0]) else None


def _prose(text: str) -> Match | None:
    """Markdown or reStructuredText, by the marks that are rare in other texts."""
    rst = sum(weight for asked, weight, rule in _RST if asked in text and rule.search(text))
    markdown = sum(weight for asked, weight, rule in _MARKDOWN if asked in text and rule.search(text))
    if max(rst, markdown) < 3:
        return None
    if rst > markdown:
        return Match("rst", 0.7, "directives, roles or underlined titles")
    return Match("markdown", 0.65, "Markdown headings, links or fences")


def _loose(text: str, lines: list[str]) -> Match:
    if ": " not in text and ":\n" not in text and "- " not in text:
        return Match("text", 0.6, "plain text")
    keyed = sum(_YAML.match(line) is not None for line in lines)
    nested = "\n  " in text or "\n- " in text or text.startswith(("---\n", "- "))
    enough = 6 if nested and lines and _YAML.match(lines[0]) and keyed >= 4 else 8
    if keyed and keyed * 10 >= len(lines) * enough and (len(lines) > 2 or text.startswith("---\n")):
        return Match("yaml", 0.6, "keys and values")
    return Match("text", 0.6, "plain text")


def delimited(text: str, whole: bool, strict: bool) -> Match | None:
    """`csv` or `tsv` when the records agree on a dialect. `strict` for files whose name does not say so."""
    found = None if strict else dialect.vote(text[:_FEW_RECORDS], whole=False)
    if found is None or found.share < 0.98 or found.columns < 3 or found.records < 5:
        found = dialect.vote(text[:_RECORDS_LOOKED_AT], whole and len(text) <= _RECORDS_LOOKED_AT)
    if found is None:
        return None
    if strict and not _clear(found, text):
        return None
    if found.share < 0.5:
        return None
    shown = {"\t": "tab"}.get(found.delimiter, f"'{found.delimiter}'")
    name = "tsv" if found.delimiter == "\t" else "csv"
    certain = round(0.6 + 0.35 * found.share * min(found.records, 10) / 10, 2)
    evidence = f"{found.columns} columns by {shown} in {found.share:.0%} of {found.records} records"
    return Match(name, certain, evidence)


_CODED = re.compile(r"(?m)[(\[{]\s*$|^\s*\w+ = [(\[{]|[)\]}],?\s*$")
"""Brackets that open at a line's end, or close there: rows of values in a program."""
_NUMBERS = re.compile(r"[\d\s.,;|+\-eE]*+\Z")


def _clear(found: dialect.Dialect, text: str) -> bool:
    """Whether it is a table though no name says so. Prose has commas too, but seldom the same number in line after line."""
    tight = found.delimiter == "\t" or text.count(found.delimiter + " ") * 20 <= text.count(found.delimiter)
    if found.share >= 0.95 and found.records >= (3 if tight or found.columns >= 3 else 6):
        return tight or found.columns < 4 or not _CODED.search(text)
    if found.share >= 0.9 and found.records >= 8 and found.columns >= 4:
        return tight  # the first record counts the others, or names fewer columns than there are
    return found.columns >= 2 and found.delimiter != ";" and _NUMBERS.match(text) is not None
