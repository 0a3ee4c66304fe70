"""Releases and records over HTTP: open data, without a token."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from services.agreements.entries.shapes import PeriodBackwards
from services.agreements.releases import rules, store
from services.agreements.settings import Settings
from services.chassis.app import new_router
from services.chassis.clock import now, on
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, ReaderDep
from services.chassis.problems import refuse
from services.chassis.values import Out, seed_id

router = new_router("/ocds", "Open data")
call_offs_router = new_router("/call-offs", "Open data")

FIRST, LAST = date(2000, 1, 1), date(9999, 12, 31)
SETTLED = timedelta(hours=1)
"""After midnight, when a day gets no more releases: whoever publishes has long written what it began with."""
OCID = Path(
    max_length=160,
    description="The open contracting identifier",
    examples=[f"{rules.UNREGISTERED}-ra-2026-velferdsteknologi"],
)
CALL_OFF = Path(description="The call-off's id", examples=[str(seed_id("call-off:sent"))])


class Day(Out):
    """A day on which something was published."""

    published_on: date
    releases: int = Field(description="How many", examples=[12])
    url: str = Field(description="The day's release package; once the day is over it never changes")


class Index(Out):
    """What there is to fetch."""

    releases_url: str = Field(description="Every release since the beginning, as one package")
    records_url: str = Field(description="Every process with all its releases, as one package")
    extension_url: str = Field(description="Our own extension of the release schema")
    days: list[Day] = Field(description="The newest first")


def _package(kind: str, required: str) -> dict[int | str, dict[str, Any]]:
    needed = ["uri", "version", "publisher", "publishedDate", required]
    schema = {"type": "object", "description": f"A {kind} package of OCDS 1.1.5", "required": needed}
    return {
        200: {"content": {"application/json": {"schema": schema}}},
        304: {"description": "As you have it"},
    }


@router.get("", summary="See what is published, day by day", openapi_extra=example())
def index(reader: ReaderDep, request: Request) -> Index:
    """Open contracting data (OCDS 1.1.5) of all framework agreements that have been announced, of mini-competitions
    from their publication, and of call-offs from when they are sent to a supplier, for anyone to use. Each day's
    releases are a package of their own; fetch the days that you do not have. Business secrets, bids, orders that are
    only being prepared, references and contact persons are not in it."""
    here = f"{_settings(request).public_url}/ocds"
    return Index(
        releases_url=f"{here}/releases.json",
        records_url=f"{here}/records.json",
        extension_url=f"{here}/extension/extension.json",
        days=[
            Day(published_on=one.published_on, releases=one.releases, url=_day_url(here, one.published_on))
            for one in store.days(reader)
        ],
    )


@router.get(
    "/releases.json",
    summary="Fetch releases as one package",
    response_class=StreamingResponse,
    responses=_package("release", "releases"),
    openapi_extra=example(query={"from": "2026-01-01"}),
)
def release_package(
    database: DatabaseDep,
    request: Request,
    from_on: Annotated[date | None, Query(alias="from", description="The first day of publication, in Norway")] = None,
    to_on: Annotated[date | None, Query(alias="to", description="The last day of publication")] = None,
) -> Response:
    """All releases, or those that were published in a period, oldest first, as they come out of the database: the whole
    set needs no more memory here than a part of it. A release is how a process stood when it was published; under its
    id it never changes. Give the `ETag` back as `If-None-Match`. 404 `nothing-published` for a period without any."""
    first, last = from_on or FIRST, to_on or LAST
    refuse([PeriodBackwards(f"{last} is before {first}.", pointer="?to")] if last < first else [])
    with database.reading() as reader:
        whole = store.extent(reader, first, last)
    given = [f"{name}={day}" for name, day in (("from", from_on), ("to", to_on)) if day]
    uri = f"/ocds/releases.json{'?' if given else ''}{'&'.join(given)}"
    over = on(now() - SETTLED) > last
    return _answer(request, uri, whole, "releases", store.releases(database, whole, first, last), over=over)


@router.get(
    "/records.json",
    summary="Fetch all records as one package",
    response_class=StreamingResponse,
    responses=_package("record", "records"),
    openapi_extra=example(),
)
def record_package(database: DatabaseDep, request: Request) -> Response:
    """Every contracting process with all its releases and how it stands now (`compiledRelease`), by ocid, streamed like
    the releases."""
    with database.reading() as reader:
        whole = store.extent(reader, FIRST, LAST)
    return _answer(request, "/ocds/records.json", whole, "records", store.records(database, whole))


@router.get(
    "/extension/{file}",
    summary="Read our extension of OCDS",
    response_class=Response,
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}},
    openapi_extra=example(),
)
def extension(
    file: Annotated[str, Path(pattern=r"^(extension|release-schema)\.json$", examples=["extension.json"])],
    request: Request,
) -> Response:
    """What the packages declare as an extension of ours: the estimate of a framework agreement beside its maximum, and
    a supplier's rank. `extension.json` describes it, `release-schema.json` patches the release schema."""
    if file == "release-schema.json":
        return Response(orjson.dumps(rules.OWN_EXTENSION), media_type="application/json")
    described = {
        "name": {"en": "Estimated value and rank"},
        "description": {"en": "The estimate of a framework agreement beside its maximum, and suppliers' ranks"},
        "documentationUrl": {"en": f"{_settings(request).public_url}/docs"},
        "compatibility": ["1.1"],
        "schemas": ["release-schema.json"],
    }
    return Response(orjson.dumps(described), media_type="application/json")


