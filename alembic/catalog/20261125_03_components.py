"""Components with a life cycle, versions, repositories and dependencies."""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c1a7a1060003"
down_revision = "c1a7a1060002"
branch_labels = None
depends_on = None

STATES = ("proposed", "rejected", "approved", "available", "deprecated", "retired", "unknown")
EVENTS = ("filed", "proposed", "approved", "rejected", "published", "deprecated", "reinstated", "retired", "called_off")
MODULES = ("library", "service", "user_interface", "schema", "infrastructure", "documentation", "other")
NEVER_CHANGED = """
CREATE FUNCTION component_event_is_final() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'a component event is never changed or removed'; END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON component_event
EXECUTE FUNCTION component_event_is_final();
"""
# What was there keeps its state, with the reason that it was filed with as its basis; a proposal's deadline begins now.
FILED = """
INSERT INTO component_event (component_id, kind, filed_as, effective_on, recorded_at, reason, back_dated, client)
SELECT id, 'filed', life_cycle, COALESCE(ended_on, DATE '2026-01-01'), now(), life_cycle_reason, false, 'samvirke'
  FROM component ORDER BY id
"""
ALSO_SORTED = ("kind", "reuse", "level", "life_cycle")


def _text(name: str, length: int, *, nullable: bool = True, **rest: object) -> sa.Column:
    return sa.Column(name, sqlmodel.sql.sqltypes.AutoString(length=length), nullable=nullable, **rest)


def _json(name: str) -> sa.Column:
    return sa.Column(name, postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)


def _choice(name: str, kind: str, values: tuple[str, ...], *, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.Enum(*values, name=kind, native_enum=False, length=40), nullable=nullable)


def _revision() -> sa.Column:
    return sa.Column("revision", sa.Integer(), server_default="1", nullable=False)


def _belongs(table: str) -> tuple[sa.Column, sa.ForeignKeyConstraint]:
    key = sa.ForeignKeyConstraint(["component_id"], ["component.id"], name=op.f(f"fk_{table}_component_id"))
    return sa.Column("component_id", sa.Integer(), nullable=False), key


