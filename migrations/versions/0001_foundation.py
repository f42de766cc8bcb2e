"""Live tables, editors' tables, the change log, jobs."""

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

DROP_PROCRASTINATE = r"""
DO $$
DECLARE statement text;
BEGIN
    FOR statement IN
        SELECT format('DROP TABLE IF EXISTS %I CASCADE', tablename) FROM pg_tables
        WHERE schemaname = current_schema() AND tablename LIKE 'procrastinate\_%'
        UNION ALL
        SELECT format('DROP FUNCTION IF EXISTS %s CASCADE', oid::regprocedure) FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'procrastinate\_%'
        UNION ALL
        SELECT format('DROP TYPE IF EXISTS %I CASCADE', typname) FROM pg_type
        WHERE typnamespace = current_schema()::regnamespace AND typname LIKE 'procrastinate\_%'
    LOOP
        EXECUTE statement;
    END LOOP;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "bulletin",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("producers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("abstract", sa.String(), nullable=False),
        sa.Column("contacts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("bulletin_pkey")),
        sa.UniqueConstraint("date", name=op.f("bulletin_date_key")),
        sa.UniqueConstraint("slug", name=op.f("bulletin_slug_key")),
    )
    op.create_table(
        "change",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("change_pkey")),
    )
    op.create_table(
        "change_position",
        sa.Column("follower", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("follower", name=op.f("change_position_pkey")),
    )
    op.create_table(
        "draft",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("slug", sa.String(), nullable=True),
        sa.Column("latest_revision", sa.Integer(), nullable=False),
        sa.Column("published_revision", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("draft_pkey")),
        sa.UniqueConstraint("slug", name=op.f("draft_slug_key")),
    )
    op.create_table(
        "source",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("reference_count", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("source_pkey")),
        sa.UniqueConstraint("name", name=op.f("source_name_key")),
        sa.UniqueConstraint("slug", name=op.f("source_slug_key")),
    )
    op.create_table(
        "source_file",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("source_file_pkey")),
    )
    op.create_table(
        "tag",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("aliases", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("lookalikes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("parent_id", sa.UUID(), nullable=True),
        sa.Column("bulletin_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("section_count", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["tag.id"], name=op.f("tag_parent_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("tag_pkey")),
        sa.UniqueConstraint("slug", name=op.f("tag_slug_key")),
    )
    op.create_index(op.f("tag_parent_id_idx"), "tag", ["parent_id"], unique=False)
    op.create_table(
        "bulletin_source",
        sa.Column("source_id", sa.UUID(), nullable=False),
        sa.Column("bulletin_id", sa.UUID(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bulletin_id"],
            ["bulletin.id"],
            name=op.f("bulletin_source_bulletin_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("bulletin_source_source_id_fkey")),
        sa.PrimaryKeyConstraint("source_id", "bulletin_id", name=op.f("bulletin_source_pkey")),
    )
    op.create_index(op.f("bulletin_source_bulletin_id_idx"), "bulletin_source", ["bulletin_id"], unique=False)
    op.create_index(
        "bulletin_source_listed_idx",
        "bulletin_source",
        ["source_id", sa.literal_column("date DESC")],
        unique=False,
    )
    op.create_table(
        "bulletin_tag",
        sa.Column("tag_id", sa.UUID(), nullable=False),
        sa.Column("bulletin_id", sa.UUID(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["bulletin.id"], name=op.f("bulletin_tag_bulletin_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("bulletin_tag_tag_id_fkey")),
        sa.PrimaryKeyConstraint("tag_id", "bulletin_id", name=op.f("bulletin_tag_pkey")),
    )
    op.create_index(op.f("bulletin_tag_bulletin_id_idx"), "bulletin_tag", ["bulletin_id"], unique=False)
    op.create_index(
        "bulletin_tag_listed_idx", "bulletin_tag", ["tag_id", sa.literal_column("date DESC")], unique=False
    )
    op.create_table(
        "reference",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("source_id", sa.UUID(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("date", sa.Date(), nullable=True),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("citation_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("listed_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("reference_source_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("reference_pkey")),
        sa.UniqueConstraint("fingerprint", name=op.f("reference_fingerprint_key")),
    )
    op.create_index(
        "reference_by_source_idx",
        "reference",
        ["source_id", sa.literal_column("listed_on DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("citation_count > 0"),
    )
    op.create_index(
        "reference_listed_idx",
        "reference",
        [sa.literal_column("listed_on DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("citation_count > 0"),
    )
    op.create_index(op.f("reference_source_id_idx"), "reference", ["source_id"], unique=False)
    op.create_table(
        "revision",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("draft_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("source_file", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["draft.id"], name=op.f("revision_draft_id_fkey")),
        sa.ForeignKeyConstraint(
            ["source_file"], ["source_file.sha256"], name=op.f("revision_source_file_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("revision_pkey")),
        sa.UniqueConstraint("draft_id", "number", name=op.f("revision_draft_id_number_key")),
    )
    op.create_index(op.f("revision_source_file_idx"), "revision", ["source_file"], unique=False)
    op.create_table(
        "section",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("bulletin_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("numeral", sa.String(), nullable=False),
        sa.Column("heading", sa.String(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("citations", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["bulletin.id"], name=op.f("section_bulletin_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("section_pkey")),
        sa.UniqueConstraint("bulletin_id", "number", name=op.f("section_bulletin_id_number_key")),
    )
    op.create_index("section_listed_idx", "section", [sa.literal_column("date DESC"), "number"], unique=False)
    op.create_table(
        "citation",
        sa.Column("bulletin_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("reference_id", sa.UUID(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("sections", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("inferred", sa.Boolean(), nullable=False),
        sa.Column("item", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["bulletin.id"], name=op.f("citation_bulletin_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["reference_id"], ["reference.id"], name=op.f("citation_reference_id_fkey")),
        sa.PrimaryKeyConstraint("bulletin_id", "number", name=op.f("citation_pkey")),
    )
    op.create_index(op.f("citation_reference_id_idx"), "citation", ["reference_id"], unique=False)
    op.create_table(
        "section_tag",
        sa.Column("tag_id", sa.UUID(), nullable=False),
        sa.Column("section_id", sa.UUID(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["section_id"], ["section.id"], name=op.f("section_tag_section_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("section_tag_tag_id_fkey")),
        sa.PrimaryKeyConstraint("tag_id", "section_id", name=op.f("section_tag_pkey")),
    )
    op.create_index(
        "section_tag_listed_idx",
        "section_tag",
        ["tag_id", sa.literal_column("date DESC"), "number"],
        unique=False,
    )
    op.create_index(op.f("section_tag_section_id_idx"), "section_tag", ["section_id"], unique=False)
    # Its own statements, as one script: SQLAlchemy would take their colons for parameters.
    op.get_bind().exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))


def downgrade() -> None:
    op.drop_index(op.f("section_tag_section_id_idx"), table_name="section_tag")
    op.drop_index("section_tag_listed_idx", table_name="section_tag")
    op.drop_table("section_tag")
    op.drop_index(op.f("citation_reference_id_idx"), table_name="citation")
    op.drop_table("citation")
    op.drop_index("section_listed_idx", table_name="section")
    op.drop_table("section")
    op.drop_index(op.f("revision_source_file_idx"), table_name="revision")
    op.drop_table("revision")
    op.drop_index(op.f("reference_source_id_idx"), table_name="reference")
    op.drop_index(
        "reference_listed_idx", table_name="reference", postgresql_where=sa.text("citation_count > 0")
    )
    op.drop_index(
        "reference_by_source_idx", table_name="reference", postgresql_where=sa.text("citation_count > 0")
    )
    op.drop_table("reference")
    op.drop_index("bulletin_tag_listed_idx", table_name="bulletin_tag")
    op.drop_index(op.f("bulletin_tag_bulletin_id_idx"), table_name="bulletin_tag")
    op.drop_table("bulletin_tag")
    op.drop_index("bulletin_source_listed_idx", table_name="bulletin_source")
    op.drop_index(op.f("bulletin_source_bulletin_id_idx"), table_name="bulletin_source")
    op.drop_table("bulletin_source")
    op.drop_index(op.f("tag_parent_id_idx"), table_name="tag")
    op.drop_table("tag")
    op.drop_table("source_file")
    op.drop_table("source")
    op.drop_table("draft")
    op.drop_table("change_position")
    op.drop_table("change")
    op.drop_table("bulletin")
    op.execute(DROP_PROCRASTINATE)
