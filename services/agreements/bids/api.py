"""Bids over HTTP, for the suppliers who give them."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Response
from pydantic import Field

from services.agreements.bids import rules, shapes, store
from services.agreements.mini_competitions import store as mini_competitions
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, DryRunDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, seed_id

router = new_router("/mini-competitions/{id}/bids", "Mini-competitions")

FJORDVAKT, NORDLYS, HAVORN = "100000016", "100000024", "100000032"
OPEN = Path(description="The mini-competition's id", examples=[str(seed_id("mini-competition:open"))])
BID = {
    "lines": [{"item": "radgivertime", "unit_price_excl_vat": "1190.00"}],
    "answers": [
        {"criterion": "kvalitet", "text": "Vi begynner med en prøveperiode i én sone (fiktivt)."},
        {"criterion": "referanser", "text": "Tre kommuner, se vedlegget (fiktivt)."},
    ],
    "documents": [{"name": "referanser.txt", "media_type": "text/plain", "content_base64": "VHJlIHJlZmVyYW5zZXI="}],
}


def _seeded(name: str) -> object:
    return Path(description="The bid's id", examples=[str(seed_id(f"bid:open:{name}"))])


class Step(In):
    reason: str | None = Field(default=None, min_length=1, max_length=2000, description="Kept in your bid's history")


@router.post("", status_code=201, summary="Give a bid", openapi_extra=example(organisation=HAVORN, body=BID))
def draft(
    id: Annotated[UUID, OPEN],
    new: shapes.NewBid,
    caller: CallerDep,
    database: DatabaseDep,
    dry_run: DryRunDep,
    response: Response,
) -> shapes.FirstReceipt:
    """Bring in a bid as a draft, sealed at once to the competition's key; `submit` makes it count. Every line is
    priced, no higher than your price list was at publication, and every criterion that asks for it is answered. One
    bid for each supplier.

    Nobody, neither the buyer nor whoever runs the service, can read it before the opening, and nor can you: keep what
    you sent. The answer is your receipt."""
    documents = shapes.looked_through(new)
    with database.writing(rehearsed=dry_run) as session:
        competition, invitation = mini_competitions.held(session, id, caller.organisation)
        at = mini_competitions.clock(session)
        refuse(rules.check_time(competition.state, competition.deadline, at))
        content, salt = shapes.content(new, competition, invitation, documents)
        row = store.draft(session, caller, competition, invitation, content, at)
        response.headers["Location"] = store.path(competition, row)
        return shapes.first(competition, row, content, salt)


@router.post("/{bid}/submit", summary="Submit your bid", openapi_extra=example(organisation=NORDLYS, body={}))
def submit(
    id: Annotated[UUID, OPEN],
    bid: Annotated[UUID, _seeded("draft")],
    step: Step,
    caller: CallerDep,
    session: SessionDep,
) -> shapes.Receipt:
    """Draft → submitted. It is in when the service's clock is before the deadline at this moment; at the deadline is
    too late (409 `bid-too-late`)."""
    competition, _ = mini_competitions.held(session, id, caller.organisation)
    row = store.own(session, competition, bid, caller.organisation, locked=True)
    rules.after(row.state, rules.Event.SUBMIT)
    at = mini_competitions.clock(session)
    refuse(rules.check_time(competition.state, competition.deadline, at))
    row.submitted_at = at
    store.move(session, caller, competition, row, rules.Event.SUBMIT, reason=step.reason)
    return shapes.receipt(competition, row, len(store.documents(session, row.id or 0, row.version)))


@router.post("/{bid}/replace", summary="Replace your bid", openapi_extra=example(organisation=FJORDVAKT, body=BID))
def replace(
    id: Annotated[UUID, OPEN],
    bid: Annotated[UUID, _seeded("submitted")],
    new: shapes.NewBid,
    caller: CallerDep,
    database: DatabaseDep,
    dry_run: DryRunDep,
) -> shapes.FirstReceipt:
    """Submitted → submitted, with another content, whole, before the deadline. The one before is kept, sealed, and
    counts no more."""
    documents = shapes.looked_through(new)
    with database.writing(rehearsed=dry_run) as session:
        competition, invitation = mini_competitions.held(session, id, caller.organisation)
        row = store.own(session, competition, bid, caller.organisation, locked=True)
        rules.after(row.state, rules.Event.REPLACE)
        at = mini_competitions.clock(session)
        refuse(rules.check_time(competition.state, competition.deadline, at))
        content, salt = shapes.content(new, competition, invitation, documents)
        store.replace(session, caller, competition, row, content, at)
        return shapes.first(competition, row, content, salt)


@router.post("/{bid}/withdraw", summary="Take your bid back", openapi_extra=example(organisation=FJORDVAKT, body={}))
def withdraw(
    id: Annotated[UUID, OPEN],
    bid: Annotated[UUID, _seeded("submitted")],
    step: Step,
    caller: CallerDep,
    session: SessionDep,
) -> shapes.Receipt:
    """Submitted → withdrawn, before the deadline. It is never opened; you may give another."""
    return _taken_back(session, id, bid, step, caller, rules.Event.WITHDRAW)


@router.post("/{bid}/discard", summary="Discard your draft", openapi_extra=example(organisation=NORDLYS, body={}))
def discard(
    id: Annotated[UUID, OPEN],
    bid: Annotated[UUID, _seeded("draft")],
    step: Step,
    caller: CallerDep,
    session: SessionDep,
) -> shapes.Receipt:
    """Draft → withdrawn. A draft that is there at the deadline is discarded by the service."""
    return _taken_back(session, id, bid, step, caller, rules.Event.DISCARD)


def _taken_back(
    session: SessionDep, id: UUID, bid: UUID, step: Step, caller: CallerDep, event: rules.Event
) -> shapes.Receipt:
    competition, _ = mini_competitions.held(session, id, caller.organisation)
    row = store.own(session, competition, bid, caller.organisation, locked=True)
    rules.after(row.state, event)
    refuse(rules.check_time(competition.state, competition.deadline, mini_competitions.clock(session)))
    store.move(session, caller, competition, row, event, reason=step.reason)
    return shapes.receipt(competition, row, len(store.documents(session, row.id or 0, row.version)))
