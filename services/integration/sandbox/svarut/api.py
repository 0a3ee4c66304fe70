"""SvarUT over HTTP: sending and status of REST v3, the look-up by eksternReferanse of v2, and its own errors."""

import json
import logging
import time
import uuid
from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator
from pydantic import Field as Limits
from starlette.datastructures import UploadFile

from services.chassis import problems
from services.chassis.clock import OSLO, now
from services.chassis.db import Database, DatabaseDep, ReaderDep
from services.chassis.problems import Problem
from services.integration.sandbox.faults import rules as faults
from services.integration.sandbox.maskinporten import store as maskinporten
from services.integration.sandbox.settings import Settings
from services.integration.sandbox.svarut import rules, store
from services.integration.sandbox.svarut.rules import ContentRefused, Kind

SCOPE = "ks:fiks"
LARGEST_BODY = 64 * 1024 * 1024
"""Enough for a sandbox; the real limit is 350 MB of PDF."""
PERSONAL_NUMBER = 11
"""Digits."""
LARGEST_METADATA = 1024 * 1024
OF_THE_FRAMEWORK = (400, 404, 405, 413, 415)
"""Answers that come from the framework and not from a rule."""
_log = logging.getLogger("svarut")


def _between(shortest: int, longest: int) -> Any:
    return StringConstraints(min_length=shortest, max_length=longest)


Text20 = Annotated[str, _between(1, 20)]
Text70 = Annotated[str, _between(1, 70)]
Text100 = Annotated[str, _between(1, 100)]


class _Shape(BaseModel):
    """As KS's clients send it: fields that we do not know are let be, and what is optional may be null."""

    model_config = ConfigDict(extra="ignore")


class Adresse(_Shape):
    adresselinje1: Text70
    adresselinje2: Text70 | None = None
    adresselinje3: Text70 | None = None
    poststed: Text70
    postnummer: Text20 | None = None
    landkode: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None

    @model_validator(mode="after")
    def _norwegian_postcode(self) -> "Adresse":
        if (
            self.landkode in (None, "NO")
            and self.postnummer
            and not (len(self.postnummer) == 4 and self.postnummer.isdigit())
        ):
            raise ValueError("postnummer i Norge har fire siffer")
        return self


class Mottaker(_Shape):
    navn: Text100
    digitalId: Annotated[str, _between(9, 11)]
    adresse: Adresse | None = None


class PrintMottaker(_Shape):
    navn: Text100
    adresse: Adresse


class SvarSendesTil(_Shape):
    """`type` became required in 2026; older clients leave it out, and mean an organisation by an id of nine digits."""

    navn: Text100
    type: Literal["PERSON", "ORGANISASJON", "NHN_MOTTAKER"] | None = None
    digitalId: Annotated[str, StringConstraints(pattern=r"^\d{1,11}$")]
    adresse: Adresse

    def kind(self) -> str | None:
        return self.type or ("ORGANISASJON" if len(self.digitalId) == 9 else None)


class Lenke(_Shape):
    url: Annotated[str, _between(1, 1000)]
    tekst: Text100
    ledetekst: Text100 | None = None


class EkstraMetadata(_Shape):
    key: Text100
    value: Annotated[str, _between(1, 500)]


class Dokument(_Shape):
    filnavn: Annotated[str, _between(1, 226)]
    mimeType: Annotated[str, _between(1, 127)]
    giroarkSide: Annotated[int, Limits(ge=1)] | None = None
    skalEkskluderesFraUtskrift: bool | None = None


class OrganisasjonDokument(Dokument):
    dokumentType: Text100 | None = None
    ekstraMetadata: Annotated[list[EkstraMetadata], Limits(max_length=20)] | None = None
    inneholderPersonsensitivInformasjon: bool | None = None


class PersonDokument(Dokument):
    skalSigneres: bool | None = None


class Utskriftskonfigurasjon(_Shape):
    tosidig: bool | None = None


class Signering(_Shape):
    signeringUtloper: datetime
    signaturType: Literal["AUTENTISERT_SIGNATUR", "AVANSERT_SIGNATUR"]


class _Forsendelse(_Shape):
    tittel: Annotated[str, _between(1, 1000)]
    avgivendeSystem: Text100 | None = None
    avgivendeSystemAktor: Text100 | None = None
    konteringskode: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_\-.øæåØÆÅ]{1,20}$")] | None = None
    kryptert: bool | None = None
    utskriftskonfigurasjon: Utskriftskonfigurasjon | None = None
    svarPaForsendelseId: uuid.UUID | None = None
    eksternReferanse: Text100 | None = None
    korrelasjonsid: Text100 | None = None
    svarSendesTil: SvarSendesTil | None = None


class _Addressed(_Forsendelse):
    mottaker: Mottaker
    eksponertFor: list[str] | None = None
    kunDigitalLevering: bool | None = None
    sikkerhetsniva: Literal["BETYDELIG", "HOYESTE"] | None = None
    lenker: Annotated[list[Lenke], Limits(max_length=5)] | None = None
    kanSvareViaEdialog: bool | None = None


