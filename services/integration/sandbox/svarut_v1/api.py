"""REST v1 over HTTP. Its own Java client refuses an answer with a member that it does not know: none is added."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, RootModel

from services.chassis.clock import OSLO
from services.chassis.db import Database, DatabaseDep, ReaderDep, TransactionDep
from services.chassis.values import new_id
from services.integration.sandbox.faults import rules as faults
from services.integration.sandbox.receiving_systems import store as receiving_systems
from services.integration.sandbox.signings import store as signings
from services.integration.sandbox.submissions import placing
from services.integration.sandbox.submissions.asking import BodyDep, Sent, SentDep
from services.integration.sandbox.submissions.rules import Submission
from services.integration.sandbox.svarut import rules, store
from services.integration.sandbox.svarut_accounts.asking import OwnDep, SenderDep
from services.integration.sandbox.svarut_accounts.store import Account
from services.integration.sandbox.svarut_v1 import shapes

API = "/tjenester/api/forsendelse/v1"
national = APIRouter(prefix=API)


class Ids(RootModel[list[UUID | shapes.ForsendelsesId]]):
    """As clients write them, bare, and as the documentation does, in objects."""

    def bare(self) -> list[UUID]:
        return [one if isinstance(one, UUID) else one.id for one in self.root]


class Objects(RootModel[list[shapes.ForsendelsesId]]):
    """Only in objects."""


def _milliseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def _as_text(instant: datetime) -> str:
    return f"{instant.astimezone(OSLO):%d.%m.%Y %H:%M:%S}"


def _take(request: Request, sender: Account, sent: Sent, database: Database, id: UUID | None) -> Any:
    read = placing.read(shapes.Forsendelse, sent.metadata)
    letter = Submission(read.kind(), read.told(), sent.parts, post_needed=True, id=id)
    return {"id": str(placing.take(database, request.app.state.sandbox, request.app.state.clock, sender, letter))}


@national.post("/sendForsendelse")
def send(request: Request, sender: SenderDep, sent: SentDep, database: DatabaseDep) -> Any:
    return _take(request, sender, sent, database, None)


@national.post("/startNyForsendelse")
def start(sender: SenderDep) -> Any:
    """Whatever the body: clients send an empty form."""
    return {"id": str(new_id())}


@national.post("/{id}/sendForsendelse")
def send_as(request: Request, id: UUID, sender: SenderDep, sent: SentDep, database: DatabaseDep) -> Any:
    """Any UUID that has not been used."""
    return _take(request, sender, sent, database, id)


@national.get("/eksternref/{reference:path}")
def by_reference(request: Request, reference: str, sender: SenderDep, session: ReaderDep) -> Any:
    """Whatever stands after the slash: clients do not escape it."""
    known_by = request.app.state.clock.now(session) - faults.lag(request.scope)
    found = store.sent_under(session, sender.konto, reference, known_by)
    return {"forsendelseIder": [{"id": str(one.letter_id)} for one in found]}


@national.get("/{id}/status")
def status(request: Request, letter: OwnDep, session: ReaderDep) -> Any:
    return _status(store.one(session, letter, request.app.state.clock))


@national.post("/statuser")
def statuses(request: Request, sender: SenderDep, asked: BodyDep, session: ReaderDep) -> Any:
    """Letters that do not exist, or that another account sent, are left out."""
    ids = placing.read(Ids, asked).bare()
    found = store.of_account(session, sender.konto, ids, request.app.state.clock)
    return {"statuser": [_status(one) for one in found]}


def _status(letter: store.Received) -> dict[str, Any]:
    return {
        "forsendelsesId": {"id": str(letter.id)},
        "sisteStatusEndring": _milliseconds(letter.changed_at),
        "status": rules.for_older_versions(letter.status, letter.before_deletion).value,
    }


@national.get("/{id}/historikk")
def history(request: Request, letter: OwnDep, session: ReaderDep) -> Any:
    told = store.history(session, letter, request.app.state.clock)
    return {"hendelsesLogger": [{"tidspunkt": _as_text(at), "hendelse": text} for text, at in told]}


@national.get("/{id}/signeringhistorikk")
def signing_history(request: Request, letter: OwnDep, session: ReaderDep) -> Any:
    return {
        "forsendelsesId": {"id": str(letter)},
        "logg": [
            {"tidspunkt": _as_text(at), "type": step.value, "hendelse": text}
            for step, text, at in signings.history(session, letter, request.app.state.clock)
        ],
    }


@national.get("/{id}/dokumentMetadata")
def metadata(request: Request, letter: OwnDep, session: ReaderDep) -> Any:
    found = store.one(session, letter, request.app.state.clock)
    described = store.forsendelse(session, letter).get("dokumenter") or []
    url = f"{str(request.base_url).rstrip('/')}/forsendelse/{letter}"
    return {
        "dokumentMetadata": [
            {
                "mimeType": one["media_type"],
                "filnavn": one["filename"],
                "kanSigneres": bool(told.get("skalSigneres")),
                "sizeInBytes": one["size"],
                "sha256hash": one["sha256"],
                "dokumentType": told.get("dokumentType"),
                "nedlasningsUrl": f"{url}/{one['position']}",
                "signeringsUrl": f"{url}/{one['position']}/signering" if told.get("skalSigneres") else None,
                "ekstraMetadata": told.get("ekstraMetadata") or [],
                "inneholderPersonsensitivInformasjon": told.get("inneholderPersonsensitivInformasjon"),
            }
            for one, told in store.with_description(found, described)
        ]
    }


@national.post("/{id}/settLest")
def mark_read(request: Request, letter: OwnDep, told: BodyDep, session: TransactionDep) -> Response:
    read = placing.read(shapes.LestAv, told)
    store.mark_read(session, letter, request.app.state.clock, read.navnPaEksterntSystem)
    return Response()


@national.post("/slettFiler")
def delete(request: Request, sender: SenderDep, asked: BodyDep, session: TransactionDep) -> Response:
    """Those that are the sender's; the files only."""
    ids = [one.id for one in placing.read(Objects, asked).root]
    for letter in store.of_account(session, sender.konto, ids, request.app.state.clock):
        store.delete(session, letter.id, request.app.state.clock, everything=False)
    return Response(status_code=204)


@national.get("/forsendelseTyper")
def letter_types(request: Request, sender: SenderDep) -> Any:
    return {"forsendelseTyper": request.app.state.sandbox.svarut_letter_types}


@national.get("/mottakersystem/{organisation}")
def systems_of(organisation: Annotated[str, Field(pattern=r"^\d{9}$")], sender: SenderDep, session: ReaderDep) -> Any:
    return _systems(receiving_systems.listed(session, organisation))


@national.get("/mottakersystem")
def systems(
    sender: SenderDep,
    session: ReaderDep,
    organisation: Annotated[str | None, Query(alias="organisasjonsNummer", pattern=r"^\d{9}$")] = None,
    letter_type: Annotated[str | None, Query(alias="forsendelsesType", pattern=rules.LETTER_TYPE)] = None,
    niva: Annotated[int | None, Query(ge=3, le=4)] = None,
) -> Any:
    return _systems(receiving_systems.listed(session, organisation, letter_type, niva))


def _systems(found: list[Any]) -> dict[str, Any]:
    return {
        "treff": [
            {
                "organisasjonsNummer": one.organisation_number,
                "forsendelsesType": one.letter_type,
                "mottakerSystem": one.name,
                "mottakerId": str(one.id),
                "niva": one.level,
            }
            for one in found
        ]
    }
