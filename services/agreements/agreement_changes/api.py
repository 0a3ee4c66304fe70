"""Changes of an agreement over HTTP."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Path
from pydantic import Field, TypeAdapter
from sqlmodel import Session

from services.agreements.agreement_changes import rules, store
from services.agreements.frameworks import rules as framework_rules
from services.agreements.frameworks import store as frameworks
from services.agreements.places import rules as place_rules
from services.agreements.places import shapes as place_shapes
from services.agreements.places import store as places
from services.agreements.price_lists import store as price_lists
from services.chassis.app import new_router
from services.chassis.auth import Caller, ViewerDep, needs, needs_one_of
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Instant, Money, Out, Slug, seed_id

router = new_router("/framework-agreements/{slug}/changes", "Framework agreements")

OWNER, NORDLYS = "100000008", "100000024"
RUNNING, CHANGING = "ra-2026-velferdsteknologi", "ra-2025-gps"
"""Agreements of the seed data: one without a pending change, and one with."""
SLUG = Path(description="The agreement's name in addresses", examples=[RUNNING])
PENDING = Path(description="The agreement's name in addresses", examples=[CHANGING])
CHANGE = Path(description="The change", examples=[str(seed_id(f"change:{CHANGING}"))])
PLACE = str(seed_id(f"place:{RUNNING}:tilsyn:{NORDLYS}"))

Manager = Annotated[Caller, needs("agreements.manage")]


class ItemPriceVariation(In):
    """Other prices by a factor, within the place's bounds, which count from the first price list."""

    kind: Literal[rules.Kind.ITEM_PRICE_VARIATION]
    place: UUID
    factor: Decimal = Field(gt=0, le=10, max_digits=6, decimal_places=4, examples=["1.03"])
    items: list[Slug] | None = Field(default=None, min_length=1, max_length=500, description="Null: all items")

    def terms(self) -> rules.Terms:
        return rules.Variation(self.factor, None if self.items is None else tuple(self.items))


class TaxRate(In):
    """Another rate of VAT, where one holds. Prices are without VAT and stay as they are."""

    kind: Literal[rules.Kind.TAX_RATE]
    place: UUID | None = Field(default=None, description="Null: every place; by the framework owner only")
    from_vat_percent: Decimal = Field(ge=0, le=100, max_digits=5, decimal_places=2)
    to_vat_percent: Decimal = Field(ge=0, le=100, max_digits=5, decimal_places=2)

    def terms(self) -> rules.Terms:
        return rules.TaxRate(self.from_vat_percent, self.to_vat_percent)


class ThirdParty(In):
    """Prices follow an index, as the place's index clause says. The figure is yours to give, with its source."""

    kind: Literal[rules.Kind.THIRD_PARTY]
    place: UUID
    month: str = Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", examples=["2026-10"])
    index_value: Decimal = Field(gt=0, max_digits=9, decimal_places=3, examples=["139.1"])
    source: str = Field(min_length=1, max_length=500, examples=["SSB tabell 05327, lest 2026-11-10"])

    def terms(self) -> rules.Terms:
        return rules.ThirdParty(self.month, self.index_value)


class PartyWithdrawal(In):
    """The supplier leaves its place. What is ordered stands."""

    kind: Literal[rules.Kind.PARTY_WITHDRAWAL]
    place: UUID

    def terms(self) -> rules.Terms:
        return rules.Withdrawal()


class Extension(In):
    """An announced option for extension is used; by the framework owner only. On its day, and while the agreement runs,
    its last day becomes another; no price changes."""

    kind: Literal[rules.Kind.EXTENSION]
    ends_on: date = Field(description="One of the agreement's `extensions`")
    place: None = Field(default=None, description="It is of every place")

    def terms(self) -> rules.Terms:
        return rules.Extension(self.ends_on)


Proposed = Annotated[
    ItemPriceVariation | TaxRate | ThirdParty | PartyWithdrawal | Extension, Field(discriminator="kind")
]
_PROPOSED: TypeAdapter[Any] = TypeAdapter(Proposed)


class NewChange(In):
    change: Proposed
    effective_on: date = Field(description="From which day it is to hold")
    reason: str = Field(min_length=1, max_length=2000)


class Activation(In):
    signed_on: date = Field(description="The day that both parties had signed")
    effective_on: date | None = Field(default=None, description="Null: the proposed day")
    reason: str | None = Field(default=None, min_length=1, max_length=2000)


class Cancellation(In):
    reason: str = Field(min_length=1, max_length=2000)


class Change(Out):
    id: UUID
    state: rules.State
    change: dict[str, Any] = Field(description="What was proposed, by its `kind`")
    proposed_by: str = Field(description="Organisation number")
    reason: str
    proposed_at: Instant
    signed_on: date | None
    effective_on: date | None = Field(description="From which day it holds, or is proposed to hold")
    ended_reason: str | None
    ended_at: Instant | None


class Changes(Out):
    items: list[Change]


