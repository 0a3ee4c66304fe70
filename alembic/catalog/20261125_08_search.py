"""One search over everything."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c1a7a1060008"
down_revision = "c1a7a1060007"
branch_labels = None
depends_on = None

# The stemmers of PostgreSQL without their stop words, so that phrases hold and «IT» is a word.
CONFIGURATION = """
CREATE TEXT SEARCH DICTIONARY words_{language} (TEMPLATE = snowball, Language = {language});
CREATE TEXT SEARCH CONFIGURATION words_{language} (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION words_{language}
    ALTER MAPPING FOR asciiword, word, numword WITH words_{language};
"""
TYPES = (
    "component",
    "product",
    "specification",
    "standard",
    "interface",
    "organisation",
    "co_operation",
    "need",
)
_NAME = "to_tsvector('norwegian'::regconfig, name)"
COMPONENT_WORDS = {
    "name_words": _NAME,
    "words": f"setweight({_NAME}, 'A') || setweight(to_tsvector('norwegian'::regconfig, COALESCE(summary, '{{}}'::jsonb)), 'B')",
}


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    for language in ("norwegian", "english"):
        op.execute(CONFIGURATION.format(language=language))
    op.create_table(
        "word",
        sa.Column("folded", sa.String(length=100, collation="C"), nullable=False),
        sa.Column("written", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("folded", name=op.f("pk_word")),
    )
    op.create_index(
        "ix_word_folded", "word", ["folded"], postgresql_using="gin", postgresql_ops={"folded": "gin_trgm_ops"}
    )
    op.create_index("ix_word_beginning", "word", [sa.text('"left"(folded, 1)'), sa.text("length(folded)")])
    op.create_table(
        "search_entry",
        sa.Column("path", sa.String(length=200, collation="C"), nullable=False),
        sa.Column("type", sa.Enum(*TYPES, name="type", native_enum=False, length=40), nullable=False),
        sa.Column("ref", sa.String(length=80), nullable=False),
        sa.Column("name", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("summary", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("sort_key", sa.String(length=600, collation="C"), nullable=False),
        sa.Column("behind", sa.SmallInteger(), nullable=False),
        sa.Column("exact", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("name_words", postgresql.TSVECTOR(), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.Column("facets", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("changes_on", sa.Date(), nullable=True),
        sa.Column("facets_then", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("lot", sa.SmallInteger(), nullable=False),
        sa.Column("adopters", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "audience",
            sa.Enum("public", "public_bodies", name="audience", native_enum=False, length=40),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_search_entry")),
    )
    for name, columns in (
        ("order", ["behind", "sort_key", "path"]),
        ("type_order", ["type", "behind", "sort_key", "path"]),
        ("name", ["sort_key", "path"]),
        ("adopters", [sa.text("adopters DESC"), "sort_key", "path"]),
        ("lot", ["lot"]),
    ):
        op.create_index(f"ix_search_entry_{name}", "search_entry", columns)
    for name in ("exact", "name_words", "words", "facets"):
        op.create_index(f"ix_search_entry_{name}", "search_entry", [name], postgresql_using="gin")
    op.create_index(
        "ix_search_entry_changes", "search_entry", ["changes_on"], postgresql_where=sa.text("changes_on IS NOT NULL")
    )
    for name in ("name_words", "words"):  # a component is found by its entry
        op.drop_index(f"ix_component_{name}", table_name="component")
        op.drop_column("component", name)


def downgrade() -> None:
    for name, words in COMPONENT_WORDS.items():
        op.add_column(
            "component", sa.Column(name, postgresql.TSVECTOR(), sa.Computed(words, persisted=True), nullable=True)
        )
        op.create_index(f"ix_component_{name}", "component", [name], postgresql_using="gin")
    op.drop_table("search_entry")
    op.drop_table("word")
    for language in ("norwegian", "english"):
        op.execute(f"DROP TEXT SEARCH CONFIGURATION words_{language}")
        op.execute(f"DROP TEXT SEARCH DICTIONARY words_{language}")
    op.execute("DROP EXTENSION pg_trgm")
