"""An accession's rules, by tables: its states, its window, its days, on what basis, and for whom."""

from datetime import date, timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.agreements.accessions import rules
from services.agreements.accessions.rules import Basis, CoOperation, Event, Party, State, Unit
from services.agreements.frameworks.rules import State as AgreementState

TODAY = date(2026, 11, 29)
TERMS = rules.Terms(
    AgreementState.ANNOUNCED, date(2027, 2, 1), date(2031, 1, 31), date(2026, 11, 1), date(2026, 12, 31), 90
)


def id(name: str) -> UUID:
    return uuid5(UUID(int=0), name)


def party(name: str, *kinds: str) -> Party:
    return Party(id(name), name, name, frozenset(kinds))


HOST, MEMBER, HEIR, STRANGER = (party(name, "municipality") for name in ("host", "member", "heir", "stranger"))
COMPANY = party("company", "co_operation")


def co_operation(*units: Unit, host: str | None = None, name: str = "company") -> CoOperation:
    members = frozenset({HOST.id, MEMBER.id})
    return CoOperation(id(name), name, units, id(host) if host else None, members, frozenset({HEIR.id}))


def types(problems: list[Any]) -> list[str]:
    return [type(one).__name__ for one in problems]


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_an_accession_moves_by_its_table_or_not_at_all(state: State, event: Event) -> None:
    if (state, event) in rules.MOVES:
        assert rules.after(state, event) is rules.MOVES[state, event]
    else:
        with pytest.raises(rules.MoveRefused):
            rules.after(state, event)


def test_it_has_eight_states_and_eleven_moves_as_the_reference_says() -> None:
    assert [state.value for state in State] == [
        *("draft", "submitted", "approved", "rejected", "withdrawn", "active", "leaving", "ended")
    ]
    assert {(a.value, e.value, b.value) for (a, e), b in rules.MOVES.items()} == {
        ("draft", "submit", "submitted"),
        ("draft", "withdraw", "withdrawn"),
        ("submitted", "approve", "approved"),
        ("submitted", "reject", "rejected"),
        ("submitted", "withdraw", "withdrawn"),
        ("approved", "start", "active"),
        ("approved", "withdraw", "withdrawn"),
        ("active", "give_notice", "leaving"),
        ("active", "end", "ended"),
        ("leaving", "revoke_notice", "active"),
        ("leaving", "end", "ended"),
    }


def test_every_state_is_reached_and_finishes_and_nothing_leaves_an_end() -> None:
    moves = [(a, b) for (a, _), b in rules.MOVES.items()]
    assert reached({State.DRAFT}, moves) == set(State)
    assert reached(set(rules.TERMINAL), [(b, a) for a, b in moves]) == set(State)
    assert not [a for a, _ in moves if a in rules.TERMINAL]


def reached(start: set[State], moves: list[tuple[State, State]]) -> set[State]:
    found = set(start)
    while new := {b for a, b in moves if a in found} - found:
        found |= new
    return found


@pytest.mark.parametrize(
    ("day", "from_on", "to_on", "open"),
    [
        (date(2026, 10, 31), TERMS.from_on, TERMS.to_on, False),
        (date(2026, 11, 1), TERMS.from_on, TERMS.to_on, True),
        (date(2026, 12, 31), TERMS.from_on, TERMS.to_on, True),
        (date(2027, 1, 1), TERMS.from_on, TERMS.to_on, False),
        (date(2030, 1, 1), TERMS.from_on, None, True),
        (TODAY, None, None, False),
        (TODAY, None, TERMS.to_on, False),
    ],
)
def test_the_window_is_open_from_its_first_day_to_its_last(
    day: date, from_on: date | None, to_on: date | None, open: bool
) -> None:
    terms = rules.Terms(TERMS.state, TERMS.starts_on, TERMS.ends_on, from_on, to_on, 90)
    found = types(rules.check_submission(terms, "26/1", date(2026, 1, 1), day))
    assert found == ([] if open else ["AccessionWindowClosed"])


@pytest.mark.parametrize("state", list(AgreementState))
def test_an_agreement_takes_accessions_once_announced_and_until_it_is_over(state: AgreementState) -> None:
    terms = rules.Terms(state, TERMS.starts_on, TERMS.ends_on, None, None, 90)
    taken = state.value in ("announced", "standstill", "active", "suspended")
    assert types(rules.check_open(terms)) == ([] if taken else ["AgreementTakesNoAccessions"])


def test_all_that_a_submission_lacks_is_told_at_once() -> None:
    terms = rules.Terms(AgreementState.DRAFT, TERMS.starts_on, TERMS.ends_on, None, None, 90)
    found = rules.check_submission(terms, None, None, TODAY)
    assert [(type(one).__name__, one.pointer) for one in found] == [
        ("AgreementTakesNoAccessions", None),
        ("AccessionWindowClosed", None),
        ("DecisionMissing", "#/decision_reference"),
        ("DecisionMissing", "#/decided_on"),
    ]


