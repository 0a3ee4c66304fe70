"""First tables: dispatches, attempts, and what the chassis and the job queue keep."""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

from services.chassis.audit import FINAL_SQL
from services.chassis.jobs import DROP_TABLES_SQL, create_tables_sql

revision = "01ccc2d0a97b"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("event_position")))
    op.get_bind().exec_driver_sql(create_tables_sql().replace("%", "%%"))
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("organisation", sa.String(length=9), nullable=True),
        sa.Column("client", sa.String(length=200), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("detail", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("seal_id", sa.BigInteger(), nullable=True, comment="The only thing that is set later, once"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_subject", "audit", ["subject"], unique=False)
    op.create_index("ix_audit_unsealed", "audit", ["id"], unique=False, postgresql_where=sa.text("seal_id IS NULL"))
    op.create_index("ix_audit_seal_id", "audit", ["seal_id"], unique=False)
    op.create_table(
        "audit_seal",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_seal")),
    )
    op.get_bind().exec_driver_sql(FINAL_SQL)
    op.create_table(
        "dispatch",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("organisation", sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
        sa.Column("reference", sqlmodel.sql.sqltypes.AutoString(length=100), nullable=False),
        sa.Column("external_reference", sqlmodel.sql.sqltypes.AutoString(length=100), nullable=False),
        sa.Column("recipient_number", sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
        sa.Column("recipient_name", sqlmodel.sql.sqltypes.AutoString(length=100), nullable=False),
        sa.Column("title", sqlmodel.sql.sqltypes.AutoString(length=1000), nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "received",
                "accepted",
                "notified",
                "in_print",
                "read",
                "printed",
                "failed",
                "failed_final",
                "handled_manually",
                name="state",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("detail", sqlmodel.sql.sqltypes.AutoString(length=2000), nullable=True),
        sa.Column("external_id", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True),
        sa.Column("external_status", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispatch")),
        sa.UniqueConstraint("external_reference", name=op.f("uq_dispatch_external_reference")),
        sa.UniqueConstraint("organisation", "reference", name=op.f("uq_dispatch_organisation_reference")),
        sa.UniqueConstraint("uuid", name=op.f("uq_dispatch_uuid")),
    )
    op.create_index("ix_dispatch_organisation_uuid", "dispatch", ["organisation", "uuid"], unique=False)
    op.create_index("ix_dispatch_state", "dispatch", ["state", "id"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column(
            "organisation", sa.String(length=9), nullable=True, comment="Whose event it is; others do not see it"
        ),
        sa.Column("data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("position", name=op.f("uq_event_position")),
    )
    op.create_index("ix_event_organisation_position", "event", ["organisation", "position"], unique=False)
    op.create_index("ix_event_unnumbered", "event", ["id"], unique=False, postgresql_where=sa.text("position IS NULL"))
    op.create_table(
        "idempotency_key",
        sa.Column("organisation", sa.String(length=9), nullable=False),
        sa.Column("operation", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("location", sa.String(length=300), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("organisation", "operation", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_table(
        "attempt",
        sa.Column("dispatch_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "verdict",
            sa.Enum(
                "sent",
                "duplicate",
                "refused",
                "configuration",
                "transient",
                "uncertain",
                name="verdict",
                native_enum=False,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("detail", sqlmodel.sql.sqltypes.AutoString(length=2000), nullable=True),
        sa.Column("external_id", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True),
        sa.ForeignKeyConstraint(["dispatch_id"], ["dispatch.id"], name=op.f("fk_attempt_dispatch_id")),
        sa.PrimaryKeyConstraint("dispatch_id", "number", name=op.f("pk_attempt")),
    )
    op.create_table(
        "dispatch_document",
        sa.Column("dispatch_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("filename", sqlmodel.sql.sqltypes.AutoString(length=226), nullable=False),
        sa.Column("media_type", sqlmodel.sql.sqltypes.AutoString(length=127), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["dispatch_id"], ["dispatch.id"], name=op.f("fk_dispatch_document_dispatch_id")),
        sa.PrimaryKeyConstraint("dispatch_id", "position", name=op.f("pk_dispatch_document")),
    )
    op.create_table(
        "dispatch_event",
        sa.Column("dispatch_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "event",
            sa.Enum(
                "hand_over",
                "attempt_failed",
                "give_up",
                "accept",
                "reject",
                "notify",
                "to_print",
                "read",
                "undelivered",
                "printed",
                "retry",
                "manual",
                name="event",
                native_enum=False,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "received",
                "accepted",
                "notified",
                "in_print",
                "read",
                "printed",
                "failed",
                "failed_final",
                "handled_manually",
                name="state",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("detail", sqlmodel.sql.sqltypes.AutoString(length=2000), nullable=True),
        sa.Column("external_status", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(["dispatch_id"], ["dispatch.id"], name=op.f("fk_dispatch_event_dispatch_id")),
        sa.PrimaryKeyConstraint("dispatch_id", "version", name=op.f("pk_dispatch_event")),
    )


def downgrade() -> None:
    op.drop_table("dispatch_event")
    op.drop_table("dispatch_document")
    op.drop_table("attempt")
    op.drop_table("idempotency_key")
    op.drop_index("ix_event_unnumbered", table_name="event", postgresql_where=sa.text("position IS NULL"))
    op.drop_index("ix_event_organisation_position", table_name="event")
    op.drop_table("event")
    op.drop_index("ix_dispatch_state", table_name="dispatch")
    op.drop_index("ix_dispatch_organisation_uuid", table_name="dispatch")
    op.drop_table("dispatch")
    op.drop_index("ix_audit_subject", table_name="audit")
    op.drop_table("audit")
    op.drop_table("audit_seal")
    op.execute("DROP FUNCTION audit_is_final")
    op.execute(sa.text(DROP_TABLES_SQL.replace(":", "\\:")))
    op.execute(sa.schema.DropSequence(sa.Sequence("event_position")))
