"""Evaluators' marks, evaluations, awards with what each bidder was told, and the call-off that a competition became.

Revision ID: a7a708000002
Revises: a7a708000001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "a7a708000002"
down_revision = "a7a708000001"
branch_labels = None
depends_on = None

CLOCK = sa.text("clock_timestamp()")
FINAL = ("scoresheet", "evaluation", "awardreason")
"""These are only ever added to."""


def upgrade() -> None:
    op.add_column("minicompetition", sa.Column("call_off", sa.Uuid(), nullable=True))
    op.create_unique_constraint(op.f("uq_minicompetition_call_off"), "minicompetition", ["call_off"])
    op.create_table(
        "scoresheet",
        sa.Column("competition_id", sa.Integer(), nullable=False),
        sa.Column("evaluator", sa.String(80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("marks", JSONB(), nullable=False),
        sa.Column("comments", JSONB(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, server_default=CLOCK),
        sa.ForeignKeyConstraint(["competition_id"], ["minicompetition.id"], name=op.f("fk_scoresheet_competition_id")),
        sa.PrimaryKeyConstraint("competition_id", "evaluator", "version", name=op.f("pk_scoresheet")),
    )
    op.create_table(
        "evaluation",
        sa.Column("competition_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("inputs", JSONB(), nullable=False),
        sa.Column("result", JSONB(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, server_default=CLOCK),
        sa.ForeignKeyConstraint(["competition_id"], ["minicompetition.id"], name=op.f("fk_evaluation_competition_id")),
        sa.PrimaryKeyConstraint("competition_id", "version", name=op.f("pk_evaluation")),
    )
    op.create_table(
        "award",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("competition_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("evaluation_version", sa.Integer(), nullable=False),
        sa.Column("bid_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.Column("standstill_days", sa.Integer(), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawal_reason", sa.String(2000), nullable=True),
        sa.Column("final_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("obstacle", JSONB(), nullable=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["bid_id"], ["bid.id"], name=op.f("fk_award_bid_id")),
        sa.ForeignKeyConstraint(["competition_id"], ["minicompetition.id"], name=op.f("fk_award_competition_id")),
        sa.ForeignKeyConstraint(
            ["competition_id", "evaluation_version"],
            ["evaluation.competition_id", "evaluation.version"],
            name=op.f("fk_award_evaluation"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_award")),
        sa.UniqueConstraint("competition_id", "sequence", name=op.f("uq_award_competition_id_sequence")),
    )
    op.create_index(
        "uq_award_standing",
        "award",
        ["competition_id"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "awardreason",
        sa.Column("award_id", sa.Integer(), nullable=False),
        sa.Column("bid_id", sa.Integer(), nullable=False),
        sa.Column("won", sa.Boolean(), nullable=False),
        sa.Column("told", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["award_id"], ["award.id"], name=op.f("fk_awardreason_award_id")),
        sa.ForeignKeyConstraint(["bid_id"], ["bid.id"], name=op.f("fk_awardreason_bid_id")),
        sa.PrimaryKeyConstraint("award_id", "bid_id", name=op.f("pk_awardreason")),
    )
    for table in FINAL:
        op.execute(
            f"CREATE TRIGGER {table}_is_final BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION is_final()"
        )


def downgrade() -> None:
    for table in ("awardreason", "award", "evaluation", "scoresheet"):
        op.drop_table(table)
    op.drop_column("minicompetition", "call_off")
