"""SvarUT's three versions of REST, its accounts and its clock."""

revision = "07070700000a"
down_revision = "06060600000b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