@pytest.mark.parametrize(("days", "refused"), [(-400, []), (0, []), (1, ["DecisionInFuture"])])
def test_a_decision_has_been_made(days: int, refused: list[str]) -> None:
    decided_on = TODAY + timedelta(days=days)
    assert types(rules.check_submission(TERMS, "26/1", decided_on, TODAY)) == refused


COUNCIL = Unit("political_council", None)
KO, KO_PERSON = Unit("task_partnership", None), Unit("task_partnership", True)
IKS, HOSTED, NETWORK = Unit("intermunicipal_company", True), Unit("host_municipality", False), Unit("other", None)
SECTION_27, SECTION_27_PERSON = Unit("section_27", None), Unit("section_27", True)
JOINT = Unit("joint_municipality", True)


@pytest.mark.parametrize(
    ("basis", "who", "found", "refused"),
    [
        (Basis.OWN, HOST, None, []),
        (Basis.OWN, party("fylke", "county"), None, []),
        (Basis.OWN, party("fellesenhet", "joint_unit", "supplier"), None, []),
        (Basis.OWN, party("firma", "supplier"), None, ["NotContractingAuthority"]),
        (Basis.OWN, HOST, co_operation(IKS), ["CoverageUnfit"]),
        (Basis.OWN, COMPANY, None, ["CoOperationMissing"]),
        (Basis.OWN, COMPANY, co_operation(IKS), []),
        (Basis.OWN, COMPANY, co_operation(NETWORK), ["CoOperationCannotSign"]),
        (Basis.LEGAL_PERSON, COMPANY, None, ["CoOperationMissing"]),
        (Basis.LEGAL_PERSON, COMPANY, co_operation(IKS), []),
        (Basis.LEGAL_PERSON, COMPANY, co_operation(KO_PERSON), []),
        (Basis.LEGAL_PERSON, COMPANY, co_operation(KO), ["CoOperationCannotSign"]),
        (Basis.LEGAL_PERSON, COMPANY, co_operation(COUNCIL), ["CoOperationCannotSign"]),
        (Basis.LEGAL_PERSON, COMPANY, co_operation(SECTION_27), ["CoOperationCannotSign"]),
        (Basis.LEGAL_PERSON, COMPANY, co_operation(SECTION_27_PERSON), ["CoOperationCannotSign"]),
        (Basis.LEGAL_PERSON, COMPANY, co_operation(JOINT), ["CoOperationCannotSign"]),
        (Basis.LEGAL_PERSON, COMPANY, co_operation(SECTION_27_PERSON, IKS), []),
        (Basis.LEGAL_PERSON, COMPANY, co_operation(Unit("agreements", False)), ["CoOperationCannotSign"]),
        (Basis.LEGAL_PERSON, COMPANY, co_operation(Unit("association", None)), ["CoOperationCannotSign"]),
        (Basis.LEGAL_PERSON, COMPANY, co_operation(HOSTED, host="host"), ["CoOperationCannotSign"]),
        (Basis.LEGAL_PERSON, COMPANY, co_operation(IKS, name="another"), ["NotThisCoOperation"]),
        (Basis.LEGAL_PERSON, HOST, co_operation(IKS), ["NotThisCoOperation"]),
        (Basis.HOST, HOST, None, ["CoOperationMissing"]),
        (Basis.HOST, HOST, co_operation(HOSTED, host="host"), []),
        (Basis.HOST, HOST, co_operation(SECTION_27, HOSTED, host="host"), []),
        (Basis.HOST, MEMBER, co_operation(HOSTED, host="host"), ["NotThisCoOperation"]),
        (Basis.HOST, HOST, co_operation(HOSTED), ["CoOperationCannotSign"]),
        (Basis.HOST, HOST, co_operation(IKS, host="host"), ["CoOperationCannotSign"]),
        (Basis.HOST, HOST, co_operation(SECTION_27_PERSON, host="host"), ["CoOperationCannotSign"]),
    ],
)
def test_a_co_operation_orders_as_a_legal_person_or_through_its_host(
    basis: Basis, who: Party, found: CoOperation | None, refused: list[str]
) -> None:
    assert types(rules.check_basis(basis, who, "named" if found else None, found)) == refused


@pytest.mark.parametrize("basis", [Basis.LEGAL_PERSON, Basis.HOST])
def test_a_co_operation_that_the_catalogue_does_not_know_is_none(basis: Basis) -> None:
    assert types(rules.check_basis(basis, COMPANY, "no-such", None)) == ["CoOperationUnknown"]


