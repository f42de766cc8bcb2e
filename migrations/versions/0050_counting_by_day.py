"""Indexes that lead by the day: what is tagged and cited within a window."""

from alembic import op

revision = "0050"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("section_tag_dated_idx", "section_tag", ["date", "tag_id"])
    op.create_index("bulletin_source_dated_idx", "bulletin_source", ["date", "source_id"])


def downgrade() -> None:
    op.drop_index("bulletin_source_dated_idx", table_name="bulletin_source")
    op.drop_index("section_tag_dated_idx", table_name="section_tag")
