"""Suspensions of suppliers over HTTP."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.certificates.rules import Status as CertificateStatus
from services.catalog.supplier_suspensions import rules, store
from services.chassis import changes, clock, paging
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Instant, OrganisationNumber, Out, seed_id

router = new_router("/supplier-suspensions", "Supplier suspensions")

BODY = "100000040"
SUSPENDED = "100000075"
Id = Annotated[
    UUID, Path(description="The suspension's id", examples=[str(seed_id(f"supplier-suspension:{SUSPENDED}"))])
]
Reason = Annotated[str, Field(min_length=1, max_length=2000, description="Public: no person's name in it")]
EffectiveOn = Annotated[
    date | None, Field(description="The first day; today if left out. May lie ahead, or back (then it is flagged)")
]


class NewSuspension(In):
    organisation_number: OrganisationNumber = Field(description="The supplier's, today's or of before a merger")
    reason: Reason
    effective_on: EffectiveOn = None


class NewStep(In):
    reason: Reason
    effective_on: EffectiveOn = None


class Supplier(Out):
    organisation_number: str | None
    name: str


class Event(Out):
    kind: rules.EventKind
    effective_on: date
    recorded_at: Instant
    reason: str
    back_dated: bool = Field(description="It took effect before the day it was recorded on")
    organisation_number: str = Field(description="Who decided")
    passed_over: list[str] = Field(description="Numbers of the certificates that it did not concern any more")


class Counts(Out):
    suspended: int = Field(description="Certificates that were suspended with the supplier", examples=[2])
    passed_over: int = Field(description="Those that had ended or expired by the first day", examples=[0])


class Suspension(Out):
    """That a supplier was suspended from the certification scheme, and what became of it."""

    id: UUID = Field(validation_alias="uuid")
    supplier: Supplier
    status: rules.Status
    status_on: date = Field(description="The day that `status` is of")
    effective_on: date
    reason: str
    recorded_at: Instant
    back_dated: bool
    decided_by: str = Field(description="The organisation number of whoever decided")
    certificates: Counts
    events: list[Event] = Field(description="In the order recorded")


class Reached(Out):
    """What became of one of the supplier's certificates."""

    number: str = Field(description="The certificate's number", examples=["SV-2026-000001"])
    product: str | None = Field(description="Null when the supplier itself or its advisers are certified")
    outcome: rules.Outcome
    status: CertificateStatus = Field(description="The certificate's on the suspension's first day, before it")


class Filters(In):
    supplier: OrganisationNumber | None = Field(
        default=None, description="The supplier's organisation number, today's or of before a merger"
    )
    in_force_on: date | None = Field(default=None, description="Only those in force on this day")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("", summary="List suspensions of suppliers", openapi_extra=example(query={"supplier": SUSPENDED}))
def list_suspensions(
    filters: Annotated[Filters, Query()], reader: ReaderDep, request: Request, response: Response
) -> paging.Page[Suspension]:
    """Open to all, the latest first, with their status today. A supplier that is suspended from the scheme gets no new
    certificate, and those that it has are suspended. It says nothing about who may be bought from: what a procurement
    asks for stands in its own terms."""
    start = paging.start(filters.after, UUID)
    now = clock.now()
    today = clock.on(now)
    rows = store.page(
        reader,
        start[0] if start else None,
        filters.limit,
        suppliers=store.same(reader, filters.supplier, today) if filters.supplier else None,
        in_force_on=filters.in_force_on,
    )
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row.uuid),
        lambda row: Suspension.model_validate(_fields(row, today, now)),
    )


@router.get("/{id}", summary="Read a supplier's suspension", openapi_extra=example())
def read(id: Id, reader: ReaderDep, response: Response) -> Suspension:
    """Why and from when, how many certificates it concerned, and whether it has been lifted. Open to all."""
    return _shown(reader, id, response)


