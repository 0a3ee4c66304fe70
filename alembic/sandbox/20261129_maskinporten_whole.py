"""Maskinporten whole: what self-service, Altinn and certificates know."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "06060600000a"
down_revision = "a7e504f9729a"
branch_labels = None
depends_on = None

Added = dict[str, list[tuple[sa.Column[Any], str | None]]]


def added() -> Added:
    """Each new column, with what it is for rows that were there: active, given, and delegable in Altinn's stand-in."""
    return {
        "maskinporten_client": [
            (sa.Column("supplier", sa.String(length=9), nullable=True), None),
            (sa.Column("description", sa.String(length=500), nullable=False), "''"),
            (sa.Column("client_uri", sa.String(length=500), nullable=True), None),
            (sa.Column("access_token_lifetime", sa.Integer(), nullable=False), "0"),
            (sa.Column("active", sa.Boolean(), nullable=False), "true"),
            (sa.Column("created_at", sa.DateTime(timezone=True), nullable=False), "now()"),
            (sa.Column("last_updated_at", sa.DateTime(timezone=True), nullable=False), "now()"),
        ],
        "maskinporten_scope": [
            (sa.Column("owner", sa.String(length=9), nullable=False), "'100000008'"),
            (sa.Column("long_description", sa.String(length=5000), nullable=True), None),
            (sa.Column("active", sa.Boolean(), nullable=False), "true"),
            (
                sa.Column(
                    "visibility",
                    sa.Enum("PUBLIC", "PRIVATE", "INTERNAL", name="visibility", native_enum=False, length=40),
                    nullable=False,
                ),
                "'PUBLIC'",
            ),
            (sa.Column("accessible_for_all", sa.Boolean(), nullable=False), "false"),
            (sa.Column("at_max_age", sa.Integer(), nullable=False), "0"),
            (sa.Column("authorization_max_lifetime", sa.Integer(), nullable=False), "0"),
            (sa.Column("delegation_source", sa.String(length=300), nullable=True), "'http://127.0.0.1:8095/'"),
            (sa.Column("allowed_integration_types", sa.ARRAY(sa.String()), nullable=False), "'{maskinporten}'"),
            (sa.Column("requires_user_consent", sa.Boolean(), nullable=False), "false"),
            (sa.Column("requires_user_authentication", sa.Boolean(), nullable=False), "false"),
            (sa.Column("requires_pseudonymous_tokens", sa.Boolean(), nullable=False), "false"),
            (
                sa.Column(
                    "token_type",
                    sa.Enum("SELF_CONTAINED", "OPAQUE", name="tokentype", native_enum=False, length=40),
                    nullable=False,
                ),
                "'SELF_CONTAINED'",
            ),
            (sa.Column("created_at", sa.DateTime(timezone=True), nullable=False), "now()"),
            (sa.Column("last_updated_at", sa.DateTime(timezone=True), nullable=False), "now()"),
        ],
        "maskinporten_scope_grant": [
            (
                sa.Column(
                    "state", sa.Enum("APPROVED", "DENIED", name="state", native_enum=False, length=40), nullable=False
                ),
                "'APPROVED'",
            ),
            (sa.Column("created_at", sa.DateTime(timezone=True), nullable=False), "now()"),
            (sa.Column("last_updated_at", sa.DateTime(timezone=True), nullable=False), "now()"),
        ],
    }


def upgrade() -> None:
    for table, columns in added().items():
        for column, before in columns:
            if before is not None:
                column.server_default = sa.DefaultClause(sa.text(before))
            op.add_column(table, column)
            if before is not None:
                op.alter_column(table, column.name, server_default=None)
    op.create_index(op.f("ix_maskinporten_client_supplier"), "maskinporten_client", ["supplier"], unique=False)
    op.create_index(op.f("ix_maskinporten_scope_owner"), "maskinporten_scope", ["owner"], unique=False)
    op.create_unique_constraint(op.f("uq_maskinporten_client_key_kid"), "maskinporten_client_key", ["kid"])
    op.create_table(
        "maskinporten_scope_prefix",
        sa.Column("prefix", sa.String(length=50), nullable=False),
        sa.Column("owner", sa.String(length=9), nullable=False),
        sa.PrimaryKeyConstraint("prefix", name=op.f("pk_maskinporten_scope_prefix")),
    )
    op.create_table(
        "maskinporten_on_behalf_of",
        sa.Column("client", sa.Integer(), nullable=False),
        sa.Column("onbehalfof", sa.String(length=100), nullable=False),
        sa.Column("orgno", sa.String(length=9), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("client_uri", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["client"], ["maskinporten_client.id"], name=op.f("fk_maskinporten_on_behalf_of_client")
        ),
        sa.PrimaryKeyConstraint("client", "onbehalfof", name=op.f("pk_maskinporten_on_behalf_of")),
    )
    op.create_table(
        "altinn_system_user",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client", sa.Integer(), nullable=False),
        sa.Column("system_id", sa.String(length=255), nullable=False),
        sa.Column("customer", sa.String(length=9), nullable=False),
        sa.Column("external_ref", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["client"], ["maskinporten_client.id"], name=op.f("fk_altinn_system_user_client")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_altinn_system_user")),
        sa.UniqueConstraint(
            "client", "customer", "external_ref", name=op.f("uq_altinn_system_user_client_customer_external_ref")
        ),
    )
    op.create_table(
        "altinn_consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("giver", sa.String(length=60), nullable=False),
        sa.Column("receiver", sa.String(length=9), nullable=False),
        sa.Column("rights", JSONB(none_as_null=True), nullable=False),
        sa.Column("consented_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_altinn_consent")),
    )
    op.create_table(
        "certificate_authority",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("certificate", sa.String(), nullable=False),
        sa.Column("private_key", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_certificate_authority")),
    )
    op.create_table(
        "enterprise_certificate",
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("organisation", sa.String(length=9), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_enterprise_certificate")),
    )


def downgrade() -> None:
    for table in (
        "enterprise_certificate",
        "certificate_authority",
        "altinn_consent",
        "altinn_system_user",
        "maskinporten_on_behalf_of",
        "maskinporten_scope_prefix",
    ):
        op.drop_table(table)
    op.drop_constraint(op.f("uq_maskinporten_client_key_kid"), "maskinporten_client_key")
    op.drop_index(op.f("ix_maskinporten_scope_owner"), "maskinporten_scope")
    op.drop_index(op.f("ix_maskinporten_client_supplier"), "maskinporten_client")
    for table, columns in added().items():
        for column, _ in columns:
            op.drop_column(table, column.name)
