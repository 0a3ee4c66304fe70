"""Order messages in UBL, in and out; the day of delivery that a call-off had in each version.

Revision ID: a7a708000005
Revises: a7a708000004
"""

import sqlalchemy as sa
from alembic import op

revision = "a7a708000005"
down_revision = "a7a708000004"
branch_labels = None
depends_on = None

CLOCK = sa.text("clock_timestamp()")
# A day that an accepted change moved stands in the change; without one the day has not moved since.
DAYS = """
UPDATE calloffversion v SET needed_on = coalesce(
  (SELECT c.needed_before_on FROM orderchange c JOIN orderchangeanswer a ON a.change_id = c.id
   WHERE c.call_off_id = v.call_off_id AND c.version >= v.version
     AND a.event IN ('accept_change', 'change_confirmed') ORDER BY c.version, c.id LIMIT 1),
  (SELECT o.needed_on FROM calloff o WHERE o.id = v.call_off_id))
"""


def upgrade() -> None:
    op.create_table(
        "ordermessage",
        sa.Column("call_off_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("profile", sa.String(40), nullable=False),
        sa.Column("transaction", sa.String(40), nullable=False),
        sa.Column("document_id", sa.String(200), nullable=False),
        sa.Column("sender", sa.String(9), nullable=False),
        sa.Column("received", sa.Boolean(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False, server_default=CLOCK),
        sa.ForeignKeyConstraint(["call_off_id"], ["calloff.id"], name=op.f("fk_ordermessage_call_off_id")),
        sa.PrimaryKeyConstraint("call_off_id", "sequence", "profile", name=op.f("pk_ordermessage")),
    )
    op.create_index(
        "uq_ordermessage_received",
        "ordermessage",
        ["call_off_id", "sender", "document_id"],
        unique=True,
        postgresql_where=sa.text("received"),
    )
    op.execute(
        "CREATE TRIGGER ordermessage_is_final BEFORE UPDATE OR DELETE ON ordermessage "
        "FOR EACH ROW EXECUTE FUNCTION is_final()"
    )
    op.add_column("calloffversion", sa.Column("needed_on", sa.Date(), nullable=True))
    op.execute("ALTER TABLE calloffversion DISABLE TRIGGER USER")
    op.execute(DAYS)
    op.execute("ALTER TABLE calloffversion ENABLE TRIGGER USER")
    op.alter_column("calloffversion", "needed_on", nullable=False)


def downgrade() -> None:
    op.drop_column("calloffversion", "needed_on")
    op.drop_table("ordermessage")
