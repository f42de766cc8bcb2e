"""The audit log: the database takes entries and lets nobody change or remove them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

REFUSE = """
CREATE FUNCTION audit_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$
"""


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("object", sa.String(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        sa.Column("ip", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="audit_entry_pkey"),
    )
    op.create_index("audit_entry_actor_idx", "audit_entry", ["actor", sa.text("id DESC")])
    op.create_index("audit_entry_object_idx", "audit_entry", ["object", sa.text("id DESC")])
    op.execute(REFUSE)
    # For each statement, so that even one that meets no row is refused.
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_refuse()"
    )
    # A superuser's replication mode would skip an ordinary trigger.
    op.execute("ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER append_only")
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON audit_entry FROM PUBLIC, CURRENT_USER")


def downgrade() -> None:
    op.drop_table("audit_entry")
    op.execute("DROP FUNCTION audit_entry_refuse()")
