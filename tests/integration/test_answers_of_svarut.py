"""What SvarUT's answer to a letter means: sent, refused for good, try again, or nobody knows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.integration.attempts import rules
from services.integration.attempts.rules import Answer, Verdict

REPEATED = "Forsendelse med samme mottaker, tittel, avsender og filer er forsøkt sendt tidligere"


def own(status: int, message: str | None = None, code: str | None = None) -> Answer:
    """An error in SvarUT's own form."""
    return Answer(status, message=message, code=code, from_svarut=True, reached=True)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (Answer(200, id="1"), Verdict.SENT),
        (Answer(200, reached=True), Verdict.UNCERTAIN),
        (own(400, "Ugyldig innhold"), Verdict.REFUSED),
        (own(422, "Ugyldig innhold"), Verdict.REFUSED),
        (own(400, REPEATED), Verdict.DUPLICATE),
        (own(400, "Noe annet", "GJENTAGENDE_FORSENDELSE"), Verdict.DUPLICATE),
        (own(400, "Avvist: " + REPEATED), Verdict.REFUSED),
        (own(401, "Klarte ikke å validere access_token"), Verdict.CONFIGURATION),
        (own(403), Verdict.CONFIGURATION),
        (Answer(misconfigured=True), Verdict.CONFIGURATION),
        (Answer(404, reached=True), Verdict.DENIED),
        (Answer(413, reached=True), Verdict.DENIED),
        (own(408), Verdict.UNCERTAIN),
        (Answer(429, reached=True), Verdict.TRANSIENT),
        (Answer(302, reached=True), Verdict.DENIED),
        (own(500, "Uventet feil"), Verdict.DENIED),
        (Answer(503, reached=True), Verdict.DENIED),
        (Answer(502, reached=True), Verdict.UNCERTAIN),
        (Answer(504, reached=True), Verdict.UNCERTAIN),
        (Answer(message="ConnectError"), Verdict.TRANSIENT),
        (Answer(message="ReadTimeout", reached=True), Verdict.UNCERTAIN),
    ],
)
def test_an_answer_has_one_meaning(answer: Answer, verdict: Verdict) -> None:
    assert rules.verdict(answer) is verdict


@given(st.integers(100, 599), st.booleans(), st.one_of(st.none(), st.text()))
def test_only_an_answer_with_an_id_is_a_letter_sent(status: int, own: bool, message: str | None) -> None:
    assert rules.verdict(Answer(status, message=message, from_svarut=own, reached=True)) is not Verdict.SENT


def test_the_wait_doubles_up_to_the_longest() -> None:
    assert [rules.wait_after_failure(failures, 10) for failures in range(1, 7)] == [1, 2, 4, 8, 10, 10]
    assert rules.wait_after_failure(10_000, 900) == 900


def test_a_lost_letter_is_looked_for_soon_then_less_often_and_last_when_it_must_have_settled() -> None:
    looked = [0.0]
    while looked[-1] < 960:
        looked.append(looked[-1] + rules.look_again_in(looked[-1], 960))
    assert looked[:5] == [0, 1, 2, 4, 8]
    assert looked[-1] == 960


@given(st.floats(0, 10_000), st.floats(0, 10_000))
def test_the_next_look_is_never_at_once_and_never_long_after_the_letter_settled(since: float, settle: float) -> None:
    wait = rules.look_again_in(since, settle)
    assert wait >= 0.05
    assert wait <= (max(settle - since, 0.05) if since < settle else 60)


SILENT, ANSWERED, LOST = Verdict.UNCERTAIN, Verdict.DENIED, Verdict.LOST
CAUGHT_UP, LAGS, UNTRIED = rules.LookUp.CAUGHT_UP, rules.LookUp.LAGS, rules.LookUp.UNTRIED


@pytest.mark.parametrize(
    ("last", "look_up", "since", "decided", "step"),
    [
        (SILENT, CAUGHT_UP, 959, False, "look"),
        (SILENT, CAUGHT_UP, 960, False, "send"),
        (SILENT, UNTRIED, 960, False, "look"),
        (SILENT, UNTRIED, 960, True, "send"),
        (SILENT, LAGS, 4559, False, "look"),
        (SILENT, LAGS, 4560, False, "give_up"),
        (SILENT, UNTRIED, 4560, False, "give_up"),
        (ANSWERED, UNTRIED, 959, False, "look"),
        (ANSWERED, UNTRIED, 960, False, "send"),
        (ANSWERED, LAGS, 960, False, "look"),
        (ANSWERED, LAGS, 4560, False, "give_up"),
        (LOST, UNTRIED, 960, False, "send"),
        (LOST, CAUGHT_UP, 960, False, "send"),
        (LOST, LAGS, 960, False, "look"),
        (LOST, LAGS, 4560, False, "give_up"),
    ],
)
def test_a_letter_that_is_not_found_is_sent_again_only_when_the_look_up_can_be_relied_on(
    last: Verdict, look_up: rules.LookUp, since: float, decided: bool, step: str
) -> None:
    assert rules.next_after_no_hit(last, look_up, since=since, settle=960, patience=3600, decided=decided) == step


@given(
    st.sampled_from(list(Verdict)),
    st.sampled_from(list(rules.LookUp)),
    st.floats(0, 1e6),
    st.floats(0, 1e4),
    st.floats(0, 1e5),
)
def test_nothing_is_sent_again_before_it_settled_or_while_the_look_up_lags(
    last: Verdict, look_up: rules.LookUp, since: float, settle: float, patience: float
) -> None:
    step = rules.next_after_no_hit(last, look_up, since=since, settle=settle, patience=patience, decided=False)
    if since < settle or look_up is rules.LookUp.LAGS or (last is SILENT and look_up is not rules.LookUp.CAUGHT_UP):
        assert step is not rules.Next.SEND
    if since >= settle + patience:
        assert step is not rules.Next.LOOK
