"""Tokens by reference, and who else logs in."""

revision = "07070700000c"
down_revision = "07070700000b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
