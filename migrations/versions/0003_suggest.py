"""What suggestions are found by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OWNERS = ("tag", "source", "section")
SECTION = (
    sa.Column("date", sa.Date(), nullable=False),
    sa.Column("heading", sa.String(), nullable=False),
)


def upgrade() -> None:
    for owner in OWNERS:
        op.create_table(
            f"{owner}_suggestion",
            sa.Column(f"{owner}_id", sa.UUID(), nullable=False),
            *(SECTION if owner == "section" else ()),
            sa.Column("keys", postgresql.TSVECTOR(), nullable=False),
            sa.ForeignKeyConstraint(
                [f"{owner}_id"],
                [f"{owner}.id"],
                name=op.f(f"{owner}_suggestion_{owner}_id_fkey"),
                ondelete="CASCADE",
            ),
            sa.PrimaryKeyConstraint(f"{owner}_id", name=op.f(f"{owner}_suggestion_pkey")),
        )
    op.create_index("section_suggestion_date_idx", "section_suggestion", [sa.text("date DESC")])
    op.create_index(
        "section_suggestion_keys_idx",
        "section_suggestion",
        ["keys"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )


def downgrade() -> None:
    for owner in reversed(OWNERS):
        op.drop_table(f"{owner}_suggestion")
