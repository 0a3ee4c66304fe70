"""Product versions, documents and needs."""

revision = "c1a7a1060006"
down_revision = "c1a7a1060005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
