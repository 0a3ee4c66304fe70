"""Quotes over HTTP."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from services.agreements.award_keys import rules as award_keys
from services.agreements.calloffs import placing, shapes
from services.agreements.calloffs.rules import Event, Priced, State, Wanted, first_events
from services.agreements.catalog_client import CatalogDep
from services.agreements.frameworks import shapes as framework_shapes
from services.agreements.frameworks import store as frameworks
from services.agreements.frameworks.rules import Method, bands
from services.agreements.ledger.rules import VALUE, Scope
from services.agreements.places import store as places
from services.agreements.places.rules import PlaceState, sees_secrets
from services.agreements.quotes import rules, store
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep
from services.chassis.values import In, Money, Out, Slug, TextOut

router = new_router("/call-offs/quote", "Call-offs")

BRONNOY = "964983291"


class NewQuote(In):
    """A basket, as it would be ordered."""

    framework_agreement: Annotated[Slug, Field(examples=["ra-2026-velferdsteknologi"])]
    lot: Annotated[Slug, Field(examples=["alarmer"])]
    lines: list[shapes.NewLine] = Field(min_length=1, max_length=200)
    needed_on: date = Field(description="When it must be delivered; the product must be certified on that day")
    documented_choice: shapes.DocumentedChoice | None = Field(
        default=None, description="Only where the lot's method for this value is `objective_conditions`"
    )


class QuotedLine(Out):
    item: str
    name: TextOut
    unit: str
    quantity: int
    secret: bool = Field(description="Whether the price is a business secret")
    unit_price_excl_vat: Money | None = Field(description="Null where it is a business secret that you may not see")
    amount_excl_vat: Money | None
    vat_percent: Decimal
    product: str | None
    component: str | None = Field(description="The shared component that the product implements")
    price_list_version: int


class ItemLeft(Out):
    """What is left of an item's maximum quantity, in its unit."""

    item: str
    maximum: int
    left: int


class Level(Out):
    """What one ceiling leaves just now; an order needs room at every level."""

    level: Scope
    room: framework_shapes.Room
    quantities: list[ItemLeft] = Field(description="Of the items in the basket, those with a maximum quantity here")


class QuotedSupplier(Out):
    """The basket at one supplier of the lot. Amounts are null where you may not see one of its prices."""

    rank: int
    supplier_organisation_number: str
    supplier_name: str
    place_state: PlaceState
    lines: list[QuotedLine]
    missing_items: list[str] = Field(description="Not on its price list")
    amount_excl_vat: Money | None = Field(description="Null also when an item is missing")
    amount_vat: Money | None
    amount_incl_vat: Money | None
    certification: list[shapes.Certification] = Field(
        description="What the catalogue says of its products for the day of delivery; empty where none is demanded"
    )
    room: Level | None = Field(description="What its own maximum leaves; null when that is not for you to see")
    exceeded: list[dict[str, Any]] | None = Field(
        description="Every ceiling that the basket would pass at this supplier, as in `errors[]` of a refusal; null "
        "when you may not see its prices, or what its own maximum leaves"
    )
    may_be_asked: bool | None = Field(description="Whether nothing keeps it from being asked; null as for `exceeded`")
    hindrances: list[rules.Hindrance]


class AskedFirst(Out):
    """The supplier that the order would go to."""

    rank: int
    supplier_organisation_number: str
    supplier_name: str
    amount_excl_vat: Money
    amount_vat: Money
    amount_incl_vat: Money
    state: State = Field(
        description="In which it would be: `sent` at once, or above the approval limit `reserved` until it is approved"
    )


class QuotedAward(Out):
    """How the supplier would be found, by the announced bands and methods."""

    method: Method
    value_excl_vat: Money = Field(description="What decides the band: the basket at its dearest supplier")
    earlier_excl_vat: Money = Field(
        description="What you have called off in the lot, in the window in which call-offs count as one; counted only "
        "where the lot has several bands"
    )
    band_from_excl_vat: Money = Field(description="The band that both together reach, from this value")
    split_flagged: bool = Field(description="Whether the earlier call-offs lift it into a higher band")
    asked_first: AskedFirst | None = Field(description="Null: nobody could be asked; `problems` says why")
    passed_over: list[shapes.PassedOver] = Field(description="Who would be passed over for it, and why")


