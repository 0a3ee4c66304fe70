"""Certificates as signed credentials with a status list."""

import sqlalchemy as sa
from alembic import op

revision = "c1a7a1070006"
down_revision = "c1a7a1070005"
branch_labels = None
depends_on = None

# Whatever makes a certificate, or a new revision of one, gives it a place in a status list in the same transaction.
PLACE = """
CREATE FUNCTION {table}_takes_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO credential (certificate_id) SELECT {id} FROM added {condition} ORDER BY id;
    RETURN NULL;
END $$;
CREATE TRIGGER takes_place AFTER INSERT ON {table} REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION {table}_takes_place();
"""
REVISING = "WHERE kind IN ('scope_extended', 'scope_reduced', 'carried_over', 'renewed')"
# A place that is given out later is news to whoever holds the list.
CHANGE = """
CREATE FUNCTION credential_changes_certificate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO certificate_change (certificate_id, xact)
    SELECT DISTINCT certificate_id, CAST(CAST(pg_current_xact_id() AS text) AS bigint) FROM added ORDER BY 1
        ON CONFLICT (certificate_id) DO UPDATE SET xact = excluded.xact;
    RETURN NULL;
END $$;
CREATE TRIGGER changes_certificate AFTER INSERT ON credential REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION credential_changes_certificate();
"""


def upgrade() -> None:
    op.create_table(
        "credential",
        sa.Column("position", sa.BigInteger(), sa.Identity(start=0, minvalue=0), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("jws", sa.Text(), nullable=True),
        sa.Column("kid", sa.String(length=80), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["certificate_id"], ["certificate.id"], name=op.f("fk_credential_certificate_id")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_credential")),
        sa.UniqueConstraint("certificate_id", "fingerprint", name=op.f("uq_credential_certificate_id_fingerprint")),
    )
    op.create_index("ix_credential_kid_expires_at", "credential", ["kid", "expires_at"])
    op.execute("INSERT INTO credential (certificate_id) SELECT id FROM certificate ORDER BY id")
    op.execute(
        f"INSERT INTO credential (certificate_id) SELECT certificate_id FROM certificate_event {REVISING} ORDER BY id"  # noqa: S608  # our own constant
    )
    op.execute(PLACE.format(table="certificate", id="id", condition=""))
    op.execute(PLACE.format(table="certificate_event", id="certificate_id", condition=REVISING))
    op.execute(CHANGE)


def downgrade() -> None:
    for table in ("certificate", "certificate_event"):
        op.execute(f"DROP TRIGGER takes_place ON {table}")
        op.execute(f"DROP FUNCTION {table}_takes_place")
    op.drop_table("credential")
    op.execute("DROP FUNCTION credential_changes_certificate")
