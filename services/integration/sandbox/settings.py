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

LOGIN_PROVIDERS = ("idporten", "ansattporten")


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
    idporten_port: int = Field(default=8092, ge=1, le=65535)
    ansattporten_port: int = Field(default=8093, ge=1, le=65535)
    svarut_port: int = Field(default=8094, ge=1, le=65535)
    enhetsregisteret_port: int = Field(default=8096, ge=1, le=65535)
    self_service_port: int = Field(default=8097, ge=1, le=65535)
    log_level: str = "INFO"

    maskinporten_issuer: str = Field(
        default="", description="As it stands in tokens, with the last slash; made of host and port when empty"
    )
    delegation_source: str = Field(
        default="http://127.0.0.1:8095/", description="Claim `delegation_source` of a delegated token"
    )
    token_seconds: int = Field(default=120, ge=1, le=3600, description="Life of an access token")
    scope_prefix: str = Field(default="samvirke", description="What stands before the colon in the services' scopes")
    scenarios_folder: Path = Field(
        default=Path(__file__).parent / "faults" / "scenarios",
        description="Scenarios: faults that belong together (JSON)",
    )
    keys_folder: Path = Field(default=Path(".samvirke/keys"), description="Private keys (JWK) of the seeded clients")

    idporten_issuer: str = Field(
        default="", description="As it stands in tokens, without a slash at the end; made of host and port when empty"
    )
    idporten_public_url: str = Field(default="", description="Where browsers find it; the issuer when empty")
    idporten_internal_url: str = Field(
        default="", description="Where clients' servers find it, e.g. by its name in Docker; the issuer when empty"
    )
    ansattporten_issuer: str = Field(default="", description="The same for Ansattporten")
    ansattporten_public_url: str = Field(default="", description="Where browsers find it; the issuer when empty")
    ansattporten_internal_url: str = Field(default="", description="Where clients' servers find it")
    login_key_bits: int = Field(default=3072, ge=2048, le=8192, description="Of the login providers' signing keys")
    login_subject_key: str = Field(default="sandkasse", min_length=1, description="Makes `sub` differ between clients")
    login_pushed_seconds: int = Field(default=120, ge=1, description="Life of a pushed request")
    login_page_seconds: int = Field(default=600, ge=1, description="How long one may look at a login page")
    login_code_seconds: int = Field(default=60, ge=1, description="Life of a code")
    login_id_token_seconds: int = Field(default=120, ge=1)
    login_refresh_seconds: int = Field(default=600, ge=1, description="A refresh token that is not used dies after it")
    login_authorization_seconds: int = Field(default=7200, ge=1, description="Refreshing ends for good after it")
    login_session_idle_seconds: int = Field(default=1800, ge=1, description="Single sign-on ends when it is not used")
    login_session_seconds: int = Field(default=7200, ge=1, description="Single sign-on ends for good after it")
    login_callbacks: list[str] = Field(
        default=[
            "http://127.0.0.1:8001/docs/oauth2-redirect",
            "http://127.0.0.1:8002/docs/oauth2-redirect",
            "http://127.0.0.1:8003/docs/oauth2-redirect",
        ],
        description="redirect_uris of the seeded client for Swagger UI (JSON)",
    )

    svarut_integration: UUID = Field(default=seed_id("svarut-integration"), description="Header IntegrasjonId")
    svarut_password: str = Field(default="sandkasse", description="Header IntegrasjonPassord")
    svarut_organisation: OrganisationNumber = Field(
        default="100000008", description="The integration's authorised organisation (the token's consumer)"
    )
    svarut_organisation_name: str = Field(
        default="Samvirke fellesenhet (fiktiv)", description="What recipients see as the sender"
    )
    svarut_user: str = Field(default="samvirke", description="User name of REST v1 (the «avsender» account)")
    svarut_service_password: str = Field(default="sandkasse", description="Password of REST v1")
    svarut_konto: UUID = Field(default=seed_id("svarut-konto"), description="The sender's account it may send from")
    svarut_duplicates: int = Field(default=25, ge=1, description="Equal letters taken before the next is refused")
    svarut_duplicate_code: str | None = Field(
        default=None, description="errorCode of that refusal; seen both as null and as GJENTAGENDE_FORSENDELSE"
    )
    svarinn_password: str = Field(default="sandkasse", description="Of the seeded receiving systems")
    svarut_step_seconds: float = Field(default=2.0, gt=0, description="Between a letter's automatic steps")
    svarut_largest_print: int = Field(
        default=350 * 1024 * 1024, ge=1, description="Bytes of PDF, from which on a letter cannot be printed"
    )
    svarut_letter_types: list[str] = Field(
        default=["Byggesøknad", "Bestilling", "Ordrebekreftelse", "Tilbud", "ks.signertforsendelse"],
        description="The forsendelsestyper that there are (JSON)",
    )
    svarut_newest_statuses: bool = Field(
        default=False, description="REST v3 tells SENDT_ALTINN and LEVERT_ALTINN in place of VARSLET"
    )

    @model_validator(mode="after")
    def _only_a_sandbox(self) -> Self:
        if self.env is Environment.PRODUCTION:
            raise ValueError("the sandbox does not start in production (SAMVIRKE_ENV)")
        if not self.maskinporten_issuer:
            self.maskinporten_issuer = f"{self._at(self.maskinporten_port)}/"
        if not _on_loopback(self.maskinporten_issuer):
            raise ValueError(f"a sandbox issuer must be on this machine (127.0.0.1): {self.maskinporten_issuer}")
        if not self.maskinporten_issuer.endswith("/"):
            raise ValueError(f"Maskinporten's issuer ends with a slash: {self.maskinporten_issuer}")
        for name in LOGIN_PROVIDERS:
            self._complete(name)
        if len(set(self.ports)) < len(self.ports):
            raise ValueError(f"every stand-in needs a port of its own: {self.ports}")
        return self

    def _at(self, port: int) -> str:
        return f"http://[{self.host}]:{port}" if ":" in self.host else f"http://{self.host}:{port}"

    def _complete(self, name: str) -> None:
        """Make what is not set of a login provider of what is, and refuse what only the real one may be."""
        issuer = getattr(self, f"{name}_issuer") or self._at(getattr(self, f"{name}_port"))
        public = getattr(self, f"{name}_public_url") or issuer
        internal = getattr(self, f"{name}_internal_url") or issuer
        for url in (issuer, public, internal):
            if url.endswith("/"):
                raise ValueError(f"a login provider's address has no slash at its end: {url}")
        for url in (issuer, public):
            if not _on_loopback(url):
                raise ValueError(f"a sandbox issuer must be on this machine (127.0.0.1): {url}")
        if not _inside(internal):
            raise ValueError(f"a sandbox must be on this machine or have a name without a domain: {internal}")
        for what, url in (("issuer", issuer), ("public_url", public), ("internal_url", internal)):
            setattr(self, f"{name}_{what}", url)

    def of_provider(self, name: str) -> tuple[str, str, str]:
        """A login provider's issuer, public and internal address."""
        issuer, public, internal = (
            getattr(self, f"{name}_{what}") for what in ("issuer", "public_url", "internal_url")
        )
        return issuer, public, internal

    @property
    def ports(self) -> list[int]:
        """Where to listen; the port that a request comes to decides who answers it."""
        return [
            self.control_port,
            self.maskinporten_port,
            self.idporten_port,
            self.ansattporten_port,
            self.svarut_port,
            self.enhetsregisteret_port,
            self.self_service_port,
        ]

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


def _inside(url: str) -> bool:
    """On this machine, or by the one-word name that a container has among its own."""
    return _on_loopback(url) or "." not in (urlsplit(url).hostname or ".")
