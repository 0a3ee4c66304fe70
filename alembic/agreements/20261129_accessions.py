"""Accessions with their history and the municipalities they cover."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "a3e5e50500c1"
down_revision = "a3e5e50500b1"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
NOW = sa.text("clock_timestamp()")
FINAL = """
CREATE TRIGGER accession_event_is_final BEFORE UPDATE OR DELETE ON accession_event
    FOR EACH ROW EXECUTE FUNCTION is_final();
CREATE TRIGGER accession_covered_is_final BEFORE UPDATE OR DELETE ON accession_covered
    FOR EACH ROW EXECUTE FUNCTION is_final();
"""


def upgrade() -> None:
    op.add_column("accession", sa.Column("co_operation", sa.String(80), nullable=True))
    op.add_column("accession", sa.Column("relied_on", JSONB(), nullable=True))
    op.create_table(
        "accession_event",
        sa.Column("accession_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("organisation", sa.String(9), nullable=True),
        sa.Column("reason", sa.String(2000), nullable=True),
        sa.Column("detail", JSONB(), nullable=True),
        sa.Column("recorded_at", INSTANT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["accession_id"], ["accession.id"], name=op.f("fk_accession_event_accession_id")),
        sa.PrimaryKeyConstraint("accession_id", "sequence", name=op.f("pk_accession_event")),
    )
    op.create_table(
        "accession_covered",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("accession_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(9), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.Column("recorded_at", INSTANT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["accession_id"], ["accession.id"], name=op.f("fk_accession_covered_accession_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accession_covered")),
    )
    op.create_index("ix_accession_covered_accession_id", "accession_covered", ["accession_id"])
    op.execute(
        "INSERT INTO accession_event (accession_id, sequence, event, state, reason, recorded_at) "
        "SELECT id, 1, 'register', state, 'Registered before accessions were kept', created_at FROM accession"
    )
    op.get_bind().exec_driver_sql(FINAL)


def downgrade() -> None:
    op.drop_table("accession_covered")
    op.drop_table("accession_event")
    op.drop_column("accession", "relied_on")
    op.drop_column("accession", "co_operation")
