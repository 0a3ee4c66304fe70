"""The audit trail over HTTP: who changed what, field by field."""

from collections.abc import Callable
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.chassis import paging
from services.chassis.app import new_router
from services.chassis.audit import TABLE
from services.chassis.auth import Caller, CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.values import Instant, Out


class Trace(Out):
    """One change, as it was recorded."""

    recorded_at: Instant
    organisation: str | None = Field(description="Who acted, by number; null when the service did itself")
    client: str = Field(description="Through which client")
    request_id: str
    action: str = Field(description="`<concept>.<event>`", examples=["component.change"])
    subject: str = Field(description="The thing's path on this service")
    detail: dict[str, Any] = Field(
        description="What was new, or `changed`: each field with its old and its new value, and the `reason`"
    )
    sealed: bool = Field(description="Whether a seal holds it already; one is set every two seconds")


def new_audit_router(sees_all: Callable[[Session, Caller], bool], organisation: str, subject: str) -> APIRouter:
    """`GET /audit` for a service: the caller's own organisation's changes, or all where `sees_all` says so. The
    example is sent by `organisation` and asks for `subject`."""
    router = new_router("/audit", "Audit")

    @router.get("", summary="Read who changed what", openapi_extra=example(organisation=organisation))
    def trail(
        caller: CallerDep,
        reader: ReaderDep,
        request: Request,
        response: Response,
        about: Annotated[
            str | None,
            Query(alias="subject", max_length=200, description="Only this thing, by its path", examples=[subject]),
        ] = None,
        after: paging.After = None,
        limit: paging.Limit = paging.DEFAULT,
    ) -> paging.Page[Trace]:
        """Every change with its fields, oldest first: what your own organisation did. Whoever looks after the service
        sees what all did."""
        (last,) = paging.start(after, int) or (0,)
        here = TABLE.c
        query = sa.select(TABLE, here.seal_id.is_not(None).label("sealed")).where(here.id > last)
        if about is not None:
            query = query.where(here.subject == about)
        if not sees_all(reader, caller):
            query = query.where(here.organisation == caller.organisation)
        rows = reader.execute(query.order_by(here.id).limit(limit + 1)).all()
        return paging.page(
            request, response, rows, limit, lambda row: paging.cursor(row.id), lambda row: Trace.model_validate(row)
        )

    return router
