"""What a supplier may declare of its own product."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.chassis.problems import Conflict, Invalid, Problem


class Answer(StrEnum):
    MET = "met"
    PARTLY = "partly"
    NOT_MET = "not_met"
    NOT_RELEVANT = "not_relevant"


class AnswerForUnknownRequirement(Invalid):
    """The specification's version has no such requirement."""


class AnsweredTwice(Invalid):
    """A requirement is answered twice."""


class CommentMissing(Invalid):
    """What is met in part, or is not relevant, needs a comment."""


class AlreadyWithdrawn(Conflict):
    """The declaration has been withdrawn already."""


class LastOffer(Conflict):
    """The product is offered for no component, so it has to declare something."""


@dataclass(frozen=True)
class Answered:
    requirement: str
    answer: Answer
    comment: str | None


def check(answers: Sequence[Answered], requirements: Collection[str]) -> list[Problem]:
    found: list[Problem] = []
    seen: set[str] = set()
    for place, one in enumerate(answers):
        pointer = f"#/answers/{place}"
        if one.requirement not in requirements:
            found.append(AnswerForUnknownRequirement(one.requirement, pointer=f"{pointer}/requirement"))
        elif one.requirement in seen:
            found.append(AnsweredTwice(one.requirement, pointer=f"{pointer}/requirement"))
        seen.add(one.requirement)
        if one.answer in (Answer.PARTLY, Answer.NOT_RELEVANT) and not one.comment:
            found.append(CommentMissing(one.requirement, pointer=f"{pointer}/comment"))
    return found


def check_withdrawal(withdrawn_on: date | None, has_component: bool, in_force: int) -> list[Problem]:
    if withdrawn_on is not None:
        return [AlreadyWithdrawn(f"On {withdrawn_on}.")]
    return [] if has_component or in_force > 1 else [LastOffer()]
