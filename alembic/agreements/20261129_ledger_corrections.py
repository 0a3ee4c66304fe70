"""Entries have an id outside the database, are reversed once, and are found by day; proofs of the ledger are kept."""

import sqlalchemy as sa
from alembic import op

revision = "a3e5e5050091"
down_revision = "a3e5e50500f1"
branch_labels = None
depends_on = None

BY_DAY = ("framework_id", "buyer", "supplier")


def upgrade() -> None:
    op.add_column("entry", sa.Column("uuid", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False))
    op.add_column("entry", sa.Column("back_dating_reason", sa.String(length=2000), nullable=True))
    op.create_unique_constraint(op.f("uq_entry_uuid"), "entry", ["uuid"])
    op.create_check_constraint(
        op.f("ck_entry_past_has_reason"), "entry", "NOT back_dated OR back_dating_reason IS NOT NULL"
    )
    op.create_index(
        "uq_entry_reverses_id",
        "entry",
        ["reverses_id"],
        unique=True,
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )
    for column in BY_DAY:
        op.create_index(f"ix_entry_{column}_effective_on", "entry", [column, "effective_on"])
    op.create_index("ix_entry_effective_on", "entry", ["effective_on"], postgresql_using="brin")
    op.drop_index("ix_entry_framework_id", "entry")
    op.drop_index("ix_entry_lot_id", "entry")
    op.create_table(
        "proof",
        sa.Column("proven_on", sa.Date(), nullable=False),
        sa.Column("balances", sa.Integer(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("drifts", sa.Integer(), nullable=False),
        sa.Column("proven_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("proven_on", name=op.f("pk_proof")),
    )
    op.execute(
        "CREATE TRIGGER proof_is_final BEFORE UPDATE OR DELETE ON proof FOR EACH ROW EXECUTE FUNCTION is_final()"
    )


def downgrade() -> None:
    op.drop_table("proof")
    op.create_index("ix_entry_lot_id", "entry", ["lot_id"])
    op.create_index("ix_entry_framework_id", "entry", ["framework_id"])
    op.drop_index("ix_entry_effective_on", "entry")
    for column in BY_DAY:
        op.drop_index(f"ix_entry_{column}_effective_on", "entry")
    op.drop_index("uq_entry_reverses_id", "entry")
    op.drop_constraint(op.f("ck_entry_past_has_reason"), "entry")
    op.drop_constraint(op.f("uq_entry_uuid"), "entry")
    op.drop_column("entry", "back_dating_reason")
    op.drop_column("entry", "uuid")
