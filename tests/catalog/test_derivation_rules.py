"""Following keeps every change that was made here, takes over every change that was made there, or says so."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.catalog.amendments import rules as amendments
from services.catalog.derivations import rules
from services.catalog.derivations.rules import Ours, Take
from services.catalog.requirements.rules import CONTENT, Obligation, Requirement

WORDS = ("innen ti sekunder", "innen fem minutter", "uten strøm", "på nynorsk")
IDS = tuple(f"K-{number}" for number in range(1, 7))


def requirement(id: str, text: str = WORDS[0], obligation: Obligation = Obligation.MUST, **rest: object) -> Requirement:
    return Requirement(id, obligation, {"nb": text}, **rest)  # type: ignore[arg-type]


@st.composite
def edited(draw: st.DrawFn, before: Requirement) -> Requirement:
    """Something else under the same id: any of the fields."""
    return replace(
        before,
        text=draw(st.sampled_from([before.text, *({"nb": word} for word in WORDS)])),
        obligation=draw(st.sampled_from(Obligation)),
        comment=draw(st.sampled_from([before.comment, {"nb": "Merk"}, {"nb": "Se vedlegg"}])),
    )


@dataclass(frozen=True)
class Story:
    """A specification, what became of it, and what was made of it here."""

    base: list[Requirement]
    theirs: list[Requirement]
    ours: list[Ours]
    replaced: dict[str, str]

    def merge(self, resolutions: dict[str, Take] | None = None) -> rules.Merge:
        settled = {one.id: one for one in self.base} | {one.says.id: one.says for one in self.ours}
        return rules.merge(
            self.base,
            self.theirs,
            self.ours,
            replaced=self.replaced,
            settled=settled,
            resolutions=resolutions or {},
        )


@st.composite
def stories(draw: st.DrawFn) -> Story:
    base = [
        requirement(id, draw(st.sampled_from(WORDS)), draw(st.sampled_from(Obligation)))
        for id in draw(st.lists(st.sampled_from(IDS), unique=True, min_size=1))
    ]
    theirs: list[Requirement] = []
    replaced: dict[str, str] = {}
    for one in base:
        fate = draw(st.sampled_from(["same", "same", "changed", "changed", "rewritten", "dropped"]))
        if fate == "dropped":
            continue
        changed = draw(edited(one)) if fate in ("changed", "rewritten") else one
        if amendments.differing(one, changed):
            changed = replace(changed, id=f"{one.id}.2")
            if fate == "changed":
                replaced[changed.id] = one.id
        theirs.append(changed)
    theirs += [requirement(f"N-{number}", draw(st.sampled_from(WORDS))) for number in range(draw(st.integers(0, 2)))]
    theirs = draw(st.permutations(theirs))
    ours: list[Ours] = []
    for one in base:
        fate = draw(st.sampled_from(["same", "changed", "left"]))
        if fate != "left":
            changed = draw(edited(one)) if fate == "changed" else one
            renamed = draw(st.booleans()) and fate == "changed"
            ours.append(Ours(replace(changed, id=f"L-{one.id}") if renamed else changed, one.id))
    # One's own additions may have the very ids that come from there.
    own = draw(st.lists(st.sampled_from(["E-1", "N-0", "N-1", "K-1.2", "K-2.2"]), unique=True, max_size=3))
    ours += [Ours(requirement(id, draw(st.sampled_from(WORDS)))) for id in own]
    return Story(base, theirs, draw(st.permutations(ours)), replaced)


@settings(max_examples=300, deadline=None)
@given(stories())
def test_no_change_is_lost_on_either_side_without_a_word(story: Story) -> None:
    merged = story.merge()
    conflicts = {one.requirement: one for one in merged.conflicts}
    result = {one.upstream: one.says for one in merged.requirements if one.upstream}
    own = [one.says for one in merged.requirements if one.upstream is None]
    before = {one.id: one for one in story.base}
    continued = amendments.lines(story.base, story.theirs, story.replaced)
    next_of = {continued[one.id]: one for one in story.theirs if one.id in continued}
    for ours in story.ours:
        if ours.upstream is None:
            assert ours.says in own, "an addition of one's own stays as it is"
            continue
        was, now = before[ours.upstream], next_of.get(ours.upstream)
        if now is None:
            assert not amendments.differing(was, ours.says) or was.id in conflicts, "dropped there, changed here"
            continue
        for name in CONTENT:
            mine, theirs, old = (getattr(one, name) for one in (ours.says, now, was))
            if mine != old and theirs != old and mine != theirs:
                assert name in conflicts[was.id].fields, "changed here and there"
            elif mine != old:
                assert getattr(result[now.id], name) == mine, "changed here only"
            else:
                assert getattr(result[now.id], name) == theirs, "changed there only, or not at all"
    here = {one.upstream for one in story.ours}
    for id, was in before.items():
        now = next_of.get(id)
        if id in here or now is None:
            continue
        assert now.id not in result, "what was left out stays so"
        assert amendments.differing(was, now) == () or id in conflicts, "left out here, changed there"
    for one in story.theirs:
        if one.id not in continued:
            assert not amendments.differing(one, result[one.id]), "what is new there is new here"


@settings(max_examples=200, deadline=None)
@given(stories(), st.data())
def test_whatever_is_resolved_following_again_changes_nothing(story: Story, data: st.DataObject) -> None:
    conflicts = story.merge().conflicts
    resolutions = {one.requirement: data.draw(st.sampled_from(Take)) for one in conflicts}
    first = story.merge(resolutions)
    ids = [one.says.id for one in first.requirements]
    assert len(ids) == len(set(ids)), "an id stands once"
    links = [one.upstream for one in first.requirements if one.upstream]
    assert len(links) == len(set(links)), "a requirement there has one counterpart here"
    assert set(links) | first.left.keys() == {one.id for one in story.theirs}, "each is here, or left out knowingly"
    again = replace(story, base=story.theirs, ours=first.requirements).merge()
    assert again.conflicts == []
    assert again.requirements == first.requirements
    assert (again.followed, again.added, again.dropped) == ([], [], [])


@settings(max_examples=200, deadline=None)
@given(stories())
def test_an_id_here_never_comes_to_mean_something_else(story: Story) -> None:
    settled = {one.says.id: one.says for one in story.ours} | {one.id: one for one in story.base}
    for one in story.merge().requirements:
        before = settled.get(one.says.id)
        if before and one.says.id not in {ours.says.id for ours in story.ours if ours.says == one.says}:
            assert not amendments.differing(before, one.says)


BASE = requirement("K-1")
CHANGED_HERE = replace(BASE, text={"nb": WORDS[1]})
CHANGED_THERE = replace(BASE, id="K-1.2", text={"nb": WORDS[2]})


@pytest.mark.parametrize(
    ("take", "expected"),
    [
        (Take.OURS, [("K-1", WORDS[1], "K-1.2")]),
        (Take.THEIRS, [("K-1.2", WORDS[2], "K-1.2")]),
        (Take.BOTH, [("K-1.2", WORDS[2], "K-1.2"), ("K-1", WORDS[1], None)]),
    ],
)
def test_a_conflict_is_settled_as_told(take: Take, expected: list[tuple[str, str, str | None]]) -> None:
    story = Story([BASE], [CHANGED_THERE], [Ours(CHANGED_HERE, "K-1")], {"K-1.2": "K-1"})
    (conflict,) = story.merge().conflicts
    assert conflict == rules.Conflict("K-1", BASE, CHANGED_HERE, CHANGED_THERE, ("text",))
    merged = story.merge({"K-1": take})
    assert [(one.says.id, one.says.text["nb"], one.upstream) for one in merged.requirements] == expected


@pytest.mark.parametrize(("take", "expected"), [(Take.OURS, []), (Take.THEIRS, ["K-1.2"]), (Take.BOTH, ["K-1.2"])])
def test_what_was_left_out_and_then_changed_there_is_asked_about(take: Take, expected: list[str]) -> None:
    story = Story([BASE], [CHANGED_THERE], [], {"K-1.2": "K-1"})
    (conflict,) = story.merge().conflicts
    assert (conflict.ours, conflict.theirs) == (None, CHANGED_THERE)
    merged = story.merge({"K-1": take})
    assert [one.says.id for one in merged.requirements] == expected
    assert merged.left == ({"K-1.2": "K-1"} if take is Take.OURS else {})


@pytest.mark.parametrize(("take", "expected"), [(Take.OURS, ["K-1"]), (Take.THEIRS, []), (Take.BOTH, ["K-1"])])
def test_what_was_changed_here_and_dropped_there_is_asked_about(take: Take, expected: list[str]) -> None:
    story = Story([BASE], [], [Ours(CHANGED_HERE, "K-1")], {})
    assert [one.theirs for one in story.merge().conflicts] == [None]
    assert [one.says.id for one in story.merge({"K-1": take}).requirements] == expected


def test_what_is_new_there_comes_after_what_stands_before_it_there() -> None:
    base = [requirement(id) for id in IDS[:3]]
    theirs = [base[0], requirement("N-0"), *base[1:], requirement("N-1")]
    ours = [Ours(base[2], "K-3"), Ours(base[0], "K-1"), Ours(requirement("E-1"))]
    merged = Story(base, theirs, ours, {}).merge()
    assert [one.says.id for one in merged.requirements] == ["K-3", "K-1", "N-0", "N-1", "E-1"]


def test_a_chain_of_replacements_is_one_change() -> None:
    after = [requirement("K-1.3", WORDS[3])]
    replaced = {"K-1.3": "K-1.2", "K-1.2": "K-1", "K-1": "K-1.3"}
    found = amendments.compare([BASE], after, replaced)
    assert [(one.before.id, one.after.id, one.fields) for one in found.changed] == [("K-1", "K-1.3", ("text",))]
    assert (found.new, found.dropped, found.unchanged) == ([], [], 0)


def test_of_two_that_replace_one_the_first_continues_it() -> None:
    after = [requirement("K-1.2", WORDS[1]), requirement("K-1.3", WORDS[2])]
    found = amendments.compare([BASE], after, {"K-1.2": "K-1", "K-1.3": "K-1"})
    assert [one.after.id for one in found.changed] == ["K-1.2"]
    assert [one.id for one in found.new] == ["K-1.3"]


def test_resolutions_are_about_conflicts() -> None:
    merged = Story([BASE], [CHANGED_THERE], [Ours(CHANGED_HERE, "K-1")], {"K-1.2": "K-1"}).merge()
    found = rules.check_resolutions(merged, ["K-1", "K-9", "K-1"])
    assert [(type(one), one.pointer) for one in found] == [
        (rules.ResolutionUnknown, "#/resolutions/1/requirement"),
        (rules.ResolutionRepeated, "#/resolutions/2/requirement"),
    ]


def test_deviations_are_told_one_by_one() -> None:
    same, own = Ours(requirement("K-2"), "K-2"), Ours(requirement("E-1"))
    found = rules.deviations([BASE, requirement("K-2"), requirement("K-3")], [Ours(CHANGED_HERE, "K-1"), same, own])
    assert found.same == [same]
    assert [(one.says, there, fields) for one, there, fields in found.changed] == [(CHANGED_HERE, BASE, ("text",))]
    assert found.added == [own]
    assert [one.id for one in found.left] == ["K-3"]
