"""Documents and letters of mini-competitions.

Revision ID: a7a708000003
Revises: a7a708000002
"""

revision = "a7a708000003"
down_revision = "a7a708000002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled with its tables."""


def downgrade() -> None:
    """Filled with its tables."""
