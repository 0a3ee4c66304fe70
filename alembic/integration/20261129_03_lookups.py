"""Recipients looked up in Enhetsregisteret."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "07d15a7c000c"
down_revision = "07d15a7c000b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lookup",
        sa.Column("number", sa.String(length=9), nullable=False),
        sa.Column(
            "standing",
            sa.Enum(
                "registered",
                "winding_up",
                "bankrupt",
                "deleted",
                "removed",
                "unknown",
                name="standing",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=500), nullable=True),
        sa.Column("form", sa.String(length=20), nullable=True),
        sa.Column("address", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("deleted_on", sa.Date(), nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outdated", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_lookup")),
    )
    op.create_table(
        "register_position",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_position")),
    )


def downgrade() -> None:
    op.drop_table("register_position")
    op.drop_table("lookup")