@pytest.mark.parametrize(
    ("basis", "covered", "refused"),
    [
        (Basis.OWN, [], []),
        (Basis.OWN, [MEMBER], [("CoverageUnfit", "#/covered")]),
        (Basis.HOST, [], [("CoverageMissing", "#/covered")]),
        (Basis.HOST, [MEMBER], []),
        (Basis.HOST, [HOST, MEMBER], []),
        (Basis.HOST, [MEMBER, MEMBER], [("CoveredRepeated", "#/covered/1")]),
        (Basis.HOST, [HEIR], [("CoveredNotMember", "#/covered/0")]),
        (
            Basis.HOST,
            [MEMBER, STRANGER],
            [("CoveredNotOnAnnouncedList", "#/covered/1"), ("CoveredNotMember", "#/covered/1")],
        ),
        (Basis.LEGAL_PERSON, [MEMBER], []),
        (Basis.LEGAL_PERSON, [], [("CoverageMissing", "#/covered")]),
    ],
)
def test_each_who_is_ordered_for_is_named_in_the_notice_and_a_member(
    basis: Basis, covered: list[Party], refused: list[tuple[str, str]]
) -> None:
    found = co_operation(HOSTED, host="host")
    told = rules.check_coverage(basis, HOST, covered, found, {HOST.id, MEMBER.id, HEIR.id})
    assert [(type(one).__name__, one.pointer) for one in told] == refused


def test_membership_that_was_inherited_and_not_confirmed_is_told_as_that() -> None:
    (told,) = rules.check_coverage(Basis.HOST, HOST, [HEIR], co_operation(HOSTED, host="host"), {HEIR.id})
    assert "has inherited the membership and not confirmed it" in str(told.detail)


def test_a_host_orders_for_itself_and_a_legal_person_for_those_it_lists() -> None:
    listed = {"2": (MEMBER.id, "member")}
    own = (HOST.id, "1", "host")
    assert set(rules.covers(Basis.OWN, own, {})) == {"1"}
    assert set(rules.covers(Basis.HOST, own, listed)) == {"1", "2"}
    assert set(rules.covers(Basis.LEGAL_PERSON, own, listed)) == {"2"}
    assert set(rules.covers(Basis.LEGAL_PERSON, own, listed | {"1": (HOST.id, "host")})) == {"1", "2"}


@pytest.mark.parametrize(
    ("from_on", "to_on", "pointers"),
    [
        (None, None, []),
        (TODAY, None, []),
        (None, TODAY, []),
        (TODAY - timedelta(days=1), None, ["#/from_on"]),
        (None, TODAY - timedelta(days=1), ["#/to_on"]),
        (TODAY, TODAY, ["#/to_on"]),
    ],
)
def test_whom_one_orders_for_is_changed_for_today_or_later(
    from_on: date | None, to_on: date | None, pointers: list[str]
) -> None:
    assert [one.pointer for one in rules.check_coverage_day(from_on, to_on, TODAY)] == pointers


@pytest.mark.parametrize("state", list(State))
def test_whom_one_orders_for_is_changed_while_the_accession_is_not_over(state: State) -> None:
    assert bool(rules.check_coverage_open(Basis.HOST, state)) is (state in rules.TERMINAL)
    assert rules.check_coverage_open(Basis.OWN, state), "who accedes for itself lists nobody"


DAYS = st.dates(date(2026, 1, 1), date(2031, 12, 31))


@given(today=DAYS, wanted=st.none() | DAYS)
def test_the_first_day_that_is_proposed_can_be_used_while_the_agreement_lasts(today: date, wanted: date | None) -> None:
    day = rules.first_day(TERMS, wanted, today)
    assert day >= max(today, TERMS.starts_on)
    assert day == wanted or wanted is None or wanted < day
    assert bool(rules.check_first_day(TERMS, day, today)) is (day > TERMS.ends_on)


@given(today=st.dates(date(2027, 2, 1), TERMS.ends_on), days=st.integers(0, 800), binding=st.booleans())
def test_notice_runs_for_its_calendar_days_and_never_past_the_agreement(today: date, days: int, binding: bool) -> None:
    terms = rules.Terms(TERMS.state, TERMS.starts_on, TERMS.ends_on, None, None, days)
    last = rules.last_day(terms, binding=binding, today=today)
    assert today <= last <= TERMS.ends_on
    if binding:
        assert last == TERMS.ends_on
    else:
        assert last == today + timedelta(days=days) or last == TERMS.ends_on < today + timedelta(days=days)


@pytest.mark.parametrize(
    ("ends_on", "refused"),
    [(TODAY, []), (TODAY + timedelta(days=1), []), (TODAY - timedelta(days=1), ["NoticeRunOut"]), (None, [])],
)
def test_notice_is_taken_back_until_its_last_day(ends_on: date | None, refused: list[str]) -> None:
    assert types(rules.check_revocation(ends_on, TODAY)) == refused