class Quote(Out):
    """What would become of a basket if it were ordered now. Nothing is held for you."""

    framework_agreement: str
    lot: str
    needed_on: date
    quoted_on: date
    possible: bool = Field(description="Whether the order would be taken")
    problems: list[dict[str, Any]] = Field(
        description="What it would be refused for, as in `errors[]` of the refusal; empty when it is possible"
    )
    award: QuotedAward | None = Field(
        description="Null where the order would be refused before a supplier is looked for, such as when you have not "
        "acceded"
    )
    rooms: list[Level] = Field(description="What the agreement, the lot and your own maximum leave")
    suppliers: list[QuotedSupplier] = Field(description="Every supplier of the lot, by rank")


@router.post(
    "",
    summary="Price a basket at every supplier",
    openapi_extra=example(
        organisation=BRONNOY,
        body={
            "framework_agreement": "ra-2026-velferdsteknologi",
            "lot": "alarmer",
            "lines": [{"item": "alarm", "quantity": 3}, {"item": "montering", "quantity": 3}],
            "needed_on": "2029-06-01",
        },
    ),
)
def quote(
    new: NewQuote,
    caller: CallerDep,
    database: DatabaseDep,
    catalog: CatalogDep,
    today: TodayDep,
) -> Quote:
    """What the basket costs at each supplier, with and without VAT, what room is left for it under every ceiling, what
    the catalogue says of the products, and whom the award key would ask first and why. Nothing is written.

    What the order would be refused for is no error here: it stands in `problems`, and `possible` is false. Send the
    same body to `POST /call-offs` to order; somebody else may have come first by then, and the answer is made anew."""
    asked = placing.Asked(
        tuple(Wanted(line.item, line.quantity) for line in new.lines),
        new.needed_on,
        new.documented_choice.kept() if new.documented_choice else None,
    )
    with database.reading() as reader:  # let go before the catalogue is asked
        agreement = frameworks.visible(reader, new.framework_agreement, caller.organisation)
        offer = places.offer(reader, new.framework_agreement, new.lot, caller.organisation, today)
        balances = store.balances(reader, offer)
        earlier = store.earlier(reader, offer, today)
    verify = _asked_once(
        placing.verifying(catalog.verify, offer.specification, offer.specification_version, new.needed_on)
    )
    candidates = placing.candidates(offer, asked)
    said = {product: _said(verify, product) for one in candidates for product in one.products if offer.specification}
    problems = placing.check(offer, asked, today)
    award = None
    if not problems:
        award = rules.award(
            bands(offer.bands),
            candidates,
            earlier,
            placing.foreseen(offer, asked, verify),
            documented=asked.documented,
            conditions=[str(one["code"]) for one in offer.conditions],
        )
        problems = list(award.problems)
    if award and award.decision:
        seat = next(seat for seat in offer.seats if seat.place_id == award.decision.candidate.place_id)
        problems = rules.check_room(_under(balances, offer, seat), store.priced(seat, asked.wanted))
    viewer, entitled = caller.organisation, bool(offer.buyer_id)
    items = {line.item for line in asked.wanted}
    return Quote(
        framework_agreement=offer.slug,
        lot=offer.lot,
        needed_on=new.needed_on,
        quoted_on=today,
        possible=not problems,
        problems=[one.error() for one in problems],
        award=_awarded(award, offer, asked) if award else None,
        rooms=[
            _level(scope, balances[scope, subject], items)
            for scope, subject in (
                (Scope.FRAMEWORK_AGREEMENT, offer.framework_id),
                (Scope.LOT, offer.lot_id),
                (Scope.BUYER, offer.participant_id),
            )
            if subject
        ],
        suppliers=[
            _quoted(
                seat,
                candidate,
                store.priced(seat, asked.wanted),
                _under(balances, offer, seat),
                [said[product] for product in candidate.products if product in said],
                items,
                certified=bool(offer.specification),
                shown=sees_secrets(
                    viewer, owner=agreement.owner_number, supplier=seat.number, acceded=bool(offer.basis)
                ),
                room=entitled or viewer in (agreement.owner_number, seat.number),
            )
            for seat, candidate in zip(offer.seats, candidates, strict=True)
        ],
    )


def _asked_once(verify: placing.Verify) -> placing.Verify:
    """Each product is asked about once, and nobody any more when the catalogue cannot be asked."""
    said: dict[str, award_keys.Verdict] = {}
    unknown: list[award_keys.CertificationUnknown] = []

    def ask(product: str) -> award_keys.Verdict:
        if product not in said:
            if unknown:
                raise unknown[0]
            try:
                said[product] = verify(product)
            except award_keys.CertificationUnknown as problem:
                unknown.append(problem)
                raise
        return said[product]

    return ask


def _said(verify: placing.Verify, product: str) -> award_keys.Verdict:
    try:
        return verify(product)
    except award_keys.CertificationUnknown as problem:
        return award_keys.Verdict(product, "unknown", problem.detail or "", None, None, "nobody")


