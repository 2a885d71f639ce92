"""The program itself: help, version, mistakes, exit codes, pipes."""

import json
import os
import subprocess
import sys

import pytest

import catalog
from catalog.cli import main
from catalog.cli.commands import COMMANDS
from catalog.cli.groups import load
from catalog.errors import Ambiguous, CatalogError, Interrupted, NotFound, SiloUnreachable

PROGRAM = [sys.executable, "-c", "import sys; from catalog.cli import main; sys.exit(main())"]
NAMES = [command.name for command in COMMANDS]


def commands_of(command):
    made = load(command)
    inner = getattr(made, "commands", {})
    return [(f"{command.name} {name}", one) for name, one in inner.items()] or [(command.name, made)]


ALL = [pair for command in COMMANDS for pair in commands_of(command)]


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["--no-color", "--help"], ["-q"]], ids=" ".join)
def test_help_is_the_same_whether_or_not_typer_is_loaded(run, words):
    ran = run(*words)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == run("--help").out
    assert ran.out.startswith("Usage: catalog ")
    assert max(map(len, ran.out.splitlines())) <= 80


def test_help_lists_exactly_the_registered_commands(run):
    lines = run("--help").out.split("Commands:\n")[1].split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in lines] == NAMES


def test_help_lists_exactly_the_programs_options(run):
    from catalog.cli.run import program

    options = run("--help").out.split("Options:\n")[1].split("\n\n")[0]
    listed = {word.rstrip(",") for word in options.split() if word.startswith("-")}
    taken = {name for param in program().params for name in param.opts}
    assert listed == taken | {"-h", "--help"}


@pytest.mark.parametrize(("name", "command"), ALL, ids=[name for name, _ in ALL])
def test_every_command_has_help_with_examples_that_parse(run, name, command):
    ran = run(*name.split(), "--help")
    assert ran.code == 0
    assert ran.out.startswith(f"Usage: catalog {name} ")
    assert command.help and command.get_short_help_str(200)
    examples = ran.out.split("Examples:\n")[1].split("\n\n")[0].splitlines()
    assert examples
    for line in examples:
        import shlex

        words = shlex.split(line)
        while words[1] == "--db":  # a global option before the command
            words[1:3] = []
        assert " ".join(words).startswith(f"catalog {name}")
        command.make_context(name, words[1 + len(name.split()) :], resilient_parsing=False, obj=_session())


def _session():
    from catalog.cli.session import Session

    return Session()


@pytest.mark.parametrize(("name", "command"), ALL, ids=[name for name, _ in ALL])
def test_every_command_takes_the_global_options(name, command):
    names = {option for param in command.params for option in param.opts}
    assert {"--db", "--quiet", "-q", "--verbose", "-v", "--no-color"} <= names


@pytest.mark.parametrize("words", [["--version"], ["-q", "--version"]])
def test_version(run, words):
    assert run(*words).out == f"silograph {catalog.__version__}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["serch"], "Did you mean 'search'"),
        (["silo", "lst"], "Did you mean 'ls'?"),
        (["xyzzy"], "no command"),
        (["silo"], "add, ls, show, test, rm"),
        (["show"], "ASSET"),
        (["crawl", "--quick", "--full"], "exclude each other"),
        (["crawl", "--inspect", "some"], "none, sample or all"),
        (["search", "--limit", "x"], "--limit"),
        (["search", "--limit", "-1"], "--limit"),
        (["search", "-o", "yaml"], "jsonl"),
        (["search", "--nope"], "--nope"),
        (["silo", "add", "lab", "/x", "--option", "novalue"], "KEY=VALUE"),
        (["silo", "add", "lab", "/x", "--option", "a=1", "--option", "a=2"], "twice"),
        (["annotate", "x"], "Nothing to set"),
        (["show", "x", "--at", "soon"], "no time"),
        (["--db", "mysql://h/d", "silo", "ls"], "no database"),
        (["--db", "postgresql://a:b@h/d", "silo", "ls"], "password"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_told_with_what_to_try_next(run, words, said):
    ran = run(*words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ") and "\nhint: " in ran.err
    assert said in ran.err


@pytest.mark.parametrize("option", [["-o", "json"], ["-ojson"], ["--output=json"], ["--output", "jsonl"]], ids="".join)
def test_where_json_was_asked_for_errors_are_json_too(run, option):
    ran = run("search", "--nope", *option)
    *text, last = ran.err.splitlines()
    assert text[0].startswith("error: ")
    error = json.loads(last)["error"]
    assert error["kind"] == "usage_error" and "--nope" in error["message"] and error["hint"]
    assert "{" not in run("search", "--nope", "--", *option).err


def raising(error):
    def connect(*_args, **_more):
        raise error

    return connect


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CatalogError("x"), 1),
        (NotFound("x"), 3),
        (SiloUnreachable("x"), 5),
        (Interrupted("x"), 130),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("x"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_exit_code_is_the_errors_own(run, monkeypatch, error, code):
    monkeypatch.setattr("catalog.cli.session.Session.open", raising(error))
    ran = run("silo", "ls")
    assert ran.code == code
    assert ran.err.startswith("error: ") and "Traceback" not in ran.err


def test_a_bug_shows_where_only_when_asked(run, monkeypatch):
    monkeypatch.setattr("catalog.cli.session.Session.open", raising(ZeroDivisionError("odd\x1b[2J")))
    assert "This is a bug" in run("silo", "ls").err
    assert "Traceback" in run("silo", "ls", "-v").err
    assert "Traceback" in run("-v", "silo", "ls").err
    assert "\x1b" not in run("silo", "ls").err


def test_an_ambiguous_name_lists_its_candidates(run, monkeypatch):
    names = tuple(f"lab/clicks{number}\x1b" for number in range(30))
    monkeypatch.setattr("catalog.cli.session.Session.open", raising(Ambiguous("Which?", candidates=names)))
    ran = run("show", "clicks", "-o", "json")
    assert ran.code == 3
    assert "lab/clicks0" in ran.err and "10 more" in ran.err and "\x1b" not in ran.err
    assert json.loads(ran.err.splitlines()[-1])["error"]["candidates"] == list(names)


@pytest.mark.parametrize(
    ("environment", "words", "coloured"),
    [({}, [], False), ({"FORCE_COLOR": "1"}, [], True), ({"FORCE_COLOR": "1"}, ["--no-color"], False),
     ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, [], False)],
)  # fmt: skip
def test_colour_is_for_terminals_and_those_who_ask(run, monkeypatch, environment, words, coloured):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in run(*words, "xyzzy").err) is coloured


