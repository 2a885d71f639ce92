"""Every migration, run on a database that holds rows."""

from __future__ import annotations

from contextlib import closing

import pytest

from catalog.errors import StoreError, StoreOutdated
from catalog.model import Field
from catalog.store import inspections, migrate
from catalog.store.engine import Database
from catalog.store.schema import Table


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_url(request, tmp_path):
    """A database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'old.db'}"
        return
    with request.getfixturevalue("postgres_server").database() as url:
        with closing(Database(url)) as db:
            db.execute("DROP SCHEMA public CASCADE")
            db.execute("CREATE SCHEMA public")
        yield url


@pytest.mark.parametrize("start", migrate.KNOWN)
def test_an_upgrade_keeps_the_rows(empty_url, start):
    from alembic import command

    command.upgrade(migrate.config(empty_url), start)
    with closing(Database(empty_url)) as db, db.transaction():
        db.execute("INSERT INTO silo(name, url, kind, options, added_ns) VALUES ('s', 'file:///d', 'file', '{}', 1)")
        silo = db.value("SELECT id FROM silo")
        db.execute(
            "INSERT INTO directory(id, silo_id, path, directories, own_files, own_bytes, sub_files, sub_bytes, "
            "changed_crawl) VALUES (1, ?, '', 0, 2, 30, 2, 30, 1)",
            (silo,),
        )
        db.executemany(
            "INSERT INTO file(directory_id, name, size, first_crawl) VALUES (1, ?, ?, 1)", [("a.csv", 10), ("b.csv", 20)]
        )
        db.execute("INSERT INTO name_text(rowid, text) VALUES (1, 'a.csv')")
        db.execute("INSERT INTO schema(id, digest, columns) VALUES (1, 'd', 1)")
        db.execute(
            "INSERT INTO field(schema_id, position, path, name, type, nullable, doc) VALUES (1, 0, 'A', 'a', 'int64', ?, 'how many')",
            (True,),
        )
        for path in ("a.csv", "b.csv"):
            db.execute(
                "INSERT INTO asset(id, kind, namespace, name, silo_id, path, root, rule, key, confidence, evidence, files, "
                "version, fingerprint, sampled_version, inspected, first_crawl) VALUES "
                "(?, 'dataset', 'file', ?, ?, ?, '', 'single', ?, 0.5, '', 1, 1, 'x', 0, 0, 1)",
                (ord(path[0]), path, silo, path, path),
            )
    assert migrate.upgrade(empty_url) == (start, migrate.HEAD)
    with closing(Database(empty_url, write=False)) as db:
        migrate.require_current(db)
        assert db.all("SELECT name, size FROM file ORDER BY name") == [("a.csv", 10), ("b.csv", 20)]
        assert [row[0] for row in db.all("SELECT path FROM asset ORDER BY path")] == ["a.csv", "b.csv"]
        assert inspections.fields(db, 1) == (Field("A", "int64", True, "how many"),)
    assert migrate.check(empty_url) == []


def test_going_all_the_way_down_leaves_nothing(empty_url):
    from alembic import command

    migrate.upgrade(empty_url)
    command.downgrade(migrate.config(empty_url), "base")
    with closing(Database(empty_url)) as db:
        for table in Table.metadata.tables:
            with pytest.raises(StoreError):
                db.all(f"SELECT * FROM {table}")


def test_an_older_database_says_how_to_upgrade(empty_url):
    from alembic import command

    command.upgrade(migrate.config(empty_url), migrate.KNOWN[0])
    with closing(Database(empty_url)) as db, pytest.raises(StoreOutdated) as caught:
        migrate.require_current(db)
    assert caught.value.hint == "catalog db upgrade"
