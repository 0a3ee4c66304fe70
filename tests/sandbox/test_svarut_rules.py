"""The table by which letters move, and the numbers that may receive them."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.no import orgnr

from services.integration.sandbox.svarut import rules
from services.integration.sandbox.svarut.rules import BY_ITSELF, MOVES, Kind, Status, Step

START = datetime(2026, 1, 1, tzinfo=UTC)
LAST = {Status.SLETTET}


def test_the_table_speaks_of_every_status_and_step() -> None:
    assert {before for before, _ in MOVES} == set(Status) - LAST
    assert {step for _, step in MOVES} == set(Step)
    assert set(MOVES.values()) == set(Status) - {Status.MOTTATT}


@pytest.mark.parametrize(("status", "wanted"), list(itertools.product(Status, Status)))
def test_a_status_is_reached_if_and_only_if_one_step_leads_there(status: Status, wanted: Status) -> None:
    if any(MOVES.get((status, step)) is wanted for step in Step):
        assert rules.reach(status, wanted) is wanted
    else:
        with pytest.raises(rules.StatusOutOfReach):
            rules.reach(status, wanted)


def test_what_happens_by_itself_is_in_the_table() -> None:
    assert all((status, step) in MOVES for (_, status), step in BY_ITSELF.items())


@pytest.mark.parametrize(
    ("seconds", "status", "since"),
    [(0, "MOTTATT", 0), (1.9, "MOTTATT", 0), (2, "AKSEPTERT", 2), (3.9, "AKSEPTERT", 2), (99, "KLAR_FOR_MOTTAK", 4)],
)
def test_time_takes_one_step_after_each_pause(seconds: float, status: str, since: float) -> None:
    pause = timedelta(seconds=2)

    assert rules.by_now(Kind.ORGANISATION, Status.MOTTATT, START, START + timedelta(seconds=seconds), pause) == (
        Status(status),
        START + timedelta(seconds=since),
    )


@given(st.integers(0, 10**9 - 1).map(lambda number: f"{number:09}"))
def test_an_organisation_number_is_what_modulus_11_says(number: str) -> None:
    assert rules.is_organisation_number(number) == orgnr.is_valid(number)


@pytest.mark.parametrize("number", ["100000008", "964983291"])
def test_a_right_organisation_number_passes(number: str) -> None:
    assert rules.is_organisation_number(number)


@pytest.mark.parametrize("number", ["12837532157", "04918321433", "23869040584", "30816829867"])
def test_a_synthetic_person_passes(number: str) -> None:
    assert rules.is_synthetic_person(number)


@given(st.integers(0, 99), st.integers(0, 80), st.integers(0, 10**7 - 1))
def test_no_number_of_a_real_person_passes(day: int, month: int, rest: int) -> None:
    assert not rules.is_synthetic_person(f"{day:02}{month:02}{rest:07}")


@given(st.integers(0, 10))
def test_a_wrong_control_digit_does_not_pass(at: int) -> None:
    right = "12837532157"
    wrong = right[:at] + str((int(right[at]) + 1) % 10) + right[at + 1 :]

    assert not rules.is_synthetic_person(wrong)
