"""Product versions, documents and needs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c1a7a1060006"
down_revision = "c1a7a1060005"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
INSTANT = sa.DateTime(timezone=True)
NEEDED_WORDS = (
    "setweight(to_tsvector('norwegian'::regconfig, title), 'A') || "
    "setweight(to_tsvector('norwegian'::regconfig, COALESCE(description, '{}'::jsonb)), 'B')"
)
# What was decided, and who joined, is only ever added.
FINAL = ("takeover", "document_event", "need_event", "need_joining")
NEVER_CHANGED = """
CREATE FUNCTION {table}_is_final() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'a row of {table} is never changed or removed'; END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} EXECUTE FUNCTION {table}_is_final();
"""
# A label of numbers and dots sorts as numbers, before all others (as `products.store.order_key` does).
FIRST_VERSIONS = """
INSERT INTO productversion (product_id, label, order_key, breaking)
SELECT id, version,
       CASE WHEN regexp_replace(version, '^v', '') ~ '^[0-9]{1,9}([.][0-9]{1,9}){0,5}$'
            THEN '0' || (SELECT string_agg(lpad(part, 9, '0'), '.' ORDER BY place)
                           FROM regexp_split_to_table(regexp_replace(version, '^v', ''), '[.]')
                                WITH ORDINALITY AS parts (part, place))
            ELSE '1' || version END,
       false
  FROM product
