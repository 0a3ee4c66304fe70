"""Where a supply contract outlasts what it is certified by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.catalog.certificates.rules import EventKind, History, Scope, Status, Validity
from services.chassis.problems import Invalid

DAY = timedelta(days=1)


class Kind(StrEnum):
    """What is not covered, the gravest first."""

    NOT_CERTIFIED_TODAY = "not_certified_today"
    VERSION_NOT_CERTIFIED_TODAY = "version_not_certified_today"
    ENDS_BEFORE_CONTRACT = "ends_before_contract"
    CONDITION_DUE_BEFORE_CONTRACT_ENDS = "condition_due_before_contract_ends"
    ENDS_BEFORE_OPTIONS = "ends_before_options"
    CONDITION_DUE_BEFORE_OPTIONS_END = "condition_due_before_options_end"


class OrganisationAsked(Invalid):
    """The organisation asked about is not in the catalogue."""


@dataclass(frozen=True)
class Held:
    """A certificate of the product, as it stands today. `due_on`: the days by which its conditions have to be met that
    are not met yet."""

    number: str
    status: Status
    scope: Scope
    validity: Validity
    due_on: Sequence[date] = ()


@dataclass(frozen=True)
class Gap:
    """`from_on`: the first day that is not covered; `number`: the certificate that it is about."""

    kind: Kind
    from_on: date
    number: str | None
    status: Status | None


@dataclass(frozen=True)
class Cover:
    """How long what is bought is certified, as far as is known today. `until_on`: the last day, None when it is not
    certified today; `by`: the certificates that follow each other without a day between."""

    until_on: date | None
    by: tuple[Held, ...]


def unmet(history: History) -> tuple[date, ...]:
    """When what is not met yet falls due."""
    met = {event.detail["condition"] for event in history.events if event.kind is EventKind.CONDITION_MET}
    return tuple(sorted(one.due_on for one in history.conditions if one.key not in met))


def cover(held: Sequence[Held], version: str | None, today: date) -> Cover:
    """What is valid today, and what goes on from there without a day between. A version that is not told is covered by
    a certificate of any."""
    fitting = [one for one in held if version is None or one.scope.covers_version(version)]
    fitting = [one for one in fitting if one.status in (Status.VALID, Status.NOT_YET_VALID)]
    until, by = today - DAY, list[Held]()
    while True:
        following = [one for one in fitting if one.validity.from_on <= until + DAY and one.validity.to_on > until]
        if not following:
            return Cover(until if by else None, tuple(by))
        longest = max(following, key=lambda one: (one.validity.to_on, one.number))
        by.append(longest)
        until = longest.validity.to_on


def gaps(held: Sequence[Held], version: str | None, *, ends_on: date, last_end_on: date, today: date) -> list[Gap]:
    """`ends_on`: the contract's last day without options, `last_end_on`: with all of them. Nothing is looked for in one
    that has ended with all its options."""
    if last_end_on < today:
        return []
    covered = cover(held, version, today)
    if covered.until_on is None:
        others = [
            one
            for one in held
            if one.status is Status.VALID and version is not None and not one.scope.covers_version(version)
        ]
        nearest = max(others or held, key=lambda one: (one.validity.to_on, one.number), default=None)
        return [
            Gap(
                Kind.VERSION_NOT_CERTIFIED_TODAY if others else Kind.NOT_CERTIFIED_TODAY,
                today,
                nearest.number if nearest else None,
                nearest.status if nearest else None,
            )
        ]
    found: list[Gap] = []
    last = covered.by[-1]
    if covered.until_on < ends_on:
        found.append(Gap(Kind.ENDS_BEFORE_CONTRACT, covered.until_on + DAY, last.number, last.status))
    elif covered.until_on < last_end_on:
        found.append(Gap(Kind.ENDS_BEFORE_OPTIONS, covered.until_on + DAY, last.number, last.status))
    for one in covered.by:
        for due_on in one.due_on:
            if due_on < last_end_on:
                before = due_on < ends_on
                kind = Kind.CONDITION_DUE_BEFORE_CONTRACT_ENDS if before else Kind.CONDITION_DUE_BEFORE_OPTIONS_END
                found.append(Gap(kind, due_on + DAY, one.number, one.status))
    order = list(Kind)
    return sorted(found, key=lambda one: (order.index(one.kind), one.from_on, one.number or ""))
