"""Clients over HTTP, for whoever tries the system: a look at them, and a key for one. What organisations do themselves
is self-service's."""

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from services.chassis import contract
from services.chassis.app import new_router
from services.chassis.clock import now
from services.chassis.db import ReaderDep, TransactionDep
from services.chassis.values import In, OrganisationNumber, Out, seed_id
from services.integration.sandbox.clients import store

router = new_router("/_sandbox/maskinporten/clients", "Maskinporten")
BRONNOY = str(seed_id("client:964983291"))


class Client(Out):
    """A client, as its organisation sees it in self-service."""

    client_id: str = Field(description="`iss` of the client's grants", examples=[BRONNOY])
    organisation_number: OrganisationNumber
    name: str
    scopes: list[str]
    kids: list[str] = Field(description="Names of its registered public keys; empty: it cannot get tokens yet")


class Clients(Out):
    items: list[Client]


class Filters(In):
    organisation_number: OrganisationNumber | None = Field(default=None, description="Only this organisation's")


class NewKey(BaseModel):
    """A public RSA key as a JWK (RFC 7517). Members that we do not know are let be, as the standard wants."""

    model_config = ConfigDict(extra="allow")

    kty: str = Field(description="`RSA`")
    kid: str = Field(description="The key's name, used in the header of grants")
    n: str = Field(description="Modulus, at least 2048 bits, base64url")
    e: str = Field(description="Exponent, base64url")


class RegisteredKey(Out):
    client_id: str
    kid: str


@router.get("", summary="List clients", openapi_extra=contract.example(query={"organisation_number": "964983291"}))
def clients(filters: Annotated[Filters, Query()], session: ReaderDep) -> Clients:
    """All clients, or one organisation's, with their scopes and keys. Every municipality and county has one."""
    return Clients(items=[Client(**one) for one in store.overview(session, filters.organisation_number)])


@router.post("/{client_id}/jwks", status_code=201, summary="Register a client's public key")
def register_key(
    client_id: Annotated[str, Path(description="The client's id", examples=[BRONNOY], max_length=36)],
    new: NewKey,
    session: TransactionDep,
) -> RegisteredKey:
    """Adds a public key to a client, at most five. A key is good for a year. A private key is refused, and so is a kid
    that any client has already (422)."""
    jwk: dict[str, Any] = new.model_dump()
    return RegisteredKey(client_id=client_id, kid=store.register_key(session, client_id, jwk, now()))
