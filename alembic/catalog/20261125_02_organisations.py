"""Organisations over time: structures, successions, co-operations in dated states."""

revision = "c1a7a1060002"
down_revision = "c1a7a1060001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
