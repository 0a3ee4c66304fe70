"""Test endpoints and conformance runs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c1a7a1070004"
down_revision = "c1a7a1070003"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
INSTANT = sa.DateTime(timezone=True)
FINAL = """
CREATE FUNCTION {table}_is_final() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'what stands in {table} is never changed or removed'; END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} EXECUTE FUNCTION {table}_is_final();
"""
ONLY_ADDED_TO = ("test_endpoint_event", "conformance_run_event")
ENDPOINT_STATES = ("proposed", "approved", "refused", "withdrawn")
ENDPOINT_STEPS = ("approve", "refuse", "withdraw")
STATES = ("queued", "running", "finished", "error", "timed_out", "cancelled")
STEPS = ("start", "finish", "fail", "time_out", "give_up", "cancel")
REASONS = (
    "address_refused",
    "name_unknown",
    "unreachable",
    "contract_unusable",
    "too_much_memory",
    "too_much_processor_time",
    "too_much_time",
    "broken",
    "abandoned",
)


def choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, length=40)


def refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    op.create_table(
        "test_endpoint",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=True),
        sa.Column("base_url", sa.String(length=500), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("headers", JSON, nullable=False),
        sa.Column("state", choice("state", *ENDPOINT_STATES), nullable=False),
        sa.Column("organisation_number", sa.String(length=9), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=False),
        sa.Column("registered_at", INSTANT, nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        refers("test_endpoint", "product_id", "product.id"),
        refers("test_endpoint", "application_id", "application.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_test_endpoint")),
        sa.UniqueConstraint("uuid", name=op.f("uq_test_endpoint_uuid")),
    )
    op.create_index(
        "ix_test_endpoint_once",
        "test_endpoint",
        ["product_id", "base_url"],
        unique=True,
        postgresql_where=sa.text("state IN ('proposed', 'approved')"),
    )
    for columns in (["application_id"], ["state", "uuid"], ["product_id", "uuid"]):
        op.create_index(f"ix_test_endpoint_{'_'.join(columns)}", "test_endpoint", columns)
    op.create_table(
        "test_endpoint_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("endpoint_id", sa.Integer(), nullable=False),
        sa.Column("step", choice("step", *ENDPOINT_STEPS), nullable=False),
        sa.Column("state", choice("state", *ENDPOINT_STATES), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=True),
        sa.Column("organisation_number", sa.String(length=9), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=False),
        refers("test_endpoint_event", "endpoint_id", "test_endpoint.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_test_endpoint_event")),
    )
    op.create_index(op.f("ix_test_endpoint_event_endpoint_id"), "test_endpoint_event", ["endpoint_id"])
    op.create_table(
        "conformance_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("specification_version_id", sa.Integer(), nullable=False),
        sa.Column("requirements", postgresql.ARRAY(sa.String(length=40)), nullable=False),
        sa.Column("interface_version_id", sa.Integer(), nullable=False),
        sa.Column("contract_sha256", sa.String(length=64), nullable=False),
        sa.Column("state", choice("state", *STATES), nullable=False),
        sa.Column("verdict", choice("verdict", "passed", "failed"), nullable=True),
        sa.Column("reason", choice("reason", *REASONS), nullable=True),
        sa.Column("evidence_file_id", sa.Integer(), nullable=True),
        sa.Column("organisation_number", sa.String(length=9), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=False),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        refers("conformance_run", "endpoint_id", "test_endpoint.id"),
        refers("conformance_run", "product_id", "product.id"),
        refers("conformance_run", "specification_version_id", "specificationversion.id"),
        refers("conformance_run", "interface_version_id", "interface_version.id"),
        refers("conformance_run", "contract_sha256", "artefact_document.sha256"),
        refers("conformance_run", "evidence_file_id", "evidence_file.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conformance_run")),
        sa.UniqueConstraint("uuid", name=op.f("uq_conformance_run_uuid")),
    )
    op.create_index(
        "ix_conformance_run_open",
        "conformance_run",
        ["endpoint_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    for columns in (
        ["endpoint_id"],
        ["specification_version_id"],
        ["interface_version_id"],
        ["contract_sha256"],
        ["evidence_file_id"],
        ["state", "uuid"],
        ["product_id", "uuid"],
    ):
        op.create_index(f"ix_conformance_run_{'_'.join(columns)}", "conformance_run", columns)
    op.create_table(
        "conformance_run_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("step", choice("step", *STEPS), nullable=False),
        sa.Column("state", choice("state", *STATES), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("organisation_number", sa.String(length=9), nullable=True),
        sa.Column("client", sa.String(length=200), nullable=True),
        sa.Column("detail", JSON, nullable=True),
        refers("conformance_run_event", "run_id", "conformance_run.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conformance_run_event")),
    )
    op.create_index(op.f("ix_conformance_run_event_run_id"), "conformance_run_event", ["run_id"])
    for table in ONLY_ADDED_TO:
        op.execute(FINAL.format(table=table))


def downgrade() -> None:
    for table in ("conformance_run_event", "conformance_run", "test_endpoint_event", "test_endpoint"):
        op.drop_table(table)
    for table in ONLY_ADDED_TO:
        op.execute(f"DROP FUNCTION {table}_is_final()")