class LineChange(Out):
    """An item as it is in the newest price list, and as it would be."""

    item: str
    secret: bool
    old_unit_price_excl_vat: Money | None = Field(description="Null where it is a business secret you may not see")
    new_unit_price_excl_vat: Money | None
    old_vat_percent: Decimal
    new_vat_percent: Decimal
    changed: bool


class PlacePreview(Out):
    place: UUID
    supplier_organisation_number: str
    supplier_name: str
    withdrawn: bool = Field(description="Whether the supplier would leave its place")
    factor: Decimal | None = Field(description="What prices are multiplied by; null: they are not")
    explanation: str | None = Field(description="How the factor comes about")
    lines: list[LineChange]


class Preview(Out):
    """What a pending change would make of the price lists."""

    change: Change
    problems: list[dict[str, Any]] = Field(description="Why it could not be activated on its day; empty: it could")
    ends_on: date = Field(description="The agreement's last day, as it would be")
    places: list[PlacePreview]


@router.get("", summary="List changes of an agreement", openapi_extra=example())
def list_changes(slug: Annotated[str, SLUG], viewer: ViewerDep, reader: ReaderDep) -> Changes:
    """The newest first. Those in force are open to everybody; a pending or cancelled one is seen by the framework
    owner, the supplier whose place it is of, and those who order under the agreement."""
    number = viewer.organisation if viewer else None
    agreement = frameworks.visible(reader, slug, number)
    rows = store.of(reader, agreement.id or 0)
    return Changes(items=[_shown(one) for one in rows if _may_see(reader, agreement, one, number)])


@router.get("/{id}", summary="Read a change", openapi_extra=example(organisation=OWNER))
def read(slug: Annotated[str, PENDING], id: Annotated[UUID, CHANGE], viewer: ViewerDep, reader: ReaderDep) -> Change:
    """What was proposed, by whom and why, and what became of it."""
    return _shown(_visible(reader, slug, id, viewer)[1])


@router.get("/{id}/preview", summary="Preview a pending change", openapi_extra=example(organisation=OWNER))
def preview(
    slug: Annotated[str, PENDING],
    id: Annotated[UUID, CHANGE],
    viewer: ViewerDep,
    reader: ReaderDep,
    today: TodayDep,
) -> Preview:
    """The price lists as they would be, line by line, the old figures beside the new, and every rule that the change
    would break. Nothing is written."""
    agreement, row = _visible(reader, slug, id, viewer)
    rules.after(row.state, rules.Event.ACTIVATE)
    assert row.effective_on
    terms = _terms(row)
    found = store.concerned(reader, row)
    priced = [store.priced(reader, one) for one in found]
    problems = [
        *rules.check_agreement(agreement.state),
        *rules.check_terms(terms, _period(agreement)),
        *rules.check_day(terms, row.effective_on, today, agreement.ends_on, [one.newest_from_on for one in priced]),
        *rules.check(terms, priced, row.effective_on),
    ]
    number = viewer.organisation if viewer else None
    acceded = number is not None and places.acceded(reader, agreement.id or 0, number)
    return Preview(
        change=_shown(row),
        problems=[
            one.error() if agreement.owner_number == number else {"type": one.type(), "detail": one.title()}
            for one in problems
        ],
        ends_on=terms.ends_on if isinstance(terms, rules.Extension) else agreement.ends_on,
        places=[
            _previewed(reader, terms, place, one, shown=place_shapes.sees(agreement, place, number, acceded=acceded))
            for place, one in zip(found, priced, strict=True)
        ],
    )


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
    caller: Annotated[Caller, needs_one_of("agreements.manage", "agreements.supply")],
    session: SessionDep,
    today: TodayDep,
) -> Change:
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
    _check(session, agreement, row, today)
    store.add(session, agreement, row, caller)
    return _shown(row)


@router.post(
    "/{id}/activate",
    summary="Activate a change",
    openapi_extra=example(organisation=OWNER, body={"signed_on": "2026-11-20"}),
)
def activate(
    slug: Annotated[str, PENDING],
    id: Annotated[UUID, CHANGE],
    step: Activation,
    caller: Manager,
    session: SessionDep,
    today: TodayDep,
) -> Change:
    """Pending → active, by the framework owner, when both parties have signed; changes are signed in order. Prices get
    a new version that holds from `effective_on`; no order that is placed changes."""
    agreement = frameworks.owned(session, slug, caller.organisation)
    row = store.by_uuid(session, agreement, id)
    rules.after(row.state, rules.Event.ACTIVATE)
    row.effective_on = step.effective_on or row.effective_on
    assert row.effective_on
    terms = _terms(row)
    refuse(
        [
            *rules.check_signing(step.signed_on, store.last_signed_on(session, agreement.id or 0), today),
            *rules.check_own_day(terms, row.effective_on, today),
        ]
    )
    _check(session, agreement, row, today)
    if isinstance(terms, rules.Extension):
        agreement.ends_on = terms.ends_on
        agreement.revision += 1
    for place in store.concerned(session, row):
        _apply(session, agreement, row, terms, place, caller)
    row.signed_on = step.signed_on
    store.move(session, agreement, row, rules.Event.ACTIVATE, caller, step.reason)
    return _shown(row)


