"""Tokens over HTTP: the token endpoint, userinfo, introspection (RFC 7662) and revocation (RFC 7009)."""

from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from sqlmodel import Session

from services.chassis.db import DatabaseDep
from services.chassis.values import new_id
from services.integration.sandbox.authorizations import store as authorizations
from services.integration.sandbox.faults import rules as faults
from services.integration.sandbox.login_tokens import rules, store
from services.integration.sandbox.login_tokens.rules import Agreed
from services.integration.sandbox.persons import store as persons
from services.integration.sandbox.proofs import store as proofs
from services.integration.sandbox.providers import store as providers
from services.integration.sandbox.providers.asking import ClockDep, FormDep, ProviderDep, Values, one
from services.integration.sandbox.providers.rules import (
    INTROSPECTION,
    PROOF_ALGORITHMS,
    AccessTokenRefused,
    ClientNotAllowed,
    GrantInvalid,
    GrantKindUnknown,
    LoginRefused,
    ProofRefused,
    Provider,
    RequestUnusable,
    ScopeInsufficient,
)
from services.integration.sandbox.relying_parties import store as relying_parties
from services.integration.sandbox.relying_parties.rules import RelyingParty

NO_STORE = {"Cache-Control": "no-store"}
national = APIRouter()


@national.post("/token")
def token(
    request: Request, form: FormDep, provider: ProviderDep, clock: ClockDep, database: DatabaseDep
) -> JSONResponse:
    """What is good once is used up first, each by a single statement that stays done, whatever becomes of the rest."""
    instant = clock.now()
    with database.reading() as session:
        client = relying_parties.authenticate(session, provider, request.headers.get("authorization"), form, instant)
        thumbprint = proofs.check(session, provider, request.headers.getlist("dpop"), "POST", "/token", instant)
        match one(form, "grant_type"):
            case "authorization_code":
                login, scopes = _by_code(session, client, form, thumbprint, instant)
            case "refresh_token":
                login, scopes = _by_refresh_token(session, client, form, thumbprint, instant)
            case _:
                raise GrantKindUnknown("Must be authorization_code or refresh_token")
    first = one(form, "grant_type") == "authorization_code"
    with database.writing() as session:
        spoiling = faults.spoiling(request.scope)
        answer = _issued(session, provider, client, login, scopes, thumbprint, instant, spoiling, first=first)
    return JSONResponse(answer, headers=NO_STORE)


def _by_code(
    session: Session, client: RelyingParty, form: Values, thumbprint: str | None, instant: datetime
) -> tuple[Agreed, tuple[str, ...]]:
    code = one(form, "code")
    if code is None:
        raise RequestUnusable("code is missing")
    address, verifier = one(form, "redirect_uri"), one(form, "code_verifier")
    taken = authorizations.take_code(session, code, client.id, instant)
    login = store.agreed(session, rules.check_code(taken, address, verifier, thumbprint, instant))
    rules.check_agreed(login, instant)
    return login, login.scopes


def _by_refresh_token(
    session: Session, client: RelyingParty, form: Values, thumbprint: str | None, instant: datetime
) -> tuple[Agreed, tuple[str, ...]]:
    if not client.may_refresh:
        raise ClientNotAllowed("The client is not registered for refresh_token, or is public (none) and cannot refresh")
    given = one(form, "refresh_token")
    if given is None:
        raise RequestUnusable("refresh_token is missing")
    found = store.refresh_token(session, given, client.id)
    if found is None:
        raise GrantInvalid("The refresh token is unknown")
    login = store.agreed(session, found.authorization)
    scopes = rules.narrowed(login, one(form, "scope"))
    if found.proven and thumbprint is None:
        raise ProofRefused("The refresh token was given with a DPoP proof, and needs one")
    store.use_up(session, found, instant)
    rules.check_agreed(login, instant)
    return login, scopes


def _issued(
    session: Session,
    provider: Provider,
    client: RelyingParty,
    login: Agreed,
    scopes: tuple[str, ...],
    thumbprint: str | None,
    instant: datetime,
    spoiling: faults.Spoiling,
    *,
    first: bool,
) -> dict[str, Any]:
    person = persons.by_id(session, login.person)
    assert person
    jti, seconds = str(new_id()), client.access_token_seconds
    access = rules.access_token(provider, client, login, person, scopes, instant, jti, thumbprint)
    identity = rules.id_token(provider, client, login, person, instant, str(new_id()), first=first)
    expires = instant + timedelta(seconds=seconds)
    if rules.by_reference(client, scopes):
        token = store.issued_by_reference(session, login, spoiling.claims(access), jti, expires)
    else:
        store.issued(session, login, jti, expires)
        token = providers.sign(session, provider, access, instant, spoiling)
    answer: dict[str, Any] = {
        "access_token": token,
        "id_token": providers.sign(session, provider, identity, instant, spoiling),
        "token_type": "DPoP" if thumbprint else "Bearer",
        "expires_in": seconds,
        "scope": " ".join(scopes),
    }
    if client.may_refresh:
        renewing = store.new_refresh_token(session, provider, login, thumbprint is not None, instant)
        answer["refresh_token"], answer["refresh_token_expires_in"] = renewing
    if login.details is not None:
        answer["authorization_details"] = login.details
    return answer


