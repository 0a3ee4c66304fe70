"""When a letter can still be taken back."""

from collections.abc import Iterator, Sequence

from services.chassis.problems import Conflict, Problem
from services.integration.attempts.rules import IN_THE_DARK, Verdict


class MayHaveLeft(Conflict):
    """An attempt at SvarUT ended without a sure answer, so that the letter may have left already."""


def check(verdicts: Sequence[Verdict | None]) -> Iterator[Problem]:
    """`verdicts` of the attempts so far; None for one that nobody has ended."""
    if any(verdict is None or verdict in IN_THE_DARK for verdict in verdicts[-1:]):
        yield MayHaveLeft("Wait until SvarUT says whether it has it.")
