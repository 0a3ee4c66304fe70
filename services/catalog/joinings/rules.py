"""Who may join a need, and when."""

from services.catalog.needs.rules import LIVE, State
from services.chassis.problems import Conflict, Invalid, Problem


class NeedClosed(Conflict):
    """The need is not open."""


class JoinedAlready(Conflict):
    """Your organisation has this need already."""


class NotJoined(Conflict):
    """Your organisation has not joined the need."""


class MembersOfNobody(Invalid):
    """Only a co-operation joins for its members."""


def check_joining(state: State, *, has_it: bool, for_members: bool, co_operation: bool) -> list[Problem]:
    found: list[Problem] = []
    if state not in LIVE:
        found.append(NeedClosed(f"It is {state}.", state=state))
    if has_it:
        found.append(JoinedAlready())
    if for_members and not co_operation:
        found.append(MembersOfNobody(pointer="#/for_members"))
    return found


def check_leaving(joined: bool) -> list[Problem]:
    return [] if joined else [NotJoined()]
