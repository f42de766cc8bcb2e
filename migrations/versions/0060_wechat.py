"""WeChat: tokens, articles and their steps, uploads, answers, counts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0060"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "wechat_article",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("goal", sa.String(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("held_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("held", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("media_id", sa.String(), nullable=True),
        sa.Column("publish_id", sa.String(), nullable=True),
        sa.Column("msg_id", sa.String(), nullable=True),
        sa.Column("sent_as", sa.String(), nullable=True),
        sa.Column("article_id", sa.String(), nullable=True),
        sa.Column("article_url", sa.String(), nullable=True),
        sa.Column("place", sa.Integer(), server_default="1", nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("calling", sa.String(), nullable=True),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble_code", sa.String(), nullable=True),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("needs_human", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("wechat_article_pkey")),
        sa.UniqueConstraint("account", "slug", name=op.f("wechat_article_account_slug_key")),
    )
    op.create_index("wechat_article_due_idx", "wechat_article", ["account", "due_at"], unique=False)
    op.create_table(
        "wechat_message",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("seal", sa.String(), nullable=False),
        sa.Column("reader", sa.String(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("more", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("account", "key", name=op.f("wechat_message_pkey")),
        sa.UniqueConstraint("account", "seal", name=op.f("wechat_message_account_seal_key")),
    )
    op.create_index("wechat_message_at_idx", "wechat_message", ["at"], unique=False)
    op.create_index("wechat_message_reader_idx", "wechat_message", ["account", "reader", "at"], unique=False)
    op.create_table(
        "wechat_question",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("found", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("account", "day", "text", name=op.f("wechat_question_pkey")),
    )
    op.create_table(
        "wechat_token",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("forced_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("account", "kind", name=op.f("wechat_token_pkey")),
    )
    op.create_table(
        "wechat_upload",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("use", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("account", "use", "sha256", name=op.f("wechat_upload_pkey")),
    )
    op.create_table(
        "wechat_step",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("article_id", sa.UUID(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("receipt", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"],
            ["wechat_article.id"],
            name=op.f("wechat_step_article_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("wechat_step_pkey")),
    )
    op.create_index(op.f("wechat_step_article_id_idx"), "wechat_step", ["article_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("wechat_step_article_id_idx"), table_name="wechat_step")
    op.drop_table("wechat_step")
    op.drop_table("wechat_upload")
    op.drop_table("wechat_token")
    op.drop_table("wechat_question")
    op.drop_index("wechat_message_reader_idx", table_name="wechat_message")
    op.drop_index("wechat_message_at_idx", table_name="wechat_message")
    op.drop_table("wechat_message")
    op.drop_index("wechat_article_due_idx", table_name="wechat_article")
    op.drop_table("wechat_article")
