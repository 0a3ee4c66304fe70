"""Everything the integration service reads from its environment."""

from pathlib import Path
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from services.chassis.settings import Environment, ServiceSettings
from services.chassis.values import OrganisationNumber, seed_id

SVARUT_GIVES_UP_SECONDS = 900
SANDBOX_PASSWORD = "sandkasse"  # noqa: S105  # what the sandbox's SvarUT wants; production refuses it


class SvarInnAccount(BaseModel):
    """A receiving system (mottakersystem) at SvarInn, and the key to the certificate that was uploaded there."""

    user: str = Field(min_length=1, max_length=100)
    password: SecretStr
    organisation: OrganisationNumber = Field(description="Whose letters are that neither answer one nor name another")
    certificate_file: Path = Field(description="PEM, as uploaded at SvarInn")
    key_file: Path = Field(description="PEM, mode 600")
    url: str | None = Field(default=None, description="Where SvarInn answers for it, when not where it does for all")


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="INTEGRATION_")

    port: int = Field(default=8003, ge=1, le=65535, description="The port to listen on")
    svarut_url: str = Field(default="http://127.0.0.1:8094", description="Where SvarUT answers")
    enhetsregisteret_url: str = Field(default="http://127.0.0.1:8096", description="Where Enhetsregisteret answers")
    register_every_seconds: float = Field(
        default=3600, gt=0, description="Between two looks at what has changed in Enhetsregisteret"
    )
    svarut_konto: UUID = Field(default=seed_id("svarut-konto"), description="The SvarUT account that letters go from")
    svarut_integration_id: UUID = Field(default=seed_id("svarut-integration"), description="Header IntegrasjonId")
    svarut_integration_password: SecretStr = Field(
        default=SecretStr(SANDBOX_PASSWORD), description="Header IntegrasjonPassord"
    )
    svarut_read_seconds: float = Field(
        default=960, gt=0, description="How long to wait for an answer to a letter; SvarUT itself gives up after 900"
    )
    svarut_settle_seconds: float = Field(
        default=960,
        ge=0,
        description="After an attempt with unknown outcome: when SvarUT can no longer be working on it, so that a "
        "letter that is not found may be sent again",
    )
    svarut_look_up_seconds: float = Field(
        default=14_400,
        ge=0,
        description="How long after that a letter whose attempt ended without an answer is looked for; if the look-up "
        "then shows neither it nor a letter sent later, it is failed and not sent again by itself",
    )
    svarut_attempts: int = Field(default=12, ge=1, description="Attempts that may fail before a letter is failed")
    svarut_longest_wait_seconds: float = Field(default=900, gt=0, description="Between two attempts, at most")
    svarut_configuration_wait_seconds: float = Field(
        default=300, gt=0, description="Until the next attempt after SvarUT or Maskinporten did not know us (401, 403)"
    )
    svarut_longest_pause_seconds: float = Field(
        default=60, gt=0, description="While SvarUT is out of order, at most between two trials whether it answers"
    )
    reading_hours: float = Field(
        default=40, ge=0, description="On working days, after which a letter that was offered counts as unread"
    )
    status_every_seconds: float = Field(default=900, gt=0, description="Between two looks at the letters' status")
    svarinn_url: str = Field(default="http://127.0.0.1:8094/tjenester", description="Before `/svarinn/…`")
    svarinn_accounts: list[SvarInnAccount] = Field(
        default=[
            SvarInnAccount(
                user="samvirke",
                password=SecretStr(SANDBOX_PASSWORD),
                organisation="100000008",
                certificate_file=Path(".samvirke/keys/svarinn-samvirke.crt.pem"),
                key_file=Path(".samvirke/keys/svarinn-samvirke.key.pem"),
            )
        ],
        description="Receiving systems whose letters are fetched (JSON); one may serve several organisations",
    )
    svarinn_every_seconds: float = Field(
        default=900, gt=0, description="Between two looks at an account; KS recommends 15 minutes"
    )
    svarinn_attempts: int = Field(default=12, ge=1, description="Downloads that may fail before a reply is failed")
    svarinn_check_hashes: bool = Field(
        default=True, description="Refuse a document whose SHA-256 is not the one that SvarInn lists"
    )
    svarinn_largest_bytes: int = Field(
        default=200_000_000,
        ge=1,
        description="Of an envelope; its documents may unpack to twice that. Decrypting takes 2.7 times this in "
        "memory, in a process of its own; a document takes its size",
    )
    maskinporten_issuer: str = Field(default="http://127.0.0.1:8091/", description="Audience of our token grants")
    maskinporten_token_url: str = Field(default="http://127.0.0.1:8091/token", description="Where grants are sent")
    client: str = Field(default=str(seed_id("client:integration-service")), description="Our own client there")
    key_file: Path = Field(
        default=Path(".samvirke/keys/integration-service.json"), description="That client's private key (JWK)"
    )
    svarut_scope: str = Field(default="ks:fiks", description="The scope that SvarUT wants")
    workers: int = Field(default=4, ge=1, le=50, description="Letters handed over at a time by one worker process")

    @model_validator(mode="after")
    def _production_sends_once(self) -> Self:
        if self.env is Environment.PRODUCTION:
            if not self.svarut_url.startswith("https://"):
                raise ValueError(f"production does not send letters over plain http: {self.svarut_url}")
            if self.svarut_integration_password.get_secret_value() == SANDBOX_PASSWORD:
                raise ValueError("production needs SvarUT's own password (INTEGRATION_SVARUT_INTEGRATION_PASSWORD)")
            for one in self.svarinn_accounts:
                if not (one.url or self.svarinn_url).startswith("https://"):
                    raise ValueError(
                        f"production does not fetch letters over plain http: {one.url or self.svarinn_url}"
                    )
                if one.password.get_secret_value() == SANDBOX_PASSWORD:
                    raise ValueError(f"production needs SvarInn's own password for {one.user}")
            if self.svarut_settle_seconds < SVARUT_GIVES_UP_SECONDS:
                raise ValueError(f"below {SVARUT_GIVES_UP_SECONDS} s SvarUT may still be working on a lost letter")
        return self
