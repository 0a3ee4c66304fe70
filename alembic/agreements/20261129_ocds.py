"""Open contracting: the processes that something is published of, and their releases, which are never edited.

Revision ID: a7a708000004
Revises: a7a708000003
"""

import sqlalchemy as sa
from alembic import op

revision = "a7a708000004"
down_revision = "a7a708000003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contracting_process",
        sa.Column("ocid", sa.String(length=160), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("part", sa.String(length=9), nullable=False),
        sa.Column("releases", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("ocid", name=op.f("pk_contracting_process")),
        sa.UniqueConstraint("subject", "part", name=op.f("uq_contracting_process_subject_part")),
    )
    op.create_table(
        "release",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("ocid", sa.String(length=160), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.Column("tag", sa.ARRAY(sa.String(length=40)), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ocid"], ["contracting_process.ocid"], name=op.f("fk_release_ocid_contracting_process")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
        sa.UniqueConstraint("ocid", "number", name=op.f("uq_release_ocid_number")),
    )
    op.create_index(op.f("ix_release_published_on"), "release", ["published_on"])
    op.execute(
        "CREATE TRIGGER release_is_final BEFORE UPDATE OR DELETE ON release FOR EACH ROW EXECUTE FUNCTION is_final()"
    )


def downgrade() -> None:
    op.drop_table("release")
    op.drop_table("contracting_process")
