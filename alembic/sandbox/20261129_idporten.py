"""ID-porten and Ansattporten."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "06060600000b"
down_revision = "06060600000a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "login_client",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "provider",
            sa.Enum("idporten", "ansattporten", name="providername", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("client_id", sa.String(length=100), nullable=False),
        sa.Column("organisation", sa.String(length=9), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "method",
            sa.Enum(
                "client_secret_basic",
                "client_secret_post",
                "private_key_jwt",
                "none",
                name="method",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("redirect_uris", JSONB(), nullable=False),
        sa.Column("post_logout_redirect_uris", JSONB(), nullable=False),
        sa.Column("scopes", JSONB(), nullable=False),
        sa.Column("frontchannel_logout_uri", sa.String(length=500), nullable=True),
        sa.Column("backchannel_logout_uri", sa.String(length=500), nullable=True),
        sa.Column("pkce_required", sa.Boolean(), nullable=False),
        sa.Column("state_and_nonce_required", sa.Boolean(), nullable=False),
        sa.Column("may_refresh", sa.Boolean(), nullable=False),
        sa.Column("access_token_seconds", sa.Integer(), nullable=False),
        sa.Column("secret", sa.LargeBinary(length=32), nullable=True),
        sa.Column("secret_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_client")),
        sa.UniqueConstraint("provider", "client_id", name=op.f("uq_login_client_provider_client_id")),
    )
    op.create_table(
        "login_person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("personal_number", sa.String(length=11), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("email", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_person")),
        sa.UniqueConstraint("personal_number", name=op.f("uq_login_person_personal_number")),
    )
    op.create_table(
        "login_signing_key",
        sa.Column("kid", sa.String(length=200), nullable=False),
        sa.Column(
            "provider",
            sa.Enum("idporten", "ansattporten", name="providername", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("private_jwk", sa.String(), nullable=False),
        sa.Column("certificate", sa.String(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retire_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_login_signing_key")),
    )
    op.create_index(op.f("ix_login_signing_key_provider"), "login_signing_key", ["provider"], unique=False)
    op.create_table(
        "login_used_mark",
        sa.Column("mark", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kept_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_login_used_mark")),
    )
    op.create_index(op.f("ix_login_used_mark_kept_until"), "login_used_mark", ["kept_until"], unique=False)
    op.create_table(
        "login_client_key",
        sa.Column("client", sa.Integer(), nullable=False),
        sa.Column("kid", sa.String(length=200), nullable=False),
        sa.Column("jwk", sa.String(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["client"], ["login_client.id"], name=op.f("fk_login_client_key_client")),
        sa.PrimaryKeyConstraint("client", "kid", name=op.f("pk_login_client_key")),
    )
    op.create_table(
        "login_pushed_request",
        sa.Column("mark", sa.LargeBinary(length=32), nullable=False),
        sa.Column("client", sa.Integer(), nullable=False),
        sa.Column("values", JSONB(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["client"], ["login_client.id"], name=op.f("fk_login_pushed_request_client")),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_login_pushed_request")),
    )
    op.create_index(op.f("ix_login_pushed_request_expires_at"), "login_pushed_request", ["expires_at"], unique=False)
    op.create_table(
        "login_representation",
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("resource", sa.String(length=200), nullable=False),
        sa.Column("organisation", sa.String(length=9), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("unit_type", sa.String(length=10), nullable=False),
        sa.Column("rights", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["login_person.id"], name=op.f("fk_login_representation_person")),
        sa.PrimaryKeyConstraint("person", "resource", "organisation", name=op.f("pk_login_representation")),
    )
    op.create_table(
        "login_session",
        sa.Column("sid", sa.String(length=50), nullable=False),
        sa.Column(
            "provider",
            sa.Enum("idporten", "ansattporten", name="providername", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("browser", sa.LargeBinary(length=32), nullable=False),
        sa.Column("client", sa.Integer(), nullable=True),
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("acr", sa.String(length=50), nullable=False),
        sa.Column("logged_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["client"], ["login_client.id"], name=op.f("fk_login_session_client")),
        sa.ForeignKeyConstraint(["person"], ["login_person.id"], name=op.f("fk_login_session_person")),
        sa.PrimaryKeyConstraint("sid", name=op.f("pk_login_session")),
    )
    op.create_index(op.f("ix_login_session_browser"), "login_session", ["browser"], unique=False)
    op.create_table(
        "login_authorization",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client", sa.Integer(), nullable=False),
        sa.Column("sid", sa.String(length=50), nullable=False),
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("scopes", JSONB(), nullable=False),
        sa.Column("nonce", sa.String(length=2000), nullable=True),
        sa.Column("acr", sa.String(length=50), nullable=False),
        sa.Column("logged_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("details", JSONB(), nullable=True),
        sa.Column("resources", JSONB(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["client"], ["login_client.id"], name=op.f("fk_login_authorization_client")),
        sa.ForeignKeyConstraint(["person"], ["login_person.id"], name=op.f("fk_login_authorization_person")),
        sa.ForeignKeyConstraint(["sid"], ["login_session.sid"], name=op.f("fk_login_authorization_sid")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_authorization")),
    )
    op.create_index(op.f("ix_login_authorization_sid"), "login_authorization", ["sid"], unique=False)
    op.create_table(
        "login_interaction",
        sa.Column("mark", sa.LargeBinary(length=32), nullable=False),
        sa.Column("browser", sa.LargeBinary(length=32), nullable=False),
        sa.Column("client", sa.Integer(), nullable=False),
        sa.Column("values", JSONB(), nullable=False),
        sa.Column("sid", sa.String(length=50), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["client"], ["login_client.id"], name=op.f("fk_login_interaction_client")),
        sa.ForeignKeyConstraint(["sid"], ["login_session.sid"], name=op.f("fk_login_interaction_sid")),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_login_interaction")),
    )
    op.create_index(op.f("ix_login_interaction_expires_at"), "login_interaction", ["expires_at"], unique=False)
    op.create_table(
        "login_session_client",
        sa.Column("sid", sa.String(length=50), nullable=False),
        sa.Column("client", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["client"], ["login_client.id"], name=op.f("fk_login_session_client_client")),
        sa.ForeignKeyConstraint(["sid"], ["login_session.sid"], name=op.f("fk_login_session_client_sid")),
        sa.PrimaryKeyConstraint("sid", "client", name=op.f("pk_login_session_client")),
    )
    op.create_table(
        "login_access_token",
        sa.Column("jti", sa.String(length=36), nullable=False),
        sa.Column("authorization", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["authorization"], ["login_authorization.id"], name=op.f("fk_login_access_token_authorization")
        ),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_login_access_token")),
    )
    op.create_index(op.f("ix_login_access_token_authorization"), "login_access_token", ["authorization"], unique=False)
    op.create_table(
        "login_code",
        sa.Column("mark", sa.LargeBinary(length=32), nullable=False),
        sa.Column("authorization", sa.Integer(), nullable=False),
        sa.Column("client", sa.Integer(), nullable=False),
        sa.Column("redirect_uri", sa.String(length=500), nullable=False),
        sa.Column("challenge", sa.String(length=43), nullable=True),
        sa.Column("thumbprint", sa.String(length=43), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["authorization"], ["login_authorization.id"], name=op.f("fk_login_code_authorization")
        ),
        sa.ForeignKeyConstraint(["client"], ["login_client.id"], name=op.f("fk_login_code_client")),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_login_code")),
    )
    op.create_table(
        "login_refresh_token",
        sa.Column("mark", sa.LargeBinary(length=32), nullable=False),
        sa.Column("authorization", sa.Integer(), nullable=False),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["authorization"], ["login_authorization.id"], name=op.f("fk_login_refresh_token_authorization")
        ),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_login_refresh_token")),
    )
    op.create_index(
        op.f("ix_login_refresh_token_authorization"), "login_refresh_token", ["authorization"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_login_refresh_token_authorization"), table_name="login_refresh_token")
    op.drop_table("login_refresh_token")
    op.drop_table("login_code")
    op.drop_index(op.f("ix_login_access_token_authorization"), table_name="login_access_token")
    op.drop_table("login_access_token")
    op.drop_table("login_session_client")
    op.drop_index(op.f("ix_login_interaction_expires_at"), table_name="login_interaction")
    op.drop_table("login_interaction")
    op.drop_index(op.f("ix_login_authorization_sid"), table_name="login_authorization")
    op.drop_table("login_authorization")
    op.drop_index(op.f("ix_login_session_browser"), table_name="login_session")
    op.drop_table("login_session")
    op.drop_table("login_representation")
    op.drop_index(op.f("ix_login_pushed_request_expires_at"), table_name="login_pushed_request")
    op.drop_table("login_pushed_request")
    op.drop_table("login_client_key")
    op.drop_index(op.f("ix_login_used_mark_kept_until"), table_name="login_used_mark")
    op.drop_table("login_used_mark")
    op.drop_index(op.f("ix_login_signing_key_provider"), table_name="login_signing_key")
    op.drop_table("login_signing_key")
    op.drop_table("login_person")
    op.drop_table("login_client")
