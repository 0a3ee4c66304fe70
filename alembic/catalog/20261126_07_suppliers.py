"""Suppliers suspended from the scheme; equivalent evidence."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c1a7a1070007"
down_revision = "c1a7a1070006"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
# What was decided is only ever added to.
FINAL = (
    "supplier_suspension",
    "supplier_suspension_event",
    "supplier_suspension_certificate",
    "equivalent",
    "equivalent_event",
)
NEVER_CHANGED = """
CREATE FUNCTION {table}_is_final() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'a row of {table} is never changed or removed'; END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} EXECUTE FUNCTION {table}_is_final();
"""
CERTIFICATE_STATUSES = (
    *("valid", "suspended", "withdrawn", "relinquished", "relinquished_under_investigation"),
    *("superseded", "expired", "not_yet_valid"),
)


def refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"))


def choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, length=40)


def json(*, nullable: bool) -> sa.Column:
    kind = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
    return sa.Column("detail" if nullable else "evidence", kind, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "supplier_suspension",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("organisation_number", sa.String(length=9), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=False),
        refers("supplier_suspension", "holder_id", "organisation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supplier_suspension")),
        sa.UniqueConstraint("uuid", name=op.f("uq_supplier_suspension_uuid")),
    )
    op.create_index("ix_supplier_suspension_holder_id", "supplier_suspension", ["holder_id"])
    op.create_table(
        "supplier_suspension_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("suspension_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind", choice("eventkind", "suspended", "lifted", "stayed", "stay_ended", "annulled"), nullable=False
        ),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.Column("back_dated", sa.Boolean(), nullable=False),
        sa.Column("organisation_number", sa.String(length=9), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=False),
        json(nullable=True),
        refers("supplier_suspension_event", "suspension_id", "supplier_suspension"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supplier_suspension_event")),
    )
    op.create_index("ix_supplier_suspension_event_suspension_id", "supplier_suspension_event", ["suspension_id"])
    op.create_table(
        "supplier_suspension_certificate",
        sa.Column("suspension_id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=True),
        sa.Column("status", choice("status", *CERTIFICATE_STATUSES), nullable=False),
        refers("supplier_suspension_certificate", "suspension_id", "supplier_suspension"),
        refers("supplier_suspension_certificate", "certificate_id", "certificate"),
        refers("supplier_suspension_certificate", "event_id", "certificate_event"),
        sa.PrimaryKeyConstraint("suspension_id", "certificate_id", name=op.f("pk_supplier_suspension_certificate")),
    )
    op.create_index(
        "ix_supplier_suspension_certificate_certificate_id", "supplier_suspension_certificate", ["certificate_id"]
    )
    op.create_table(
        "equivalent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("specification_version_id", sa.Integer(), nullable=False),
        sa.Column("requirements", postgresql.ARRAY(sa.String(length=40)), nullable=True),
        sa.Column("scheme", sa.String(length=200), nullable=False),
        sa.Column("issuer", sa.String(length=200), nullable=False),
        sa.Column("issuer_country", sa.String(length=2), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("valid_to_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        json(nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("organisation_number", sa.String(length=9), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=False),
        sa.CheckConstraint("valid_from_on <= valid_to_on", name=op.f("ck_equivalent_period")),
        refers("equivalent", "product_id", "product"),
        refers("equivalent", "specification_version_id", "specificationversion"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_equivalent")),
        sa.UniqueConstraint("uuid", name=op.f("uq_equivalent_uuid")),
    )
    for column in ("product_id", "specification_version_id"):
        op.create_index(f"ix_equivalent_{column}", "equivalent", [column])
    op.create_table(
        "equivalent_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("equivalent_id", sa.Integer(), nullable=False),
        sa.Column("kind", choice("eventkind", "recorded", "confirmed", "rejected", "revoked"), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.Column("organisation_number", sa.String(length=9), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=False),
        refers("equivalent_event", "equivalent_id", "equivalent"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_equivalent_event")),
    )
    op.create_index("ix_equivalent_event_equivalent_id", "equivalent_event", ["equivalent_id"])
    for table in FINAL:
        op.execute(NEVER_CHANGED.format(table=table))


def downgrade() -> None:
    for table in reversed(FINAL):
        op.drop_table(table)
        op.execute(f"DROP FUNCTION {table}_is_final")
