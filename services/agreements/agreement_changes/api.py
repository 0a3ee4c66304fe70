"""Changes of an agreement over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import Field
from sqlmodel import Session

from services.agreements.agreement_changes import rules, shapes, store
from services.agreements.frameworks import store as frameworks
from services.agreements.places import rules as place_rules
from services.agreements.places import store as places
from services.agreements.price_lists import store as price_lists
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep, ViewerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Out, seed_id

router = new_router("/framework-agreements/{slug}/changes", "Framework agreements")

OWNER, NORDLYS = "100000008", "100000024"
RUNNING, CHANGING = "ra-2026-velferdsteknologi", "ra-2025-gps"
"""Agreements of the seed data: one without a pending change, and one with."""
SLUG = Path(description="The agreement's name in addresses", examples=[RUNNING])
PENDING = Path(description="The agreement's name in addresses", examples=[CHANGING])
CHANGE = Path(description="The change", examples=[str(seed_id(f"change:{CHANGING}"))])
PLACE = str(seed_id(f"place:{RUNNING}:tilsyn:{NORDLYS}"))


class NewChange(In):
    change: shapes.Proposed
    effective_on: date = Field(description="From which day it is to hold")
    reason: str = Field(min_length=1, max_length=2000)


class Activation(In):
    signed_on: date = Field(description="The day that both parties had signed")
    effective_on: date | None = Field(default=None, description="Null: the proposed day")
    reason: str | None = Field(default=None, min_length=1, max_length=2000)


class Cancellation(In):
    reason: str = Field(min_length=1, max_length=2000)


class Changes(Out):
    items: list[shapes.Change]


@router.get("", summary="List changes of an agreement", openapi_extra=example())
def list_changes(slug: Annotated[str, SLUG], viewer: ViewerDep, reader: ReaderDep) -> Changes:
    """The newest first. Those in force are open to everybody; a pending or cancelled one is seen by the framework
    owner, the supplier whose place it is of, and those who order under the agreement."""
    number = viewer.organisation if viewer else None
    agreement = frameworks.visible(reader, slug, number)
    rows = store.of(reader, agreement.id or 0)
    return Changes(items=[shapes.shown(one) for one in rows if store.may_see(reader, agreement, one, number)])


@router.get("/{id}", summary="Read a change", openapi_extra=example(organisation=OWNER))
def read(
    slug: Annotated[str, PENDING], id: Annotated[UUID, CHANGE], viewer: ViewerDep, reader: ReaderDep
) -> shapes.Change:
    """What was proposed, by whom and why, and what became of it."""
    _, row = store.visible(reader, slug, id, viewer.organisation if viewer else None)
    return shapes.shown(row)


@router.post(
    "",
    status_code=201,
    summary="Propose a change of an agreement",
    openapi_extra=example(
        organisation=OWNER,
        body={
            "change": {
                "kind": "item_price_variation",
                "place": PLACE,
                "factor": "1.03",
                "items": ["drift"],
            },
            "effective_on": "2029-01-01",
            "reason": "Avtalt etter forhandling (fiktivt)",
        },
    ),
)
def propose(
    slug: Annotated[str, SLUG],
    new: NewChange,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
) -> shapes.Change:
    """By the framework owner (`agreements.manage`), or by a supplier for its own place (`agreements.supply`). One
    change is pending at a time; until it is active, reservations use the price list that holds."""
    frameworks.visible(session, slug, caller.organisation)
    agreement = frameworks.by_slug(session, slug, locked=True)
    place = places.by_uuid(session, agreement, new.change.place)[0] if new.change.place else None
    owner = agreement.owner_number == caller.organisation and caller.may("agreements.manage")
    supplier = place is not None and place.number == caller.organisation and caller.may("agreements.supply")
    if not owner and not supplier:
        raise rules.NotPartyToChange(f"The agreement is {agreement.owner_name}'s.")
    row = store.AgreementChange(
        framework_id=agreement.id or 0,
        place_id=place.id if place else None,
        kind=new.change.kind,
        terms=new.change.model_dump(mode="json"),
        proposed_by=caller.organisation,
        reason=new.reason,
        effective_on=new.effective_on,
    )
    refuse(store.against(session, agreement, row, shapes.terms(row), today))
    store.add(session, agreement, row, caller)
    return shapes.shown(row)


@router.post(
    "/{id}/activate",
    summary="Activate a change",
    openapi_extra=example(organisation=OWNER, body={"signed_on": "2026-11-20"}),
)
def activate(
    slug: Annotated[str, PENDING],
    id: Annotated[UUID, CHANGE],
    step: Activation,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
) -> shapes.Change:
    """Pending → active, by the framework owner, when both parties have signed; changes are signed in order. Prices get
    a new version that holds from `effective_on`; no order that is placed changes."""
    agreement = frameworks.owned(session, slug, caller.organisation)
    row = store.by_uuid(session, agreement, id)
    rules.after(row.state, rules.Event.ACTIVATE)
    row.effective_on = step.effective_on or row.effective_on
    assert row.effective_on
    terms = shapes.terms(row)
    refuse(
        [
            *rules.check_signing(step.signed_on, store.last_signed_on(session, agreement.id or 0), today),
            *rules.check_own_day(terms, row.effective_on, today),
        ]
    )
    refuse(store.against(session, agreement, row, shapes.terms(row), today))
    if isinstance(terms, rules.Extension):
        agreement.ends_on = terms.ends_on
        agreement.revision += 1
    for place in store.concerned(session, row):
        _apply(session, agreement, row, terms, place, caller)
    row.signed_on = step.signed_on
    store.move(session, agreement, row, rules.Event.ACTIVATE, caller, step.reason)
    return shapes.shown(row)


@router.post(
    "/{id}/cancel",
    summary="Cancel a change",
    openapi_extra=example(organisation=OWNER, body={"reason": "Partene ble ikke enige (fiktivt)"}),
)
def cancel(
    slug: Annotated[str, PENDING],
    id: Annotated[UUID, CHANGE],
    step: Cancellation,
    caller: CallerDep,
    session: SessionDep,
) -> shapes.Change:
    """Pending → cancelled, by the framework owner, or by the supplier that proposed it."""
    frameworks.visible(session, slug, caller.organisation)
    agreement = frameworks.by_slug(session, slug, locked=True)
    row = store.by_uuid(session, agreement, id)
    owner = agreement.owner_number == caller.organisation and caller.may("agreements.manage")
    if not owner and not (row.proposed_by == caller.organisation and caller.may("agreements.supply")):
        if not store.may_see(session, agreement, row, caller.organisation):
            raise store.ChangeNotFound(f"{slug} has no change {id}.")
        raise rules.NotPartyToChange(f"The agreement is {agreement.owner_name}'s.")
    store.move(session, agreement, row, rules.Event.CANCEL, caller, step.reason)
    return shapes.shown(row)


def _apply(
    session: Session,
    agreement: frameworks.FrameworkAgreement,
    row: store.AgreementChange,
    terms: rules.Terms,
    place: places.Place,
    caller: Caller,
) -> None:
    assert row.effective_on
    place, _ = places.by_uuid(session, agreement, place.uuid, locked=True)
    if isinstance(terms, rules.Withdrawal):
        places.happened(session, agreement, place, place_rules.Event.WITHDRAW, caller, row.reason)
        return
    priced = store.priced(session, place)
    now = rules.changed(terms, priced)
    if now != list(priced.lines):
        price_lists.add_version(session, price_lists.newest(session, place.id or 0), now, row.effective_on)
    if isinstance(terms, rules.ThirdParty):
        assert place.index_clause
        follows = {"base_month": terms.month, "base_value": str(terms.value)}
        place.index_clause = place.index_clause | follows
