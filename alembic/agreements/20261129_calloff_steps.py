"""Approvals by each paying organisation; order changes and their answers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "a3e5e50500f1"
down_revision = "a3e5e50500e1"
branch_labels = None
depends_on = None

CLOCK = sa.text("clock_timestamp()")
FINAL = ("orderchange", "orderchangeanswer")
"""Rows that are never changed or removed."""


def upgrade() -> None:
    op.create_table(
        "approval",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("call_off_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("organisation", sa.String(9), nullable=False),
        sa.Column("net", sa.Numeric(14, 2), nullable=False),
        sa.Column("client", sa.String(200), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["call_off_id"], ["calloff.id"], name=op.f("fk_approval_call_off_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
    )
    op.create_index(
        "uq_approval_standing",
        "approval",
        ["call_off_id", "version", "organisation"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "orderchange",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("call_off_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("organisation", sa.String(9), nullable=False),
        sa.Column("supplier", sa.String(9), nullable=False),
        sa.Column("lines", JSONB(), nullable=False),
        sa.Column("needed_before_on", sa.Date(), nullable=False),
        sa.Column("needed_on", sa.Date(), nullable=False),
        sa.Column("net", sa.Numeric(14, 2), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False, server_default=CLOCK),
        sa.ForeignKeyConstraint(["call_off_id"], ["calloff.id"], name=op.f("fk_orderchange_call_off_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orderchange")),
        sa.UniqueConstraint("uuid", name=op.f("uq_orderchange_uuid")),
    )
    op.create_index(op.f("ix_orderchange_call_off_id"), "orderchange", ["call_off_id"])
    op.create_table(
        "orderchangeanswer",
        sa.Column("change_id", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("organisation", sa.String(9), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False, server_default=CLOCK),
        sa.ForeignKeyConstraint(["change_id"], ["orderchange.id"], name=op.f("fk_orderchangeanswer_change_id")),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_orderchangeanswer")),
    )
    for table in FINAL:
        op.execute(
            f"CREATE TRIGGER {table}_is_final BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION is_final()"
        )


def downgrade() -> None:
    for table in (*reversed(FINAL), "approval"):
        op.drop_table(table)
