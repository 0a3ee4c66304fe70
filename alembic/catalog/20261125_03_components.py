"""Components with a life cycle, versions, repositories and dependencies."""

revision = "c1a7a1060003"
down_revision = "c1a7a1060002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
