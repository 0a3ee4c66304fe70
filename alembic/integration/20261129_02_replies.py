"""Replies fetched from SvarInn."""

revision = "07d15a7c000b"
down_revision = "07d15a7c000a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
