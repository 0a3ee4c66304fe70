"""What may be delivered, rejected and agreed on, whatever was ordered."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from services.agreements.acceptances import rules as acceptances
from services.agreements.acceptances.rules import Agreed
from services.agreements.award_keys.rules import CertificationUnknown, Verdict
from services.agreements.calloffs.rules import Event, Priced, Wanted
from services.agreements.complaints import rules as complaints
from services.agreements.complaints.rules import Rejected
from services.agreements.deliveries import rules
from services.agreements.deliveries.rules import Delivered, Outcome, Standing
from services.agreements.ledger.rules import Moved, changed

DAY = date(2026, 11, 29)
ITEMS = ["alarm", "montering", "kamera", "drift"]
items = st.sampled_from(ITEMS)
counts = st.integers(min_value=0, max_value=50)
wanted = st.lists(st.builds(Wanted, items, st.integers(min_value=1, max_value=60)), min_size=1, max_size=5)
ore = st.integers(min_value=0, max_value=10**9).map(lambda value: Decimal(value).scaleb(-2))


def line(item: str, quantity: int, price: Decimal) -> Priced:
    return Priced(item, {"nb": item}, "stk", quantity, price, Decimal(25), f"{item}-produkt", 1, None)


@st.composite
def standings(draw: st.DrawFn) -> list[Standing]:
    """Lines of an order: ordered ≥ expected ≥ delivered."""
    found: list[Standing] = []
    for item in draw(st.sets(items, min_size=1)):
        delivered, missing, ended = (draw(counts) for _ in range(3))
        expected = delivered + missing
        found.append(Standing(line(item, expected + ended, draw(ore)), expected, delivered))
    return found


def checked(lines: list[Wanted], outstanding: dict[str, int], on: date = DAY) -> list[str]:
    new = Delivered(tuple(lines), on)
    found = rules.check(new, outstanding, placed_on=DAY - timedelta(days=9), last_day=DAY, today=DAY)
    return [type(one).__name__ for one in found]


@given(lines=wanted, outstanding=st.dictionaries(items, counts, min_size=1))
def test_what_is_let_through_never_passes_what_is_left(lines: list[Wanted], outstanding: dict[str, int]) -> None:
    come = {item: sum(one.quantity for one in lines if one.item == item) for item in ITEMS}
    fits = all(come[one.item] <= outstanding.get(one.item, 0) for one in lines)
    once = len({one.item for one in lines}) == len(lines)
    assert (checked(lines, outstanding) == []) is (fits and once)


@given(lines=wanted, outstanding=st.dictionaries(items, counts, min_size=1), last=st.booleans())
def test_a_delivery_is_the_last_when_nothing_is_left_or_it_says_so(
    lines: list[Wanted], outstanding: dict[str, int], last: bool
) -> None:
    if checked(lines, outstanding) == []:
        come = {one.item: one.quantity for one in lines}
        left = sum(outstanding.values()) - sum(come.values())
        event = rules.event(Delivered(tuple(lines), DAY, last), outstanding)
        assert event is (Event.LAST_DELIVERY if last or left == 0 else Event.REGISTER_DELIVERY)


@given(days=st.integers(min_value=-40, max_value=40), ended=st.integers(min_value=-5, max_value=5))
def test_only_days_of_the_order_pass(days: int, ended: int) -> None:
    on, last_day = DAY - timedelta(days=days), DAY + timedelta(days=ended)
    new = Delivered((Wanted("alarm", 1),), on)
    placed_on = DAY - timedelta(days=35)
    found = {type(one) for one in rules.check(new, {"alarm": 1}, placed_on=placed_on, last_day=last_day, today=DAY)}
    assert found == {
        problem
        for problem, broken in (
            (rules.DeliveredBeforeOrder, on < placed_on),
            (rules.DeliveredInFuture, days < 0),
            (rules.DeliveredAfterEnd, on > last_day),
            (rules.LateReportUnexplained, days > 30),
        )
        if broken
    }


@given(now=standings(), rejected=st.lists(st.builds(Rejected, items, st.integers(1, 60)), max_size=4))
def test_no_complaint_rejects_more_than_has_come(now: list[Standing], rejected: list[Rejected]) -> None:
    delivered = {one.line.item: one.delivered for one in now}
    missing = any(one.outstanding for one in now)
    found = complaints.check(rejected, delivered, missing=missing)
    fits = all(one.quantity <= delivered.get(one.item, 0) for one in rejected)
    once = len({one.item for one in rejected}) == len(rejected)
    assert (found == []) is (fits and once and (missing or bool(rejected)))


@given(
    now=standings(),
    agreed=st.lists(st.builds(Agreed, items, ore, st.none() | counts), max_size=4),
    rejected=st.sets(items),
)
def test_a_settlement_never_posts_more_than_the_order_gives_for_what_is_kept(
    now: list[Standing], agreed: list[Agreed], rejected: set[str]
) -> None:
    if acceptances.check_settlement(agreed, now, rejected):
        return
    value = acceptances.settled(agreed, now)
    prices = {one.line.item: one.line.unit_price for one in now}
    for one in value:
        assert one.quantity is not None
        assert one.amount <= one.quantity * prices[one.item]
    assert {one.item for one in value} == {one.line.item for one in now if one.delivered}


@given(now=standings())
def test_what_is_accepted_and_closed_leaves_exactly_what_came(now: list[Standing]) -> None:
    """The ledger of an order from reservation to close: what came is posted at its price, and nothing stays."""
    key = {one.line.item: (one.line.product, one.line.component) for one in now}
    held = [
        Moved(item, *key[item], quantity_reserved=one.expected, reserved=one.expected * one.line.unit_price)
        for one in now
        for item in [one.line.item]
    ]
    posted = acceptances.posted(acceptances.settled([], now), now)
    after = {one.item: one for one in changed((), (*held, *posted))}
    for one in now:
        left = after.get(one.line.item, Moved(one.line.item, None, None))
        assert (left.quantity_reserved, left.quantity_posted) == (one.outstanding, one.delivered)
        assert left.reserved == one.outstanding * one.line.unit_price
        assert left.posted == one.delivered * one.line.unit_price


answers = st.sampled_from(["valid", "not_valid", "unknown", "new word"])


@given(said=st.dictionaries(items, answers), asked=st.sets(items, min_size=1))
def test_nothing_counts_as_certified_on_a_guess(said: dict[str, str], asked: set[str]) -> None:
    verdicts = [Verdict(item, answer, "", None, None, "") for item, answer in said.items()]
    every = {said.get(item, "nobody said") for item in asked}
    expected = (
        Outcome.PENDING
        if every - {"valid", "not_valid"}
        else Outcome.NOT_VALID
        if "not_valid" in every
        else Outcome.VALID
    )
    assert rules.outcome(sorted(asked), verdicts) is expected


def test_a_catalogue_that_is_away_is_not_asked_about_the_next_product() -> None:
    asked: list[str] = []

    def verify(product: str) -> Verdict:
        asked.append(product)
        if product == "b":
            raise CertificationUnknown("away")
        return Verdict(product, "valid", "certified", None, None, "")

    said = rules.said(["a", "b", "c"], verify)
    assert asked == ["a", "b"]
    assert [(one.product, one.answer) for one in said] == [("a", "valid"), ("b", "unknown")]
    assert rules.outcome(["a", "b", "c"], said) is Outcome.PENDING


def test_accepting_waits_for_an_answer_and_explains_what_was_not_certified() -> None:
    def types(outcomes: set[Outcome], reason: str | None) -> list[str]:
        return [type(one).__name__ for one in acceptances.check_certified(outcomes, reason)]

    assert types(set(), None) == types({Outcome.VALID}, None) == []
    assert types({Outcome.VALID, Outcome.NOT_VALID}, None) == ["NotCertifiedUnexplained"]
    assert types({Outcome.NOT_VALID}, "Byttes senere") == []
    assert types({Outcome.NOT_VALID, Outcome.PENDING}, "Byttes senere") == ["CertificationPending"]
