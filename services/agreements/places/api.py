"""Places over HTTP: what everybody reads, what a supplier reads of its own, and the steps of a place."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path
from pydantic import Field
from sqlmodel import Session

from services.agreements.catalog_client import Catalog, CatalogDep
from services.agreements.frameworks import rules as framework_rules
from services.agreements.frameworks import shapes as framework_shapes
from services.agreements.frameworks import store as frameworks
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import Scope
from services.agreements.places import rules, shapes, store
from services.agreements.price_terms.rules import Bounds, clause
from services.agreements.price_terms.shapes import Factor, NewIndexClause
from services.chassis import audit
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep, ViewerDep
from services.chassis.changes import ReasonMissing
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, DryRunDep, ReaderDep, SessionDep
from services.chassis.problems import Invalid, Problem, refuse
from services.chassis.values import In, Money, OrganisationNumber, Out, Slug, Text, TextOut, seed_id

router = new_router("/framework-agreements/{slug}/places", "Framework agreements")
supplier_router = new_router("/places", "Framework agreements")

OWNER, NORDLYS, HAVORN = "100000008", "100000024", "100000032"
RUNNING, PAUSED = "ra-2026-velferdsteknologi", "ra-2025-gps"
ACTIVE = Path(description="The agreement's name in addresses", examples=[RUNNING])
ANNOUNCED = Path(description="The agreement's name in addresses", examples=["ra-2027-digitalt-tilsyn"])


def _seeded(agreement: str, lot: str, supplier: str) -> Any:
    return Path(description="The place", examples=[str(seed_id(f"place:{agreement}:{lot}:{supplier}"))])


class ProductUnknown(Invalid):
    """The catalogue has no such product."""


class NewPrice(In):
    item: Annotated[Slug, Field(examples=["alarm"])]
    name: Text
    unit: str = Field(min_length=1, max_length=40, examples=["stk"])
    unit_price_excl_vat: Money
    vat_percent: Decimal = Field(ge=0, le=100, max_digits=5, decimal_places=2, examples=["25"])
    product: Slug | None = Field(
        default=None, description="The product in the catalogue; certified if the agreement says so"
    )
    secret_reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="Why the price is a business secret; null: it is public",
    )


class NewPlace(In):
    lot: Slug
    supplier: OrganisationNumber
    rank: int = Field(ge=1, le=100, description="1 is asked first")
    ceiling_excl_vat: Money | None = Field(
        default=None, description="What may be called off from this supplier in all; null: no such maximum, 0: nothing"
    )
    quantities: list[framework_shapes.Quantity] = Field(default=[], max_length=500)
    index_clause: NewIndexClause | None = Field(
        default=None, description="The lot's, from another month and value, or from a later day; left out: as announced"
    )
    lowest_factor: Factor | None = Field(default=None, description="Left out: as the lot announced; never lower")
    highest_factor: Factor | None = Field(default=None, description="Left out: as the lot announced; never higher")
    prices: list[NewPrice] = Field(min_length=1, max_length=500, description="The first version of its price list")

    def maximum(self) -> framework_rules.Maximum:
        return framework_rules.Maximum(self.ceiling_excl_vat, framework_shapes.pairs(self.quantities))


class Places(Out):
    items: list[shapes.Place]


class History(Out):
    items: list[shapes.Happened]


class ItemRoom(Out):
    """What is taken and left of an item's maximum quantity, in its unit."""

    item: str
    maximum: int
    reserved: int
    posted: int
    left: int


class OwnPlace(shapes.Place):
    """A place as its supplier sees it."""

    framework_agreement: str
    framework_agreement_title: TextOut
    framework_agreement_state: framework_rules.State
    room: framework_shapes.Room = Field(description="What has been ordered from you, and what your own maximum leaves")
    quantities: list[ItemRoom]
    history: list[shapes.Happened]


class OwnPlaces(Out):
    items: list[OwnPlace]


class NewSuspension(In):
    until_on: date = Field(description="Its last day; the day after, the place is active again by itself")
    reason: str = Field(min_length=1, max_length=2000)


