"""Status lists over HTTP."""

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Path, Query, Request, Response
from pydantic import Field

from services.catalog.status_lists import store
from services.chassis import clock
from services.chassis.app import new_router
from services.chassis.contract import example
from services.chassis.db import DatabaseDep
from services.chassis.hot import add_hot_read
from services.chassis.values import Out

router = new_router("/status-lists", "Credentials")

MEDIA_TYPE = "application/statuslist+jwt"
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
LATEST = datetime(9999, 1, 1, tzinfo=UTC)


class StatusLists(Out):
    status_lists: list[str] = Field(description="The address of each list")


def _lists(request: Request) -> store.Lists:
    found = request.app.state.status_lists
    assert isinstance(found, store.Lists)
    return found


@router.get("", summary="List the status lists", openapi_extra=example())
async def status_lists(request: Request, database: DatabaseDep, response: Response) -> StatusLists:
    """The addresses of all lists (Status List Aggregation of the IETF draft), for whoever wants to fetch them ahead and
    verify certificates without a network. A list holds some hundred thousand credentials, so there are few."""
    response.headers["Cache-Control"] = "public, max-age=60"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return StatusLists(status_lists=await _lists(request).uris(database))


async def status_list(
    number: Annotated[int, Path(ge=1, le=2**31, description="The list's number", examples=["1"])],
    request: Request,
    database: DatabaseDep,
    time: Annotated[
        int | None,
        Query(
            ge=0,
            lt=int(LATEST.timestamp()),
            description="The list as it was at this time, in seconds since 1970: what was known then, of that day",
        ),
    ] = None,
) -> Response:
    """Whether each credential still counts, in two bits: a signed Status List Token (IETF draft Token Status List,
    `typ` `statuslist+jwt`). `lst` is base64url of a zlib stream; place `idx` of a credential's `status.status_list`
    stands in byte `idx / 4`, from the lowest bits on. 0 valid · 1 invalid: withdrawn, relinquished, superseded,
    expired, or the token is of an earlier revision · 2 suspended · 3 valid with conditions or a dispensation. The
    credential's own dates come first: what is expired is expired. A list without the place asked for says nothing.

    What has changed is in the list at once, on every process, so whoever can ask keeps it for one second (`ttl`,
    `Cache-Control`); a copy for use without a network is good until `exp`. Ask with `If-None-Match`, then an unchanged
    list costs nothing. `time` gives the list of the past, with that time as `iat`: a reader has to check that the time
    lies between `iat` and `exp`. A time that has not come, or is before the list's first certificate, is not found
    (404, as the draft says)."""
    if time is None:
        return _answer(request, await _lists(request).current(database, number, clock.now()), "public, max-age=1")
    instant = datetime.fromtimestamp(time, UTC)
    found = await _lists(request).at(database, number, instant, clock.now())
    return _answer(request, found, "public, max-age=86400")


async def _plainly(request: Request) -> Response | None:
    number = request.path_params["number"]
    if request.scope["query_string"] or not _NUMBER.fullmatch(number):
        return None
    lists, database = _lists(request), request.app.state.database
    return _answer(request, await lists.current(database, int(number), clock.now()), "public, max-age=1")


def _answer(request: Request, signed: store.Signed, kept: str) -> Response:
    zipped = "gzip" in request.headers.get("accept-encoding", "")
    headers = {
        "ETag": f'"{signed.etag}{"-gzip" if zipped else ""}"',
        "Cache-Control": kept,
        "Vary": "Accept-Encoding",
        "Access-Control-Allow-Origin": "*",
    }
    if signed.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if zipped:
        headers["Content-Encoding"] = "gzip"
    return Response(signed.gzipped if zipped else signed.token, media_type=MEDIA_TYPE, headers=headers)


add_hot_read(
    router,
    "/{number}",
    status_list,
    _plainly,
    summary="Read a status list",
    openapi_extra=example(),
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}, 304: {"description": "As you have it"}},
)
