"""Maskinporten over HTTP: its own paths and errors, and beside them what self-service does there (`/_sandbox/…`)."""

import itertools
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from fastapi import APIRouter, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fastapi.routing import APIRoute
from pydantic import Field
from starlette.types import ASGIApp, Receive, Scope, Send

from services.chassis import contract, db, hot
from services.chassis.app import new_router
from services.chassis.clock import now
from services.chassis.db import Database, ReaderDep, TransactionDep
from services.chassis.problems import NotFound, Problem, Unavailable
from services.chassis.tokens import GRANT
from services.chassis.values import In, Instant, Out, new_id
from services.integration.sandbox.enterprise_certificates import store as certificates
from services.integration.sandbox.faults import rules as faults
from services.integration.sandbox.grant_refusals import rules as refusals
from services.integration.sandbox.maskinporten import rules, signatures, store
from services.integration.sandbox.settings import Settings

FORGET_EVERY = 1000
SHORT_BODY = 1_000_000
FORM = "application/x-www-form-urlencoded"
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


async def token(request: Request) -> Response:
    """One round trip for a client that was met before, which uses the grant up if everything is registered as it was
    then; one more for another. What Altinn or the certificates' authority knows is asked only for a grant that needs
    it. All are single statements, so no transaction is opened around them. A measured hot route (decision 0045;
    `python -m bench.tokens` tells the shares)."""
    settings: Settings = request.app.state.sandbox
    database = db.database(request)
    form = await _form(request)
    if form.get("grant_type") != GRANT:
        raise refusals.GrantTypeUnsupported(f"Unsupported grant type. Must be {GRANT}")
    assertion = form.get("assertion", "")
    try:
        header, claimed = store.parts(assertion)
    except ValueError as error:
        raise refusals.ValueRefused("Invalid assertion. Not a signed JWT") from error
    grant = rules.read(header, claimed)
    instant = faults.clock(request.scope, now())
    second = int(instant.timestamp())
    known, decided = await _decided(request, grant, assertion, instant)
    if next(_served) % FORGET_EVERY == 0:
        await store.forget_used(database, instant)
    client = known.client
    seconds = rules.seconds(grant, client, settings.token_seconds)
    claims = rules.claims(
        grant,
        client,
        decided.details,
        by=decided.by,
        issuer=settings.maskinporten_issuer,
        now=second,
        seconds=seconds,
        jti=str(new_id()),
    )
    answer = {
        "access_token": _signed(decided, claims, faults.spoiling(request.scope)),
        "token_type": "Bearer",
        "expires_in": seconds,
        "scope": claims["scope"],
    }
    return Response(orjson.dumps(answer), media_type="application/json", headers={"Cache-Control": "no-store"})


hot.add_hot_read(national, "/token", token, token, method="POST")


