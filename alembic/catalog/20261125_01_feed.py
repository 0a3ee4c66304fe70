"""The feed's events."""

revision = "c1a7a1060001"
down_revision = "2844f2db15b8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
