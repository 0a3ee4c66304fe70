"""Corrections, quotes and splitting."""

revision = "a3e5e5050091"
down_revision = "a3e5e50500f1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
