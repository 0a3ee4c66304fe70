"""SvarInn: receiving systems and what lies waiting for them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "07070700000b"
down_revision = "07070700000a"
branch_labels = None
depends_on = None

SPOILT = ("other_certificate", "cut", "changed_byte", "other_content", "no_archive", "bomb")


def upgrade() -> None:
    op.create_table(
        "svarinn_receiving_system",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("system_id", sa.Uuid(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("password", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("certificate", sa.String(), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_svarinn_receiving_system")),
        sa.UniqueConstraint("system_id", name=op.f("uq_svarinn_receiving_system_system_id")),
        sa.UniqueConstraint("user_name", name=op.f("uq_svarinn_receiving_system_user_name")),
    )
    op.create_table(
        "svarinn_taken",
        sa.Column("system", sa.Integer(), nullable=False),
        sa.Column("organisation", sa.String(length=9), nullable=False),
        sa.Column("letter_type", sa.String(length=100), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["system"], ["svarinn_receiving_system.id"], name=op.f("fk_svarinn_taken_system")),
        sa.PrimaryKeyConstraint("system", "organisation", "letter_type", name=op.f("pk_svarinn_taken")),
    )
    op.create_index(op.f("ix_svarinn_taken_organisation"), "svarinn_taken", ["organisation"], unique=False)
    op.create_table(
        "svarinn_oddity",
        sa.Column("letter", sa.Integer(), nullable=False),
        sa.Column("listed", JSONB(none_as_null=True), nullable=False),
        sa.Column("spoilt", sa.Enum(*SPOILT, name="spoilt", native_enum=False, length=40), nullable=True),
        sa.ForeignKeyConstraint(["letter"], ["svarut_letter.id"], name=op.f("fk_svarinn_oddity_letter")),
        sa.PrimaryKeyConstraint("letter", name=op.f("pk_svarinn_oddity")),
    )
    op.create_table(
        "svarinn_failure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("letter", sa.Integer(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("permanent", sa.Boolean(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["letter"], ["svarut_letter.id"], name=op.f("fk_svarinn_failure_letter")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_svarinn_failure")),
    )
    op.create_index(op.f("ix_svarinn_failure_letter"), "svarinn_failure", ["letter"], unique=False)


def downgrade() -> None:
    for table in ("svarinn_failure", "svarinn_oddity", "svarinn_taken", "svarinn_receiving_system"):
        op.drop_table(table)
