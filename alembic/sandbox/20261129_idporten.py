"""ID-porten and Ansattporten."""

revision = "06060600000b"
down_revision = "06060600000a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
