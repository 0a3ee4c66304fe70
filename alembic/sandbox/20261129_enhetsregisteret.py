"""The register of legal entities."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "07070700000d"
down_revision = "07070700000c"
branch_labels = None
depends_on = None


def upgrade() -> None:
    json = postgresql.JSONB(astext_type=sa.Text())
    op.create_table(
        "legal_entity",
        sa.Column("number", sa.String(length=9), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("form", sa.String(length=10), nullable=False),
        sa.Column("business_address", json, nullable=True),
        sa.Column("postal_address", json, nullable=True),
        sa.Column("registered_on", sa.Date(), nullable=False),
        sa.Column("municipality", sa.String(length=4), nullable=True),
        sa.Column("parent", sa.String(length=9), nullable=True),
        sa.Column("bankrupt", sa.Boolean(), nullable=False),
        sa.Column("winding_up", sa.Boolean(), nullable=False),
        sa.Column("forced_winding_up", sa.Boolean(), nullable=False),
        sa.Column("deleted_on", sa.Date(), nullable=True),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("more", json, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_legal_entity")),
    )
    op.create_index(op.f("ix_legal_entity_name"), "legal_entity", ["name"])
    op.create_index(op.f("ix_legal_entity_parent"), "legal_entity", ["parent"])
    op.create_table(
        "legal_entity_update",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(length=9), nullable=False),
        sa.Column(
            "change",
            sa.Enum("Ny", "Endring", "Sletting", "Fjernet", name="change", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_entity_update")),
    )
    op.create_index(op.f("ix_legal_entity_update_at"), "legal_entity_update", ["at"])
    op.create_index(op.f("ix_legal_entity_update_number"), "legal_entity_update", ["number"])


def downgrade() -> None:
    op.drop_table("legal_entity_update")
    op.drop_table("legal_entity")
