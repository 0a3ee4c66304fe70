"""Deliveries with what their certificates said, complaints and their answers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "a3e5e50500e1"
down_revision = "a3e5e50500d1"
branch_labels = None
depends_on = None

CLOCK = sa.text("clock_timestamp()")
TABLES = ("delivery", "deliveryline", "deliverycheck", "complaint", "complaintline", "complaintanswer")
"""All of them are only ever added to."""


def upgrade() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("call_off_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("order_version", sa.Integer(), nullable=False),
        sa.Column("delivered_on", sa.Date(), nullable=False),
        sa.Column("last", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(2000), nullable=True),
        sa.Column("back_dated", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, server_default=CLOCK),
        sa.CheckConstraint("NOT back_dated OR reason IS NOT NULL", name=op.f("ck_delivery_past_has_reason")),
        sa.ForeignKeyConstraint(["call_off_id"], ["calloff.id"], name=op.f("fk_delivery_call_off_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("uuid", name=op.f("uq_delivery_uuid")),
        sa.UniqueConstraint("call_off_id", "sequence", name=op.f("uq_delivery_call_off_id_sequence")),
    )
    op.create_table(
        "deliveryline",
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.String(80), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_deliveryline_something")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_deliveryline_delivery_id")),
        sa.PrimaryKeyConstraint("delivery_id", "item", name=op.f("pk_deliveryline")),
    )
    op.create_table(
        "deliverycheck",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(40), nullable=False),
        sa.Column("verdicts", JSONB(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False, server_default=CLOCK),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_deliverycheck_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliverycheck")),
    )
    op.create_index(op.f("ix_deliverycheck_delivery_id"), "deliverycheck", ["delivery_id"])
    op.create_table(
        "complaint",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("call_off_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("organisation", sa.String(9), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.Column("complained_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, server_default=CLOCK),
        sa.ForeignKeyConstraint(["call_off_id"], ["calloff.id"], name=op.f("fk_complaint_call_off_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint")),
        sa.UniqueConstraint("uuid", name=op.f("uq_complaint_uuid")),
        sa.UniqueConstraint("call_off_id", "sequence", name=op.f("uq_complaint_call_off_id_sequence")),
    )
    op.create_table(
        "complaintline",
        sa.Column("complaint_id", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.String(80), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_complaintline_something")),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"], name=op.f("fk_complaintline_complaint_id")),
        sa.PrimaryKeyConstraint("complaint_id", "item", name=op.f("pk_complaintline")),
    )
    op.create_table(
        "complaintanswer",
        sa.Column("complaint_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(40), nullable=False),
        sa.Column("organisation", sa.String(9), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=True),
        sa.Column("agreed", JSONB(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False, server_default=CLOCK),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"], name=op.f("fk_complaintanswer_complaint_id")),
        sa.PrimaryKeyConstraint("complaint_id", name=op.f("pk_complaintanswer")),
    )
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_is_final BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION is_final()"
        )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
