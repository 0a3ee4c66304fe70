"""Who stands in whose place, and who is a member, for any history of mergers and splits."""

from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.co_operations import rules as co_operations
from services.catalog.co_operations.rules import Answer, Answers, Form, Membership, Status, Unit
from services.catalog.memberships import rules as memberships
from services.catalog.memberships.rules import AllocationState
from services.catalog.organisations import rules
from services.catalog.organisations.rules import Kind, Relation, Step
from services.catalog.periods.rules import Life, back_dating, day_before
from services.catalog.successions import rules as successions

DAY = date(2020, 1, 1)
LATER = date(2024, 1, 1)
LAW_27, LAW_28 = "kommuneloven 1992 § 27", "kommuneloven 1992 § 28-1 b"

History = tuple[dict[int, Life], dict[int, list[Step]]]


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Up to eight bodies that exist at first; now and then one ends, into one or several that live on."""
    lives = {one: Life(None, None) for one in range(draw(st.integers(2, 8)))}
    steps: dict[int, list[Step]] = {}
    day = DAY
    for _ in range(draw(st.integers(0, 6))):
        alive = [one for one, life in lives.items() if life.to_on is None]
        if len(alive) < 2:
            break
        day += timedelta(days=draw(st.integers(1, 900)))
        gone = draw(st.sampled_from(alive))
        heirs = draw(
            st.lists(st.sampled_from([one for one in alive if one != gone]), min_size=1, max_size=3, unique=True)
        )
        kind = Relation.SPLIT if len(heirs) > 1 else draw(st.sampled_from([Relation.MERGER, Relation.CONTINUED]))
        lives[gone] = Life(None, day_before(day))
        steps[gone] = [Step(gone, heir, kind, day) for heir in heirs]
    return lives, steps


DAYS = st.dates(date(2019, 1, 1), date(2040, 1, 1))


@given(histories(), DAYS)
def test_whoever_existed_has_somebody_in_its_place_and_only_who_exists(history: History, on: date) -> None:
    lives, steps = history
    for one in lives:
        found = rules.resolve(one, steps, lives, on)
        assert found
        assert all(lives[heir].includes(on) for heir, _ in found)
        assert len({heir for heir, _ in found}) == len(found)
        assert (found == [(one, Relation.SAME)]) == lives[one].includes(on)


@given(histories(), DAYS)
def test_several_in_ones_place_are_always_a_split(history: History, on: date) -> None:
    lives, steps = history
    for one in lives:
        found = rules.resolve(one, steps, lives, on)
        if len(found) > 1:
            assert {relation for _, relation in found} == {Relation.SPLIT}


@given(histories(), DAYS, st.data())
def test_each_counts_once_and_nobody_is_a_member_unasked(history: History, on: date, data: st.DataObject) -> None:
    lives, steps = history
    recorded = data.draw(st.lists(st.sampled_from(sorted(lives)), unique=True))
    found = co_operations.memberships(recorded, steps, lives, Answers(), on)
    ids = [one.organisation_id for one in found]
    assert len(ids) == len(set(ids))
    assert all(lives[one].includes(on) for one in ids)
    members = {one.organisation_id for one in found if one.status in co_operations.MEMBERS}
    direct = {one for one in recorded if lives[one].includes(on)}
    continued = {
        heir
        for one in recorded
        for heir, relation in rules.resolve(one, steps, lives, on)
        if relation is Relation.CONTINUED
    }
    assert members == direct | continued
    assert set(ids) == {heir for one in recorded for heir, _ in rules.resolve(one, steps, lives, on)}


@given(histories(), DAYS, st.data())
def test_an_answer_changes_only_its_own(history: History, on: date, data: st.DataObject) -> None:
    lives, steps = history
    recorded = data.draw(st.lists(st.sampled_from(sorted(lives)), unique=True))
    before = co_operations.memberships(recorded, steps, lives, Answers(), on)
    inherited = [one.organisation_id for one in before if one.status is Status.INHERITED_UNCONFIRMED]
    for one, answer in product(inherited, Answer):
        after = co_operations.memberships(recorded, steps, lives, Answers({one: answer}), on)
        others = [other for other in after if other.organisation_id != one]
        assert others == [other for other in before if other.organisation_id != one]
        own = [other.status for other in after if other.organisation_id == one]
        if answer is Answer.CONFIRM:
            assert own == [Status.CONFIRMED]
        else:
            assert set(own) <= {Status.AWAITING_ALLOCATION}, "what a split has left open is not answered by it"


def merger(one: int, into: int, on: date = DAY) -> Step:
    return Step(one, into, Relation.MERGER, on)


SPLIT = {2: [Step(2, 3, Relation.SPLIT, LATER), Step(2, 4, Relation.SPLIT, LATER)], 1: [merger(1, 2)]}
LIVES = {1: Life(None, day_before(DAY)), 2: Life(DAY, day_before(LATER)), 3: Life(LATER, None), 4: Life(LATER, None)}


@pytest.mark.parametrize(
    ("on", "answers", "expected"),
    [
        (day_before(DAY), Answers(), [(1, Status.RECORDED)]),
        (DAY, Answers(), [(2, Status.INHERITED_UNCONFIRMED)]),
        (DAY, Answers({2: Answer.CONFIRM}), [(2, Status.CONFIRMED)]),
        (DAY, Answers({2: Answer.DECLINE}), []),
        (LATER, Answers({2: Answer.CONFIRM}), [(3, Status.AWAITING_ALLOCATION), (4, Status.AWAITING_ALLOCATION)]),
        (LATER, Answers({2: Answer.DECLINE}), []),
        (LATER, Answers({3: Answer.CONFIRM}), [(3, Status.AWAITING_ALLOCATION), (4, Status.AWAITING_ALLOCATION)]),
        (LATER, Answers({}, {2: frozenset({3})}), [(3, Status.CONFIRMED)]),
        (LATER, Answers({}, {2: frozenset({3, 4})}), [(3, Status.CONFIRMED), (4, Status.CONFIRMED)]),
        (LATER, Answers({}, {2: frozenset()}), []),
    ],
)
def test_a_merger_and_then_a_split(on: date, answers: Answers, expected: list[tuple[int, Status]]) -> None:
    found = co_operations.memberships([1], SPLIT, LIVES, answers, on)
    assert [(one.organisation_id, one.status) for one in found] == expected


def test_what_is_recorded_beats_what_is_inherited() -> None:
    lives = {1: Life(None, day_before(DAY)), 2: Life(None, None)}
    found = co_operations.memberships([1, 2], {1: [merger(1, 2)]}, lives, Answers(), DAY)
    assert found == [Membership(2, Status.RECORDED, ())]


@pytest.mark.parametrize("status", [None, *Status])
@pytest.mark.parametrize("last", [None, *Answer])
@pytest.mark.parametrize("answer", Answer)
@pytest.mark.parametrize("own", [True, False])
def test_who_may_answer(status: Status | None, last: Answer | None, answer: Answer, own: bool) -> None:
    found = memberships.check_answer(answer, status, last, own=own)
    allowed = own and status is Status.INHERITED_UNCONFIRMED and last is not answer
    assert (found == []) == allowed


@pytest.mark.parametrize(
    ("answered", "newest", "expected"),
    [
        ({}, True, AllocationState.PROPOSED),
        ({}, False, AllocationState.REPLACED),
        ({1: Answer.CONFIRM}, True, AllocationState.PROPOSED),
        ({1: Answer.CONFIRM, 2: Answer.CONFIRM}, True, AllocationState.CONFIRMED),
        ({1: Answer.CONFIRM, 2: Answer.CONFIRM}, False, AllocationState.CONFIRMED),
        ({1: Answer.CONFIRM, 2: Answer.DECLINE}, True, AllocationState.REJECTED),
    ],
)
def test_an_allocation_holds_when_all_have_confirmed(
    answered: dict[int, Answer], newest: bool, expected: AllocationState
) -> None:
    assert memberships.allocation_state([1, 2], answered, newest=newest) is expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("§ 27", [(Form.SECTION_27, LAW_27)]),
        ("§ 27 og § 27", [(Form.SECTION_27, LAW_27), (Form.SECTION_27, LAW_27)]),
        ("§ 27 og Vertskommune (§ 28-1b)", [(Form.SECTION_27, LAW_27), (Form.HOST_MUNICIPALITY, LAW_28)]),
        ("§ 27 fra 2018 (før IKS)", [(Form.SECTION_27, LAW_27)]),
        ("Vertskommune", [(Form.HOST_MUNICIPALITY, None)]),
        ("IKS", [(Form.INTERMUNICIPAL_COMPANY, None)]),
        ("AS", [(Form.LIMITED_COMPANY, None)]),
        ("aksjeselskap (IKS 2003, AS fra 2007)", [(Form.LIMITED_COMPANY, None)]),
        ("løsere samarbeid med styringsgruppe, ressursgruppe og sekretariat", [(Form.OTHER, None)]),
        ("felles avdeling", [(Form.OTHER, None)]),
    ],
)
def test_a_form_is_read_unit_by_unit(source: str, expected: list[tuple[Form, str | None]]) -> None:
    assert [(unit.form, unit.law) for unit in co_operations.units(source)] == expected


def test_a_form_that_is_not_known_is_not_guessed() -> None:
    with pytest.raises(co_operations.FormUnreadable):
        co_operations.units("Oppgavefellesskap")


@pytest.mark.parametrize("form", Form)
def test_every_form_has_its_laws_its_word_and_its_standing(form: Form) -> None:
    acts_1992 = [law for law in co_operations.LAWS[form] if "1992" in law]
    acts_2018 = [law for law in co_operations.LAWS[form] if "2018" in law]
    assert not (acts_1992 and acts_2018) or form is Form.HOST_MUNICIPALITY, "only the host is in both acts"
    assert co_operations.word([Unit(form)])
    standing = co_operations.LEGAL_PERSON[form]
    assert co_operations.orders_as([Unit(form, None, standing)], host_known=False) == (
        co_operations.OrdersAs.LEGAL_PERSON if standing else None
    )


def party(
    id: int, *, kinds: frozenset[str] = frozenset({"municipality"}), life: Life | None = None
) -> successions.Party:
    return successions.Party(id, f"nr. {id}", kinds, life or Life(None, None))


def check(predecessor: successions.Party, *heirs: successions.Party, **rest: object) -> list[type]:
    given: dict[str, object] = {
        "effective_on": DAY,
        "succeeded": False,
        "joined_last_on": None,
        "leads_to": frozenset(),
        "today": DAY,
        "reason": None,
    }
    found = successions.check(predecessor, [(f"#/{one.id}", one) for one in heirs], **given | rest)  # type: ignore[arg-type]
    return [type(problem) for problem in found]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (check(party(1), party(2)), []),
        (check(party(1, life=Life(None, day_before(DAY))), party(2)), []),
        (check(party(1), party(1)), [successions.IntoItself]),
        (check(party(1), party(2), party(2)), [successions.SuccessorRepeated]),
        (check(party(1), party(2), leads_to=frozenset({2})), [successions.SuccessionCircular]),
        (check(party(1), party(2, life=Life(LATER, None))), [successions.SuccessorNotExisting]),
        (check(party(1), party(2, life=Life(None, day_before(DAY)))), [successions.SuccessorNotExisting]),
        (check(party(1), party(2, life=Life(DAY, None))), []),
        (check(party(1), party(2, kinds=frozenset({"supplier"}))), [successions.KindDiffers]),
        (check(party(1, kinds=frozenset({"municipality", "county"})), party(2)), []),
        (check(party(1, life=Life(DAY, None)), party(2)), [successions.NotYetBegun]),
        (check(party(1, life=Life(None, LATER)), party(2)), [successions.AlreadyEnded]),
        (check(party(1), party(2), succeeded=True), [successions.AlreadyEnded]),
        (check(party(1), party(2), joined_last_on=DAY), [successions.EndsBeforeItsPredecessors]),
        (check(party(1), party(2), joined_last_on=day_before(DAY)), []),
    ],
)
def test_who_can_take_whose_place(found: list[type], expected: list[type]) -> None:
    assert found == expected


def test_only_what_is_past_needs_a_reason() -> None:
    assert back_dating(DAY, DAY, None) == back_dating(day_before(DAY), DAY, "Sent") == []
    assert [problem.pointer for problem in back_dating(day_before(DAY), DAY, None)] == ["#/reason"]


@pytest.mark.parametrize("kinds", [{one} for one in Kind] + [{one, Kind.SUPPLIER} for one in Kind])
def test_who_sells_is_no_public_body(kinds: set[Kind]) -> None:
    assert rules.is_public_body(kinds) == (Kind.SUPPLIER not in kinds and kinds != {Kind.OTHER})