def _under(
    balances: Mapping[store.Subject, Sequence[rules.Balance]], offer: places.Offer, seat: places.Seat
) -> list[rules.Balance]:
    """All that stands under the ceilings of an order from one supplier."""
    subjects = (
        (Scope.FRAMEWORK_AGREEMENT, offer.framework_id),
        (Scope.LOT, offer.lot_id),
        (Scope.SUPPLIER, seat.place_id),
        (Scope.BUYER, offer.participant_id or 0),
    )
    return [one for subject in subjects for one in balances.get(subject, ())]


def _awarded(award: rules.Award, offer: places.Offer, asked: placing.Asked) -> QuotedAward:
    return QuotedAward(
        method=award.method,
        value_excl_vat=award.value,
        earlier_excl_vat=award.earlier,
        band_from_excl_vat=award.band_from,
        split_flagged=award.split,
        asked_first=_asked_first(award.decision, offer, asked) if award.decision else None,
        passed_over=[shapes.PassedOver.model_validate(one) for one in award.decision.skipped] if award.decision else [],
    )


def _asked_first(decision: award_keys.Decision, offer: places.Offer, asked: placing.Asked) -> AskedFirst:
    found = decision.candidate
    seat = next(seat for seat in offer.seats if seat.place_id == found.place_id)
    net, vat = _sums(store.priced(seat, asked.wanted))
    return AskedFirst(
        rank=found.rank,
        supplier_organisation_number=found.supplier,
        supplier_name=found.name,
        amount_excl_vat=net,
        amount_vat=vat,
        amount_incl_vat=net + vat,
        state=State.SENT if Event.SEND in first_events(net, offer.approval_limit) else State.RESERVED,
    )


def _quoted(
    seat: places.Seat,
    candidate: award_keys.Candidate,
    lines: Sequence[Priced],
    balances: Sequence[rules.Balance],
    said: Sequence[award_keys.Verdict],
    items: set[str],
    *,
    certified: bool,
    shown: bool,
    room: bool,
) -> QuotedSupplier:
    hidden = {line.item for line in lines if seat.prices[line.item].secret and not shown}
    net, vat = _sums(lines)
    whole, told = candidate.net is not None and not hidden, room and not hidden
    exceeded = rules.check_room(balances, lines) if told and whole else []
    hindrances = rules.hindrances(candidate, [one.answer for one in said], certified=certified, exceeded=bool(exceeded))
    return QuotedSupplier(
        rank=seat.rank,
        supplier_organisation_number=seat.number,
        supplier_name=seat.name,
        place_state=seat.state,
        lines=[_line(line, secret=seat.prices[line.item].secret, hidden=line.item in hidden) for line in lines],
        missing_items=sorted(items - {line.item for line in lines}),
        amount_excl_vat=net if whole else None,
        amount_vat=vat if whole else None,
        amount_incl_vat=net + vat if whole else None,
        certification=[shapes.Certification.model_validate(one) for one in said],
        room=_level(Scope.SUPPLIER, [one for one in balances if one.scope is Scope.SUPPLIER], items) if room else None,
        exceeded=[one.error() for one in exceeded] if told else None,
        may_be_asked=not hindrances if told else None,
        hindrances=hindrances,
    )


def _sums(lines: Sequence[Priced]) -> tuple[Decimal, Decimal]:
    """Without VAT, and the VAT."""
    return sum((one.net for one in lines), Decimal("0.00")), sum((one.vat for one in lines), Decimal("0.00"))


def _line(line: Priced, *, secret: bool, hidden: bool) -> QuotedLine:
    return QuotedLine(
        item=line.item,
        name=dict(line.name),
        unit=line.unit,
        quantity=line.quantity,
        secret=secret,
        unit_price_excl_vat=None if hidden else line.unit_price,
        amount_excl_vat=None if hidden else line.net,
        vat_percent=line.vat_percent,
        product=line.product,
        component=line.component,
        price_list_version=line.price_list_version,
    )


def _level(scope: Scope, balances: Sequence[rules.Balance], items: set[str]) -> Level:
    (value,) = (one for one in balances if one.item == VALUE)
    return Level(
        level=scope,
        room=framework_shapes.Room(
            ceiling_excl_vat=value.ceiling,
            reserved_excl_vat=value.reserved,
            posted_excl_vat=value.posted,
            left_excl_vat=value.left,
        ),
        quantities=[
            ItemLeft(item=one.item, maximum=int(one.ceiling), left=int(one.left or 0))
            for one in balances
            if one.item in items and one.ceiling is not None
        ],
    )
