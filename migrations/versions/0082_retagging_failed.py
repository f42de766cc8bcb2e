"""Why a job that gives other tags ended before its time."""

import sqlalchemy as sa
from alembic import op

revision = "0082"
down_revision = "0081"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("retagging", sa.Column("code", sa.String(), nullable=True))
    op.add_column("retagging", sa.Column("message", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("retagging", "message")
    op.drop_column("retagging", "code")
