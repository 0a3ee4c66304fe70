"""Letters of a call-off: their whole way, recalls and replies."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "a7a70700000a"
down_revision = "a3e5e50500a2"
branch_labels = None
depends_on = None


INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _letters()
    _replies()


def downgrade() -> None:
    _no_replies()
    _letters_as_they_were()


def _letters() -> None:
    op.add_column("letter", sa.Column("language", sa.String(length=2), nullable=True))
    op.create_table(
        "letter_event",
        sa.Column("reference", sa.String(length=100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=True),
        sa.Column("detail", sa.String(length=2000), nullable=True),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["reference"], ["letter.reference"], name=op.f("fk_letter_event_reference")),
        sa.PrimaryKeyConstraint("reference", "version", name=op.f("pk_letter_event")),
    )


def _letters_as_they_were() -> None:
    op.drop_table("letter_event")
    op.drop_column("letter", "language")


def _replies() -> None:
    op.create_table(
        "letter_reply",
        sa.Column("reply_id", sa.Uuid(), nullable=False),
        sa.Column("call_off_id", sa.BigInteger(), nullable=False),
        sa.Column("letter_reference", sa.String(length=100), nullable=False),
        sa.Column("sender_name", sa.String(length=200), nullable=True),
        sa.Column("sender_number", sa.String(length=9), nullable=True),
        sa.Column("title", sa.String(length=1000), nullable=False),
        sa.Column("documents", JSONB(none_as_null=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["call_off_id"], ["calloff.id"], name=op.f("fk_letter_reply_call_off_id")),
        sa.PrimaryKeyConstraint("reply_id", name=op.f("pk_letter_reply")),
    )
    op.create_index(op.f("ix_letter_reply_call_off_id"), "letter_reply", ["call_off_id"], unique=False)


def _no_replies() -> None:
    op.drop_table("letter_reply")
