"""Takes the steps that bind a competition, its invitations and its bids together."""

import secrets
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from services.agreements.award_keys import rules as award_keys
from services.agreements.award_keys import store as award_store
from services.agreements.bids import rules as bid_rules
from services.agreements.bids import store as bids
from services.agreements.calloffs import placing
from services.agreements.calloffs.rules import Wanted
from services.agreements.competition_letters import store as competition_letters
from services.agreements.frameworks.rules import bands
from services.agreements.mini_competitions import rules, store
from services.agreements.mini_competitions.rules import Event, State
from services.agreements.mini_competitions.store import Invitation, MiniCompetition
from services.agreements.places import store as places
from services.agreements.sealing import store as sealing
from services.agreements.sealing.store import SealingKey
from services.chassis.auth import Caller
from services.chassis.db import Database
from services.chassis.problems import refuse

SEED_BYTES = 16
_INVITE = sa.insert(Invitation)


def publish(session: Session, caller: Caller | None, row: MiniCompetition, key: SealingKey, today: date) -> None:
    """Draft → open, the competition locked: whom it invites, its value, its ceiling and its keys are found now, in the
    order in which they are asked for."""
    rules.after(row.state, Event.PUBLISH)
    offer = places.offer(session, row.framework, row.lot, row.buyer, today)
    wanted = tuple(Wanted(**one) for one in row.lines)
    asked = placing.Asked(wanted, row.needed_on)
    refuse(
        [
            *placing.check(offer, asked, today),
            *rules.check_price_list(row.above_price_list, offer.competition_may_exceed_price_list),
        ]
    )
    every = placing.candidates(offer, asked)
    value, earlier = award_keys.value_of(every), Decimal("0.00")
    if offer.split_window_days:
        earlier = award_store.earlier(session, row.lot_id, row.participant_id, today, offer.split_window_days)
    eligible = {one.place_id for one in every if one.active and one.net is not None}
    at = store.clock(session)
    refuse(
        rules.check_publication(
            method=award_keys.band_for(bands(offer.bands), value + earlier).method,
            value=value + earlier,
            invited=eligible,
            ahead=row.deadline > at,
        )
    )
    items = [line.item for line in wanted]
    row.value = value
    row.value_secret = any(seat.prices[item].secret for seat in offer.seats for item in items if item in seat.prices)
    row.lot_seed = secrets.token_hex(SEED_BYTES)
    row.published_at = at
    row.public_key, private = sealing.new_pair()
    row.wrapped_key = key.wrap(private, row.uuid)
    session.flush()
    session.execute(_INVITE, [_invitation(row, seat, items) for seat in offer.seats if seat.place_id in eligible])
    store.move(session, caller, row, Event.PUBLISH)
    competition_letters.tell(session, row, "invitation")


def _invitation(row: MiniCompetition, seat: places.Seat, items: list[str]) -> dict[str, Any]:
    prices = {item: seat.prices[item] for item in items}
    return {
        "competition_id": row.id,
        "place_id": seat.place_id,
        "supplier": seat.number,
        "supplier_name": seat.name,
        "rank": seat.rank,
        "prices": {
            item: {
                "name": price.name,
                "unit": price.unit,
                "unit_price": str(price.unit_price),
                "vat_percent": str(price.vat_percent),
                "product": price.product,
                "version": price.version,
                "component": price.component,
            }
            for item, price in prices.items()
        },
    }


def amend(
    session: Session,
    caller: Caller,
    row: MiniCompetition,
    changes: dict[str, Any],
    *,
    reason: str,
    requires_new_bids: bool,
) -> None:
    """Open → open with other terms, the competition locked: a new version, and more time. `changes` are columns; the
    terms that they make have been checked."""
    rules.after(row.state, Event.AMEND)
    at = store.clock(session)
    assert row.published_at
    refuse(
        [
            *bid_rules.check_time(row.state, row.deadline, at),
            *rules.check_amendment(
                rules.earliest_deadline(row.published_at, row.deadline, at), row.deadline, changes["deadline"]
            ),
            *rules.check_new_bids(changes.get("criteria", row.criteria) != row.criteria, requires_new_bids),
        ]
    )
    before = {name: getattr(row, name) for name, value in changes.items() if getattr(row, name) != value}
    row.version += 1
    if requires_new_bids:
        row.bids_from_version = row.version
    for name, value in changes.items():
        setattr(row, name, value)
    detail = {
        "version": row.version,
        "requires_new_bids": requires_new_bids,
        "changed": {name: {"before": _told(old), "after": _told(changes[name])} for name, old in before.items()},
    }
    store.move(session, caller, row, Event.AMEND, reason=reason, detail=detail)
    competition_letters.tell(session, row, "amendment")


def cancel(session: Session, caller: Caller, row: MiniCompetition, reason: str) -> None:
    """→ cancelled, the competition locked: no bid of it is opened any more, and those that were are void."""
    store.move(session, caller, row, Event.CANCEL, reason=reason)
    competition_letters.tell(session, row, "cancellation")
    _discard_drafts(session, row)
    standing = [state for state, event in bid_rules.MOVES if event is bid_rules.Event.COMPETITION_CANCELLED]
    for bid in bids.in_states(session, row.id or 0, *standing):
        bids.move(session, None, row, bid, bid_rules.Event.COMPETITION_CANCELLED)


def reach_deadline(session: Session, row: MiniCompetition) -> None:
    """Open → sealed when the deadline has passed by the database's clock, the competition locked, and on to
    unsuccessful when nobody has bid. A draft is no bid: it is discarded."""
    if row.state is not State.OPEN or store.clock(session) < row.deadline:
        return
    store.move(session, None, row, Event.DEADLINE_REACHED)
    _discard_drafts(session, row)
    if not bids.in_states(session, row.id or 0, bid_rules.State.SUBMITTED):
        store.move(session, None, row, Event.NO_BIDS)
        competition_letters.tell(session, row, "unsuccessful")


def due(database: Database) -> int:
    """Competitions whose deadline has passed are sealed, each in a transaction of its own. → how many"""
    with database.reading() as reader:
        found = store.due(reader)
    for one in found:
        with database.writing() as session:
            reach_deadline(session, store.by_id(session, one))
    return len(found)


def _discard_drafts(session: Session, row: MiniCompetition) -> None:
    for bid in bids.in_states(session, row.id or 0, bid_rules.State.DRAFT):
        bids.move(session, None, row, bid, bid_rules.Event.DISCARD)


def _told(value: Any) -> Any:
    """As a JSON value."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value
