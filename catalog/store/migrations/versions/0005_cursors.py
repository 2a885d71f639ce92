"""How far a crawl has come; on Postgres, ids that several loaders take at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COUNTS = ("added", "changed", "removed")


def upgrade() -> None:
    with op.batch_alter_table("crawl", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cursor", sa.Text(), nullable=True))
        for name in COUNTS:
            batch_op.add_column(sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))

    if op.get_context().dialect.name == "postgresql":
        op.execute("SELECT setval('directory_id_seq', (SELECT COALESCE(MAX(id), 0) + 1 FROM directory), false)")
        op.execute("CREATE SEQUENCE name_text_rowid_seq OWNED BY name_text.rowid")
        op.execute("SELECT setval('name_text_rowid_seq', (SELECT COALESCE(MAX(rowid), 0) + 1 FROM name_text), false)")


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP SEQUENCE name_text_rowid_seq")

    with op.batch_alter_table("crawl", schema=None) as batch_op:
        for name in COUNTS[::-1]:
            batch_op.drop_column(name)
        batch_op.drop_column("cursor")
