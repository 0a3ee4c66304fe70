"""Cost sharing as it stands in an order, for the routes of call-offs."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from services.agreements.cost_splits import rules as cost_splits
from services.agreements.cost_splits import shapes as cost_split_shapes
from services.agreements.cost_splits.shapes import CostKey
from services.agreements.shares import rules
from services.chassis.problems import refuse
from services.chassis.values import In


class CostSharing(In):
    """A joint call-off: who pays it, and by which key. Keys with rates share it in proportion to them."""

    key: CostKey
    members: list[cost_split_shapes.NewMember] = Field(
        min_length=2, max_length=400, description="The municipalities that pay, each covered by your accession"
    )

    def numbers(self) -> list[str]:
        return [one.organisation_number for one in self.members]


def frozen(new: CostSharing, known: Mapping[str, cost_splits.Known]) -> dict[str, Any]:
    """What the call-off keeps (`CallOff.cost_key`); `known` is what the catalogue says of the members today. Refuses
    everything that keeps the key from being used on them."""
    where = "#/cost_sharing"
    counted, problems = cost_splits.settle(
        {f"{where}/key": cost_split_shapes.key(new.key)},
        [one.asked() for one in new.members],
        known,
        f"{where}/members",
    )
    refuse(problems)
    return rules.frozen(new.key.model_dump(mode="json"), counted)
