"""Organisations over time: structures, successions, co-operations in dated states."""

from uuid import NAMESPACE_URL, uuid5

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c1a7a1060002"
down_revision = "c1a7a1060001"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
PWC = "PwC for KS: «IKT-samarbeid i kommunal sektor» (KS FoU 144016, 2015), vedlegg 5"
ADDED_ONLY = """
CREATE FUNCTION membership_answer_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an answer is never changed or removed';
END $$;
CREATE TRIGGER membership_answer_is_final BEFORE UPDATE OR DELETE ON membershipanswer
    FOR EACH ROW EXECUTE FUNCTION membership_answer_is_final();
CREATE TRIGGER membership_answer_is_final BEFORE UPDATE OR DELETE ON allocationanswer
    FOR EACH ROW EXECUTE FUNCTION membership_answer_is_final();
"""
STATE_COLUMNS = (
    "as_of_on, source_id, formal_name, region, form_in_source, form, units, established_year, established_in_source, "
    "population_members, population_members_on, corrections"
)


def text(length: int) -> sqlmodel.sql.sqltypes.AutoString:
    return sqlmodel.sql.sqltypes.AutoString(length=length)


def choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, length=40)


def upgrade() -> None:
    op.add_column("organisation", sa.Column("existed_from_on", sa.Date(), nullable=True))
    op.add_column("organisation", sa.Column("existed_to_on", sa.Date(), nullable=True))
    op.add_column("organisation", sa.Column("existence_basis", text(200), nullable=True))
    op.add_column("organisation", sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))

    op.drop_constraint("uq_municipalitynumber_number_valid_from_on", "municipalitynumber")
    op.alter_column("municipalitynumber", "valid_from_on", nullable=True)
    op.add_column("municipalitynumber", sa.Column("basis", text(200), nullable=True))
    op.execute(
        "ALTER TABLE municipalitynumber ADD CONSTRAINT ex_municipalitynumber_one_holder EXCLUDE USING gist "
        "(number WITH =, daterange(valid_from_on, valid_to_on, '[]') WITH &&)"
    )
    op.create_table(
        "formername",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("name", text(200), nullable=False),
        sa.Column("official_name", text(200), nullable=True),
        sa.Column("sort_key", sa.String(length=600, collation="C"), nullable=False),
        sa.Column("valid_from_on", sa.Date(), nullable=True),
        sa.Column("valid_to_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_formername_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_formername")),
    )
    op.create_index("ix_formername_organisation_id", "formername", ["organisation_id"])
    op.create_table(
        "countyperiod",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("county_number", text(2), nullable=False),
        sa.Column("county_name", text(80), nullable=True),
        sa.Column("valid_from_on", sa.Date(), nullable=True),
        sa.Column("valid_to_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_countyperiod_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_countyperiod")),
    )
    op.create_index("ix_countyperiod_organisation_id", "countyperiod", ["organisation_id"])
    op.create_index("ix_countyperiod_county_number", "countyperiod", ["county_number"])
    op.create_table(
        "population",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("counted_on", sa.Date(), nullable=False),
        sa.Column("inhabitants", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_population_organisation_id")),
        sa.PrimaryKeyConstraint("organisation_id", "counted_on", name=op.f("pk_population")),
    )
    op.create_table(
        "succession",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("predecessor_id", sa.Integer(), nullable=False),
        sa.Column("successor_id", sa.Integer(), nullable=False),
        sa.Column("kind", choice("relation", "same", "continued", "merger", "split"), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("source", text(500), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("back_dated", sa.Boolean(), nullable=False),
        sa.Column("reason", text(2000), nullable=True),
        sa.ForeignKeyConstraint(["predecessor_id"], ["organisation.id"], name=op.f("fk_succession_predecessor_id")),
        sa.ForeignKeyConstraint(["successor_id"], ["organisation.id"], name=op.f("fk_succession_successor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_succession")),
        sa.UniqueConstraint("predecessor_id", "successor_id", name=op.f("uq_succession_predecessor_id_successor_id")),
    )
    op.create_index("ix_succession_successor_id", "succession", ["successor_id"])
    op.execute(
        "INSERT INTO countyperiod (organisation_id, county_number) "
        "SELECT id, county_number FROM organisation WHERE county_number IS NOT NULL"
    )
    op.execute(
        "INSERT INTO population (organisation_id, counted_on, inhabitants) SELECT id, population_on, population "
        "FROM organisation WHERE population IS NOT NULL AND population_on IS NOT NULL"
    )
    _states()
    _answers()


def _states() -> None:
    op.create_table(
        "cooperationstate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("co_operation_id", sa.Integer(), nullable=False),
        sa.Column("as_of_on", sa.Date(), nullable=False),
        sa.Column("as_of_in_source", text(80), nullable=True),
        sa.Column("source", text(500), nullable=False),
        sa.Column("source_id", text(20), nullable=True),
        sa.Column("formal_name", text(200), nullable=True),
        sa.Column("region", text(80), nullable=True),
        sa.Column("form_in_source", text(200), nullable=True),
        sa.Column("form", text(200), nullable=True),
        sa.Column("units", JSON, nullable=False),
        sa.Column("host_id", sa.Integer(), nullable=True),
        sa.Column("scope", text(1000), nullable=True),
        sa.Column("supplier_in_source", text(200), nullable=True),
        sa.Column("established_year", sa.Integer(), nullable=True),
        sa.Column("established_in_source", text(80), nullable=True),
        sa.Column("members_known", sa.Boolean(), nullable=False),
        sa.Column("member_count_in_source", text(80), nullable=True),
        sa.Column("population_members", sa.Integer(), nullable=True),
        sa.Column("population_members_on", sa.Date(), nullable=True),
        sa.Column("fixed_per_municipality_nok", sa.Numeric(14, 2), nullable=True),
        sa.Column("per_inhabitant_nok", sa.Numeric(14, 2), nullable=True),
        sa.Column("external_contribution_nok", sa.Numeric(14, 2), nullable=True),
        sa.Column("external_contributor", text(200), nullable=True),
        sa.Column("other_financing", text(500), nullable=True),
        sa.Column("project_financing", text(500), nullable=True),
        sa.Column("corrections", JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["co_operation_id"], ["cooperation.id"], name=op.f("fk_cooperationstate_co_operation_id")
        ),
        sa.ForeignKeyConstraint(["host_id"], ["organisation.id"], name=op.f("fk_cooperationstate_host_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cooperationstate")),
        sa.UniqueConstraint("co_operation_id", "as_of_on", name=op.f("uq_cooperationstate_co_operation_id_as_of_on")),
    )
    op.execute(
        sa.text(
            f"INSERT INTO cooperationstate (co_operation_id, source, members_known, {STATE_COLUMNS}) "  # noqa: S608
            f"SELECT id, :source, true, {STATE_COLUMNS} FROM cooperation ORDER BY id"
        ).bindparams(source=PWC)
    )
    op.drop_table("membertoday")
    op.add_column("member", sa.Column("state_id", sa.Integer(), nullable=True))
    op.add_column("member", sa.Column("organisation_id", sa.Integer(), nullable=True))
    op.execute(
        "UPDATE member SET state_id = s.id FROM cooperationstate s WHERE s.co_operation_id = member.co_operation_id"
    )
    op.execute(
        "UPDATE member SET organisation_id = o.id FROM organisation o "
        "WHERE o.organisation_number = member.organisation_number"
    )
    _members_that_are_gone()
    op.alter_column("member", "state_id", nullable=False)
    op.alter_column("member", "organisation_id", nullable=False)
    op.drop_index("ix_member_co_operation_id", "member")
    op.drop_constraint("fk_member_co_operation_id", "member")
    op.drop_column("member", "co_operation_id")
    op.drop_column("member", "kind")
    op.create_foreign_key(op.f("fk_member_state_id"), "member", "cooperationstate", ["state_id"], ["id"])
    op.create_foreign_key(op.f("fk_member_organisation_id"), "member", "organisation", ["organisation_id"], ["id"])
    op.create_index("ix_member_state_id", "member", ["state_id"])
    op.create_index("ix_member_organisation_id", "member", ["organisation_id"])
    op.drop_constraint("uq_cooperation_source_id", "cooperation")
    for column in STATE_COLUMNS.split(", "):
        op.drop_column("cooperation", column)
    op.add_column("cooperation", sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))


def _members_that_are_gone() -> None:
    """A member that has no row of its own yet gets one, by the id that the seed data give it later."""
    connection = op.get_bind()
    rows = connection.execute(
        sa.text(
            "SELECT DISTINCT name, kind, municipality_number, organisation_number FROM member "
            "WHERE organisation_id IS NULL"
        )
    ).all()
    for row in rows:
        number = row.organisation_number
        key = f"organisation:{number}" if number else f"municipality:{row.municipality_number}:{row.name}"
        name = row.name if row.kind == "county" else f"{row.name.split(' (')[0]} kommune"
        made = connection.execute(
            sa.text(
                "INSERT INTO organisation (uuid, kinds, name, sort_key, organisation_number, existed_to_on, fictional) "
                "VALUES (:uuid, ARRAY[:kind], :name, :sort_key, :number, '2019-12-31', false) RETURNING id"
            ),
            {
                "uuid": uuid5(NAMESPACE_URL, f"samvirke:{key}"),
                "kind": row.kind,
                "name": name,
                "sort_key": name.casefold().translate(str.maketrans({"æ": "{1", "ø": "{2", "å": "{3"})),
                "number": number,
            },
        ).scalar_one()
        connection.execute(
            sa.text(
                "UPDATE member SET organisation_id = :made WHERE name = :name "
                "AND municipality_number IS NOT DISTINCT FROM :municipality "
                "AND organisation_number IS NOT DISTINCT FROM :number"
            ),
            {"made": made, "name": row.name, "municipality": row.municipality_number, "number": number},
        )


def _answers() -> None:
    op.create_table(
        "membershipanswer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("co_operation_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("answer", choice("answer", "confirm", "decline"), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("back_dated", sa.Boolean(), nullable=False),
        sa.Column("reason", text(2000), nullable=True),
        sa.ForeignKeyConstraint(
            ["co_operation_id"], ["cooperation.id"], name=op.f("fk_membershipanswer_co_operation_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_membershipanswer_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membershipanswer")),
    )
    op.create_index(
        "ix_membershipanswer_co_operation_id_organisation_id",
        "membershipanswer",
        ["co_operation_id", "organisation_id"],
    )
    op.create_table(
        "allocation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("co_operation_id", sa.Integer(), nullable=False),
        sa.Column("predecessor_id", sa.Integer(), nullable=False),
        sa.Column("parties", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("carried_on_by", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("proposed_by", text(9), nullable=True),
        sa.Column("reason", text(2000), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["co_operation_id"], ["cooperation.id"], name=op.f("fk_allocation_co_operation_id")),
        sa.ForeignKeyConstraint(["predecessor_id"], ["organisation.id"], name=op.f("fk_allocation_predecessor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation")),
        sa.UniqueConstraint("uuid", name=op.f("uq_allocation_uuid")),
    )
    op.create_index("ix_allocation_co_operation_id", "allocation", ["co_operation_id"])
    op.create_table(
        "allocationanswer",
        sa.Column("allocation_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("answer", choice("answer", "confirm", "decline"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["allocation_id"], ["allocation.id"], name=op.f("fk_allocationanswer_allocation_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_allocationanswer_organisation_id")
        ),
        sa.PrimaryKeyConstraint("allocation_id", "organisation_id", name=op.f("pk_allocationanswer")),
    )
    op.execute(ADDED_ONLY)


def downgrade() -> None:
    """Back to one state of each co-operation, the oldest; those that have none, and what successors said, are lost."""
    op.drop_table("allocationanswer")
    op.drop_index("ix_allocation_co_operation_id", "allocation")
    op.drop_table("allocation")
    op.drop_index("ix_membershipanswer_co_operation_id_organisation_id", "membershipanswer")
    op.drop_table("membershipanswer")
    op.execute("DROP FUNCTION membership_answer_is_final")

    first = "SELECT DISTINCT ON (co_operation_id) * FROM cooperationstate ORDER BY co_operation_id, as_of_on"
    op.drop_column("cooperation", "revision")
    op.add_column("cooperation", sa.Column("source_id", text(20), nullable=True))
    op.add_column("cooperation", sa.Column("formal_name", text(200), nullable=True))
    op.add_column("cooperation", sa.Column("region", text(80), nullable=True))
    op.add_column("cooperation", sa.Column("as_of_on", sa.Date(), nullable=True))
    op.add_column("cooperation", sa.Column("form_in_source", text(200), nullable=True))
    op.add_column("cooperation", sa.Column("form", text(200), nullable=True))
    op.add_column("cooperation", sa.Column("units", JSON, nullable=True))
    op.add_column("cooperation", sa.Column("established_year", sa.Integer(), nullable=True))
    op.add_column("cooperation", sa.Column("established_in_source", text(80), nullable=True))
    op.add_column("cooperation", sa.Column("population_members", sa.Integer(), nullable=True))
    op.add_column("cooperation", sa.Column("population_members_on", sa.Date(), nullable=True))
    op.add_column("cooperation", sa.Column("corrections", JSON, nullable=True))
    op.execute(
        f"UPDATE cooperation SET ({STATE_COLUMNS}) = (SELECT as_of_on, COALESCE(source_id, 'X-' || s.co_operation_id), "  # noqa: S608
        "formal_name, COALESCE(region, ''), COALESCE(form_in_source, ''), COALESCE(form, ''), units, established_year, "
        "established_in_source, population_members, population_members_on, corrections "
        f"FROM ({first}) s WHERE s.co_operation_id = cooperation.id)"
    )
    op.add_column("member", sa.Column("co_operation_id", sa.Integer(), nullable=True))
    op.add_column(
        "member",
        sa.Column(
            "kind",
            choice("kind", "municipality", "county", "co_operation", "supplier", "state_agency", "joint_unit", "other"),
            nullable=False,
            server_default="municipality",
        ),
    )
    op.alter_column("member", "kind", server_default=None)
    op.execute(f"DELETE FROM member WHERE state_id NOT IN (SELECT id FROM ({first}) s)")  # noqa: S608
    op.execute(
        "UPDATE member SET kind = 'county' FROM organisation o WHERE o.id = organisation_id AND o.kinds = '{county}'"
    )
    op.execute("UPDATE member SET co_operation_id = s.co_operation_id FROM cooperationstate s WHERE s.id = state_id")
    op.drop_column("member", "state_id")
    op.drop_column("member", "organisation_id")
    op.execute("DELETE FROM cooperation WHERE as_of_on IS NULL")
    op.drop_table("cooperationstate")
    for column in ("source_id", "region", "as_of_on", "form_in_source", "form", "units", "corrections"):
        op.alter_column("cooperation", column, nullable=False)
    op.create_unique_constraint("uq_cooperation_source_id", "cooperation", ["source_id"])
    op.alter_column("member", "co_operation_id", nullable=False)
    op.create_foreign_key("fk_member_co_operation_id", "member", "cooperation", ["co_operation_id"], ["id"])
    op.create_index("ix_member_co_operation_id", "member", ["co_operation_id"])
    op.create_table(
        "membertoday",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("relation", choice("relation", "same", "inherited_unconfirmed"), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_membertoday_member_id"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_membertoday_organisation_id"),
        sa.PrimaryKeyConstraint("member_id", "organisation_id", name="pk_membertoday"),
    )

    op.drop_index("ix_succession_successor_id", "succession")
    op.drop_table("succession")
    op.drop_table("population")
    op.drop_table("countyperiod")
    op.drop_table("formername")
    op.drop_constraint("ex_municipalitynumber_one_holder", "municipalitynumber")
    op.execute("UPDATE municipalitynumber SET valid_from_on = '2010-01-01' WHERE valid_from_on IS NULL")
    op.drop_column("municipalitynumber", "basis")
    op.alter_column("municipalitynumber", "valid_from_on", nullable=False)
    op.create_unique_constraint(
        "uq_municipalitynumber_number_valid_from_on", "municipalitynumber", ["number", "valid_from_on"]
    )
    for column in ("revision", "existence_basis", "existed_to_on", "existed_from_on"):
        op.drop_column("organisation", column)
