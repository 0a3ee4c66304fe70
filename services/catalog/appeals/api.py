"""Appeals over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from services.catalog.appeals import rules, shapes, store, targets
from services.catalog.appeals.rules import State
from services.catalog.appeals.shapes import Appeal
from services.catalog.attachments import store as attachments
from services.catalog.attachments.rules import Named
from services.catalog.organisations import store as organisations
from services.chassis import changes, clock, paging
from services.chassis.app import new_router
from services.chassis.auth import CallerDep, ViewerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Problem, refuse
from services.chassis.values import In

router = new_router("/appeals", "Appeals")

BODY, HOLDER = "100000040", "100000032"
Why = Annotated[str, Field(min_length=1, max_length=10_000)]


class NewAppeal(In):
    """Names one thing: a decision, an event of a certificate, or a supplier's suspension."""

    decision: UUID | None = Field(default=None, description="Id of a decision that refused, or granted with conditions")
    certificate: str | None = Field(default=None, max_length=20, description="A certificate's number, with `event`")
    event: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="The event's `sequence` in the certificate",
    )
    supplier_suspension: UUID | None = Field(default=None, description="Id of the suspension of a supplier")
    reason: Why = Field(description="What is wrong with it, and what should be decided instead")
    attachments: list[UUID] = Field(
        default=[], max_length=20, description="Ids of evidence files that your organisation uploaded"
    )

    @model_validator(mode="after")
    def _one(self) -> "NewAppeal":
        if (self.certificate is None) != (self.event is None):
            raise PydanticCustomError(
                "target", "A certificate is named with its event, and an event with its certificate."
            )
        named = [one for one in (self.decision, self.certificate, self.supplier_suspension) if one is not None]
        if len(named) != 1:
            raise PydanticCustomError(
                "target", "Name one of decision, certificate with event, and supplier_suspension."
            )
        return self


class Filters(In):
    state: list[State] | None = Field(default=None, max_length=10, description="Only in these states; may be repeated")
    certificate: list[Annotated[str, Field(max_length=20)]] | None = Field(
        default=None, max_length=100, description="Only against events of these certificates; may be repeated"
    )
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("", summary="List appeals", openapi_extra=example(organisation=BODY))
def list_appeals(
    filters: Annotated[Filters, Query()],
    reader: ReaderDep,
    viewer: ViewerDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
) -> paging.Page[Appeal]:
    """The oldest first. With a token your own, or all if you decide; without one those against something public that
    have been answered, with their outcome and without their texts."""
    start = paging.start(filters.after, UUID)
    sees = shapes.sees(reader, viewer, today)
    rows = store.page(
        reader,
        start,
        filters.limit,
        own=sees.own,
        everything=sees.everything,
        states=filters.state,
        certificates=filters.certificate,
    )
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(str(row.id)),
        lambda row: shapes.shown(row, sees),
    )


@router.get("/{id}", summary="Read an appeal", openapi_extra=example())
def read(
    id: Annotated[UUID, shapes.path_of("rejected")],
    reader: ReaderDep,
    viewer: ViewerDep,
    response: Response,
    today: clock.TodayDep,
) -> Appeal:
    """While it is in progress seen by the appellant and by whoever decides. How one ended that was against an event of
    a certificate or a supplier's suspension is open to all, without the texts."""
    sees = shapes.sees(reader, viewer, today)
    row = store.shown(reader, id, own=sees.own, everything=sees.everything)
    response.headers["ETag"] = changes.etag(row.revision)
    return shapes.shown(row, sees)


@router.post(
    "",
    status_code=201,
    summary="Appeal",
    openapi_extra=example(
        organisation=HOLDER,
        body={"certificate": "SV-2026-000003", "event": 2, "reason": "Målingen gjaldt et annet nett (fiktivt)"},
    ),
)
def appeal(new: NewAppeal, caller: CallerDep, session: SessionDep, response: Response, today: clock.TodayDep) -> Appeal:
    """For the one that it went against, also as what it has become by a merger: a refusal or conditions, the
    suspension, withdrawal or reduction of a certificate, or the suspension of a supplier. The scheme says within how
    many calendar days from the day it was decided; the last day counts, and moves to the next working day. One that
    comes later is kept, and may be dismissed as late or heard for a reason. What was decided holds
    meanwhile, unless it is stayed."""
    if new.decision:
        found = targets.decision(session, new.decision, caller.organisation, today)
    elif new.supplier_suspension:
        found = targets.supplier_suspension(session, new.supplier_suspension, caller.organisation, today)
    else:
        found = targets.certificate_event(session, new.certificate or "", new.event or 0, caller.organisation, today)
    now = clock.now()  # after the locks: what was recorded while they were waited for counts
    if found.decision is not None and not found.target.party:
        raise targets.unknown("#/decision")
    wrong: list[Problem] = rules.check_appeal(found.target)
    if not targets.appealable(found):
        wrong.append(rules.NotAppealable())
    named = [Named(f"#/attachments/{place}", file) for place, file in enumerate(new.attachments)]
    wrong += attachments.check(session, named, caller.organisation, today)
    refuse(wrong)
    against: dict[str, Any] = {store.TARGETS[found.target.kind]: found.key}
    made = store.Appeal(
        appellant_id=organisations.of_caller(session, caller.organisation).id,
        appellant_number=caller.organisation,
        client=caller.client,
        reason=new.reason,
        attachments=[str(file) for file in new.attachments],
        submitted_at=now,
        appealed_on=found.target.decided_on,
        due_on=found.due_on,
        late=rules.late(today, found.due_on),
        **against,
    )
    decided_by = found.target.organisation
    store.submit(session, caller, made, today=today, against=found.path, decided_by=decided_by)
    targets.submitted(found, targets.Said(session, caller, made, now, today, today, new.reason))
    response.headers["Location"] = made.path
    response.headers["ETag"] = changes.etag(made.revision)
    return shapes.shown(store.shown(session, made.uuid, own=[], everything=True), shapes.EVERYTHING)
