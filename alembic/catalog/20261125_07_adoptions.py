"""Adoptions: who uses what."""

revision = "c1a7a1060007"
down_revision = "c1a7a1060006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
