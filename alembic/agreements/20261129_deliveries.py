"""Deliveries, acceptance and complaints."""

revision = "a3e5e50500e1"
down_revision = "a3e5e50500d1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
