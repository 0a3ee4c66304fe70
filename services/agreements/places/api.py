"""Places and prices over HTTP."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import Field
from sqlmodel import Session

from services.agreements.catalog_client import CatalogDep
from services.agreements.frameworks import store as frameworks
from services.agreements.places import rules, store
from services.chassis import audit
from services.chassis.app import new_router
from services.chassis.auth import Caller, needs
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, DryRunDep, ReaderDep
from services.chassis.problems import refuse
from services.chassis.values import In, Money, OrganisationNumber, Out, Slug, Text, TextOut

router = new_router("/framework-agreements/{slug}/places", "Framework agreements")

ACTIVE = Path(description="The agreement's name in addresses", examples=["ra-2026-velferdsteknologi"])
ANNOUNCED = Path(description="The agreement's name in addresses", examples=["ra-2027-digitalt-tilsyn"])


class NewPrice(In):
    item: Annotated[Slug, Field(examples=["alarm"])]
    name: Text
    unit: str = Field(min_length=1, max_length=40, examples=["stk"])
    unit_price_excl_vat: Money
    vat_percent: Decimal = Field(ge=0, le=100, max_digits=5, decimal_places=2, examples=["25"])
    product: Slug | None = Field(
        default=None, description="The product in the catalogue; certified if the agreement says so"
    )


class NewPlace(In):
    lot: Slug
    supplier: OrganisationNumber
    rank: int = Field(ge=1, le=100, description="1 is asked first")
    prices: list[NewPrice] = Field(min_length=1, max_length=500, description="The first version of its price list")


class PriceItem(Out):
    item: str
    name: TextOut
    unit: str
    unit_price_excl_vat: Money
    vat_percent: Decimal
    product: str | None


class Place(Out):
    lot: str
    supplier_id: UUID
    supplier_organisation_number: str
    supplier_name: str = Field(description="As it was when the place was given")
    rank: int
    state: rules.PlaceState
    prices: list[PriceItem] = Field(description="The price list that holds today")


class Places(Out):
    items: list[Place]


@router.get("", summary="List suppliers and prices", openapi_extra=example(organisation="964983291"))
def list_places(
    slug: Annotated[str, ACTIVE],
    caller: Annotated[Caller, needs("agreements.read")],
    reader: ReaderDep,
    today: TodayDep,
) -> Places:
    """Every supplier's place, by lot and rank (1 is asked first), with the price list that holds today, or on
    the agreement's first day while that is to come."""
    agreement = frameworks.by_slug(reader, slug)
    return Places(items=_shown(reader, agreement, frameworks.lots(reader, agreement.id or 0), today))


@router.post(
    "",
    status_code=201,
    summary="Give a supplier a place in a lot",
    openapi_extra=example(
        organisation="100000008",
        body={
            "lot": "sensorer",
            "supplier": "100000032",
            "rank": 2,
            "prices": [
                {
                    "item": "dorsensor",
                    "name": {"nb": "Dørsensor"},
                    "unit": "stk",
                    "unit_price_excl_vat": "410.00",
                    "vat_percent": "25",
                }
            ],
        },
    ),
)
def award_place(
    slug: Annotated[str, ANNOUNCED],
    new: NewPlace,
    caller: Annotated[Caller, needs("agreements.manage")],
    catalog: CatalogDep,
    database: DatabaseDep,
    dry_run: DryRunDep,
    today: TodayDep,
) -> Place:
    """Between announcement and activation. The rank decides who is asked first; the price list is frozen in each
    call-off."""
    supplier = catalog.known([new.supplier], "#/supplier")[new.supplier]
    with database.writing(rehearsed=dry_run) as session:
        agreement = frameworks.owned(session, slug, caller.organisation)
        refuse(rules.check_award(agreement.state))
        lot = frameworks.lot(session, agreement.id or 0, new.lot)
        store.add(
            session,
            store.Place(
                lot_id=lot.id or 0,
                organisation_id=supplier.id,
                number=new.supplier,
                name=supplier.name,
                rank=new.rank,
                state=rules.PlaceState.ACTIVE,
            ),
            [
                store.Price(
                    place_id=0,
                    version=1,
                    valid_from_on=agreement.starts_on,
                    item=line.item,
                    name=line.name.kept(),
                    unit=line.unit,
                    unit_price=line.unit_price_excl_vat,
                    vat_percent=line.vat_percent,
                    product=line.product,
                )
                for line in new.prices
            ],
        )
        path, given = f"/framework-agreements/{slug}", new.model_dump(mode="json")
        audit.record(session, caller, "framework_agreement.place", path, new=given)
        return next(one for one in _shown(session, agreement, [lot], today) if one.rank == new.rank)


def _shown(
    session: Session, agreement: frameworks.FrameworkAgreement, lots: Sequence[frameworks.Lot], today: date
) -> list[Place]:
    on = max(today, agreement.starts_on)
    return [
        Place(
            lot=lot.slug,
            supplier_id=seat.organisation_id,
            supplier_organisation_number=seat.number,
            supplier_name=seat.name,
            rank=seat.rank,
            state=seat.state,
            prices=[
                PriceItem(
                    item=price.item,
                    name=price.name,
                    unit=price.unit,
                    unit_price_excl_vat=price.unit_price,
                    vat_percent=price.vat_percent,
                    product=price.product,
                )
                for price in seat.prices.values()
            ],
        )
        for lot in lots
        for seat in store.seats(session, lot.id or 0, on)
    ]
