"""Staff accounts and their logins, attempts that are counted, requests that are done once."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0041"
branch_labels = None
depends_on = None

NOW = sa.text("now()")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "staff",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("disabled", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="staff_pkey"),
        sa.UniqueConstraint("name", name="staff_name_key"),
    )
    op.create_table(
        "staff_token",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("staff_id", sa.UUID(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("ip", sa.String(), nullable=False),
        sa.Column("user_agent", sa.String(), nullable=False),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name="staff_token_staff_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="staff_token_pkey"),
        sa.UniqueConstraint("digest", name="staff_token_digest_key"),
    )
    op.create_index("staff_token_staff_id_idx", "staff_token", ["staff_id"])
    op.create_table(
        "attempts",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name="attempts_pkey"),
    )
    op.create_index("attempts_until_idx", "attempts", ["until"])
    op.create_table(
        "finished_request",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", postgresql.JSONB(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name="finished_request_pkey"),
    )
    op.create_index("finished_request_created_at_idx", "finished_request", ["created_at"])


def downgrade() -> None:
    for table in ("finished_request", "attempts", "staff_token", "staff"):
        op.drop_table(table)