@router.post(
    "/{id}/cancel",
    summary="Cancel a change",
    openapi_extra=example(organisation=OWNER, body={"reason": "Partene ble ikke enige (fiktivt)"}),
)
def cancel(
    slug: Annotated[str, PENDING],
    id: Annotated[UUID, CHANGE],
    step: Cancellation,
    caller: Annotated[Caller, needs_one_of("agreements.manage", "agreements.supply")],
    session: SessionDep,
) -> Change:
    """Pending → cancelled, by the framework owner, or by the supplier that proposed it."""
    frameworks.visible(session, slug, caller.organisation)
    agreement = frameworks.by_slug(session, slug, locked=True)
    row = store.by_uuid(session, agreement, id)
    owner = agreement.owner_number == caller.organisation and caller.may("agreements.manage")
    if not owner and not (row.proposed_by == caller.organisation and caller.may("agreements.supply")):
        if not _may_see(session, agreement, row, caller.organisation):
            raise store.ChangeNotFound(f"{slug} has no change {id}.")
        raise rules.NotPartyToChange(f"The agreement is {agreement.owner_name}'s.")
    store.move(session, agreement, row, rules.Event.CANCEL, caller, step.reason)
    return _shown(row)


def _check(session: Session, agreement: frameworks.FrameworkAgreement, row: store.AgreementChange, today: date) -> None:
    """All that stands against the change, whether it is proposed or activated."""
    assert row.effective_on
    terms, found = _terms(row), store.concerned(session, row)
    priced = [store.priced(session, one) for one in found]
    refuse(
        [
            *rules.check_agreement(agreement.state),
            *rules.check_terms(terms, _period(agreement)),
            *([] if found else [rules.PlaceNotHeld()]),
            *rules.check_day(terms, row.effective_on, today, agreement.ends_on, [one.newest_from_on for one in priced]),
            *rules.check(terms, priced, row.effective_on),
        ]
    )


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


def _previewed(
    session: Session, terms: rules.Terms, place: places.Place, priced: rules.Priced, *, shown: bool
) -> PlacePreview:
    factor, explanation = rules.explained(terms, priced)
    secret = {one.item for one in price_lists.newest(session, place.id or 0) if one.secret_reason}
    return PlacePreview(
        place=place.uuid,
        supplier_organisation_number=place.number,
        supplier_name=place.name,
        withdrawn=isinstance(terms, rules.Withdrawal),
        factor=factor,
        explanation=explanation,
        lines=[
            LineChange(
                item=old.item,
                secret=old.item in secret,
                old_unit_price_excl_vat=old.unit_price if shown or old.item not in secret else None,
                new_unit_price_excl_vat=new.unit_price if shown or old.item not in secret else None,
                old_vat_percent=old.vat_percent,
                new_vat_percent=new.vat_percent,
                changed=old != new,
            )
            for old, new in zip(priced.lines, rules.changed(terms, priced), strict=True)
        ],
    )


def _period(agreement: frameworks.FrameworkAgreement) -> framework_rules.Period:
    return framework_rules.Period(
        agreement.starts_on, agreement.ends_on, agreement.period_rationale, tuple(agreement.extensions)
    )


def _terms(row: store.AgreementChange) -> rules.Terms:
    terms: rules.Terms = _PROPOSED.validate_python(row.terms).terms()
    return terms


def _visible(
    session: Session, slug: str, id: UUID, viewer: Caller | None
) -> tuple[frameworks.FrameworkAgreement, store.AgreementChange]:
    number = viewer.organisation if viewer else None
    agreement = frameworks.visible(session, slug, number)
    row = store.by_uuid(session, agreement, id)
    if not _may_see(session, agreement, row, number):
        raise store.ChangeNotFound(f"{slug} has no change {id}.")
    return agreement, row


def _may_see(
    session: Session, agreement: frameworks.FrameworkAgreement, row: store.AgreementChange, viewer: str | None
) -> bool:
    if row.state is rules.State.ACTIVE:
        return True
    if viewer is None:
        return False
    parties = {agreement.owner_number, row.proposed_by, *(one.number for one in store.concerned(session, row))}
    return viewer in parties or places.acceded(session, agreement.id or 0, viewer)


def _shown(row: store.AgreementChange) -> Change:
    return Change(
        id=row.uuid,
        state=row.state,
        change=row.terms,
        proposed_by=row.proposed_by,
        reason=row.reason,
        proposed_at=row.proposed_at,
        signed_on=row.signed_on,
        effective_on=row.effective_on,
        ended_reason=row.ended_reason,
        ended_at=row.ended_at,
    )
