"""Maskinporten over HTTP: its own paths and errors, and beside them what self-service does there (`/_sandbox/…`)."""

import itertools
import logging
import secrets
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Form, Path, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from services.chassis import contract
from services.chassis.app import new_router
from services.chassis.clock import now
from services.chassis.db import DatabaseDep, ReaderDep, TransactionDep
from services.chassis.problems import NotFound, Problem, Unavailable
from services.chassis.tokens import GRANT
from services.chassis.values import In, Instant, OrganisationNumber, Out, new_id, seed_id
from services.integration.sandbox.maskinporten import rules, store
from services.integration.sandbox.settings import Settings

FORGET_EVERY = 1000
OF_THE_FRAMEWORK = (400, 404, 405, 413, 415)
"""Answers that come from the framework and not from a rule."""
OTHERWISE = {404: "invalid_request", 503: "temporarily_unavailable"}
_log = logging.getLogger("maskinporten")
_served = itertools.count(1)

national = APIRouter()


class NoSigningKey(Unavailable):
    """The sandbox has no signing key yet: load the seed data."""


class CodeUnknown(NotFound):
    """Maskinporten has no such error code."""


@national.post("/token")
def token(
    request: Request,
    database: DatabaseDep,
    grant_type: Annotated[str | None, Form()] = None,
    assertion: Annotated[str | None, Form()] = None,
) -> JSONResponse:
    """Two round trips: everything that is registered, and the row that makes the grant good only once. Both are
    single statements, so no transaction is opened around them."""
    settings: Settings = request.app.state.sandbox
    if grant_type != GRANT:
        raise rules.GrantTypeUnsupported(f"Unsupported grant type. Must be {GRANT}")
    try:
        header, claimed = store.parts(assertion or "")
    except ValueError as error:
        raise rules.ValueRefused("Invalid assertion. Not a signed JWT") from error
    grant = rules.read(header, claimed)
    instant = now()
    second = int(instant.timestamp())
    with database.reading() as session:
        client, kid = store.registered(session, grant, instant)
        store.check_signature(assertion or "", rules.check_key(grant, client, instant))
        assert client
        rules.check_claims(grant, settings.maskinporten_issuer, second)
        rules.check_access(grant, client)
        key = store.signing_key(session, kid) if kid else None
        if key is None:
            raise NoSigningKey
        store.use_up(session, grant, assertion or "", instant)
        if next(_served) % FORGET_EVERY == 0:
            store.forget_used(session, instant)
    claims = rules.claims(
        grant,
        client,
        issuer=settings.maskinporten_issuer,
        now=second,
        seconds=settings.token_seconds,
        jti=str(new_id()),
        delegation_source=settings.delegation_source,
    )
    answer = {
        "access_token": store.sign(key, claims),
        "token_type": "Bearer",
        "expires_in": settings.token_seconds,
        "scope": claims["scope"],
    }
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


@national.get("/jwk")
def keys(session: ReaderDep) -> JSONResponse:
    return JSONResponse({"keys": store.published(session, now())})


@national.get("/.well-known/oauth-authorization-server")
@national.get("/.well-known/openid-configuration")
async def metadata(request: Request) -> JSONResponse:
    issuer = request.app.state.sandbox.maskinporten_issuer
    return JSONResponse(
        {
            "issuer": issuer,
            "token_endpoint": f"{issuer}token",
            "jwks_uri": f"{issuer}jwk",
            "grant_types_supported": [GRANT],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": list(rules.ALGORITHMS),
            "authorization_details_types_supported": [],
        }
    )


@national.get("/errors/{code}")
async def explain(code: str) -> PlainTextResponse:
    for kind in rules.known_errors():
        if kind.code == code:
            return PlainTextResponse(f"{code} {kind.oauth_error} ({kind.status}): {kind.title()}\n")
    raise CodeUnknown


def speak_nationally(app: FastAPI) -> None:
    """Let every error leave as Maskinporten writes it: `error`, `error_description` with a trace id, `error_uri`."""
    app.router.routes.extend(national.routes)
    app.add_exception_handler(Problem, _problem)
    for status in OF_THE_FRAMEWORK:
        app.add_exception_handler(status, _http)
    app.add_exception_handler(Exception, _unexpected)


