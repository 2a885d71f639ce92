"""Alembic's entry: one migration history for SQLite and Postgres."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, pool

from catalog.store.migrate import UNMANAGED, default_url, sqlalchemy_url
from catalog.store.schema import Table


def include(_object: object, name: str | None, kind: str, *_: object) -> bool:
    """Leave out the full-text tables: SQLite keeps them as virtual tables with shadows of their own."""
    return not (kind in ("table", "index") and name is not None and name.startswith(UNMANAGED))


def run() -> None:
    """Run the migrations on the configured database, each in a transaction of its own."""
    url = context.config.get_main_option("sqlalchemy.url") or sqlalchemy_url(default_url())
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Table.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            include_object=include,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