@router.get(
    "/{id}/certificates",
    summary="List the certificates of a suspension",
    openapi_extra=example(query={"outcome": "suspended"}),
)
def list_certificates(
    id: Id,
    reader: ReaderDep,
    request: Request,
    response: Response,
    outcome: Annotated[rules.Outcome | None, Query(description="Only those with which this was done")] = None,
    after: paging.After = None,
    limit: paging.Limit = paging.DEFAULT,
) -> paging.Page[Reached]:
    """Every certificate that the supplier had: suspended with it, or passed over since it had ended by then. By
    number. What a certificate is today, `GET /certificates/{number}` tells."""
    start = paging.start(after, str)
    found = store.by_uuid(reader, id)
    rows = store.certificates_of(reader, found.id, start[0] if start else "", limit, outcome)
    return paging.page(
        request, response, rows, limit, lambda row: paging.cursor(row.number), lambda row: Reached.model_validate(row)
    )


@router.post(
    "",
    status_code=201,
    summary="Suspend a supplier from the scheme",
    openapi_extra=example(
        organisation=BODY,
        body={
            "organisation_number": "100000024",
            "reason": "Avvik i tre produkter er ikke fulgt opp innen fristen (fiktivt)",
        },
    ),
)
def suspend(new: NewSuspension, caller: CallerDep, session: SessionDep, response: Response) -> Suspension:
    """For decision-makers, but not the supplier itself nor the owner of a component that its products are offered for.
    All its certificates, those of suppliers that have become part of it as well, are suspended together on one ground,
    or none is; each tells its own event. Certificates that have ended or expired are passed over and listed. Whatever
    else a certificate is suspended for stays when this is lifted. The supplier can appeal."""
    number = new.organisation_number
    ids = store.same(session, number, clock.today())
    store.hold(session, ids)
    now = clock.now()  # only now: somebody may have had to be waited for
    today = clock.on(now)
    refuse(
        rules.check_suspension(
            known=store.is_supplier(session, number),
            caller=caller.organisation,
            supplier=store.numbers(session, ids),
            interested=store.interested_in(session, ids),
            suspended=store.not_ended(session, ids),
        )
    )
    kept = store.suspend(
        session,
        number,
        caller=caller,
        now=now,
        today=today,
        effective_on=new.effective_on or today,
        reason=new.reason,
    )
    response.headers["Location"] = f"/supplier-suspensions/{kept.uuid}"
    return _shown(session, kept.uuid, response)


@router.post(
    "/{id}/lift",
    summary="Lift a supplier's suspension",
    operation_id="supplier_suspension_lift",
    openapi_extra=example(organisation=BODY, body={"reason": "Avvikene er rettet og prøvd på nytt (fiktivt)"}),
)
def lift(
    id: Id,
    new: NewStep,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    if_match: changes.IfMatch = None,
) -> Suspension:
    """For decision-makers who could have suspended the supplier. Every certificate that was suspended with it is
    restored on that ground, all together; one that is suspended for something else as well stays so. Those that have
    ended or expired meanwhile are passed over, and named in the event."""
    kept = store.locked(session, id)
    now = clock.now()  # only now: somebody may have had to be waited for
    today = clock.on(now)
    changes.require_match(if_match, len(store.events_of(session, kept.id)), needed=False)
    refuse(
        rules.check_decider(
            caller=caller.organisation,
            supplier=store.holder_numbers(session, kept, today),
            interested=store.interested(session, kept, today),
        )
    )
    store.lift(
        session,
        kept,
        caller=caller,
        now=now,
        today=today,
        effective_on=new.effective_on or today,
        reason=new.reason,
    )
    return _shown(session, id, response)


def _shown(session: Session, id: UUID, response: Response) -> Suspension:
    now = clock.now()
    row = store.shown(session, id)
    response.headers["ETag"] = changes.etag(len(row.events))
    return Suspension.model_validate(_fields(row, clock.on(now), now))


def _fields(row: Any, today: date, now: datetime) -> dict[str, Any]:
    events = [
        rules.Event(
            rules.EventKind(one["kind"]),
            date.fromisoformat(one["effective_on"]),
            datetime.fromisoformat(one["recorded_at"]),
        )
        for one in row.events
    ]
    return {
        **row._asdict(),
        "supplier": Supplier(organisation_number=row.organisation_number, name=row.name),
        "status": rules.status_on(events, today, now),
        "status_on": today,
        "certificates": Counts(suspended=row.suspended, passed_over=row.passed_over),
        "events": [one | {"passed_over": (one["detail"] or {}).get("passed_over", [])} for one in row.events],
    }
