"""First tables: organisations, components, specifications, products, certificates."""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

from services.chassis.audit import FINAL_SQL

revision = "2844f2db15b8"
down_revision = None
branch_labels = None
depends_on = None


# An event is never changed: what was known at an instant stays what was known then.
NEVER_CHANGED = """
CREATE FUNCTION certificate_event_is_final() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'a certificate event is never changed or removed'; END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON certificate_event
EXECUTE FUNCTION certificate_event_is_final();
"""


def upgrade() -> None:
    # Lets plain values (=) stand beside ranges (&&) in the exclusion constraint on a certificate's scope.
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("organisation", sa.String(length=9), nullable=True),
        sa.Column("client", sa.String(length=200), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("detail", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("seal_id", sa.BigInteger(), nullable=True, comment="The only thing that is set later, once"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_subject", "audit", ["subject"], unique=False)
    op.create_index("ix_audit_unsealed", "audit", ["id"], unique=False, postgresql_where=sa.text("seal_id IS NULL"))
    op.create_index("ix_audit_seal_id", "audit", ["seal_id"], unique=False)
    op.create_table(
        "audit_seal",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_seal")),
    )
    op.get_bind().exec_driver_sql(FINAL_SQL)
    op.create_table(
        "certificatenumber",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_certificatenumber")),
    )
    op.create_table(
        "organisation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("kinds", postgresql.ARRAY(sa.String(length=40)), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("official_name", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("sort_key", sa.String(length=600, collation="C"), nullable=False),
        sa.Column("organisation_number", sqlmodel.sql.sqltypes.AutoString(length=9), nullable=True),
        sa.Column("county_number", sqlmodel.sql.sqltypes.AutoString(length=2), nullable=True),
        sa.Column("population", sa.Integer(), nullable=True),
        sa.Column("population_on", sa.Date(), nullable=True),
        sa.Column("fictional", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("organisation_number", name=op.f("uq_organisation_organisation_number")),
        sa.UniqueConstraint("uuid", name=op.f("uq_organisation_uuid")),
    )
    op.create_index(op.f("ix_organisation_county_number"), "organisation", ["county_number"], unique=False)
    op.create_index(op.f("ix_organisation_sort_key"), "organisation", ["sort_key"], unique=False)
    op.create_table(
        "specification",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("name", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("summary", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("presupposes_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(level = 2) = (presupposes_id IS NOT NULL)", name=op.f("ck_specification_level_presupposes")
        ),
        sa.ForeignKeyConstraint(["presupposes_id"], ["specification.id"], name=op.f("fk_specification_presupposes_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_specification")),
        sa.UniqueConstraint("slug", name=op.f("uq_specification_slug")),
    )
    op.create_table(
        "component",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "component",
                "standard",
                "report",
                "project",
                "scheme",
                "guide",
                name="kind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("name", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("summary", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("sort_key", sa.String(length=600, collation="C"), nullable=False),
        sa.Column(
            "reuse", sa.Enum("reuse", "shared_use", "both", name="reuse", native_enum=False, length=40), nullable=True
        ),
        sa.Column(
            "level",
            sa.Enum("national", "county", "municipal", "international", name="level", native_enum=False, length=40),
            nullable=True,
        ),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("owner_name", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column(
            "life_cycle",
            sa.Enum(
                "proposed",
                "approved",
                "available",
                "deprecated",
                "retired",
                "unknown",
                name="lifecycle",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("life_cycle_reason", sqlmodel.sql.sqltypes.AutoString(length=2000), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("source", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column(
            "name_words",
            postgresql.TSVECTOR(),
            sa.Computed("to_tsvector('norwegian'::regconfig, name)", persisted=True),
            nullable=True,
        ),
        sa.Column(
            "words",
            postgresql.TSVECTOR(),
            sa.Computed(
                "setweight(to_tsvector('norwegian'::regconfig, name), 'A') || setweight(to_tsvector('norwegian'::regconfig, COALESCE(summary, '{}'::jsonb)), 'B')",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["organisation.id"], name=op.f("fk_component_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_component")),
        sa.UniqueConstraint("slug", name=op.f("uq_component_slug")),
    )
    op.create_index("ix_component_name_words", "component", ["name_words"], unique=False, postgresql_using="gin")
    op.create_index(op.f("ix_component_owner_id"), "component", ["owner_id"], unique=False)
    op.create_index("ix_component_sort_key_slug", "component", ["sort_key", "slug"], unique=False)
    op.create_index("ix_component_words", "component", ["words"], unique=False, postgresql_using="gin")
    op.create_table(
        "cooperation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("slug", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("source_id", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("formal_name", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("region", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("as_of_on", sa.Date(), nullable=False),
        sa.Column("form_in_source", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("form", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("units", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("established_year", sa.Integer(), nullable=True),
        sa.Column("established_in_source", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True),
        sa.Column("population_members", sa.Integer(), nullable=True),
        sa.Column("population_members_on", sa.Date(), nullable=True),
        sa.Column("corrections", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_cooperation_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cooperation")),
        sa.UniqueConstraint("organisation_id", name=op.f("uq_cooperation_organisation_id")),
        sa.UniqueConstraint("slug", name=op.f("uq_cooperation_slug")),
        sa.UniqueConstraint("source_id", name=op.f("uq_cooperation_source_id")),
    )
    op.create_table(
        "municipalitynumber",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("number", sqlmodel.sql.sqltypes.AutoString(length=4), nullable=False),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("valid_to_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_municipalitynumber_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_municipalitynumber")),
        sa.UniqueConstraint("number", "valid_from_on", name=op.f("uq_municipalitynumber_number_valid_from_on")),
    )
    op.create_index(
        op.f("ix_municipalitynumber_organisation_id"), "municipalitynumber", ["organisation_id"], unique=False
    )
    op.create_table(
        "requirement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("specification_id", sa.Integer(), nullable=False),
        sa.Column("code", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column(
            "obligation",
            sa.Enum("must", "should", "may", name="obligation", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("text", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("verification", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["specification_id"], ["specification.id"], name=op.f("fk_requirement_specification_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requirement")),
        sa.UniqueConstraint("specification_id", "code", name=op.f("uq_requirement_specification_id_code")),
    )
    op.create_table(
        "specificationversion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("specification_id", sa.Integer(), nullable=False),
        sa.Column("label", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["specification_id"], ["specification.id"], name=op.f("fk_specificationversion_specification_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_specificationversion")),
        sa.UniqueConstraint("specification_id", "label", name=op.f("uq_specificationversion_specification_id_label")),
    )
    op.create_table(
        "member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("co_operation_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "municipality",
                "county",
                "co_operation",
                "supplier",
                "state_agency",
                "joint_unit",
                "other",
                name="kind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("municipality_number", sqlmodel.sql.sqltypes.AutoString(length=4), nullable=True),
        sa.Column("organisation_number", sqlmodel.sql.sqltypes.AutoString(length=9), nullable=True),
        sa.ForeignKeyConstraint(["co_operation_id"], ["cooperation.id"], name=op.f("fk_member_co_operation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
    )
    op.create_index(op.f("ix_member_co_operation_id"), "member", ["co_operation_id"], unique=False)
    op.create_table(
        "product",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("name", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("supplier_id", sa.Integer(), nullable=False),
        sa.Column("component_id", sa.Integer(), nullable=False),
        sa.Column("delivery_forms", postgresql.ARRAY(sa.String(length=40)), nullable=False),
        sa.Column("version", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.ForeignKeyConstraint(["component_id"], ["component.id"], name=op.f("fk_product_component_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisation.id"], name=op.f("fk_product_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("slug", name=op.f("uq_product_slug")),
    )
    op.create_index(op.f("ix_product_component_id"), "product", ["component_id"], unique=False)
    op.create_index(op.f("ix_product_supplier_id"), "product", ["supplier_id"], unique=False)
    op.create_table(
        "specificationversion_requirement",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("requirement_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["requirement_id"], ["requirement.id"], name=op.f("fk_specificationversion_requirement_requirement_id")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["specificationversion.id"], name=op.f("fk_specificationversion_requirement_version_id")
        ),
        sa.PrimaryKeyConstraint("version_id", "requirement_id", name=op.f("pk_specificationversion_requirement")),
    )
    op.create_table(
        "certificate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("versions", postgresql.ARRAY(sa.String(length=40)), nullable=True),
        sa.Column("specification_version_id", sa.Integer(), nullable=False),
        sa.Column("delivery_forms", postgresql.ARRAY(sa.String(length=40)), nullable=False),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("valid_to_on", sa.Date(), nullable=False),
        sa.Column("decided_by", sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
        sa.CheckConstraint("valid_from_on <= valid_to_on", name=op.f("ck_certificate_period")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_certificate_product_id")),
        sa.ForeignKeyConstraint(
            ["specification_version_id"],
            ["specificationversion.id"],
            name=op.f("fk_certificate_specification_version_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate")),
        sa.UniqueConstraint("number", name=op.f("uq_certificate_number")),
    )
    op.create_index(op.f("ix_certificate_product_id"), "certificate", ["product_id"], unique=False)
    op.create_index(
        op.f("ix_certificate_specification_version_id"), "certificate", ["specification_version_id"], unique=False
    )
    op.create_table(
        "membertoday",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column(
            "relation",
            sa.Enum("same", "inherited_unconfirmed", name="relation", native_enum=False, length=40),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_membertoday_member_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_membertoday_organisation_id")),
        sa.PrimaryKeyConstraint("member_id", "organisation_id", name=op.f("pk_membertoday")),
    )
    op.create_table(
        "certificate_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("granted", "suspended", "restored", "withdrawn", name="eventkind", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(length=2000), nullable=True),
        sa.Column("back_dated", sa.Boolean(), nullable=False),
        sa.Column("organisation_number", sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificate.id"], name=op.f("fk_certificate_event_certificate_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate_event")),
    )
    op.create_index(op.f("ix_certificate_event_certificate_id"), "certificate_event", ["certificate_id"], unique=False)
    op.create_table(
        "certificatescope",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("specification_version_id", sa.Integer(), nullable=False),
        sa.Column("delivery_form", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("label", postgresql.INT8RANGE(), nullable=False),
        sa.Column("period", postgresql.DATERANGE(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("product_id"), "="),
            (sa.column("specification_version_id"), "="),
            (sa.column("delivery_form"), "="),
            (sa.column("label"), "&&"),
            (sa.column("period"), "&&"),
            using="gist",
            name="ex_certificatescope_once",
        ),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificate.id"], name=op.f("fk_certificatescope_certificate_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificatescope")),
    )
    op.create_index(op.f("ix_certificatescope_certificate_id"), "certificatescope", ["certificate_id"], unique=False)
    op.create_table(
        "result",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("requirement_id", sa.Integer(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "met", "partly", "not_met", "not_relevant", "not_tested", name="outcome", native_enum=False, length=40
            ),
            nullable=False,
        ),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(length=2000), nullable=True),
        sa.Column("evidence", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["certificate_id"], ["certificate.id"], name=op.f("fk_result_certificate_id")),
        sa.ForeignKeyConstraint(["requirement_id"], ["requirement.id"], name=op.f("fk_result_requirement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_result")),
        sa.UniqueConstraint("certificate_id", "requirement_id", name=op.f("uq_result_certificate_id_requirement_id")),
    )
    op.execute(NEVER_CHANGED)


def downgrade() -> None:
    op.drop_table("result")
    op.drop_index(op.f("ix_certificatescope_certificate_id"), table_name="certificatescope")
    op.drop_table("certificatescope")
    op.drop_index(op.f("ix_certificate_event_certificate_id"), table_name="certificate_event")
    op.drop_table("certificate_event")
    op.drop_table("membertoday")
    op.drop_index(op.f("ix_certificate_specification_version_id"), table_name="certificate")
    op.drop_index(op.f("ix_certificate_product_id"), table_name="certificate")
    op.drop_table("certificate")
    op.drop_table("specificationversion_requirement")
    op.drop_index(op.f("ix_product_supplier_id"), table_name="product")
    op.drop_index(op.f("ix_product_component_id"), table_name="product")
    op.drop_table("product")
    op.drop_index(op.f("ix_member_co_operation_id"), table_name="member")
    op.drop_table("member")
    op.drop_table("specificationversion")
    op.drop_table("requirement")
    op.drop_index(op.f("ix_municipalitynumber_organisation_id"), table_name="municipalitynumber")
    op.drop_table("municipalitynumber")
    op.drop_table("cooperation")
    op.drop_index("ix_component_words", table_name="component", postgresql_using="gin")
    op.drop_index("ix_component_sort_key_slug", table_name="component")
    op.drop_index(op.f("ix_component_owner_id"), table_name="component")
    op.drop_index("ix_component_name_words", table_name="component", postgresql_using="gin")
    op.drop_table("component")
    op.drop_table("specification")
    op.drop_index(op.f("ix_organisation_sort_key"), table_name="organisation")
    op.drop_index(op.f("ix_organisation_county_number"), table_name="organisation")
    op.drop_table("organisation")
    op.drop_table("certificatenumber")
    op.drop_index("ix_audit_subject", table_name="audit")
    op.drop_table("audit")
    op.drop_table("audit_seal")
    op.execute("DROP FUNCTION audit_is_final")
    op.execute("DROP FUNCTION certificate_event_is_final")
    op.execute("DROP EXTENSION btree_gist")
