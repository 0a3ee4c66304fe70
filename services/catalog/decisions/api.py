"""Decisions on applications over HTTP; making one is another concept's, since it grants."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field

from services.catalog.applications import store as applications
from services.catalog.certificates.shapes import Number
from services.catalog.decisions import shapes, store
from services.catalog.decisions.rules import Outcome
from services.catalog.decisions.shapes import Decision
from services.chassis import clock, paging
from services.chassis.app import new_router
from services.chassis.auth import ViewerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.values import In, seed_id

router = new_router("/certification-decisions", "Certification")

SEEDED_DECISION = str(seed_id("certification-decision:decided"))


class Filters(In):
    application: UUID | None = Field(default=None, description="Only on this application")
    certificate: Number | None = Field(default=None, description="Only about this certificate")
    outcome: list[Outcome] = Field(default=[], max_length=3, description="Only these; give it several times")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("", summary="List decisions on certification", openapi_extra=example(query={"outcome": "granted"}))
def list_decisions(
    filters: Annotated[Filters, Query()],
    viewer: ViewerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
) -> paging.Page[Decision]:
    """Those that granted something are open to all. Refusals are seen by the applicant and by whoever assesses or
    decides. Oldest first."""
    rows = store.page(
        reader,
        paging.start(filters.after, UUID),
        filters.limit,
        own=applications.applicant_ids(reader, viewer.organisation, today) if viewer else (),
        everyones=viewer is not None and applications.handles(viewer),
        application=filters.application,
        certificate=filters.certificate,
        outcome=filters.outcome,
    )
    shown = shapes.shown(reader, rows, viewer, today)
    return paging.page(
        request, response, rows, filters.limit, lambda row: paging.cursor(row.uuid), lambda row: shown[row.id]
    )


@router.get("/{id}", summary="Read a decision on certification", openapi_extra=example())
def read(
    id: Annotated[UUID, Path(description="The decision's id", examples=[SEEDED_DECISION])],
    viewer: ViewerDep,
    reader: ReaderDep,
    today: clock.TodayDep,
) -> Decision:
    """One decision with its reasons, the last day for an appeal, and what became of it. A refusal that you may not see
    is not found."""
    row = store.by_uuid(reader, id)
    if row.outcome is Outcome.REFUSED and not store.is_party(reader, row, viewer, today):
        raise store.DecisionNotFound(f"No decision has the id {id}.")
    return shapes.shown(reader, [row], viewer, today)[row.id]
