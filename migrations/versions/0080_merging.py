"""Tags and references that were merged into others; tags that are the editors' and not the file's."""

import sqlalchemy as sa
from alembic import op

revision = "0080"
down_revision = "0073"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "merged_tag",
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("into", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("slug", name=op.f("merged_tag_pkey")),
    )
    op.add_column("tag", sa.Column("edited", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("reference", sa.Column("merged_into", sa.UUID(), nullable=True))
    op.add_column("reference", sa.Column("merged_at", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(
        op.f("reference_merged_into_fkey"), "reference", "reference", ["merged_into"], ["id"]
    )
    op.create_index(op.f("reference_merged_into_idx"), "reference", ["merged_into"])


def downgrade() -> None:
    op.drop_index(op.f("reference_merged_into_idx"), table_name="reference")
    op.drop_constraint(op.f("reference_merged_into_fkey"), "reference", type_="foreignkey")
    op.drop_column("reference", "merged_at")
    op.drop_column("reference", "merged_into")
    op.drop_column("tag", "edited")
    op.drop_table("merged_tag")
