"""Logout over HTTP: the page that ends a session, and the letters to the clients that were told of it."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from services.chassis.db import DatabaseDep
from services.chassis.values import new_id
from services.integration.sandbox.authorizations import store as authorizations
from services.integration.sandbox.login_pages import document
from services.integration.sandbox.login_sessions import store as sessions
from services.integration.sandbox.login_tokens.rules import subject
from services.integration.sandbox.logouts import rules
from services.integration.sandbox.persons import store as persons
from services.integration.sandbox.providers import store as providers
from services.integration.sandbox.providers.asking import ClockDep, ProviderDep, Values, ValuesDep, one
from services.integration.sandbox.providers.rules import LoginRefused, Provider, RequestUnusable
from services.integration.sandbox.relying_parties import store as relying_parties
from services.integration.sandbox.relying_parties.rules import RelyingParty

PATIENCE = httpx.Timeout(5.0, connect=2.0)
AT_A_TIME = 8
_log = logging.getLogger("logouts")
national = APIRouter()


@national.get("/logout")
@national.post("/logout")
def log_out(
    request: Request, given: ValuesDep, provider: ProviderDep, clock: ClockDep, database: DatabaseDep
) -> Response:
    """Ends the browser's session. Clients' servers are told before this is answered, one attempt each; their pages are
    told by frames on the page that is answered."""
    instant = clock.now()
    spoken = document.language(request.cookies.get(document.LANGUAGE_COOKIE), (one(given, "ui_locales") or "").split())
    frames: list[str] = []
    letters: list[tuple[str, str]] = []
    try:
        with database.writing() as session:
            client = _asking(session, provider, given)
            address = rules.back(client, one(given, "post_logout_redirect_uri"), one(given, "state"))
            browser = request.cookies.get(provider.name)
            ended = sessions.of_browser(session, provider, browser, client.id if client else None)
            for login in ended:
                told = relying_parties.by_ids(session, sessions.end(session, login.sid, instant))
                authorizations.revoke_logins(session, login.sid, rules.ENDS, instant)
                frames += [found for one in told if (found := rules.frame(provider, one, login.sid))]
                person = persons.by_id(session, login.person)
                assert person
                for other in told:
                    if other.backchannel_logout_uri:
                        who = subject(provider, other.client_id, person, login.acr)
                        claims = rules.logout_token(provider, other, who, login.sid, instant, str(new_id()))
                        letter = providers.sign(session, provider, claims, instant, typ="logout+jwt")
                        letters.append((other.backchannel_logout_uri, letter))
    except LoginRefused as error:
        return _refused(provider, spoken, "cannot", "service_wrong", error)
    _send(letters)
    if not ended:
        return _refused(provider, spoken, "not_logged_in", "no_session", None)
    if address and not frames:
        return RedirectResponse(address, 302, headers={"Cache-Control": "no-store"})
    return document.page("logged_out", provider, spoken, address=address, frames=frames)


def _asking(session: Session, provider: Provider, given: Values) -> RelyingParty | None:
    """The client that asks for the logout, by a token of the login or by its name. An expired token will do."""
    named, hint = one(given, "client_id"), one(given, "id_token_hint")
    if hint is not None:
        try:
            claims = providers.opened(session, provider, hint)
        except ValueError as error:
            raise RequestUnusable(f"id_token_hint is {error}") from error
        if named is not None and named != claims.get("aud"):
            raise RequestUnusable("client_id is not the one that id_token_hint was issued to")
        named = str(claims.get("aud"))
    if named is None:
        return None
    client = relying_parties.by_client_id(session, provider, named)
    if client is None:
        raise RequestUnusable("Unknown client_id")
    return client


def _refused(provider: Provider, spoken: str, heading: str, what: str, error: LoginRefused | None) -> Response:
    return document.page(
        "error",
        provider,
        spoken,
        status=400,
        heading=heading,
        what=what,
        error=error.oauth_error if error else None,
        description=(error.detail or error.title()) if error else None,
    )


def _send(letters: Sequence[tuple[str, str]]) -> None:
    """One attempt each, all at the same time; who does not answer has not been told."""
    if not letters:
        return
    with httpx.Client(timeout=PATIENCE, trust_env=False) as client, ThreadPoolExecutor(AT_A_TIME) as pool:
        for outcome in pool.map(lambda letter: _sent(client, *letter), letters):
            _log.info("back-channel logout: %s", outcome)


def _sent(client: httpx.Client, address: str, letter: str) -> str:
    try:
        answer = client.post(address, data={"logout_token": letter})
    except httpx.HTTPError as error:
        return type(error).__name__
    return "told" if answer.is_success else f"refused ({answer.status_code})"
