"""Approvals by each paying organisation."""

import sqlalchemy as sa
from alembic import op

revision = "a3e5e50500f1"
down_revision = "a3e5e50500e1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "approval",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("call_off_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("organisation", sa.String(9), nullable=False),
        sa.Column("net", sa.Numeric(14, 2), nullable=False),
        sa.Column("client", sa.String(200), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["call_off_id"], ["calloff.id"], name=op.f("fk_approval_call_off_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
    )
    op.create_index(
        "uq_approval_standing",
        "approval",
        ["call_off_id", "version", "organisation"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("approval")
