"""SvarInn: receiving systems and what lies waiting for them."""

revision = "07070700000b"
down_revision = "07070700000a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
