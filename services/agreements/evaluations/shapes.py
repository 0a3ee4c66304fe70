"""Marks on the wire."""

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from services.agreements.evaluations import rules
from services.chassis.values import In


def _exact(value: Any) -> Any:
    """Points arrive as text or as a Decimal, never through a float."""
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or not value.isascii() or len(value) > 8:
        raise PydanticCustomError("points", "Write points as text, e.g. '7.5'.")
    return value


Points = Annotated[
    Decimal,
    BeforeValidator(_exact),
    Field(ge=0, max_digits=6, decimal_places=2),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,4}(\.\d{1,2})?$", "examples": ["7.5"]}),
]


class Mark(In):
    """One evaluator's mark on one criterion: `points` on quality, `met` on a must."""

    criterion: str = Field(min_length=1, max_length=80, description="Its code", examples=["kvalitet"])
    points: Points | None = Field(default=None, description="From 0 to the criterion's highest mark")
    met: bool | None = Field(default=None, description="Whether the must is met")
    comment: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="Why; the bidder reads it in the award, so no other bidder's secrets",
    )


class MarkedBid(In):
    bid: UUID = Field(description="The bid's id")
    marks: list[Mark] = Field(max_length=50)


class NewScores(In):
    """All of one evaluator's marks, in the place of the ones before."""

    bids: list[MarkedBid] = Field(max_length=200)

    def given(self) -> list[rules.Given]:
        return [
            rules.Given(f"#/bids/{here}/marks/{place}", str(one.bid), mark.criterion, mark.points, mark.met)
            for here, one in enumerate(self.bids)
            for place, mark in enumerate(one.marks)
        ]

    def comments(self) -> dict[str, dict[str, str]]:
        return {str(one.bid): {mark.criterion: mark.comment for mark in one.marks if mark.comment} for one in self.bids}
