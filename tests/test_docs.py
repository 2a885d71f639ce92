"""The documentation says what the program does: commands, options, fields and rooms are all named."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

import catalog
from catalog.cli.lineage import IMPORT_KEYS, PENDING_KEYS, RECORD_KEYS
from catalog.cli.rows import (
    CRAWL_KEYS,
    FIELD_KEYS,
    FILE_KEYS,
    HIT_KEYS,
    SCHEDULE_KEYS,
    SHOW_KEYS,
    TASK_KEYS,
)
from catalog.cli.run import program
from catalog.cli.version_rows import VERSION_KEYS
from catalog.errors import CatalogError
from catalog.formats.registry import inspector
from catalog.query import parse
from catalog.query.fields import FIELDS, KINDS, RULES, SORTS, STATES
from catalog.silos import manners
from catalog.silos.registry import INVENTORY, ROOMS, normalise, open_silo, options_of, settled

PACKAGE = Path(catalog.__file__).parent
PROJECT = Path(__file__).parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/architecture.md", "docs/cli.md", "docs/queries.md", "docs/schedules.md", "docs/lineage.md", "docs/silos.md")


def page(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def pasted(text: str) -> list[str]:
    """The lines of the plain code blocks, in order."""
    return [line for block in re.findall(r"^```\n(.*?)^```", text, re.M | re.S) for line in block.splitlines()]


def commands() -> Iterator[tuple[str, object]]:
    """Every command with its full name, groups included."""
    root = program()
    context = root.make_context("catalog", [], resilient_parsing=True)
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        yield f"catalog {name}", command
        for verb, below in getattr(command, "commands", {}).items():
            yield f"catalog {name} {verb}", below


COMMANDS = dict(commands())


def section(name: str) -> str:
    """The part of the page that speaks of one command: from its heading to the next."""
    found = re.search(rf"^#+ `{re.escape(name)}[ `].*?(?=^#+ |\Z)", page("docs/cli.md"), re.M | re.S)
    assert found, f"docs/cli.md has no heading for `{name}`"
    return found[0]


def options(command: object) -> list[str]:
    return [
        option
        for parameter in command.params
        if parameter.param_type_name == "option"
        for option in (*parameter.opts, *parameter.secondary_opts)
    ]


COMMON = {"--db", "--quiet", "-q", "--verbose", "-v", "--no-color"}


def test_there_are_commands_to_check():
    assert {"catalog crawl", "catalog silo add", "catalog db backup"} <= COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name):
    told = section(name)
    missing = [o for o in options(COMMANDS[name]) if o not in COMMON and not re.search(rf"`{re.escape(o)}[ `]", told)]
    assert missing == []


def test_the_options_of_every_command_are_documented():
    told = page("docs/cli.md")
    for option in (*COMMON, "--help", "-h", "--version", "--install-completion", "--show-completion"):
        assert re.search(rf"[` ]{option}[` ]", told), option


def test_no_command_is_documented_that_does_not_exist():
    named = re.findall(r"^#+ `(catalog [a-z]+(?: [a-z]+)?)", page("docs/cli.md"), re.M)
    assert set(named) == COMMANDS.keys()


def test_the_first_two_lines_to_paste_are_those_that_are_tried():
    first, second = pasted(page("README.md"))[:2]
    script = page(".ci/run")
    tried = re.search(r'^TEST_COMMAND="(.*)"$', script, re.M)
    assert tried and second == tried[1]
    assert 'bash -c "$TEST_COMMAND"' in script
    assert first == "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/catalog demo"
    assert second in pasted(page("CONTRIBUTING.md"))


def exit_codes() -> set[int]:
    found, waiting = set(), [CatalogError]
    while waiting:
        kind = waiting.pop()
        found.add(kind.exit_code)
        waiting += kind.__subclasses__()
    return found


@pytest.mark.parametrize("name", ["README.md", "docs/cli.md"])
def test_every_exit_code_is_documented(name):
    told = {int(code) for code in re.findall(r"\| (\d+) \|", page(name))}
    assert told == exit_codes() | {0, 4}


@pytest.mark.parametrize("field", FIELDS)
def test_every_query_field_is_documented(field):
    row = re.search(rf"^\| `{field}:` \|.*\|$", page("docs/queries.md"), re.M)
    assert row
    assert row[0].rstrip("| ").endswith(("yes", "some", "`modified`, `size`, `name`")) is FIELDS[field].files


@pytest.mark.parametrize("value", [*KINDS, *RULES, *SORTS, *STATES])
def test_every_fixed_value_is_documented(value):
    assert f"`{value}`" in page("docs/queries.md")


def test_the_example_queries_parse():
    block = re.search(r"```query\n(.*?)```", page("docs/queries.md"), re.S)
    examples = block[1].splitlines()
    assert examples
    for query in examples:
        assert parse(query).conditions


def test_every_room_stands_in_the_architecture():
    rooms = {p.name if p.suffix else f"{p.name}/" for p in PACKAGE.iterdir() if (p / "__init__.py").is_file() or p.suffix == ".py"}
    rooms.remove("__init__.py")
    named = set(re.findall(r"^\| `catalog/([^`]+)` \|", page("docs/architecture.md"), re.M))
    assert named == rooms


KEYS = {"crawl": CRAWL_KEYS, "search": HIT_KEYS, "show": SHOW_KEYS, "files": FILE_KEYS, "schema": FIELD_KEYS, "versions": VERSION_KEYS, "schedule ls": SCHEDULE_KEYS, "schedule history": TASK_KEYS, "lineage import": IMPORT_KEYS, "lineage record": RECORD_KEYS, "lineage pending": PENDING_KEYS}  # fmt: skip


@pytest.mark.parametrize("command", KEYS)
def test_the_keys_scripts_rely_on_are_documented(command):
    row = re.search(rf"^\| `{command}` \|(.*)\|$", page("docs/architecture.md"), re.M)
    told = set(re.findall(r"[a-z_]+", row[1]))
    if command == "show":
        told |= set(HIT_KEYS)
    assert set(KEYS[command]) <= told


def test_the_formats_that_are_inspected_are_named():
    words = {"parquet": "Parquet", "arrow_file": "Arrow", "csv": "CSV", "json": "JSON", "jsonl": "JSON Lines", "avro": "Avro", "orc": "ORC"}  # fmt: skip
    for format, word in words.items():
        assert inspector(format) is not None
        assert word in page("README.md")


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    here = (PROJECT / name).parent
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page(name))
    assert [link for link in links if "://" not in link and not (here / link).exists()] == []


# ---------------------------------------------------------------- silos


def silo_section(heading: str) -> str:
    """A part of the page on silos, from its heading to the next."""
    found = re.search(rf"^## [^\n]*{heading}.*?(?=^## |\Z)", page("docs/silos.md"), re.M | re.S)
    assert found, f"docs/silos.md has no heading with {heading}"
    return found[0]


def options_told(text: str) -> set[str]:
    return set(re.findall(r"^\| `([a-z_0-9]+)` \|", text, re.M))


@pytest.mark.parametrize("scheme", ROOMS)
def test_the_options_of_every_silo_are_documented(scheme):
    told = options_told(silo_section(f"`{scheme}://`"))
    behind_a_network = options_told(silo_section("every silo behind a network"))
    assert behind_a_network == set(manners.OPTIONS)
    every = options_told(silo_section("Options of every silo$"))
    assert every == set(INVENTORY)
    assert told == set(options_of(ROOMS[scheme].example)) - behind_a_network - every


SERVICE_ACCOUNT = '{"disable_oauth": true, "private_key": "", "private_key_id": "", "client_email": ""}'
PEM = """-----BEGIN EC PRIVATE KEY-----
MHcCAQEEICg4L5UNo2qMWij0FUGhs/fbumUUAGXiTsXSwoGeiCyMoAoGCCqGSM49
AwEHoUQDQgAEqQKWMwHXozf1KQYsDzgmDLf54baJ8L1rbopA9WJcYbnMCLXxYicn
lIQA1x/d6k0bwh/6s2/1BaTFaFQvxVUhdA==
-----END EC PRIVATE KEY-----
"""  # made for this test; it opens nothing


def silo_examples() -> list[str]:
    return [line for name in ("docs/silos.md", "docs/cli.md") for line in pasted(page(name)) if line.startswith("catalog silo add ")]


@pytest.mark.parametrize("line", silo_examples())
def test_the_examples_of_silos_work(line, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("[profile research]\nregion = eu-west-1\n")
    words = shlex.split(line)
    options = dict(word.partition("=")[::2] for word in words if "=" in word and not word.startswith("-"))
    for value in options.values():
        if value.startswith("env:"):
            monkeypatch.setenv(value[4:], "AccountName=a;AccountKey=AAAA" if "CONNECTION" in value else "c2VjcmV0")
        if value.startswith("keyring:"):
            monkeypatch.setattr("catalog.silos.secrets._from_keyring", lambda _: "a secret")
        if value.startswith("file:"):
            path = tmp_path / value.removeprefix("file:~/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(PEM if "private_key" in line else SERVICE_ACCOUNT)
    address, _, kept = settled(words[4], options)
    open_silo(address, kept).close()


def test_every_silo_that_takes_options_has_an_example():
    shown = {normalise(shlex.split(line)[4])[0].partition(":")[0] for line in silo_examples()}
    modules = {ROOMS[scheme].module for scheme in shown}
    assert {room.module for room in ROOMS.values() if set(options_of(room.example)) - set(INVENTORY)} <= modules
