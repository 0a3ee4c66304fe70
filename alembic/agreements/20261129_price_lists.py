"""Places with a history, price lists in versions, changes of the agreement."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "a3e5e50500d1"
down_revision = "a3e5e50500c1"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
NOW = sa.text("clock_timestamp()")
FACTOR = sa.Numeric(6, 4)
FINAL = """
CREATE TRIGGER place_event_is_final BEFORE UPDATE OR DELETE ON place_event
    FOR EACH ROW EXECUTE FUNCTION is_final();
CREATE TRIGGER price_is_final BEFORE UPDATE OR DELETE ON price
    FOR EACH ROW EXECUTE FUNCTION is_final();
"""


def upgrade() -> None:
    op.add_column("place", sa.Column("uuid", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False))
    op.add_column("place", sa.Column("index_clause", JSONB(), nullable=True))
    op.add_column("place", sa.Column("lowest_factor", FACTOR, server_default="0.9", nullable=False))
    op.add_column("place", sa.Column("highest_factor", FACTOR, server_default="1.1", nullable=False))
    for column in ("uuid", "lowest_factor", "highest_factor"):
        op.alter_column("place", column, server_default=None)
    op.create_unique_constraint(op.f("uq_place_uuid"), "place", ["uuid"])
    op.create_table(
        "place_event",
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("organisation", sa.String(9), nullable=True),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(2000), nullable=True),
        sa.Column("recorded_at", INSTANT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_place_event_place_id")),
        sa.PrimaryKeyConstraint("place_id", "sequence", name=op.f("pk_place_event")),
    )
    op.execute(
        "INSERT INTO place_event (place_id, sequence, event, state, reason) "
        "SELECT id, 1, 'award', state, 'Given before the history of places was kept' FROM place"
    )
    op.create_table(
        "agreement_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("framework_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("terms", JSONB(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("proposed_by", sa.String(9), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.Column("proposed_at", INSTANT, nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("effective_on", sa.Date(), nullable=True),
        sa.Column("ended_reason", sa.String(2000), nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "(state = 'active') = (signed_on IS NOT NULL AND effective_on IS NOT NULL)",
            name=op.f("ck_agreement_change_active_is_signed"),
        ),
        sa.ForeignKeyConstraint(
            ["framework_id"], ["frameworkagreement.id"], name=op.f("fk_agreement_change_framework_id")
        ),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_agreement_change_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement_change")),
        sa.UniqueConstraint("uuid", name=op.f("uq_agreement_change_uuid")),
    )
    op.create_index("ix_agreement_change_framework_id", "agreement_change", ["framework_id"])
    op.create_index(
        "uq_agreement_change_pending",
        "agreement_change",
        ["framework_id"],
        unique=True,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.execute(FINAL)


def downgrade() -> None:
    op.execute("DROP TRIGGER price_is_final ON price")
    op.drop_table("agreement_change")
    op.drop_table("place_event")
    op.drop_constraint(op.f("uq_place_uuid"), "place")
    for column in ("uuid", "index_clause", "lowest_factor", "highest_factor"):
        op.drop_column("place", column)
