"""Concerns over HTTP: the list that an administrator looks through."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import Field

from services.chassis import paging
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.values import Instant, Out
from services.integration.concerns import store
from services.integration.concerns.rules import Kind
from services.integration.dispatches.rules import State
from services.integration.dispatches.shapes import BRONNOY

router = new_router("/concerns", "Concerns")


class Concern(Out):
    """A letter that somebody should look at, and why."""

    kind: Kind = Field(
        description="stuck: it waits and no job is there for it (mended by itself within a minute). late: not handed "
        "over for an hour, or five minutes when urgent. unknown: nobody knows whether SvarUT has it, or SvarUT's "
        "status is one that we do not know. silent: nothing new from SvarUT for a day, or a week in print. unread: not "
        "read before the deadline, and not sent to print"
    )
    dispatch_id: UUID
    reference: str
    title: str
    status: State
    detail: str | None = Field(description="Why it is where it is")
    external_status: str | None = Field(description="SvarUT's own status, as last heard")
    since: Instant


@router.get("", summary="List letters that need somebody's eyes", openapi_extra=example(organisation=BRONNOY))
def list_concerns(
    caller: CallerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
    kind: Annotated[Kind | None, Query(description="Only this kind")] = None,
    after: paging.After = None,
    limit: paging.Limit = paging.DEFAULT,
) -> paging.Page[Concern]:
    """Your organisation's letters that something is the matter with, newest first; a letter may stand there for several
    reasons. Those that have failed are no concerns but decisions: `GET /dispatches?status=failed`."""
    begun = paging.start(after, UUID, str)
    rows = store.page(
        reader, caller.organisation, [kind] if kind else list(Kind), (begun[0], begun[1]) if begun else None, limit
    )
    return paging.page(
        request,
        response,
        rows,
        limit,
        lambda row: paging.cursor(str(row.uuid), row.kind),
        lambda row: Concern(
            kind=row.kind,
            dispatch_id=row.uuid,
            reference=row.reference,
            title=row.title,
            status=row.state,
            detail=row.detail,
            external_status=row.external_status,
            since=row.since,
        ),
    )
