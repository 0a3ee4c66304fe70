"""What state a version is in on a day, and what its requirements may be."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product as every

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.requirements import rules as requirements
from services.catalog.requirements.rules import Method, Obligation, Requirement
from services.catalog.specifications import rules
from services.catalog.specifications.rules import Event, EventKind, Status, Step, Timeline

DAY = date(2026, 6, 1)
NOW = datetime(2026, 5, 1, tzinfo=UTC)


def timeline(*events: tuple[EventKind, int]) -> Timeline:
    """Events by day, recorded one minute after the other."""
    return Timeline(
        tuple(
            Event(kind, DAY + timedelta(days=days), NOW + timedelta(minutes=place))
            for place, (kind, days) in enumerate(events)
        )
    )


HISTORIES = {
    Status.DRAFT: timeline(),
    Status.NOT_YET_EFFECTIVE: timeline((EventKind.PUBLISHED, 10)),
    Status.EFFECTIVE: timeline((EventKind.PUBLISHED, -10)),
    Status.WARNED: timeline((EventKind.PUBLISHED, -10), (EventKind.WARNED, -5)),
    Status.ENDED: timeline((EventKind.PUBLISHED, -10), (EventKind.ENDED, -5)),
}


@pytest.mark.parametrize("status", Status)
def test_a_version_is_in_the_state_that_its_events_say(status: Status) -> None:
    assert HISTORIES[status].status(DAY) is status
    assert HISTORIES[status].in_force(DAY) == (status in {Status.EFFECTIVE, Status.WARNED})


@pytest.mark.parametrize(("status", "step"), list(every(Status, Step)))
def test_only_some_steps_can_be_taken_from_a_state(status: Status, step: Step) -> None:
    found = rules.check_step(HISTORIES[status], step, DAY, DAY, reason="vedtak", requirements=3)
    allowed = {
        (Status.DRAFT, Step.PUBLISH),
        (Status.EFFECTIVE, Step.WARN),
        (Status.EFFECTIVE, Step.END),
        (Status.WARNED, Step.END),
    }
    assert [type(one) for one in found] == ([] if (status, step) in allowed else [rules.VersionStepRefused])


def test_a_version_that_is_published_for_later_cannot_be_published_again() -> None:
    found = rules.check_step(timeline((EventKind.PUBLISHED, 10)), Step.PUBLISH, DAY, DAY, reason=None, requirements=1)
    assert [type(one) for one in found] == [rules.VersionStepRefused]


def test_everything_wrong_with_a_publication_is_told() -> None:
    yesterday = DAY - timedelta(days=1)
    found = rules.check_step(timeline(), Step.PUBLISH, yesterday, DAY, reason=None, requirements=0)
    assert [type(one) for one in found] == [rules.VersionEmpty, rules.PublicationBackDated]
    assert rules.check_step(timeline(), Step.PUBLISH, yesterday, DAY, reason="Vedtatt da", requirements=1) == []


@given(
    st.lists(st.tuples(st.sampled_from(EventKind), st.integers(-30, 30)), max_size=6),
    st.integers(-30, 30),
    st.integers(0, 6),
)
def test_what_was_known_of_a_day_never_changes(events: list[tuple[EventKind, int]], day: int, known: int) -> None:
    whole, part = timeline(*events), timeline(*events[:known])
    instant = NOW + timedelta(minutes=known) - timedelta(seconds=1)
    assert whole.known_at(instant).status(DAY + timedelta(days=day)) is part.status(DAY + timedelta(days=day))


@given(st.lists(st.tuples(st.sampled_from(EventKind), st.integers(-30, 30)), max_size=6), st.integers(-30, 29))
def test_a_version_that_has_ended_stays_so(events: list[tuple[EventKind, int]], day: int) -> None:
    told = timeline(*events)
    if told.status(DAY + timedelta(days=day)) is Status.ENDED:
        assert told.status(DAY + timedelta(days=day + 1)) is Status.ENDED


@given(st.lists(st.tuples(st.sampled_from(EventKind), st.integers(-30, 30)), max_size=6), st.integers(-30, 30))
def test_a_state_changes_only_on_the_next_turn(events: list[tuple[EventKind, int]], day: int) -> None:
    told, today = timeline(*events), DAY + timedelta(days=day)
    turn = rules.next_turn([told], today)
    last = turn - timedelta(days=1) if turn else today + timedelta(days=90)
    assert rules.summed_up([told], today) is rules.summed_up([told], last)


@pytest.mark.parametrize(
    ("national", "owner", "caller", "editor", "refused"),
    [
        (True, "1", "1", False, True),
        (True, "1", "2", True, False),
        (False, "1", "1", False, False),
        (False, "1", "2", False, True),
        (False, "1", "2", True, False),
        (False, None, "2", False, True),
    ],
)
def test_the_owner_changes_a_specification_and_editors_a_national_one(
    national: bool, owner: str | None, caller: str, editor: bool, refused: bool
) -> None:
    assert bool(rules.check_owner(national=national, owner=owner, caller=caller, editor=editor)) == refused


# ---- Requirements

KNOWN = Requirement("K-1", Obligation.MUST, {"nb": "Krav"})


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (KNOWN, []),
        (Requirement("K-1", Obligation.SHOULD, {"nb": "Krav"}), [("RequirementIdReused", "id")]),
        (Requirement("K-1", Obligation.MUST, {"nb": "Krav", "nn": "Krav"}), [("RequirementIdReused", "id")]),
        (Requirement("K-1", Obligation.MUST, {"nb": "Krav"}, method=Method.TEST), [("RequirementIdReused", "id")]),
        (Requirement("K-1", Obligation.MUST, {"nb": "Krav"}, replaces="K-0"), [("RequirementIdReused", "replaces")]),
        (Requirement("K-2", Obligation.MUST, {"nb": "Nytt"}, replaces="K-1"), []),
        (Requirement("K-2", Obligation.MUST, {"nb": "Nytt"}, replaces="K-2"), [("ReplacedUnknown", "replaces")]),
        (Requirement("K-2", Obligation.MUST, {"nb": "Nytt"}, replaces="K-7"), [("ReplacedUnknown", "replaces")]),
    ],
)
def test_an_id_means_one_thing_and_replaces_what_is_known(one: Requirement, expected: list[tuple[str, str]]) -> None:
    found = requirements.check_set([one], {"K-1": KNOWN}, "#/rows/{}".format)
    assert [(type(problem).__name__, problem.pointer) for problem in found] == [
        (kind, f"#/rows/0/{where}") for kind, where in expected
    ]


def test_what_is_replaced_does_not_stand_beside_what_replaces_it() -> None:
    new = Requirement("K-2", Obligation.MUST, {"nb": "Nytt"}, replaces="K-1")
    found = requirements.check_set([KNOWN, new, new], {"K-1": KNOWN}, "#/{}".format)
    assert [type(one) for one in found] == [
        requirements.ReplacedStillThere,
        requirements.RequirementRepeated,
        requirements.ReplacedStillThere,
    ]


def test_a_fingerprint_is_of_what_is_said_not_of_the_id() -> None:
    other = Requirement("K-9", Obligation.MUST, {"nb": "Krav"}, replaces="K-1")
    assert KNOWN.fingerprint() == other.fingerprint()
    assert KNOWN.fingerprint() != Requirement("K-1", Obligation.MAY, {"nb": "Krav"}).fingerprint()


def test_a_clause_is_one_of_the_register() -> None:
    wanted = [KNOWN, replace(KNOWN, clause=("wcag-2-1", "1.1.1")), replace(KNOWN, clause=("wcag-2-1", "9"))]
    found = requirements.check_clauses(wanted, {("wcag-2-1", "1.1.1")}, "#/rows/{}".format)
    assert [(type(one), one.pointer) for one in found] == [(requirements.ClauseUnknown, "#/rows/2/clause")]


def test_only_a_must_is_not_left_out_without_a_reason() -> None:
    followed = {1: KNOWN, 2: Requirement("K-2", Obligation.SHOULD, {"nb": "Bør"}), 3: KNOWN, 4: KNOWN}
    found = requirements.check_left(followed, kept=[3], reasons=[4], pointer="?reason")
    assert [type(one) for one in found] == [requirements.LeftWithoutReason]
