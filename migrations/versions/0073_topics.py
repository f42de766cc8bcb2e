"""Saved topics, and endpoints that follow one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "saved_topic",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("partner_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("query", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="saved_topic_partner_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="saved_topic_pkey"),
    )
    op.create_index("saved_topic_partner_id_idx", "saved_topic", ["partner_id"])
    op.create_table(
        "saved_topic_match",
        sa.Column("topic_id", sa.UUID(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["topic_id"], ["saved_topic.id"], name="saved_topic_match_topic_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("topic_id", "slug", name="saved_topic_match_pkey"),
    )
    op.create_index(
        "saved_topic_match_listed_idx", "saved_topic_match", ["topic_id", sa.literal_column("at DESC")]
    )
    op.add_column("webhook_endpoint", sa.Column("topic_id", sa.UUID(), nullable=True))
    op.create_foreign_key(
        "webhook_endpoint_topic_id_fkey", "webhook_endpoint", "saved_topic", ["topic_id"], ["id"]
    )
    op.create_index("webhook_endpoint_topic_id_idx", "webhook_endpoint", ["topic_id"])


def downgrade() -> None:
    op.drop_index("webhook_endpoint_topic_id_idx", "webhook_endpoint")
    op.drop_constraint("webhook_endpoint_topic_id_fkey", "webhook_endpoint", type_="foreignkey")
    op.drop_column("webhook_endpoint", "topic_id")
    op.drop_table("saved_topic_match")
    op.drop_table("saved_topic")