async def _form(request: Request) -> dict[str, str]:
    """Empty when the body is something else."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return {}
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace")))


@dataclass(frozen=True)
class _Decided:
    by: str
    details: Mapping[str, Any] | None
    kid: str
    key: RSAPrivateKey


async def _decided(request: Request, grant: rules.Grant, assertion: str, now: datetime) -> tuple[store.Known, _Decided]:
    """Decided by what is known of the client, and used up if that still is so. A refusal holds only when it was asked
    for just now. A request with a clock of its own is decided alone."""
    grants: store.Grants = request.app.state.grants
    known = None if faults.AT_WORK in request.scope else grants.known(grant)
    if known:
        try:
            if decided := await _tried(request, grant, known, assertion, now):
                return known, decided
        except refusals.GrantUsedBefore:  # which was found out just now
            raise
        except refusals.GrantRefused:
            _log.debug("refused by what is remembered, so asked again")
    while known := await grants.ask(grant, now):
        if decided := await _tried(request, grant, known, assertion, now):
            grants.remember(grant, known)
            return known, decided
    raise refusals.ClientNotFound


async def _tried(
    request: Request, grant: rules.Grant, known: store.Known, assertion: str, now: datetime
) -> _Decided | None:
    """None when something else is registered by now."""
    database, client = db.database(request), known.client
    by = await _authenticate(database, grant, client, assertion, now)
    rules.check_claims(grant, request.app.state.sandbox.maskinporten_issuer, int(now.timestamp()))
    rules.check_access(grant, client)
    details = await run_in_threadpool(_details, database, grant, client, now) if grant.asked else None
    kid = known.signing_kid
    key = await store.signer(database, kid) if kid else None
    if kid is None or key is None:
        raise NoSigningKey
    outcome = await request.app.state.grants.use_up(grant, assertion, known, now)
    if outcome is store.Outcome.USED_BEFORE:
        raise refusals.GrantUsedBefore
    return _Decided(by, details, kid, key) if outcome is store.Outcome.USED else None


async def _authenticate(
    database: Database, grant: rules.Grant, client: rules.Registered, assertion: str, now: datetime
) -> str:
    """By a registered key, or by an enterprise certificate. → which of them, for the token"""
    rules.check_algorithm(grant)
    if not rules.proves_itself(grant, client):
        key = signatures.public(rules.check_key(grant, client, now))
        signatures.check(assertion, grant.algorithm, key)
        return rules.BY_KEY
    proven = await run_in_threadpool(_proven, database, grant.chain, now)
    rules.check_certificate(client, proven.organisation)
    signatures.check(assertion, grant.algorithm, proven.key.public_key)
    return rules.BY_CERTIFICATE


def _proven(database: Database, chain: object, now: datetime) -> certificates.Proven:
    with database.reading() as session:
        return certificates.prove(session, chain, now)


def _details(
    database: Database, grant: rules.Grant, client: rules.Registered, now: datetime
) -> Mapping[str, Any] | None:
    with database.reading() as session:
        return store.details(session, grant, rules.consumer(grant, client), now)


def _signed(decided: _Decided, claims: Mapping[str, Any], spoiling: faults.Spoiling) -> str:
    """Without `typ` in the header, as the real tokens are."""
    key = decided.key
    if spoiling.signed_by is faults.Signer.STRANGER:
        key = generate_private_key(65537, key.key_size)
    return signatures.sign(key, {"kid": decided.kid, "alg": "RS256", **spoiling.header}, spoiling.claims(claims))


@national.get("/jwk")
def keys(request: Request, session: ReaderDep) -> JSONResponse:
    return JSONResponse({"keys": store.published(session, faults.clock(request.scope, now()))})


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
            "authorization_details_types_supported": list(rules.DETAILS),
        }
    )


@national.get("/errors/{code}")
async def explain(code: str) -> PlainTextResponse:
    kinds = [kind for kind in refusals.known_errors() if kind.code == code]
    if not kinds:
        raise CodeUnknown
    return PlainTextResponse("".join(f"{code} {kind.oauth_error} ({kind.status}): {kind.title()}\n" for kind in kinds))


class Straight:
    """Has `POST /token` answered before the framework looks for a route, which costs a fifteenth of a token. Whatever
    else comes goes on and finds the same route there, also a body that may be too long."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._route = next(one for one in national.routes if isinstance(one, APIRoute) and one.path == "/token")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["method"], scope["path"]) != ("POST", "/token") or not _is_short(scope):
            await self._app(scope, receive, send)
            return
        scope["route"] = self._route  # `chassis.observe` counts by it
        request = Request(scope, receive)
        try:
            answer = await token(request)
        except Problem as problem:
            answer = _problem(request, problem)
        await answer(scope, receive, send)


def _is_short(scope: Scope) -> bool:
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return length.isdigit() and int(length) <= SHORT_BODY


def speak_nationally(app: FastAPI) -> None:
    """Let every error leave as Maskinporten writes it: `error`, `error_description` with a trace id, `error_uri`."""
    app.add_middleware(Straight)
    app.state.grants = store.Grants(app.state.database)
    app.router.routes.extend(national.routes)
    app.add_exception_handler(Problem, _problem)
    for status in OF_THE_FRAMEWORK:
        app.add_exception_handler(status, _http)
    app.add_exception_handler(Exception, _unexpected)


def _problem(request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, Problem)
    what = exc.detail or exc.title()
    if isinstance(exc, refusals.GrantRefused):
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
