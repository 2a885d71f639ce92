"""Ids and units of fields."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("field", sa.Column("field_id", sa.Integer(), nullable=True))
    op.add_column("field", sa.Column("unit", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("field", "unit")
    op.drop_column("field", "field_id")