def _problem(request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, Problem)
    what = exc.detail or exc.title()
    if isinstance(exc, rules.GrantRefused):
        return _error(request, exc.status, exc.oauth_error, what, exc.code)
    return _error(request, exc.status, OTHERWISE.get(exc.status, "server_error"), what, None)


def _http(request: Request, exc: Any) -> JSONResponse:
    return _error(request, exc.status_code, "invalid_request", str(exc.detail), None)


def _unexpected(request: Request, exc: Exception) -> JSONResponse:
    return _error(request, 500, "server_error", "Unexpected error", None)


def _error(request: Request, status: int, error: str, what: str, code: str | None) -> JSONResponse:
    trace = secrets.token_hex(16)
    _log.info("refused: %s %s %s (trace_id: %s)", status, error, code or "-", trace)
    body = {"error": error, "error_description": f"{what.rstrip('.')}. (trace_id: {trace})"}
    if code:
        body["error_uri"] = f"{request.app.state.sandbox.maskinporten_issuer}errors/{code}"
    return JSONResponse(body, status, headers={"Cache-Control": "no-store"})


router = new_router("/_sandbox/maskinporten", "Maskinporten")
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


class NewRotation(In):
    lead_seconds: float = Field(
        default=15,
        ge=0,
        le=86_400,
        description="Published this long before it signs, so that no service meets a key it cannot fetch yet",
    )
    overlap_seconds: float = Field(
        default=3600, ge=0, le=31_536_000, description="How long the keys before it are still published after that"
    )


class Rotation(Out):
    kid: str
    signs_from: Instant


class NewDelegation(In):
    """The customer lets the supplier use a scope in the customer's name (`consumer_org` in a grant)."""

    consumer: OrganisationNumber = Field(description="The customer")
    supplier: OrganisationNumber
    scope: str = Field(min_length=1, max_length=200, examples=["samvirke:catalog.write"])


class Delegation(Out):
    consumer: str
    supplier: str
    scope: str


@router.get(
    "/clients", summary="List clients", openapi_extra=contract.example(query={"organisation_number": "964983291"})
)
def clients(filters: Annotated[Filters, Query()], session: ReaderDep) -> Clients:
    """All clients, or one organisation's, with their scopes and keys. Every municipality and county has one."""
    return Clients(items=[Client(**one) for one in store.clients(session, filters.organisation_number)])


@router.post("/clients/{client_id}/jwks", status_code=201, summary="Register a client's public key")
def register_key(
    client_id: Annotated[str, Path(description="The client's id", examples=[BRONNOY], max_length=36)],
    new: NewKey,
    session: TransactionDep,
) -> RegisteredKey:
    """Adds a public key to a client, at most five. A key is good for a year. A private key is refused, and so is a kid
    that the client has already (422)."""
    jwk: dict[str, Any] = new.model_dump()
    return RegisteredKey(client_id=client_id, kid=store.register_key(session, client_id, jwk, now()))


@router.post(
    "/rotate",
    status_code=201,
    summary="Rotate the signing key",
    openapi_extra=contract.example(body={"lead_seconds": 0}),
)
def rotate(new: NewRotation, session: TransactionDep) -> Rotation:
    """Makes a new signing key. It is published at once, signs after `lead_seconds`, and the keys before it stay
    published for `overlap_seconds` after that."""
    lead = timedelta(seconds=new.lead_seconds)
    instant = now()
    kid = store.rotate(session, instant, lead=lead, overlap=timedelta(seconds=new.overlap_seconds))
    return Rotation(kid=kid, signs_from=instant + lead)


@router.post(
    "/delegations",
    status_code=201,
    summary="Delegate a scope",
    openapi_extra=contract.example(
        body={"consumer": "964983291", "supplier": "100000016", "scope": "samvirke:catalog.write"}
    ),
)
def delegate(new: NewDelegation, session: TransactionDep) -> Delegation:
    """Registers that a customer has delegated a scope to a supplier, as Altinn does. Again changes nothing."""
    store.delegate(session, new.consumer, new.supplier, new.scope)
    return Delegation(**new.model_dump())
