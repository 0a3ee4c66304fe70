"""Everything the sandbox reads from its environment."""

import ipaddress
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.chassis.settings import Environment, ServiceSettings
from services.chassis.values import OrganisationNumber, seed_id


class Settings(BaseSettings):
    """One process with a port for each stand-in. It refuses to be anything but a sandbox."""

    model_config = SettingsConfigDict(env_prefix="SANDBOX_")

    env: Annotated[Environment, Field(validation_alias="SAMVIRKE_ENV", description="sandbox or production")] = (
        Environment.SANDBOX
    )
    database_url: str = Field(description="postgresql://… of the sandbox's own database")
    database_connections: int = Field(default=8, ge=1, le=100, description="Connections this process holds at most")
    host: str = Field(default="127.0.0.1", description="The address to listen on")
    control_port: int = Field(default=8090, ge=1, le=65535, description="Control (`/_sandbox/…`) and the inbox page")
    maskinporten_port: int = Field(default=8091, ge=1, le=65535)
    svarut_port: int = Field(default=8094, ge=1, le=65535)
    log_level: str = "INFO"

    maskinporten_issuer: str = Field(
        default="", description="As it stands in tokens, with the last slash; made of host and port when empty"
    )
    delegation_source: str = Field(
        default="http://127.0.0.1:8095/", description="Claim `delegation_source` of a delegated token"
    )
    token_seconds: int = Field(default=120, ge=1, le=3600, description="Life of an access token")
    scope_prefix: str = Field(default="samvirke", description="What stands before the colon in the services' scopes")
    keys_folder: Path = Field(default=Path(".samvirke/keys"), description="Private keys (JWK) of the seeded clients")

    svarut_integration: UUID = Field(default=seed_id("svarut-integration"), description="Header IntegrasjonId")
    svarut_password: str = Field(default="sandkasse", description="Header IntegrasjonPassord")
    svarut_organisation: OrganisationNumber = Field(
        default="100000008", description="The integration's authorised organisation (the token's consumer)"
    )
    svarut_konto: UUID = Field(default=seed_id("svarut-konto"), description="The sender's account it may send from")
    svarut_duplicates: int = Field(default=25, ge=1, description="Equal letters taken before the next is refused")
    svarut_duplicate_code: str | None = Field(
        default=None, description="errorCode of that refusal; seen both as null and as GJENTAGENDE_FORSENDELSE"
    )
    svarut_step_seconds: float = Field(default=2.0, gt=0, description="Between a letter's automatic steps")

    @model_validator(mode="after")
    def _only_a_sandbox(self) -> Self:
        if self.env is Environment.PRODUCTION:
            raise ValueError("the sandbox does not start in production (SAMVIRKE_ENV)")
        if not self.maskinporten_issuer:
            host = f"[{self.host}]" if ":" in self.host else self.host
            self.maskinporten_issuer = f"http://{host}:{self.maskinporten_port}/"
        if not _on_loopback(self.maskinporten_issuer):
            raise ValueError(f"a sandbox issuer must be on this machine (127.0.0.1): {self.maskinporten_issuer}")
        if not self.maskinporten_issuer.endswith("/"):
            raise ValueError(f"Maskinporten's issuer ends with a slash: {self.maskinporten_issuer}")
        if len(set(self.ports)) < len(self.ports):
            raise ValueError(f"every stand-in needs a port of its own: {self.ports}")
        return self

    @property
    def ports(self) -> list[int]:
        """Where to listen; the port that a request comes to decides who answers it."""
        return [self.control_port, self.maskinporten_port, self.svarut_port]

    def of_control(self) -> ServiceSettings:
        """What the chassis wants to know for the control app. It takes no tokens, so it trusts no issuer; nothing is
        read from the environment a second time."""
        return ServiceSettings.model_construct(
            database_url=self.database_url,
            host=self.host,
            port=self.control_port,
            scope_prefix=self.scope_prefix,
            issuers=[],
            audience=None,
            log_level=self.log_level,
        )


def _on_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
