"""Recalls over HTTP."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field

from services.catalog.adoptions.shapes import VEFSN
from services.catalog.certificates.rules import Status, SubjectKind
from services.catalog.recalls import rules, store
from services.chassis import paging
from services.chassis.app import new_router
from services.chassis.auth import ViewerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.values import In, Instant, Out, Slug, seed_id

router = new_router("/recalls", "Recalls")

SEEDED = str(seed_id("recall:SV-2026-000003"))
"""A recall in the seed data: fictional."""


class Numbers(Out):
    """How far it has come. For public bodies, and those that run the scheme."""

    organisations: int = Field(
        description="How many are told, each once: they use it by their own word, or through a co-operation"
    )
    told: int = Field(description="How many of them have been told")
    acknowledged: int = Field(description="How many have said what they do about it")
    unreachable: int = Field(description="Users without organisation number that have no member with one either")


class Recall(Out):
    """That a certificate is not to be relied on."""

    id: UUID
    certificate: str = Field(description="Its number", examples=["SV-2026-000003"])
    subject_kind: SubjectKind
    product: str | None = Field(description="Null when the certificate is a supplier's or an adviser's")
    status: Status = Field(description="What the certificate became by it")
    effective_on: date = Field(description="From which day; may lie ahead")
    reason: str | None
    state: rules.State = Field(
        description="`replaced`: by another recall of the same certificate, such as of its withdrawal after a "
        "suspension. `ended`: it can be relied on again, or what took its place can"
    )
    opened_at: Instant
    closed_at: Instant | None = Field(description="When it was replaced or ended")
    ended_on: date | None = Field(description="The day from which it can be relied on again")
    numbers: Numbers | None = Field(
        description="Null without the right to see them: who uses what is seen by public bodies only"
    )


class Filters(In):
    state: rules.State | None = Field(default=None, description="Only recalls in this state")
    certificate: list[Annotated[str, Field(min_length=1, max_length=20)]] = Field(
        default=[], max_length=100, description="Only of these certificates, by number; may be repeated"
    )
    product: list[Slug] = Field(
        default=[], max_length=100, description="Only of certificates of these products; may be repeated"
    )
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("", summary="List recalls", openapi_extra=example(organisation=VEFSN, query={"state": "open"}))
def list_recalls(
    filters: Annotated[Filters, Query()], viewer: ViewerDep, reader: ReaderDep, request: Request, response: Response
) -> paging.Page[Recall]:
    """Certificates that are not to be relied on, newest first. A recall is opened when a certificate is suspended or
    withdrawn, or given up while it is being looked into; everybody who uses the product is told (`GET
    /recall-notices`). That there is a recall is public; how many it concerns only public bodies see, with a token."""
    (after,) = paging.start(filters.after, UUID) or (None,)
    rows = store.page(
        reader,
        after,
        filters.limit,
        state=filters.state,
        certificates=filters.certificate,
        products=filters.product,
    )
    numbers = store.may_see_numbers(reader, viewer)
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(str(row.uuid)),
        lambda row: _shown(row, numbers),
    )


@router.get("/{id}", summary="Read a recall", openapi_extra=example(organisation=VEFSN))
def read(
    id: Annotated[UUID, Path(description="The recall's id", examples=[SEEDED])], viewer: ViewerDep, reader: ReaderDep
) -> Recall:
    """One recall: of which certificate, why, since when, and whether it is over. How many are told and how many have
    answered is for public bodies, with a token."""
    return _shown(store.shown(reader, id), store.may_see_numbers(reader, viewer))


def _shown(row: Any, numbers: bool) -> Recall:
    return Recall(
        id=row.uuid,
        certificate=row.certificate,
        subject_kind=row.subject_kind,
        product=row.product,
        status=row.status,
        effective_on=row.effective_on,
        reason=row.reason,
        state=row.state,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        ended_on=row.ended_on,
        numbers=Numbers.model_validate(row) if numbers else None,
    )