class NewStep(In):
    reason: str | None = Field(
        default=None, min_length=1, max_length=2000, description="Kept in the history; the framework owner gives one"
    )


@router.get("", summary="List suppliers and prices", openapi_extra=example())
def list_places(slug: Annotated[str, ACTIVE], viewer: ViewerDep, reader: ReaderDep, today: TodayDep) -> Places:
    """Every supplier's place, by lot and rank (1 is asked first), with the price list that holds today, or on
    the agreement's first day while that is to come. Open to everybody; a price that is a business secret is null to all
    but the framework owner, the supplier itself and those who order under the agreement."""
    number = viewer.organisation if viewer else None
    agreement = frameworks.visible(reader, slug, number)
    return Places(items=shapes.places(reader, agreement, store.of(reader, agreement.id or 0), number, today))


@router.get("/{id}", summary="Read a supplier's place", openapi_extra=example())
def read(
    slug: Annotated[str, ACTIVE],
    id: Annotated[UUID, _seeded(RUNNING, "alarmer", NORDLYS)],
    viewer: ViewerDep,
    reader: ReaderDep,
    today: TodayDep,
) -> shapes.Place:
    """One supplier's place with the prices that hold today. Open to everybody, as the list is."""
    number = viewer.organisation if viewer else None
    agreement = frameworks.visible(reader, slug, number)
    return shapes.places(reader, agreement, [store.by_uuid(reader, agreement, id)], number, today)[0]


@router.get("/{id}/history", summary="Read what happened to a place", openapi_extra=example())
def history(
    slug: Annotated[str, ACTIVE],
    id: Annotated[UUID, _seeded(RUNNING, "alarmer", NORDLYS)],
    viewer: ViewerDep,
    reader: ReaderDep,
) -> History:
    """Every step since it was given, oldest first. Nothing of it is ever changed. Open to everybody."""
    agreement = frameworks.visible(reader, slug, viewer.organisation if viewer else None)
    place, _ = store.by_uuid(reader, agreement, id)
    return History(items=_history(store.events(reader, [place.id or 0])[place.id or 0]))


@supplier_router.get("", summary="List your own places as a supplier", openapi_extra=example(organisation=NORDLYS))
def own(caller: CallerDep, reader: ReaderDep, today: TodayDep) -> OwnPlaces:
    """Your places in all framework agreements, the newest agreement first: prices, what has been ordered, what your own
    maximum leaves, and what happened to each. Of other suppliers' figures it tells nothing."""
    rows = store.supplied_by(reader, caller.organisation)
    ids = [place.id or 0 for place, _, _ in rows]
    rooms, told = ledger.room(reader, Scope.SUPPLIER, ids), store.events(reader, ids)
    return OwnPlaces(
        items=[
            OwnPlace(
                **shapes.places(reader, agreement, [(place, lot.slug)], caller.organisation, today)[0].model_dump(),
                framework_agreement=agreement.slug,
                framework_agreement_title=agreement.title,
                framework_agreement_state=agreement.state,
                room=framework_shapes.room(rooms[place.id or 0]),
                quantities=_quantities(reader, place.id or 0),
                history=_history(told[place.id or 0]),
            )
            for place, lot, agreement in rows
        ]
    )


