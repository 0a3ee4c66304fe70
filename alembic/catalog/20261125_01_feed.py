"""The feed's events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c1a7a1060001"
down_revision = "2844f2db15b8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("event_position")))
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column(
            "organisation", sa.String(length=9), nullable=True, comment="Whose event it is; others do not see it"
        ),
        sa.Column("data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("position", name=op.f("uq_event_position")),
    )
    op.create_index("ix_event_organisation_position", "event", ["organisation", "position"], unique=False)
    op.create_index("ix_event_unnumbered", "event", ["id"], unique=False, postgresql_where=sa.text("position IS NULL"))


def downgrade() -> None:
    op.drop_table("event")
    op.execute(sa.schema.DropSequence(sa.Sequence("event_position")))
