"""Tokens by reference, whose customer a client asks for, and Entra's groups."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "07070700000c"
down_revision = "07070700000b"
branch_labels = None
depends_on = None

ADDED = (
    ("login_client", "on_behalf_of", "{}"),
    ("login_client", "opaque_scopes", "[]"),
    ("login_person", "groups", "[]"),
)


def upgrade() -> None:
    for table, column, empty in ADDED:
        op.add_column(table, sa.Column(column, JSONB(), nullable=False, server_default=empty))
        op.alter_column(table, column, server_default=None)
    op.add_column("login_authorization", sa.Column("on_behalf_of", sa.String(length=100), nullable=True))
    op.add_column("login_access_token", sa.Column("mark", sa.LargeBinary(length=32), nullable=True))
    op.add_column("login_access_token", sa.Column("claims", JSONB(), nullable=True))
    op.create_unique_constraint(op.f("uq_login_access_token_mark"), "login_access_token", ["mark"])


def downgrade() -> None:
    op.drop_constraint(op.f("uq_login_access_token_mark"), "login_access_token", type_="unique")
    op.drop_column("login_access_token", "claims")
    op.drop_column("login_access_token", "mark")
    op.drop_column("login_authorization", "on_behalf_of")
    for table, column, _ in reversed(ADDED):
        op.drop_column(table, column)
