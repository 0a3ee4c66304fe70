"""First tables: Maskinporten's clients, keys and rights; SvarUT's letters."""

import sqlalchemy as sa
from alembic import op

revision = "a7e504f9729a"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "maskinporten_client",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.String(length=36), nullable=False),
        sa.Column("organisation", sa.String(length=9), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maskinporten_client")),
        sa.UniqueConstraint("client_id", name=op.f("uq_maskinporten_client_client_id")),
    )
    op.create_index(op.f("ix_maskinporten_client_organisation"), "maskinporten_client", ["organisation"], unique=False)
    op.create_table(
        "maskinporten_scope",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_maskinporten_scope")),
    )
    op.create_table(
        "maskinporten_signing_key",
        sa.Column("kid", sa.String(length=200), nullable=False),
        sa.Column("private_jwk", sa.String(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retire_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_maskinporten_signing_key")),
    )
    op.create_index(
        op.f("ix_maskinporten_signing_key_not_before"), "maskinporten_signing_key", ["not_before"], unique=False
    )
    op.create_table(
        "maskinporten_used_grant",
        sa.Column("mark", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kept_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_maskinporten_used_grant")),
    )
    op.create_index(
        op.f("ix_maskinporten_used_grant_kept_until"), "maskinporten_used_grant", ["kept_until"], unique=False
    )
    op.create_table(
        "svarut_letter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("letter_id", sa.Uuid(), nullable=False),
        sa.Column("konto", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("organisasjon", "person", "print", name="kind", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("title", sa.String(length=1000), nullable=False),
        sa.Column("recipient_name", sa.String(length=100), nullable=False),
        sa.Column("recipient_number", sa.String(length=9), nullable=True),
        sa.Column("external_reference", sa.String(length=100), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "MOTTATT",
                "AKSEPTERT",
                "AVVIST",
                "FEILET_UNDER_MOTTAK",
                "KLAR_FOR_MOTTAK",
                "VARSLET",
                "SENDT_DIGITALT",
                "SENDT_SDP",
                "LEVERT_SDP",
                "SENDT_PRINT",
                "PRINTET",
                "LEST",
                "IKKE_LEVERT",
                "MANUELT_HANDTERT",
                "SLETTET",
                name="status",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_svarut_letter")),
        sa.UniqueConstraint("letter_id", name=op.f("uq_svarut_letter_letter_id")),
    )
    op.create_index(
        op.f("ix_svarut_letter_konto_external_reference"),
        "svarut_letter",
        ["konto", "external_reference"],
        unique=False,
    )
    op.create_table(
        "svarut_repeat",
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_svarut_repeat")),
    )
    op.create_table(
        "maskinporten_client_key",
        sa.Column("client", sa.Integer(), nullable=False),
        sa.Column("kid", sa.String(length=200), nullable=False),
        sa.Column("jwk", sa.String(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["client"], ["maskinporten_client.id"], name=op.f("fk_maskinporten_client_key_client")),
        sa.PrimaryKeyConstraint("client", "kid", name=op.f("pk_maskinporten_client_key")),
    )
    op.create_table(
        "maskinporten_client_scope",
        sa.Column("client", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["client"], ["maskinporten_client.id"], name=op.f("fk_maskinporten_client_scope_client")
        ),
        sa.ForeignKeyConstraint(
            ["scope"], ["maskinporten_scope.name"], name=op.f("fk_maskinporten_client_scope_scope")
        ),
        sa.PrimaryKeyConstraint("client", "scope", name=op.f("pk_maskinporten_client_scope")),
    )
    op.create_table(
        "maskinporten_delegation",
        sa.Column("consumer", sa.String(length=9), nullable=False),
        sa.Column("supplier", sa.String(length=9), nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["scope"], ["maskinporten_scope.name"], name=op.f("fk_maskinporten_delegation_scope")),
        sa.PrimaryKeyConstraint("consumer", "supplier", "scope", name=op.f("pk_maskinporten_delegation")),
    )
    op.create_table(
        "maskinporten_scope_grant",
        sa.Column("organisation", sa.String(length=9), nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["scope"], ["maskinporten_scope.name"], name=op.f("fk_maskinporten_scope_grant_scope")),
        sa.PrimaryKeyConstraint("organisation", "scope", name=op.f("pk_maskinporten_scope_grant")),
    )
    op.create_table(
        "svarut_document",
        sa.Column("letter", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("filename", sa.String(length=226), nullable=False),
        sa.Column("media_type", sa.String(length=127), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["letter"], ["svarut_letter.id"], name=op.f("fk_svarut_document_letter")),
        sa.PrimaryKeyConstraint("letter", "position", name=op.f("pk_svarut_document")),
    )


def downgrade() -> None:
    op.drop_table("svarut_document")
    op.drop_table("maskinporten_scope_grant")
    op.drop_table("maskinporten_delegation")
    op.drop_table("maskinporten_client_scope")
    op.drop_table("maskinporten_client_key")
    op.drop_table("svarut_repeat")
    op.drop_index(op.f("ix_svarut_letter_konto_external_reference"), table_name="svarut_letter")
    op.drop_table("svarut_letter")
    op.drop_index(op.f("ix_maskinporten_used_grant_kept_until"), table_name="maskinporten_used_grant")
    op.drop_table("maskinporten_used_grant")
    op.drop_index(op.f("ix_maskinporten_signing_key_not_before"), table_name="maskinporten_signing_key")
    op.drop_table("maskinporten_signing_key")
    op.drop_table("maskinporten_scope")
    op.drop_index(op.f("ix_maskinporten_client_organisation"), table_name="maskinporten_client")
    op.drop_table("maskinporten_client")
