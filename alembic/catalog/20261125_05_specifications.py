"""Specifications with a timeline, derivations and packs."""

revision = "c1a7a1060005"
down_revision = "c1a7a1060004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
