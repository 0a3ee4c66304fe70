"""Options for extension, and price terms, as they are announced."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "a3e5e50500a2"
down_revision = "a3e5e5050091"
branch_labels = None
depends_on = None

FACTOR = sa.Numeric(6, 4)


def upgrade() -> None:
    op.add_column("frameworkagreement", sa.Column("extensions", ARRAY(sa.Date()), server_default="{}", nullable=False))
    op.alter_column("frameworkagreement", "extensions", server_default=None)
    op.add_column("lot", sa.Column("index_clause", JSONB(), nullable=True))
    op.add_column("lot", sa.Column("lowest_factor", FACTOR, server_default="0.9", nullable=False))
    op.add_column("lot", sa.Column("highest_factor", FACTOR, server_default="1.1", nullable=False))
    # What was agreed with each supplier before lots had such terms was announced with the lot.
    op.execute(
        "UPDATE lot SET index_clause = (SELECT p.index_clause FROM place p WHERE p.lot_id = lot.id "
        "AND p.index_clause IS NOT NULL ORDER BY p.rank LIMIT 1), "
        "lowest_factor = least(0.9, (SELECT min(p.lowest_factor) FROM place p WHERE p.lot_id = lot.id)), "
        "highest_factor = greatest(1.1, (SELECT max(p.highest_factor) FROM place p WHERE p.lot_id = lot.id))"
    )
    for column in ("lowest_factor", "highest_factor"):
        op.alter_column("lot", column, server_default=None)


def downgrade() -> None:
    for column in ("highest_factor", "lowest_factor", "index_clause"):
        op.drop_column("lot", column)
    op.drop_column("frameworkagreement", "extensions")
