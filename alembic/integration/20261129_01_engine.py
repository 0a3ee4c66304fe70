"""Channels, priorities and deadlines of a dispatch; the account that letters go from."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "07d15a7c000a"
down_revision = "01ccc2d0a97b"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, length=40)


def upgrade() -> None:
    for name, values, default in (
        ("channel", ("svarut_digital", "svarut_print"), "svarut_digital"),
        ("priority", ("normal", "urgent"), "normal"),
        ("whenunread", ("notice", "print"), "notice"),
    ):
        column = "when_unread" if name == "whenunread" else name
        op.add_column("dispatch", sa.Column(column, _choice(name, *values), nullable=False, server_default=default))
        op.alter_column("dispatch", column, server_default=None)
    op.add_column(
        "dispatch", sa.Column("address", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    op.add_column("dispatch", sa.Column("queued_at", INSTANT, nullable=True))
    op.execute("UPDATE dispatch SET queued_at = created_at")
    op.alter_column("dispatch", "queued_at", nullable=False)
    for column in ("handed_over_at", "offered_at", "unread_at"):
        op.add_column("dispatch", sa.Column(column, INSTANT, nullable=True))
    op.create_index("ix_dispatch_handed_over_at", "dispatch", ["handed_over_at"], unique=False)
    op.create_index(
        "ix_dispatch_offered_at",
        "dispatch",
        ["offered_at"],
        unique=False,
        postgresql_where=sa.text("offered_at IS NOT NULL AND unread_at IS NULL"),
    )
    op.create_index(
        "ix_attempt_started_at",
        "attempt",
        ["started_at"],
        unique=False,
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    # Read in pieces while it is sent: a piece of what is compressed costs reading all of it.
    op.execute("ALTER TABLE dispatch_document ALTER COLUMN content SET STORAGE EXTERNAL")
    op.create_table(
        "account",
        sa.Column("konto", sa.Uuid(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("reason", _choice("reason", "outage", "configuration"), nullable=True),
        sa.Column("detail", sa.String(length=2000), nullable=True),
        sa.Column("paused_until", INSTANT, nullable=True),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("konto", name=op.f("pk_account")),
    )


def downgrade() -> None:
    op.drop_table("account")
    op.execute("ALTER TABLE dispatch_document ALTER COLUMN content SET STORAGE EXTENDED")
    op.drop_index("ix_attempt_started_at", table_name="attempt")
    op.drop_index("ix_dispatch_offered_at", table_name="dispatch")
    op.drop_index("ix_dispatch_handed_over_at", table_name="dispatch")
    for column in (
        *("unread_at", "offered_at", "handed_over_at", "queued_at", "address", "when_unread", "priority", "channel"),
    ):
        op.drop_column("dispatch", column)
