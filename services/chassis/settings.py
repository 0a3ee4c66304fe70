"""What every service reads from its environment, and what production refuses."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator
from pydantic_settings import BaseSettings


class Environment(StrEnum):
    SANDBOX = "sandbox"
    PRODUCTION = "production"


class IssuerKind(StrEnum):
    """Who stands behind a token. Told by the issuer, never by the token's claims."""

    MACHINE = "machine"
    PERSON = "person"
    EMPLOYEE = "employee"


class TrustedIssuer(BaseModel):
    """A token issuer: compared exactly, with or without its last slash as the issuer writes itself."""

    issuer: str
    kind: IssuerKind
    jwks_url: str


class ServiceSettings(BaseSettings):
    """Every setting carries its service's prefix (`CATALOG_PORT`); only the environment's kind is said once for all."""

    env: Annotated[Environment, Field(validation_alias="SAMVIRKE_ENV", description="sandbox or production")] = (
        Environment.SANDBOX
    )
    database_url: str = Field(description="postgresql://… of this service's own database")
    host: str = Field(default="127.0.0.1", description="The address to listen on")
    port: int = Field(ge=1, le=65535, description="The port to listen on")
    scope_prefix: str = Field(default="samvirke", description="What stands before the colon in our scopes")
    database_connections: int = Field(default=8, ge=1, le=100, description="Connections this process holds at most")
    issuers: list[TrustedIssuer] = Field(
        default=[
            TrustedIssuer(
                issuer="http://127.0.0.1:8091/", kind=IssuerKind.MACHINE, jwks_url="http://127.0.0.1:8091/jwk"
            )
        ],
        description="Whose tokens are accepted (JSON)",
    )
    audience: str | None = Field(default=None, description="Demand this `aud` in every token")
    log_level: str = "INFO"

    @model_validator(mode="after")
    def _production_is_real(self) -> Self:
        if self.env is Environment.PRODUCTION:
            for one in self.issuers:
                if not (one.issuer.startswith("https://") and one.jwks_url.startswith("https://")):
                    raise ValueError(f"production does not trust an issuer over plain http: {one.issuer}")
        return self
