"""Enhetsregisteret's open data, as they are called; and the control routes that change what it knows."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, FastAPI, Path, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from services.chassis import clock, contract
from services.chassis.app import new_router
from services.chassis.db import Database, SessionDep
from services.chassis.values import In, OrganisationNumber, Out
from services.integration.sandbox.enhetsregisteret import rules, store
from services.integration.sandbox.enhetsregisteret.rules import Refused, Wrong

router = new_router("/_sandbox/enhetsregisteret", "Enhetsregisteret")
national = APIRouter(prefix=rules.ROOT)
T = TypeVar("T")
_NUMBER = re.compile(r"\d{9}", re.ASCII)


class EntityChange(In):
    """What happens to an organisation. What is left out stays."""

    name: str | None = Field(default=None, min_length=1, max_length=200)
    bankrupt: bool | None = Field(default=None, description="konkurs")
    winding_up: bool | None = Field(default=None, description="underAvvikling")
    forced_winding_up: bool | None = Field(default=None, description="underTvangsavviklingEllerTvangsopplosning")
    deleted_on: date | None = Field(default=None, description="slettedato: the answer is hardly more than that")
    removed: bool | None = Field(default=None, description="Removed for legal reasons: 410 from now on")
    address: list[str] | None = Field(default=None, min_length=1, max_length=4, description="Lines of postadresse")


class Entity(Out):
    number: str
    name: str
    bankrupt: bool
    winding_up: bool
    forced_winding_up: bool
    deleted_on: date | None
    removed: bool


@router.patch(
    "/entities/{number}",
    summary="Change what the register knows",
    openapi_extra=contract.example(body={"bankrupt": True}),
)
def change(
    number: Annotated[OrganisationNumber, Path(examples=["100000024"])], new: EntityChange, session: SessionDep
) -> Entity:
    """An organisation goes bankrupt, is deleted, removed, renamed or moves; the updates tell of it."""
    changes = new.model_dump(exclude_none=True)
    if lines := changes.pop("address", None):
        changes["postal_address"] = {
            "land": "Norge",
            "landkode": "NO",
            "postnummer": "8900",
            "poststed": "BRØNNØYSUND",
            "adresse": lines,
            "kommune": "BRØNNØY",
            "kommunenummer": "1813",
        }
    return Entity.model_validate(store.change(session, number, changes))


@national.get("/enheter/{number}")
def entity(number: str, request: Request) -> JSONResponse:
    return _one(request, number, sub=False)


@national.get("/underenheter/{number}")
def sub_entity(number: str, request: Request) -> JSONResponse:
    return _one(request, number, sub=True)


@national.get("/enheter")
def entities(request: Request) -> JSONResponse:
    return _found(request, "enheter", sub=False)


@national.get("/underenheter")
def sub_entities(request: Request) -> JSONResponse:
    return _found(request, "underenheter", sub=True)


@national.get("/oppdateringer/enheter")
def updates(request: Request) -> JSONResponse:
    asked = dict(request.query_params)
    number, size = _page(asked)
    since = _read(asked, "dato", datetime.fromisoformat)
    if since is not None and since.tzinfo is None:
        raise Refused(400, Wrong("dato må være på formatet yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "dato", asked["dato"]))
    from_id = _read(asked, "oppdateringsid", int)
    with _database(request).reading() as reader:
        rows, total = store.updates(
            reader,
            since=since,
            from_id=from_id,
            numbers=_numbers(asked),
            offset=number * size,
            limit=size,
        )
    base = _base(request)
    items = [
        {
            "oppdateringsid": row.id,
            "dato": row.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "organisasjonsnummer": row.number,
            "endringstype": row.change,
            "_links": {"enhet": {"href": f"{base}{rules.ROOT}/enheter/{row.number}"}},
        }
        for row in rows
    ]
    told = rules.page("oppdaterteEnheter", items, total, number, size, f"{base}{request.url.path}", asked)
    return JSONResponse(told, media_type=rules.UPDATES)


def _one(request: Request, number: str, *, sub: bool) -> JSONResponse:
    if not _NUMBER.fullmatch(number):
        raise Refused(400, Wrong("Organisasjonsnummer må bestå av 9 siffer", "organisasjonsnummer", number))
    with _database(request).reading() as reader:
        found = store.find(reader, number, sub=sub)
    if found is None:
        raise Refused(404)
    if found.removed:
        raise Refused(410)
    shown = rules.shown(found.entity(), _base(request))
    return JSONResponse(shown, media_type=rules.SUB_ENTITY if sub else rules.ENTITY)


def _found(request: Request, name: str, *, sub: bool) -> JSONResponse:
    asked = dict(request.query_params)
    number, size = _page(asked)
    bankrupt = asked.get("konkurs")
    if bankrupt not in (None, "true", "false"):
        raise Refused(400, Wrong("konkurs må være true eller false", "konkurs", bankrupt))
    with _database(request).reading() as reader:
        rows, total = store.search(
            reader,
            sub=sub,
            name=asked.get("navn"),
            numbers=_numbers(asked),
            parent=asked.get("overordnetEnhet"),
            municipality=asked.get("kommunenummer"),
            form=asked.get("organisasjonsform"),
            bankrupt=None if bankrupt is None else bankrupt == "true",
            offset=number * size,
            limit=size,
        )
    base = _base(request)
    items = [rules.shown(row.entity(), base) for row in rows]
    told = rules.page(name, items, total, number, size, f"{base}{request.url.path}", asked)
    return JSONResponse(told, media_type=rules.SUB_ENTITY if sub else rules.ENTITY)


def _page(asked: Mapping[str, str]) -> tuple[int, int]:
    number, size = _read(asked, "page", int) or 0, _read(asked, "size", int)
    size = rules.DEFAULT_SIZE if size is None else size
    for name, value, least in (("page", number, 0), ("size", size, 1)):
        if value < least:
            raise Refused(400, Wrong(f"{name} må være minst {least}", name, str(value)))
    rules.check_page(number, size)
    return number, size


def _read(asked: Mapping[str, str], name: str, read: Callable[[str], T]) -> T | None:
    try:
        return read(asked[name]) if name in asked else None
    except ValueError:
        raise Refused(400, Wrong("Verdien har feil format", name, asked[name])) from None


def _numbers(asked: Mapping[str, str]) -> list[str]:
    numbers = [one for one in asked.get("organisasjonsnummer", "").split(",") if one]
    wrong = [one for one in numbers if not _NUMBER.fullmatch(one)]
    if wrong:
        told = "Organisasjonsnummer må bestå av 9 siffer"
        raise Refused(400, *(Wrong(told, "organisasjonsnummer", one) for one in wrong))
    return numbers


def _database(request: Request) -> Database:
    found = request.app.state.database
    assert isinstance(found, Database)
    return found


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _refused(request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, Refused)
    told: dict[str, Any] = rules.problem(exc.status, request.url.path, clock.now(), exc.wrong)
    return JSONResponse(told, exc.status)


def speak_nationally(app: FastAPI) -> None:
    app.router.routes.extend(national.routes)
    app.add_exception_handler(Refused, _refused)