@router.post(
    "",
    status_code=201,
    summary="Give a supplier a place in a lot",
    openapi_extra=example(
        organisation=OWNER,
        body={
            "lot": "sensorer",
            "supplier": HAVORN,
            "rank": 2,
            "ceiling_excl_vat": "1000000.00",
            "quantities": [{"item": "dorsensor", "maximum": 2000}],
            "prices": [
                {
                    "item": "dorsensor",
                    "name": {"nb": "Dørsensor"},
                    "unit": "stk",
                    "unit_price_excl_vat": "410.00",
                    "vat_percent": "25",
                    "product": "havorn-dorsensor",
                }
            ],
        },
    ),
)
def award_place(
    slug: Annotated[str, ANNOUNCED],
    new: NewPlace,
    caller: CallerDep,
    catalog: CatalogDep,
    database: DatabaseDep,
    dry_run: DryRunDep,
    today: TodayDep,
) -> shapes.Place:
    """Between announcement and activation. The rank decides who is asked first; the price list is frozen in each
    call-off. How prices may change later, by bounds and index clause, is as the lot announced, or tighter. Where only
    maximum quantities were announced, an item without one cannot be offered (409 `item-without-maximum`)."""
    supplier = catalog.known([new.supplier], "#/supplier")[new.supplier]
    components = _components(catalog, new.prices)
    with database.writing(rehearsed=dry_run) as session:
        agreement = frameworks.owned(session, slug, caller.organisation)
        lot = frameworks.lot(session, agreement.id or 0, new.lot)
        announced = rules.Announced(
            _maximum(session, Scope.FRAMEWORK_AGREEMENT, agreement.id or 0),
            _maximum(session, Scope.LOT, lot.id or 0),
            Bounds(lot.lowest_factor, lot.highest_factor),
            clause(lot.index_clause),
        )
        bounds = Bounds(
            lot.lowest_factor if new.lowest_factor is None else new.lowest_factor,
            lot.highest_factor if new.highest_factor is None else new.highest_factor,
        )
        own = new.index_clause.model_dump(mode="json") if new.index_clause else None
        items = [one.item for one in new.prices]
        refuse(rules.check_award(rules.Awarded(agreement.state, new.maximum(), items, bounds, clause(own)), announced))
        place = store.Place(
            lot_id=lot.id or 0,
            organisation_id=supplier.id,
            number=new.supplier,
            name=supplier.name,
            rank=new.rank,
            state=rules.PlaceState.ACTIVE,
            index_clause=own or lot.index_clause,
            lowest_factor=bounds.lowest,
            highest_factor=bounds.highest,
        )
        store.add(session, place, [_price(one, agreement.starts_on, components) for one in new.prices], caller)
        frameworks.open_balances(session, Scope.SUPPLIER, place.id or 0, new.maximum())
        path, given = f"/framework-agreements/{slug}", new.model_dump(mode="json")
        audit.record(session, caller, "framework_agreement.place", path, new=given)
        return shapes.places(session, agreement, [(place, lot.slug)], caller.organisation, today)[0]


@router.post(
    "/{id}/suspend",
    summary="Suspend a supplier's place",
    openapi_extra=example(
        organisation=OWNER, body={"until_on": "2029-12-31", "reason": "Leverer ikke som avtalt (fiktivt)"}
    ),
)
def suspend(
    slug: Annotated[str, ACTIVE],
    id: Annotated[UUID, _seeded(RUNNING, "alarmer", NORDLYS)],
    step: NewSuspension,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
) -> shapes.Place:
    """Active → suspended, by the framework owner, to a day. No new call-offs go to this supplier until the day after,
    when the place is active again by itself; what it has been ordered stands."""
    agreement = frameworks.owned(session, slug, caller.organisation)
    place, lot = store.by_uuid(session, agreement, id, locked=True)
    rules.after(place.state, rules.Event.SUSPEND)
    refuse(rules.check_suspension(step.until_on, today))
    store.happened(session, agreement, place, rules.Event.SUSPEND, caller, step.reason, step.until_on)
    return shapes.places(session, agreement, [(place, lot)], caller.organisation, today)[0]


@router.post(
    "/{id}/reinstate",
    summary="Reinstate a supplier's place",
    openapi_extra=example(organisation=OWNER, body={"reason": "Feilen er rettet (fiktivt)"}),
)
def reinstate(
    slug: Annotated[str, Path(description="The agreement's name in addresses", examples=[PAUSED])],
    id: Annotated[UUID, _seeded(PAUSED, "sporing", HAVORN)],
    step: NewStep,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
) -> shapes.Place:
    """Suspended → active, by the framework owner before the suspension's last day has passed."""
    return _taken(session, slug, id, step, caller, rules.Event.REINSTATE, today)


