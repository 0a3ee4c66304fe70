"""Surveillance, appeals and integrity flags."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c1a7a1070008"
down_revision = "c1a7a1070007"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
JSON = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
STATES = (
    "open",
    "plan_requested",
    "plan_submitted",
    "plan_returned",
    "plan_approved",
    "resolved",
    "closed",
    "dismissed",
)
EVENTS = (
    "opened",
    *STATES[1:3],
    "plan_approved",
    "plan_returned",
    "resolved",
    "reopened",
    "closed",
    "dismissed",
    "escalated",
    "overdue",
)
APPEAL_STATES = ("submitted", "under_review", "dismissed", "upheld", "partly_upheld", "rejected", "withdrawn")
APPEAL_EVENTS = (
    "submitted",
    "review_begun",
    "dismissed",
    "upheld",
    "partly_upheld",
    "rejected",
    "withdrawn",
    "stayed",
    "stay_ended",
)
TARGETS = ("decision_id", "certificate_event_id", "supplier_suspension_id")
# What was said is only ever added to.
FINAL = ("non_conformity_requirement", "non_conformity_event", "appeal_event", "integrity_acknowledgement")
NEVER_CHANGED = """
CREATE FUNCTION {table}_is_final() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'a row of {table} is never changed or removed'; END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} EXECUTE FUNCTION {table}_is_final();
"""
# From here on the audit keeps every event of a certificate; of those that were there before, as they are now.
TRACE = """
INSERT INTO audit (client, request_id, action, subject, detail)
SELECT 'samvirke', 'migration', 'certificate.event', '/certificates/' || c.number || '/events',
       jsonb_build_object('event', e.id, 'kind', e.kind, 'effective_on', e.effective_on,
                          'organisation', e.organisation_number, 'client', e.client, 'reason', e.reason,
                          'ground', e.ground, 'target', e.target_id, 'detail', e.detail)
  FROM certificate_event e JOIN certificate c ON c.id = e.certificate_id
 WHERE NOT EXISTS (SELECT 1 FROM audit a WHERE a.subject = '/certificates/' || c.number || '/events'
                      AND a.action = 'certificate.event' AND CAST(a.detail ->> 'event' AS bigint) = e.id)
 ORDER BY e.id
