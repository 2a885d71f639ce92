"""`catalog doctor`: what it looks at, and when it fails."""

import stat

import pytest

from catalog.errors import SiloUnreachable


def checks(ran):
    return {(row["check"], row["status"]) for row in ran.json}


def test_without_a_catalog_nothing_fails(run):
    ran = run("doctor", "-o", "json")
    assert ran.code == 0
    assert {("python", "ok"), ("database", "warn")} <= checks(ran)
    (database,) = (row for row in ran.json if row["check"] == "database")
    assert database["hint"].startswith("catalog silo add")


def test_every_line_begins_with_its_status(run):
    lines = run("doctor", "--no-silos").out.splitlines()
    assert lines and {line.split()[0] for line in lines} <= {"ok", "warn", "fail"}


def test_a_sound_catalog_and_its_silos_are_ok(run, lab):
    ran = run("doctor", "-o", "json")
    assert ran.code == 0
    assert ("silo lab", "ok") in checks(ran)
    assert [row["status"] for row in ran.json if row["check"] == "database"] == ["ok", "ok", "ok"]


def test_an_unreachable_silo_fails(run, lab):
    lab.rename(lab.with_name("moved"))
    ran = run("doctor", "-o", "json")
    assert ran.code == 6 and ("silo lab", "fail") in checks(ran)
    assert run("doctor", "--no-silos").code == 0


def test_a_silo_that_never_answers_fails_in_time(run, lab, monkeypatch):
    import threading

    from catalog.cli import doctor

    forever = threading.Event()

    class Dead:
        def fork(self):
            forever.wait()
            raise SiloUnreachable("too late")

    assert doctor._reach(Dead(), "lab", 0.05).status == "fail"
    forever.set()


@pytest.mark.parametrize("content", [b"no database at all", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_database_fails(run, tmp_path, content):
    (tmp_path / "bad.db").write_bytes(content)
    ran = run("--db", tmp_path / "bad.db", "doctor", "-o", "json")
    assert ran.code == 6 and ("database", "fail") in checks(ran)


def test_a_foreign_configuration_fails(run, home):
    (home / "catalog.toml").write_text("colour = 1\n")
    ran = run("doctor", "-o", "json")
    assert ran.code == 6 and ("database", "fail") in checks(ran)


def test_looking_changes_nothing(run, lab, tmp_path):
    before = (tmp_path / "catalog.db").read_bytes()
    run("doctor")
    assert (tmp_path / "catalog.db").read_bytes() == before
    assert stat.S_IMODE((tmp_path / "catalog.db").stat().st_mode) == 0o600
