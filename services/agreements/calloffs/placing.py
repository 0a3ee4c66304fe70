"""Asks, decides and keeps in the one order that holds when everybody orders at once: for the routes and the worker."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from services.agreements.award_keys import rules as award_keys
from services.agreements.award_keys import store as award_store
from services.agreements.calloffs import rules
from services.agreements.frameworks.rules import Method, State, bands
from services.agreements.places.rules import PlaceState
from services.agreements.places.store import Offer, Seat
from services.chassis.problems import NeighbourAway, NeighbourNonsense, Problem, refuse

Verify = Callable[[str], award_keys.Verdict]
Catalogue = Callable[[str, str | None, str | None, date], Any]
"""Asks the catalogue about a product, against a specification and a version of it, on a day (`catalog_client`)."""


@dataclass(frozen=True)
class Asked:
    """What a buyer wants from a lot."""

    wanted: tuple[rules.Wanted, ...]
    needed_on: date
    documented: award_keys.Documented | None = None
    already: frozenset[int] = frozenset()
    """Places that have been asked for this call-off."""


def check(offer: Offer, asked: Asked, today: date) -> list[Problem]:
    """Every rule that fails before anybody is asked; the method's own follow in `choose`."""
    return rules.check(
        rules.Terms(
            offer.state is State.ACTIVE,
            offer.state,
            offer.starts_on,
            offer.ends_on,
            entitled=bool(offer.buyer_id),
            acceded=bool(offer.basis),
            delivery_days_after_end=offer.delivery_days_after_end,
        ),
        wanted=asked.wanted,
        offered={item for seat in offer.seats for item in seat.prices},
        needed_on=asked.needed_on,
        today=today,
    )


def verifying(catalogue: Catalogue, specification: str | None, version: str | None, on: date) -> Verify:
    """The catalogue as a function of the product. A verdict that cannot be had is unknown, never valid: it raises
    CertificationUnknown."""

    def ask(product: str) -> award_keys.Verdict:
        try:
            said = catalogue(product, specification, version, on)
        except (NeighbourAway, NeighbourNonsense) as error:
            raise award_keys.CertificationUnknown(error.detail) from error
        certificate = said.certificate.number if said.certificate else None
        return award_keys.Verdict(product, said.verdict, said.code, certificate, said.checked_at, "catalog /verify")

    return ask


def contended(offer: Offer) -> bool:
    """Whether the choice depends on the call-offs before it, so that it is made under the lot's lock."""
    kept = bands(offer.bands)
    return len(kept) > 1 or any(band.method in award_keys.CONTENDED for band in kept)


def foreseen(offer: Offer, asked: Asked, verify: Verify) -> Verify | None:
    """What the catalogue says, without asking it in a transaction: asked as it is needed where nothing is locked, or
    all beforehand where the lot will be. None when the lot does not demand certification."""
    if not offer.specification:
        return None
    if not contended(offer):
        return verify
    products = dict.fromkeys(product for one in candidates(offer, asked) for product in one.products)
    said: dict[str, award_keys.Verdict] = {}
    for product in products:
        try:
            said[product] = verify(product)
        except award_keys.CertificationUnknown as error:
            said[product] = award_keys.Verdict(product, "unknown", error.detail or "", None, None, "nobody")
    return said.__getitem__


def choose(session: Session | None, offer: Offer, asked: Asked, verify: Verify | None, today: date) -> rules.Choice:
    """The supplier by the lot's award key. With a session, in a transaction of its own, for a contended lot: the lot
    is locked first, and turns and earlier call-offs are read under that lock."""
    turns: dict[int, int] = {}
    earlier = Decimal("0.00")
    if session and contended(offer):
        award_store.lock(session, offer.lot_id)
        turns = award_store.turns(session, offer.lot_id)
        if offer.participant_id and offer.split_window_days:
            days = offer.split_window_days
            earlier = award_store.earlier(session, offer.lot_id, offer.participant_id, today, days)
    every = candidates(offer, asked, turns)
    kept, value = bands(offer.bands), award_keys.value_of(every)
    method = award_keys.band_for(kept, value + earlier).method
    refuse(
        award_keys.check_documented(
            method,
            asked.documented,
            conditions=[str(one["code"]) for one in offer.conditions],
            suppliers=[one.supplier for one in every],
        )
    )
    decision = award_keys.choose(method, every, verify, asked.documented)
    found = decision.candidate
    seat = next(seat for seat in offer.seats if seat.place_id == found.place_id)
    frozen = award_keys.frozen(decision, every, bands=kept, value=value, rolling=earlier, documented=asked.documented)
    return rules.Choice(found.place_id, found.supplier, found.name, method, _lines(seat, asked.wanted) or (), frozen)


def candidates(offer: Offer, asked: Asked, turns: dict[int, int] | None = None) -> list[award_keys.Candidate]:
    return [_candidate(seat, asked, (turns or {}).get(seat.place_id, seat.turns)) for seat in offer.seats]


def _candidate(seat: Seat, asked: Asked, turns: int) -> award_keys.Candidate:
    lines = _lines(seat, asked.wanted)
    return award_keys.Candidate(
        seat.place_id,
        seat.rank,
        seat.number,
        seat.name,
        seat.state is PlaceState.ACTIVE,
        sum((line.net for line in lines), Decimal("0.00")) if lines else None,
        tuple(dict.fromkeys(line.product for line in lines or () if line.product)),
        tuple(line.item for line in lines or () if not line.product),
        turns,
        seat.left,
        seat.place_id in asked.already,
    )


def _lines(seat: Seat, wanted: Sequence[rules.Wanted]) -> tuple[rules.Priced, ...] | None:
    """The wanted lines at a supplier's prices; None when an item is missing."""
    prices = [seat.prices.get(line.item) for line in wanted]
    lines = tuple(
        rules.Priced(
            price.item,
            price.name,
            price.unit,
            line.quantity,
            price.unit_price,
            price.vat_percent,
            price.product,
            price.version,
            price.component,
        )
        for price, line in zip(prices, wanted, strict=True)
        if price
    )
    return lines if len(lines) == len(wanted) else None


def still_certified(
    place_id: int, supplier: str, name: str, lines: Sequence[rules.Priced], verify: Verify
) -> tuple[award_keys.Verdict, ...]:
    """What the catalogue says of an order's products now; refuses when one is certified no more, or nobody can say."""
    one = award_keys.Candidate(
        place_id,
        1,
        supplier,
        name,
        active=True,
        net=Decimal("0.00"),
        products=tuple(dict.fromkeys(line.product for line in lines if line.product)),
        unnamed=tuple(line.item for line in lines if not line.product),
    )
    return award_keys.choose(Method.RANKING, [one], verify).verdicts


def decided(
    place_id: int,
    supplier: str,
    name: str,
    lines: Sequence[rules.Priced],
    frozen: Mapping[str, Any],
    verify: Verify | None,
) -> rules.Choice:
    """What a mini-competition has decided, reserved anew as it is: its supplier and prices stand, what the catalogue
    says of the products is asked again."""
    verdicts = still_certified(place_id, supplier, name, lines, verify) if verify else ()
    said = {"certification": [vars(one) for one in verdicts]}
    return rules.Choice(place_id, supplier, name, Method.MINI_COMPETITION, tuple(lines), {**frozen, **said})
