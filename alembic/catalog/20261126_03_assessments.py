"""Assessments with results, evidence and testers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c1a7a1070003"
down_revision = "c1a7a1070002"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
INSTANT = sa.DateTime(timezone=True)
# All of it is only ever added.
FINAL = (
    *("evidence_file", "evidence_content", "evidence_file_event", "tester", "tester_event", "delegation"),
    *("delegation_event", "test_report", "test_report_result", "test_report_event", "assessment"),
    *("assessment_event", "assessment_result"),
)
NEVER_CHANGED = """
CREATE FUNCTION {table}_is_final() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'a row of {table} is never changed or removed'; END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} EXECUTE FUNCTION {table}_is_final();
"""
OUTCOMES = ("met", "partly", "not_met", "not_relevant", "not_tested")
ASSURANCES = ("self_declared", "third_party")


def choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, length=40)


def key(*columns: str, table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"))


def once(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def id_column() -> sa.Column[int]:
    return sa.Column("id", sa.Integer(), nullable=False)


def uuid_column() -> sa.Column[object]:
    return sa.Column("uuid", sa.Uuid(), nullable=False)


def recorded(kind: sa.Enum, *, client: bool = False, reason: int | None = 2000) -> list[sa.Column[object]]:
    """Who did what, when: the columns of an event."""
    return [
        sa.Column("kind", kind, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("organisation_number", sa.String(length=9), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=not client),
        sa.Column("reason", sa.String(length=reason), nullable=True),
    ]


def indexed(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)


def upgrade() -> None:
    _evidence()
    _testers()
    _reports()
    _assessments()
    op.create_index(
        "ix_result_evidence",
        "result",
        ["evidence"],
        postgresql_using="gin",
        postgresql_ops={"evidence": "jsonb_path_ops"},
    )
    for table in FINAL:
        op.get_bind().exec_driver_sql(NEVER_CHANGED.format(table=table))


def _evidence() -> None:
    op.create_table(
        "evidence_file",
        id_column(),
        uuid_column(),
        sa.Column("title", JSONB, nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("uploaded_by_id", sa.Integer(), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=True),
        sa.Column("uploaded_at", INSTANT, nullable=False),
        refers("evidence_file", "uploaded_by_id", "organisation"),
        key("id", table="evidence_file"),
        once("evidence_file", "uuid"),
    )
    indexed("evidence_file", "sha256", "uploaded_by_id")
    op.create_table(
        "evidence_content",
        sa.Column("evidence_file_id", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        refers("evidence_content", "evidence_file_id", "evidence_file"),
        key("evidence_file_id", table="evidence_content"),
    )
    op.create_table(
        "evidence_reader",
        sa.Column("evidence_file_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        refers("evidence_reader", "evidence_file_id", "evidence_file"),
        refers("evidence_reader", "organisation_id", "organisation"),
        key("evidence_file_id", "organisation_id", table="evidence_reader"),
    )
    indexed("evidence_reader", "organisation_id")
    op.create_table(
        "evidence_file_event",
        id_column(),
        sa.Column("evidence_file_id", sa.Integer(), nullable=False),
        *recorded(choice("eventkind", "withdrawn"))[:-1],
        sa.Column("reason", sa.String(length=2000), nullable=False),
        refers("evidence_file_event", "evidence_file_id", "evidence_file"),
        key("id", table="evidence_file_event"),
    )
    indexed("evidence_file_event", "evidence_file_id")


def _testers() -> None:
    op.create_table(
        "tester",
        id_column(),
        uuid_column(),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("tool", sa.String(length=200), nullable=False),
        sa.Column("jwk", JSONB, nullable=False),
        sa.Column("key_id", sa.String(length=43), nullable=False),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("valid_to_on", sa.Date(), nullable=False),
        refers("tester", "organisation_id", "organisation"),
        key("id", table="tester"),
        once("tester", "uuid"),
        once("tester", "key_id"),
    )
    indexed("tester", "organisation_id")
    op.create_table(
        "tester_event",
        id_column(),
        sa.Column("tester_id", sa.Integer(), nullable=False),
        *recorded(choice("eventkind", "registered", "approved", "rejected", "revoked")),
        refers("tester_event", "tester_id", "tester"),
        key("id", table="tester_event"),
    )
    indexed("tester_event", "tester_id")
    op.create_table(
        "delegation",
        id_column(),
        uuid_column(),
        sa.Column("tester_id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("given_at", INSTANT, nullable=False),
        sa.Column("organisation_number", sa.String(length=9), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=True),
        refers("delegation", "tester_id", "tester"),
        refers("delegation", "product_id", "product"),
        key("id", table="delegation"),
        once("delegation", "uuid"),
    )
    op.create_index("ix_delegation_tester_id_product_id", "delegation", ["tester_id", "product_id"], unique=False)
    indexed("delegation", "product_id")
    op.create_table(
        "delegation_event",
        id_column(),
        sa.Column("delegation_id", sa.Integer(), nullable=False),
        *recorded(choice("eventkind", "withdrawn")),
        refers("delegation_event", "delegation_id", "delegation"),
        key("id", table="delegation_event"),
    )
    indexed("delegation_event", "delegation_id")


def _reports() -> None:
    op.create_table(
        "test_report",
        id_column(),
        uuid_column(),
        sa.Column("tester_id", sa.Integer(), nullable=False),
        sa.Column("jti", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("specification_version_id", sa.Integer(), nullable=False),
        sa.Column("tool", sa.String(length=200), nullable=False),
        sa.Column("tool_version", sa.String(length=80), nullable=True),
        sa.Column("assurance", choice("assurance", *ASSURANCES), nullable=False),
        sa.Column("state", choice("state", "taken", "awaiting_approval", "approved", "rejected"), nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("evidence_file_id", sa.Integer(), nullable=False),
        sa.Column("organisation_number", sa.String(length=9), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=True),
        refers("test_report", "tester_id", "tester"),
        refers("test_report", "product_id", "product"),
        refers("test_report", "specification_version_id", "specificationversion"),
        refers("test_report", "evidence_file_id", "evidence_file"),
        key("id", table="test_report"),
        once("test_report", "uuid"),
        once("test_report", "tester_id", "jti"),
    )
    op.create_index(
        "ix_test_report_product_id_specification_version_id",
        "test_report",
        ["product_id", "specification_version_id"],
        unique=False,
    )
    indexed("test_report", "specification_version_id", "evidence_file_id")
    op.create_table(
        "test_report_result",
        sa.Column("test_report_id", sa.Integer(), nullable=False),
        sa.Column("requirement_id", sa.Integer(), nullable=False),
        sa.Column("outcome", choice("outcome", *OUTCOMES), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=True),
        sa.Column("log_sha256", sa.String(length=64), nullable=True),
        sa.Column("ran_on", sa.Date(), nullable=False),
        refers("test_report_result", "test_report_id", "test_report"),
        refers("test_report_result", "requirement_id", "requirement"),
        key("test_report_id", "requirement_id", table="test_report_result"),
    )
    indexed("test_report_result", "requirement_id")
    op.create_table(
        "test_report_event",
        id_column(),
        sa.Column("test_report_id", sa.Integer(), nullable=False),
        *recorded(choice("eventkind", "approved", "rejected")),
        refers("test_report_event", "test_report_id", "test_report"),
        key("id", table="test_report_event"),
    )
    indexed("test_report_event", "test_report_id")


def _assessments() -> None:
    op.create_table(
        "assessment",
        id_column(),
        uuid_column(),
        sa.Column("application_id", sa.Integer(), nullable=False),
        refers("assessment", "application_id", "application"),
        key("id", table="assessment"),
        once("assessment", "uuid"),
        once("assessment", "application_id"),
    )
    op.create_table(
        "assessment_event",
        id_column(),
        sa.Column("assessment_id", sa.Integer(), nullable=False),
        *recorded(choice("eventkind", "begun", "joined", "completed", "returned", "resumed"), client=True, reason=5000),
        sa.Column(
            "recommendation", choice("recommendation", "grant", "grant_with_conditions", "refuse"), nullable=True
        ),
        refers("assessment_event", "assessment_id", "assessment"),
        key("id", table="assessment_event"),
    )
    indexed("assessment_event", "assessment_id")
    op.create_table(
        "assessment_result",
        id_column(),
        sa.Column("assessment_id", sa.Integer(), nullable=False),
        sa.Column("requirement_id", sa.Integer(), nullable=False),
        sa.Column("outcome", choice("outcome", *OUTCOMES), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=True),
        sa.Column("evidence", JSONB, nullable=False),
        sa.Column("assurance", choice("assurance", *ASSURANCES), nullable=False),
        sa.Column("tool", sa.String(length=200), nullable=True),
        sa.Column("tool_version", sa.String(length=80), nullable=True),
        sa.Column("tester", sa.String(length=9), nullable=True),
        sa.Column("tested_on", sa.Date(), nullable=True),
        sa.Column("lifetime_days", sa.Integer(), nullable=True),
        sa.Column("source", choice("source", "assessor", "test_report", "declaration"), nullable=False),
        sa.Column("source_path", sa.String(length=200), nullable=True),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("organisation_number", sa.String(length=9), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=False),
        refers("assessment_result", "assessment_id", "assessment"),
        refers("assessment_result", "requirement_id", "requirement"),
        key("id", table="assessment_result"),
    )
    op.create_index(
        "ix_assessment_result_assessment_id_requirement_id",
        "assessment_result",
        ["assessment_id", "requirement_id"],
        unique=False,
    )
    indexed("assessment_result", "requirement_id")


def downgrade() -> None:
    op.drop_index("ix_result_evidence", table_name="result")
    for table in (
        *("assessment_result", "assessment_event", "assessment", "test_report_event", "test_report_result"),
        *("test_report", "delegation_event", "delegation", "tester_event", "tester", "evidence_file_event"),
        *("evidence_reader", "evidence_content", "evidence_file"),
    ):
        op.drop_table(table)
    for table in FINAL:
        op.execute(f"DROP FUNCTION {table}_is_final()")
