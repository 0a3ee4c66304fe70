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


def downgrade() -> None:
    op.drop_column("organisation", "language_form")
