"""Price terms on the wire: they stand in the routes of agreements, places and price lists."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field

from services.chassis.values import In, Out

Factor = Annotated[
    Decimal,
    Field(gt=0, max_digits=5, decimal_places=4, examples=["1.1000"]),
    AfterValidator(lambda value: value.quantize(Decimal("0.0001"))),
]
"""Of a first price list's price; four decimals, as it is kept."""


class NewIndexClause(In):
    """How an index moves the prices."""

    index: str = Field(min_length=1, max_length=200, examples=["SSB KPI-JAE"])
    base_month: str = Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", examples=["2026-01"])
    base_value: Decimal = Field(gt=0, max_digits=9, decimal_places=3, examples=["135.2"])
    share_percent: Decimal = Field(gt=0, le=100, max_digits=5, decimal_places=2, examples=["80"])
    earliest_on: date


class IndexClause(Out):
    """How an index moves the prices."""

    index: str = Field(examples=["SSB KPI-JAE"])
    base_month: str = Field(description="The month whose index the newest prices follow", examples=["2026-01"])
    base_value: Decimal = Field(examples=["135.2"])
    share_percent: Decimal = Field(description="How much of a price follows the index", examples=["80"])
    earliest_on: date = Field(description="No change before this day")
