"""Capacity over HTTP."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated

from fastapi import Path
from pydantic import Field
from sqlmodel import Session

from services.agreements.capacities import rules, store
from services.agreements.frameworks import rules as framework_rules
from services.agreements.frameworks import shapes
from services.agreements.frameworks import store as frameworks
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import VALUE, Scope
from services.chassis.app import new_router
from services.chassis.auth import Caller, ViewerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.values import Money, Out

router = new_router("/framework-agreements/{slug}/capacity", "Framework agreements")

ACTIVE = Path(description="The agreement's name in addresses", examples=["ra-2026-velferdsteknologi"])


class QuantityRoom(Out):
    """What is taken and left of an item's maximum quantity, in its unit."""

    item: str
    maximum: int | None
    reserved: int
    posted: int
    left: int | None


class Level(Out):
    """What one ceiling leaves. An order needs room at every level."""

    room: shapes.Room
    quantities: list[QuantityRoom]
    fully_reserved: bool = Field(
        description="Nothing is left just now; what is cancelled or released gives its room back"
    )


class LotCapacity(Level):
    lot: str


class SupplierCapacity(Level):
    lot: str
    supplier_organisation_number: str
    supplier_name: str


class BuyerCapacity(Level):
    organisation_number: str
    name: str


class Estimate(Out):
    """How much of the estimate is used. It warns; only the maximum stops."""

    amount_excl_vat: Money | None
    used_excl_vat: Money = Field(description="Reserved and posted")
    used_percent: Decimal | None = Field(description="With one decimal, rounded down", examples=["81.4"])
    warnings: list[int] = Field(description="Which of 80, 90 and 100 per cent are passed", examples=[[80]])


class Pace(Out):
    days: int = Field(description="The last so many days")
    per_day_excl_vat: Money = Field(description="What was called off a day in them, less what was released")
    reached_on: date | None = Field(description="When the ceiling is reached at this pace; null: not before the end")


class Forecast(Out):
    """When the agreement's ceiling will be reached, at the pace of different windows. Not a promise."""

    paces: list[Pace]
    earliest_on: date | None
    latest_on: date | None = Field(description="Null when some pace does not reach it before the agreement ends")
    reason: rules.NoForecast | None = Field(description="Why there is no forecast; null when there is one")


class Capacity(Level):
    """What is left under a framework agreement. NOK without VAT."""

    framework_agreement: str
    state: framework_rules.State
    estimate: Estimate
    forecast: Forecast
    lots: list[LotCapacity]
    suppliers: list[SupplierCapacity] = Field(
        description="Your own places as a supplier; all of them for a participant or the framework owner. A supplier "
        "never sees another's figures"
    )
    buyers: list[BuyerCapacity] = Field(
        description="Your own organisation, or all of them for the framework owner; what others have ordered is theirs"
    )


@router.get("", summary="Read what is left under an agreement", openapi_extra=example())
def read(slug: Annotated[str, ACTIVE], viewer: ViewerDep, reader: ReaderDep, today: TodayDep) -> Capacity:
    """Room at the agreement, its lots and its suppliers, in value and quantities, how much of the estimate is used, and
    a forecast. Open to everybody; with a token a supplier sees its own room too, a buyer its own and the suppliers',
    and the framework owner all."""
    agreement = frameworks.visible(reader, slug, viewer.organisation if viewer else None)
    framework_id = agreement.id or 0
    whole = store.rooms(reader, Scope.FRAMEWORK_AGREEMENT, [framework_id])[framework_id]
    lots, places = frameworks.lots(reader, framework_id), _places(reader, agreement, viewer)
    named = frameworks.participants(reader, framework_id)
    buyers = [one for one in named if _may_see(viewer, agreement.owner_number, one.number)]
    lot_rooms = store.rooms(reader, Scope.LOT, [lot.id or 0 for lot in lots])
    place_rooms = store.rooms(reader, Scope.SUPPLIER, [place.id for place in places])
    buyer_rooms = store.rooms(reader, Scope.BUYER, [one.id or 0 for one in buyers])
    used = whole[VALUE].reserved + whole[VALUE].posted
    figures = store.figures(reader, framework_id, today)
    told = rules.forecast(
        whole[VALUE].left,
        figures.called_off,
        running=agreement.state is framework_rules.State.ACTIVE,
        call_offs=figures.call_offs,
        first_on=figures.first_on,
        today=today,
        ends_on=agreement.ends_on,
    )
    return Capacity(
        **_level(whole),
        framework_agreement=slug,
        state=agreement.state,
        estimate=Estimate(
            amount_excl_vat=agreement.estimate,
            used_excl_vat=used,
            used_percent=rules.used_percent(agreement.estimate, used),
            warnings=framework_rules.warned(agreement.estimate, used),
        ),
        forecast=Forecast(
            paces=[Pace(days=one.days, per_day_excl_vat=one.per_day, reached_on=one.reached_on) for one in told.paces],
            earliest_on=told.earliest_on,
            latest_on=told.latest_on,
            reason=told.reason,
        ),
        lots=[LotCapacity(**_level(lot_rooms[lot.id or 0]), lot=lot.slug) for lot in lots],
        suppliers=[
            SupplierCapacity(
                **_level(place_rooms[place.id]),
                lot=place.lot,
                supplier_organisation_number=place.number,
                supplier_name=place.name,
            )
            for place in places
        ],
        buyers=[
            BuyerCapacity(**_level(buyer_rooms[one.id or 0]), organisation_number=one.number, name=one.name)
            for one in buyers
        ],
    )


def _may_see(viewer: Caller | None, owner: str, whose: str) -> bool:
    return viewer is not None and viewer.organisation in (owner, whose)


def _places(reader: Session, agreement: frameworks.FrameworkAgreement, viewer: Caller | None) -> list[store.Seat]:
    """Those whose room the viewer may see."""
    if viewer is None:
        return []
    entitled = {one.number for one in frameworks.participants(reader, agreement.id or 0)}
    places = store.places(reader, agreement.id or 0)
    if viewer.organisation in entitled:
        return list(places)
    return [one for one in places if _may_see(viewer, agreement.owner_number, one.number)]


def _level(rooms: Mapping[str, ledger.Room]) -> dict[str, object]:
    return {
        "room": shapes.room(rooms[VALUE]),
        "quantities": [
            QuantityRoom(
                item=item,
                maximum=None if room.ceiling is None else int(room.ceiling),
                reserved=int(room.reserved),
                posted=int(room.posted),
                left=None if room.left is None else int(room.left),
            )
            for item, room in rooms.items()
            if item != VALUE
        ],
        "fully_reserved": rooms[VALUE].left == 0,
    }
