"""How a supplier's place stands, and when one can be given."""

from enum import StrEnum

from services.agreements.frameworks.rules import State
from services.chassis.problems import Conflict, Problem


class PlaceState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"
    TERMINATED = "terminated"
    ENDED = "ended"


class PlacesClosed(Conflict):
    """Places are awarded between the announcement and the activation."""


def check_award(state: State) -> list[Problem]:
    if state in (State.ANNOUNCED, State.STANDSTILL):
        return []
    return [PlacesClosed(f"This agreement is {state}.")]
