"""Letters of a call-off: their whole way, recalls and replies."""

revision = "a7a70700000a"
down_revision = "a3e5e50500a2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
