"""The register of legal entities."""

revision = "07070700000d"
down_revision = "07070700000c"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
