"""Finished answers, and which answers a change touches."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "finished",
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("form", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("etag", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("gzip", sa.LargeBinary(), nullable=True),
        sa.Column("zstd", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["slug"], ["bulletin.slug"], name=op.f("finished_slug_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("slug", "kind", "number", name=op.f("finished_pkey")),
    )
    # Compressed already, or read so often that unpacking would cost more than the space.
    for column in ("body", "gzip", "zstd"):
        op.execute(f"ALTER TABLE finished ALTER COLUMN {column} SET STORAGE EXTERNAL")
    # What is not known to touch anything touches everything.
    op.add_column(
        "change",
        sa.Column(
            "touched",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default='["everything"]',
            nullable=False,
        ),
    )


def downgrade() -> None:
    op.drop_column("change", "touched")
    op.drop_table("finished")
