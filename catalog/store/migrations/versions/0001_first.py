"""The first tables: silos, crawls, directories, files, datasets, versions, and the text indexes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "file",
        sa.Column(
            "directory_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("name", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("format", sa.Text(), nullable=True),
        sa.Column("first_crawl", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("directory_id", "name", name=op.f("pk_file")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "file_history",
        sa.Column(
            "directory_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("name", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("last_crawl", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("format", sa.Text(), nullable=True),
        sa.Column("first_crawl", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("directory_id", "name", "last_crawl", name=op.f("pk_file_history")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "name_block",
        sa.Column(
            "text_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column(
            "directory_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("first", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True),
        sa.Column("last", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True),
        sa.PrimaryKeyConstraint("text_id", "directory_id", name=op.f("pk_name_block")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("name_block", schema=None) as batch_op:
        batch_op.create_index("ix_name_block_directory_id", ["directory_id"], unique=False)

    op.create_table(
        "part",
        sa.Column(
            "directory_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("dense", sa.Boolean(), nullable=False),
        sa.Column("files", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("newest_ns", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column(
            "asset_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("directory_id", "pattern", "format", name=op.f("pk_part")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("part", schema=None) as batch_op:
        batch_op.create_index("ix_part_asset_id", ["asset_id"], unique=False)

    op.create_table(
        "schema",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("columns", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schema")),
        sa.UniqueConstraint("digest", name=op.f("uq_schema_digest")),
    )
    op.create_table(
        "silo",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("added_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silo")),
        sa.UniqueConstraint("name", name=op.f("uq_silo_name")),
    )
    op.create_table(
        "asset",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "silo_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=True,
        ),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("files", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("newest_ns", sa.BigInteger(), nullable=True),
        sa.Column(
            "schema_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=True,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("sampled_version", sa.Integer(), nullable=False),
        sa.Column("inspected", sa.Integer(), nullable=False),
        sa.Column("codec", sa.Text(), nullable=True),
        sa.Column("finding", sa.Text(), nullable=True),
        sa.Column("first_crawl", sa.BigInteger(), nullable=False),
        sa.Column("removed_crawl", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["schema_id"], ["schema.id"], name=op.f("fk_asset_schema_id_schema")),
        sa.ForeignKeyConstraint(["silo_id"], ["silo.id"], name=op.f("fk_asset_silo_id_silo")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset")),
    )
    with op.batch_alter_table("asset", schema=None) as batch_op:
        batch_op.create_index("ix_asset_newest_ns", ["newest_ns"], unique=False)
        batch_op.create_index("ix_asset_schema_id", ["schema_id"], unique=False)
        batch_op.create_index("uq_asset_group", ["silo_id", "root", "rule", "key"], unique=True)
        batch_op.create_index("uq_asset_identity", ["silo_id", "kind", "namespace", "name"], unique=True)

    op.create_table(
        "crawl",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column(
            "silo_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_ns", sa.BigInteger(), nullable=False),
        sa.Column("ended_ns", sa.BigInteger(), nullable=True),
        sa.Column("heartbeat_ns", sa.BigInteger(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["silo_id"], ["silo.id"], name=op.f("fk_crawl_silo_id_silo")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crawl")),
    )
    with op.batch_alter_table("crawl", schema=None) as batch_op:
        batch_op.create_index("ix_crawl_silo_id", ["silo_id"], unique=False)

    op.create_table(
        "directory",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column(
            "silo_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column(
            "parent_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=True,
        ),
        sa.Column("path", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("directories", sa.Integer(), nullable=False),
        sa.Column("own_files", sa.BigInteger(), nullable=False),
        sa.Column("own_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sub_files", sa.BigInteger(), nullable=False),
        sa.Column("sub_bytes", sa.BigInteger(), nullable=False),
        sa.Column("newest_ns", sa.BigInteger(), nullable=True),
        sa.Column("oldest_ns", sa.BigInteger(), nullable=True),
        sa.Column("largest", sa.BigInteger(), nullable=True),
        sa.Column("smallest", sa.BigInteger(), nullable=True),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("changed_crawl", sa.BigInteger(), nullable=False),
        sa.Column("removed_crawl", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["directory.id"], name=op.f("fk_directory_parent_id_directory")
        ),
        sa.ForeignKeyConstraint(["silo_id"], ["silo.id"], name=op.f("fk_directory_silo_id_silo")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory")),
    )
    with op.batch_alter_table("directory", schema=None) as batch_op:
        batch_op.create_index("ix_directory_parent_id", ["parent_id"], unique=False)
        batch_op.create_index(
            "ix_directory_silo_id_changed_crawl", ["silo_id", "changed_crawl"], unique=False
        )
        batch_op.create_index("uq_directory_silo_id_path", ["silo_id", "path"], unique=True)

    op.create_table(
        "field",
        sa.Column(
            "schema_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("nullable", sa.Boolean(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["schema_id"], ["schema.id"], name=op.f("fk_field_schema_id_schema")),
        sa.PrimaryKeyConstraint("schema_id", "position", name=op.f("pk_field")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("field", schema=None) as batch_op:
        batch_op.create_index("ix_field_name", ["name"], unique=False)

    op.create_table(
        "inspection",
        sa.Column(
            "directory_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("name", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("crawl_id", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.Text(), nullable=True),
        sa.Column("claimed", sa.Text(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column(
            "schema_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=True,
        ),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("codec", sa.Text(), nullable=True),
        sa.Column("details", sa.Text(), nullable=True),
        sa.Column("finding", sa.Text(), nullable=True),
        sa.Column("finding_detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["schema_id"], ["schema.id"], name=op.f("fk_inspection_schema_id_schema")),
        sa.PrimaryKeyConstraint("directory_id", "name", name=op.f("pk_inspection")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "annotation",
        sa.Column(
            "asset_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("added_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_annotation_asset_id_asset")),
        sa.PrimaryKeyConstraint("asset_id", "kind", "value", name=op.f("pk_annotation")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("annotation", schema=None) as batch_op:
        batch_op.create_index("ix_annotation_kind_value", ["kind", "value"], unique=False)

    op.create_table(
        "asset_version",
        sa.Column(
            "asset_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("crawl_id", sa.BigInteger(), nullable=False),
        sa.Column("observed_ns", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column(
            "schema_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=True,
        ),
        sa.Column("files", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("newest_ns", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_asset_version_asset_id_asset")),
        sa.ForeignKeyConstraint(["schema_id"], ["schema.id"], name=op.f("fk_asset_version_schema_id_schema")),
        sa.PrimaryKeyConstraint("asset_id", "number", name=op.f("pk_asset_version")),
        sqlite_with_rowid=False,
    )
    if op.get_context().dialect.name == "sqlite":
        # Names: only postings are kept (no content, no positions), for the answer is always checked
        # against the file table. Assets are few: their text is kept whole.
        op.execute(
            "CREATE VIRTUAL TABLE name_text USING fts5(text, content='', tokenize='trigram', detail=none, columnsize=0)"
        )
        op.execute("CREATE VIRTUAL TABLE asset_text USING fts5(text, tokenize='trigram', columnsize=0)")
    else:
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        for table in ("name_text", "asset_text"):
            op.execute(
                f"CREATE TABLE {table} (rowid BIGINT CONSTRAINT pk_{table} PRIMARY KEY, text TEXT NOT NULL)"
            )
            op.execute(f"CREATE INDEX ix_{table}_text ON {table} USING gin (text gin_trgm_ops)")


def downgrade() -> None:
    op.execute("DROP TABLE asset_text")
    op.execute("DROP TABLE name_text")
    op.drop_table("asset_version")
    with op.batch_alter_table("annotation", schema=None) as batch_op:
        batch_op.drop_index("ix_annotation_kind_value")

    op.drop_table("annotation")
    op.drop_table("inspection")
    with op.batch_alter_table("field", schema=None) as batch_op:
        batch_op.drop_index("ix_field_name")

    op.drop_table("field")
    with op.batch_alter_table("directory", schema=None) as batch_op:
        batch_op.drop_index("uq_directory_silo_id_path")
        batch_op.drop_index("ix_directory_silo_id_changed_crawl")
        batch_op.drop_index("ix_directory_parent_id")

    op.drop_table("directory")
    with op.batch_alter_table("crawl", schema=None) as batch_op:
        batch_op.drop_index("ix_crawl_silo_id")

    op.drop_table("crawl")
    with op.batch_alter_table("asset", schema=None) as batch_op:
        batch_op.drop_index("uq_asset_identity")
        batch_op.drop_index("uq_asset_group")
        batch_op.drop_index("ix_asset_schema_id")
        batch_op.drop_index("ix_asset_newest_ns")

    op.drop_table("asset")
    op.drop_table("silo")
    op.drop_table("schema")
    with op.batch_alter_table("part", schema=None) as batch_op:
        batch_op.drop_index("ix_part_asset_id")

    op.drop_table("part")
    with op.batch_alter_table("name_block", schema=None) as batch_op:
        batch_op.drop_index("ix_name_block_directory_id")

    op.drop_table("name_block")
    op.drop_table("file_history")
    op.drop_table("file")
