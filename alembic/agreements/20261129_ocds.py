"""Open contracting: when a process was last published.

Revision ID: a7a708000004
Revises: a7a708000003
"""

revision = "a7a708000004"
down_revision = "a7a708000003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled with its tables."""


def downgrade() -> None:
    """Filled with its tables."""
