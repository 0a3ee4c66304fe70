"""Order messages in UBL, in and out.

Revision ID: a7a708000005
Revises: a7a708000004
"""

revision = "a7a708000005"
down_revision = "a7a708000004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled with its tables."""


def downgrade() -> None:
    """Filled with its tables."""
