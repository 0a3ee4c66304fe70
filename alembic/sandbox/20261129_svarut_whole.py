"""SvarUT's three versions of REST, its accounts and its clock."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "07070700000a"
down_revision = "06060600000b"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
LETTER = (
    ("forsendelse", JSONB(none_as_null=True), None),
    ("sender_number", sa.String(length=9), None),
    ("sender_name", sa.String(length=100), None),
    ("channel", sa.String(length=40), "svarinn"),
    ("digital_only", sa.Boolean(), "false"),
    ("forwards_unread", sa.Boolean(), "true"),
    ("fate", sa.String(length=40), None),
    ("defect", sa.String(length=300), None),
    ("before_deletion", sa.String(length=40), None),
    ("files_deleted_at", INSTANT, None),
)
"""Name, type, and what letters have that were taken before; None: may be NULL."""


def upgrade() -> None:
    for name, kind, before in LETTER:
        op.add_column("svarut_letter", sa.Column(name, kind, nullable=before is None, server_default=before))
        if before is not None:
            op.alter_column("svarut_letter", name, server_default=None)
    op.execute("UPDATE svarut_letter SET channel = CASE kind WHEN 'person' THEN 'sdp' ELSE 'print' END "
               "WHERE kind <> 'organisasjon'")  # fmt: skip
    op.add_column("svarut_document", sa.Column("fetched_at", INSTANT, nullable=True))
    op.create_table(
        "svarut_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("letter", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["letter"], ["svarut_letter.id"], name="fk_svarut_event_letter"),
        sa.PrimaryKeyConstraint("id", name="pk_svarut_event"),
    )
    op.create_index("ix_svarut_event_letter", "svarut_event", ["letter"])
    op.create_table(
        "svarut_pace",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("showed", INSTANT, nullable=False),
        sa.Column("speed", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_svarut_pace"),
    )
    op.create_table(
        "svarut_fate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fate_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("recipient_number", sa.String(length=9), nullable=True),
        sa.Column("external_reference", sa.String(length=100), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_svarut_fate"),
        sa.UniqueConstraint("fate_id", name="uq_svarut_fate_fate_id"),
    )
    op.create_table(
        "svarut_signing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("letter", sa.Uuid(), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["letter"], ["svarut_letter.letter_id"], name="fk_svarut_signing_letter"),
        sa.PrimaryKeyConstraint("id", name="pk_svarut_signing"),
    )
    op.create_index("ix_svarut_signing_letter", "svarut_signing", ["letter"])
    op.create_table(
        "svarut_account",
        sa.Column("konto", sa.Uuid(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("password_hash", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=9), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("forwards_unread", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("konto", name="pk_svarut_account"),
        sa.UniqueConstraint("user_name", name="uq_svarut_account_user_name"),
    )
    op.create_table(
        "svarut_integration",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation", sa.String(length=9), nullable=False),
        sa.Column("password_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_svarut_integration"),
    )
    op.create_table(
        "svarut_grant",
        sa.Column("integration", sa.Uuid(), nullable=False),
        sa.Column("konto", sa.Uuid(), nullable=False),
        sa.Column("migrated", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["integration"], ["svarut_integration.id"], name="fk_svarut_grant_integration"),
        sa.ForeignKeyConstraint(["konto"], ["svarut_account.konto"], name="fk_svarut_grant_konto"),
        sa.PrimaryKeyConstraint("integration", "konto", name="pk_svarut_grant"),
    )
    op.create_table(
        "svarut_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("private_key", sa.String(), nullable=False),
        sa.Column("certificate", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_svarut_key"),
    )


def downgrade() -> None:
    for table in (
        "svarut_key",
        "svarut_grant",
        "svarut_integration",
        "svarut_account",
        "svarut_signing",
        "svarut_fate",
        "svarut_pace",
        "svarut_event",
    ):
        op.drop_table(table)
    op.drop_column("svarut_document", "fetched_at")
    for name, _, _ in reversed(LETTER):
        op.drop_column("svarut_letter", name)
