"""Recalls, and the notices of them; warnings before a certificate expires."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c1a7a1070009"
down_revision = "c1a7a1070008"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "recall",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("recipient_ids", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("unreachable", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("closing_event_id", sa.Integer(), nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("told_at", INSTANT, nullable=True),
        sa.Column("end_told_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["certificate_id"], ["certificate.id"], name=op.f("fk_recall_certificate_id")),
        sa.ForeignKeyConstraint(["event_id"], ["certificate_event.id"], name=op.f("fk_recall_event_id")),
        sa.ForeignKeyConstraint(
            ["closing_event_id"], ["certificate_event.id"], name=op.f("fk_recall_closing_event_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall")),
        sa.UniqueConstraint("uuid", name=op.f("uq_recall_uuid")),
        sa.UniqueConstraint("event_id", name=op.f("uq_recall_event_id")),
    )
    op.create_index("ix_recall_certificate_id_uuid", "recall", ["certificate_id", "uuid"])
    op.create_index("ix_recall_state_uuid", "recall", ["state", "uuid"])
    op.create_index(
        "ix_recall_open", "recall", ["certificate_id"], unique=True, postgresql_where=sa.text("state = 'open'")
    )
    op.create_index(
        "ix_recall_waiting",
        "recall",
        ["certificate_id", "id"],
        postgresql_where=sa.text("told_at IS NULL OR (state = 'ended' AND end_told_at IS NULL)"),
    )
    op.create_table(
        "recall_progress",
        sa.Column("certificate_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["certificate_id"], ["certificate.id"], name=op.f("fk_recall_progress_certificate_id")),
        sa.PrimaryKeyConstraint("certificate_id", name=op.f("pk_recall_progress")),
    )
    # What happened before there were recalls is not told of years later.
    op.execute(
        "INSERT INTO recall_progress (certificate_id, event_id) "
        "SELECT certificate_id, max(id) FROM certificate_event GROUP BY certificate_id"
    )
    op.create_table(
        "recall_notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("recall_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("told_at", INSTANT, nullable=False),
        sa.Column("end_told_at", INSTANT, nullable=True),
        sa.Column("measure", sa.String(length=40), nullable=True),
        sa.Column("comment", sa.String(length=2000), nullable=True),
        sa.Column("acknowledged_at", INSTANT, nullable=True),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["recall_id"], ["recall.id"], name=op.f("fk_recall_notice_recall_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_recall_notice_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall_notice")),
        sa.UniqueConstraint("uuid", name=op.f("uq_recall_notice_uuid")),
        sa.UniqueConstraint("recall_id", "organisation_id", name=op.f("uq_recall_notice_recall_id_organisation_id")),
    )
    op.create_index("ix_recall_notice_organisation_id_uuid", "recall_notice", ["organisation_id", "uuid"])
    op.create_table(
        "expiry_warning",
        sa.Column("certificate_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("valid_to_on", sa.Date(), nullable=False),
        sa.Column("days", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("told_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["certificate_id"], ["certificate.id"], name=op.f("fk_expiry_warning_certificate_id")),
        sa.PrimaryKeyConstraint("certificate_id", "valid_to_on", "days", name=op.f("pk_expiry_warning")),
    )


def downgrade() -> None:
    for table in ("expiry_warning", "recall_notice", "recall_progress", "recall"):
        op.drop_table(table)
