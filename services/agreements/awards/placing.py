"""Makes an award final: asks, decides and keeps in one order, for the route and the worker."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from sqlmodel import Session

from services.agreements.award_keys import rules as award_keys
from services.agreements.award_keys import store as award_store
from services.agreements.awards import rules, store
from services.agreements.awards.store import Award
from services.agreements.bids import store as bids
from services.agreements.bids.rules import State as BidState
from services.agreements.bids.store import Bid
from services.agreements.calloffs import placing
from services.agreements.calloffs import store as calloffs
from services.agreements.calloffs.rules import AT_ONCE, Choice, NeededTooEarly, Priced, Wanted
from services.agreements.evaluations import rules as evaluation_rules
from services.agreements.evaluations import store as evaluations
from services.agreements.frameworks.rules import Method, bands
from services.agreements.mini_competitions import store as mini_competitions
from services.agreements.mini_competitions.rules import Event, MoveRefused, after
from services.agreements.mini_competitions.store import MiniCompetition
from services.agreements.openings import store as openings
from services.agreements.places import store as places
from services.agreements.places.rules import PlaceState
from services.agreements.places.store import Offer
from services.chassis.auth import Caller
from services.chassis.db import Database
from services.chassis.problems import Problem, refuse

Verifying = Callable[[str | None, str | None, date], placing.Verify]


@dataclass(frozen=True)
class Ready:
    """What an award needs to become a call-off, as it was read and asked before the transaction."""

    award_id: int
    offer: Offer
    bid: Bid
    lines: tuple[Priced, ...]
    wanted: tuple[Wanted, ...]
    decision: award_keys.Decision


def ready(session: Session, row: MiniCompetition, today: date) -> Ready:
    """What can be known without asking the catalogue; the standstill must be over. `decision` is by `asked`."""
    assert row.id
    after(row.state, Event.STANDSTILL_OVER)
    award = store.standing(session, row.id)
    refuse(rules.check_over(award.standstill, mini_competitions.clock(session)))
    bid = next(one for one in bids.in_states(session, row.id, BidState.WON_PENDING) if one.id == award.bid_id)
    offer = places.offer(session, row.framework, row.lot, row.buyer, today)
    wanted = tuple(Wanted(one["item"], one["quantity"]) for one in row.lines)
    found = placing.check(offer, placing.Asked(wanted, row.needed_on), today)
    refuse([one for one in found if not isinstance(one, NeededTooEarly)])
    seat = next(seat for seat in offer.seats if seat.place_id == bid.place_id)
    lines = _lines(session, row, bid)
    candidate = award_keys.Candidate(
        seat.place_id,
        seat.rank,
        bid.supplier,
        bid.supplier_name,
        seat.state is PlaceState.ACTIVE,
        sum((line.net for line in lines), Decimal("0.00")),
        tuple(dict.fromkeys(line.product for line in lines if line.product)),
        tuple(line.item for line in lines if not line.product),
    )
    undecided = award_keys.Decision(Method.MINI_COMPETITION, candidate, (), ())
    return Ready(award.id or 0, offer, bid, lines, wanted, undecided)


def asked(found: Ready, verifying: Verifying, needed_on: date) -> Ready:
    """The winner's place and the certificates of what it offers, looked at as for every order; outside any
    transaction, as it asks the catalogue."""
    offer = found.offer
    verify = verifying(offer.specification, offer.specification_version, needed_on) if offer.specification else None
    decision = award_keys.choose(Method.RANKING, [found.decision.candidate], verify)
    return replace(found, decision=replace(decision, method=Method.MINI_COMPETITION))


def place(session: Session, caller: Caller | None, row: MiniCompetition, found: Ready, today: date) -> calloffs.Placed:
    """The award is final: a call-off is created in draft and reserved through the same ceilings as any other, at the
    bid's prices. The competition is locked; `calloffs.reserve` must come after it, as the transaction's last
    statement."""
    assert row.id
    after(row.state, Event.STANDSTILL_OVER)
    award = store.standing(session, row.id)
    refuse(rules.check_over(award.standstill, mini_competitions.clock(session)))
    if award.id != found.award_id:
        raise rules.AwardReplaced
    earlier = Decimal("0.00")
    if placing.contended(found.offer):
        award_store.lock(session, row.lot_id)
        if found.offer.split_window_days:
            days = found.offer.split_window_days
            earlier = award_store.earlier(session, row.lot_id, row.participant_id, today, days)
    placed = calloffs.place(
        session,
        caller,
        found.offer,
        _chosen(session, row, award, found, earlier),
        buyer=row.buyer,
        events=AT_ONCE[:1],
        wanted=found.wanted,
        needed_on=row.needed_on,
        placed_on=today,
        reference=row.reference,
    )
    store.final(session, caller, row, award, placed.call_off.uuid, placed.call_off.number)
    return placed


def due(database: Database, verifying: Verifying, today: date) -> int:
    """What the calendar brings: awards whose standstill is over become call-offs. What hinders one is kept for its
    buyer to see, and tried again. → how many became one"""
    with database.reading() as reader:
        waiting = store.over(reader)
    done = 0
    for competition_id in waiting:
        try:
            _order(database, verifying, competition_id, today)
            done += 1
        except MoveRefused:  # by hand, meanwhile
            continue
        except Problem as problem:
            with database.writing() as session:
                store.hindered(session, mini_competitions.by_id(session, competition_id), problem)
    return done


def _order(database: Database, verifying: Verifying, competition_id: int, today: date) -> None:
    with database.reading() as reader:
        row = reader.get_one(MiniCompetition, competition_id)
        found = ready(reader, row, today)
    found = asked(found, verifying, row.needed_on)
    with database.writing() as session:
        placed = place(session, None, mini_competitions.by_id(session, competition_id), found, today)
        calloffs.reserve(session, placed)


def _chosen(session: Session, row: MiniCompetition, award: Award, found: Ready, earlier: Decimal) -> Choice:
    assert row.id
    evaluation = evaluations.kept(session, row.id)[award.evaluation_version - 1]
    entered = evaluation_rules.inputs(evaluation.inputs)
    winner = found.decision.candidate
    candidates = [
        winner
        if one.supplier == winner.supplier
        else award_keys.Candidate(0, one.rank, one.supplier, one.name, active=True, net=one.net)
        for one in entered.bids
    ]
    frozen = award_keys.frozen(
        found.decision,
        candidates,
        bands=bands(found.offer.bands),
        value=row.value or Decimal("0.00"),
        rolling=earlier,
        documented=None,
    )
    competition = {"id": str(row.uuid), "number": row.number, "evaluation_sha256": evaluation.sha256}
    return Choice(
        found.bid.place_id,
        found.bid.supplier,
        found.bid.supplier_name,
        Method.MINI_COMPETITION,
        found.lines,
        frozen | {"competition": competition},
    )


def _lines(session: Session, row: MiniCompetition, bid: Bid) -> tuple[Priced, ...]:
    """As the bid was opened: the competition's lines at its prices."""
    opened = openings.bids_of(session, row.id or 0)[bid.id or 0]
    return tuple(
        Priced(**line | {"unit_price": Decimal(line["unit_price"]), "vat_percent": Decimal(line["vat_percent"])})
        for line in opened.lines
    )
