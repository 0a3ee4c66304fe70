"""Who asks: REST v1 by user name and password, v2 and v3 by a Maskinporten token and an integration's two headers."""

import base64
import binascii
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from services.chassis.clock import now
from services.chassis.db import Database, DatabaseDep
from services.integration.sandbox.maskinporten import store as maskinporten
from services.integration.sandbox.settings import Settings
from services.integration.sandbox.svarut import store as letters
from services.integration.sandbox.svarut.rules import ContentRefused
from services.integration.sandbox.svarut_accounts import rules, store
from services.integration.sandbox.svarut_accounts.store import Account


def _readings(raw: bytes) -> list[str]:
    """What a text may mean whose encoding clients do not agree on: UTF-8 first, then Latin-1."""
    try:
        return [raw.decode(), raw.decode("latin-1")]
    except UnicodeDecodeError:
        return [raw.decode("latin-1")]


def basic(request: Request, database: Database) -> Account:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).partition(b":")
    except binascii.Error as error:
        raise rules.SenderNotKnown from error
    if scheme.lower() != "basic":
        raise rules.SenderNotKnown
    with database.reading() as session:
        return store.by_password(session, _readings(user), _readings(password))


def integration(request: Request, database: Database) -> UUID:
    """The integration that the three headers prove."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    consumer = token_organisation(request, database, token if scheme.lower() == "bearer" else "")
    given = request.headers.get("integrasjonid", "")
    password = _readings(request.headers.get("integrasjonpassord", "").encode("latin-1"))
    try:
        with database.reading() as session:
            store.check_integration(session, UUID(given), consumer, password)
    except (ValueError, rules.IntegrationNotKnown) as error:
        raise rules.IntegrationNotKnown(f"{rules.IntegrationNotKnown.title()} {given}") from error
    return UUID(given)


def token_organisation(request: Request, database: Database, token: str) -> str:
    """The consumer of an access token with KS's scope."""
    settings: Settings = request.app.state.sandbox
    try:
        with database.reading() as session:
            claims = maskinporten.token_claims(session, token, issuer=settings.maskinporten_issuer, now=now())
    except maskinporten.TokenRefused as error:
        raise rules.TokenNotValidated from error
    if rules.SCOPE not in str(claims.get("scope")).split():
        raise rules.TokenNotValidated
    return str((claims.get("consumer") or {}).get("ID")).removeprefix("0192:")


async def _sender(request: Request, database: DatabaseDep) -> Account:
    return await run_in_threadpool(basic, request, database)


def _account_of(request: Request, database: Database, konto_id: str) -> Account:
    id = integration(request, database)
    try:
        konto = UUID(konto_id)
    except ValueError as error:
        raise rules.AccountForbidden from error
    with database.reading() as session:
        return store.granted(session, id, konto)


async def _account(request: Request, database: DatabaseDep, konto_id: str) -> Account:
    return await run_in_threadpool(_account_of, request, database, konto_id)


def own_letter(request: Request, database: Database, id: str) -> UUID:
    """REST v2: somebody else's letter is forbidden."""
    asking = integration(request, database)
    letter = _letter_id(id)
    with database.reading() as session:
        store.granted(session, asking, letters.konto_of(session, letter))
    return letter


def _letter_id(id: str) -> UUID:
    """Looked at when it is known who asks, and not before."""
    try:
        return UUID(id)
    except ValueError as error:
        raise ContentRefused(f"Ugyldig innhold: id {id!r} er ingen UUID") from error


async def _letter(request: Request, database: DatabaseDep, id: str) -> UUID:
    return await run_in_threadpool(own_letter, request, database, id)


async def _integration(request: Request, database: DatabaseDep) -> UUID:
    return await run_in_threadpool(integration, request, database)


def sent_by(request: Request, database: Database, id: str) -> UUID:
    """REST v1: somebody else's letter is as good as none."""
    sender = basic(request, database)
    letter = _letter_id(id)
    with database.reading() as session:
        if letters.konto_of(session, letter) != sender.konto:
            raise letters.LetterMissing(f"Forsendelsen {id} finnes ikke")
    return letter


async def _sent(request: Request, database: DatabaseDep, id: str) -> UUID:
    return await run_in_threadpool(sent_by, request, database, id)


SenderDep = Annotated[Account, Depends(_sender)]
"""REST v1: the account that user name and password are of. A body is not read before that."""
OwnDep = Annotated[UUID, Depends(_sent)]
"""REST v1: a letter of that account's."""
IntegrationDep = Annotated[UUID, Depends(_integration)]
AccountDep = Annotated[Account, Depends(_account)]
"""REST v2 and v3: the account in the path, which the three headers give access to. A body is not read before that."""
LetterDep = Annotated[UUID, Depends(_letter)]
"""REST v2: a letter that was sent from an account of the integration's."""
