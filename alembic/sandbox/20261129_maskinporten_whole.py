"""Maskinporten whole: what self-service, Altinn and certificates know."""

revision = "06060600000a"
down_revision = "a7e504f9729a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
