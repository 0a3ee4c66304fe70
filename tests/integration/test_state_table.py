"""How a dispatch moves, and what SvarUT's statuses mean for it."""

import itertools

import pytest

from services.integration.dispatches import rules
from services.integration.dispatches.rules import Event, MoveRefused, News, State

TABLE = """
queued: hand_over received, attempt_failed queued, give_up failed_final, reject failed, undelivered failed
queued: cancel cancelled
received: accept accepted, reject failed
accepted: notify notified, to_print in_print, read read, undelivered failed
notified: to_print in_print, read read, undelivered failed, print_instead queued
in_print: printed printed
read:
printed:
failed: retry queued, manual handled_manually, give_up failed_final, cancel cancelled
failed_final:
handled_manually:
cancelled:
"""
EXPECTED = {
    (State(state), Event(step.split()[0])): State(step.split()[1])
    for line in TABLE.strip().splitlines()
    for state, _, steps in [line.partition(":")]
    for step in steps.split(",")
    if step.strip()
}
SVARUT_STATUSES = [
    "MOTTATT",
    "AKSEPTERT",
    "AVVIST",
    "FEILET_UNDER_MOTTAK",
    "VARSLET",
    "SENDT_ALTINN",
    "LEVERT_ALTINN",
    "SENDT_DIGITALT",
    "SENDT_SDP",
    "LEVERT_SDP",
    "KLAR_FOR_MOTTAK",
    "SENDT_NHN_MOTTAKER",
    "LEVERT_NHN_MOTTAKER",
    "SENDT_PRINT",
    "PRINTET",
    "LEST",
    "IKKE_LEVERT",
    "MANUELT_HANDTERT",
    "SLETTET",
]


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_every_step_leads_where_the_table_says_or_is_refused(state: State, event: Event) -> None:
    if (state, event) in EXPECTED:
        assert rules.after(state, event) is EXPECTED[state, event]
    else:
        with pytest.raises(MoveRefused):
            rules.after(state, event)


def test_every_state_can_be_reached_and_only_the_last_have_no_way_out() -> None:
    reached = {State.QUEUED}
    while more := {to for (state, _), to in rules.MOVES.items() if state in reached} - reached:
        reached |= more
    assert reached == set(State)
    assert set(State) - {state for state, _ in rules.MOVES} == rules.TERMINAL


@pytest.mark.parametrize(
    ("state", "status", "steps", "noted"),
    [
        ("received", "MOTTATT", "", None),
        ("received", "AKSEPTERT", "accept", None),
        ("received", "AVVIST", "reject", None),
        ("received", "FEILET_UNDER_MOTTAK", "reject", None),
        ("received", "VARSLET", "accept notify", None),
        ("received", "KLAR_FOR_MOTTAK", "accept notify", None),
        ("received", "SENDT_PRINT", "accept to_print", None),
        ("received", "PRINTET", "accept to_print printed", None),
        ("received", "LEST", "accept read", None),
        ("received", "IKKE_LEVERT", "accept undelivered", None),
        ("received", "MANUELT_HANDTERT", "accept undelivered manual", None),
        ("received", "SLETTET", "", None),
        ("accepted", "AVVIST", "undelivered", None),
        ("accepted", "LEST", "read", None),
        ("accepted", "MOTTATT", "", None),
        ("notified", "SENDT_DIGITALT", "", None),
        ("notified", "LEVERT_SDP", "", None),
        ("notified", "PRINTET", "to_print printed", None),
        ("notified", "AKSEPTERT", "", None),
        ("in_print", "PRINTET", "printed", None),
        ("in_print", "LEST", "", "read"),
        ("in_print", "IKKE_LEVERT", "", "undelivered"),
        ("printed", "LEST", "", "read"),
        ("read", "LEST", "", None),
        ("failed", "IKKE_LEVERT", "", None),
        ("failed", "MANUELT_HANDTERT", "manual", None),
        ("queued", "VARSLET", "hand_over accept notify", None),
        ("queued", "AVVIST", "hand_over reject", None),
    ],
)
def test_a_status_takes_the_steps_that_were_missed_in_order(
    state: str, status: str, steps: str, noted: str | None
) -> None:
    expected = News(tuple(Event(step) for step in steps.split()), Event(noted) if noted else None)
    assert rules.news(State(state), status) == expected


@pytest.mark.parametrize(("state", "status"), list(itertools.product(State, SVARUT_STATUSES)))
def test_steps_from_a_status_are_always_allowed_and_never_repeat(state: State, status: str) -> None:
    said = rules.news(state, status)
    for step in said.steps:
        state = rules.after(state, step)
    assert not rules.news(state, status).steps
    assert not said.unknown


@pytest.mark.parametrize("state", State)
def test_a_status_that_nobody_knows_changes_nothing(state: State) -> None:
    assert rules.news(state, "SENDT_MED_BRUEDUE") == News(unknown=True)


def test_every_last_status_is_one_that_svarut_has() -> None:
    assert set(SVARUT_STATUSES) >= rules.LAST_STATUSES
    assert set(rules.MEANINGS) == set(SVARUT_STATUSES)
