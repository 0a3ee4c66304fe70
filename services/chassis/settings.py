"""What every service reads from its environment, and what production refuses."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, SecretStr, StringConstraints, model_validator
from pydantic_settings import BaseSettings


class Environment(StrEnum):
    SANDBOX = "sandbox"
    PRODUCTION = "production"


PublicUrl = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$"),
    AfterValidator(lambda url: url.rstrip("/")),
]
"""The base of links that stand on paper: no query, no slash at its end."""


class IssuerKind(StrEnum):
    """Who stands behind a token. Told by the issuer, never by the token's claims."""

    MACHINE = "machine"
    PERSON = "person"
    EMPLOYEE = "employee"


Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "ES256"]
"""Asymmetric ones only: a public key is no secret to sign with (RFC 8725, 3.1)."""

LEVELS = {
    **{"selfregistered-email": 0, "idporten-loa-low": 1, "eidas-loa-low": 1},
    **{"idporten-loa-substantial": 2, "eidas-loa-substantial": 2, "substantial": 2, "entraid": 2},
    **{"idporten-loa-high": 3, "eidas-loa-high": 3, "high": 3},
}
"""How sure ID-porten (`idporten-loa-…`) and Ansattporten (`substantial`, `high`, `entraid`) are of who logged in."""

SANDBOX_REFERENCE_KEY = "only persons who do not exist are referred to by this"  # refused in production
SHORTEST_REFERENCE_KEY = 32


class TrustedIssuer(BaseModel):
    """A token issuer: compared exactly, with or without its last slash as the issuer writes itself."""

    issuer: str
    kind: IssuerKind
    jwks_url: str
    algorithms: list[Algorithm] = Field(
        default=["RS256", "RS384", "RS512", "PS256", "ES256"], min_length=1, description="That it may sign with"
    )
    acr_levels: dict[str, int] = Field(default=LEVELS, description="Its names for how well somebody logged in, ordered")
    least_acr: str = Field(default="substantial", description="A person or employee who logged in for less is refused")

    @model_validator(mode="after")
    def _the_least_is_in_order(self) -> Self:
        if self.least_acr not in self.acr_levels:
            raise ValueError(f"least_acr {self.least_acr!r} has no place among acr_levels: {sorted(self.acr_levels)}")
        return self


class Role(BaseModel):
    """Who plays a role. A machine does by the scopes in its token. An employee needs the scopes too, and must represent
    her organisation through one of the resources: the scopes of other roles are not hers, whatever her token says."""

    role: str = Field(min_length=1)
    scopes: list[str] = Field(min_length=1, description="All of them are needed; without prefix")
    resources: list[str] = Field(
        default=[],
        description="One of them is needed: `urn:altinn:resource:…`, or `ansattporten:orgno` for what an employer says",
    )
    actions: list[str] = Field(default=[], description="All of them are needed on the resource (actions or rights)")


class Login(BaseModel):
    """Where employees log in from Swagger UI: a public client, with PKCE, of a provider that says whom they act for."""

    issuer: str = Field(description="As it stands in the tokens; one of the trusted issuers of kind employee")
    client: str = Field(min_length=1, description="The client's id there, registered without a secret")
    authorization_url: str = Field(description="Where the browser is sent")
    token_url: str = Field(description="Where the code becomes a token")
    logout_url: str = Field(description="Where the browser is sent to end the session (end_session_endpoint)")
    acr_values: str = Field(default="substantial", description="How well one has to log in; several with spaces")
    ui_locales: str = Field(default="nb", description="Of the provider's pages")
    relayed: bool = Field(
        default=False,
        description="Send the code through the service, for a provider that does not answer scripts of other origins",
    )
    pages: dict[str, str] = Field(
        default={},
        description="The services' pages by name (`https://…/docs`): where else this login leads, and is ended as well",
    )


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
    roles: list[Role] = Field(
        default=[], description="Which scopes, and for employees which resources, make which role (JSON)"
    )
    login: Login | None = Field(
        default=None, description="Where employees log in from Swagger UI (JSON); when left out, tokens are only pasted"
    )
    leeway_seconds: int = Field(default=10, ge=0, le=60, description="How far an issuer's clock may be from ours")
    keys_seconds: float = Field(
        default=24 * 3600, gt=0, description="How long an issuer's keys are used before they are fetched anew"
    )
    keys_pause_seconds: float = Field(
        default=10, gt=0, description="Between two fetches for a key id that is not among them"
    )
    keys_outage_seconds: float = Field(
        default=24 * 3600, ge=0, description="How much longer they are used while the issuer's key page is away"
    )
    remembered_tokens: int = Field(default=20_000, ge=1, description="Tokens whose verified claims are remembered")
    reference_key: SecretStr = Field(
        default=SecretStr(SANDBOX_REFERENCE_KEY),
        description="Key of the references (HMAC) that stand for persons in trail and log; the same for all services",
    )
    log_level: str = "INFO"

    @model_validator(mode="after")
    def _production_is_real(self) -> Self:
        if self.env is Environment.PRODUCTION:
            for one in self.issuers:
                if not (one.issuer.startswith("https://") and one.jwks_url.startswith("https://")):
                    raise ValueError(f"production does not trust an issuer over plain http: {one.issuer}")
            if self.login and not all(
                url.startswith("https://")
                for url in (self.login.authorization_url, self.login.token_url, self.login.logout_url)
            ):
                raise ValueError("production does not log anybody in over plain http (login)")
            key = self.reference_key.get_secret_value()
            persons = any(one.kind is not IssuerKind.MACHINE for one in self.issuers)
            if persons and (key == SANDBOX_REFERENCE_KEY or len(key) < SHORTEST_REFERENCE_KEY):
                raise ValueError(f"production needs a reference key of its own, of {SHORTEST_REFERENCE_KEY} characters")
        return self

    @model_validator(mode="after")
    def _an_issuer_is_of_one_kind(self) -> Self:
        names = [one.issuer for one in self.issuers]
        if len(set(names)) < len(names):
            raise ValueError(f"an issuer is trusted twice: {', '.join(names)}")
        return self

    @model_validator(mode="after")
    def _a_login_leads_somewhere(self) -> Self:
        employees = [one.issuer for one in self.issuers if one.kind is IssuerKind.EMPLOYEE]
        if self.login and self.login.issuer not in employees:
            raise ValueError(f"the login's issuer is not trusted as one of employees: {self.login.issuer}")
        return self
