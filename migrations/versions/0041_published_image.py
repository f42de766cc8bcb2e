"""Which stored pictures are public."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

FROM_VERSIONS = """
INSERT INTO published_image (sha256, slug)
SELECT DISTINCT substr(src #>> '{}', 8), slug
FROM published_version, jsonb_path_query(document, '$.sections[*].body[*].src') AS src
WHERE src #>> '{}' LIKE 'sha256:%'
"""


def upgrade() -> None:
    op.create_table(
        "published_image",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", "slug", name=op.f("published_image_pkey")),
    )
    op.create_index(op.f("published_image_slug_idx"), "published_image", ["slug"], unique=False)
    # As it is and not as SQLAlchemy's text: the colons are no parameters.
    op.get_bind().exec_driver_sql(FROM_VERSIONS.replace("%", "%%"))


def downgrade() -> None:
    op.drop_table("published_image")
