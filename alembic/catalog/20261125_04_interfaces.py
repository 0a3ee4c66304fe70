"""Interfaces with versions, artefacts and consumers; standards with clauses and bindings."""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c1a7a1060004"
down_revision = "c1a7a1060003"
branch_labels = None
depends_on = None

FINAL = ("interface_version_event", "standard_binding", "standard_clause", "artefact_document")
NEVER_CHANGED = """
CREATE FUNCTION {table}_is_final() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'a row of {table} is never changed or removed'; END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} EXECUTE FUNCTION {table}_is_final();
"""
"""What was known at an instant stays what was known then."""


def upgrade() -> None:
    op.create_table(
        "artefact_document",
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column(
            "format", sa.Enum("openapi", "asyncapi", "xsd", name="format", native_enum=False, length=40), nullable=False
        ),
        sa.Column("specification_version", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("title", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("external_references", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_artefact_document")),
    )
    op.create_table(
        "interface",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("rest", "events", "xml", "file", "other", name="kind", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("name", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("summary", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("sort_key", sa.String(length=600, collation="C"), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("provided_by_id", sa.Integer(), nullable=True),
        sa.Column("confirmed_on", sa.Date(), nullable=True),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["organisation.id"], name=op.f("fk_interface_owner_id")),
        sa.ForeignKeyConstraint(["provided_by_id"], ["component.id"], name=op.f("fk_interface_provided_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interface")),
        sa.UniqueConstraint("slug", name=op.f("uq_interface_slug")),
    )
    op.create_index(op.f("ix_interface_owner_id"), "interface", ["owner_id"], unique=False)
    op.create_index(op.f("ix_interface_provided_by_id"), "interface", ["provided_by_id"], unique=False)
    op.create_index("ix_interface_sort_key_slug", "interface", ["sort_key", "slug"], unique=False)
    op.create_table(
        "standard",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("name", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("summary", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("sort_key", sa.String(length=600, collation="C"), nullable=False),
        sa.Column("publisher", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("version", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=True),
        sa.Column("url", sqlmodel.sql.sqltypes.AutoString(length=300), nullable=True),
        sa.Column("component_id", sa.Integer(), nullable=True),
        sa.Column("successor_id", sa.Integer(), nullable=True),
        sa.Column("source", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("confirmed_on", sa.Date(), nullable=True),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["component_id"], ["component.id"], name=op.f("fk_standard_component_id")),
        sa.ForeignKeyConstraint(["successor_id"], ["standard.id"], name=op.f("fk_standard_successor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standard")),
        sa.UniqueConstraint("slug", name=op.f("uq_standard_slug")),
    )
    op.create_index(op.f("ix_standard_component_id"), "standard", ["component_id"], unique=False)
    op.create_index("ix_standard_sort_key_slug", "standard", ["sort_key", "slug"], unique=False)
    op.create_index(op.f("ix_standard_successor_id"), "standard", ["successor_id"], unique=False)
    op.create_table(
        "interface_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("interface_id", sa.Integer(), nullable=False),
        sa.Column("label", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("notes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("replaced_by_id", sa.Integer(), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["interface_id"], ["interface.id"], name=op.f("fk_interface_version_interface_id")),
        sa.ForeignKeyConstraint(
            ["replaced_by_id"], ["interface_version.id"], name=op.f("fk_interface_version_replaced_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interface_version")),
        sa.UniqueConstraint("interface_id", "label", name=op.f("uq_interface_version_interface_id_label")),
    )
    op.create_table(
        "standard_binding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("binding", sa.Uuid(), nullable=False),
        sa.Column("standard_id", sa.Integer(), nullable=False),
        sa.Column(
            "sector", sa.Enum("state", "municipality", name="sector", native_enum=False, length=40), nullable=False
        ),
        sa.Column("area", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("area_name", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column(
            "level",
            sa.Enum("mandatory", "recommended", "under_assessment", name="level", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("legal_basis", sqlmodel.sql.sqltypes.AutoString(length=300), nullable=True),
        sa.Column("legal_basis_name", sqlmodel.sql.sqltypes.AutoString(length=300), nullable=True),
        sa.Column("valid_from_on", sa.Date(), nullable=True),
        sa.Column("valid_to_on", sa.Date(), nullable=True),
        sa.Column("exceptions", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("successor_id", sa.Integer(), nullable=True),
        sa.Column("source", sqlmodel.sql.sqltypes.AutoString(length=300), nullable=True),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(length=2000), nullable=False),
        sa.Column("organisation", sqlmodel.sql.sqltypes.AutoString(length=9), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["standard_id"], ["standard.id"], name=op.f("fk_standard_binding_standard_id")),
        sa.ForeignKeyConstraint(["successor_id"], ["standard.id"], name=op.f("fk_standard_binding_successor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standard_binding")),
    )
    op.create_index("ix_standard_binding_binding_id", "standard_binding", ["binding", "id"], unique=False)
    op.create_index(
        "ix_standard_binding_standard_id_binding_id", "standard_binding", ["standard_id", "binding", "id"], unique=False
    )
    op.create_table(
        "standard_clause",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("standard_id", sa.Integer(), nullable=False),
        sa.Column("code", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("title", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["standard_id"], ["standard.id"], name=op.f("fk_standard_clause_standard_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standard_clause")),
        sa.UniqueConstraint("standard_id", "code", name=op.f("uq_standard_clause_standard_id_code")),
    )
    op.create_table(
        "artefact",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("media_type", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("put_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["artefact_document.sha256"], name=op.f("fk_artefact_sha256")),
        sa.ForeignKeyConstraint(["version_id"], ["interface_version.id"], name=op.f("fk_artefact_version_id")),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_artefact")),
    )
    op.create_index(op.f("ix_artefact_sha256"), "artefact", ["sha256"], unique=False)
    op.create_table(
        "interface_consumer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("component_id", sa.Integer(), nullable=False),
        sa.Column("since_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["component_id"], ["component.id"], name=op.f("fk_interface_consumer_component_id")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["interface_version.id"], name=op.f("fk_interface_consumer_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interface_consumer")),
    )
    op.create_index(op.f("ix_interface_consumer_component_id"), "interface_consumer", ["component_id"], unique=False)
    op.create_index(op.f("ix_interface_consumer_version_id"), "interface_consumer", ["version_id"], unique=False)
    op.create_index(
        "uq_interface_consumer_open",
        "interface_consumer",
        ["version_id", "component_id"],
        unique=True,
        postgresql_where=sa.text("until_on IS NULL"),
    )
    op.create_table(
        "interface_version_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column(
            "step",
            sa.Enum("publish", "deprecate", "withdraw", name="step", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum("draft", "current", "deprecated", "withdrawn", name="status", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(length=2000), nullable=True),
        sa.Column("organisation", sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["interface_version.id"], name=op.f("fk_interface_version_event_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interface_version_event")),
    )
    op.create_index(
        op.f("ix_interface_version_event_version_id"), "interface_version_event", ["version_id"], unique=False
    )
    for table in FINAL:
        op.execute(NEVER_CHANGED.format(table=table))


def downgrade() -> None:
    for table in (
        "interface_version_event",
        "interface_consumer",
        "artefact",
        "standard_clause",
        "standard_binding",
        "interface_version",
        "standard",
        "interface",
        "artefact_document",
    ):
        op.drop_table(table)
    for table in FINAL:
        op.execute(f"DROP FUNCTION {table}_is_final")
