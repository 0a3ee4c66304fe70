"""REST v2 over HTTP. Every path answers with and without a slash at its end, as its documentation and its client write
it."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from services.chassis.clock import OSLO
from services.chassis.db import DatabaseDep, ReaderDep, TransactionDep
from services.integration.sandbox.faults import rules as faults
from services.integration.sandbox.receiving_systems import store as receiving_systems
from services.integration.sandbox.signings import rules as signings_rules
from services.integration.sandbox.signings import store as signings
from services.integration.sandbox.submissions import placing
from services.integration.sandbox.submissions.asking import BodyDep, SentDep
from services.integration.sandbox.submissions.rules import Submission
from services.integration.sandbox.svarut import rules, store
from services.integration.sandbox.svarut_accounts.asking import AccountDep, IntegrationDep, LetterDep
from services.integration.sandbox.svarut_v2 import shapes

API = "/api/v2"
ACCOUNT = f"{API}/kontoer/{{konto_id}}/forsendelser"
LETTER = f"{API}/forsendelser/{{id}}"
national = APIRouter()
ReferenceQuery = Annotated[str, Query(alias="eksternRef", min_length=1)]


def _route(method: str, path: str, status: int = 200) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(answer: Callable[..., Any]) -> Callable[..., Any]:
        for one in (path, f"{path}/"):
            national.add_api_route(one, answer, methods=[method], status_code=status)
        return answer

    return add


def _iso(instant: datetime) -> str:
    return instant.astimezone(OSLO).isoformat(timespec="milliseconds")


@_route("POST", ACCOUNT)
def send(request: Request, account: AccountDep, sent: SentDep, database: DatabaseDep) -> Any:
    read = placing.read(shapes.Forsendelse, sent.metadata)
    letter = Submission(read.kind(), read.told(), sent.parts, post_needed=True)
    id = placing.take(database, request.app.state.sandbox, request.app.state.clock, account, letter)
    return {"id": str(id)}


@_route("GET", ACCOUNT)
def by_reference(request: Request, account: AccountDep, session: ReaderDep, reference: ReferenceQuery) -> Any:
    known_by = request.app.state.clock.now(session) - faults.lag(request.scope)
    found = store.sent_under(session, account.konto, reference, known_by)
    return {"forsendelseIds": [str(one.letter_id) for one in found]}


@_route("GET", f"{ACCOUNT}/metadata")
def metadata_by_reference(request: Request, account: AccountDep, session: ReaderDep, reference: ReferenceQuery) -> Any:
    known_by = request.app.state.clock.now(session) - faults.lag(request.scope)
    return {
        "forsendelser": [
            {"id": str(one.letter_id), "dato": _iso(one.received_at)} | _if_told(one.forsendelse, "avgivendeSystem")
            for one in store.sent_under(session, account.konto, reference, known_by)
        ]
    }


def _if_told(told: dict[str, Any] | None, *names: str) -> dict[str, Any]:
    """Optional members are left out where there is nothing to tell."""
    return {name: told[name] for name in names if told and told.get(name) is not None}


@_route("POST", f"{ACCOUNT}/status-sok")
def statuses(request: Request, account: AccountDep, asked: BodyDep, session: ReaderDep) -> Any:
    """Letters that do not exist, or that another account sent, are left out."""
    ids = placing.read(shapes.StatusSok, asked).forsendelseIds
    return {
        "statuser": [
            {
                "id": str(letter.id),
                "sisteStatusEndring": _iso(letter.changed_at),
                "status": rules.for_older_versions(letter.status, letter.before_deletion).value,
            }
            for letter in store.of_account(session, account.konto, ids, request.app.state.clock)
        ]
    }


@_route("GET", f"{LETTER}/hendelser")
def history(request: Request, letter: LetterDep, session: ReaderDep) -> Any:
    told = store.history(session, letter, request.app.state.clock)
    return {"hendelser": [{"tidspunkt": _iso(at), "hendelse": text} for text, at in told]}


@_route("GET", f"{LETTER}/signeringshendelser")
def signing_history(request: Request, letter: LetterDep, session: ReaderDep) -> Any:
    return {
        "hendelser": [
            {"tidspunkt": _iso(at), "status": signings_rules.STATUSES[step].value, "hendelse": text}
            for step, text, at in signings.history(session, letter, request.app.state.clock)
        ]
    }


@_route("GET", f"{LETTER}/metadata")
def metadata(request: Request, letter: LetterDep, session: ReaderDep) -> Any:
    found = store.one(session, letter, request.app.state.clock)
    described = store.forsendelse(session, letter).get("dokumenter") or []
    url = f"{str(request.base_url).rstrip('/')}/forsendelse/{letter}"
    return {
        "dokumenter": [
            {
                "filnavn": one["filename"],
                "mimeType": one["media_type"],
                "dokumentType": told.get("dokumentType") or "",
                "storrelse": one["size"],
                "sha256Hash": one["sha256"],
                "nedlasningUrl": f"{url}/{one['position']}",
                "kanSigneres": bool(told.get("skalSigneres")),
            }
            | ({"signeringUrl": f"{url}/{one['position']}/signering"} if told.get("skalSigneres") else {})
            | _if_told(told, "ekstraMetadata", "inneholderPersonsensitivInformasjon")
            for one, told in store.with_description(found, described)
        ]
    }


@_route("POST", f"{LETTER}/lest", 204)
def mark_read(request: Request, letter: LetterDep, told: BodyDep, session: TransactionDep) -> Response:
    read = placing.read(shapes.Lest, told)
    store.mark_read(session, letter, request.app.state.clock, read.eksterntSystemnavn)
    return Response(status_code=204)


@_route("DELETE", f"{LETTER}/dokumenter", 204)
def delete(
    request: Request,
    letter: LetterDep,
    session: TransactionDep,
    slettetype: Literal["ORIGINALDOKUMENTER", "ALLE"] = "ORIGINALDOKUMENTER",
) -> Response:
    store.delete(session, letter, request.app.state.clock, everything=slettetype == "ALLE")
    return Response(status_code=204)


@_route("GET", f"{API}/forsendelsestyper")
def letter_types(request: Request, integration: IntegrationDep) -> Any:
    return {"forsendelsestyper": request.app.state.sandbox.svarut_letter_types}


@_route("GET", f"{API}/mottakersystem")
def systems(
    integration: IntegrationDep,
    session: ReaderDep,
    organisasjonsnummer: Annotated[str | None, Query(pattern=r"^[0-9]{9}$")] = None,
    letter_type: Annotated[
        str | None, Query(alias="forsendelseType", min_length=1, max_length=100, pattern=rules.LETTER_TYPE)
    ] = None,
    niva: Annotated[int | None, Query(ge=0, le=9)] = None,
) -> Any:
    return {
        "mottakersystemer": [
            {
                "id": str(one.id),
                "navn": one.name,
                "organisasjonsnummer": one.organisation_number,
                "forsendelseType": one.letter_type or "",
                "niva": one.level,
            }
            for one in receiving_systems.listed(session, organisasjonsnummer, letter_type, niva)
        ]
    }
