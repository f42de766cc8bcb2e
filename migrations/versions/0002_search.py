"""The Postgres search index."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("search_section", "search_section_next")


def upgrade() -> None:
    for table in TABLES:
        op.create_table(
            table,
            sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
            sa.Column("slug", sa.String(), nullable=False),
            sa.Column("number", sa.SmallInteger(), nullable=False),
            sa.Column("version", sa.Integer(), nullable=False),
            sa.Column("date", sa.Date(), nullable=False),
            sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
            sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False),
            sa.Column("kinds", postgresql.ARRAY(sa.Text()), nullable=False),
            sa.Column("sources", postgresql.ARRAY(sa.Text()), nullable=False),
            sa.Column("text", sa.String(), nullable=False),
            sa.Column("words", postgresql.TSVECTOR(), nullable=False),
            sa.Column("starts", postgresql.TSVECTOR(), nullable=False),
            sa.Column("tokenizer", sa.String(), nullable=False),
            sa.PrimaryKeyConstraint("id", name=op.f(f"{table}_pkey")),
            sa.UniqueConstraint("slug", "number", name=op.f(f"{table}_slug_number_key")),
        )
        # Texts are read for the best matches only: kept aside, thousands of rows are few pages.
        op.execute(f"ALTER TABLE {table} SET (toast_tuple_target = 128)")
        for column in ("tags", "kinds", "sources"):
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE MAIN")
    op.create_index("search_section_listed_idx", "search_section", [sa.text("date DESC"), "number"])
    for column in ("words", "starts", "tags"):
        op.create_index(
            f"search_section_{column}_idx",
            "search_section",
            [column],
            postgresql_using="gin",
            postgresql_with={"gin_pending_list_limit": "512"},
        )
    op.create_table(
        "search_term",
        sa.Column("term", sa.Text(collation="C"), nullable=False),
        sa.Column("df", sa.Integer(), nullable=False),
        sa.Column("pinyin", sa.Text(collation="C"), nullable=True),
        sa.Column("initials", sa.Text(collation="C"), nullable=True),
        sa.PrimaryKeyConstraint("term", name=op.f("search_term_pkey")),
    )
    # Each publication counts hundreds of words anew: with room beside them no index has to change.
    op.execute("ALTER TABLE search_term SET (fillfactor = 50)")
    op.create_index(op.f("search_term_pinyin_idx"), "search_term", ["pinyin"])
    op.create_index(op.f("search_term_initials_idx"), "search_term", ["initials"])
    op.create_index(
        "search_term_latin_idx",
        "search_term",
        [sa.text("char_length(term)")],
        postgresql_where=sa.text("pinyin IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("search_term")
    for table in TABLES:
        op.drop_table(table)