@pytest.mark.parametrize("words", [["--help"], ["search", "--help"], ["doctor"]], ids=" ".join)
def test_a_closed_pipe_is_no_error(words):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        ran = subprocess.run([*PROGRAM, *words], stdout=pipe, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_terminal_without_unicode_gets_question_marks():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ran = subprocess.run([*PROGRAM, "--help"], capture_output=True, text=True, env=environment, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "") and "sqlite:///?" in ran.stdout


def test_main_returns_the_exit_code_and_leaves_the_interpreter_running():
    assert main(["xyzzy"]) == 2


# ---------------------------------------------------------------- what strangers type

NO_TEXT = "b\udcff"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["db", "check"], 3, ["There is no catalog at", "catalog silo add NAME URL"]),
        (["-o", "json", "search", "x"], 2, ["No such option: -o", "behind the command"]),
        (["crawl", "lab", "--changes", "nowhere"], 2, ["'nowhere' cannot be read", "- for standard input"]),
    ],
)
def test_a_mistake_says_what_to_do_next(run, words, code, told):
    ran = run(*words)
    assert ran.code == code and all(one in ran.err for one in told) and "bug" not in ran.err


@pytest.mark.parametrize(
    ("words", "code"),
    [(["show", NO_TEXT], 3), (["files", f"lab/{NO_TEXT}"], 3), (["trace", NO_TEXT], 3), (["search", NO_TEXT], 0),
     (["crawl", "lab", "--prefix", NO_TEXT], 5), (["annotate", "users.csv", "--owner", NO_TEXT], 2),
     (["lineage", "record", "--job", NO_TEXT, "--in", "users.csv"], 2), (["schedule", "run", NO_TEXT], 2)],
)  # fmt: skip
def test_words_that_are_no_text_are_no_bug(run, data, words, code):
    run("silo", "add", "lab", data)
    run("crawl", "lab")
    ran = run(*words)
    assert "bug" not in ran.err and ran.code == code, ran.err


def test_a_name_that_is_no_text_is_found_as_it_is_typed(run, data):
    (data / os.fsdecode(b"odd\xff.csv")).write_text("a\n1\n")
    run("silo", "add", "lab", data)
    run("crawl", "lab")
    assert run("show", os.fsdecode(b"lab/odd\xff.csv")).code == 0
    (data / "gr\u00fcn.csv").write_text("a\n1\n")
    run("crawl", "lab")
    assert run("show", "gr\udcc3\udcbcn.csv").code == 0, "as a locale without UTF-8 hands it over"


def test_a_silo_that_is_not_there_is_added_and_told(run, tmp_path):
    ran = run("silo", "add", "one day", tmp_path / "absent")
    assert ran.code == 0 and "no such folder now" in ran.err and "catalog crawl 'one day'" in ran.err
    assert "s3://bucket/prefix" in run("silo", "add", "b", "bucket/prefix").err
    assert "no such folder" not in run("silo", "add", "c", tmp_path).err


def test_names_are_not_read_in_another_encoding(data, tmp_path):
    env = {**os.environ, "CATALOG_DB": str(tmp_path / "c.db"), "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
           "LC_ALL": "C"}  # fmt: skip
    ran = subprocess.run([*PROGRAM, "silo", "add", "lab", str(data)], capture_output=True, text=True, env=env, timeout=60)
    assert ran.returncode == 2 and "PYTHONUTF8=1" in ran.stderr
