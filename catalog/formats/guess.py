"""What kind of text a file is when its name claims nothing, from lines that only that kind has.

Three steps, most telling first: a `#!` line, signs that hardly stand anywhere else, and a count of
statements for programming languages, where no single line is proof.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from catalog.formats import dialect
from catalog.formats.checks import Match

_LOOKED_AT = 4096
"""How far the patterns look that may take time growing with the square of the text."""
_LINES = 120
_RECORDS_LOOKED_AT = 16_384
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
    """A format that a text with at least `times` lines like `lines` is, and how to say so."""

    format: str
    confidence: float
    evidence: str
    lines: re.Pattern[str]
    times: int = 1


def _signs(*rows: tuple[str, float, str, str, int]) -> tuple[_Sign, ...]:
    return tuple(_Sign(name, sure, why, re.compile(rf"(?m){rule}"), times) for name, sure, why, rule, times in rows)


_STARTS = _signs(
    ("gff", 0.97, "'##gff-version'", r"\A##gff-version", 1),
    ("sam", 0.95, "SAM header lines", r"\A@(?:HD|SQ|RG|PG|CO)\t[A-Z][A-Za-z]:", 1),
    ("bed", 0.9, "a browser track", r"\A(?:browser (?:position|hide)|track (?:type|name)=)", 1),
    ("pgn", 0.97, "PGN tags", r"\A\[(?:Event|Site|Date) \"", 1),
    ("calendar", 0.97, "BEGIN of a calendar or contact", r"\ABEGIN:V(?:CALENDAR|CARD)\b", 1),
    ("subtitles", 0.95, "script of subtitles", r"\A\[Script Info\]", 1),
    ("subtitles", 0.97, "numbered times", r"\A\d+\s*\n\d\d:\d\d:\d\d[,.]\d{3} --> ", 1),
    ("pdb", 0.9, "records of a protein structure", r"\A(?:HEADER|CRYST1|ATOM  |REMARK|MODEL ).{4,76}\n(?:.*\n)*?(?:ATOM  |HETATM|TITLE |COMPND|REMARK)", 1),
    ("cif", 0.9, "CIF data block", r"\A(?:#.*\n|[ \t\r]*\n)*+data_\S*[ \t\r]*\n(?:#.*\n|[ \t\r]*\n)*+(?:_\w|loop_)", 1),
    ("stl", 0.95, "facets of a solid", r"\Asolid\b.*\n\s*facet normal ", 1),
    ("lightgbm", 0.97, "LightGBM trees", r"\Atree\nversion=v\d", 1),
    ("pickle", 0.8, "pickle protocol 0", r"\A(?:\(?[dl]p\d*\n|c(?:copy_reg|numpy|pandas|sklearn|__builtin__)[\w.]*\n\w+\n)", 1),
    ("fasta", 0.8, "'>' and a sequence", r"\A(?:;.*\n)*>[^\n]*\n(?:[A-Za-z*-]{20,}|[ACGTUNacgtun]+)\s*(?:\n|\Z)", 1),
    ("fastq", 0.9, "'@', sequence, '+', qualities", r"\A@[^\n]+\n[ACGTNacgtn.]+\n\+[^\n]*\n", 1),
    ("postscript", 0.9, "PostScript", r"\A%!", 1),
    ("email", 0.9, "mail headers", r"\A(?:From \S+@?\S* .*\d{4}\n)?(?:(?:Received|Return-Path|Delivered-To|From|To|Subject|Date|Message-ID|MIME-Version|X-[\w-]+): .*\n(?:[ \t].*\n)*){3}", 1),
    ("php", 0.95, "'<?php'", r"\A<\?php\b", 1),
    ("python", 0.75, "a docstring at the top", r"\A(?:#.*\n|[ \t]*\n)*+[ruRU]?(?:\"\"\"|''')", 1),
)  # fmt: skip

_ANYWHERE = _signs(
    ("arff", 0.95, "ARFF declarations", r"^@(?i:relation|attribute|data)\b", 2),
    ("tex", 0.95, "LaTeX document", r"^[ \t]*\\(?:documentclass|begin\{document\}|usepackage|chapter\{|section\{)", 1),
    ("bibtex", 0.95, "BibTeX entries", r"^@(?i:article|book|inproceedings|misc|techreport|phdthesis|incollection|string|manual)\s*\{\s*[\w:./+-]*\s*[,=]", 1),
    ("diff", 0.95, "hunks of a patch", r"^(?:@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@|\*{15}$|diff -[-\w]+ .*)", 1),
    ("gettext", 0.95, "translated messages", r"^msg(?:id|str) \"", 2),
    ("sql", 0.7, "SQL statements", r"^[ \t]*(?i:CREATE (?:OR REPLACE )?(?:TEMP(?:ORARY)? )?(?:TABLE|DATABASE|VIEW|SCHEMA|INDEX|FUNCTION|TYPE|UNIQUE INDEX)|INSERT INTO|SELECT\s[^;]+?\sFROM|ALTER TABLE|DROP TABLE|DELETE FROM|UPDATE \w+ SET|WITH \w+ AS \()[^;]*;", 1),
    ("schema", 0.9, "interface schema", r"^[ \t]*(?:syntax = \"proto[23]\";|namespace (?:py|java|cpp|go|rs) \w|thrift_spec)", 1),
    ("build", 0.85, "Dockerfile", r"\A(?:#.*\n|ARG .*\n|[ \t\r]*\n)*+FROM [\w./:${}@-]+(?: AS \w+)?[ \t\r]*\n(?:.*\n)*?(?:RUN|COPY|CMD|ENTRYPOINT|WORKDIR|ENV|ADD) ", 1),
    ("build", 0.85, "CMake commands", r"^(?i:cmake_minimum_required|add_(?:library|executable|subdirectory)|target_link_libraries|project)\s*\(", 2),
    ("terraform", 0.9, "Terraform blocks", r"^(?:resource|data|provider|variable|module|output) \"[\w-]+\"(?: \"[\w-]+\")? \{$", 1),
    ("dot", 0.9, "a graph", r"\A(?:\s|//.*\n|/\*.*?\*/)*+(?:strict )?(?:di)?graph\b[^{]*\{(?=[^}]*(?:->|--|\[))", 1),
    ("obj", 0.85, "vertices and faces", r"^(?:v -?\d[\d.e+-]* -?\d[\d.e+-]* -?\d[\d.e+-]*|f \d+(?:/\d*)*(?: \d+(?:/\d*)*){2,})\s*$", 6),
    ("libsvm", 0.85, "labels and numbered values", r"^[+-]?\d[\d.]*(?: \d+:-?\d[\d.eE+-]*){2,}\s*$", 3),
    ("rst", 0.85, "directives", r"^[ \t]*\.\. (?:[\w:-]+::|_[^:\n]+:)", 2),
)  # fmt: skip

_CODE: dict[str, tuple[str, ...]] = {
    "python": (
        r"^[ \t]*from [.\w]+ import ", r"^import \w[\w., ]*(?: as \w+)?\s*$", r"^[ \t]*(?:async )?def \w+\(.*(?:\)|,\s*$)",
        r"^[ \t]*class \w+(?:\(.*\))?:\s*$", r"^[ \t]*@\w[\w.]*(?:\(.*\))?$", r"^[ \t]*(?:if|elif|for|while|with|try|except)\b.*:\s*$",
        r"^[ \t]*(?:return|raise|self\.\w+ =)\b", r"^if __name__ == ", r"\A[ru]?\"\"\"",
    ),
    "c": (
        r"^[ \t]*#\s*include\s*[<\"]", r"^[ \t]*#\s*(?:define|ifndef|ifdef|pragma|endif)\b", r"^[ \t]*(?:template\s*<|namespace \w+|using namespace )",
        r"^(?:static |inline |extern |const |unsigned )*(?:void|int|char|float|double|bool|size_t|auto|struct \w+)[ *]+\w+\(.*[){;,]\s*$",
        r"^[ \t]*typedef\b", r"\bstd::\w+", r"->\w+", r"^[ \t]*struct \w+ \{",
    ),
    "java": (
        r"^package [\w.]+;\s*$", r"^import (?:static )?[\w.]+(?:\.\*)?;\s*$", r"^[ \t]*(?:public|private|protected)\s+(?:static |final |abstract )*[\w<>\[\], ]+[({;]",
        r"^[ \t]*@(?:Override|Test|Nullable|Deprecated)\b", r"\bSystem\.out\.", r"\bnew \w+(?:<.*>)?\(",
    ),
    "go": (r"^package \w+\s*$", r"^import (?:\(|\")", r"^func (?:\(\w+ \*?\w+\) )?\w+\(.*\{\s*$", r"\s:= ", r"^type \w+ (?:struct|interface) \{"),
    "rust": (
        r"^[ \t]*(?:pub(?:\(\w+\))? )?(?:async )?(?:unsafe )?fn \w+", r"^[ \t]*(?:pub )?use [\w:]+(?:::\{|;|::\w)", r"^[ \t]*let mut ", r"^[ \t]*impl(?:<.*>)? ",
        r"^[ \t]*#!?\[\w+", r"^[ \t]*(?:pub )?(?:mod|enum|trait|struct) \w+.*[{;]\s*$", r"\bunwrap\(\)",
    ),
    "javascript": (
        r"^[ \t]*(?:export )?(?:default )?(?:async )?function\*? ?\w*\(", r"^[ \t]*(?:const|let|var) [\w{[].* = ", r"\brequire\(['\"]",
        r"^[ \t]*import .* from ['\"]", r"^[ \t]*module\.exports\b", r"=> [{(]", r"['\"]use strict['\"]", r"^[ \t]*export (?:const|default|class|\{)",
        r"\bconsole\.log\(", r"\A\s*!?\(?function\s?\(", r"===",
    ),
    "typescript": (
        r"^[ \t]*(?:export )?(?:declare )?(?:interface|type|enum|namespace|abstract class) \w+", r"^[ \t]*import (?:type )?.* from ['\"]",
        r"\b\w+\??: (?:string|number|boolean|any|void|unknown|never)\b", r"^[ \t]*(?:public|private|readonly|export declare) \w", r"\bas (?:const|any|unknown)\b",
        r"^/// <reference",
    ),
    "r": (r"^[ \t]*[\w.]+ <- ", r"^[ \t]*library\(", r"<- function\(", r"%>%|\|>", r"^#' @"),
    "perl": (r"^use (?:strict|warnings|\w+(?:::\w+)*)\b.*;", r"^[ \t]*my [$@%(]", r"^sub \w+\s*\{", r"^package [\w:]+;", r"^=(?:head1|cut|pod)\b", r"\$_\b|=~"),
    "ruby": (r"^[ \t]*require ['\"]", r"^[ \t]*(?:module|class) [A-Z][\w:]*(?: < [\w:]+)?\s*$", r"^[ \t]*def (?:self\.)?\w+[?!]?(?:\(.*\)|$|\s)", r"^[ \t]*end\s*$", r"\bdo \|", r"^[ \t]*attr_\w+ :", r"^# frozen_string_literal"),
    "julia": (r"^using \w+", r"^function \w+[(!]", r"^[ \t]*end\s*$", r"^module \w+\s*$", r"::(?:Int|Float|String|Vector|Abstract)\w*"),
    "lua": (r"^[ \t]*local (?:function )?\w+", r"^[ \t]*function [\w.:]+\(", r"^[ \t]*end\b,?\)?$", r"\bthen\s*$", r"^--"),
    "php": (r"<\?php", r"^[ \t]*\$\w+ = ", r"->\w+\(", r"^[ \t]*(?:public|private|protected) (?:static )?function "),
    "csharp": (r"^[ \t]*using [\w.]+;\s*$", r"^[ \t]*namespace [\w.]+\s*[{;]?\s*$", r"^[ \t]*(?:public|private|internal) (?:static |sealed |partial )*(?:class|void|string|int)\b", r"\{ get; (?:set; )?\}"),
    "css": (r"^[ \t]*[.#@]?[\w.:#,> *\[\]=\"()+~-]+\s*\{\s*$", r"^[ \t]*[\w-]+\s*:\s*[^;{]+;\s*$", r"^@(?:media|import|charset|font-face)\b", r"[.#][\w-]+\{[\w-]+:"),
    "shell": (r"^[ \t]*(?:if|while) (?:\[\[? |!? ?\w+ .*; (?:then|do))", r"^[ \t]*(?:fi|done|esac)\s*$", r"\bthen\s*$", r"^[ \t]*(?:export )?[A-Za-z_]\w*=[\"$']", r"\$\{\w+", r"^[ \t]*echo ", r"^[ \t]*set -[eux]"),
    "batch": (r"^[ \t]*@?(?i:echo off|setlocal|rem |goto |set \w+=)", r"%\w+%|%~", r"^:\w+"),
    "build": (r"^\.PHONY:", r"^[\w./%$()-]+\s*:(?!=)[^=]*\n\t", r"^\w+\s*[:?+]?=\s*", r"\$\([\w-]+\)|\$@|\$<"),
}  # fmt: skip
_ENOUGH = {"css": 4, "build": 4, "lua": 3, "c": 2, "go": 2, "rust": 2, "perl": 2}
_HINTS = {
    "python": ("import ", "def ", "class ", "return"),
    "c": ("#include", "# include", "#define", "#ifndef", "#ifdef", "typedef", "::", "struct "),
    "java": ("package ", "import ", "public "),
    "go": ("package ", "func "),
    "rust": ("fn ", "use ", "impl ", "mod "),
    "javascript": ("function", "const ", "var ", "let ", "require(", "export ", "import "),
    "typescript": ("interface ", "declare ", "import ", ": string", ": number", "/// <"),
    "r": ("<- ", "library("),
    "perl": ("my ", "use ", "sub ", "=head"),
    "ruby": ("require", "end\n", "module "),
    "julia": ("using ", "function ", "module "),
    "lua": ("local ", "function "),
    "php": ("<?php", "$"),
    "csharp": ("using ", "namespace "),
    "css": ("{",),
    "shell": ("fi\n", "done", "then", "echo ", "${", "export "),
    "batch": ("echo", "ECHO", "rem ", "REM ", "%"),
    "build": (".PHONY", ":\n\t", "$("),
}
"""Words of which a text in the language has one: looking for them costs next to nothing."""
_CODE_LOOKED_AT = 3000
_STATEMENTS = {name: tuple(re.compile(rf"(?m){rule}") for rule in rules) for name, rules in _CODE.items()}

_STAMP = re.compile(
    r"\[?(?:\d{4}[-/.]\d\d[-/.]\d\d[T ]\d\d:\d\d|[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d|\d\d:\d\d:\d\d[,.]\d{3}"
    r"|\d{2}/\d{2}/\d{2,4} \d\d:\d\d)|\S+ \S+ \S+ \[\d\d/[A-Z][a-z]{2}/\d{4}:"
    r"|\[?(?:DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL|TRACE|FATAL)\b[\]:]?|[IWEF]\d{4} \d\d:\d\d:\d\d"
)
_BED = re.compile(r"chr[\w.]{1,20}\t\d+\t\d+(?:\t|\s*$)")
_GTF = re.compile(r"[^\t]+\t[^\t]+\t[^\t]+\t\d+\t\d+\t[^\t]+\t[-+.?]\t[.012]\t")
_MARKDOWN = re.compile(
    r"(?m)^(?:#{1,6} \S|```|~~~|\|(?:\s*:?-+:?\s*\|)+|\s*[-*] \[[ x]\] |> \S)|\[[^\]\n]+\]\([^)\s]+\)|^\S.*\n(?:===+|---+)\s*$"
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
        if sign.lines.match(text):
            return Match(sign.format, sign.confidence, sign.evidence)
    lines = [line for line in text.split("\n")[:_LINES] if line.strip() and not line.lstrip().startswith("#")]
    for sign in _ANYWHERE:
        if _found(sign.lines, text, sign.times):
            return Match(sign.format, sign.confidence, sign.evidence)
    for attempt in (_by_line, _settings):
        if found := attempt(lines):
            return found
    if code := _code(text):
        return code
    if table := delimited(text, whole, strict=True):
        return table
    return _loose(text, lines)


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
    if sum(_GTF.match(line) is not None for line in lines) >= enough:
        return Match("gff", 0.9, "nine columns of an annotation")
    if sum(_BED.match(line) is not None for line in lines) >= enough:
        return Match("bed", 0.85, "regions of a genome")
    stamped = sum(_STAMP.match(line) is not None for line in lines)
    columns = [{line.count(mark) for line in lines[: max(len(lines) - 1, 1)]} for mark in ",;\t"]
    table = any(len(counts) == 1 and counts != {0} for counts in columns)
    if len(lines) >= 2 and stamped * 10 >= len(lines) * 6 and not table:
        return Match("log", 0.75, f"{stamped} of {len(lines)} lines begin as log lines do")
    return None


def _settings(lines: list[str]) -> Match | None:
    """TOML or an INI file: sections with keys below; TOML quotes its strings."""
    tables = sum(_TABLE.match(line) is not None for line in lines)
    quoted = sum(_TOML.match(line) is not None for line in lines)
    settings = sum(_SETTING.match(line) is not None for line in lines)
    if not tables or not settings or not (_TABLE.match(lines[0]) or _TOML.match(lines[0])):
        return None
    if quoted and quoted * 10 >= settings * 9:
        return Match("toml", 0.75, "tables and quoted values")
    return Match("ini", 0.7, "sections and settings") if _TABLE.match(lines[0]) else None


def _code(text: str) -> Match | None:
    """The language with most statements of its own, where several kinds of them are there."""
    text = text[:_CODE_LOOKED_AT]
    best, most, kinds = "", 4, 0
    for name, rules in _STATEMENTS.items():
        if not any(hint in text for hint in _HINTS[name]):
            continue
        counts = [min(len(found), 3) + 1 for rule in rules if (found := rule.findall(text))]
        if sum(counts) > most and len(counts) >= _ENOUGH.get(name, 2):
            best, most, kinds = name, sum(counts), len(counts)
    return Match(best, 0.65, f"{kinds} kinds of {best} statements") if best else None


def _loose(text: str, lines: list[str]) -> Match:
    keyed = sum(_YAML.match(line) is not None for line in lines)
    if keyed and keyed * 10 >= len(lines) * 8 and (len(lines) > 2 or text.startswith("---\n")):
        return Match("yaml", 0.6, "keys and values")
    if _found(_MARKDOWN, text, 2):
        return Match("markdown", 0.6, "Markdown headings or links")
    return Match("text", 0.6, "plain text")


def delimited(text: str, whole: bool, strict: bool) -> Match | None:
    """`csv` or `tsv` when the records agree on a dialect. `strict` for files whose name does not say so."""
    found = None if strict else dialect.vote(text[:_FEW_RECORDS], whole=False)
    if found is None or found.share < 0.98 or found.columns < 3 or found.records < 5:
        found = dialect.vote(text[:_RECORDS_LOOKED_AT], whole and len(text) <= _RECORDS_LOOKED_AT)
    if found is None:
        return None
    # Prose has commas too, but hardly the same number in line after line, and a space behind each.
    tight = found.delimiter == "\t" or found.delimiter + " " not in text
    enough = 3 if found.columns >= 3 or tight else 6
    if strict and (found.share < 0.95 or found.records < enough):
        return None
    if found.share < 0.5:
        return None
    shown = {"\t": "tab"}.get(found.delimiter, f"'{found.delimiter}'")
    name = "tsv" if found.delimiter == "\t" else "csv"
    certain = round(0.6 + 0.35 * found.share * min(found.records, 10) / 10, 2)
    evidence = f"{found.columns} columns by {shown} in {found.share:.0%} of {found.records} records"
    return Match(name, certain, evidence)