class OrganisasjonForsendelse(_Addressed):
    metadataFraAvleverendeSystem: dict[str, Any] | None = None
    metadataForImport: dict[str, Any] | None = None
    forsendelsestype: Text100 | None = None
    taushetsbelagtPost: bool | None = None
    dokumenter: list[OrganisasjonDokument] | None = None


class PersonForsendelse(_Addressed):
    signering: Signering | None = None
    dokumenter: list[PersonDokument] | None = None


class PrintForsendelse(_Forsendelse):
    mottaker: PrintMottaker
    dokumenter: list[Dokument] | None = None


Forsendelse = OrganisasjonForsendelse | PersonForsendelse | PrintForsendelse
SHAPES: dict[Kind, type[Forsendelse]] = {
    Kind.ORGANISATION: OrganisasjonForsendelse,
    Kind.PERSON: PersonForsendelse,
    Kind.PRINT: PrintForsendelse,
}


class StatusSok(_Shape):
    id: list[uuid.UUID]


def _admit(request: Request, database: Database, konto_id: str) -> uuid.UUID:
    settings: Settings = request.app.state.sandbox
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        with database.reading() as session:
            claims = maskinporten.token_claims(session, token, issuer=settings.maskinporten_issuer, now=now())
    except maskinporten.TokenRefused as error:
        raise rules.TokenNotValidated from error
    if scheme.lower() != "bearer" or SCOPE not in str(claims.get("scope")).split():
        raise rules.TokenNotValidated
    given = request.headers.get("integrasjonid", "")
    if (
        given.lower() != str(settings.svarut_integration)
        or _as_sent(request, "integrasjonpassord") != settings.svarut_password
        or (claims.get("consumer") or {}).get("ID") != f"0192:{settings.svarut_organisation}"
    ):
        raise rules.IntegrationNotKnown(f"{rules.IntegrationNotKnown.title()} {given}")
    if konto_id.lower() != str(settings.svarut_konto):
        raise rules.AccountForbidden
    return settings.svarut_konto


def _as_sent(request: Request, name: str) -> str:
    """A header's text: UTF-8 or, as some clients encode it, Latin-1."""
    raw = request.headers.get(name, "").encode("latin-1")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


async def _account(request: Request, database: DatabaseDep, konto_id: str) -> uuid.UUID:
    return await run_in_threadpool(_admit, request, database, konto_id)


AccountDep = Annotated[uuid.UUID, Depends(_account)]
"""The account that the three headers give access to. A body is not read before that."""


