"""Places and their prices as they stand on the wire, in the routes of several concepts, with no more than the viewer
may see."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from pydantic import Field
from sqlmodel import Session

from services.agreements.frameworks.store import FrameworkAgreement
from services.agreements.places import rules, store
from services.agreements.price_terms.shapes import IndexClause
from services.chassis.values import Instant, Money, Out, TextOut


class PriceItem(Out):
    item: str
    name: TextOut
    unit: str
    unit_price_excl_vat: Money | None = Field(description="Null where it is a business secret that you may not see")
    vat_percent: Decimal
    product: str | None
    component: str | None = Field(description="The shared component that the product implements")
    secret: bool = Field(description="Whether the price is a business secret")
    secret_reason: str | None = Field(description="Why it is")
    version: int = Field(description="The price list's version that it stands in")
    valid_from_on: date


class Place(Out):
    id: UUID
    lot: str
    supplier_id: UUID
    supplier_organisation_number: str
    supplier_name: str = Field(description="As it was when the place was given")
    rank: int
    state: rules.PlaceState
    suspended_until_on: date | None = Field(description="The last day of a suspension; active again the day after")
    index_clause: IndexClause | None
    lowest_factor: Decimal = Field(description="How low a price may come, as a factor of the first price list's")
    highest_factor: Decimal = Field(description="How high a price may come, as a factor of the first price list's")
    prices: list[PriceItem] = Field(description="The price list that holds today")


class Happened(Out):
    event: str = Field(description="An event of the state table, or `award`", examples=["suspend"])
    state: rules.PlaceState = Field(description="The state after it")
    organisation: str | None = Field(description="Who did it; null: the service itself")
    until_on: date | None = Field(description="The last day of a suspension")
    reason: str | None
    recorded_at: Instant


def price(kept: store.Price, *, shown: bool) -> PriceItem:
    secret = kept.secret_reason is not None
    return PriceItem(
        item=kept.item,
        name=kept.name,
        unit=kept.unit,
        unit_price_excl_vat=None if secret and not shown else kept.unit_price,
        vat_percent=kept.vat_percent,
        product=kept.product,
        component=kept.component,
        secret=secret,
        secret_reason=kept.secret_reason,
        version=kept.version,
        valid_from_on=kept.valid_from_on,
    )


def place(row: store.Place, lot: str, prices: Sequence[store.Price], *, shown: bool) -> Place:
    return Place(
        id=row.uuid,
        lot=lot,
        supplier_id=row.organisation_id,
        supplier_organisation_number=row.number,
        supplier_name=row.name,
        rank=row.rank,
        state=row.state,
        suspended_until_on=row.suspended_until_on,
        index_clause=IndexClause.model_validate(row.index_clause) if row.index_clause else None,
        lowest_factor=row.lowest_factor,
        highest_factor=row.highest_factor,
        prices=[price(one, shown=shown) for one in prices],
    )


def places(
    session: Session,
    agreement: FrameworkAgreement,
    rows: Sequence[tuple[store.Place, str]],
    viewer: str | None,
    on: date,
) -> list[Place]:
    """Places of one agreement as a viewer (its organisation number) sees them on a day, or on the agreement's first day
    while that is to come."""
    held = store.holding(session, [row.id or 0 for row, _ in rows], max(on, agreement.starts_on))
    acceded = viewer is not None and store.acceded(session, agreement.id or 0, viewer)
    return [
        place(row, lot, held[row.id or 0], shown=sees(agreement, row, viewer, acceded=acceded)) for row, lot in rows
    ]


def sees(agreement: FrameworkAgreement, row: store.Place, viewer: str | None, *, acceded: bool) -> bool:
    return rules.sees_secrets(viewer, owner=agreement.owner_number, supplier=row.number, acceded=acceded)
