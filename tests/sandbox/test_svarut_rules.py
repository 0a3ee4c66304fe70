"""The table by which letters move, what time does to them, and the numbers that may receive them."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.no import orgnr

from services.integration.sandbox.letter_contents import rules as contents
from services.integration.sandbox.svarut import rules
from services.integration.sandbox.svarut.rules import MOVES, Channel, Course, Status, Step
from services.integration.sandbox.svarut_time.rules import Pace, after_working_hours

START = datetime(2026, 1, 1, tzinfo=UTC)
PAUSE = timedelta(seconds=2)
OSLO = ZoneInfo("Europe/Oslo")
LAST = {Status.SLETTET}
STAYS = {Status.KLAR_FOR_MOTTAK, Status.LEVERT_SDP, Status.PRINTET, Status.IKKE_LEVERT, Status.LEVERT_NHN_MOTTAKER}
"""Where time leaves a letter."""


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


def way(course: Course) -> list[str]:
    """All that time does to a letter."""
    never = datetime(2100, 1, 1, tzinfo=UTC)
    return [status.value for status, _ in rules.passed(course, Status.MOTTATT, START, never, PAUSE)]


@pytest.mark.parametrize(
    ("course", "passed"),
    [
        (Course(Channel.SVARINN), "AKSEPTERT KLAR_FOR_MOTTAK"),
        (Course(Channel.ALTINN), "AKSEPTERT VARSLET SENDT_PRINT PRINTET"),
        (Course(Channel.ALTINN, digital_only=True), "AKSEPTERT VARSLET SENDT_DIGITALT"),
        (Course(Channel.ALTINN, forwards_unread=False), "AKSEPTERT VARSLET"),
        (Course(Channel.MAILBOX), "AKSEPTERT SENDT_SDP LEVERT_SDP"),
        (Course(Channel.HEALTH), "AKSEPTERT SENDT_NHN_MOTTAKER LEVERT_NHN_MOTTAKER"),
        (Course(Channel.PRINT), "AKSEPTERT SENDT_PRINT PRINTET"),
        (Course(Channel.NONE), "AKSEPTERT IKKE_LEVERT"),
        (Course(Channel.SVARINN, fate=Status.MOTTATT), ""),
        (Course(Channel.SVARINN, fate=Status.AKSEPTERT), "AKSEPTERT"),
        (Course(Channel.SVARINN, fate=Status.AVVIST), "AVVIST"),
        (Course(Channel.SVARINN, fate=Status.FEILET_UNDER_MOTTAK), "FEILET_UNDER_MOTTAK"),
        (Course(Channel.SVARINN, fate=Status.IKKE_LEVERT), "AKSEPTERT IKKE_LEVERT"),
        (Course(Channel.SVARINN, fate=Status.PRINTET), "AKSEPTERT SENDT_PRINT PRINTET"),
        (Course(Channel.SVARINN, fate=Status.SENDT_PRINT), "AKSEPTERT SENDT_PRINT"),
        (Course(Channel.SVARINN, fate=Status.LEST), "AKSEPTERT KLAR_FOR_MOTTAK LEST"),
        (Course(Channel.PRINT, fate=Status.MANUELT_HANDTERT), "AKSEPTERT SENDT_PRINT MANUELT_HANDTERT"),
    ],
)
def test_a_letter_goes_its_way_or_to_its_fate(course: Course, passed: str) -> None:
    assert way(course) == passed.split()


@given(st.sampled_from(Channel), st.booleans(), st.booleans(), st.sampled_from(Status))
def test_whatever_its_course_a_letter_takes_only_steps_of_the_table(
    channel: Channel, digital_only: bool, forwards: bool, fate: Status
) -> None:
    seen = ["MOTTATT", *way(Course(channel, digital_only, forwards, fate))]

    for before, after in itertools.pairwise(seen):
        assert Status(after) in {end for (start, _), end in MOVES.items() if start == before}
    assert seen[-1] == fate or Status(seen[-1]) in STAYS


@pytest.mark.parametrize(
    ("seconds", "status", "since"),
    [(0, "MOTTATT", 0), (1.9, "MOTTATT", 0), (2, "AKSEPTERT", 2), (3.9, "AKSEPTERT", 2), (99, "KLAR_FOR_MOTTAK", 4)],
)
def test_time_takes_one_step_after_each_pause(seconds: float, status: str, since: float) -> None:
    course = Course(Channel.SVARINN)

    assert rules.by_now(course, Status.MOTTATT, START, START + timedelta(seconds=seconds), PAUSE) == (
        Status(status),
        START + timedelta(seconds=since),
    )


def oslo(*numbers: int) -> datetime:
    return datetime(*numbers, tzinfo=OSLO)  # type: ignore[arg-type, misc]  # year, month, day, hour


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (oslo(2026, 11, 30, 8), oslo(2026, 12, 2, 0)),  # Monday morning
        (oslo(2026, 12, 4, 12), oslo(2026, 12, 8, 4)),  # Friday noon: twelve hours of it, and a week-end
        (oslo(2026, 12, 5, 12), oslo(2026, 12, 8, 16)),  # Saturday counts from Monday
        (oslo(2026, 12, 24, 0), oslo(2026, 12, 28, 16)),  # Christmas Eve is a working day, the two after it are not
        (oslo(2026, 4, 1, 12), oslo(2026, 4, 8, 4)),  # Easter: from Maundy Thursday to Easter Monday nothing counts
    ],
)
def test_forty_hours_are_counted_on_working_days(start: datetime, end: datetime) -> None:
    assert after_working_hours(start, 40) == end
    assert after_working_hours(start.astimezone(UTC), 40).tzinfo is UTC


def test_the_hour_that_summer_time_takes_is_not_counted() -> None:
    """It is taken on a Sunday, which does not count at all; and a later hour is never an earlier end."""
    ends = [after_working_hours(oslo(2026, 3, 27, 0) + timedelta(hours=hour), 40) for hour in range(200)]

    assert ends == sorted(ends)


def test_an_unread_letter_in_altinn_goes_on_after_its_reading_deadline() -> None:
    course, since = Course(Channel.ALTINN), oslo(2026, 11, 30, 8)
    deadline = oslo(2026, 12, 2, 0)

    before = rules.by_now(course, Status.VARSLET, since, deadline - timedelta(seconds=1), PAUSE)
    assert before == (Status.VARSLET, since)
    assert rules.by_now(course, Status.VARSLET, since, deadline, PAUSE) == (Status.SENDT_PRINT, deadline)


def test_time_runs_as_fast_as_it_is_told_and_never_back() -> None:
    pace = Pace(START, START + timedelta(days=1), 3600)

    assert pace.at(START) == START + timedelta(days=1)
    assert pace.at(START + timedelta(seconds=2)) == START + timedelta(days=1, hours=2)
    assert pace.at(START - timedelta(seconds=9)) == START + timedelta(days=1)


@pytest.mark.parametrize(
    ("status", "before", "shown"),
    [
        ("FEILET_UNDER_MOTTAK", None, "AVVIST"),
        ("SLETTET", "LEST", "LEST"),
        ("SLETTET", None, "MANUELT_HANDTERT"),
        ("LEVERT_NHN_MOTTAKER", None, "AKSEPTERT"),
        *((status, None, status) for status in ("MOTTATT", "VARSLET", "PRINTET", "IKKE_LEVERT")),
    ],
)
def test_older_versions_know_thirteen_statuses(status: str, before: str | None, shown: str) -> None:
    assert rules.for_older_versions(Status(status), Status(before) if before else None) == shown


def test_no_status_is_without_words_and_thirteen_are_shown_to_older_versions() -> None:
    assert set(rules.TOLD) == set(Status)
    shown = {rules.for_older_versions(status, Status.LEST) for status in Status}
    assert len(shown) == 13


@given(st.integers(0, 10**9 - 1).map(lambda number: f"{number:09}"))
def test_an_organisation_number_is_what_modulus_11_says(number: str) -> None:
    assert contents.is_organisation_number(number) == orgnr.is_valid(number)


@pytest.mark.parametrize("number", ["100000008", "964983291"])
def test_a_right_organisation_number_passes(number: str) -> None:
    assert contents.is_organisation_number(number)


@pytest.mark.parametrize("number", ["12837532157", "04918321433", "23869040584", "30816829867"])
def test_a_synthetic_person_passes(number: str) -> None:
    assert contents.is_synthetic_person(number)


@given(st.integers(0, 99), st.integers(0, 80), st.integers(0, 10**7 - 1))
def test_no_number_of_a_real_person_passes(day: int, month: int, rest: int) -> None:
    assert not contents.is_synthetic_person(f"{day:02}{month:02}{rest:07}")


@given(st.integers(0, 10))
def test_a_wrong_control_digit_does_not_pass(at: int) -> None:
    right = "12837532157"
    wrong = right[:at] + str((int(right[at]) + 1) % 10) + right[at + 1 :]

    assert not contents.is_synthetic_person(wrong)
