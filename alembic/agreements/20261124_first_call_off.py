"""First tables: framework agreements, ledger, call-offs, and what the chassis and the job queue keep."""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

from services.chassis.audit import FINAL_SQL
from services.chassis.jobs import DROP_TABLES_SQL, create_tables_sql

revision = "014afc965cd5"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("event_position")))
    op.execute(sa.schema.CreateSequence(sa.Sequence("call_off_number")))
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
        "balance",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "scope", sa.Enum("framework_agreement", "lot", name="scope", native_enum=False, length=40), nullable=False
        ),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("ceiling", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("reserved", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("posted", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.CheckConstraint("ceiling IS NULL OR reserved + posted <= ceiling", name=op.f("ck_balance_ceiling_holds")),
        sa.CheckConstraint("reserved >= 0 AND posted >= 0", name=op.f("ck_balance_never_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balance")),
        sa.UniqueConstraint("scope", "subject_id", name=op.f("uq_balance_scope_subject_id")),
    )
    op.create_table(
        "entry",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("reserve", "adjust", "post", "release", name="kind", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("framework_id", sa.Integer(), nullable=False),
        sa.Column("lot_id", sa.Integer(), nullable=False),
        sa.Column("call_off_id", sa.BigInteger(), nullable=False),
        sa.Column("buyer", sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
        sa.Column("supplier", sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
        sa.Column("reserved", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("posted", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("cause", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
    )
    op.create_index(op.f("ix_entry_call_off_id"), "entry", ["call_off_id"], unique=False)
    op.create_index(op.f("ix_entry_framework_id"), "entry", ["framework_id"], unique=False)
    op.create_index(op.f("ix_entry_lot_id"), "entry", ["lot_id"], unique=False)
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
        "feed_cursor",
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_feed_cursor")),
    )
    op.create_table(
        "frameworkagreement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("title", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("owner_number", sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
        sa.Column("owner_name", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "announced",
                "standstill",
                "active",
                "suspended",
                "exhausted",
                "expired",
                "terminated",
                "closed",
                "cancelled",
                name="state",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("notice_reference", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("cpv", postgresql.ARRAY(sa.String(length=10)), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("period_rationale", sqlmodel.sql.sqltypes.AutoString(length=2000), nullable=True),
        sa.Column("estimate", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("approval_limit", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("specification", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True),
        sa.Column("specification_version", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_frameworkagreement")),
        sa.UniqueConstraint("slug", name=op.f("uq_frameworkagreement_slug")),
    )
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
        "lot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("framework_id", sa.Integer(), nullable=False),
        sa.Column("slug", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("title", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("method", sa.Enum("ranking", name="method", native_enum=False, length=40), nullable=False),
        sa.ForeignKeyConstraint(["framework_id"], ["frameworkagreement.id"], name=op.f("fk_lot_framework_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot")),
        sa.UniqueConstraint("framework_id", "slug", name=op.f("uq_lot_framework_id_slug")),
    )
    op.create_table(
        "participant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("framework_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.ForeignKeyConstraint(["framework_id"], ["frameworkagreement.id"], name=op.f("fk_participant_framework_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participant")),
        sa.UniqueConstraint("framework_id", "number", name=op.f("uq_participant_framework_id_number")),
    )
    op.create_index(op.f("ix_participant_number"), "participant", ["number"], unique=False)
    op.create_table(
        "place",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lot_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "active",
                "suspended",
                "withdrawn",
                "terminated",
                "ended",
                name="placestate",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_place_lot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place")),
        sa.UniqueConstraint("lot_id", "number", name=op.f("uq_place_lot_id_number")),
        sa.UniqueConstraint("lot_id", "rank", name=op.f("uq_place_lot_id_rank")),
    )
    op.create_index(op.f("ix_place_number"), "place", ["number"], unique=False)
    op.create_table(
        "calloff",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("number", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("framework_id", sa.Integer(), nullable=False),
        sa.Column("lot_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("framework", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("lot", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("framework_title", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("lot_title", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("notice_owner", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("buyer_id", sa.Uuid(), nullable=False),
        sa.Column("buyer", sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
        sa.Column("buyer_name", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("supplier", sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
        sa.Column("supplier_name", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "reserved",
                "approved",
                "sent",
                "acknowledged",
                "change_proposed",
                "declined",
                "confirmed",
                "change_requested",
                "in_delivery",
                "delivered",
                "disputed",
                "accepted",
                "closed",
                "cancelled",
                "failed",
                name="state",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("needed_on", sa.Date(), nullable=False),
        sa.Column("placed_on", sa.Date(), nullable=False),
        sa.Column("reference", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("net", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("vat", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("reserved", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("choice", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("specification", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True),
        sa.Column("specification_version", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("reserved >= 0 AND reserved <= net", name=op.f("ck_calloff_reserved_fits")),
        sa.ForeignKeyConstraint(["framework_id"], ["frameworkagreement.id"], name=op.f("fk_calloff_framework_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_calloff_lot_id")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_calloff_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calloff")),
        sa.UniqueConstraint("number", name=op.f("uq_calloff_number")),
        sa.UniqueConstraint("uuid", name=op.f("uq_calloff_uuid")),
    )
    op.create_index("ix_calloff_buyer_uuid", "calloff", ["buyer", "uuid"], unique=False)
    op.create_index(op.f("ix_calloff_framework_id"), "calloff", ["framework_id"], unique=False)
    op.create_index("ix_calloff_supplier_uuid", "calloff", ["supplier", "uuid"], unique=False)
    op.create_table(
        "price",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("item", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("name", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("unit", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("vat_percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("product", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True),
        sa.CheckConstraint("unit_price >= 0 AND vat_percent >= 0", name=op.f("ck_price_never_negative")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_price_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price")),
        sa.UniqueConstraint("place_id", "version", "item", name=op.f("uq_price_place_id_version_item")),
    )
    op.create_table(
        "calloffevent",
        sa.Column("call_off_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column(
            "event",
            sa.Enum(
                "reserve",
                "edit",
                "reservation_timeout",
                "approve",
                "revoke_approval",
                "send",
                "acknowledge",
                "confirm",
                "propose_change",
                "decline",
                "response_timeout",
                "accept_change",
                "refuse_change",
                "next_supplier",
                "no_supplier_left",
                "buyer_change",
                "change_confirmed",
                "change_refused",
                "register_delivery",
                "last_delivery",
                "terminate_rest",
                "accept",
                "complain",
                "redeliver",
                "settle",
                "close",
                "cancel",
                name="event",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "reserved",
                "approved",
                "sent",
                "acknowledged",
                "change_proposed",
                "declined",
                "confirmed",
                "change_requested",
                "in_delivery",
                "delivered",
                "disputed",
                "accepted",
                "closed",
                "cancelled",
                "failed",
                name="state",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("organisation", sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(length=2000), nullable=True),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(["call_off_id"], ["calloff.id"], name=op.f("fk_calloffevent_call_off_id")),
        sa.PrimaryKeyConstraint("call_off_id", "sequence", name=op.f("pk_calloffevent")),
    )
    op.create_table(
        "calloffline",
        sa.Column("call_off_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("item", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("name", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("unit", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("vat_percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("product", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True),
        sa.Column("price_list_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["call_off_id"], ["calloff.id"], name=op.f("fk_calloffline_call_off_id")),
        sa.PrimaryKeyConstraint("call_off_id", "position", name=op.f("pk_calloffline")),
    )
    op.create_table(
        "letter",
        sa.Column("call_off_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("reference", sqlmodel.sql.sqltypes.AutoString(length=100), nullable=False),
        sa.Column("pdf", sa.LargeBinary(), nullable=True),
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
        sa.Column("dispatch_id", sa.Uuid(), nullable=True),
        sa.Column("status", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=True),
        sa.Column("external_id", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["call_off_id"], ["calloff.id"], name=op.f("fk_letter_call_off_id")),
        sa.PrimaryKeyConstraint("call_off_id", "kind", name=op.f("pk_letter")),
        sa.UniqueConstraint("reference", name=op.f("uq_letter_reference")),
    )


def downgrade() -> None:
    op.drop_table("letter")
    op.drop_table("calloffline")
    op.drop_table("calloffevent")
    op.drop_table("price")
    op.drop_index("ix_calloff_supplier_uuid", table_name="calloff")
    op.drop_index(op.f("ix_calloff_framework_id"), table_name="calloff")
    op.drop_index("ix_calloff_buyer_uuid", table_name="calloff")
    op.drop_table("calloff")
    op.drop_index(op.f("ix_place_number"), table_name="place")
    op.drop_table("place")
    op.drop_index(op.f("ix_participant_number"), table_name="participant")
    op.drop_table("participant")
    op.drop_table("lot")
    op.drop_table("idempotency_key")
    op.drop_table("frameworkagreement")
    op.drop_table("feed_cursor")
    op.drop_index("ix_event_unnumbered", table_name="event", postgresql_where=sa.text("position IS NULL"))
    op.drop_index("ix_event_organisation_position", table_name="event")
    op.drop_table("event")
    op.drop_index(op.f("ix_entry_lot_id"), table_name="entry")
    op.drop_index(op.f("ix_entry_framework_id"), table_name="entry")
    op.drop_index(op.f("ix_entry_call_off_id"), table_name="entry")
    op.drop_table("entry")
    op.drop_table("balance")
    op.drop_index("ix_audit_subject", table_name="audit")
    op.drop_table("audit")
    op.drop_table("audit_seal")
    op.execute("DROP FUNCTION audit_is_final")
    op.execute(sa.text(DROP_TABLES_SQL.replace(":", "\\:")))
    op.execute(sa.schema.DropSequence(sa.Sequence("call_off_number")))
    op.execute(sa.schema.DropSequence(sa.Sequence("event_position")))
