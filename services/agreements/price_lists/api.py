"""Price lists over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query
from pydantic import Field

from services.agreements.frameworks import store as frameworks
from services.agreements.places import shapes
from services.agreements.places import store as places
from services.agreements.price_lists import store
from services.agreements.price_terms.shapes import IndexClause
from services.chassis.app import new_router
from services.chassis.auth import ViewerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.values import Out, seed_id

router = new_router("/framework-agreements/{slug}/price-lists", "Framework agreements")

RUNNING, NORDLYS = "ra-2026-velferdsteknologi", "100000024"
SLUG = Path(description="The agreement's name in addresses", examples=[RUNNING])
PLACE = Path(
    description="The place whose prices they are", examples=[str(seed_id(f"place:{RUNNING}:tilsyn:{NORDLYS}"))]
)


class Version(Out):
    version: int
    valid_from_on: date
    prices: list[shapes.PriceItem]


class PriceList(Out):
    """A place's prices, in all their versions."""

    place: UUID
    lot: str
    supplier_organisation_number: str
    supplier_name: str
    index_clause: IndexClause | None
    versions: list[Version] = Field(description="The newest first; no version is ever changed")


@router.get("/{id}", summary="Read a place's price list", openapi_extra=example())
def read(
    slug: Annotated[str, SLUG],
    id: Annotated[UUID, PLACE],
    viewer: ViewerDep,
    reader: ReaderDep,
    on: Annotated[date | None, Query(description="Only the version that holds on this day; left out: all")] = None,
) -> PriceList:
    """All versions of a supplier's price list, the newest first, also one that does not hold yet; with `on` the one of
    that day. An order keeps the version that it was placed by. Open to everybody but for business secrets."""
    number = viewer.organisation if viewer else None
    agreement = frameworks.visible(reader, slug, number)
    place, lot = places.by_uuid(reader, agreement, id)
    acceded = number is not None and places.acceded(reader, agreement.id or 0, number)
    shown = shapes.sees(agreement, place, number, acceded=acceded)
    held = [
        Version(
            version=version,
            valid_from_on=prices[0].valid_from_on,
            prices=[shapes.price(one, shown=shown) for one in prices],
        )
        for version, prices in store.versions(reader, place.id or 0).items()
        if on is None or prices[0].valid_from_on <= on
    ]
    return PriceList(
        place=place.uuid,
        lot=lot,
        supplier_organisation_number=place.number,
        supplier_name=place.name,
        index_clause=IndexClause.model_validate(place.index_clause) if place.index_clause else None,
        versions=held if on is None else held[:1],
    )