"""


def refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"))


def choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, length=40)


def upgrade() -> None:
    op.create_table(
        "non_conformity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("severity", choice("severity", "minor", "major"), nullable=False),
        sa.Column("source", choice("source", "surveillance", "test_report", "complaint"), nullable=False),
        sa.Column("description", sa.String(length=5000), nullable=False),
        sa.Column("determined_on", sa.Date(), nullable=False),
        sa.Column("sites_total", sa.Integer(), nullable=True),
        sa.Column("opened_by", sa.String(length=9), nullable=False),
        sa.Column("opened_client", sa.String(length=200), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("state", choice("state", *STATES), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("escalated", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        refers("non_conformity", "certificate_id", "certificate"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_non_conformity")),
        sa.UniqueConstraint("uuid", name=op.f("uq_non_conformity_uuid")),
    )
    op.create_index("ix_non_conformity_certificate_id_uuid", "non_conformity", ["certificate_id", "uuid"])
    op.create_index(
        "ix_non_conformity_live",
        "non_conformity",
        ["uuid"],
        postgresql_where=sa.text("state NOT IN ('closed', 'dismissed')"),
    )
    op.create_index(
        "ix_non_conformity_due_on", "non_conformity", ["due_on"], postgresql_where=sa.text("due_on IS NOT NULL")
    )
    op.create_table(
        "non_conformity_requirement",
        sa.Column("non_conformity_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("requirement_id", sa.Integer(), autoincrement=False, nullable=False),
        refers("non_conformity_requirement", "non_conformity_id", "non_conformity"),
        refers("non_conformity_requirement", "requirement_id", "requirement"),
        sa.PrimaryKeyConstraint("non_conformity_id", "requirement_id", name=op.f("pk_non_conformity_requirement")),
    )
    op.create_index(
        op.f("ix_non_conformity_requirement_requirement_id"), "non_conformity_requirement", ["requirement_id"]
    )
    op.create_table(
        "non_conformity_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("non_conformity_id", sa.Integer(), nullable=False),
        sa.Column("kind", choice("kind", *EVENTS), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(length=5000), nullable=True),
        sa.Column("organisation_number", sa.String(length=9), nullable=True),
        sa.Column("client", sa.String(length=200), nullable=True),
        sa.Column("detail", JSON, nullable=True),
        refers("non_conformity_event", "non_conformity_id", "non_conformity"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_non_conformity_event")),
    )
    op.create_index("ix_non_conformity_event_non_conformity_id_id", "non_conformity_event", ["non_conformity_id", "id"])
    op.create_index(
        "ix_non_conformity_event_overdue",
        "non_conformity_event",
        ["non_conformity_id", "due_on"],
        unique=True,
        postgresql_where=sa.text("kind = 'overdue'"),
    )
    op.create_table(
        "appeal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=True),
        sa.Column("certificate_event_id", sa.Integer(), nullable=True),
        sa.Column("supplier_suspension_id", sa.Integer(), nullable=True),
        sa.Column("appellant_id", sa.Integer(), nullable=False),
        sa.Column("appellant_number", sa.String(length=9), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=10000), nullable=False),
        sa.Column("attachments", JSON, nullable=False),
        sa.Column("submitted_at", INSTANT, nullable=False),
        sa.Column("appealed_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("state", choice("state", *APPEAL_STATES), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint(f"num_nonnulls({', '.join(TARGETS)}) = 1", name=op.f("ck_appeal_one_target")),
        refers("appeal", "decision_id", "decision"),
        refers("appeal", "certificate_event_id", "certificate_event"),
        refers("appeal", "supplier_suspension_id", "supplier_suspension"),
        refers("appeal", "appellant_id", "organisation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal")),
        sa.UniqueConstraint("uuid", name=op.f("uq_appeal_uuid")),
    )
    for column in TARGETS:
        op.create_index(
            f"ix_appeal_{column}",
            "appeal",
            [column],
            unique=True,
            postgresql_where=sa.text("state NOT IN ('withdrawn', 'dismissed')"),
        )
    op.create_index("ix_appeal_appellant_id_uuid", "appeal", ["appellant_id", "uuid"])
    op.create_index("ix_appeal_state_uuid", "appeal", ["state", "uuid"])
    op.create_table(
        "appeal_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("appeal_id", sa.Integer(), nullable=False),
        sa.Column("kind", choice("kind", *APPEAL_EVENTS), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("reason", sa.String(length=10000), nullable=True),
        sa.Column("organisation_number", sa.String(length=9), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=False),
        sa.Column("detail", JSON, nullable=True),
        refers("appeal_event", "appeal_id", "appeal"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal_event")),
    )
    op.create_index("ix_appeal_event_appeal_id_id", "appeal_event", ["appeal_id", "id"])
    op.create_table(
        "integrity_acknowledgement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("flag", sa.String(length=200), nullable=False),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("organisation_number", sa.String(length=9), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=False),
        refers("integrity_acknowledgement", "certificate_id", "certificate"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_integrity_acknowledgement")),
        sa.UniqueConstraint("flag", name=op.f("uq_integrity_acknowledgement_flag")),
    )
    op.create_index(
        op.f("ix_integrity_acknowledgement_certificate_id"), "integrity_acknowledgement", ["certificate_id"]
    )
    for table in FINAL:
        op.execute(NEVER_CHANGED.format(table=table))
    op.execute(TRACE)


def downgrade() -> None:
    """The audit rows stay: an audit row is never removed."""
    op.drop_table("integrity_acknowledgement")
    op.drop_table("appeal_event")
    op.drop_table("appeal")
    for table in FINAL:
        op.execute(f"DROP FUNCTION {table}_is_final CASCADE")
    op.drop_table("non_conformity_event")
    op.drop_table("non_conformity_requirement")
    op.drop_table("non_conformity")
