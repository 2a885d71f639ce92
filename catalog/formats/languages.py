"""Which language a text is written in, by what its lines begin with and by signs that others hardly use.

No single line is proof, so each kind of evidence has a weight and counts three times at most. A line
is looked up by its first word, and a word is searched as plain text: a pattern runs only over the few
lines whose first word asks for it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import NamedTuple


class _Rule(NamedTuple):
    """A line that fits `line` speaks for `language` with `weight`."""

    language: str
    weight: int
    line: re.Pattern[str]


_FIRST = re.compile(r"[ \t]*([#@$=\\]?[A-Za-z_][\w-]*|#'|[#.:])")
_LINES = 160
_LONGEST = 240
_TIMES = 3
_ENOUGH = 5
_MARGIN = 1.25
_MINIFIED = 300
"""A line this long hides what its parts begin with."""

# language, weight, first words, pattern of the line from its first word on.
_TABLE: tuple[tuple[str, int, str, str], ...] = (
    ("python", 5, "from", r"from [.\w]+ import [\w(*]"),
    ("python", 2, "import", r"import \w[\w.]*(?: as \w+)?(?:, \w[\w.]*(?: as \w+)?)*$"),
    ("python", 4, "def async", r"(?:async )?def \w+(?:\[.*\])?\(.*(?::|,|\(|: \.\.\.)$"),
    ("python", 3, "class", r"class \w+(?:\(.*\))?:(?: \.\.\.)?$"),
    ("python", 1, "if for while", r"\w+ .*:$"),
    ("python", 2, "for with elif", r"(?:for .* in |with .*|elif .*).*:$"),
    ("python", 2, "try finally else", r"\w+:$"),
    ("python", 3, "except", r"except\b.*:$"),
    ("python", 2, "raise", r"raise \w+(?:\(|$)"),
    ("python", 1, "self return assert", r"(?:self\.\w+ = |return \w|assert )[^;]*$"),
    ("python", 4, "__all__ __version__", r"__\w+__\s*[+:=]"),
    ("c", 4, "#include", r"#include\s*[<\"]"),
    ("c", 2, "#define #ifndef #ifdef #if #endif #pragma #undef #else #elif", r"#\w+(?:\s|$)"),
    ("c", 3, "#", r"#[ \t]+(?:include[ \t]*[<\"]|define [A-Z_]\w*|if(?:n?def) \w+$|pragma |endif\s*(?:/\*.*)?$)"),
    ("c", 3, "typedef", r"typedef\b"),
    ("c", 2, "struct union enum", r"\w+ (?:class )?\w+\s*(?:\{|;|$|\*)"),
    ("c", 2, "static inline const constexpr", r"(?:static |inline |const |constexpr |unsigned )+[\w:<>]+[ *&]+[\w:]+.*[(;={,\[]"),
    ("c", 3, "extern", r"extern (?:\"C\"|(?!crate)\w+)"),
    ("c", 2, "void int char float double bool size_t auto unsigned long uint8_t uint32_t int32_t int64_t uint64_t",
     r"[\w ]+[ *&]+[\w:~]+\s*(?:\(.*[,){;]$|\($|(?:\[.*\])?(?: = .*)?;)"),
    ("c", 3, "namespace", r"namespace (?:[\w:]+\s*)?(?:\{.*)?$"),
    ("c", 3, "template", r"template\s*<"),
    ("c", 3, "using", r"using (?:namespace |\w+ = )|using [\w:]+::\w+;"),
    ("c", 2, "public private protected", r"\w+:$"),
    ("c", 1, "return class", r"return .*;$|class .*(?:;|\{)$"),
    ("java", 3, "import", r"import (?:static )?[\w.]+(?:\.\*)?;$"),
    ("java", 2, "import", r"import (?:java|scala|kotlin|org|com|akka|android)[\w.]*\.[\w{},*_ =>]+$"),
    ("java", 2, "package", r"package [\w.]+;$|package \w+(?:\.\w+)+$"),
    ("java", 2, "public private protected abstract final",
     r"(?:\w+ )+(?:class|interface|enum|void|@interface) \w+|(?:public|private|protected) (?:\w+ )*[\w<>\[\], ?.]+ \w+\s*(?:\(|=|;)"),
    ("java", 3, "object trait sealed data", r"(?:case )?(?:object|trait|sealed|data) (?:class |trait )?[A-Z]\w*"),
    ("java", 2, "val fun override", r"val \w+(?:: \S+)? = |fun (?:\w+\.)?\w+\(|override (?:def|fun|val) "),
    ("java", 2, "@Override @Test @Nullable @Deprecated @Autowired", r"@\w+"),
    ("go", 3, "package", r"package [a-z]\w*$"),
    ("go", 3, "import", r"import (?:\w+ )?(?:\($|\")"),
    ("go", 3, "func", r"func (?:\(\w+ \*?[\w.\[\]]+\) )?\w+(?:\[.*\])?\((?!.*->)"),
    ("go", 3, "type", r"type \w+ (?:struct|interface|func|map)\b"),
    ("go", 1, "var const", r"(?:var|const) \($|var \w+ [\w.*\[\]]+$"),
    ("rust", 3, "fn pub unsafe", r"(?:pub(?:\(\w+\))? )?(?:unsafe |async |const |extern \"C\" )*(?:fn|struct|enum|mod|use|trait|type|static) \w+"),
    ("rust", 3, "impl", r"impl(?:<.*>)? "),
    ("rust", 3, "mod", r"mod \w+(?:;| \{)"),
    ("rust", 3, "use", r"use (?:crate|super|self|std|core|alloc|\w+)::[\w:{}, *]+"),
    ("rust", 3, "#", r"#!?\[\w+"),
    ("rust", 1, "let", r"let (?:mut )?\w+(?:: .*)? = .*;$"),
    ("rust", 2, "let", r"let mut "),
    ("javascript", 3, "import", r"import .*\bfrom\s*['\"]|import ['\"]"),
    ("javascript", 3, "const var", r"(?:const|var) [\w${\[].*?="),
    ("javascript", 2, "let", r"let [\w${\[].*?[=;]"),
    ("javascript", 2, "function", r"function\*? ?[\w$]*\s*\(.*\)\s*\{"),
    ("javascript", 3, "async", r"async function"),
    ("javascript", 3, "export", r"export (?:default|const|function|class|\{|\*|async|let|var)"),
    ("javascript", 4, "module exports", r"(?:module\.)?exports(?:\.\w+)? ?="),
    ("javascript", 1, "return class", r"return .*;$|class \w+(?: extends [\w.]+)? \{$"),
    ("typescript", 4, "export", r"export (?:declare |(?:default )?(?:interface|type|enum|abstract|namespace) )"),
    ("typescript", 4, "declare", r"declare (?:const|let|var|function|class|module|namespace|global|type|interface|enum)\b"),
    ("typescript", 4, "import", r"import type "),
    ("typescript", 2, "interface", r"interface \w+(?:<.*>)?(?: extends .*)? \{"),
    ("typescript", 3, "type", r"type \w+(?:<.*>)? ="),
    ("typescript", 2, "const let var", r"\w+ \w+: "),
    ("typescript", 1, "public private readonly", r"\w+ (?:readonly |static |async )*\w+(?:\(|\??: )"),
    ("csharp", 3, "using", r"using (?:static )?[A-Z][\w.]*;$"),
    ("csharp", 3, "namespace", r"namespace [A-Z]\w*(?:\.\w+)*\s*[;{]?$"),
    ("csharp", 2, "public private internal protected", r"\w+ (?:static |sealed |partial |override |async |virtual |readonly )+\w|.*\{ get;"),
    ("ruby", 3, "require require_relative", r"\w+ ['\"]"),
    ("ruby", 2, "def", r"def (?:self\.)?\w+[?!=]?(?:\(.*\)| \w+(?:, \w+)*)?$"),
    ("ruby", 3, "class", r"class [A-Z][\w:]*(?: < [\w:]+)?$"),
    ("ruby", 3, "module", r"module [A-Z][\w:]*$"),
    ("ruby", 4, "attr_reader attr_accessor attr_writer", r"\w+ :"),
    ("ruby", 1, "end", r"end$"),
    ("lua", 3, "local", r"local (?:function )?[\w, ]+(?:=|\(|$)"),
    ("lua", 2, "function", r"function [\w.:]+\(.*\)$"),
    ("lua", 1, "end if elseif", r"end[,)]*$|(?:else)?if .* then$"),
    ("julia", 3, "using", r"using [A-Z]\w*(?:\.\w+)*(?:: .*|, .*)?$"),
    ("julia", 2, "function", r"function [\w.!]+(?:\{.*\})?\(.*(?:\)|,)(?:::\w+)?$"),
    ("julia", 2, "module struct mutable abstract", r"module [A-Z]\w*$|(?:mutable |abstract )(?:struct|type) \w+|struct \w+(?:\{.*\})?(?: <: .*)?$"),
    ("julia", 1, "end", r"end$"),
    ("perl", 3, "use", r"use (?:strict|warnings|utf8|lib|base|parent|constant|vars|feature|v?5|[A-Z]\w*(?:::\w+)*)\b.*;"),
    ("perl", 3, "my our local", r"(?:my|our|local) [$@%(]"),
    ("perl", 3, "sub", r"sub \w+\s*(?:\{|$)"),
    ("perl", 2, "package", r"package [A-Za-z]\w*(?:::\w+)*;$"),
    ("perl", 3, "=head1 =head2 =cut =pod =over =item =encoding", r"=\w+"),
    ("perl", 1, "return", r"return [$@%].*;$"),
    ("php", 3, "namespace use", r"(?:namespace|use) [A-Z]\w*(?:\\\w+)+(?: as \w+)?;$"),
    ("php", 3, "public private protected", r"\w+ (?:static )?function "),
    ("php", 2, "function", r"function &?\w+\(.*\$"),
    ("r", 3, "library", r"library\(\w"),
    ("r", 3, "#'", r"#' "),
    ("swift", 3, "import", r"import (?:Foundation|UIKit|SwiftUI|XCTest|Darwin|Cocoa)$"),
    ("swift", 3, "guard", r"guard (?:let|var|case) "),
    ("swift", 3, "func", r"func \w+(?:<.*>)?\(.*\)(?: throws)? -> "),
    ("swift", 1, "let var", r"(?:let|var) \w+(?:: [A-Z][\w\[\]<>?]*)? = [^;]*$"),
    ("shell", 2, "if elif while until", r"\w+ (?:! )?(?:\[|.*;\s*(?:then|do)$)"),
    ("shell", 2, "fi done esac", r"\w+(?:;|\)|$|\s*[|>&<].*)"),
    ("shell", 2, "for", r"for \w+ in .*?(?:; do|[^:{])$"),
    ("shell", 3, "case", r"case .* in$"),
    ("shell", 2, "echo printf", r"\w+ (?!.*;$)[\"'$\w-]"),
    ("shell", 2, "set", r"set [-+][a-z]"),
    ("shell", 3, "export", r"export [A-Z_]\w*(?:=|$)"),
    ("shell", 2, "local source alias", r"local \w+=|source \S+$|alias [\w-]+="),
    ("sql", 4, "create", r"create (?:or replace )?(?:temp\w* |unlogged |unique |external |materialized |global )*"
     r"(?:table|view|index|function|schema|database|type|trigger|sequence|extension|procedure|role|user|operator|domain"
     r"|aggregate|cast|access|text|policy|rule|server|foreign)\b"),
    ("sql", 4, "alter", r"alter (?:table|view|index|function|schema|database|type|sequence|extension|role|user|operator|default)\b"),
    ("sql", 4, "insert delete drop", r"insert (?:or \w+ )?into\b|delete from\b|drop (?:table|view|index|function|schema|type|operator|extension)\b"),
    ("sql", 3, "select", r"select\b(?:.*\bfrom\b.*(?:;|$)|.*[,(]$|$|.*;$)"),
    ("sql", 3, "update comment grant revoke", r"update [\w.\"`]+ set\b|comment on\b|(?:grant|revoke) .* (?:on|to) "),
    ("sql", 2, "from where order group values begin commit", r"(?:from|where) [\w.\"`(]+|(?:order|group) by |values\s*\(|(?:begin|commit)(?: transaction)?;$"),
    ("sql", 5, "\\echo \\connect \\copy", r"\\\w+ "),
    ("css", 2, "color margin padding display background font width height border position top left right bottom float "
     "margin-left margin-right margin-top margin-bottom padding-left padding-right padding-top padding-bottom "
     "background-color background-image font-size font-family font-weight text-align line-height border-radius "
     "max-width min-width max-height min-height z-index overflow opacity cursor content transform transition "
     "flex align-items justify-content vertical-align text-decoration white-space box-sizing", r"[\w-]+\s*:\s*[^:=]*[;}]?$"),
    ("css", 2, ". #", r"[.#][A-Za-z_][\w-]*[^=();]*(?:\{|,)$"),
    ("css", 2, ":", r"::?[a-z-]+.*\{$"),
    ("css", 4, "@media @charset @font-face @keyframes @mixin @include @supports", r"@[\w-]+"),
    ("css", 1, "body html a ul li table td th div p h1 h2 h3 span img input button pre code", r"\w+[^=()]*(?:\{|,)$"),
    ("build", 5, ".", r"\.PHONY\s*:"),
    ("build", 2, "ifeq ifneq endif include define", r"(?:ifn?eq \(|endif$|include [\w./$(){}-]+$|define \w+$)"),
    ("batch", 5, "@echo", r"@echo off"),
    ("batch", 3, "setlocal goto rem endlocal", r"(?:setlocal|endlocal)$|goto :?\w+|rem "),
    ("batch", 2, "set", r"set \"?\w+="),
    ("batch", 3, "param", r"param\s*\($"),
)  # fmt: skip
_ANY_CASE = frozenset({"sql", "batch"})

# language, weight, texts that speak for it wherever they stand.
_WORDS: tuple[tuple[str, int, tuple[str, ...]], ...] = (
    ("python", 3, ("if __name__ ==", "from __future__ import", "# -*- coding", "__all__ =")),
    ("python", 2, ('"""', "-> None", "__init__", " is None", "'''")),
    ("python", 1, ("self.", "None", "print(", " not in ", "elif ")),
    ("c", 3, ("std::", "nullptr", 'extern "C"')),
    ("c", 1, ("->", "NULL", "size_t", "/*", "sizeof(", "#endif")),
    ("java", 3, ("System.out.", "public static void main", "import java")),
    ("java", 1, ("@Override", "throws ", "new ")),
    ("go", 3, ("err != nil", "interface{}")),
    ("go", 2, (":= ", "fmt.")),
    ("rust", 3, ("&self", "println!", "&mut ")),
    ("rust", 2, ("unwrap()", "Result<", "::new(", "Some(")),
    ("javascript", 4, ("use strict", "module.exports", ".prototype.")),
    ("javascript", 2, ("===", "=> {", "function(", "function (", "document.", "window.", "console.", "typeof ", "void 0")),
    ("javascript", 1, ("=>", "undefined", "require(", "const ")),
    ("typescript", 5, ("/// <reference", ".d.ts.map")),
    ("typescript", 2, (": string", ": number", ": boolean", ": void", " as const")),
    ("csharp", 2, ("{ get; ", "/// <summary>")),
    ("ruby", 5, ("# frozen_string_literal",)),
    ("ruby", 2, (" do |", ".nil?", "attr_")),
    ("lua", 2, ("~= ", "local function")),
    ("julia", 2, ("::Int", "::Float64", "::String", "::Vector", "@test ")),
    ("perl", 3, ("__PACKAGE__", "=cut")),
    ("perl", 2, ("=~ ", "->{", "@_", "qw(")),
    ("php", 6, ("<?php",)),
    ("php", 3, ("$this->",)),
    ("r", 4, ("<- function(", "%>%")),
    ("r", 2, (" <- ", "library(")),
    ("shell", 2, ("[[ ", "2>&1", "/dev/null", "; then", "|| exit")),
    ("shell", 1, ("${", "$(", '"$', ";;")),
    ("css", 3, ("{color:", "{display:", "{margin", "{padding", "{width:", "{font-", "{background", "!important")),
    ("css", 2, ("px;", "px}", "em;", "rem}")),
    ("build", 2, ("$@", "$<", "$(MAKE)", ":\n\t")),
    ("batch", 4, ("[CmdletBinding", "Write-Host", "-ErrorAction", "%~dp0", "New-Object ")),
    ("batch", 2, ("$env:", "%errorlevel%", "%ERRORLEVEL%")),
    ("sql", 1, ("PRIMARY KEY", "NOT NULL", "LANGUAGE ", "VARCHAR")),
)  # fmt: skip


