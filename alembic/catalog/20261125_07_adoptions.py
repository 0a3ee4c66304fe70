"""Adoptions: who uses what."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c1a7a1060007"
down_revision = "c1a7a1060006"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
THINGS = ("component_id", "product_id", "system_in_source")
STATUSES = ("planned", "pilot", "in_use", "phasing_out", "ended")
CLAIMS = ("claimed", "confirmed", "disputed")
STEPS = ("register", "pilot", "start", "phase_out", "end", "confirm", "dispute", "withdraw")
# What was said is only ever added to.
FINAL = ("adoption_event", "adoption_allocation", "adoption_allocation_answer")
NEVER_CHANGED = """
CREATE FUNCTION {table}_is_final() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'a row of {table} is never changed or removed'; END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} EXECUTE FUNCTION {table}_is_final();
"""


def refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"))


def choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, length=40)


def upgrade() -> None:
    op.create_table(
        "adoption",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("component_id", sa.Integer(), nullable=True),
        sa.Column("product_id", sa.Integer(), nullable=True),
        sa.Column("system_in_source", sa.String(length=200), nullable=True),
        sa.Column("version", sa.String(length=40), nullable=True),
        sa.Column("environment", choice("environment", "production", "test", "training"), nullable=False),
        sa.Column("status", choice("status", *STATUSES), nullable=False),
        sa.Column("status_since_on", sa.Date(), nullable=False),
        sa.Column("claim", choice("claim", *CLAIMS), nullable=False),
        sa.Column("claimed_by_id", sa.Integer(), nullable=True),
        sa.Column("as_claimed", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("confirm_by_on", sa.Date(), nullable=True),
        sa.Column("last_confirmed_on", sa.Date(), nullable=True),
        sa.Column("planned_start_on", sa.Date(), nullable=True),
        sa.Column("source", sa.String(length=500), nullable=True),
        sa.Column("withdrawn_on", sa.Date(), nullable=True),
        sa.Column("fictional", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(component_id, product_id, system_in_source) = 1", name=op.f("ck_adoption_one_thing")
        ),
        refers("adoption", "organisation_id", "organisation"),
        refers("adoption", "component_id", "component"),
        refers("adoption", "product_id", "product"),
        refers("adoption", "claimed_by_id", "organisation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adoption")),
        sa.UniqueConstraint("uuid", name=op.f("uq_adoption_uuid")),
    )
    for thing in THINGS:
        op.create_index(
            f"ix_adoption_open_{thing}",
            "adoption",
            ["organisation_id", thing, "environment"],
            unique=True,
            postgresql_where=sa.text("claim = 'confirmed' AND status <> 'ended'"),
        )
        op.create_index(
            f"ix_adoption_claimed_{thing}",
            "adoption",
            ["claimed_by_id", "organisation_id", thing, "environment"],
            unique=True,
            postgresql_where=sa.text("claimed_by_id IS NOT NULL AND withdrawn_on IS NULL"),
        )
    for column in ("organisation_id", "component_id", "product_id"):
        op.create_index(f"ix_adoption_{column}_uuid", "adoption", [column, "uuid"], unique=False)
    op.create_table(
        "adoption_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("adoption_id", sa.Integer(), nullable=False),
        sa.Column("step", choice("step", *STEPS), nullable=False),
        sa.Column("status", choice("status", *STATUSES), nullable=True),
        sa.Column("claim", choice("claim", *CLAIMS), nullable=True),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("organisation_number", sa.String(length=9), nullable=True),
        sa.Column("reason", sa.String(length=2000), nullable=True),
        sa.Column("back_dated", sa.Boolean(), server_default=sa.false(), nullable=False),
        refers("adoption_event", "adoption_id", "adoption"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adoption_event")),
    )
    op.create_index(
        "ix_adoption_event_adoption_id_effective_on_id",
        "adoption_event",
        ["adoption_id", "effective_on", "id"],
        unique=False,
    )
    op.create_table(
        "adoption_contract",
        sa.Column("adoption_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("supplier_id", sa.Integer(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("notice_by_on", sa.Date(), nullable=True),
        sa.Column("option_months", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("option_count", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("price_excl_vat_per_year", sa.Numeric(precision=14, scale=2), nullable=True),
        refers("adoption_contract", "adoption_id", "adoption"),
        refers("adoption_contract", "supplier_id", "organisation"),
        sa.PrimaryKeyConstraint("adoption_id", name=op.f("pk_adoption_contract")),
    )
    op.create_index(op.f("ix_adoption_contract_supplier_id"), "adoption_contract", ["supplier_id"], unique=False)
    op.create_index(
        "ix_adoption_contract_ends_on_adoption_id", "adoption_contract", ["ends_on", "adoption_id"], unique=False
    )
    op.create_table(
        "adoption_allocation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("adoption_id", sa.Integer(), nullable=False),
        sa.Column("organisation_ids", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("successor_ids", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("proposed_by_id", sa.Integer(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        refers("adoption_allocation", "adoption_id", "adoption"),
        refers("adoption_allocation", "proposed_by_id", "organisation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adoption_allocation")),
        sa.UniqueConstraint("uuid", name=op.f("uq_adoption_allocation_uuid")),
    )
    op.create_index(op.f("ix_adoption_allocation_adoption_id"), "adoption_allocation", ["adoption_id"], unique=False)
    op.create_table(
        "adoption_allocation_answer",
        sa.Column("allocation_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("answer", choice("answer", "confirm", "decline"), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=True),
        refers("adoption_allocation_answer", "allocation_id", "adoption_allocation"),
        refers("adoption_allocation_answer", "organisation_id", "organisation"),
        sa.PrimaryKeyConstraint("allocation_id", "organisation_id", name=op.f("pk_adoption_allocation_answer")),
    )
    for table in FINAL:
        op.get_bind().exec_driver_sql(NEVER_CHANGED.format(table=table))


def downgrade() -> None:
    for table in (
        "adoption_allocation_answer",
        "adoption_allocation",
        "adoption_contract",
        "adoption_event",
        "adoption",
    ):
        op.drop_table(table)
    for table in FINAL:
        op.execute(f"DROP FUNCTION {table}_is_final()")
