"""Recall notices over HTTP, for the organisation that each is for."""

from collections.abc import Collection
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.certificates.rules import Status
from services.catalog.holdings import store as holdings
from services.catalog.organisations import store as organisations
from services.catalog.recall_notices import rules, store
from services.chassis import audit, changes, clock, feed, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Instant, Out, seed_id

router = new_router("/recall-notices", "Recalls")

AALESUND = "929911709"
"""May have to do with a product that is recalled in the seed data."""
SEEDED = str(seed_id("recall-notice:SV-2026-000003:929911709"))
Id = Annotated[UUID, Path(description="The notice's id", examples=[SEEDED])]


class RecallNotice(Out):
    """A recall as one organisation was told of it, and what it does about it."""

    id: UUID
    recall: UUID
    organisation_id: UUID
    organisation_number: str | None = Field(description="Who was told; it may have merged since")
    name: str
    certificate: str = Field(description="The certificate's number", examples=["SV-2026-000003"])
    product: str | None
    status: Status = Field(description="What the certificate became")
    effective_on: date = Field(description="From which day")
    reason: str | None
    told_at: Instant
    ended_on: date | None = Field(description="The day from which the certificate can be relied on again")
    end_told_at: Instant | None = Field(description="When the organisation was told that it is over")
    state: rules.State
    measure: rules.Measure | None = Field(description="What is done about it, as it was said last")
    comment: str | None
    acknowledged_at: Instant | None


class Acknowledgement(In):
    measure: rules.Measure = Field(
        description="What you do about it. To go on as before (`use_continues`), or that it does not concern you "
        "(`not_concerned`), needs a comment"
    )
    comment: str | None = Field(default=None, min_length=1, max_length=2000, description="Kept, and seen by you only")


class Filters(In):
    state: rules.State | None = Field(default=None, description="`told`: only those that you have not acknowledged")
    recall: UUID | None = Field(default=None, description="Only of this recall")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("", summary="List your recall notices", openapi_extra=example(organisation=AALESUND))
def list_notices(
    filters: Annotated[Filters, Query()],
    caller: CallerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
) -> paging.Page[RecallNotice]:
    """What your organisation was told about certificates of what it uses, newest first, with notices to organisations
    that it has taken the place of. To be told without asking, follow `GET /events` with a token: `recall.notified` and
    `recall.end_notified`."""
    (after,) = paging.start(filters.after, UUID) or (None,)
    rows = store.page(
        reader,
        after,
        filters.limit,
        organisation_ids=_own(reader, caller, today),
        state=filters.state,
        recall=filters.recall,
    )
    return paging.page(
        request, response, rows, filters.limit, lambda row: paging.cursor(str(row.uuid)), lambda row: _shown(row)
    )


@router.get("/{id}", summary="Read a recall notice", openapi_extra=example(organisation=AALESUND))
def read(id: Id, caller: CallerDep, reader: ReaderDep, response: Response, today: clock.TodayDep) -> RecallNotice:
    """One notice to your organisation. Its `ETag` goes into `If-Match` when you acknowledge it."""
    return _one(reader, id, _own(reader, caller, today), response)


@router.post(
    "/{id}/acknowledge",
    summary="Say what you do about a recall",
    openapi_extra=example(
        organisation=AALESUND,
        body={"measure": "use_limited", "comment": "Tas ut av tilsyn, beholdes til alarm (fiktivt)"},
    ),
)
def acknowledge(
    id: Id,
    said: Acknowledgement,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> RecallNotice:
    """That you have seen it, and what you do about it. It can be said anew as often as that changes; what was said
    before stays in the audit trail. It changes no adoption: end or phase out that by itself."""
    own = _own(session, caller, today)
    notice = store.locked(session, id, own)
    changes.require_match(if_match, notice.revision, needed=False)
    refuse(rules.check(said.measure, said.comment))
    after = rules.MOVES[notice.state, rules.Step.ACKNOWLEDGE]
    before = {"measure": notice.measure, "comment": notice.comment}
    notice.measure, notice.comment, notice.acknowledged_at = said.measure, said.comment, clock.now()
    notice.revision += 1
    session.flush()
    changed = changes.differences(before, {"measure": said.measure, "comment": said.comment})
    audit.record(session, caller, "recall_notice.acknowledge", notice.path, changed=changed)
    feed.tell(session, f"recall_notice.{after}", notice.path, caller.organisation, measure=said.measure)
    return _one(session, id, own, response)


def _own(session: Session, caller: Caller, today: date) -> set[int]:
    """The caller, and all whose place it has taken."""
    acting = organisations.by_organisation_number(session, caller.organisation)
    return holdings.predecessors(session, [acting], today) if acting is not None else set()


def _one(session: Session, id: UUID, own: Collection[int], response: Response) -> RecallNotice:
    row = store.shown(session, id, own)
    response.headers["ETag"] = changes.etag(row.revision)
    return _shown(row)


def _shown(row: Any) -> RecallNotice:
    state = rules.State.ACKNOWLEDGED if row.acknowledged_at else rules.State.TOLD
    return RecallNotice(
        id=row.uuid,
        recall=row.recall,
        organisation_id=row.organisation_id,
        organisation_number=row.organisation_number,
        name=row.name,
        certificate=row.certificate,
        product=row.product,
        status=row.status,
        effective_on=row.effective_on,
        reason=row.reason,
        told_at=row.told_at,
        ended_on=row.ended_on if row.end_told_at else None,
        end_told_at=row.end_told_at,
        state=state,
        measure=row.measure,
        comment=row.comment,
        acknowledged_at=row.acknowledged_at,
    )
