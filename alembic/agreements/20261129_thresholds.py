"""Thresholds by date, and drafts that lack what only their announcement needs."""

import sqlalchemy as sa
from alembic import op

revision = "a3e5e50500b1"
down_revision = "a3e5e50500a1"
branch_labels = None
depends_on = None

NULLABLE = (("notice_reference", sa.String(80)), ("estimate", sa.Numeric(precision=14, scale=2)))


def upgrade() -> None:
    op.create_table(
        "threshold",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("valid_to_on", sa.Date(), nullable=True),
        sa.Column("source", sa.String(500), nullable=False),
        sa.Column("fictional", sa.Boolean(), nullable=False),
        sa.Column("back_dated", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=True),
        sa.Column("organisation", sa.String(9), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_threshold_positive")),
        sa.CheckConstraint(
            "valid_to_on IS NULL OR valid_to_on >= valid_from_on", name=op.f("ck_threshold_period_holds")
        ),
        sa.CheckConstraint("NOT back_dated OR reason IS NOT NULL", name=op.f("ck_threshold_past_has_reason")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threshold")),
    )
    op.create_index(op.f("ix_threshold_kind_valid_from_on"), "threshold", ["kind", "valid_from_on"])
    op.execute(
        "CREATE TRIGGER threshold_is_final BEFORE UPDATE OR DELETE ON threshold FOR EACH ROW EXECUTE FUNCTION is_final()"
    )
    for name, type in NULLABLE:
        op.alter_column("frameworkagreement", name, existing_type=type, nullable=True)


def downgrade() -> None:
    op.execute(
        "UPDATE frameworkagreement SET notice_reference = coalesce(notice_reference, ''), "
        "estimate = coalesce(estimate, 0)"
    )
    for name, type in NULLABLE:
        op.alter_column("frameworkagreement", name, existing_type=type, nullable=False)
    op.drop_table("threshold")