@national.get("/userinfo")
@national.post("/userinfo")
def userinfo(request: Request, provider: ProviderDep, clock: ClockDep, database: DatabaseDep) -> JSONResponse:
    instant = clock.now()
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    with database.reading() as session:
        claims, login = _presented(session, provider, request, scheme, given.strip(), instant)
        if "profile" not in str(claims["scope"]).split():
            raise _challenged(ScopeInsufficient("Scope profile is needed"), scheme, 'scope="profile"')
        (client,) = relying_parties.by_ids(session, [login.client])
        person = persons.by_id(session, login.person)
    assert person
    told = {"sub": rules.subject(provider, client.client_id, person, login.acr)}
    if login.by_employer:
        told["email"] = person.email or ""
    else:
        told["pid"] = person.personal_number
    return JSONResponse({**told, "locale": login.locale}, headers=NO_STORE)


def _presented(
    session: Session, provider: Provider, request: Request, scheme: str, given: str, instant: datetime
) -> tuple[dict[str, Any], Agreed]:
    """The claims of the access token that a request comes with, and the login behind it. A token that is bound to a
    key comes by the scheme DPoP with a proof, and any other by Bearer."""
    if scheme.lower() not in ("bearer", "dpop") or not given:
        raise _challenged(AccessTokenRefused("No access token"), scheme)
    try:
        claims = store.opened(session, provider, given)
    except ValueError as error:
        raise _challenged(AccessTokenRefused(f"The access token is {error}"), scheme) from error
    login = store.behind(session, str(claims.get("jti")), instant)
    if login is None:
        raise _challenged(AccessTokenRefused("The access token is expired, revoked or none"), scheme)
    bound = claims.get("cnf", {}).get("jkt")
    if (scheme.lower() == "dpop") != bool(bound):
        raise _challenged(AccessTokenRefused("The access token belongs to another authentication scheme"), scheme)
    if bound:
        proof = request.headers.getlist("dpop")
        try:
            shown = proofs.check(session, provider, proof, request.method, "/userinfo", instant, given)
        except ProofRefused as error:
            raise _challenged(AccessTokenRefused(error.detail), scheme) from error
        if shown != bound:
            raise _challenged(AccessTokenRefused("DPoP proof: none, or by another key than the token's"), scheme)
    return claims, login


def _challenged(error: LoginRefused, scheme: str, more: str = "") -> LoginRefused:
    """With what the client should have shown (RFC 6750 §3, RFC 9449 §7.1)."""
    told = [f'error="{error.oauth_error}"', *([more] if more else [])]
    if scheme.lower() == "dpop":
        return error.with_header("WWW-Authenticate", f'DPoP {", ".join(told)}, algs="{" ".join(PROOF_ALGORITHMS)}"')
    return error.with_header("WWW-Authenticate", f"Bearer {', '.join(told)}")


@national.post("/token/introspect")
def introspect(
    request: Request, form: FormDep, provider: ProviderDep, clock: ClockDep, database: DatabaseDep
) -> JSONResponse:
    """For clients that are registered with the scope for it. What is not good is only said to be inactive."""
    instant = clock.now()
    with database.reading() as session:
        client = relying_parties.authenticate(session, provider, request.headers.get("authorization"), form, instant)
        if INTROSPECTION not in client.scopes:
            raise ScopeInsufficient(f"The client must be registered with scope {INTROSPECTION}")
        given = one(form, "token")
        if given is None:
            raise RequestUnusable("token is missing")
        try:
            claims = store.opened(session, provider, given)
        except ValueError:
            claims = {}
        login = store.behind(session, str(claims.get("jti")), instant)
    if login is None:
        return JSONResponse({"active": False}, headers=NO_STORE)
    kind = "DPoP" if "cnf" in claims else "Bearer"
    return JSONResponse({"active": True, **claims, "token_type": kind}, headers=NO_STORE)


@national.post("/token/revoke")
def revoke(request: Request, form: FormDep, provider: ProviderDep, clock: ClockDep, database: DatabaseDep) -> Response:
    """A refresh token takes everything that came of its login with it; an access token goes alone. A token that is
    none, or another client's, is answered the same (RFC 7009 §2.2)."""
    instant = clock.now()
    with database.reading() as session:
        client = relying_parties.authenticate(session, provider, request.headers.get("authorization"), form, instant)
        given = one(form, "token")
        if given is None:
            raise RequestUnusable("token is missing")
        found = store.refresh_token(session, given, client.id)
        if found:
            authorizations.revoke(session, found.authorization, instant)
            return Response(status_code=200, headers=NO_STORE)
        try:
            claims = store.opened(session, provider, given)
        except ValueError:
            claims = {}
        store.revoke_access_token(session, str(claims.get("jti")), client.id, instant)
    return Response(status_code=200, headers=NO_STORE)
