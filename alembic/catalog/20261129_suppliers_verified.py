"""Suppliers verified against Enhetsregisteret."""

revision = "c1a7a107000a"
down_revision = "c1a7a1070009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