@router.post(
    "/{id}/terminate",
    summary="Terminate a supplier's place",
    openapi_extra=example(organisation=OWNER, body={"reason": "Vesentlig mislighold (fiktivt)"}),
)
def terminate(
    slug: Annotated[str, ACTIVE],
    id: Annotated[UUID, _seeded(RUNNING, "alarmer", NORDLYS)],
    step: NewStep,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
) -> shapes.Place:
    """Active or suspended → terminated, by the framework owner, with a reason and for good. What is ordered stands."""
    return _taken(session, slug, id, step, caller, rules.Event.TERMINATE, today)


@router.post(
    "/{id}/withdraw",
    summary="Withdraw from a place",
    openapi_extra=example(organisation=NORDLYS, body={"reason": "Produktet utgår (fiktivt)"}),
)
def withdraw(
    slug: Annotated[str, ACTIVE],
    id: Annotated[UUID, _seeded(RUNNING, "alarmer", NORDLYS)],
    step: NewStep,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
) -> shapes.Place:
    """Active or suspended → withdrawn, by the supplier itself (`agreements.supply`), or by the framework owner
    (`agreements.manage`) with a reason. What is ordered stands and is delivered."""
    return _taken(session, slug, id, step, caller, rules.Event.WITHDRAW, today)


def _taken(
    session: Session, slug: str, id: UUID, step: NewStep, caller: Caller, event: rules.Event, today: date
) -> shapes.Place:
    """A step by the framework owner, who gives a reason, or where the supplier may, by the supplier."""
    frameworks.visible(session, slug, caller.organisation)
    agreement = frameworks.by_slug(session, slug, locked=True)
    place, lot = store.by_uuid(session, agreement, id, locked=True)
    supplier = caller.organisation == place.number and caller.may("agreements.supply")
    if not (event is rules.Event.WITHDRAW and supplier):
        if agreement.owner_number != caller.organisation or not caller.may("agreements.manage"):
            raise rules.NotThisSupplier(f"It is {place.name}'s, and the agreement {agreement.owner_name}'s.")
        if not step.reason:
            raise ReasonMissing("Say why; it is kept in the history.", pointer="#/reason")
    store.happened(session, agreement, place, event, caller, step.reason)
    return shapes.places(session, agreement, [(place, lot)], caller.organisation, today)[0]


def _components(catalog: Catalog, prices: list[NewPrice]) -> dict[str, str | None]:
    """Each product's shared component as the catalogue says today; every unknown product is told."""
    found: dict[str, str | None] = {}
    unknown: list[Problem] = []
    for place, one in enumerate(prices):
        if one.product and one.product not in found:
            product = catalog.product(one.product)
            if product is None:
                unknown.append(ProductUnknown(f"{one.product}.", pointer=f"#/prices/{place}/product"))
            else:
                found[one.product] = product.component
    refuse(unknown)
    return found


def _price(line: NewPrice, from_on: date, components: dict[str, str | None]) -> store.Price:
    return store.Price(
        place_id=0,
        version=1,
        valid_from_on=from_on,
        item=line.item,
        name=line.name.kept(),
        unit=line.unit,
        unit_price=line.unit_price_excl_vat,
        vat_percent=line.vat_percent,
        product=line.product,
        component=components[line.product] if line.product else None,
        secret_reason=line.secret_reason,
    )


def _maximum(session: Session, scope: Scope, subject_id: int) -> framework_rules.Maximum:
    value = ledger.room(session, scope, [subject_id])[subject_id].ceiling
    counted = frameworks.quantities(session, scope, [subject_id])
    return framework_rules.Maximum(value, tuple((item, quantity) for _, item, quantity in counted))


def _history(events: list[store.PlaceEvent]) -> list[shapes.Happened]:
    return [shapes.Happened.model_validate(one) for one in events]


def _quantities(session: Session, place_id: int) -> list[ItemRoom]:
    return [
        ItemRoom(
            item=item,
            maximum=int(room.ceiling),
            reserved=int(room.reserved),
            posted=int(room.posted),
            left=int(room.ceiling - room.reserved - room.posted),
        )
        for item, room in ledger.quantity_room(session, Scope.SUPPLIER, place_id).items()
        if room.ceiling is not None
    ]