@router.get(
    "/{ocid}",
    summary="Read one contracting process",
    response_class=Response,
    responses=_package("record", "records"),
    openapi_extra=example(),
)
def process(ocid: Annotated[str, OCID], reader: ReaderDep, request: Request) -> Response:
    """One framework agreement or call-off as a record package with one record: all its releases, oldest first, and how
    it stands now."""
    return _records(request, f"/ocds/{ocid}", *store.records_of(reader, [ocid]))


@call_offs_router.get(
    "/{id}/ocds",
    summary="Read a call-off as open data",
    response_class=Response,
    responses=_package("record", "records"),
    openapi_extra=example(),
)
def of_call_off(id: Annotated[UUID, CALL_OFF], reader: ReaderDep, request: Request) -> Response:
    """The call-off's contracting process as a record package; of a joint call-off one for each paying municipality, as
    a process has exactly one buyer. 404 until it has been sent to a supplier, and for a moment after that."""
    found = store.ocids_of(reader, id)
    return _records(request, f"/call-offs/{id}/ocds", *store.records_of(reader, found))


def _records(request: Request, uri: str, records: Iterable[bytes], published_at: datetime) -> Response:
    head = _head(request, uri, published_at)
    headers = {"ETag": _etag(head)}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = head + b',"records":[' + b",".join(records) + b"]}"
    return Response(body, media_type="application/json", headers=headers)


def _answer(
    request: Request, uri: str, whole: store.Extent, name: str, pieces: Iterator[bytes], *, over: bool = False
) -> Response:
    """`over`: no more will ever come."""
    head = _head(request, uri, whole.published_at)
    lasts = "public, max-age=31536000, immutable" if over else "public, max-age=60"
    headers = {"ETag": _etag(head, whole.last), "Cache-Control": lasts}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return StreamingResponse(_joined(head, name, pieces), media_type="application/json", headers=headers)


def _joined(head: bytes, name: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """In chunks of some size: each is a step of the event loop."""
    written, size = [head, f',"{name}":['.encode()], 0
    between = b""
    for piece in pieces:
        written += [between, piece]
        between, size = b",\n", size + len(piece)
        if size > 256 * 1024:
            yield b"".join(written)
            written, size = [], 0
    yield b"".join([*written, b"]}"])


def _head(request: Request, uri: str, published_at: datetime) -> bytes:
    settings = _settings(request)
    package = {
        "uri": f"{settings.public_url}{uri}",
        "version": "1.1",
        "extensions": [*rules.EXTENSIONS, f"{settings.public_url}/ocds/extension/extension.json"],
        "publisher": {"name": settings.ocds_publisher},
        "license": settings.ocds_licence,
        "publishedDate": published_at,
    }
    return orjson.dumps(package, option=orjson.OPT_UTC_Z)[:-1]


def _etag(head: bytes, last: int = 0) -> str:
    return f'"{hashlib.sha256(head + str(last).encode()).hexdigest()[:32]}"'


def _day_url(here: str, day: date) -> str:
    return f"{here}/releases.json?from={day}&to={day}"


def _settings(request: Request) -> Settings:
    found: Settings = request.app.state.settings
    return found
