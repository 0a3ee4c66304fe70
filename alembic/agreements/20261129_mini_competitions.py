"""Mini-competitions: what is announced, who is invited, sealed bids, their opening.

Revision ID: a7a708000001
Revises: a7a70700000a
"""

revision = "a7a708000001"
down_revision = "a7a70700000a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled with its tables."""


def downgrade() -> None:
    """Filled with its tables."""
