"""`catalog demo`: built once, built anew when asked, and careful with folders that are not its own."""

import pytest


def test_the_demo_is_built_and_can_be_searched(run, tmp_path):
    place = tmp_path / "estate"
    built = run("demo", "--no-tui", "--dir", place)
    assert built.code == 0, built.err
    assert built.out and "catalog" in built.err
    # Reading a SQLite catalog touches the files beside it.
    made = {
        path: path.stat().st_mtime_ns
        for path in place.rglob("*")
        if path.is_file() and not path.name.endswith(("-shm", "-wal")) and "bucket" not in path.parts
    }
    assert run("demo", "--no-tui", "--dir", place, "-q").code == 0
    assert {path: path.stat().st_mtime_ns for path in made} == made, "a second run builds nothing"
    (place / "left-over").touch()
    assert run("demo", "--no-tui", "--dir", place, "--fresh").code == 0
    assert not (place / "left-over").exists()


@pytest.mark.parametrize("fresh", [[], ["--fresh"]], ids=str)
def test_a_folder_with_other_things_is_left_alone(run, tmp_path, fresh):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    ran = run("demo", "--no-tui", "--dir", tmp_path / "mine", *fresh)
    assert ran.code == 2 and "--dir" in ran.err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_a_file_is_no_folder(run, tmp_path):
    (tmp_path / "file").touch()
    assert run("demo", "--no-tui", "--dir", tmp_path / "file" / "x").code == 2
    assert run("demo", "--no-tui", "--dir", tmp_path / "file").code == 2
