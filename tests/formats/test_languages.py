"""Which language nameless code is in, and what only quotes code."""

from __future__ import annotations

import pytest

from catalog.formats.languages import language
from catalog.formats.sniff import sniff

CODE = {
    "python": "import os\nfrom sys import argv\n\n\nclass Reader:\n    def read(self, path):\n        return os.stat(path)\n",
    "c": "#include <stdio.h>\n\nstatic int add(int a, int b) {\n    return a + b;\n}\n",
    "java": "package org.example;\n\nimport java.util.List;\n\npublic class Reader {\n    private final List<String> lines;\n}\n",
    "go": 'package main\n\nimport (\n\t"fmt"\n)\n\nfunc main() {\n\tx := 1\n\tfmt.Println(x)\n}\n',
    "rust": "use std::io::Read;\n\npub fn read(path: &str) -> Result<String, Error> {\n    let mut out = String::new();\n}\n",
    "javascript": "'use strict';\nconst fs = require('fs');\n\nfunction read(path) {\n  return fs.readFileSync(path);\n}\n",
    "typescript": "import type { Reader } from './reader';\n\nexport interface Options {\n  path: string;\n  size: number;\n}\n",
    "ruby": "require 'json'\n\nmodule Reader\n  class File < Base\n    def read(path)\n      path\n    end\n  end\nend\n",
    "perl": "use strict;\nuse warnings;\n\nsub total {\n    my ($x, $y) = @_;\n    return $x + $y;\n}\n",
    "lua": "local json = require 'json'\n\nlocal function read(path)\n  if path ~= nil then\n    return path\n  end\nend\n",
    "julia": "using LinearAlgebra\n\nfunction total(x::Int, y::Int)\n    return x + y\nend\n",
    "php": "\n<?php\nnamespace App\\Models;\n\nclass User {\n    public function name() { return $this->name; }\n}\n",
    "csharp": "using System;\nusing System.IO;\n\nnamespace Company.Reader\n{\n    public static class Files { }\n}\n",
    "swift": "import Foundation\n\nfunc read(path: String) -> Data? {\n    guard let data = load(path) else { return nil }\n}\n",
    "r": "library(dplyr)\n\ntotal <- function(x, y) {\n  x + y\n}\nresult <- total(1, 2)\n",
    "shell": 'set -e\nif [ -z "$1" ]; then\n  echo "no file"\nfi\nfor name in a b; do\n  cat "$name"\ndone\n',
    "sql": "CREATE TABLE person (\n  id int PRIMARY KEY,\n  name text NOT NULL\n);\nINSERT INTO person VALUES (1, 'a');\n",
    "css": ".card {\n  color: red;\n  margin: 0 auto;\n}\n\n#top {\n  display: none;\n}\n",
    "batch": "@echo off\nset name=value\ngoto end\n:end\n",
    "build": ".PHONY: all\nall: a.o\n\tcc -o $@ $<\n",
}  # fmt: skip


def alone(text: str) -> str:
    data = text.encode()
    return sniff(data, data, "", len(data)).format


@pytest.mark.parametrize("name", CODE)
def test_code_is_told_by_its_lines(name):
    found = language(CODE[name])
    assert found is not None and found[0] == name, found
    assert alone(CODE[name]) == name


@pytest.mark.parametrize("name", CODE)
def test_code_with_windows_line_ends(name):
    assert alone(CODE[name].replace("\n", "\r\n")) == name


@pytest.mark.parametrize("name", CODE)
def test_documents_that_quote_code_stay_documents(name):
    fenced = f"# Reader\n\nRead files, see [the manual](https://example.org/manual).\n\n```\n{CODE[name]}```\n\n## Use\n\nAs above.\n"
    assert alone(fenced) == "markdown"
    indented = "".join(f"    {line}\n" for line in CODE[name].splitlines())
    assert alone(f"Reader\n======\n\nIt reads files, as in::\n\n{indented}\n.. note:: And :ref:`more <more>`.\n") == "rst"


@pytest.mark.parametrize(
    "text",
    [
        "Import from the list that we use for this class.\nReturn it to the office if it is not used.\n",
        "We select all of it from the table;\nthen we update the package and let it end.\n",
        "Public function of the module: to export goods.\nThe function returns to the public.\n",
        "for all of us in the house\nwhile we wait\nif it rains\n",
    ],
)
def test_prose_with_words_of_code_is_text(text):
    assert alone(text * 3) == "text"


def test_a_minified_script_is_no_stylesheet():
    script = '(function(){"use strict";var a=function(e){return typeof e==="undefined"};a.prototype.b={color:1};' * 8
    assert alone(script) == "javascript"
    assert alone("a{color:red}.b{margin:0;width:10px;font-size:2em}.c{display:none!important}" * 8) == "css"
