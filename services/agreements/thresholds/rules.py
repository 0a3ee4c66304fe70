"""Which thresholds an announcement needs, and when one may be added."""

from collections.abc import Collection
from datetime import date
from decimal import Decimal
from enum import StrEnum

from services.agreements.frameworks.rules import ContractKind
from services.chassis.problems import Conflict, Forbidden, Invalid, Problem


class Kind(StrEnum):
    """EEA thresholds (anskaffelsesforskriften § 5-3) and the national one (§ 5-1)."""

    EEA_GOODS_SERVICES = "eea_goods_services"
    EEA_WORKS = "eea_works"
    NATIONAL = "national"


NEEDED = {
    ContractKind.GOODS_SERVICES: (Kind.EEA_GOODS_SERVICES, Kind.NATIONAL),
    ContractKind.WORKS: (Kind.EEA_WORKS, Kind.NATIONAL),
}
"""What an estimate is measured against, by what is procured."""


class ThresholdMissing(Conflict):
    """No threshold is known for that day.

    The amounts are set anew every second year. What is not in the table is not guessed: whoever keeps it adds the row.
    """


class NotThresholdKeeper(Forbidden):
    """Your organisation does not keep the table of thresholds."""


class ThresholdPeriodInvalid(Invalid):
    """The threshold's period cannot be used."""


class ThresholdInPast(Invalid):
    """A threshold from a day that has passed needs a reason."""


def check(valid_from_on: date, valid_to_on: date | None, reason: str | None, today: date) -> list[Problem]:
    found: list[Problem] = []
    if valid_to_on is not None and valid_to_on < valid_from_on:
        found.append(ThresholdPeriodInvalid("It ends before it begins.", pointer="#/valid_to_on"))
    if valid_from_on < today and not reason:
        found.append(ThresholdInPast(f"{valid_from_on} has passed; say why.", pointer="#/reason"))
    return found


def check_known(kind: ContractKind, known: Collection[Kind], on: date) -> list[Problem]:
    """What an announcement on a day relies on must be there, all of it."""
    return [
        ThresholdMissing(f"The table has no {one} threshold for {on}.", kind=one.value, on=on.isoformat())
        for one in NEEDED[kind]
        if one not in known
    ]


def is_reached(amount: Decimal, estimate: Decimal) -> bool:
    """The stricter rules hold for an estimate as large as the threshold, or larger."""
    return estimate >= amount
