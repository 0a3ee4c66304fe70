"""Channels, priorities and deadlines of a dispatch."""

revision = "07d15a7c000a"
down_revision = "01ccc2d0a97b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
