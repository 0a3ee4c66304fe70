"""Certificates: whole histories, scopes as ranges, conditions, and jobs."""

import hashlib

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.chassis.jobs import DROP_TABLES_SQL, create_tables_sql

revision = "c1a7a1070001"
down_revision = "c1a7a1060008"
branch_labels = None
depends_on = None

FINAL = """
CREATE FUNCTION {table}_is_final() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'what stands in {table} is never changed or removed'; END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} EXECUTE FUNCTION {table}_is_final();
"""
# The transaction that changed something, so that a reader can ask for what has changed since it last looked.
CHANGE = """
CREATE FUNCTION {table}_changes_certificate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO certificate_change (certificate_id, xact)
    SELECT DISTINCT {id}, CAST(CAST(pg_current_xact_id() AS text) AS bigint) FROM {source} ORDER BY 1
        ON CONFLICT (certificate_id) DO UPDATE SET xact = excluded.xact;
    RETURN NULL;
END $$;
CREATE TRIGGER changes_certificate AFTER INSERT ON {table} REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION {table}_changes_certificate();
"""
CHANGED_BY = {
    "certificate": ("added.id", "added"),
    "certificate_event": ("added.certificate_id", "added"),
    "certificate_condition": ("added.certificate_id", "added"),
    "result": ("added.certificate_id", "added"),
    "specificationversion_event": (
        "c.id",
        "added JOIN specificationversion v ON v.id = added.version_id "
        "JOIN specificationversion o ON o.specification_id = v.specification_id "
        "JOIN certificate c ON c.specification_version_id = o.id",
    ),
}
UPDATED = """
CREATE TRIGGER changes_certificate_later AFTER UPDATE ON certificate REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION certificate_changes_certificate();
"""


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql(create_tables_sql().replace("%", "%%"))
    op.add_column("certificate", sa.Column("subject_kind", _kinds(), server_default="product", nullable=False))
    for name, type in (
        ("holder_id", sa.Integer()),
        ("role", sa.String(length=80)),
        ("version_from", sa.String(length=40)),
        ("version_to", sa.String(length=40)),
        ("profile", sa.String(length=80)),
    ):
        op.add_column("certificate", sa.Column(name, type, nullable=True))
    op.execute("UPDATE certificate c SET holder_id = p.supplier_id FROM product p WHERE p.id = c.product_id")
    op.alter_column("certificate", "holder_id", nullable=False)
    op.alter_column("certificate", "product_id", nullable=True)
    op.create_foreign_key("fk_certificate_holder_id", "certificate", "organisation", ["holder_id"], ["id"])
    op.create_index("ix_certificate_holder_id", "certificate", ["holder_id"])
    op.create_check_constraint(
        op.f("ck_certificate_product"), "certificate", "(subject_kind = 'product') = (product_id IS NOT NULL)"
    )
    op.create_check_constraint(
        op.f("ck_certificate_role"), "certificate", "(subject_kind = 'adviser') = (role IS NOT NULL)"
    )

    op.drop_constraint("uq_result_certificate_id_requirement_id", "result")
    op.create_index("ix_result_certificate_id_requirement_id", "result", ["certificate_id", "requirement_id"])
    op.add_column("result", sa.Column("assurance", _assurances(), server_default="third_party", nullable=False))
    for name, type in (
        ("tool", sa.String(length=200)),
        ("tool_version", sa.String(length=80)),
        ("tester", sa.String(length=9)),
        ("tested_on", sa.Date()),
        ("lifetime_days", sa.Integer()),
        ("recorded_at", sa.DateTime(timezone=True)),
    ):
        op.add_column("result", sa.Column(name, type, nullable=True))
    op.execute(
        "UPDATE result r SET recorded_at = (SELECT min(e.recorded_at) FROM certificate_event e "
        "WHERE e.certificate_id = r.certificate_id)"
    )
    op.alter_column("result", "recorded_at", nullable=False)
    op.execute(FINAL.format(table="result"))

    for name, type in (
        ("client", sa.String(length=200)),
        ("ground", sa.String(length=80)),
        ("target_id", sa.Integer()),
        ("detail", postgresql.JSONB(none_as_null=True, astext_type=sa.Text())),
    ):
        op.add_column("certificate_event", sa.Column(name, type, nullable=True))
    op.create_foreign_key(
        "fk_certificate_event_target_id", "certificate_event", "certificate_event", ["target_id"], ["id"]
    )

    op.create_table(
        "certificate_condition",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("condition", "dispensation", name="conditionkind", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("requirement", sa.String(length=40), nullable=True),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificate.id"], name=op.f("fk_certificate_condition_certificate_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate_condition")),
        sa.UniqueConstraint("certificate_id", "key", name=op.f("uq_certificate_condition_certificate_id_key")),
    )
    op.create_index("ix_certificate_condition_due_on", "certificate_condition", ["due_on"])
    op.execute(FINAL.format(table="certificate_condition"))

    kept = connection.execute(
        sa.text(
            "SELECT s.certificate_id, s.specification_version_id, s.delivery_form, s.period, s.label, c.product_id, "
            "c.versions FROM certificatescope s JOIN certificate c ON c.id = s.certificate_id ORDER BY s.id"
        )
    ).all()
    op.drop_table("certificatescope")
    scopes = _new_scopes()
    if kept:
        connection.execute(
            sa.insert(scopes),
            [
                {
                    "certificate_id": row.certificate_id,
                    "subject": f"product:{row.product_id}",
                    "specification_version_id": row.specification_version_id,
                    "profile": "",
                    "delivery_form": row.delivery_form,
                    "label": _label(row),
                    "period": row.period,
                }
                for row in kept
            ],
        )

    op.create_table(
        "certificate_change",
        sa.Column("certificate_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("xact", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("certificate_id", name=op.f("pk_certificate_change")),
    )
    op.create_index("ix_certificate_change_xact", "certificate_change", ["xact"])
    op.execute(
        "INSERT INTO certificate_change SELECT id, CAST(CAST(pg_current_xact_id() AS text) AS bigint) FROM certificate"
    )
    for table, (id, source) in CHANGED_BY.items():
        op.execute(CHANGE.format(table=table, id=id, source=source))
    op.execute(UPDATED)


def downgrade() -> None:
    """Certificates of suppliers and advisers, further results and further columns have no place in the older tables."""
    op.execute("DROP TRIGGER changes_certificate_later ON certificate")
    for table in CHANGED_BY:
        op.execute(f"DROP TRIGGER changes_certificate ON {table}")
        op.execute(f"DROP FUNCTION {table}_changes_certificate")
    op.drop_table("certificate_change")
    connection = op.get_bind()
    op.drop_table("certificatescope")
    _old_scopes(connection)
    op.drop_table("certificate_condition")
    op.execute("DROP FUNCTION certificate_condition_is_final")
    op.drop_constraint("fk_certificate_event_target_id", "certificate_event")
    for name in ("client", "ground", "target_id", "detail"):
        op.drop_column("certificate_event", name)
    op.execute("DROP TRIGGER final ON result")
    op.execute("DROP FUNCTION result_is_final")
    for name in ("assurance", "tool", "tool_version", "tester", "tested_on", "lifetime_days", "recorded_at"):
        op.drop_column("result", name)
    op.drop_index("ix_result_certificate_id_requirement_id", table_name="result")
    op.create_unique_constraint(
        "uq_result_certificate_id_requirement_id", "result", ["certificate_id", "requirement_id"]
    )
    op.drop_constraint("ck_certificate_role", "certificate")
    op.drop_constraint("ck_certificate_product", "certificate")
    op.drop_index("ix_certificate_holder_id", table_name="certificate")
    op.drop_constraint("fk_certificate_holder_id", "certificate")
    op.alter_column("certificate", "product_id", nullable=False)
    for name in ("subject_kind", "holder_id", "role", "version_from", "version_to", "profile"):
        op.drop_column("certificate", name)
    op.execute(DROP_TABLES_SQL)


def _kinds() -> sa.Enum:
    return sa.Enum("product", "supplier", "adviser", name="subjectkind", native_enum=False, length=40)


def _assurances() -> sa.Enum:
    return sa.Enum("self_declared", "third_party", name="assurance", native_enum=False, length=40)


def _new_scopes() -> sa.Table:
    return op.create_table(
        "certificatescope",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("specification_version_id", sa.Integer(), nullable=False),
        sa.Column("profile", sa.String(length=80), nullable=False),
        sa.Column("delivery_form", sa.String(length=40), nullable=False),
        sa.Column("label", postgresql.NUMRANGE(), nullable=False),
        sa.Column("period", postgresql.DATERANGE(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("subject"), "="),
            (sa.column("specification_version_id"), "="),
            (sa.column("profile"), "="),
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
        sa.Index("ix_certificatescope_certificate_id", "certificate_id"),
    )


def _label(row: sa.Row) -> postgresql.Range:
    """Which of the certificate's versions an old row stands for: there a version was the hash of its label."""
    if row.versions is None:
        return postgresql.Range()
    version = next(one for one in row.versions if row.label.lower == _hash(one))
    point = int.from_bytes(_order_key(version).encode()[:120].ljust(120, b"\0"))
    return postgresql.Range(point, point, bounds="[]")


def _hash(label: str) -> int:
    return int.from_bytes(hashlib.sha256(label.encode()).digest()[:7])


def _order_key(label: str) -> str:
    parts = label.removeprefix("v").split(".")
    if all(part.isascii() and part.isdigit() and len(part) <= 9 for part in parts) and len(parts) <= 6:
        return "0" + ".".join(part.zfill(9) for part in parts)
    return "1" + label


def _old_scopes(connection: sa.Connection) -> None:
    scopes = op.create_table(
        "certificatescope",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("specification_version_id", sa.Integer(), nullable=False),
        sa.Column("delivery_form", sa.String(length=40), nullable=False),
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
        sa.Index("ix_certificatescope_certificate_id", "certificate_id"),
    )
    rows = [
        {
            "certificate_id": row.id,
            "product_id": row.product_id,
            "specification_version_id": row.specification_version_id,
            "delivery_form": form,
            "label": postgresql.Range(point, point, bounds="[]") if point is not None else postgresql.Range(),
            "period": postgresql.Range(
                row.valid_from_on, row.ended_on or row.valid_to_on, bounds="[)" if row.ended_on else "[]"
            ),
        }
        for row in connection.execute(
            sa.text(
                "SELECT c.*, (SELECT greatest(c.valid_from_on, min(e.effective_on)) FROM certificate_event e "
                "WHERE e.certificate_id = c.id AND e.kind IN ('withdrawn', 'relinquished', 'superseded')) AS ended_on "
                "FROM certificate c"
            )
        )
        for form in row.delivery_forms
        for point in ([_hash(label) for label in row.versions] if row.versions is not None else [None])
    ]
    if rows:
        connection.execute(sa.insert(scopes), rows)
