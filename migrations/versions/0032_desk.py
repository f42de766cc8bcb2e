"""Drafts with a state, revisions written at the desk, comments."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

NOW = sa.text("now()")
TIME = sa.DateTime(timezone=True)


def columns() -> list[sa.Column[Any]]:
    """Columns anew: one belongs to one table."""
    return [
        sa.Column("title", sa.String(), server_default="", nullable=False),
        sa.Column("author", sa.String(), server_default="", nullable=False),
        sa.Column("state", sa.String(), server_default="draft", nullable=False),
        sa.Column("moves", sa.Integer(), server_default="0", nullable=False),
        sa.Column("publish_at", TIME, nullable=True),
        sa.Column("publish_note", sa.String(), server_default="", nullable=False),
        sa.Column("updated_at", TIME, server_default=NOW, nullable=False),
    ]


FILL = """
UPDATE draft SET
    title = latest.document ->> 'title',
    author = latest.author,
    updated_at = latest.created_at,
    state = CASE
        WHEN draft.published_revision IS DISTINCT FROM draft.latest_revision THEN 'draft'
        WHEN draft.version > 1 THEN 'corrected'
        ELSE 'published'
    END
FROM revision latest
WHERE latest.draft_id = draft.id AND latest.number = draft.latest_revision
"""


def upgrade() -> None:
    for column in columns():
        op.add_column("draft", column)
    op.execute(FILL)
    op.create_index("draft_due_idx", "draft", ["publish_at"], postgresql_where=sa.text("state = 'scheduled'"))
    op.alter_column("revision", "source_file", nullable=True)
    op.create_table(
        "publication_schedule",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="publication_schedule_pkey"),
    )
    op.create_index("publication_schedule_at_idx", "publication_schedule", ["at"])
    op.create_table(
        "comment",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("draft_id", sa.UUID(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("section", sa.Integer(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.Column("resolved_at", TIME, nullable=True),
        sa.Column("resolved_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["draft_id"], ["draft.id"], name="comment_draft_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="comment_pkey"),
    )
    op.create_index("comment_draft_id_idx", "comment", ["draft_id"])


def downgrade() -> None:
    op.drop_table("comment")
    op.drop_table("publication_schedule")
    # What was written at the desk has no file; the older code needs one for each revision.
    op.execute(
        "INSERT INTO source_file (sha256, name, content) "
        "SELECT 'none', 'none', ''::bytea WHERE EXISTS (SELECT 1 FROM revision WHERE source_file IS NULL)"
    )
    op.execute("UPDATE revision SET source_file = 'none' WHERE source_file IS NULL")
    op.alter_column("revision", "source_file", nullable=False)
    op.drop_index("draft_due_idx", "draft")
    for column in reversed(columns()):
        op.drop_column("draft", column.name)
