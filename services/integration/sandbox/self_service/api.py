"""Self-service over HTTP: its own paths, with and without `/api/v1` before them, and its errors."""

import json
import logging
import secrets
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlmodel import Session

from services.chassis.clock import now
from services.chassis.db import ReaderDep, TransactionDep
from services.chassis.problems import Problem
from services.chassis.values import OrganisationNumber, new_id
from services.integration.sandbox.clients import store as clients
from services.integration.sandbox.faults import rules as faults
from services.integration.sandbox.maskinporten import store as maskinporten
from services.integration.sandbox.scopes import rules as names
from services.integration.sandbox.scopes import store as scopes
from services.integration.sandbox.self_service import rules
from services.integration.sandbox.self_service.shapes import (
    AccessOut,
    ClientIn,
    ClientOut,
    DelegationSource,
    JwksIn,
    JwksOut,
    NewScope,
    OnBehalfOfIn,
    OnBehalfOfOut,
    ScopeChange,
    ScopeOut,
)
from services.integration.sandbox.settings import Settings

PREFIXES = ("", "/api/v1")
OF_THE_FRAMEWORK = (404, 405, 413, 415)
WORDS = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    503: "temporarily_unavailable",
}
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_log = logging.getLogger("self_service")

national = APIRouter()
Named = Annotated[str, Query(alias="scope", max_length=200)]


def _who(request: Request, session: Session) -> rules.Administrator:
    """By the session that the route has anyway."""
    settings: Settings = request.app.state.sandbox
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise maskinporten.TokenRefused("Send Authorization: Bearer <access token>")
    instant = faults.clock(request.scope, now())
    claims = maskinporten.token_claims(session, token, issuer=settings.maskinporten_issuer, now=instant)
    return rules.administrator(claims)


@national.get("/scopes/all")
def all_scopes(session: ReaderDep) -> list[ScopeOut]:
    """Open to everybody: the scopes that are public and active."""
    return [ScopeOut.of(one) for one in scopes.public(session)]


@national.get("/delegationsources")
def delegation_sources(request: Request) -> list[DelegationSource]:
    """Open to everybody."""
    settings: Settings = request.app.state.sandbox
    return [
        DelegationSource(name="altinn", issuer=settings.delegation_source, created=BEGINNING, last_updated=BEGINNING)
    ]


@national.get("/scopes/access/all")
def my_access(request: Request, session: ReaderDep) -> list[AccessOut]:
    """Which scopes my organisation has been given."""
    who = _who(request, session)
    who.require(*rules.ALL)
    return [AccessOut.of(grant, owner) for grant, owner in scopes.access_of(session, who.organisation)]


@national.get("/scopes/access")
def access(request: Request, session: ReaderDep, name: Named, inactive: bool = False) -> list[AccessOut]:
    scope = _own_scope(request, session, name)
    return [AccessOut.of(one, scope.owner) for one in scopes.access_to(session, name, inactive=inactive)]


@national.put("/scopes/access/{orgno}")
def give_access(request: Request, session: TransactionDep, orgno: OrganisationNumber, name: Named) -> AccessOut:
    return _set_access(request, session, orgno, name, names.State.APPROVED)


@national.delete("/scopes/access/{orgno}")
def take_access(request: Request, session: TransactionDep, orgno: OrganisationNumber, name: Named) -> AccessOut:
    return _set_access(request, session, orgno, name, names.State.DENIED)


def _set_access(request: Request, session: Session, orgno: str, name: str, state: names.State) -> AccessOut:
    scope = _own_scope(request, session, name)
    grant = scopes.set_access(session, name, orgno, state, now())
    if grant is None:
        raise scopes.ScopeMissing(f"{orgno} has no access to the scope {name}.")
    return AccessOut.of(grant, scope.owner)


def _own_scope(request: Request, session: Session, name: str, *, locked: bool = False) -> scopes.Scope:
    who = _who(request, session)
    who.require(rules.SCOPES_WRITE)
    scope = scopes.by_name(session, name, locked=locked)
    who.require_own(scope.owner)
    return scope


@national.get("/scopes", response_model=None)
def my_scopes(
    request: Request,
    session: ReaderDep,
    name: Annotated[str | None, Query(alias="scope", max_length=200)] = None,
    inactive: bool = False,
) -> Any:
    """One by its name, or all that my organisation owns."""
    if name is not None:
        return ScopeOut.of(_own_scope(request, session, name))
    who = _who(request, session)
    who.require(rules.SCOPES_WRITE)
    return [ScopeOut.of(one) for one in scopes.owned(session, who.organisation, inactive=inactive)]


