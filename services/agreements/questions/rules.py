"""When something can be asked, and answered."""

from datetime import datetime

from services.agreements.mini_competitions.rules import State
from services.chassis.problems import Conflict, Problem


class QuestionsClosed(Conflict):
    """Questions are taken and answered while the competition is open for bids, up to the announced time."""


class AnsweredAlready(Conflict):
    """The question has been answered; what has to be said besides is an amendment."""


def check_ask(state: State, until: datetime, now: datetime) -> list[Problem]:
    """`until`: the announced end of questions, or the deadline."""
    if state is not State.OPEN:
        return [QuestionsClosed(f"The competition is {state}.")]
    if now >= until:
        return [QuestionsClosed(f"They ended {until.isoformat(timespec='seconds').replace('+00:00', 'Z')}.")]
    return []


def check_answer(state: State, deadline: datetime, now: datetime, *, answered: bool) -> list[Problem]:
    found: list[Problem] = []
    if state is not State.OPEN or now >= deadline:
        found.append(QuestionsClosed("The deadline has passed." if state is State.OPEN else f"It is {state}."))
    if answered:
        found.append(AnsweredAlready())
    return found
