"""When a component can attach to a version, and when it has left it."""

from datetime import date

from services.catalog.interfaces.rules import Status
from services.chassis.problems import Conflict, Invalid, Problem


class VersionWithdrawn(Conflict):
    """Nobody attaches to a version that is withdrawn."""


class ConsumesItself(Invalid):
    """A component does not consume what it provides itself."""


class EndsBeforeItBegins(Invalid):
    """A use ends on its first day, or later."""


def check(status: Status, *, provider: bool) -> list[Problem]:
    """`provider`: whether the component is the one that provides the interface."""
    found: list[Problem] = []
    if status is Status.WITHDRAWN:
        found.append(VersionWithdrawn("Attach to a version that is current."))
    if provider:
        found.append(ConsumesItself(pointer="#/component"))
    return found


def check_end(since_on: date, until_on: date) -> list[Problem]:
    return [EndsBeforeItBegins(f"It began on {since_on}.", pointer="#/until_on")] if until_on < since_on else []
