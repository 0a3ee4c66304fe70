"""Letters of a call-off: their whole way, recalls and replies."""

import sqlalchemy as sa
from alembic import op

revision = "a7a70700000a"
down_revision = "a3e5e50500a2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _letters()


def downgrade() -> None:
    _letters_as_they_were()


def _letters() -> None:
    op.add_column("letter", sa.Column("language", sa.String(length=2), nullable=True))


def _letters_as_they_were() -> None:
    op.drop_column("letter", "language")
