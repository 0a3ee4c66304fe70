"""Who may share a joint call-off, and what each bears of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.agreements.cost_splits import rules as cost_splits
from services.chassis.problems import Conflict, Problem


class MemberNotCovered(Conflict):
    """The buyer's accession does not cover this municipality, so nothing can be ordered for it."""


@dataclass(frozen=True)
class Joint:
    """How a joint call-off is shared: the key and the members, as they were counted when it was placed."""

    key: cost_splits.Key
    counted: tuple[cost_splits.Counted, ...]

    @property
    def members(self) -> list[cost_splits.Member]:
        return [one.member for one in self.counted]


@dataclass(frozen=True)
class Borne:
    """What one municipality bears: the split of the net and the split of the VAT, each exact."""

    counted: cost_splits.Counted
    net: cost_splits.Share
    vat: cost_splits.Share


def check_covered(numbers: Sequence[str], covered: Collection[str]) -> list[Problem]:
    """`covered` are the organisation numbers that the buyer may order for."""
    return [
        MemberNotCovered(f"{number} is not covered.", pointer=f"#/cost_sharing/members/{place}")
        for place, number in enumerate(numbers)
        if number not in covered
    ]


def frozen(key: Mapping[str, Any], counted: Sequence[cost_splits.Counted]) -> dict[str, Any]:
    """As a call-off keeps it, in JSON values; `key` as on the wire."""
    return {
        "key": dict(key),
        "members": [
            {
                "organisation_number": one.number,
                "organisation_id": str(one.organisation_id),
                "name": one.name,
                "population": one.population,
                "population_on": one.population_on and one.population_on.isoformat(),
                "given_source": one.given_source,
            }
            for one in sorted(counted, key=lambda one: one.number)
        ],
    }


def joint(kept: Mapping[str, Any]) -> Joint:
    """What `frozen` made."""
    return Joint(
        cost_splits.key(kept["key"]),
        tuple(
            cost_splits.Counted(
                one["organisation_number"],
                UUID(one["organisation_id"]),
                one["name"],
                one["population"],
                one["population_on"] and date.fromisoformat(one["population_on"]),
                one["given_source"],
            )
            for one in kept["members"]
        ),
    )


def borne(shared: Joint, net: Decimal, vat: Decimal) -> list[Borne]:
    """Who bears what of so many NOK, by organisation number."""
    nets = cost_splits.divide(shared.key, shared.members, cost_splits.ore(net))
    vats = cost_splits.divide(shared.key, shared.members, cost_splits.ore(vat))
    counted = {one.number: one for one in shared.counted}
    return [Borne(counted[one.number], one, other) for one, other in zip(nets, vats, strict=True)]
