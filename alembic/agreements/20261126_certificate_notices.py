"""Call-offs are told what becomes of the certificates of what was ordered."""

import sqlalchemy as sa
from alembic import op

revision = "a2b8b2080001"
down_revision = "014afc965cd5"
branch_labels = None
depends_on = None

FINAL = """
CREATE FUNCTION certificate_notice_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a certificate notice is never changed or removed';
END $$;
CREATE TRIGGER certificate_notice_is_final BEFORE UPDATE OR DELETE ON certificate_notice
    FOR EACH ROW EXECUTE FUNCTION certificate_notice_is_final();
"""


def upgrade() -> None:
    op.create_table(
        "certificate_notice",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("call_off_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("certificate", sa.String(length=20), nullable=False),
        sa.Column("product", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=True),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("relied_on", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["call_off_id"], ["calloff.id"], name=op.f("fk_certificate_notice_call_off_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate_notice")),
        sa.UniqueConstraint("uuid", name=op.f("uq_certificate_notice_uuid")),
        sa.UniqueConstraint("call_off_id", "position", name=op.f("uq_certificate_notice_call_off_id_position")),
    )
    op.create_index(op.f("ix_calloffline_product"), "calloffline", ["product"])
    op.get_bind().exec_driver_sql(FINAL)


def downgrade() -> None:
    op.drop_index(op.f("ix_calloffline_product"), table_name="calloffline")
    op.drop_table("certificate_notice")
    op.execute("DROP FUNCTION certificate_notice_is_final()")
