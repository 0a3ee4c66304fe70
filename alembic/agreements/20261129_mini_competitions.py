"""Mini-competitions: what is announced, who is invited, sealed bids, their opening.

Revision ID: a7a708000001
Revises: a7a70700000a
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "a7a708000001"
down_revision = "a7a70700000a"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
MONEY = sa.Numeric(14, 2)
NOW = sa.text("clock_timestamp()")
FINAL = ("minicompetitionevent", "invitation", "bidevent", "bidversion", "biddocument", "opening", "openedbid")
"""Tables whose rows are never changed or removed."""
TABLES = (
    *("openedbid", "opening", "bidversion", "bidevent", "biddocument", "bid"),
    *("question", "minicompetitionevent", "invitation", "minicompetition"),
)


def upgrade() -> None:
    op.add_column(
        "lot",
        sa.Column("competition_may_exceed_price_list", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.execute("CREATE SEQUENCE mini_competition_number")
    _competitions()
    _bids()
    _openings()
    for table in FINAL:
        op.execute(
            f"CREATE TRIGGER {table}_is_final BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION is_final()"
        )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.execute("DROP SEQUENCE mini_competition_number")
    op.drop_column("lot", "competition_may_exceed_price_list")


def _competitions() -> None:
    op.create_table(
        "minicompetition",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("framework_id", sa.Integer(), nullable=False),
        sa.Column("lot_id", sa.Integer(), nullable=False),
        sa.Column("framework", sa.String(80), nullable=False),
        sa.Column("lot", sa.String(80), nullable=False),
        sa.Column("owner", sa.String(9), nullable=False),
        sa.Column("buyer_id", sa.Uuid(), nullable=False),
        sa.Column("buyer", sa.String(9), nullable=False),
        sa.Column("buyer_name", sa.String(200), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("title", JSONB(), nullable=False),
        sa.Column("description", JSONB(), nullable=True),
        sa.Column("need", sa.Uuid(), nullable=True),
        sa.Column("specification", sa.String(80), nullable=True),
        sa.Column("specification_version", sa.String(40), nullable=True),
        sa.Column("needed_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.String(200), nullable=True),
        sa.Column("lines", JSONB(), nullable=False),
        sa.Column("criteria", JSONB(), nullable=False),
        sa.Column("tie_rule", JSONB(), nullable=False),
        sa.Column("above_price_list", sa.Boolean(), nullable=False),
        sa.Column("questions_until", INSTANT, nullable=True),
        sa.Column("deadline", INSTANT, nullable=False),
        sa.Column("standstill_days", sa.Integer(), nullable=False),
        sa.Column("evaluators", JSONB(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("bids_from_version", sa.Integer(), nullable=False),
        sa.Column("value", MONEY, nullable=True),
        sa.Column("value_secret", sa.Boolean(), nullable=False),
        sa.Column("lot_seed", sa.String(64), nullable=True),
        sa.Column("public_key", sa.LargeBinary(), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("drafted_at", INSTANT, nullable=False),
        sa.Column("published_at", INSTANT, nullable=True),
        sa.Column("opened_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["framework_id"], ["frameworkagreement.id"], name=op.f("fk_minicompetition_framework_id")
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_minicompetition_lot_id")),
        sa.ForeignKeyConstraint(["participant_id"], ["participant.id"], name=op.f("fk_minicompetition_participant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_minicompetition")),
        sa.UniqueConstraint("number", name=op.f("uq_minicompetition_number")),
        sa.UniqueConstraint("uuid", name=op.f("uq_minicompetition_uuid")),
    )
    op.create_index("ix_minicompetition_buyer_uuid", "minicompetition", ["buyer", "uuid"], unique=False)
    op.create_index(
        "ix_minicompetition_due",
        "minicompetition",
        ["deadline"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(op.f("ix_minicompetition_framework_id"), "minicompetition", ["framework_id"], unique=False)
    op.create_index("ix_minicompetition_owner", "minicompetition", ["owner"], unique=False)
    op.create_table(
        "invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("competition_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("supplier", sa.String(9), nullable=False),
        sa.Column("supplier_name", sa.String(200), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("prices", JSONB(), nullable=False),
        sa.Column("invited_at", INSTANT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["competition_id"], ["minicompetition.id"], name=op.f("fk_invitation_competition_id")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_invitation_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("competition_id", "place_id", name=op.f("uq_invitation_competition_id_place_id")),
    )
    op.create_index(op.f("ix_invitation_supplier"), "invitation", ["supplier"], unique=False)
    op.create_table(
        "minicompetitionevent",
        sa.Column("competition_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("organisation", sa.String(9), nullable=True),
        sa.Column("reason", sa.String(2000), nullable=True),
        sa.Column("detail", JSONB(), nullable=True),
        sa.Column("recorded_at", INSTANT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["minicompetition.id"], name=op.f("fk_minicompetitionevent_competition_id")
        ),
        sa.PrimaryKeyConstraint("competition_id", "sequence", name=op.f("pk_minicompetitionevent")),
    )
    op.create_table(
        "question",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("competition_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(9), nullable=False),
        sa.Column("text", sa.String(5000), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("answer", sa.String(10000), nullable=True),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["competition_id"], ["minicompetition.id"], name=op.f("fk_question_competition_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
        sa.UniqueConstraint("competition_id", "number", name=op.f("uq_question_competition_id_number")),
        sa.UniqueConstraint("uuid", name=op.f("uq_question_uuid")),
    )


def _bids() -> None:
    op.create_table(
        "bid",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("competition_id", sa.Integer(), nullable=False),
        sa.Column("invitation_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("supplier", sa.String(9), nullable=False),
        sa.Column("supplier_name", sa.String(200), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("answers_version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("drafted_at", INSTANT, nullable=False),
        sa.Column("submitted_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["competition_id"], ["minicompetition.id"], name=op.f("fk_bid_competition_id")),
        sa.ForeignKeyConstraint(["invitation_id"], ["invitation.id"], name=op.f("fk_bid_invitation_id")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_bid_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bid")),
        sa.UniqueConstraint("uuid", name=op.f("uq_bid_uuid")),
    )
    op.create_index(op.f("ix_bid_competition_id"), "bid", ["competition_id"], unique=False)
    op.create_index("ix_bid_supplier_uuid", "bid", ["supplier", "uuid"], unique=False)
    op.create_index(
        "uq_bid_living",
        "bid",
        ["competition_id", "supplier"],
        unique=True,
        postgresql_where=sa.text("state <> 'withdrawn'"),
    )
    op.create_table(
        "biddocument",
        sa.Column("bid_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_sha256", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["bid_id"], ["bid.id"], name=op.f("fk_biddocument_bid_id")),
        sa.PrimaryKeyConstraint("bid_id", "version", "position", name=op.f("pk_biddocument")),
    )
    op.create_table(
        "bidevent",
        sa.Column("bid_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("organisation", sa.String(9), nullable=True),
        sa.Column("reason", sa.String(2000), nullable=True),
        sa.Column("detail", JSONB(), nullable=True),
        sa.Column("recorded_at", INSTANT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["bid_id"], ["bid.id"], name=op.f("fk_bidevent_bid_id")),
        sa.PrimaryKeyConstraint("bid_id", "sequence", name=op.f("pk_bidevent")),
    )
    op.create_table(
        "bidversion",
        sa.Column("bid_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("answers_version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("submitted_at", INSTANT, nullable=False),
        sa.Column("replaced_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["bid_id"], ["bid.id"], name=op.f("fk_bidversion_bid_id")),
        sa.PrimaryKeyConstraint("bid_id", "version", name=op.f("pk_bidversion")),
    )


def _openings() -> None:
    op.create_table(
        "opening",
        sa.Column("competition_id", sa.Integer(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("opened_by", sa.String(9), nullable=False),
        sa.Column("private_key", sa.LargeBinary(), nullable=False),
        sa.Column("record", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["competition_id"], ["minicompetition.id"], name=op.f("fk_opening_competition_id")),
        sa.PrimaryKeyConstraint("competition_id", name=op.f("pk_opening")),
    )
    op.create_table(
        "openedbid",
        sa.Column("bid_id", sa.Integer(), nullable=False),
        sa.Column("competition_id", sa.Integer(), nullable=False),
        sa.Column("lines", JSONB(), nullable=False),
        sa.Column("net", MONEY, nullable=False),
        sa.Column("vat", MONEY, nullable=False),
        sa.Column("answers", JSONB(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("documents", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["bid_id"], ["bid.id"], name=op.f("fk_openedbid_bid_id")),
        sa.ForeignKeyConstraint(["competition_id"], ["minicompetition.id"], name=op.f("fk_openedbid_competition_id")),
        sa.PrimaryKeyConstraint("bid_id", name=op.f("pk_openedbid")),
    )
    op.create_index(op.f("ix_openedbid_competition_id"), "openedbid", ["competition_id"], unique=False)
