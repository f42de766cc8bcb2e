"""The secret that signs the tokens of the sync feed."""

import sqlalchemy as sa
from alembic import op

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sync_secret",
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("secret", name="sync_secret_pkey"),
    )
    # Two random UUIDs are 244 random bits.
    op.execute("INSERT INTO sync_secret SELECT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())")


def downgrade() -> None:
    op.drop_table("sync_secret")
