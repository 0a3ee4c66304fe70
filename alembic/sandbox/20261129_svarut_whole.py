"""SvarUT's three versions of REST, its accounts and its clock."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "07070700000a"
down_revision = "06060600000b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("svarut_letter", sa.Column("forsendelse", JSONB(none_as_null=True), nullable=True))
    op.add_column("svarut_letter", sa.Column("sender_number", sa.String(length=9), nullable=True))
    op.add_column("svarut_letter", sa.Column("sender_name", sa.String(length=100), nullable=True))


def downgrade() -> None:
    for column in ("sender_name", "sender_number", "forsendelse"):
        op.drop_column("svarut_letter", column)
