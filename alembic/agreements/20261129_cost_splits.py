"""Cost splits, the models of real co-operations, fees, and shares of joint call-offs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "a3e5e50500a1"
down_revision = "a3e5e5050001"
branch_labels = None
depends_on = None

MONEY = sa.Numeric(precision=14, scale=2)
INSTANT = sa.DateTime(timezone=True)
FINAL = ("costsplit", "costshare", "fee", "share")


def upgrade() -> None:
    op.create_table(
        "costsplit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("organisation", sa.String(9), nullable=False),
        sa.Column("purpose", sa.String(200), nullable=False),
        sa.Column("key", JSONB(), nullable=False),
        sa.Column("amount_given", MONEY, nullable=True),
        sa.Column("amount_basis", sa.String(40), nullable=False),
        sa.Column("grants", JSONB(), nullable=False),
        sa.Column("populations_on", sa.Date(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_costsplit")),
        sa.UniqueConstraint("uuid", name=op.f("uq_costsplit_uuid")),
    )
    op.create_index(op.f("ix_costsplit_organisation"), "costsplit", ["organisation"])
    op.create_table(
        "costshare",
        sa.Column("cost_split_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(9), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("population", sa.Integer(), nullable=True),
        sa.Column("population_on", sa.Date(), nullable=True),
        sa.Column("population_source", sa.String(200), nullable=True),
        sa.Column("amount", MONEY, nullable=False),
        sa.ForeignKeyConstraint(["cost_split_id"], ["costsplit.id"], name=op.f("fk_costshare_cost_split_id")),
        sa.PrimaryKeyConstraint("cost_split_id", "number", name=op.f("pk_costshare")),
    )
    op.create_table(
        "costmodel",
        sa.Column("code", sa.String(20), nullable=False),
        sa.Column("co_operation", sa.String(200), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("established_year", sa.Integer(), nullable=True),
        sa.Column("form", sa.String(200), nullable=True),
        sa.Column("members", sa.String(200), nullable=True),
        sa.Column("fixed", sa.String(80), nullable=True),
        sa.Column("per_inhabitant", sa.String(80), nullable=True),
        sa.Column("external", MONEY, nullable=True),
        sa.Column("external_contributor", sa.String(200), nullable=True),
        sa.Column("other_financing", sa.String(500), nullable=True),
        sa.Column("project_financing", sa.String(500), nullable=True),
        sa.Column("source", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_costmodel")),
    )
    op.create_table(
        "fee",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("framework_id", sa.Integer(), nullable=False),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("joining", MONEY, nullable=False),
        sa.Column("per_inhabitant", MONEY, nullable=False),
        sa.Column("back_dated", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=True),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint("joining >= 0 AND per_inhabitant >= 0", name=op.f("ck_fee_never_negative")),
        sa.CheckConstraint("NOT back_dated OR reason IS NOT NULL", name=op.f("ck_fee_past_has_reason")),
        sa.ForeignKeyConstraint(["framework_id"], ["frameworkagreement.id"], name=op.f("fk_fee_framework_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fee")),
    )
    op.create_index(op.f("ix_fee_framework_id_valid_from_on"), "fee", ["framework_id", "valid_from_on"])
    op.create_table(
        "share",
        sa.Column("call_off_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(9), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("net", MONEY, nullable=False),
        sa.Column("vat", MONEY, nullable=False),
        sa.ForeignKeyConstraint(["call_off_id"], ["calloff.id"], name=op.f("fk_share_call_off_id")),
        sa.PrimaryKeyConstraint("call_off_id", "version", "number", name=op.f("pk_share")),
    )
    op.create_index(op.f("ix_share_number"), "share", ["number"])
    for table in FINAL:
        op.execute(
            f"CREATE TRIGGER {table}_is_final BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION is_final()"
        )


def downgrade() -> None:
    for table in ("share", "fee", "costmodel", "costshare", "costsplit"):
        op.drop_table(table)
