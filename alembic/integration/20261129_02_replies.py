"""Replies fetched from SvarInn."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "07d15a7c000b"
down_revision = "07d15a7c000a"
branch_labels = None
depends_on = None

STATES = ("waiting", "received", "failed", "given_up")


def upgrade() -> None:
    op.create_table(
        "reply",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.String(length=100), nullable=False),
        sa.Column("organisation", sa.String(length=9), nullable=False),
        sa.Column("dispatch_id", sa.BigInteger(), nullable=True),
        sa.Column("recipient_number", sa.String(length=9), nullable=True),
        sa.Column("sender_name", sa.String(length=200), nullable=True),
        sa.Column("sender_number", sa.String(length=9), nullable=True),
        sa.Column("title", sa.String(length=1000), nullable=False),
        sa.Column("letter_type", sa.String(length=100), nullable=True),
        sa.Column("answers_to", sa.Uuid(), nullable=True),
        sa.Column("reference", sa.String(length=100), nullable=True),
        sa.Column("sender_case", JSONB(none_as_null=True), nullable=False),
        sa.Column("state", sa.Enum(*STATES, name="state", native_enum=False, length=40), nullable=False),
        sa.Column("detail", sa.String(length=2000), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["dispatch_id"], ["dispatch.id"], name=op.f("fk_reply_dispatch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply")),
        sa.UniqueConstraint("external_id", name=op.f("uq_reply_external_id")),
        sa.UniqueConstraint("uuid", name=op.f("uq_reply_uuid")),
    )
    op.create_index("ix_reply_account_state", "reply", ["account", "state"], unique=False)
    op.create_index(op.f("ix_reply_dispatch_id"), "reply", ["dispatch_id"], unique=False)
    op.create_index("ix_reply_organisation_uuid", "reply", ["organisation", "uuid"], unique=False)
    op.create_table(
        "reply_document",
        sa.Column("reply_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("filename", sa.String(length=226), nullable=False),
        sa.Column("media_type", sa.String(length=127), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["reply_id"], ["reply.id"], name=op.f("fk_reply_document_reply_id")),
        sa.PrimaryKeyConstraint("reply_id", "position", name=op.f("pk_reply_document")),
    )
    op.create_table(
        "svarinn_account",
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_look_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("user_name", name=op.f("pk_svarinn_account")),
    )


def downgrade() -> None:
    for table in ("svarinn_account", "reply_document", "reply"):
        op.drop_table(table)
