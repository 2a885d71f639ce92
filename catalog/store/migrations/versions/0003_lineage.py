"""The lineage graph: identities, jobs, runs, edges, events; where a silo and its assets are named."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("run_uuid", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("event_ns", sa.BigInteger(), nullable=False),
        sa.Column("received_ns", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("digest", name=op.f("uq_event_digest")),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index("ix_event_event_ns", ["event_ns"], unique=False)
        batch_op.create_index("ix_event_run_uuid", ["run_uuid"], unique=False)

    op.create_table(
        "job",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=True),
        sa.Column("first_ns", sa.BigInteger(), nullable=False),
        sa.Column("last_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_index("uq_job_identity", ["namespace", "name"], unique=True)

    op.create_table(
        "origin",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("silo_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=True),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("read_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["silo_id"], ["silo.id"], name=op.f("fk_origin_silo_id_silo")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_origin")),
        sa.UniqueConstraint("uri", name=op.f("uq_origin_uri")),
    )
    with op.batch_alter_table("origin", schema=None) as batch_op:
        batch_op.create_index("ix_origin_silo_id", ["silo_id"], unique=False)

    op.create_table(
        "run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("job_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_ns", sa.BigInteger(), nullable=True),
        sa.Column("ended_ns", sa.BigInteger(), nullable=True),
        sa.Column("parent_uuid", sa.Text(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_run_job_id_job")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sa.UniqueConstraint("uuid", name=op.f("uq_run_uuid")),
    )
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.create_index("ix_run_job_id", ["job_id"], unique=False)

    op.create_table(
        "alias",
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "asset_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "origin_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=True
        ),
        sa.Column("added_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_alias_asset_id_asset")),
        sa.ForeignKeyConstraint(["origin_id"], ["origin.id"], name=op.f("fk_alias_origin_id_origin")),
        sa.PrimaryKeyConstraint("namespace", "name", name=op.f("pk_alias")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("alias", schema=None) as batch_op:
        batch_op.create_index("ix_alias_asset_id", ["asset_id"], unique=False)

    op.create_table(
        "column_edge",
        sa.Column(
            "source_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("source_field", sa.Text(), nullable=False),
        sa.Column(
            "target_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("target_field", sa.Text(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "origin_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("transformation", sa.Text(), nullable=True),
        sa.Column("observed_ns", sa.BigInteger(), nullable=False),
        sa.Column("retracted_ns", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["origin_id"], ["origin.id"], name=op.f("fk_column_edge_origin_id_origin")),
        sa.ForeignKeyConstraint(["source_id"], ["asset.id"], name=op.f("fk_column_edge_source_id_asset")),
        sa.ForeignKeyConstraint(["target_id"], ["asset.id"], name=op.f("fk_column_edge_target_id_asset")),
        sa.PrimaryKeyConstraint(
            "source_id", "source_field", "target_id", "target_field", "job_id", "origin_id", name=op.f("pk_column_edge")
        ),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("column_edge", schema=None) as batch_op:
        batch_op.create_index("ix_column_edge_origin_id", ["origin_id"], unique=False)
        batch_op.create_index("ix_column_edge_target_id", ["target_id"], unique=False)

    op.create_table(
        "edge",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column(
            "source_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column(
            "target_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "origin_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("source_version", sa.Integer(), nullable=True),
        sa.Column("target_version", sa.Integer(), nullable=True),
        sa.Column("valid_from_ns", sa.BigInteger(), nullable=True),
        sa.Column("valid_to_ns", sa.BigInteger(), nullable=True),
        sa.Column("observed_ns", sa.BigInteger(), nullable=False),
        sa.Column("retracted_ns", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["origin_id"], ["origin.id"], name=op.f("fk_edge_origin_id_origin")),
        sa.ForeignKeyConstraint(["source_id"], ["asset.id"], name=op.f("fk_edge_source_id_asset")),
        sa.ForeignKeyConstraint(["target_id"], ["asset.id"], name=op.f("fk_edge_target_id_asset")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edge")),
    )
    with op.batch_alter_table("edge", schema=None) as batch_op:
        batch_op.create_index("ix_edge_origin_id", ["origin_id"], unique=False)
        batch_op.create_index("ix_edge_source_id", ["source_id", "retracted_ns", "target_id"], unique=False)
        batch_op.create_index("ix_edge_target_id", ["target_id", "retracted_ns", "source_id"], unique=False)
        batch_op.create_index(
            "uq_edge_live",
            ["source_id", "target_id", "kind", "job_id", "origin_id"],
            unique=True,
            sqlite_where=sa.text("retracted_ns IS NULL"),
            postgresql_where=sa.text("retracted_ns IS NULL"),
        )

    op.create_table(
        "run_asset",
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column(
            "asset_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_run_asset_asset_id_asset")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_run_asset_run_id_run")),
        sa.PrimaryKeyConstraint("run_id", "asset_id", "role", name=op.f("pk_run_asset")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("run_asset", schema=None) as batch_op:
        batch_op.create_index("ix_run_asset_asset_id", ["asset_id"], unique=False)

    with op.batch_alter_table("asset", schema=None) as batch_op:
        batch_op.add_column(sa.Column("merged_into", sa.BigInteger(), nullable=True))

    with op.batch_alter_table("silo", schema=None) as batch_op:
        batch_op.add_column(sa.Column("namespace", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("root", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("silo", schema=None) as batch_op:
        batch_op.drop_column("root")
        batch_op.drop_column("namespace")

    with op.batch_alter_table("asset", schema=None) as batch_op:
        batch_op.drop_column("merged_into")

    with op.batch_alter_table("run_asset", schema=None) as batch_op:
        batch_op.drop_index("ix_run_asset_asset_id")

    op.drop_table("run_asset")
    with op.batch_alter_table("edge", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_edge_live",
            sqlite_where=sa.text("retracted_ns IS NULL"),
            postgresql_where=sa.text("retracted_ns IS NULL"),
        )
        batch_op.drop_index("ix_edge_target_id")
        batch_op.drop_index("ix_edge_source_id")
        batch_op.drop_index("ix_edge_origin_id")

    op.drop_table("edge")
    with op.batch_alter_table("column_edge", schema=None) as batch_op:
        batch_op.drop_index("ix_column_edge_target_id")
        batch_op.drop_index("ix_column_edge_origin_id")

    op.drop_table("column_edge")
    with op.batch_alter_table("alias", schema=None) as batch_op:
        batch_op.drop_index("ix_alias_asset_id")

    op.drop_table("alias")
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_index("ix_run_job_id")

    op.drop_table("run")
    with op.batch_alter_table("origin", schema=None) as batch_op:
        batch_op.drop_index("ix_origin_silo_id")

    op.drop_table("origin")
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.drop_index("uq_job_identity")

    op.drop_table("job")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index("ix_event_run_uuid")
        batch_op.drop_index("ix_event_event_ns")

    op.drop_table("event")
