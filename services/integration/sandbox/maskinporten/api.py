"""Maskinporten over HTTP: its own paths and errors, and beside them what self-service does there (`/_sandbox/…`)."""

import itertools
import logging
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse
from joserfc.jwk import RSAKey
from pydantic import Field

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
from services.integration.sandbox.maskinporten import rules, store
from services.integration.sandbox.settings import Settings

FORGET_EVERY = 1000
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


async def token(request: Request) -> JSONResponse:
    """Two round trips: everything that is registered, and the row that makes the grant good only once; what Altinn or
    the certificates' authority knows is asked only for a grant that needs it. All are single statements, so no
    transaction is opened around them. A measured hot route (decision 0045; `python -m bench.tokens` tells the
    shares): the two questions go by the event loop's own connections; threads and sessions took about twice as long."""
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
    client, kid = await store.registered(database, grant, instant)
    if client is None:
        raise refusals.ClientNotFound
    by = await _authenticate(database, grant, client, assertion, instant)
    rules.check_claims(grant, settings.maskinporten_issuer, second)
    rules.check_access(grant, client)
    details = await run_in_threadpool(_details, database, grant, client, instant) if grant.asked else None
    key = await store.signer(database, kid) if kid else None
    if key is None:
        raise NoSigningKey
    await store.use_up(database, grant, assertion, instant)
    if next(_served) % FORGET_EVERY == 0:
        await store.forget_used(database, instant)
    seconds = rules.seconds(grant, client, settings.token_seconds)
    claims = rules.claims(
        grant,
        client,
        details,
        by=by,
        issuer=settings.maskinporten_issuer,
        now=second,
        seconds=seconds,
        jti=str(new_id()),
    )
    answer = {
        "access_token": _signed(key, claims, faults.spoiling(request.scope)),
        "token_type": "Bearer",
        "expires_in": seconds,
        "scope": claims["scope"],
    }
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


hot.add_hot_read(national, "/token", token, token, method="POST")


async def _form(request: Request) -> dict[str, str]:
    """Empty when the body is something else."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return {}
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace")))


async def _authenticate(
    database: Database, grant: rules.Grant, client: rules.Registered, assertion: str, now: datetime
) -> str:
    """By a registered key, or by an enterprise certificate. → which of them, for the token"""
    rules.check_algorithm(grant)
    if not rules.proves_itself(grant, client):
        store.check_signature(assertion, rules.check_key(grant, client, now))
        return rules.BY_KEY
    proven = await run_in_threadpool(_proven, database, grant.chain, now)
    rules.check_certificate(client, proven.organisation)
    store.check_signature(assertion, proven.key)
    return rules.BY_CERTIFICATE


def _proven(database: Database, chain: object, now: datetime) -> certificates.Proven:
    with database.reading() as session:
        return certificates.prove(session, chain, now)


def _details(
    database: Database, grant: rules.Grant, client: rules.Registered, now: datetime
) -> Mapping[str, Any] | None:
    with database.reading() as session:
        return store.details(session, grant, rules.consumer(grant, client), now)


def _signed(key: RSAKey, claims: Mapping[str, Any], spoiling: faults.Spoiling) -> str:
    if spoiling.signed_by is faults.Signer.STRANGER:
        key = RSAKey.generate_key(2048, {"kid": str(key.kid)}, private=True)
    return store.sign(key, spoiling.claims(claims), **spoiling.header)


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
