"""Letters of a call-off: their whole way, recalls and replies."""

import sqlalchemy as sa
from alembic import op

revision = "a7a70700000a"
down_revision = "a3e5e50500a2"
branch_labels = None
depends_on = None


INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _letters()


def downgrade() -> None:
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
