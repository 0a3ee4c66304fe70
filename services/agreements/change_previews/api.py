"""Previews of changes over HTTP."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path
from pydantic import Field
from sqlmodel import Session

from services.agreements.agreement_changes import rules, shapes, store
from services.agreements.places import shapes as place_shapes
from services.agreements.places import store as places
from services.agreements.price_lists import store as price_lists
from services.chassis.app import new_router
from services.chassis.auth import ViewerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.values import Money, Out, seed_id

router = new_router("/framework-agreements/{slug}/changes/{id}/preview", "Framework agreements")

OWNER, CHANGING = "100000008", "ra-2025-gps"
PENDING = Path(description="The agreement's name in addresses", examples=[CHANGING])
CHANGE = Path(description="The change", examples=[str(seed_id(f"change:{CHANGING}"))])


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

    change: shapes.Change
    problems: list[dict[str, Any]] = Field(description="Why it could not be activated on its day; empty: it could")
    ends_on: date = Field(description="The agreement's last day, as it would be")
    places: list[PlacePreview]


@router.get("", summary="Preview a pending change", openapi_extra=example(organisation=OWNER))
def preview(
    slug: Annotated[str, PENDING],
    id: Annotated[UUID, CHANGE],
    viewer: ViewerDep,
    reader: ReaderDep,
    today: TodayDep,
) -> Preview:
    """The price lists as they would be, line by line, the old figures beside the new, and every rule that the change
    would break. Nothing is written."""
    number = viewer.organisation if viewer else None
    agreement, row = store.visible(reader, slug, id, number)
    rules.after(row.state, rules.Event.ACTIVATE)
    terms = shapes.terms(row)
    found = store.concerned(reader, row)
    priced = [store.priced(reader, one) for one in found]
    acceded = number is not None and places.acceded(reader, agreement.id or 0, number)
    return Preview(
        change=shapes.shown(row),
        problems=[
            one.error() if agreement.owner_number == number else {"type": one.type(), "detail": one.title()}
            for one in store.against(reader, agreement, row, terms, today)
        ],
        ends_on=terms.ends_on if isinstance(terms, rules.Extension) else agreement.ends_on,
        places=[
            _previewed(reader, terms, place, one, shown=place_shapes.sees(agreement, place, number, acceded=acceded))
            for place, one in zip(found, priced, strict=True)
        ],
    )


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
