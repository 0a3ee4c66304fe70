"""Interfaces with versions and artefacts; standards with bindings."""

revision = "c1a7a1060004"
down_revision = "c1a7a1060003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
