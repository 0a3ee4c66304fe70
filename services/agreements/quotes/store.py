"""What a quote reads, without a lock: what stands under each ceiling, and what the buyer has ordered already."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Session

from services.agreements.award_keys import store as award_keys
from services.agreements.calloffs.rules import Priced, Wanted
from services.agreements.ledger.rules import Scope
from services.agreements.places.store import Offer, Seat
from services.agreements.quotes.rules import Balance

Subject = tuple[Scope, int]
"""Whose ceiling it is: a scope, and the row of that agreement, lot, place or participant."""

_BALANCES = sa.text(
    "SELECT scope, subject_id, item, ceiling, reserved, posted FROM balance "
    "WHERE (scope = 'framework_agreement' AND subject_id = :agreement) OR (scope = 'lot' AND subject_id = :lot) "
    "OR (scope = 'supplier' AND subject_id = ANY(:places)) OR (scope = 'buyer' AND subject_id = :buyer) ORDER BY id"
)


def balances(session: Session, offer: Offer) -> dict[Subject, list[Balance]]:
    """What stands under the ceilings of the agreement, the lot, every supplier in it and the buyer."""
    named = {
        "agreement": offer.framework_id,
        "lot": offer.lot_id,
        "places": [seat.place_id for seat in offer.seats],
        "buyer": offer.participant_id,
    }
    found: dict[Subject, list[Balance]] = {}
    for row in session.execute(_BALANCES, named):
        kept = Balance(Scope(row.scope), row.item, row.ceiling, row.reserved, row.posted)
        found.setdefault((kept.scope, row.subject_id), []).append(kept)
    return found


def earlier(session: Session, offer: Offer, on: date) -> Decimal:
    """What the buyer has placed in the lot in the window in which call-offs count as one; NOK without VAT."""
    if not offer.participant_id or not offer.split_window_days:
        return Decimal("0.00")
    return award_keys.earlier(session, offer.lot_id, offer.participant_id, on, offer.split_window_days)


def priced(seat: Seat, wanted: Sequence[Wanted]) -> list[Priced]:
    """The wanted lines that are on a supplier's price list, at its prices."""
    offered = [(seat.prices[line.item], line.quantity) for line in wanted if line.item in seat.prices]
    return [
        Priced(
            price.item,
            price.name,
            price.unit,
            quantity,
            price.unit_price,
            price.vat_percent,
            price.product,
            price.version,
            price.component,
        )
        for price, quantity in offered
    ]
