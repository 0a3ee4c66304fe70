"""Evaluations and awards of mini-competitions.

Revision ID: a7a708000002
Revises: a7a708000001
"""

revision = "a7a708000002"
down_revision = "a7a708000001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled with its tables."""


def downgrade() -> None:
    """Filled with its tables."""
