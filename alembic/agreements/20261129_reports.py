"""Suppliers' sales reports, buyers' spend files, and assumptions of savings.

Revision ID: a7a708000006
Revises: a7a708000005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "a7a708000006"
down_revision = "a7a708000005"
branch_labels = None
depends_on = None

TABLES = (
    *("salesreport", "salesline", "salesexplanation"),
    *("savingassumption", "accountmap", "spendfile", "outsidebuy"),
)
"""All of them are only ever added to."""


def upgrade() -> None:
    op.create_table(
        "salesreport",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("framework_id", sa.Integer(), nullable=False),
        sa.Column("supplier", sa.String(9), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("replaces_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["framework_id"], ["frameworkagreement.id"], name=op.f("fk_salesreport_framework_id")),
        sa.ForeignKeyConstraint(["replaces_id"], ["salesreport.id"], name=op.f("fk_salesreport_replaces_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_salesreport")),
        sa.UniqueConstraint("replaces_id", name=op.f("uq_salesreport_replaces_id")),
        sa.UniqueConstraint("uuid", name=op.f("uq_salesreport_uuid")),
    )
    op.create_index(
        op.f("ix_salesreport_framework_id_supplier_from_on"), "salesreport", ["framework_id", "supplier", "from_on"]
    )
    op.create_table(
        "salesline",
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(40), nullable=False),
        sa.Column("order_number", sa.String(200), nullable=False),
        sa.Column("item", sa.String(200), nullable=False),
        sa.Column("buyer", sa.String(9), nullable=False),
        sa.Column("rows", ARRAY(sa.Integer()), nullable=False),
        sa.Column("quantity_told", sa.BigInteger(), nullable=True),
        sa.Column("quantity_posted", sa.BigInteger(), nullable=True),
        sa.Column("told", sa.Numeric(14, 2), nullable=True),
        sa.Column("posted", sa.Numeric(14, 2), nullable=True),
        sa.ForeignKeyConstraint(["report_id"], ["salesreport.id"], name=op.f("fk_salesline_report_id")),
        sa.PrimaryKeyConstraint("report_id", "position", name=op.f("pk_salesline")),
    )
    op.create_table(
        "salesexplanation",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("organisation", sa.String(9), nullable=False),
        sa.Column("by_owner", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id", "position"],
            ["salesline.report_id", "salesline.position"],
            name=op.f("fk_salesexplanation_report_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_salesexplanation")),
    )
    op.create_index(op.f("ix_salesexplanation_report_id_position"), "salesexplanation", ["report_id", "position"])
    op.create_table(
        "savingassumption",
        sa.Column("framework_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("counted", sa.String(40), nullable=False),
        sa.Column("hours", sa.Numeric(7, 2), nullable=False),
        sa.Column("per_hour", sa.Numeric(14, 2), nullable=False),
        sa.Column("further", sa.Numeric(14, 2), nullable=False),
        sa.Column("source", sa.String(2000), nullable=False),
        sa.Column("assumed_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "hours >= 0 AND per_hour >= 0 AND further >= 0", name=op.f("ck_savingassumption_never_negative")
        ),
        sa.CheckConstraint("hours > 0 OR further > 0", name=op.f("ck_savingassumption_something")),
        sa.ForeignKeyConstraint(
            ["framework_id"], ["frameworkagreement.id"], name=op.f("fk_savingassumption_framework_id")
        ),
        sa.PrimaryKeyConstraint("framework_id", "version", name=op.f("pk_savingassumption")),
    )
    op.create_table(
        "accountmap",
        sa.Column("organisation", sa.String(9), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("accounts", JSONB(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organisation", "version", name=op.f("pk_accountmap")),
    )
    op.create_table(
        "spendfile",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("buyer", sa.String(9), nullable=False),
        sa.Column("map_version", sa.Integer(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("total", sa.Numeric(14, 2), nullable=False),
        sa.Column("within", sa.Numeric(14, 2), nullable=False),
        sa.Column("not_covered", sa.Numeric(14, 2), nullable=False),
        sa.Column("replaces_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["buyer", "map_version"], ["accountmap.organisation", "accountmap.version"], name=op.f("fk_spendfile_buyer")
        ),
        sa.ForeignKeyConstraint(["replaces_id"], ["spendfile.id"], name=op.f("fk_spendfile_replaces_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spendfile")),
        sa.UniqueConstraint("replaces_id", name=op.f("uq_spendfile_replaces_id")),
        sa.UniqueConstraint("uuid", name=op.f("uq_spendfile_uuid")),
    )
    op.create_index(op.f("ix_spendfile_buyer_from_on"), "spendfile", ["buyer", "from_on"])
    op.create_table(
        "outsidebuy",
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("found", sa.String(40), nullable=False),
        sa.Column("framework_id", sa.Integer(), nullable=False),
        sa.Column("lot_id", sa.Integer(), nullable=False),
        sa.Column("bought_on", sa.Date(), nullable=False),
        sa.Column("supplier", sa.String(9), nullable=False),
        sa.Column("account", sa.String(200), nullable=False),
        sa.Column("amount", sa.Numeric(14, 2), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["spendfile.id"], name=op.f("fk_outsidebuy_file_id")),
        sa.ForeignKeyConstraint(["framework_id"], ["frameworkagreement.id"], name=op.f("fk_outsidebuy_framework_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_outsidebuy_lot_id")),
        sa.PrimaryKeyConstraint("file_id", "row", name=op.f("pk_outsidebuy")),
    )
    op.create_index(op.f("ix_outsidebuy_framework_id_bought_on"), "outsidebuy", ["framework_id", "bought_on"])
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_is_final BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION is_final()"
        )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
