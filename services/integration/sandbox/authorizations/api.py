"""Authorization requests over HTTP: pushed, in the browser, and on the pages where a user logs in and chooses."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlmodel import Session

from services.chassis.db import DatabaseDep
from services.integration.sandbox.authorizations import rules, store
from services.integration.sandbox.authorizations.rules import Asked, Target
from services.integration.sandbox.login_pages import document
from services.integration.sandbox.login_sessions import rules as login_rules
from services.integration.sandbox.login_sessions import store as sessions
from services.integration.sandbox.login_sessions.rules import LoginSession
from services.integration.sandbox.persons import rules as person_rules
from services.integration.sandbox.persons import store as persons
from services.integration.sandbox.persons.rules import Represented
from services.integration.sandbox.providers import store as providers
from services.integration.sandbox.providers.asking import ClockDep, FormDep, ProviderDep, Values, ValuesDep, one
from services.integration.sandbox.providers.rules import (
    ENTRA,
    ChoiceNeeded,
    ClientUnproven,
    LoginCancelled,
    LoginNeeded,
    LoginRefused,
    NobodyRepresented,
    Provider,
    RequestUnusable,
    RequestUriRefused,
    reaches,
)
from services.integration.sandbox.relying_parties import store as relying_parties
from services.integration.sandbox.relying_parties.rules import RelyingParty

RESPONSE_JWT_LIVES = timedelta(minutes=10)
AUTHENTICATING = ("client_secret", "client_assertion", "client_assertion_type")
NO_STORE = {"Cache-Control": "no-store"}
national = APIRouter()
PageName = Annotated[str, Path(max_length=100)]


@national.post("/par")
def push(
    request: Request, form: FormDep, provider: ProviderDep, clock: ClockDep, database: DatabaseDep
) -> JSONResponse:
    """A pushed authorization request (RFC 9126): everything is looked at here already, and told to the client."""
    instant = clock.now()
    with database.reading() as session:
        client = relying_parties.authenticate(session, provider, request.headers.get("authorization"), form, instant)
    if "request_uri" in form:
        raise RequestUnusable("request_uri has no place in a pushed request")
    values = {name: found for name, found in form.items() if name not in AUTHENTICATING}
    rules.read(values, client, provider)
    with database.writing() as session:
        uri = store.push(session, provider, client.id, values, instant)
    seconds = int(provider.lives.pushed.total_seconds())
    return JSONResponse({"request_uri": uri, "expires_in": seconds}, 201, headers=NO_STORE)


@national.get("/authorize")
@national.post("/authorize")
def authorize(
    request: Request, given: ValuesDep, provider: ProviderDep, clock: ClockDep, database: DatabaseDep
) -> Response:
    """Answers the client at once when nobody needs to be asked, and otherwise sends the browser to a page. Until it is
    known where the client may be answered, errors are shown and not sent."""
    instant = clock.now()
    spoken = document.language(request.cookies.get(document.LANGUAGE_COOKIE), ())
    browser = request.cookies.get(provider.name) or secrets.token_urlsafe(32)
    try:
        with database.reading() as session:
            client, values = _asked(session, provider, given, instant)
        where = rules.target(values, client)
    except LoginRefused as error:
        return _shown(provider, spoken, error)
    try:
        asked = rules.read(values, client, provider)
        with database.writing() as session:
            at = At(session, provider, client, browser, instant)
            answer = _begin(at, asked, values, request)
    except NobodyRepresented as error:
        return _shown(provider, spoken, error)
    except LoginRefused as error:
        with database.reading() as session:
            answer = _sent_back(At(session, provider, client, browser, instant), where, spoken, error)
    answer.set_cookie(provider.name, browser, httponly=True, samesite="lax")
    return answer


class At:
    """Where and when a step of a login happens."""

    def __init__(
        self, session: Session, provider: Provider, client: RelyingParty, browser: str, instant: datetime
    ) -> None:
        self.session, self.provider, self.client = session, provider, client
        self.browser, self.instant = browser, instant


def _asked(session: Session, provider: Provider, given: Values, instant: datetime) -> tuple[RelyingParty, Values]:
    """The client, and what it asks for here or has pushed before."""
    client = relying_parties.by_client_id(session, provider, one(given, "client_id"))
    if client is None:
        raise ClientUnproven("Unknown client_id")
    uri = one(given, "request_uri")
    if uri is None:
        return client, given
    rules.check_pushed_alone(given)
    pushed = store.take_pushed(session, uri, client.id, instant)
    if pushed is None:
        raise RequestUriRefused
    return client, pushed


def _begin(at: At, asked: Asked, values: Values, request: Request) -> Response:
    login = sessions.current(at.session, at.provider, at.browser, at.client.id)
    if asked.hint:
        person = persons.met(at.session, asked.hint.number)
        if asked.hint.acr == ENTRA and person.email is None:
            raise RequestUnusable("login_hint: no employer here knows this person")
        login = sessions.begin(at.session, at.provider, at.browser, at.client.id, person.id, asked.hint.acr, at.instant)
    elif (
        login is None
        or "login" in asked.prompts
        or not login_rules.suffices(login, at.provider, asked.acr_values, asked.max_age, at.instant)
    ):
        if "none" in asked.prompts:
            raise LoginNeeded
        name = store.wait(at.session, at.provider, at.browser, at.client.id, values, None, at.instant)
        return _to_page(at.provider, f"/login/{name}")
    return _represented(at, asked, values, login, request)


def _represented(at: At, asked: Asked, values: Values, login: LoginSession, request: Request) -> Response:
    """Whom the user acts for is settled, or asked on a page."""
    if asked.wish is None:
        return _agreed(at, asked, login, None, request)
    held = rules.open_to(asked.wish, _held(at.session, asked.wish, login.person))
    chosen = rules.settled(asked.wish, held, asked.hint)
    if chosen is not None:
        return _agreed(at, asked, login, chosen, request)
    if "none" in asked.prompts:
        raise ChoiceNeeded
    name = store.wait(at.session, at.provider, at.browser, at.client.id, values, login.sid, at.instant)
    return _to_page(at.provider, f"/login/{name}/organisation")


def _held(session: Session, wish: rules.Wish, person: int) -> list[Represented]:
    return persons.represented(session, person, wish.resource_id or persons.EMPLOYED, wish.actions)


def _agreed(
    at: At, asked: Asked, login: LoginSession, chosen: Sequence[Represented] | None, request: Request
) -> Response:
    details = None
    if asked.wish and chosen is not None:
        details = person_rules.granted(asked.wish.type, asked.wish.resource, chosen)
    spoken = document.language(request.cookies.get(document.LANGUAGE_COOKIE), asked.locales)
    code = store.agree(at.session, at.provider, at.client.id, asked, login, details, spoken, at.instant)
    sessions.tell(at.session, login.sid, at.client.id, at.instant)
    return _answered(at, asked.target, spoken, {"code": code})


def _answered(at: At, where: Target, spoken: str, told: Mapping[str, str]) -> Response:
    """The authorization response, in the mode that was asked for, with `iss` (RFC 9207)."""
    values = {**told, "iss": at.provider.issuer}
    if where.state is not None:
        values["state"] = where.state
    if where.response_mode.endswith(".jwt"):
        expires = int((at.instant + RESPONSE_JWT_LIVES).timestamp())
        claims = {**values, "aud": at.client.client_id, "exp": expires}
        values = {"response": providers.sign(at.session, at.provider, claims, at.instant)}
    if where.response_mode.startswith("form_post"):
        return document.form_post(at.provider, spoken, where.redirect_uri, values)
    joined = "&" if urlsplit(where.redirect_uri).query else "?"
    return RedirectResponse(f"{where.redirect_uri}{joined}{urlencode(values)}", 302, headers=NO_STORE)


def _sent_back(at: At, where: Target, spoken: str, error: LoginRefused) -> Response:
    told = {"error": error.oauth_error, "error_description": error.detail or error.title()}
    return _answered(at, where, spoken, told)


def _shown(provider: Provider, spoken: str, error: LoginRefused) -> Response:
    what = "nobody_represented" if isinstance(error, NobodyRepresented) else "service_wrong"
    return document.page(
        "error",
        provider,
        spoken,
        status=error.status,
        heading="cannot",
        what=what,
        error=error.oauth_error,
        description=error.detail or error.title(),
    )


def _to_page(provider: Provider, path: str) -> Response:
    return RedirectResponse(f"{provider.public_url}{path}", 303, headers=NO_STORE)


def _gone(provider: Provider, spoken: str) -> Response:
    return document.page(
        "error", provider, spoken, status=400, heading="cannot", what="page_gone", error=None, description=None
    )


class Visit:
    """A page that somebody looks at or answers: who asks for what, in which language."""

    def __init__(self, request: Request, provider: Provider, at: At, values: Values, sid: str | None) -> None:
        self.request, self.provider, self.at, self.values, self.sid = request, provider, at, values, sid
        self.asked = rules.read(values, at.client, provider)
        chosen = request.query_params.get("language") or request.cookies.get(document.LANGUAGE_COOKIE)
        self.spoken = document.language(chosen, self.asked.locales)

    def page(self, template: str, *, status: int = 200, **more: object) -> Response:
        answer = document.page(
            template,
            self.provider,
            self.spoken,
            status=status,
            goes_to=self.asked.target.redirect_uri,
            client=self.at.client.on_behalf_of.get(self.asked.on_behalf_of or "", self.at.client.name),
            switch=True,
            **more,
        )
        if self.request.query_params.get("language") == self.spoken:
            answer.set_cookie(document.LANGUAGE_COOKIE, self.spoken, httponly=True, samesite="lax")
        return answer


def _visit(
    request: Request, provider: Provider, session: Session, name: str, instant: datetime, *, take: bool
) -> Visit | None:
    browser = request.cookies.get(provider.name)
    found = (store.take_waiting if take else store.waiting)(session, name, browser, instant)
    if found is None or browser is None:
        return None
    (client,) = relying_parties.by_ids(session, [found.client])
    return Visit(request, provider, At(session, provider, client, browser, instant), found.values, found.sid)


@national.get("/login/{name}")
def person_page(
    name: PageName, request: Request, provider: ProviderDep, clock: ClockDep, database: DatabaseDep
) -> Response:
    with database.reading() as session:
        visit = _visit(request, provider, session, name, clock.now(), take=False)
        if visit is None:
            return _gone(provider, document.language(request.cookies.get(document.LANGUAGE_COOKIE), ()))
        return _person_page(visit, name, None)


def _levels(visit: Visit) -> list[str]:
    levels = visit.provider.levels
    return [acr for acr in visit.provider.offered if reaches(levels, acr, visit.asked.acr_values)]


def _person_page(visit: Visit, name: str, wrong: str | None) -> Response:
    return visit.page(
        "person",
        status=400 if wrong else 200,
        action=f"/login/{name}",
        wrong=wrong,
        persons=persons.everybody(visit.at.session),
        employers=persons.employers(visit.at.session),
        levels=_levels(visit),
    )


@national.post("/login/{name}")
def log_in(
    name: PageName,
    form: FormDep,
    request: Request,
    provider: ProviderDep,
    clock: ClockDep,
    database: DatabaseDep,
) -> Response:
    """The person is who she says she is: this is a sandbox. The page is taken only when the answer can be used."""
    instant = clock.now()
    spoken = document.language(request.cookies.get(document.LANGUAGE_COOKIE), ())
    try:
        with database.writing() as session:
            visit = _visit(request, provider, session, name, instant, take=False)
            if visit is None:
                return _gone(provider, spoken)
            acr = one(form, "acr")
            try:
                person = _chosen_person(session, form)
            except person_rules.NumberNotSynthetic:
                return _person_page(visit, name, "number_wrong")
            if person is None or acr not in _levels(visit) or (acr == ENTRA and person.email is None):
                return _person_page(visit, name, "person_wrong")
            taken = _visit(request, provider, session, name, instant, take=True)
            if taken is None:
                return _gone(provider, spoken)
            at = taken.at
            login = sessions.begin(session, provider, at.browser, at.client.id, person.id, acr, instant)
            return _represented(at, taken.asked, taken.values, login, request)
    except NobodyRepresented as error:
        return _shown(provider, spoken, error)


def _chosen_person(session: Session, form: Values) -> person_rules.Person | None:
    """By the number when one is typed, whoever else is marked."""
    chosen, number = one(form, "person"), (one(form, "number") or "").strip()
    if number or not chosen:
        return persons.met(session, person_rules.synthetic(number))
    return persons.by_id(session, int(chosen)) if chosen.isascii() and chosen.isdigit() and len(chosen) < 10 else None


@national.get("/login/{name}/organisation")
def organisation_page(
    name: PageName, request: Request, provider: ProviderDep, clock: ClockDep, database: DatabaseDep
) -> Response:
    with database.reading() as session:
        visit = _visit(request, provider, session, name, clock.now(), take=False)
        if visit is None or visit.sid is None:
            return _gone(provider, document.language(request.cookies.get(document.LANGUAGE_COOKIE), ()))
        return _organisation_page(visit, name, visit.sid, None)


def _organisation_page(visit: Visit, name: str, sid: str, wrong: str | None) -> Response:
    wish = visit.asked.wish
    assert wish
    person = sessions.by_sid(visit.at.session, sid).person
    return visit.page(
        "organisation",
        status=400 if wrong else 200,
        action=f"/login/{name}/organisation",
        cancel=f"/login/{name}/cancel",
        wrong=wrong,
        parties=rules.open_to(wish, _held(visit.at.session, wish, person)),
        several=wish.several,
        required=wish.required,
    )


@national.post("/login/{name}/organisation")
def choose(
    name: PageName,
    form: FormDep,
    request: Request,
    provider: ProviderDep,
    clock: ClockDep,
    database: DatabaseDep,
) -> Response:
    instant = clock.now()
    spoken = document.language(request.cookies.get(document.LANGUAGE_COOKIE), ())
    with database.writing() as session:
        visit = _visit(request, provider, session, name, instant, take=False)
        if visit is None or visit.sid is None or visit.asked.wish is None:
            return _gone(provider, spoken)
        login = sessions.by_sid(session, visit.sid)
        numbers = [rules.SELF] if "self" in form else form.get("organisation", [])
        held = rules.open_to(visit.asked.wish, _held(session, visit.asked.wish, login.person))
        try:
            chosen = rules.picked(visit.asked.wish, held, numbers)
        except (ChoiceNeeded, NobodyRepresented):
            return _organisation_page(visit, name, visit.sid, "choice_wrong")
        taken = _visit(request, provider, session, name, instant, take=True)
        if taken is None:
            return _gone(provider, spoken)
        return _agreed(taken.at, taken.asked, login, chosen, request)


@national.post("/login/{name}/cancel")
def cancel(name: PageName, request: Request, provider: ProviderDep, clock: ClockDep, database: DatabaseDep) -> Response:
    with database.writing() as session:
        visit = _visit(request, provider, session, name, clock.now(), take=True)
        if visit is None:
            return _gone(provider, document.language(request.cookies.get(document.LANGUAGE_COOKIE), ()))
        return _sent_back(visit.at, visit.asked.target, visit.spoken, LoginCancelled())
