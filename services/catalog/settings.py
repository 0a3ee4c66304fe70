"""Everything the catalogue reads from its environment."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_settings import SettingsConfigDict

from services.chassis.settings import Environment, ServiceSettings


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="CATALOG_")

    port: int = Field(default=8001, ge=1, le=65535, description="The port to listen on")
    public_url: Annotated[
        str,
        StringConstraints(pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$"),
        AfterValidator(lambda url: url.rstrip("/")),
        Field(description="How the world reaches this service: the base of links and codes that stand on paper"),
    ] = "http://127.0.0.1:8001"
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
