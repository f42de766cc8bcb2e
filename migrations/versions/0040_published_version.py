"""Every version that was made public, and withdrawals."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040"
down_revision = "0020"
branch_labels = None
depends_on = None

# Versions before the ones that are live were not kept as such: history begins with these.
FROM_LIVE = """
INSERT INTO published_version (slug, version, kind, note, at, date, published_at, content_hash, document,
                               tags, "references", sources, text)
SELECT bulletin.slug, bulletin.version,
       CASE bulletin.version WHEN 1 THEN 'published' ELSE 'corrected' END, '',
       bulletin.updated_at, bulletin.date, bulletin.published_at, bulletin.content_hash,
       revision.document - 'unplaced',
       coalesce((SELECT jsonb_agg(jsonb_build_object('slug', tag.slug, 'name', tag.name,
                                                     'name_en', tag.name_en, 'kind', tag.kind)
                                  ORDER BY position)
                 FROM bulletin_tag JOIN tag ON tag.id = tag_id WHERE bulletin_id = bulletin.id), '[]'),
       ARRAY(SELECT reference_id FROM citation WHERE bulletin_id = bulletin.id ORDER BY number),
       ARRAY(SELECT source_id FROM bulletin_source WHERE bulletin_id = bulletin.id ORDER BY source_id),
       bulletin.text
FROM bulletin
JOIN draft ON draft.slug = bulletin.slug
JOIN revision ON revision.draft_id = draft.id AND revision.number = draft.published_revision
"""


def upgrade() -> None:
    op.create_table(
        "published_version",
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=True),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("tags", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("references", postgresql.ARRAY(sa.UUID()), nullable=False),
        sa.Column("sources", postgresql.ARRAY(sa.UUID()), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("slug", "version", name=op.f("published_version_pkey")),
    )
    op.create_index(
        "published_version_listed_idx",
        "published_version",
        [sa.literal_column("date DESC"), "at"],
        unique=False,
        postgresql_where=sa.text("document IS NOT NULL"),
    )
    op.execute(FROM_LIVE)


def downgrade() -> None:
    op.drop_table("published_version")
