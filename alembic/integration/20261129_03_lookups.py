"""Recipients looked up in Enhetsregisteret."""

revision = "07d15a7c000c"
down_revision = "07d15a7c000b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
