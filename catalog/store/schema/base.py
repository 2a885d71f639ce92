"""What all tables share: names of constraints, keys of 64 bits, text in code-point order."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData, Text
from sqlmodel import SQLModel

# Set before any table is declared: Alembic can only alter constraints that have names.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Table(SQLModel):
    """Base of all tables: gives the metadata its naming convention."""

    metadata = MetaData(naming_convention=NAMING)


# SQLite gives only a column declared INTEGER PRIMARY KEY its row id; Postgres wants 64 bits.
ID = BigInteger().with_variant(Integer(), "sqlite")
# Names sort by code point in both databases, whatever the server's locale.
NAME = Text().with_variant(Text(collation="C"), "postgresql")


def id_column(name: str, target: str | None = None, *, primary: bool = False, nullable: bool = False) -> Column:  # type: ignore[type-arg]
    """A column of 64-bit ids, which refers to `target` where one is named."""
    references = [ForeignKey(target)] if target else []
    return Column(name, ID, *references, primary_key=primary, nullable=nullable, autoincrement=name == "id")
