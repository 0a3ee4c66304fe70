"""Relying parties over HTTP: what self-service does, under `/_sandbox/logins/…`."""

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import Field, StringConstraints

from services.chassis import contract
from services.chassis.app import new_router
from services.chassis.db import ReaderDep, TransactionDep
from services.chassis.values import In, OrganisationNumber, Out, new_id
from services.integration.sandbox.clients.store import public_key
from services.integration.sandbox.providers.asking import ClockDep
from services.integration.sandbox.providers.rules import ProviderName
from services.integration.sandbox.relying_parties import rules, store
from services.integration.sandbox.relying_parties.rules import Method

router = new_router("/_sandbox/logins", "Logins")
ProviderPath = Annotated[ProviderName, Path(description="Which login provider", examples=["ansattporten"])]
Address = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class Shape(In):
    client_id: str | None = Field(
        default=None, min_length=1, max_length=100, pattern=r"^[\x21-\x7e]+$", description="One is made when left out"
    )
    organisation: OrganisationNumber = Field(description="Whose client it is: `consumer` in access tokens")
    name: str = Field(min_length=1, max_length=200, description="As users see it when they log in")
    method: Method = Field(description="The one method by which it authenticates itself")
    redirect_uris: list[Address] = Field(min_length=1, max_length=20, description="Compared exactly")
    post_logout_redirect_uris: list[Address] = Field(default=[], max_length=20, description="Compared exactly")
    scopes: list[Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]] = Field(
        default=["openid", "profile"], description="That it may ask for"
    )
    frontchannel_logout_uri: Address | None = Field(default=None, description="Opened in a frame at logout")
    backchannel_logout_uri: Address | None = Field(
        default=None, description="Sent a logout token at logout; on the host of a redirect_uri"
    )
    pkce_required: bool = Field(default=True, description="Off: code_challenge_method=none in self-service")
    state_and_nonce_required: bool = Field(default=True, description="Ansattporten demands both whatever stands here")
    may_refresh: bool = Field(default=False, description="Gets refresh tokens; not possible with none")
    access_token_seconds: int = Field(default=120, ge=1, le=7200, description="Life of its access tokens")
    on_behalf_of: dict[
        Annotated[str, StringConstraints(min_length=1, max_length=100)],
        Annotated[str, StringConstraints(min_length=1, max_length=200)],
    ] = Field(default={}, max_length=100, description="Of a supplier's client: its customers' names by `onbehalfof`")
    opaque_scopes: list[Annotated[str, StringConstraints(min_length=1, max_length=200)]] = Field(
        default=[], max_length=100, description="Access tokens with one of these are by reference (OPAQUE)"
    )


class NewRelyingParty(Shape):
    keys: list[dict[str, Any]] = Field(
        default=[], max_length=5, description="Public RSA keys (JWK) of a client with private_key_jwt"
    )


class RelyingParty(Out):
    client_id: str
    provider: ProviderName
    organisation: str
    name: str
    method: Method
    redirect_uris: list[str]
    post_logout_redirect_uris: list[str]
    scopes: list[str]
    frontchannel_logout_uri: str | None
    backchannel_logout_uri: str | None
    pkce_required: bool
    state_and_nonce_required: bool
    may_refresh: bool
    access_token_seconds: int
    on_behalf_of: dict[str, str]
    opaque_scopes: list[str]


class RegisteredRelyingParty(Out):
    client_id: str
    client_secret: str | None = Field(description="Told here and never again; null without one")


class RelyingParties(Out):
    items: list[RelyingParty]


class Filters(In):
    """None yet: there are few clients."""


@router.get("/{provider}/clients", summary="List a login provider's clients", openapi_extra=contract.example())
def clients(provider: ProviderPath, filters: Annotated[Filters, Query()], session: ReaderDep) -> RelyingParties:
    """In the order in which they were registered."""
    return RelyingParties(items=[RelyingParty(**store.shown(row)) for row in store.listed(session, provider)])


@router.post(
    "/{provider}/clients",
    status_code=201,
    summary="Register a client at a login provider",
    openapi_extra=contract.example(
        body={
            "organisation": "964983291",
            "name": "Brønnøy: bestilling",
            "method": "none",
            "redirect_uris": ["http://127.0.0.1:3000/callback"],
        }
    ),
)
def register(
    provider: ProviderPath, new: NewRelyingParty, session: TransactionDep, clock: ClockDep
) -> RegisteredRelyingParty:
    """As in self-service at Digdir. 409 when the id is taken, 422 when the client could not work so."""
    why = rules.unregistrable(
        new.method,
        new.may_refresh,
        new.redirect_uris,
        new.post_logout_redirect_uris,
        new.backchannel_logout_uri,
    )
    if why:
        raise store.ClientUnregistrable(why)
    client_id = new.client_id or str(new_id())
    row = new.model_dump(exclude={"keys"}) | {"client_id": client_id}
    keys = [public_key(jwk) for jwk in new.keys]
    return RegisteredRelyingParty(
        client_id=client_id, client_secret=store.register(session, provider, row, keys, clock.now())
    )
