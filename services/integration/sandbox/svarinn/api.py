"""SvarInn over HTTP: v1 and v2 as receivers call them, and control of what waits there for whoever tries the system."""

import base64
import binascii
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, FastAPI, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from services.chassis import contract
from services.chassis.app import new_router
from services.chassis.db import ReaderDep, TransactionDep
from services.chassis.values import In, Instant, OrganisationNumber, Out, seed_id
from services.integration.sandbox.faults import rules as faults
from services.integration.sandbox.receiving_systems import store as systems
from services.integration.sandbox.receiving_systems.store import ReceivingSystem
from services.integration.sandbox.svarinn import rules, shapes, store
from services.integration.sandbox.svarinn.rules import Spoilt
from services.integration.sandbox.svarut_time.store import Clock

CHALLENGE = {"WWW-Authenticate": 'BASIC realm="KS Svarut mottaker login"'}
V1 = "/tjenester/svarinn"
V2 = ("/tjenester/svarinn/v2", "/api/svarinn/v2")
"""The published specification says the first, the page beside it the second."""
national = APIRouter()
router = new_router("/_sandbox/svarinn", "SvarInn")


class _Shape(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Feil(_Shape):
    """`mottakFeilet`: for now, or for good."""

    feilmelding: str
    permanent: bool


class StatusEndring(_Shape):
    status: Literal["MOTTATT", "FEILET"]
    feil: Feil | None = None

    @model_validator(mode="after")
    def _says_why(self) -> "StatusEndring":
        if self.status == "FEILET" and self.feil is None:
            raise ValueError("feil må fylles ut når status er FEILET")
        return self


def _receiver(request: Request, session: ReaderDep) -> ReceivingSystem:
    """By HTTP Basic, whose charset clients do not agree on: UTF-8, or Latin-1."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).partition(b":")
    except binascii.Error as error:
        raise rules.ReceiverUnknown from error
    readings = [password.decode("latin-1"), password.decode(errors="replace")]
    found = systems.admitted(session, user.decode("latin-1"), readings) if scheme.lower() == "basic" else None
    if found is None:
        raise rules.ReceiverUnknown
    return found


async def _clock(request: Request) -> Clock:
    found = request.app.state.clock
    assert isinstance(found, Clock)
    return found


ReceiverDep = Annotated[ReceivingSystem, Depends(_receiver)]
ClockDep = Annotated[Clock, Depends(_clock)]


@national.get(f"{V1}/mottaker/hentNyeForsendelser")
def new_letters(request: Request, receiver: ReceiverDep, session: ReaderDep, clock: ClockDep) -> Response:
    """`id` is what receivers must tell repeats by: a letter stands here until it is acknowledged."""
    found = store.waiting(session, receiver, clock)
    return _json([_odd(shapes.v1(one, _download(request, one.id)), one) for one in found])


@national.get(f"{V1}/forsendelse/{{id}}")
def download(id: UUID, receiver: ReceiverDep, session: ReaderDep, clock: ClockDep) -> Response:
    letter = store.one(session, receiver, clock, id)
    envelope = store.envelope(session, letter, receiver.certificate or "")
    media_type = letter.media_type()
    filename = letter.documents[0]["filename"] if media_type == rules.PDF else "dokumenter.zip"
    plain = filename if filename.isascii() and '"' not in filename else "dokument.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{plain}"'}
    return Response(envelope, media_type=media_type, headers=headers)


@national.post(f"{V1}/kvitterMottak/forsendelse/{{id}}")
def acknowledge(id: UUID, receiver: ReceiverDep, session: TransactionDep, clock: ClockDep) -> Response:
    """Whatever body: real clients send none, or an empty form."""
    store.received(session, receiver, clock, id)
    return Response()


@national.post(f"{V1}/mottakFeilet/forsendelse/{{id}}")
def fail(id: UUID, told: Feil, receiver: ReceiverDep, session: TransactionDep, clock: ClockDep) -> Response:
    store.failed(session, receiver, clock, id, told.feilmelding, told.permanent)
    return Response()


def _listed_v2(request: Request, receiver: ReceiverDep, session: ReaderDep, clock: ClockDep) -> Response:
    return _json([shapes.v2(one, _download(request, one.id)) for one in store.waiting(session, receiver, clock)])


def _change(
    id: UUID, change: StatusEndring, receiver: ReceiverDep, session: TransactionDep, clock: ClockDep
) -> Response:
    """KS documents no status code for success."""
    if change.feil and change.status == "FEILET":
        store.failed(session, receiver, clock, id, change.feil.feilmelding, change.feil.permanent)
    else:
        store.received(session, receiver, clock, id)
    return Response(status_code=204)


for _base in V2:
    national.get(f"{_base}/forsendelser")(_listed_v2)
    national.get(f"{_base}/forsendelser/{{id}}")(download)
    national.patch(f"{_base}/forsendelser/{{id}}/status")(_change)


def _json(answer: list[dict[str, Any]]) -> Response:
    return Response(orjson.dumps(answer), headers={"Content-Type": "application/json; charset=utf-8"})


def _download(request: Request, id: UUID) -> str:
    return f"{str(request.base_url).rstrip('/')}{V1}/forsendelse/{id}"


def _odd(listed: dict[str, Any], letter: store.Waiting) -> dict[str, Any]:
    return dict(faults.merged(listed, letter.oddity.listed)) if letter.oddity else listed


def speak_nationally(app: FastAPI) -> None:
    """Beside SvarUT, on its port and with its errors; only 401 is SvarInn's own."""
    app.router.routes.extend(national.routes)
    app.add_exception_handler(rules.ReceiverUnknown, _unknown)


def _unknown(request: Request, exc: Exception) -> JSONResponse:
    told = {"status": 401, "error": "Unauthorized", "path": request.url.path, "message": rules.ReceiverUnknown.title()}
    return JSONResponse(told, 401, CHALLENGE)


def _decoded(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("it is not base64") from error
    return text


class NewDocument(In):
    filename: str = Field(min_length=1, max_length=226, examples=["svar.pdf"])
    media_type: str = Field(default="application/pdf", min_length=1, max_length=127)
    content_base64: Annotated[str, AfterValidator(_decoded)] = Field(min_length=1, description="Base64 with padding")
    letter_part: dict[str, Any] = Field(default={}, description="More of `dokumenter[]` in SvarUT's words (v3)")


class Party(In):
    organisation_number: OrganisationNumber
    name: str = Field(min_length=1, max_length=100, examples=["Fjordvakt Velferd AS (fiktiv)"])


class NewLetter(In):
    """A letter that another organisation sends."""

    sender: Party
    recipient: Party
    title: str = Field(min_length=1, max_length=1000, examples=["Svar på bestilling"])
    documents: list[NewDocument] = Field(min_length=1, max_length=100)
    answers_to: UUID | None = Field(default=None, description="svarPaForsendelse: SvarUT's id of the letter answered")
    external_reference: str | None = Field(default=None, min_length=1, max_length=100, description="eksternRef")
    letter_type: str | None = Field(default=None, min_length=1, max_length=100, description="forsendelsestype")
    more: dict[str, Any] = Field(default={}, description="More of the letter in SvarUT's words (v3)")
    copies: int = Field(default=1, ge=1, le=1000, description="So many letters, equal but for their ids")
    at_once: bool = Field(default=True, description="It waits at once; otherwise SvarUT takes its time over it")
    listed: dict[str, Any] = Field(
        default={}, description="A JSON merge patch (RFC 7396) for what v1 lists of it: odd, missing and new fields"
    )
    spoilt: Spoilt | None = Field(
        default=None,
        description="other_certificate: encrypted for somebody else. cut: the envelope's second half is missing. "
        "changed_byte: one in the envelope. other_content: one in a document, before it was encrypted. no_archive: "
        "what is in the envelope begins otherwise than it should. bomb: unpacks to 64 MB more than it says",
    )


class PutLetter(Out):
    id: UUID = Field(description="SvarUT's id of it (forsendelseId); of the last, when there are copies")


class Failure(Out):
    message: str
    permanent: bool
    told_at: Instant


class Failures(Out):
    items: list[Failure]


class Warned(Out):
    """Mails about a letter that nobody fetches."""

    user_name: str
    id: UUID
    waiting_since: Instant
    mails: int = Field(description="The first after two hours, then three a day")


class Warnings(Out):
    items: list[Warned]


@router.post(
    "/letters",
    status_code=201,
    summary="Send a letter as another organisation",
    openapi_extra=contract.example(
        body={
            "sender": {"organisation_number": "100000016", "name": "Fjordvakt Velferd AS (fiktiv)"},
            "recipient": {"organisation_number": "100000008", "name": "Samvirke fellesenhet (fiktiv)"},
            "title": "Svar på bestilling",
            "documents": [{"filename": "svar.pdf", "content_base64": base64.b64encode(b"%PDF-1.4\n%%EOF\n").decode()}],
        }
    ),
)
def put(new: NewLetter, session: TransactionDep, clock: ClockDep) -> PutLetter:
    """Puts a letter where the recipient's receiving system finds it, as one that came through SvarUT; for example a
    supplier's answer. Fields and content can be made wrong on purpose."""
    told = {
        "tittel": new.title,
        "mottaker": {"navn": new.recipient.name, "digitalId": new.recipient.organisation_number},
        "svarPaForsendelseId": str(new.answers_to) if new.answers_to else None,
        "forsendelsestype": new.letter_type,
        "dokumenter": [
            {"filnavn": one.filename, "mimeType": one.media_type, **one.letter_part} for one in new.documents
        ],
        **new.more,
    }
    for _ in range(new.copies):
        id = store.put(
            session,
            recipient=(new.recipient.organisation_number, new.recipient.name),
            sender=(new.sender.organisation_number, new.sender.name),
            konto=seed_id(f"svarut-konto:{new.sender.organisation_number}"),
            title=new.title,
            external_reference=new.external_reference,
            forsendelse=told,
            files=[(one.filename, one.media_type, base64.b64decode(one.content_base64)) for one in new.documents],
            listed=new.listed,
            spoilt=new.spoilt,
            at_once=new.at_once,
            now=clock.now(session),
        )
    return PutLetter(id=id)


@router.get("/letters/{id}/failures", summary="Read what receivers told of a letter")
def failures(
    id: Annotated[UUID, Path(examples=["018f5e9c-7d2b-7c3a-9f00-000000000001"])], session: ReaderDep
) -> Failures:
    """Each mottakFeilet, oldest first, as the sender may see them."""
    return Failures(items=[Failure.model_validate(one) for one in store.failures(session, id)])


@router.get("/warnings", summary="List letters nobody fetches", openapi_extra=contract.example())
def warnings(session: ReaderDep, clock: ClockDep) -> Warnings:
    """Letters that have waited for two hours, with how many mails their receiving system's owner has had of each."""
    count = partial(rules.warnings, now=clock.now(session))
    return Warnings(
        items=[
            Warned(
                user_name=system.user_name, id=one.id, waiting_since=one.waiting_since, mails=count(one.waiting_since)
            )
            for system, _ in systems.everybody(session)
            for one in store.waiting(session, system, clock)
            if count(one.waiting_since)
        ]
    )
