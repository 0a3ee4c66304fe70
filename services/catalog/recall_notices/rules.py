"""What an organisation that was told says it does."""

from enum import StrEnum

from services.chassis.problems import Invalid, Problem


class State(StrEnum):
    TOLD = "told"
    ACKNOWLEDGED = "acknowledged"


class Step(StrEnum):
    ACKNOWLEDGE = "acknowledge"


MOVES = {
    (State.TOLD, Step.ACKNOWLEDGE): State.ACKNOWLEDGED,
    (State.ACKNOWLEDGED, Step.ACKNOWLEDGE): State.ACKNOWLEDGED,  # what one does about it changes with time
}


class Measure(StrEnum):
    """What is done about it."""

    LOOKING_INTO_IT = "looking_into_it"
    USE_STOPPED = "use_stopped"
    USE_LIMITED = "use_limited"
    REPLACING = "replacing"
    USE_CONTINUES = "use_continues"
    NOT_CONCERNED = "not_concerned"


MUST_SAY_WHY = frozenset({Measure.USE_CONTINUES, Measure.NOT_CONCERNED})


class CommentMissing(Invalid):
    """Whoever goes on as before says why."""


def check(measure: Measure, comment: str | None) -> list[Problem]:
    if measure in MUST_SAY_WHY and not comment:
        return [CommentMissing(f"Say why, with {measure}.", pointer="#/comment")]
    return []
