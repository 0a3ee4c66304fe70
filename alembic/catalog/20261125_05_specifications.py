"""Specifications with a timeline, derivations and packs."""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c1a7a1060005"
down_revision = "c1a7a1060004"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
# What was known at an instant stays what was known then.
NEVER_CHANGED = """
CREATE FUNCTION specificationversion_event_is_final() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'an event of a specification is never changed or removed'; END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON specificationversion_event
EXECUTE FUNCTION specificationversion_event_is_final();
"""


def upgrade() -> None:
    # What is there already was registered by the editors: national, and owned by no one else.
    op.add_column("specification", sa.Column("owner_id", sa.Integer(), nullable=True))
    op.add_column("specification", sa.Column("national", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("specification", sa.Column("derived_from_id", sa.Integer(), nullable=True))
    op.add_column("specification", sa.Column("confirmed_on", sa.Date(), nullable=True))
    op.add_column("specification", sa.Column("revision", sa.Integer(), server_default="1", nullable=False))
    op.create_foreign_key(op.f("fk_specification_owner_id"), "specification", "organisation", ["owner_id"], ["id"])
    op.create_foreign_key(
        op.f("fk_specification_derived_from_id"), "specification", "specification", ["derived_from_id"], ["id"]
    )
    op.create_index(op.f("ix_specification_owner_id"), "specification", ["owner_id"])
    op.create_index(op.f("ix_specification_derived_from_id"), "specification", ["derived_from_id"])

    op.add_column("specificationversion", sa.Column("base_id", sa.Integer(), nullable=True))
    op.create_foreign_key(
        op.f("fk_specificationversion_base_id"), "specificationversion", "specificationversion", ["base_id"], ["id"]
    )
    op.create_index(op.f("ix_specificationversion_base_id"), "specificationversion", ["base_id"])
    op.create_table(
        "specificationversion_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("published", "warned", "ended", name="eventkind", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(length=2000), nullable=True),
        sa.Column("back_dated", sa.Boolean(), nullable=False),
        sa.Column("organisation_number", sqlmodel.sql.sqltypes.AutoString(length=9), nullable=True),
        sa.ForeignKeyConstraint(
            ["version_id"], ["specificationversion.id"], name=op.f("fk_specificationversion_event_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_specificationversion_event")),
    )
    op.create_index(op.f("ix_specificationversion_event_version_id"), "specificationversion_event", ["version_id"])
    op.execute(
        "INSERT INTO specificationversion_event (version_id, kind, effective_on, recorded_at, back_dated) "
        "SELECT id, 'published', effective_on, least(now(), effective_on::timestamp AT TIME ZONE 'Europe/Oslo'), false "
        "FROM specificationversion ORDER BY id"
    )
    op.execute(NEVER_CHANGED)
    op.drop_column("specificationversion", "effective_on")

    op.alter_column("requirement", "verification", existing_type=JSON, nullable=True)
    op.add_column(
        "requirement",
        sa.Column(
            "method",
            sa.Enum(
                "documentation",
                "demonstration",
                "test",
                "inspection",
                "self_declaration",
                name="method",
                native_enum=False,
                length=40,
            ),
            nullable=True,
        ),
    )
    op.add_column("requirement", sa.Column("applies_to", JSON, nullable=True))
    op.add_column("requirement", sa.Column("comment", JSON, nullable=True))
    op.add_column("requirement", sa.Column("standard", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True))
    op.add_column("requirement", sa.Column("clause", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True))
    op.add_column("requirement", sa.Column("replaces", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=True))

    table = "specificationversion_requirement"
    op.add_column(table, sa.Column("upstream_id", sa.Integer(), nullable=True))
    op.add_column(table, sa.Column("upstream_sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True))
    op.create_foreign_key(op.f(f"fk_{table}_upstream_id"), table, "requirement", ["upstream_id"], ["id"])
    op.create_index(op.f(f"ix_{table}_upstream_id"), table, ["upstream_id"])
    op.create_index(op.f(f"ix_{table}_requirement_id"), table, ["requirement_id"])
    op.create_table(
        "specificationversion_left",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("upstream_id", sa.Integer(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(length=2000), nullable=False),
        sa.ForeignKeyConstraint(
            ["upstream_id"], ["requirement.id"], name=op.f("fk_specificationversion_left_upstream_id")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["specificationversion.id"], name=op.f("fk_specificationversion_left_version_id")
        ),
        sa.PrimaryKeyConstraint("version_id", "upstream_id", name=op.f("pk_specificationversion_left")),
    )
    op.create_index(op.f("ix_specificationversion_left_upstream_id"), "specificationversion_left", ["upstream_id"])


def downgrade() -> None:
    op.drop_table("specificationversion_left")
    table = "specificationversion_requirement"
    op.drop_index(op.f(f"ix_{table}_requirement_id"), table)
    op.drop_column(table, "upstream_sha256")
    op.drop_column(table, "upstream_id")
    for name in ("replaces", "clause", "standard", "comment", "applies_to", "method"):
        op.drop_column("requirement", name)
    op.execute("UPDATE requirement SET verification = text WHERE verification IS NULL")
    op.alter_column("requirement", "verification", existing_type=JSON, nullable=False)
    # Before, there were no drafts: they take effect when nobody will live to see it.
    op.add_column("specificationversion", sa.Column("effective_on", sa.Date(), nullable=True))
    op.execute(
        "UPDATE specificationversion SET effective_on = coalesce((SELECT max(effective_on) FROM "
        "specificationversion_event e WHERE e.version_id = specificationversion.id AND e.kind = 'published'), "
        "DATE '9999-12-31')"
    )
    op.alter_column("specificationversion", "effective_on", nullable=False)
    op.drop_table("specificationversion_event")
    op.execute("DROP FUNCTION specificationversion_event_is_final()")
    op.drop_column("specificationversion", "base_id")
    for name in ("revision", "confirmed_on", "derived_from_id", "national", "owner_id"):
        op.drop_column("specification", name)
