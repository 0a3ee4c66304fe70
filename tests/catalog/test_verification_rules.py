"""What is answered about a certificate, or the best of several."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.certificates.rules import (
    Event,
    EventKind,
    History,
    Remark,
    Scope,
    Status,
    SubjectKind,
    Validity,
    status_on,
)
from services.catalog.verifications import rules
from services.catalog.verifications.rules import ALL_RECORDED, UNKNOWN, Assurance, Code, Held, Question, Verdict

START, END = date(2026, 1, 1), date(2027, 12, 31)
AT = datetime(2025, 12, 1, tzinfo=UTC)

days = st.dates(START - timedelta(days=30), END + timedelta(days=30))
labels = st.sampled_from(["1.0", "1.9", "1.10", "2.0"])
scopes = st.builds(
    Scope,
    st.none() | st.lists(labels, min_size=1, max_size=3, unique=True).map(tuple),
    delivery_forms=st.sampled_from([("saas",), ("on_premises",), ("saas", "on_premises")]),
)
kinds = st.sampled_from([EventKind.SUSPENDED, EventKind.RESTORED, EventKind.WITHDRAWN, EventKind.SUPERSEDED])


@st.composite
def certificates(draw: st.DrawFn) -> list[Held]:
    """Some certificates of one product."""
    found = []
    for place in range(draw(st.integers(0, 4))):
        happened = draw(st.lists(st.tuples(kinds, days), max_size=4))
        events = [
            Event(kind, on, AT + timedelta(days=number), number)
            for number, (kind, on) in enumerate([(EventKind.GRANTED, START), *happened])
        ]
        found.append(
            Held(
                number=f"SV-{place}",
                subject_kind=SubjectKind.PRODUCT,
                product="a",
                holder=None,
                role=None,
                specification=draw(st.sampled_from(["s", "t"])),
                specification_version=draw(st.sampled_from(["1", "2"])),
                profile=draw(st.sampled_from([None, None, "p"])),
                profiles=("p", "q"),
                history=History(events, Validity(START, END), draw(scopes)),
                assurance=Assurance(3, 2, 1),
            )
        )
    return found


questions = st.builds(
    Question,
    days,
    product=st.just("a"),
    version=st.none() | labels,
    specification=st.sampled_from([None, "s", "t", "u"]),
    specification_version=st.sampled_from([None, "1", "2"]),
    profile=st.sampled_from([None, "p", "q", "r"]),
    delivery_form=st.sampled_from([None, "saas", "on_premises"]),
)


def serves(question: Question, held: Held) -> bool:
    """The same once more, in other words."""
    scope = held.history.scope
    return (
        question.specification in (None, held.specification)
        and question.specification_version in (None, held.specification_version)
        and status_on(held.history, question.on, ALL_RECORDED) is Status.VALID
        and (question.version is None or scope.versions is None or question.version in scope.versions)
        and (question.delivery_form is None or question.delivery_form in scope.delivery_forms)
        and (held.profile is None or held.profile == question.profile)
        and question.profile in (None, held.profile, *held.profiles)
    )


@given(certificates(), questions)
def test_it_is_valid_when_one_of_the_certificates_serves(held: list[Held], question: Question) -> None:
    finding = rules.verify(question, held)
    serving = [one for one in held if serves(question, one)]
    assert (finding.verdict is Verdict.VALID) == bool(serving) == (finding.code is Code.CERTIFIED)
    assert not serving or finding.certificate in serving


@given(certificates(), questions)
def test_the_order_of_the_certificates_and_those_not_asked_about_change_nothing(
    held: list[Held], question: Question
) -> None:
    finding = rules.verify(question, held)
    assert rules.verify(question, list(reversed(held))) == finding
    asked = [one for one in held if rules.concerns(question, one.specification, one.specification_version)]
    assert rules.verify(question, asked) == finding


@given(certificates(), questions)
def test_each_thing_that_is_wrong_is_told_in_whole_sentences(held: list[Held], question: Question) -> None:
    finding = rules.verify(question, held)
    assert finding.reasons
    for text in finding.reasons:
        assert set(text) == {"nb", "nn", "en"}
        assert all("None" not in one and "{" not in one for one in text.values())


@given(certificates(), questions)
def test_asking_for_less_never_makes_it_less_valid(held: list[Held], question: Question) -> None:
    if rules.verify(question, held).verdict is Verdict.VALID:
        for less in (
            replace(question, version=None),
            replace(question, delivery_form=None),
            replace(question, specification=None),
            replace(question, specification_version=None),
        ):
            assert rules.verify(less, held).verdict is Verdict.VALID


def test_every_status_but_valid_has_its_code() -> None:
    assert {Code(one.value) for one in Status if one is not Status.VALID} <= set(Code)


@pytest.mark.parametrize("code", sorted(UNKNOWN))
def test_what_is_unknown_has_its_words(code: Code) -> None:
    question = Question(START, product="a", specification="s", certificate="SV-1")
    finding = rules.unknown(question, code)
    assert (finding.verdict, finding.certificate) == (Verdict.UNKNOWN, None)
    assert all("None" not in text for text in finding.reasons[0].values())


@pytest.mark.parametrize("remark", Remark)
def test_every_remark_has_its_words(remark: Remark) -> None:
    assert set(rules.remark_text(remark, "SV-1", END)) == {"nb", "nn", "en"}
