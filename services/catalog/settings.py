"""Everything the catalogue reads from its environment."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import SettingsConfigDict

from services.catalog.addresses import rules as addresses
from services.chassis.settings import Environment, PublicUrl, ServiceSettings
from services.chassis.values import seed_id


def _exempt(text: str) -> str:
    addresses.exempt(text)
    return text


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="CATALOG_")

    port: int = Field(default=8001, ge=1, le=65535, description="The port to listen on")
    public_url: PublicUrl = Field(
        default="http://127.0.0.1:8001",
        description="How the world reaches this service: the base of links and codes that stand on paper",
    )
    integration_url: str = Field(default="http://127.0.0.1:8003", description="Where integration answers")
    maskinporten_issuer: str = Field(default="http://127.0.0.1:8091/", description="Audience of our token grants")
    maskinporten_token_url: str = Field(default="http://127.0.0.1:8091/token", description="Where grants are sent")
    client: str = Field(default=str(seed_id("client:catalog-service")), description="Our own client there")
    key_file: Path = Field(
        default=Path(".samvirke/keys/catalog-service.json"), description="That client's private key (JWK)"
    )
    signing_keys_folder: Path = Field(
        default=Path(".samvirke/keys/catalog"),
        description="Private keys (JWK) that certificates and status lists are signed with, the same for every process",
    )
    signing_key_lead_seconds: int | None = Field(
        default=None,
        ge=0,
        description="How long a new key is published before it signs; a day if left out, nothing in the sandbox",
    )
    status_list_hours: int = Field(
        default=24, ge=1, le=24 * 31, description="How long a copy of a status list may be used without the catalogue"
    )
    workers: int = Field(default=4, ge=1, le=50, description="Jobs done at a time by one worker process")
    conformance_at_once: int = Field(default=1, ge=1, le=10, description="Conformance runs at a time in one worker")
    conformance_wall_seconds: int = Field(default=300, ge=5, le=3600, description="How long a run may last")
    conformance_cpu_seconds: int = Field(default=120, ge=2, le=3600, description="Processor time a run may take")
    conformance_memory_mb: int = Field(default=768, ge=128, le=8192, description="Address space a run may have")
    conformance_cases: int = Field(default=2000, ge=10, le=100_000, description="Requests of a run, about")
    conformance_cases_per_operation: int = Field(default=50, ge=1, le=1000, description="Requests per operation, about")
    conformance_answer_seconds: float = Field(default=10.0, gt=0, le=60, description="How long an answer may take")
    conformance_answer_bytes: int = Field(default=1_000_000, ge=1000, description="How large an answer may be")
    conformance_ports: list[int] = Field(default=[443], description="Ports of test endpoints that may be called")
    conformance_plain_http: bool = Field(default=False, description="Call test endpoints over http too; sandbox only")
    conformance_allowed_networks: list[Annotated[str, AfterValidator(_exempt)]] = Field(
        default=[],
        description="Networks that are not on the Internet and may be called all the same, each with its port, such as "
        "127.0.0.1/32:8080; sandbox only",
    )
    conformance_name_server: str | None = Field(
        default=None,
        pattern=r"^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:]+\]):\d{1,5}$",
        description="The name server that is asked for test endpoints, such as 192.0.2.53:53; the system's if left out",
    )
    conformance_authorities: Path | None = Field(
        default=None, description="Certificates (PEM) that test endpoints' are checked against, instead of the public"
    )

    @property
    def conformance_exempts(self) -> list[addresses.Exempt]:
        return [addresses.exempt(one) for one in self.conformance_allowed_networks]

    @model_validator(mode="after")
    def _production_calls_the_internet_only(self) -> Self:
        if self.env is Environment.PRODUCTION and (self.conformance_plain_http or self.conformance_allowed_networks):
            raise ValueError("production tests endpoints over https on the Internet only")
        return self

    @property
    def signing_key_lead(self) -> timedelta:
        if self.signing_key_lead_seconds is not None:
            return timedelta(seconds=self.signing_key_lead_seconds)
        return timedelta(days=1) if self.env is Environment.PRODUCTION else timedelta()

    @model_validator(mode="after")
    def _production_signs_for_the_world(self) -> Self:
        if self.env is Environment.PRODUCTION and not self.public_url.startswith("https://"):
            raise ValueError(f"production does not sign as an address over plain http: {self.public_url}")
        return self
