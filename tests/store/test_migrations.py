"""The schema's history, and what a catalog says when its database is old, new, full or locked."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

import catalog
from catalog.crawl import crawl_silo
from catalog.errors import StoreError, StoreFull, StoreOutdated, StoreReadOnly, StoreTooNew
from catalog.silos.registry import open_silo
from catalog.store import crawls, migrate
from catalog.store.engine import Database, sqlite_path

VERSIONS = Path(migrate.__file__).parent / "migrations" / "versions"
TABLES = ("silo", "crawl", "directory", "file", "asset", "asset_version", "part", "name_block", "schema", "field")


def filled(url, folder):
    """A catalog with rows in it."""
    folder.mkdir(exist_ok=True)
    for n in range(3):
        file = folder / f"table{n}_x.csv"
        if not file.exists():
            file.write_text("a,b\n1,2\n")
    with closing(Database(url)) as db, closing(open_silo(str(folder))) as silo:
        if not db.value("SELECT 1 FROM silo"):
            crawls.add_silo(db, "lab", str(folder), "file", {})
        return crawl_silo(db, crawls.silo(db, "lab"), silo)


def rows(url):
    with closing(Database(url, write=False)) as db:
        # Where a silo's assets are named is found again by its next crawl, and what a crawl has loaded stands in
        # its report as well: older schemas do not know either.
        columns = {
            "silo": "id, name, url, kind, options, added_ns",
            "crawl": "id, silo_id, prefix, mode, state, started_ns, ended_ns, heartbeat_ns, worker, report",
        }
        return {t: sorted(map(repr, db.all(f"SELECT {columns.get(t, '*')} FROM {t}"))) for t in TABLES}


def test_the_models_and_the_migrations_agree(db_url):
    from alembic import command

    command.check(migrate.config(db_url))  # raises when autogenerate would find something to do


def test_the_known_revisions_are_the_files():
    files = sorted(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*.py"))
    assert list(migrate.KNOWN) == files
    assert files[-1] == migrate.HEAD


def test_the_revisions_are_one_line():
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(migrate.config("sqlite:///x.db"))
    assert [one.revision for one in script.walk_revisions()] == list(migrate.KNOWN)[::-1]
    assert script.get_heads() == [migrate.HEAD]


def test_upgrading_again_changes_nothing_and_keeps_rows(db_url, tmp_path):
    filled(db_url, tmp_path / "silo")
    before = rows(db_url)
    assert all(before[table] for table in TABLES)
    assert migrate.upgrade(db_url) == (migrate.HEAD, migrate.HEAD)
    assert rows(db_url) == before


@pytest.mark.parametrize("older", migrate.KNOWN[:-1])
def test_upgrading_an_older_catalog_keeps_its_rows(db_url, tmp_path, older):
    from alembic import command

    filled(db_url, tmp_path / "silo")
    before = rows(db_url)
    command.downgrade(migrate.config(db_url), older)
    with pytest.raises(StoreOutdated) as refused:
        catalog.connect(db_url)
    assert refused.value.hint == "catalog db upgrade"
    assert migrate.upgrade(db_url) == (older, migrate.HEAD)
    assert rows(db_url) == before
    command.check(migrate.config(db_url))


def test_a_catalog_can_be_taken_down_and_up_again(db_url):
    from alembic import command

    command.downgrade(migrate.config(db_url), "base")
    with closing(Database(db_url, write=False)) as db, pytest.raises(StoreOutdated):
        migrate.require_current(db)
    assert migrate.upgrade(db_url) == (None, migrate.HEAD)
    command.check(migrate.config(db_url))
    assert migrate.check(db_url) == []


def test_a_newer_catalog_is_left_alone(db_url):
    with closing(Database(db_url)) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreTooNew) as refused:
        migrate.upgrade(db_url)
    assert "9999" in refused.value.message
    with pytest.raises(StoreTooNew):
        catalog.connect(db_url)
    with pytest.raises(StoreTooNew):
        migrate.check(db_url)


def test_an_empty_sqlite_file_is_outdated_for_readers(tmp_path):
    path = tmp_path / "empty.db"
    path.touch()
    with pytest.raises(StoreOutdated) as refused:
        catalog.connect(path, read_only=True)
    assert refused.value.hint == "catalog db upgrade"


def test_another_database_is_no_catalog(tmp_path):
    path = tmp_path / "other.db"
    path.write_bytes(b"this is no database, but a longer text than its header" * 20)
    with pytest.raises(StoreError, match="not a catalog"):
        catalog.connect(path)
    assert path.read_bytes().startswith(b"this is no database")


def test_only_its_owner_may_read_a_catalog(tmp_path):
    before = os.umask(0)
    try:
        url = f"sqlite:///{tmp_path / 'new' / 'catalog.db'}"
        migrate.upgrade(url)
        with closing(Database(url)) as db, db.transaction():
            db.execute("INSERT INTO silo(name, url, kind, options, added_ns) VALUES ('a', 'b', 'file', '{}', 1)")
            modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in sqlite_path(url).parent.iterdir()}
        migrate.backup(url, tmp_path / "copy.db")
    finally:
        os.umask(before)
    assert modes == {"catalog.db": 0o600, "catalog.db-wal": 0o600, "catalog.db-shm": 0o600}
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600


def test_a_backup_is_a_whole_catalog(sqlite_url, tmp_path):
    filled(sqlite_url, tmp_path / "silo")
    copy = tmp_path / "copy.db"
    migrate.backup(sqlite_url, copy)
    assert rows(f"sqlite:///{copy}") == rows(sqlite_url)
    assert migrate.check(f"sqlite:///{copy}") == []
    with pytest.raises(StoreError, match="exists already"):
        migrate.backup(sqlite_url, copy)


@pytest.mark.postgres
def test_a_postgres_catalog_is_backed_up_with_its_own_tools(postgres_server, tmp_path):
    with postgres_server.database() as url, pytest.raises(StoreError) as refused:
        migrate.backup(url, tmp_path / "copy.db")
    assert refused.value.hint.startswith("pg_dump ")
    assert not (tmp_path / "copy.db").exists()


def test_reading_only_never_writes(db_url):
    with closing(Database(db_url, write=False)) as db:
        with pytest.raises(StoreReadOnly), db.transaction():
            pass
        with pytest.raises(StoreReadOnly):
            db.execute("DELETE FROM silo")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write any file")
def test_a_catalog_that_may_not_be_written_says_so(sqlite_url, tmp_path):
    path = sqlite_path(sqlite_url)
    path.chmod(0o400)
    with pytest.raises(StoreReadOnly):
        filled(sqlite_url, tmp_path / "silo")


def test_a_full_disk_loses_nothing_that_was_stored(sqlite_url, tmp_path):
    folder = tmp_path / "silo"
    filled(sqlite_url, folder)
    before = rows(sqlite_url)
    for n in range(3000):
        (folder / f"more-{'long' * 20}-{n * 7919 % 3001:x}-{n}.bin").touch()
    with closing(Database(sqlite_url)) as db, closing(open_silo(str(folder))) as silo:
        pages = db.value("PRAGMA page_count")
        db.execute(f"PRAGMA max_page_count = {pages + 4}")
        with pytest.raises(StoreFull) as full:
            crawl_silo(db, crawls.silo(db, "lab"), silo)
        assert full.value.hint
    after = rows(sqlite_url)
    for table in set(TABLES) - {"crawl"}:
        assert after[table] == before[table]
    assert migrate.check(sqlite_url) == []
    report = filled(sqlite_url, folder)
    assert (report.state, report.added, report.unchanged) == ("complete", 3000, 3)
    assert migrate.check(sqlite_url) == []


def test_a_damaged_total_is_found(db_url, tmp_path):
    filled(db_url, tmp_path / "silo")
    with closing(Database(db_url)) as db:
        db.execute("UPDATE directory SET own_files = own_files + 1")
    assert len(migrate.check(db_url)) == 2


def test_a_damaged_file_is_found(sqlite_url, tmp_path):
    filled(sqlite_url, tmp_path / "silo")
    path = sqlite_path(sqlite_url)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 6)
    try:
        problems = migrate.check(sqlite_url)
    except StoreError as error:
        problems = [error.message]
    assert problems
