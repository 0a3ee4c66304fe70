"""Who must approve a call-off, and when a supplier may decline one."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from services.chassis.problems import Conflict, Forbidden, Invalid, Problem


class NotPayer(Forbidden):
    """Only an organisation that pays for the call-off approves it."""


class AlreadyApproved(Conflict):
    """Your organisation has approved this call-off already."""


class GroundUnknown(Invalid):
    """The lot has not announced this ground for declining."""


class DecidedByCompetition(Conflict):
    """What a mini-competition has decided is ordered as it is: cancel it, and hold another competition."""


class ChoiceNotOpen(Conflict):
    """The next supplier follows from the award key, without a choice."""


def approvers(buyer: str, shares: Mapping[str, Decimal], limit: Decimal) -> set[str]:
    """Who must approve: each paying municipality whose share passes the limit, by its own spending authority
    (budsjettdisponeringsmyndighet); the buyer where it pays alone, or where no share passes it."""
    return {number for number, net in shares.items() if net > limit} or {buyer}


def check_ground(ground: str | None, announced: Collection[str]) -> list[Problem]:
    if ground is None or ground in announced:
        return []
    return [GroundUnknown(f"Announced: {', '.join(sorted(announced)) or 'none'}.", pointer="#/ground")]


def breach(obligation: bool, ground: str | None) -> bool:
    """Whether declining breaks the delivery obligation (leveringsplikt): it has one and names no announced ground."""
    return obligation and ground is None


def approved_before(net: Decimal, limit: Decimal, earlier: Sequence[Decimal]) -> bool:
    """Whether an order that goes to the next supplier needs no new approval: it costs no more than the limit, or than
    what was sent before."""
    return net <= max([limit, *earlier])
