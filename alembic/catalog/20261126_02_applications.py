"""Certification schemes, applications and decisions."""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c1a7a1070002"
down_revision = "c1a7a1070001"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
FINAL = """
CREATE FUNCTION {table}_is_final() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'what stands in {table} is never changed or removed'; END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} EXECUTE FUNCTION {table}_is_final();
"""
ONLY_ADDED_TO = ("application_event", "application_requirement", "decision", "decision_event")
# What expires soon is the scheme's to say, so its certificates change with it.
CHANGES = """
CREATE FUNCTION scheme_changes_certificate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO certificate_change (certificate_id, xact)
    SELECT id, CAST(CAST(pg_current_xact_id() AS text) AS bigint) FROM certificate
     WHERE subject_kind = NEW.subject_kind ORDER BY id
        ON CONFLICT (certificate_id) DO UPDATE SET xact = excluded.xact;
    RETURN NULL;
END $$;
CREATE TRIGGER changes_certificate AFTER UPDATE ON scheme
FOR EACH ROW WHEN (OLD.expires_soon_days <> NEW.expires_soon_days) EXECUTE FUNCTION scheme_changes_certificate();
"""
# There is a scheme for each kind from the start; the editors change them. 21 days is forvaltningsloven § 29.
SCHEMES = [
    {
        "subject_kind": kind,
        "name": {"nb": f"Sertifisering av {nb}", "nn": f"Sertifisering av {nn}", "en": f"Certification of {kind}s"},
        "completeness_days": 5,
        "information_days": 15,
        "assessment_days": assessment,
        "decision_days": 10,
        "appeal_days": 21,
        "longest_validity_days": longest,
        "expires_soon_days": 90,
        "result_lifetime_days": 730,
        "carry_over": kind == "product",
        "appeal_to_working_day": True,
        "appeal_by_another_organisation": False,
    }
    for kind, nb, nn, assessment, longest in (
        ("product", "produkter", "produkt", 30, 1461),
        ("supplier", "leverandører", "leverandørar", 20, 1096),
        ("adviser", "rådgivere", "rådgivarar", 20, 731),
    )
]


def _kinds() -> sa.Enum:
    return sa.Enum("product", "supplier", "adviser", name="subjectkind", native_enum=False, length=40)


def _text(length: int) -> sa.types.TypeEngine[str]:
    return sqlmodel.sql.sqltypes.AutoString(length=length)


