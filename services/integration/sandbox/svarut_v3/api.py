"""REST v3 over HTTP: sending by kind of recipient, and status."""

from typing import Any

from fastapi import APIRouter, Request

from services.chassis.clock import OSLO
from services.chassis.db import Database, DatabaseDep, ReaderDep
from services.integration.sandbox.submissions import placing
from services.integration.sandbox.submissions.asking import BodyDep, Sent, SentDep
from services.integration.sandbox.submissions.rules import Submission
from services.integration.sandbox.svarut import rules, store
from services.integration.sandbox.svarut.rules import Kind
from services.integration.sandbox.svarut_accounts.asking import AccountDep
from services.integration.sandbox.svarut_accounts.store import Account
from services.integration.sandbox.svarut_v3 import shapes

ACCOUNT = "/api/v3/kontoer/{konto_id}/forsendelser"
national = APIRouter()


def _take(request: Request, kind: Kind, account: Account, sent: Sent, database: Database) -> dict[str, str]:
    told = placing.read(shapes.SHAPES[kind], sent.metadata).told()
    letter = Submission(kind, told, sent.parts)
    id = placing.take(database, request.app.state.sandbox, request.app.state.clock, account, letter)
    return {"id": str(id)}


@national.post(f"{ACCOUNT}/organisasjon")
def send_to_organisation(request: Request, account: AccountDep, sent: SentDep, database: DatabaseDep) -> Any:
    return _take(request, Kind.ORGANISATION, account, sent, database)


@national.post(f"{ACCOUNT}/person")
def send_to_person(request: Request, account: AccountDep, sent: SentDep, database: DatabaseDep) -> Any:
    return _take(request, Kind.PERSON, account, sent, database)


@national.post(f"{ACCOUNT}/print")
def send_to_print(request: Request, account: AccountDep, sent: SentDep, database: DatabaseDep) -> Any:
    return _take(request, Kind.PRINT, account, sent, database)


@national.post(f"{ACCOUNT}/nhn")
def send_to_health(request: Request, account: AccountDep, sent: SentDep, database: DatabaseDep) -> Any:
    return _take(request, Kind.HEALTH, account, sent, database)


@national.post(f"{ACCOUNT}/status/sok")
def statuses(request: Request, account: AccountDep, asked: BodyDep, session: ReaderDep) -> Any:
    """Letters that do not exist, or that another account sent, are left out."""
    clock, newest = request.app.state.clock, request.app.state.sandbox.svarut_newest_statuses
    found = store.of_account(session, account.konto, placing.read(shapes.StatusSok, asked).id, clock)
    now = clock.now(session)
    return {
        "statuser": [
            {
                "id": str(letter.id),
                "sisteStatusEndring": letter.changed_at.astimezone(OSLO).isoformat(timespec="milliseconds"),
                "status": rules.through_altinn(letter.status, letter.changed_at, now, clock.pause)
                if newest
                else letter.status.value,
            }
            for letter in found
        ]
    }
