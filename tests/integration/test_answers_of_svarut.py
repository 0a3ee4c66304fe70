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
        (Answer(404, reached=True), Verdict.UNCERTAIN),
        (Answer(413, reached=True), Verdict.UNCERTAIN),
        (own(408), Verdict.UNCERTAIN),
        (Answer(429, reached=True), Verdict.TRANSIENT),
        (Answer(302, reached=True), Verdict.UNCERTAIN),
        (own(500, "Uventet feil"), Verdict.UNCERTAIN),
        (Answer(503, reached=True), Verdict.UNCERTAIN),
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
    assert wait <= max(settle - since, 0.05)