@national.post("/scopes")
def new_scope(request: Request, session: TransactionDep, new: NewScope) -> ScopeOut:
    who = _who(request, session)
    who.require(rules.SCOPES_WRITE)
    if not scopes.owns(session, new.prefix, who.organisation):
        raise rules.MayNotAdminister(f"The prefix {new.prefix} is not handed out to {who.organisation}.")
    name = names.full_name(new.prefix, new.subscope)
    if name is None:
        raise rules.Unusable("A scope is called prefix:subscope.")
    _require_source(request, new)
    instant = now()
    made = scopes.Scope(name=name, owner=who.organisation, created_at=instant, last_updated_at=instant, **new.stored())
    return ScopeOut.of(scopes.add(session, made))


@national.put("/scopes")
def change_scope(request: Request, session: TransactionDep, name: Named, change: ScopeChange) -> ScopeOut:
    """All but the name. One that was deactivated is active again, unless the change says otherwise."""
    scope = _own_scope(request, session, name, locked=True)
    _require_source(request, change)
    return ScopeOut.of(scopes.change(session, scope, change.stored(), now()))


@national.delete("/scopes")
def deactivate_scope(request: Request, session: TransactionDep, name: Named) -> ScopeOut:
    """It stays, and so does the access that was given to it."""
    scope = _own_scope(request, session, name, locked=True)
    return ScopeOut.of(scopes.change(session, scope, {"active": False}, now()))


def _require_source(request: Request, change: ScopeChange) -> None:
    known = request.app.state.sandbox.delegation_source
    if change.delegation_source and change.delegation_source != known:
        raise rules.Unusable(f"The only delegation_source is {known}.")


@national.get("/clients")
def my_clients(request: Request, session: ReaderDep, inactive: bool = False) -> list[ClientOut]:
    who = _who(request, session)
    who.require(*rules.READS_CLIENTS)
    return [_shown(session, one) for one in clients.administered(session, who.organisation, inactive=inactive)]


@national.post("/clients")
def new_client(request: Request, session: TransactionDep, new: ClientIn) -> ClientOut:
    who = _who(request, session)
    who.require(*rules.MAKES_CLIENTS)
    organisation, supplier = rules.whose(who, new.client_orgno)
    _require_scopes(session, new.scopes, organisation)
    instant = now()
    made = clients.Client(
        client_id=str(new_id()),
        organisation=organisation,
        supplier=supplier,
        created_at=instant,
        last_updated_at=instant,
        **new.stored(),
    )
    return _shown(session, clients.add(session, made, new.scopes))


@national.get("/clients/{client_id}")
def client(request: Request, session: ReaderDep, client_id: str) -> ClientOut:
    return _shown(session, _own_client(request, session, client_id, *rules.READS_CLIENTS))


@national.put("/clients/{client_id}")
def change_client(request: Request, session: TransactionDep, client_id: str, change: ClientIn) -> ClientOut:
    found = _own_client(request, session, client_id, *rules.CHANGES_CLIENTS, locked=True)
    if change.client_orgno not in (None, found.organisation):
        raise rules.Unusable("A client stays with its organisation.")
    _require_scopes(session, change.scopes, found.organisation)
    return _shown(session, clients.change(session, found, change.stored(), change.scopes, now()))


@national.delete("/clients/{client_id}", status_code=204)
def deactivate_client(request: Request, session: TransactionDep, client_id: str) -> Response:
    """It stays, and gets no more tokens."""
    found = _own_client(request, session, client_id, *rules.CHANGES_CLIENTS, locked=True)
    clients.deactivate(session, found, now())
    return Response(status_code=204)


@national.get("/clients/{client_id}/jwks")
def keys(request: Request, session: ReaderDep, client_id: str) -> JwksOut:
    return _jwks(session, _own_client(request, session, client_id, *rules.READS_CLIENTS))


@national.post("/clients/{client_id}/jwks")
@national.put("/clients/{client_id}/jwks")
def replace_keys(request: Request, session: TransactionDep, client_id: str, new: JwksIn) -> JwksOut:
    """All keys at once; those that are not sent are gone."""
    found = _own_client(request, session, client_id, *rules.CHANGES_CLIENTS, locked=True)
    clients.replace_keys(session, found, new.keys, now())
    return _jwks(session, found)


