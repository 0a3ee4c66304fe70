"""The form of Norwegian that municipalities have decided on, and suppliers verified against Enhetsregisteret."""

import sqlalchemy as sa
from alembic import op

revision = "c1a7a107000a"
down_revision = "c1a7a1070009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "organisation",
        sa.Column(
            "language_form",
            sa.Enum("nb", "nn", "neutral", name="languageform", native_enum=False, length=40),
            nullable=True,
        ),
    )
    op.create_table(
        "register_check",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=9), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "not_verified_yet",
                "registered",
                "winding_up",
                "bankrupt",
                "deleted",
                "removed",
                "unknown",
                name="outcome",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=500), nullable=True),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_register_check_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_register_check")),
    )


def downgrade() -> None:
    op.drop_table("register_check")
    op.drop_column("organisation", "language_form")