def _schemes() -> None:
    scheme = op.create_table(
        "scheme",
        sa.Column("subject_kind", _kinds(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", JSON, nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in (
                "completeness_days",
                "information_days",
                "assessment_days",
                "decision_days",
                "appeal_days",
                "longest_validity_days",
                "expires_soon_days",
                "result_lifetime_days",
            )
        ),
        sa.Column("carry_over", sa.Boolean(), nullable=False),
        sa.Column("appeal_to_working_day", sa.Boolean(), nullable=False),
        sa.Column("appeal_by_another_organisation", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "least(completeness_days, information_days, assessment_days, decision_days, appeal_days, "
            "longest_validity_days, result_lifetime_days) > 0 AND expires_soon_days >= 0",
            name=op.f("ck_scheme_days"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheme")),
        sa.UniqueConstraint("subject_kind", name=op.f("uq_scheme_subject_kind")),
    )
    op.bulk_insert(scheme, SCHEMES)
    op.execute(CHANGES)


def _profiles() -> None:
    table = "specificationversion_profile"
    op.create_table(
        table,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("slug", _text(80), nullable=False),
        sa.Column("name", JSON, nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["specificationversion.id"], name=op.f(f"fk_{table}_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("version_id", "slug", name=op.f(f"uq_{table}_version_id_slug")),
    )
    held = f"{table}_requirement"
    op.create_table(
        held,
        sa.Column("profile_id", sa.Integer(), nullable=False),
        sa.Column("requirement_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["profile_id"], [f"{table}.id"], name=op.f(f"fk_{held}_profile_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["requirement_id"], ["requirement.id"], name=op.f(f"fk_{held}_requirement_id")),
        sa.PrimaryKeyConstraint("profile_id", "requirement_id", name=op.f(f"pk_{held}")),
    )
    op.create_index(op.f(f"ix_{held}_requirement_id"), held, ["requirement_id"])


def _applications() -> None:
    op.create_table(
        "application",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("subject_kind", _kinds(), nullable=False),
        sa.Column("applicant_id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=True),
        sa.Column("role", _text(80), nullable=True),
        sa.Column("specification_version_id", sa.Integer(), nullable=False),
        sa.Column("profile", _text(80), nullable=True),
        sa.Column("versions", postgresql.ARRAY(sa.String(length=40)), nullable=True),
        sa.Column("version_from", _text(40), nullable=True),
        sa.Column("version_to", _text(40), nullable=True),
        sa.Column("delivery_forms", postgresql.ARRAY(sa.String(length=40)), nullable=False),
        sa.Column("renews", _text(20), nullable=True),
        sa.Column("extends", _text(20), nullable=True),
        sa.Column("note", _text(5000), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "submitted",
                "information_missing",
                "under_assessment",
                "recommended",
                "decided",
                "withdrawn",
                name="status",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client", _text(200), nullable=False),
        sa.CheckConstraint(
            "(subject_kind = 'product') = (product_id IS NOT NULL)", name=op.f("ck_application_product")
        ),
        sa.CheckConstraint("(subject_kind = 'adviser') = (role IS NOT NULL)", name=op.f("ck_application_role")),
        sa.ForeignKeyConstraint(["applicant_id"], ["organisation.id"], name=op.f("fk_application_applicant_id")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_application_product_id")),
        sa.ForeignKeyConstraint(
            ["specification_version_id"],
            ["specificationversion.id"],
            name=op.f("fk_application_specification_version_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
        sa.UniqueConstraint("uuid", name=op.f("uq_application_uuid")),
    )
    op.create_index("ix_application_status_uuid", "application", ["status", "uuid"])
    op.create_index("ix_application_applicant_id_uuid", "application", ["applicant_id", "uuid"])
    for name in ("product_id", "specification_version_id"):
        op.create_index(op.f(f"ix_application_{name}"), "application", [name])
    op.create_table(
        "application_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "submitted",
                "information_requested",
                "assessment_begun",
                "recommended",
                "returned",
                "decided",
                "reopened",
                "withdrawn",
                name="eventkind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", _text(5000), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("links", JSON, nullable=True),
        sa.Column("organisation_number", _text(9), nullable=False),
        sa.Column("client", _text(200), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_application_event_application_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application_event")),
    )
    op.create_index(op.f("ix_application_event_application_id"), "application_event", ["application_id"])
    op.create_table(
        "application_requirement",
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("requirement_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_application_requirement_application_id")
        ),
        sa.ForeignKeyConstraint(
            ["requirement_id"], ["requirement.id"], name=op.f("fk_application_requirement_requirement_id")
        ),
        sa.PrimaryKeyConstraint("application_id", "requirement_id", name=op.f("pk_application_requirement")),
    )
    op.create_index(op.f("ix_application_requirement_requirement_id"), "application_requirement", ["requirement_id"])


def _decisions() -> None:
    op.create_table(
        "decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum("granted", "granted_with_conditions", "refused", name="outcome", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("reason", _text(10000), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_from_on", sa.Date(), nullable=True),
        sa.Column("valid_to_on", sa.Date(), nullable=True),
        sa.Column("conditions", JSON, nullable=False),
        sa.Column("dispensations", JSON, nullable=False),
        sa.Column("appeal_by_on", sa.Date(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=True),
        sa.Column("organisation_number", _text(9), nullable=False),
        sa.Column("client", _text(200), nullable=False),
        sa.CheckConstraint("(outcome = 'refused') = (certificate_id IS NULL)", name=op.f("ck_decision_certificate")),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name=op.f("fk_decision_application_id")),
        sa.ForeignKeyConstraint(["certificate_id"], ["certificate.id"], name=op.f("fk_decision_certificate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sa.UniqueConstraint("uuid", name=op.f("uq_decision_uuid")),
    )
    for name in ("application_id", "certificate_id"):
        op.create_index(op.f(f"ix_decision_{name}"), "decision", [name])
    op.create_table(
        "decision_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "made", "appealed", "upheld", "dismissed", "annulled", name="eventkind", native_enum=False, length=40
            ),
            nullable=False,
        ),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", _text(10000), nullable=True),
        sa.Column("appeal", sa.Uuid(), nullable=True),
        sa.Column("organisation_number", _text(9), nullable=False),
        sa.Column("client", _text(200), nullable=False),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_decision_event_decision_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision_event")),
    )
    op.create_index(op.f("ix_decision_event_decision_id"), "decision_event", ["decision_id"])


def upgrade() -> None:
    _schemes()
    # What is there certifies products.
    op.add_column("specification", sa.Column("certifies", _kinds(), server_default="product", nullable=False))
    op.alter_column("specification", "level", existing_type=sa.Integer(), nullable=True)
    op.create_check_constraint(
        op.f("ck_specification_level_product"), "specification", "(level IS NOT NULL) = (certifies = 'product')"
    )
    _profiles()
    _applications()
    _decisions()
    for table in ONLY_ADDED_TO:
        op.execute(FINAL.format(table=table))


def downgrade() -> None:
    for table in ("decision_event", "decision", "application_requirement", "application_event", "application"):
        op.drop_table(table)
    for table in ONLY_ADDED_TO:
        op.execute(f"DROP FUNCTION {table}_is_final()")
    op.drop_table("specificationversion_profile_requirement")
    op.drop_table("specificationversion_profile")
    op.drop_constraint(op.f("ck_specification_level_product"), "specification", type_="check")
    # Before, every specification had a level; what has none now stands alone, as level 1 does.
    op.execute("UPDATE specification SET level = 1 WHERE level IS NULL")
    op.alter_column("specification", "level", existing_type=sa.Integer(), nullable=False)
    op.drop_column("specification", "certifies")
    op.drop_table("scheme")
    op.execute("DROP FUNCTION scheme_changes_certificate()")