@national.get("/clients/{client_id}/onbehalfof")
def sub_clients(request: Request, session: ReaderDep, client_id: str) -> list[OnBehalfOfOut]:
    found = _own_client(request, session, client_id, *rules.READS_CLIENTS)
    return [OnBehalfOfOut.of(one) for one in clients.sub_clients(session, found)]


@national.post("/clients/{client_id}/onbehalfof")
def new_sub_client(request: Request, session: TransactionDep, client_id: str, new: OnBehalfOfIn) -> OnBehalfOfOut:
    found = _own_client(request, session, client_id, *rules.CHANGES_SUB_CLIENTS)
    assert found.id
    instant = now()
    made = clients.OnBehalfOf(client=found.id, created_at=instant, last_updated_at=instant, **new.model_dump())
    if not clients.add_sub_client(session, made):
        raise rules.AlreadyThere(f"The client has an onbehalfof {new.onbehalfof!r}.")
    return OnBehalfOfOut.of(made)


@national.put("/clients/{client_id}/onbehalfof/{name}")
def change_sub_client(
    request: Request, session: TransactionDep, client_id: str, name: str, change: OnBehalfOfIn
) -> OnBehalfOfOut:
    found = _own_sub_client(request, session, client_id, name)
    if change.onbehalfof != name:
        raise rules.Unusable("An onbehalfof keeps its name.")
    return OnBehalfOfOut.of(clients.change_sub_client(session, found, change.model_dump(), now()))


@national.delete("/clients/{client_id}/onbehalfof/{name}", status_code=200)
def remove_sub_client(request: Request, session: TransactionDep, client_id: str, name: str) -> Response:
    """Answered with an empty body."""
    clients.remove_sub_client(session, _own_sub_client(request, session, client_id, name))
    return Response()


def _own_client(
    request: Request, session: Session, client_id: str, *any_of: str, locked: bool = False
) -> clients.Client:
    who = _who(request, session)
    who.require(*any_of)
    found = clients.by_id(session, client_id, locked=locked)
    who.require_own(found.organisation, found.supplier)
    return found


def _own_sub_client(request: Request, session: Session, client_id: str, name: str) -> clients.OnBehalfOf:
    client = _own_client(request, session, client_id, *rules.CHANGES_SUB_CLIENTS)
    found = clients.sub_client(session, client, name)
    if found is None:
        raise clients.ClientMissing(f"The client has no onbehalfof {name!r}.")
    return found


def _require_scopes(session: Session, wanted: list[str], organisation: str) -> None:
    if refused := sorted(set(wanted) - scopes.registrable(session, wanted, organisation)):
        raise rules.Unusable(f"The client cannot be registered with the scopes {', '.join(refused)}.")


def _shown(session: Session, one: clients.Client) -> ClientOut:
    return ClientOut.of(one, clients.scopes_of(session, one), clients.sub_clients(session, one))


def _jwks(session: Session, one: clients.Client) -> JwksOut:
    found = clients.keys_of(session, one)
    days = [key.registered_at for key in found]
    return JwksOut(
        keys=[json.loads(key.jwk) for key in found],
        created=min(days, default=None),
        last_updated=max(days, default=None),
    )


def speak_nationally(app: FastAPI) -> None:
    """Let every error leave as self-service writes it: `error` and `error_description`."""
    for prefix in PREFIXES:
        app.include_router(national, prefix=prefix)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    for status in OF_THE_FRAMEWORK:
        app.add_exception_handler(status, _http)
    app.add_exception_handler(Exception, _unexpected)


def _problem(request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, Problem)
    status = 400 if exc.status == 422 else exc.status
    return _error(status, exc.detail or exc.title())


def _invalid(request: Request, exc: Exception) -> JSONResponse:
    """Names the fields, and never tells what stood in them."""
    assert isinstance(exc, RequestValidationError)
    fields = sorted({".".join(str(step) for step in error["loc"][1:]) or "the body" for error in exc.errors()})
    return _error(400, f"Cannot be used: {', '.join(fields)}")


def _http(request: Request, exc: Any) -> JSONResponse:
    return _error(exc.status_code, str(exc.detail))


def _unexpected(request: Request, exc: Exception) -> JSONResponse:
    return _error(500, "Unexpected error")


def _error(status: int, what: str) -> JSONResponse:
    trace = secrets.token_hex(16)
    error = WORDS.get(status, "server_error")
    _log.info("refused: %s %s (trace_id: %s)", status, error, trace)
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'} if status == 401 else None
    return JSONResponse(
        {"error": error, "error_description": f"{what.rstrip('.')}. (trace_id: {trace})"}, status, headers
    )
