"""Scopes, access, clients and keys as self-service writes them. What it does not know it lets be: scripts send back
what they have read."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, PlainSerializer, model_validator

from services.chassis.clock import OSLO
from services.chassis.tokens import GRANT
from services.chassis.values import OrganisationNumber
from services.integration.sandbox.clients.store import Client, OnBehalfOf
from services.integration.sandbox.maskinporten.rules import BY_KEY
from services.integration.sandbox.scopes.rules import MASKINPORTEN, State, TokenType, Visibility
from services.integration.sandbox.scopes.store import Scope, ScopeGrant

Moment = Annotated[
    datetime,
    PlainSerializer(lambda value: value.astimezone(OSLO).isoformat(timespec="milliseconds"), return_type=str),
]
"""With Norwegian offset, as seen: 2021-01-13T10:53:56.301+01:00."""


class ScopeChange(BaseModel):
    description: str = Field(min_length=1, max_length=500)
    long_description: str | None = Field(default=None, max_length=5000)
    active: bool = True
    visibility: Visibility = Visibility.PUBLIC
    accessible_for_all: bool = False
    at_max_age: int = Field(default=0, ge=0, le=3600)
    authorization_max_lifetime: int = Field(default=0, ge=0)
    delegation_source: str | None = Field(default=None, max_length=300)
    allowed_integration_types: list[str] = Field(default=[MASKINPORTEN], max_length=10)
    requires_user_consent: bool = False
    requires_user_authentication: bool = False
    requires_pseudonymous_tokens: bool = False
    token_type: TokenType = TokenType.SELF_CONTAINED

    def stored(self) -> dict[str, Any]:
        """An empty delegation_source is none; scripts send it so."""
        return self.model_dump() | {"delegation_source": self.delegation_source or None}


class NewScope(ScopeChange):
    prefix: str = Field(min_length=1, max_length=50)
    subscope: str = Field(min_length=1, max_length=150)

    def stored(self) -> dict[str, Any]:
        return {name: value for name, value in super().stored().items() if name not in ("prefix", "subscope")}


class ScopeOut(ScopeChange):
    name: str
    prefix: str
    subscope: str
    owner_orgno: str
    created: Moment
    last_updated: Moment

    @classmethod
    def of(cls, scope: Scope) -> Self:
        prefix, _, subscope = scope.name.partition(":")
        return cls(
            **scope.model_dump(),
            prefix=prefix,
            subscope=subscope,
            owner_orgno=scope.owner,
            created=scope.created_at,
            last_updated=scope.last_updated_at,
        )


class AccessOut(BaseModel):
    scope: str
    state: State
    consumer_orgno: str
    owner_orgno: str
    created: Moment
    last_updated: Moment

    @classmethod
    def of(cls, grant: ScopeGrant, owner: str) -> Self:
        return cls(
            scope=grant.scope,
            state=grant.state,
            consumer_orgno=grant.organisation,
            owner_orgno=owner,
            created=grant.created_at,
            last_updated=grant.last_updated_at,
        )


class ClientIn(BaseModel):
    """Of what Digdir registers of a client, that which matters to Maskinporten."""

    client_name: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=500)
    client_uri: str | None = Field(default=None, max_length=500)
    client_orgno: OrganisationNumber | None = None
    integration_type: str = MASKINPORTEN
    token_endpoint_auth_method: str = BY_KEY
    grant_types: list[str] = [GRANT]
    scopes: list[str] = Field(default=[], max_length=200)
    access_token_lifetime: int = Field(default=0, ge=0, le=3600)

    @model_validator(mode="after")
    def _is_maskinportens(self) -> Self:
        if self.integration_type != MASKINPORTEN:
            raise ValueError("the sandbox registers clients of integration_type maskinporten here")
        if self.token_endpoint_auth_method != BY_KEY or GRANT not in self.grant_types:
            raise ValueError(f"a client of Maskinporten uses {BY_KEY} and {GRANT}")
        return self

    def stored(self) -> dict[str, Any]:
        return {
            "name": self.client_name,
            "description": self.description,
            "client_uri": self.client_uri,
            "access_token_lifetime": self.access_token_lifetime,
        }


class OnBehalfOfIn(BaseModel):
    onbehalfof: str = Field(min_length=1, max_length=100)
    orgno: OrganisationNumber
    name: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=500)
    client_uri: str | None = Field(default=None, max_length=500)


class OnBehalfOfOut(OnBehalfOfIn):
    created: Moment
    last_updated: Moment

    @classmethod
    def of(cls, found: OnBehalfOf) -> Self:
        return cls(**found.model_dump(), created=found.created_at, last_updated=found.last_updated_at)


class ClientOut(BaseModel):
    client_id: str
    client_name: str
    description: str
    client_uri: str | None
    client_orgno: str
    supplier_orgno: str | None
    integration_type: str = MASKINPORTEN
    application_type: str = "web"
    token_endpoint_auth_method: str = BY_KEY
    grant_types: list[str] = [GRANT]
    scopes: list[str]
    access_token_lifetime: int
    onbehalfof: list[OnBehalfOfOut]
    active: bool
    created: Moment
    last_updated: Moment

    @classmethod
    def of(cls, client: Client, scopes: list[str], sub_clients: list[OnBehalfOf]) -> Self:
        return cls(
            client_id=client.client_id,
            client_name=client.name,
            description=client.description,
            client_uri=client.client_uri,
            client_orgno=client.organisation,
            supplier_orgno=client.supplier,
            scopes=scopes,
            access_token_lifetime=client.access_token_lifetime,
            onbehalfof=[OnBehalfOfOut.of(one) for one in sub_clients],
            active=client.active,
            created=client.created_at,
            last_updated=client.last_updated_at,
        )


class JwksIn(BaseModel):
    keys: list[dict[str, Any]] = Field(max_length=20)


class JwksOut(BaseModel):
    keys: list[dict[str, Any]]
    created: Moment | None
    last_updated: Moment | None


class DelegationSource(BaseModel):
    name: str
    issuer: str
    created: Moment
    last_updated: Moment