async def _multipart(request: Request, account: AccountDep) -> tuple[str, list[rules.Part]]:
    """The first part is the metadata, whatever its content type; the others are files, whatever their part names."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise ContentRefused("Ugyldig innhold: forventet multipart/form-data")
    async with request.form(max_files=500, max_part_size=LARGEST_METADATA) as form:
        parts = form.multi_items()
        if not parts or parts[0][0] != "forsendelse":
            raise ContentRefused("Ugyldig innhold: første del må være «forsendelse»")
        first = parts[0][1]
        metadata = (await first.read()).decode(errors="replace") if isinstance(first, UploadFile) else first
        files = []
        for name, file in parts[1:]:
            if not isinstance(file, UploadFile) or not file.filename:
                raise ContentRefused(f"Ugyldig innhold: delen {name!r} mangler filnavn")
            files.append(rules.Part(file.filename, await file.read()))
    return metadata, files


MultipartDep = Annotated[tuple[str, list[rules.Part]], Depends(_multipart)]
national = APIRouter()


@national.post("/api/v3/kontoer/{konto_id}/forsendelser/organisasjon")
def send_to_organisation(request: Request, account: AccountDep, sent: MultipartDep, database: DatabaseDep) -> Any:
    return _take(request, Kind.ORGANISATION, account, sent, database)


@national.post("/api/v3/kontoer/{konto_id}/forsendelser/person")
def send_to_person(request: Request, account: AccountDep, sent: MultipartDep, database: DatabaseDep) -> Any:
    return _take(request, Kind.PERSON, account, sent, database)


@national.post("/api/v3/kontoer/{konto_id}/forsendelser/print")
def send_to_print(request: Request, account: AccountDep, sent: MultipartDep, database: DatabaseDep) -> Any:
    return _take(request, Kind.PRINT, account, sent, database)


@national.post("/api/v3/kontoer/{konto_id}/forsendelser/status/sok")
def statuses(request: Request, account: AccountDep, asked: StatusSok, session: ReaderDep) -> Any:
    """Letters that do not exist, or that another account sent, are left out."""
    found = store.of_account(session, account, asked.id, request.app.state.clock)
    return {
        "statuser": [
            {
                "id": str(letter.id),
                "sisteStatusEndring": letter.changed_at.astimezone(OSLO).isoformat(timespec="milliseconds"),
                "status": letter.status.value,
            }
            for letter in found
        ]
    }


@national.get("/api/v2/kontoer/{konto_id}/forsendelser")
@national.get("/api/v2/kontoer/{konto_id}/forsendelser/")
def by_reference(
    request: Request,
    account: AccountDep,
    session: ReaderDep,
    reference: Annotated[str, Query(alias="eksternRef", min_length=1)],
) -> Any:
    known_by = request.app.state.clock.now() - faults.lag(request.scope)
    return {"forsendelseIds": [str(id) for id in store.ids_of(session, account, reference, known_by)]}


def _take(
    request: Request, kind: Kind, account: uuid.UUID, sent: tuple[str, list[rules.Part]], database: Database
) -> dict[str, str]:
    """Check, count the attempt, keep. The count is kept also when the letter is refused as a repeat."""
    settings: Settings = request.app.state.sandbox
    clock: store.Clock = request.app.state.clock
    metadata, parts = sent
    letter = _read(kind, metadata)
    described = [
        rules.Described(one.filnavn, one.mimeType, bool(one.skalEkskluderesFraUtskrift))
        for one in letter.dokumenter or []
    ]
    problems.refuse([*_rules(kind, letter), *rules.check_files(described, parts, printable=_printable(letter))])
    recipient = letter.mottaker.model_dump()
    number = recipient.get("digitalId")
    with database.writing() as session:
        attempts = store.attempt(session, rules.fingerprint(str(account), letter.tittel, recipient, parts), clock.now())
        if attempts <= settings.svarut_duplicates:
            id = store.add(
                session,
                konto=account,
                kind=kind,
                title=letter.tittel,
                name=letter.mottaker.navn,
                number=number if kind is Kind.ORGANISATION else None,
                external_reference=letter.eksternReferanse,
                described=described,
                parts=parts,
                now=clock.now(),
                forsendelse=_kept(letter),
                sender_number=settings.svarut_organisation,
                sender_name=settings.svarut_organisation_name,
            )
    rules.check_repeats(attempts, settings.svarut_duplicates)
    return {"id": str(id)}


def _kept(letter: Forsendelse) -> dict[str, Any]:
    """What others are told of the letter: all but personal numbers."""
    told = letter.model_dump(mode="json", exclude_none=True, exclude={"eksponertFor"})
    for party in (told["mottaker"], told.get("svarSendesTil") or {}):
        if len(party.get("digitalId") or "") == PERSONAL_NUMBER:
            del party["digitalId"]
    return told


def _read(kind: Kind, metadata: str) -> Forsendelse:
    try:
        return SHAPES[kind].model_validate_json(metadata)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise ContentRefused(f"Ugyldig innhold: {wrong}") from error


def _rules(kind: Kind, letter: Forsendelse) -> Sequence[ContentRefused]:
    addressed = letter if isinstance(letter, _Addressed) else None
    failed = list(
        rules.check_letter(
            answer_by_link=bool(addressed and addressed.kanSvareViaEdialog),
            answers_to=letter.svarSendesTil.kind() if letter.svarSendesTil else None,
            highest_level=bool(addressed and addressed.sikkerhetsniva == "HOYESTE"),
            encrypted=bool(letter.kryptert),
            holds_anything=bool(letter.dokumenter or (addressed and addressed.lenker)),
        )
    )
    if addressed:
        failed += rules.check_recipient(kind, addressed.mottaker.digitalId)
    return failed


def _printable(letter: Forsendelse) -> bool:
    return not (isinstance(letter, _Addressed) and letter.kunDigitalLevering)


def speak_nationally(app: FastAPI) -> None:
    """Let every error leave as an ErrorMessage of KS Fiks."""
    app.router.routes.extend(national.routes)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    for status in OF_THE_FRAMEWORK:
        app.add_exception_handler(status, _http)
    app.add_exception_handler(Exception, _unexpected)


def _problem(request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, Problem)
    told = exc.detail or exc.title()
    if len(exc.all) > 1:
        told = "; ".join(one.detail or one.title() for one in exc.all)
    code = request.app.state.sandbox.svarut_duplicate_code if isinstance(exc, rules.LetterRepeated) else None
    return _error(request, exc.status, told, code)


def _invalid(request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, RequestValidationError)
    wrong = "; ".join(f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in exc.errors())
    return _error(request, 400, f"Ugyldig innhold: {wrong}")


def _http(request: Request, exc: Any) -> JSONResponse:
    return _error(request, exc.status_code, str(exc.detail))


def _unexpected(request: Request, exc: Exception) -> JSONResponse:
    return _error(request, 500, "Uventet feil")


def _error(request: Request, status: int, message: str, code: str | None = None) -> JSONResponse:
    _log.info("refused: %s %s", status, json.dumps(message, ensure_ascii=False))
    return JSONResponse(
        {
            "timestamp": int(time.time() * 1000),
            "status": status,
            "error": HTTPStatus(status).phrase,
            "errorId": str(uuid.uuid4()),
            "path": request.url.path,
            "originalPath": None,
            "message": message,
            "errorCode": code,
            "errorJson": None,
        },
        status,
    )