"""


def key(*columns: str, table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"))


def choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, length=40)


def revision_column() -> sa.Column[int]:
    return sa.Column("revision", sa.Integer(), server_default="1", nullable=False)


def indexed(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)


def upgrade() -> None:
    _products()
    _declarations()
    _documents()
    _needs()
    for table in FINAL:
        op.get_bind().exec_driver_sql(NEVER_CHANGED.format(table=table))
    op.execute(FIRST_VERSIONS)


def _products() -> None:
    op.alter_column("product", "component_id", existing_type=sa.Integer(), nullable=True)
    op.add_column(
        "product", sa.Column("hosting_countries", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False)
    )
    op.add_column("product", sa.Column("registered_by_id", sa.Integer(), nullable=True))
    op.add_column("product", sa.Column("confirmed_on", sa.Date(), nullable=True))
    op.add_column("product", revision_column())
    op.create_foreign_key(op.f("fk_product_registered_by_id"), "product", "organisation", ["registered_by_id"], ["id"])
    indexed("product", "registered_by_id")
    op.create_table(
        "productcomponent",
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("component_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        refers("productcomponent", "component_id", "component"),
        refers("productcomponent", "product_id", "product"),
        key("product_id", "component_id", table="productcomponent"),
    )
    indexed("productcomponent", "component_id")
    op.create_table(
        "productversion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("order_key", sa.String(length=200, collation="C"), nullable=False),
        sa.Column("released_on", sa.Date(), nullable=True),
        sa.Column("support_ends_on", sa.Date(), nullable=True),
        sa.Column("end_of_life_on", sa.Date(), nullable=True),
        sa.Column("breaking", sa.Boolean(), nullable=False),
        sa.Column("replaced_by_id", sa.Integer(), nullable=True),
        sa.Column("notes", JSONB, nullable=True),
        revision_column(),
        refers("productversion", "product_id", "product"),
        refers("productversion", "replaced_by_id", "productversion"),
        key("id", table="productversion"),
        sa.UniqueConstraint("product_id", "label", name=op.f("uq_productversion_product_id_label")),
    )
    indexed("productversion", "replaced_by_id")
    op.create_index(
        "ix_productversion_product_id_order_key", "productversion", ["product_id", "order_key"], unique=False
    )
    op.create_table(
        "takeover",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("supplier_id", sa.Integer(), nullable=False),
        sa.Column("step", choice("step", "take_over", "reject_take_over"), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("organisation_number", sa.String(length=9), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=True),
        refers("takeover", "product_id", "product"),
        refers("takeover", "supplier_id", "organisation"),
        key("id", table="takeover"),
    )
    indexed("takeover", "product_id", "supplier_id")


def _declarations() -> None:
    op.create_table(
        "declaration",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("specification_version_id", sa.Integer(), nullable=False),
        sa.Column("declared_on", sa.Date(), nullable=False),
        sa.Column("organisation_number", sa.String(length=9), nullable=False),
        sa.Column("withdrawn_on", sa.Date(), nullable=True),
        sa.Column("withdrawn_reason", sa.String(length=2000), nullable=True),
        refers("declaration", "product_id", "product"),
        refers("declaration", "specification_version_id", "specificationversion"),
        key("id", table="declaration"),
        sa.UniqueConstraint("uuid", name=op.f("uq_declaration_uuid")),
    )
    indexed("declaration", "product_id", "specification_version_id")
    op.create_index(
        "ix_declaration_in_force",
        "declaration",
        ["product_id", "specification_version_id"],
        unique=True,
        postgresql_where=sa.text("withdrawn_on IS NULL"),
    )
    op.create_table(
        "declaration_answer",
        sa.Column("declaration_id", sa.Integer(), nullable=False),
        sa.Column("requirement_id", sa.Integer(), nullable=False),
        sa.Column("answer", choice("answer", "met", "partly", "not_met", "not_relevant"), nullable=False),
        sa.Column("comment", sa.String(length=2000), nullable=True),
        refers("declaration_answer", "declaration_id", "declaration"),
        refers("declaration_answer", "requirement_id", "requirement"),
        key("declaration_id", "requirement_id", table="declaration_answer"),
    )
    indexed("declaration_answer", "requirement_id")
    indexed("result", "requirement_id")


def _documents() -> None:
    op.create_table(
        "document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column(
            "type",
            choice(
                "documenttype",
                "dpia",
                "data_processing_agreement",
                "penetration_test",
                "accessibility_statement",
                "other",
            ),
            nullable=False,
        ),
        sa.Column("title", JSONB, nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("uploaded_by", sa.String(length=9), nullable=False),
        sa.Column("uploaded_at", INSTANT, nullable=False),
        refers("document", "product_id", "product"),
        key("id", table="document"),
        sa.UniqueConstraint("uuid", name=op.f("uq_document_uuid")),
    )
    indexed("document", "product_id")
    op.create_table(
        "document_content",
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        refers("document_content", "document_id", "document"),
        key("document_id", table="document_content"),
    )
    op.create_table(
        "document_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("state", choice("state", "concept", "approved", "rejected", "withdrawn"), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("organisation_number", sa.String(length=9), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=True),
        refers("document_event", "document_id", "document"),
        key("id", table="document_event"),
    )
    indexed("document_event", "document_id")


def _needs() -> None:
    areas = [
        "health_and_care",
        "education",
        "planning_and_building",
        "citizen_services",
        "archive_and_cases",
        "finance_and_staff",
        "infrastructure",
        "security_and_privacy",
        "strategy",
        "preparedness",
        "other",
    ]
    op.create_table(
        "need",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("title", JSONB, nullable=False),
        sa.Column("description", JSONB, nullable=True),
        sa.Column("area", choice("area", *areas), nullable=True),
        sa.Column(
            "project_status", choice("projectstatus", "idea", "planned", "started", "carried_out"), nullable=True
        ),
        sa.Column("project_year", sa.Integer(), nullable=True),
        sa.Column("wanted_by_on", sa.Date(), nullable=True),
        sa.Column("audience", choice("audience", "public", "public_bodies"), nullable=False),
        sa.Column("fictional", sa.Boolean(), nullable=False),
        sa.Column("source", JSONB, nullable=True),
        sa.Column("posted_at", INSTANT, nullable=False),
        revision_column(),
        sa.Column("words", postgresql.TSVECTOR(), sa.Computed(NEEDED_WORDS, persisted=True), nullable=True),
        refers("need", "owner_id", "organisation"),
        key("id", table="need"),
        sa.UniqueConstraint("uuid", name=op.f("uq_need_uuid")),
    )
    indexed("need", "area", "owner_id")
    op.create_index("ix_need_posted_at_uuid", "need", ["posted_at", "uuid"], unique=False)
    op.create_index("ix_need_words", "need", ["words"], unique=False, postgresql_using="gin")
    for table, column, to in (
        ("need_component", "component_id", "component"),
        ("need_requirement", "requirement_id", "requirement"),
    ):
        op.create_table(
            table,
            sa.Column("need_id", sa.Integer(), nullable=False),
            sa.Column(column, sa.Integer(), nullable=False),
            sa.Column("place", sa.Integer(), nullable=False),
            refers(table, column, to),
            refers(table, "need_id", "need"),
            key("need_id", column, table=table),
        )
        indexed(table, column)
    op.create_table(
        "need_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("need_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind", choice("eventkind", "posted", "reported", "started", "met", "withdrawn", "reopened"), nullable=False
        ),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("organisation_number", sa.String(length=9), nullable=True),
        sa.Column("reason", sa.String(length=2000), nullable=True),
        refers("need_event", "need_id", "need"),
        key("id", table="need_event"),
    )
    op.create_index("ix_need_event_need_id_id", "need_event", ["need_id", "id"], unique=False)
    op.create_table(
        "need_joining",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("need_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("joined", sa.Boolean(), nullable=False),
        sa.Column("for_members", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        refers("need_joining", "need_id", "need"),
        refers("need_joining", "organisation_id", "organisation"),
        key("id", table="need_joining"),
    )
    indexed("need_joining", "organisation_id")
    op.create_index(
        "ix_need_joining_need_id_organisation_id_id",
        "need_joining",
        ["need_id", "organisation_id", "id"],
        unique=False,
    )


def downgrade() -> None:
    for table in (
        "need_joining",
        "need_event",
        "need_requirement",
        "need_component",
        "need",
        "document_event",
        "document_content",
        "document",
        "declaration_answer",
        "declaration",
        "takeover",
        "productversion",
        "productcomponent",
    ):
        op.drop_table(table)
    for table in FINAL:
        op.execute(f"DROP FUNCTION {table}_is_final")
    op.drop_index(op.f("ix_result_requirement_id"), table_name="result")
    op.drop_index(op.f("ix_product_registered_by_id"), table_name="product")
    op.drop_constraint(op.f("fk_product_registered_by_id"), "product", type_="foreignkey")
    for column in ("revision", "confirmed_on", "registered_by_id", "hosting_countries"):
        op.drop_column("product", column)
    # A product without a component has no place in what was before.
    op.execute("DELETE FROM product WHERE component_id IS NULL")
    op.alter_column("product", "component_id", existing_type=sa.Integer(), nullable=False)