def _by_word() -> dict[str, list[_Rule]]:
    found: dict[str, list[_Rule]] = defaultdict(list)
    for language, weight, words, line in _TABLE:
        rule = _Rule(language, weight, re.compile(line, re.IGNORECASE if language in _ANY_CASE else 0))
        for word in words.split():
            found[word].append(rule)
            if language in _ANY_CASE and word.isalpha():
                found[word.upper()].append(rule)
    return dict(found)


_RULES = _by_word()


def language(text: str, *, prose: bool = False) -> tuple[str, int] | None:
    """The language of `text` and how many kinds of evidence speak for it; None where none clearly leads.

    In `prose` (documentation, which quotes code) only lines count that are not indented.
    """
    points: dict[str, int] = defaultdict(int)
    kinds: dict[str, int] = defaultdict(int)
    _count_lines(text, points, kinds, prose)
    minified = len(text) > _MINIFIED and max(map(len, text.split("\n"))) > _MINIFIED
    if not points and not minified:
        return None
    for name, weight, words in _WORDS:
        if minified or name in points:
            for word in words:
                if word in text:
                    points[name] += weight * min(text.count(word), 2 if minified else 1)
                    kinds[name] += 1
    if "=>" in text or "function" in text:
        points.pop("css", None)  # styles within a script
    if points.get("typescript", 0) >= 4:
        points["typescript"] += points.pop("javascript", 0)
    ranked = sorted(points.items(), key=lambda item: -item[1])
    if not ranked or ranked[0][1] < (_ENOUGH + 3 if minified else _ENOUGH):
        return None
    best, most = ranked[0]
    if len(ranked) > 1 and most < ranked[1][1] * _MARGIN and most - ranked[1][1] < _ENOUGH:
        return None
    return best, kinds[best]


def _count_lines(text: str, points: dict[str, int], kinds: dict[str, int], prose: bool) -> None:
    seen: dict[int, int] = {}
    for line in text.split("\n", _LINES)[:_LINES]:
        first = _FIRST.match(line)
        if first is None or (prose and first.start(1)):
            continue
        rules = _RULES.get(first[1]) or (_RULES.get(first[1][0]) if first[1][0] in "#." else None)
        if not rules:
            continue
        content = line[first.start(1) : _LONGEST].rstrip()
        for rule in rules:
            times = seen.get(id(rule), 0)
            if times < _TIMES and rule.line.match(content):
                seen[id(rule)] = times + 1
                points[rule.language] += rule.weight
                kinds[rule.language] += not times
