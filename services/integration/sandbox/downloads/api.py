"""Documents over HTTP, where recipients fetch them."""

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool

from services.chassis.db import Database, DatabaseDep
from services.integration.sandbox.svarut import store
from services.integration.sandbox.svarut_accounts import asking

national = APIRouter()


@national.get("/forsendelse/{id}/{position}")
async def fetch(request: Request, id: UUID, position: Annotated[int, Path(ge=1)], database: DatabaseDep) -> Response:
    """For a recipient, whose login is not asked for here, but whose letter is read when all of it has been fetched; and
    for the sender, who shows who it is as in any call and does not read it."""
    filename, media_type, content = await run_in_threadpool(_fetch, request, id, position, database)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(filename)}",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type=media_type, headers=headers)


def _fetch(request: Request, id: UUID, position: int, database: Database) -> tuple[str, str, bytes]:
    if "authorization" in request.headers:
        _check_sender(request, id, database)
        with database.reading() as session:
            return store.content(session, id, position)
    with database.writing() as session:
        return store.fetch(session, id, position, request.app.state.clock)


def _check_sender(request: Request, id: UUID, database: Database) -> None:
    if request.headers["authorization"].lower().startswith("basic "):
        asking.sent_by(request, database, str(id))
    else:
        asking.own_letter(request, database, str(id))
