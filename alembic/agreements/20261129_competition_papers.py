"""Letters of mini-competitions.

Revision ID: a7a708000003
Revises: a7a708000002
"""

import sqlalchemy as sa
from alembic import op

revision = "a7a708000003"
down_revision = "a7a708000002"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "competition_letter",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("competition_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.String(length=9), nullable=False),
        sa.Column("recipient_name", sa.String(length=200), nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        sa.Column("told_at", INSTANT, nullable=False),
        sa.Column("pdf", sa.LargeBinary(), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("dispatch_id", sa.Uuid(), nullable=True),
        sa.Column("handed_over_at", INSTANT, nullable=True),
        sa.Column("status", sa.String(length=40), nullable=True),
        sa.Column("external_id", sa.String(length=80), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("detail", sa.String(length=2000), nullable=True),
        sa.Column("received_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["minicompetition.id"], name=op.f("fk_competition_letter_competition_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_competition_letter")),
        sa.UniqueConstraint("reference", name=op.f("uq_competition_letter_reference")),
        sa.UniqueConstraint(
            "competition_id",
            "kind",
            "round",
            "recipient",
            name=op.f("uq_competition_letter_competition_id_kind_round_recipient"),
        ),
    )


def downgrade() -> None:
    op.drop_table("competition_letter")