def upgrade() -> None:
    for column in (
        sa.Column("operator_id", sa.Integer(), nullable=True),
        _json("price_note"),
        _text("terms_url", 500),
        _text("data_processing_agreement_url", 500),
        _text("licence", 200),
        _json("purpose"),
        sa.Column("target_services", postgresql.ARRAY(sa.String(length=200)), server_default="{}", nullable=False),
        _choice("next_life_cycle", "lifecycle", STATES),
        sa.Column("next_on", sa.Date(), nullable=True),
        _text("next_reason", 2000),
        sa.Column("decide_by_on", sa.Date(), nullable=True),
        sa.Column("authors", postgresql.ARRAY(sa.String(length=200)), server_default="{}", nullable=False),
        sa.Column("replaced_by_id", sa.Integer(), nullable=True),
        sa.Column("transfer_to_id", sa.Integer(), nullable=True),
        sa.Column("confirmed_on", sa.Date(), nullable=True),
        _revision(),
    ):
        op.add_column("component", column)
    for column, table in (
        ("operator_id", "organisation"),
        ("replaced_by_id", "component"),
        ("transfer_to_id", "organisation"),
    ):
        op.create_foreign_key(op.f(f"fk_component_{column}"), "component", table, [column], ["id"])
    op.create_index(op.f("ix_component_operator_id"), "component", ["operator_id"])
    op.create_index(op.f("ix_component_replaced_by_id"), "component", ["replaced_by_id"])
    op.create_index(op.f("ix_component_transfer_to_id"), "component", ["transfer_to_id"])
    op.create_index(
        "ix_component_decide_by_on", "component", ["decide_by_on"], postgresql_where=sa.text("decide_by_on IS NOT NULL")
    )
    op.create_index("ix_component_next_on", "component", ["next_on"], postgresql_where=sa.text("next_on IS NOT NULL"))
    for name in ALSO_SORTED:
        op.create_index(f"ix_component_{name}_sort_key_slug", "component", [name, "sort_key", "slug"])
    op.create_table(
        "component_event",
        sa.Column("id", sa.Integer(), nullable=False),
        *_belongs("component_event"),
        _choice("kind", "eventkind", EVENTS, nullable=False),
        _choice("filed_as", "lifecycle", STATES),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        _text("reason", 2000),
        sa.Column("back_dated", sa.Boolean(), nullable=False),
        _text("organisation_number", 9),
        _text("client", 200, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_component_event")),
    )
    op.create_index(op.f("ix_component_event_component_id"), "component_event", ["component_id"])
    op.execute(FILED)
    op.execute(NEVER_CHANGED)
    op.create_table(
        "componentversion",
        sa.Column("id", sa.Integer(), nullable=False),
        *_belongs("componentversion"),
        _text("label", 80, nullable=False),
        sa.Column("semantic_key", sa.String(length=600, collation="C"), nullable=True),
        sa.Column("released_on", sa.Date(), nullable=False),
        sa.Column("supported_from_on", sa.Date(), nullable=False),
        sa.Column("supported_to_on", sa.Date(), nullable=True),
        sa.Column("end_of_life_on", sa.Date(), nullable=True),
        sa.Column("breaking", sa.Boolean(), nullable=False),
        _json("notes"),
        sa.Column("replaced_by_id", sa.Integer(), nullable=True),
        _revision(),
        sa.CheckConstraint("supported_from_on <= supported_to_on", name=op.f("ck_componentversion_support")),
        sa.CheckConstraint("supported_to_on <= end_of_life_on", name=op.f("ck_componentversion_end")),
        sa.ForeignKeyConstraint(
            ["replaced_by_id"], ["componentversion.id"], name=op.f("fk_componentversion_replaced_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_componentversion")),
        sa.UniqueConstraint("component_id", "label", name=op.f("uq_componentversion_component_id_label")),
    )
    op.create_index(op.f("ix_componentversion_replaced_by_id"), "componentversion", ["replaced_by_id"])
    op.create_table(
        "repository",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        *_belongs("repository"),
        _text("url", 500, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repository")),
        sa.UniqueConstraint("uuid", name=op.f("uq_repository_uuid")),
    )
    op.create_index(op.f("ix_repository_component_id"), "repository", ["component_id"])
    op.create_table(
        "repository_address",
        _text("url", 500, nullable=False),
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["repository_id"], ["repository.id"], name=op.f("fk_repository_address_repository_id")),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_repository_address")),
    )
    op.create_index(op.f("ix_repository_address_repository_id"), "repository_address", ["repository_id"])
    op.create_table(
        "module",
        sa.Column("id", sa.Integer(), nullable=False),
        *_belongs("module"),
        _text("name", 80, nullable=False),
        _choice("kind", "modulekind", MODULES, nullable=False),
        _json("summary"),
        sa.Column("repository_id", sa.Integer(), nullable=True),
        _text("path", 300),
        sa.ForeignKeyConstraint(["repository_id"], ["repository.id"], name=op.f("fk_module_repository_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_module")),
        sa.UniqueConstraint("component_id", "name", name=op.f("uq_module_component_id_name")),
    )
    op.create_index(op.f("ix_module_repository_id"), "module", ["repository_id"])
    op.create_table(
        "dependency",
        sa.Column("component_id", sa.Integer(), nullable=False),
        sa.Column("on_id", sa.Integer(), nullable=False),
        _text("versions", 200),
        sa.Column("optional", sa.Boolean(), nullable=False),
        _json("note"),
        sa.CheckConstraint("component_id <> on_id", name=op.f("ck_dependency_itself")),
        sa.ForeignKeyConstraint(["component_id"], ["component.id"], name=op.f("fk_dependency_component_id")),
        sa.ForeignKeyConstraint(["on_id"], ["component.id"], name=op.f("fk_dependency_on_id")),
        sa.PrimaryKeyConstraint("component_id", "on_id", name=op.f("pk_dependency")),
    )
    op.create_index(op.f("ix_dependency_on_id"), "dependency", ["on_id"])


def downgrade() -> None:
    for table in ("dependency", "module", "repository_address", "repository", "componentversion", "component_event"):
        op.drop_table(table)
    op.execute("DROP FUNCTION component_event_is_final")
    for name in ALSO_SORTED:
        op.drop_index(f"ix_component_{name}_sort_key_slug", table_name="component")
    for column in (
        "operator_id",
        "price_note",
        "terms_url",
        "data_processing_agreement_url",
        "licence",
        "purpose",
        "target_services",
        "next_life_cycle",
        "next_on",
        "next_reason",
        "decide_by_on",
        "authors",
        "replaced_by_id",
        "transfer_to_id",
        "confirmed_on",
        "revision",
    ):
        op.drop_column("component", column)
