"""One search over everything."""

revision = "c1a7a1060008"
down_revision = "c1a7a1060007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
