"""When a call-off may be placed, and what a framework agreement's terms must be."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.agreements.calloffs import rules
from services.agreements.framework_steps import rules as framework_steps
from services.agreements.frameworks import rules as frameworks
from services.agreements.frameworks.rules import Band, LotTerms, Maximum, Method, Period, Terms

TERMS = rules.Terms(
    active=True,
    state="active",
    starts_on=date(2026, 1, 1),
    ends_on=date(2026, 12, 31),
    entitled=True,
    acceded=True,
    delivery_days_after_end=10,
)
WANTED = [rules.Wanted("alarm", 1)]
TODAY = date(2026, 6, 1)


def refusals(terms: rules.Terms = TERMS, **given: object) -> list[str]:
    arguments = {"wanted": WANTED, "offered": {"alarm"}, "needed_on": TODAY, "today": TODAY} | given
    return [type(one).__name__ for one in rules.check(terms, **arguments)]  # type: ignore[arg-type]  # a mix


def test_within_its_terms_nothing_is_refused() -> None:
    assert refusals() == []


@pytest.mark.parametrize("today", [TERMS.starts_on, TERMS.ends_on])
def test_the_first_and_the_last_day_are_within_the_period(today: date) -> None:
    assert refusals(today=today, needed_on=today) == []


@pytest.mark.parametrize("today", [date(2025, 12, 31), date(2027, 1, 1)])
def test_a_day_before_or_after_is_not(today: date) -> None:
    assert refusals(today=today, needed_on=today) == ["OutsidePeriod"]


def test_all_that_is_wrong_is_told_at_once_the_gravest_first() -> None:
    terms = replace(TERMS, active=False, state="suspended", ends_on=date(2026, 2, 1), entitled=False)
    wanted = [rules.Wanted("alarm", 1), rules.Wanted("alarm", 2), rules.Wanted("sofa", 1)]
    assert refusals(terms, wanted=wanted, needed_on=date(2026, 1, 1)) == [
        "NotEntitled",
        "AgreementNotOpen",
        "OutsidePeriod",
        "NeededTooEarly",
        "ItemTwice",
        "ItemUnknown",
    ]


def test_a_participant_that_has_not_acceded_cannot_order() -> None:
    assert refusals(replace(TERMS, acceded=False)) == ["AccessionNotActive"]


def test_delivery_after_the_agreements_end_only_within_the_lots_limit() -> None:
    assert refusals(needed_on=date(2027, 1, 10)) == []
    assert refusals(needed_on=date(2027, 1, 11)) == ["DeliveryTooLate"]


def test_up_to_the_approval_limit_one_request_does_all() -> None:
    limit = Decimal("500000.00")
    assert rules.first_events(limit, limit) == (rules.Event.RESERVE, rules.Event.APPROVE, rules.Event.SEND)
    assert rules.first_events(limit + Decimal("0.01"), limit) == (rules.Event.RESERVE,)


@pytest.mark.parametrize(
    ("ends_on", "rationale", "refused"),
    [
        (date(2030, 2, 28), None, False),
        (date(2030, 3, 1), None, True),
        (date(2030, 3, 1), "Investering som avskrives over seks år", False),
        (date(2026, 2, 28), None, True),
    ],
)
def test_more_than_four_years_need_a_reason(ends_on: date, rationale: str | None, refused: bool) -> None:
    assert bool(frameworks.check_period(Period(date(2026, 3, 1), ends_on, rationale))) is refused


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)))
def test_exactly_four_years_are_always_allowed(starts_on: date) -> None:
    last = frameworks._four_years_after(starts_on) - date.resolution
    assert frameworks.check_period(Period(starts_on, last, None)) == []
    assert frameworks.check_period(Period(starts_on, last + date.resolution, None))


LOT = LotTerms("en", Maximum(None), (Band(Decimal(0), Method.RANKING),))
WHOLE = Terms(
    Period(date(2026, 1, 1), date(2029, 12, 31), None),
    notice_reference="2026-1",
    cpv=("48000000",),
    estimate=Decimal(100),
    maximum=Maximum(Decimal(100), (("alarm", 10),)),
    accession_from_on=date(2026, 1, 1),
    accession_to_on=date(2029, 12, 31),
    lots=(LOT,),
    participants=(("964983291", Maximum(None)),),
)


def told(**changes: object) -> list[tuple[str, str | None]]:
    found = framework_steps.check_announcement(replace(WHOLE, **changes))  # type: ignore[arg-type]  # a mix
    return [(type(one).__name__, one.pointer) for one in found]


def test_whole_terms_can_be_announced() -> None:
    assert told() == []
    assert told(maximum=Maximum(None, (("alarm", 10),))) == [], "a maximum may be in quantities alone"


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"estimate": Decimal("100.01")}, [("CeilingInvalid", "#/estimate_excl_vat")]),
        (
            {"lots": (LOT, replace(LOT, slug="to", maximum=Maximum(Decimal(101), (("alarm", 11), ("dor", 99)))))},
            [("CeilingInvalid", "#/lots/1/ceiling_excl_vat"), ("CeilingInvalid", "#/lots/1/quantities/0/maximum")],
        ),
        ({"lots": (LOT, LOT)}, [("NameRepeated", "#/lots/1/slug")]),
        (
            {"participants": (("1", Maximum(Decimal(101))), ("1", Maximum(None, (("a", 1), ("a", 2)))))},
            [
                ("CeilingInvalid", "#/participants/0/ceiling_excl_vat"),
                ("ParticipantRepeated", "#/participants/1"),
                ("ItemRepeated", "#/participants/1/quantities/1/item"),
            ],
        ),
        ({"accession_to_on": date(2030, 1, 1)}, [("AccessionWindowInvalid", "#/accession_to_on")]),
        ({"accession_to_on": date(2025, 1, 1)}, [("AccessionWindowInvalid", "#/accession_to_on")]),
        (
            {"accession_from_on": None},
            [("AccessionWindowInvalid", "#/accession_from_on"), ("AnnouncementIncomplete", "#/accession_from_on")],
        ),
        ({"maximum": Maximum(None)}, [("AnnouncementIncomplete", "#/ceiling_excl_vat")]),
        (
            {"lots": (replace(LOT, bands=()),), "cpv": (), "notice_reference": None},
            [
                ("AnnouncementIncomplete", "#/notice_reference"),
                ("AnnouncementIncomplete", "#/cpv"),
                ("AnnouncementIncomplete", "#/lots/0/bands"),
            ],
        ),
    ],
    ids=str,
)
def test_terms_that_do_not_hold_together_are_told_all_at_once(
    changes: dict[str, object], refused: list[tuple[str, str]]
) -> None:
    assert told(**changes) == refused


@pytest.mark.parametrize(
    ("lot", "refused"),
    [
        ({"bands": (Band(Decimal(1), Method.RANKING),)}, ["bands/0/from_excl_vat"]),
        ({"bands": (Band(Decimal(0), Method.RANKING), Band(Decimal(0), Method.ROTATION))}, ["bands/1/from_excl_vat"]),
        ({"bands": (Band(Decimal(0), Method.OBJECTIVE_CONDITIONS),)}, ["conditions"]),
        ({"bands": (Band(Decimal(0), Method.OBJECTIVE_CONDITIONS),), "conditions": ("a",)}, []),
        ({"conditions": ("a", "b", "a")}, ["conditions/2/code"]),
        ({"specification": "x"}, ["specification_version"]),
        ({"specification_version": "1.0"}, ["specification"]),
        ({"specification": "x", "specification_version": "1.0"}, []),
        ({"delivery_obligation": False, "grounds": ("a",)}, ["decline_grounds"]),
        ({"delivery_obligation": True, "grounds": ("a", "a")}, ["decline_grounds/1/code"]),
    ],
    ids=str,
)
def test_a_lots_terms_must_hold_together(lot: dict[str, object], refused: list[str]) -> None:
    changed = replace(LOT, **lot)  # type: ignore[arg-type]  # a mix
    assert [pointer for _, pointer in told(lots=(changed,))] == [f"#/lots/0/{one}" for one in refused]


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=6))
def test_bands_are_accepted_when_they_begin_at_nought_and_rise_and_only_then(starts: list[int]) -> None:
    bands = tuple(Band(Decimal(one) / 100, Method.RANKING) for one in starts)
    holds = starts[0] == 0 and all(a < b for a, b in pairwise(starts))
    assert (told(lots=(replace(LOT, bands=bands),)) == []) is holds


@pytest.mark.parametrize(
    ("value", "quantities", "reached"),
    [
        ((Decimal(10), Decimal("9.99")), [], False),
        ((Decimal(10), Decimal(10)), [], True),
        ((Decimal(10), Decimal(0)), [(Decimal(1), Decimal(1))], False),
        ((None, Decimal(10**9)), [], False),
        ((None, Decimal(0)), [(Decimal(1), Decimal(1)), (Decimal(2), Decimal(1))], False),
        ((None, Decimal(0)), [(Decimal(1), Decimal(1)), (Decimal(2), Decimal(2))], True),
        ((Decimal(0), Decimal(0)), [], False),
    ],
)
def test_an_agreement_is_exhausted_when_what_is_posted_reaches_its_maximum(
    value: tuple[Decimal | None, Decimal], quantities: list[tuple[Decimal, Decimal]], reached: bool
) -> None:
    assert frameworks.reached(value, quantities) is reached


@pytest.mark.parametrize(
    ("used", "warned"),
    [
        ("79.99", []),
        ("80.00", [80]),
        ("89.99", [80]),
        ("90.00", [80, 90]),
        ("100.00", [80, 90, 100]),
        ("250.00", [80, 90, 100]),
    ],
)
def test_an_estimate_warns_at_80_90_and_100_per_cent(used: str, warned: list[int]) -> None:
    assert frameworks.warned(Decimal(100), Decimal(used)) == warned
    assert frameworks.warned(None, Decimal(used)) == []
