"""Sensitive columns, and schedules that look for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "classification",
        sa.Column("asset_id", ID, autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("crawl_id", sa.BigInteger(), nullable=False),
        sa.Column("columns", sa.Integer(), nullable=False),
        sa.Column("problems", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_classification_asset_id_asset")),
        sa.PrimaryKeyConstraint("asset_id", name=op.f("pk_classification")),
    )
    op.create_table(
        "column_label",
        sa.Column("asset_id", ID, autoincrement=False, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("sampled", sa.BigInteger(), nullable=False),
        sa.Column("matched", sa.BigInteger(), nullable=False),
        sa.Column("crawl_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_column_label_asset_id_asset")),
        sa.PrimaryKeyConstraint("asset_id", "path", name=op.f("pk_column_label")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("column_label", schema=None) as batch_op:
        batch_op.create_index("ix_column_label_label", ["label"], unique=False)
    op.add_column("schedule", sa.Column("classify", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("schedule", "classify")
    with op.batch_alter_table("column_label", schema=None) as batch_op:
        batch_op.drop_index("ix_column_label_label")
    op.drop_table("column_label")
    op.drop_table("classification")
