"""Cost keys, members and shares as they stand on the wire, in the routes of several concepts."""

import re
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from services.agreements.cost_splits import rules
from services.chassis.values import In, Money, OrganisationNumber, Out

_SIGNED, _PERCENT = re.compile(r"-?\d{1,12}\.\d{2}"), re.compile(r"\d{1,3}(\.\d{1,6})?")


def _signed(value: Any) -> Any:
    """Money that may be less than nothing arrives as text or as a Decimal, as `Money` does."""
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or not value.isascii() or not _SIGNED.fullmatch(value):
        raise PydanticCustomError("money", "Write an amount as text with two decimals, e.g. '-1250.00'.")
    return value


def _percent(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or not value.isascii() or not _PERCENT.fullmatch(value):
        raise PydanticCustomError("percent", "Write per cent as text with at most six decimals, e.g. '33.3333'.")
    return value


SignedMoney = Annotated[
    Decimal,
    BeforeValidator(_signed),
    Field(max_digits=14, decimal_places=2),
    PlainSerializer(lambda value: f"{value:.2f}", return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^-?\d{1,12}\.\d{2}$", "examples": ["-1250.00"]}),
]
"""NOK with two decimals that may be negative: a credit, or a difference."""
Percent = Annotated[
    Decimal,
    BeforeValidator(_percent),
    Field(ge=0, le=100),
    PlainSerializer(lambda value: f"{value:f}", return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,3}(\.\d{1,6})?$", "examples": ["30"]}),
]
Exact = Annotated[
    Decimal,
    PlainSerializer(lambda value: f"{value:.6f}", return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^-?\d+\.\d{6}$", "examples": ["224150.000000"]}),
]
"""NOK with six decimals: a share before it is made whole øre."""


class Equal(In):
    """All pay the same. Splits an amount."""

    kind: Literal["equal"]


class Population(In):
    """By inhabitants. Splits an amount."""

    kind: Literal["population"]


class Weighted(In):
    """A part shared equally, the rest by inhabitants, as one key. Splits an amount."""

    kind: Literal["weighted"]
    equal_percent: Percent = Field(description="The part that is shared equally; the rest goes by inhabitants")


class Percentages(In):
    """Agreed percentages. Splits an amount."""

    kind: Literal["percentages"]
    percentages: dict[OrganisationNumber, Percent] = Field(
        min_length=1, max_length=400, description="By organisation number: exactly the members, 100 together"
    )


class Fixed(In):
    """A fixed sum from each. Produces the contributions, or splits an amount in proportion to them."""

    kind: Literal["fixed"]
    fixed: Money = Field(description="From each member")


class PerInhabitant(In):
    """So much for each inhabitant. Produces the contributions, or splits an amount in proportion to them."""

    kind: Literal["per_inhabitant"]
    per_inhabitant: Money


class FixedAndPerInhabitant(In):
    """A fixed sum from each and so much for each inhabitant. Produces the contributions, or splits an amount in
    proportion to them."""

    kind: Literal["fixed_and_per_inhabitant"]
    fixed: Money = Field(description="From each member")
    per_inhabitant: Money


CostKey = Annotated[
    Equal | Population | Weighted | Percentages | Fixed | PerInhabitant | FixedAndPerInhabitant,
    Field(discriminator="kind"),
]
"""A cost key. `model_dump(mode="json")` is what is kept of it."""


class NewMember(In):
    organisation_number: OrganisationNumber
    population: int | None = Field(
        default=None, ge=0, le=10_000_000, description="Left out: the catalogue's newest count that is not later"
    )
    population_on: date | None = Field(default=None, description="The day it was counted on; goes with `population`")
    population_source: str | None = Field(
        default=None, min_length=3, max_length=200, description="Who counted; goes with `population`"
    )

    @model_validator(mode="after")
    def _dated(self) -> Self:
        given = [self.population, self.population_on, self.population_source]
        if any(one is not None for one in given) and None in given:
            raise PydanticCustomError(
                "population", "A population of your own needs population_on and population_source."
            )
        return self

    def asked(self) -> rules.Asked:
        return rules.Asked(self.organisation_number, self.population, self.population_on, self.population_source)


class Counted(Out):
    """A member and the inhabitants that were relied on."""

    organisation_number: str
    organisation_id: UUID
    name: str
    population: int | None = Field(description="Null where the catalogue has none and the key does not count it")
    population_on: date | None = Field(description="The day that it was counted on")
    population_source: str = Field(
        description="`catalogue`, or the source that was given for a population that was not the catalogue's"
    )
    population_given: bool = Field(description="Whether the population was given with the request")


class Share(Counted):
    """What a member pays, and how it came about. NOK, with or without VAT as the split says."""

    amount: SignedMoney
    weight: str = Field(description="Its part of the key's whole weight, an exact fraction", examples=["22415/627827"])
    ideal: Exact = Field(description="The exact share before it is whole øre: `fixed_part` and `variable_part`")
    fixed_part: Exact = Field(description="The part of it that does not depend on inhabitants")
    variable_part: Exact = Field(description="The part of it that does")
    rounded_down: SignedMoney = Field(description="Its whole øre, towards nought")
    remaining_ore: int = Field(description="1 when it got one of the øre that were left (-1 of a credit), else 0")


def key(shown: CostKey) -> rules.Key:
    return rules.key(shown.model_dump(mode="json"))


def counted(one: rules.Counted) -> dict[str, Any]:
    """The fields of `Counted`."""
    return {
        "organisation_number": one.number,
        "organisation_id": one.organisation_id,
        "name": one.name,
        "population": one.population,
        "population_on": one.population_on,
        "population_source": one.given_source or "catalogue",
        "population_given": one.given_source is not None,
    }


def share(one: rules.Share, member: rules.Counted) -> Share:
    return Share(
        **counted(member),
        amount=one.amount,
        weight=str(one.weight),
        ideal=nok(one.ideal),
        fixed_part=nok(one.fixed),
        variable_part=nok(one.variable),
        rounded_down=rules.nok(one.whole),
        remaining_ore=one.extra,
    )


def nok(ore: Fraction) -> Decimal:
    """Øre → NOK with six decimals, half to even."""
    return Decimal(round(ore * 10_000)).scaleb(-6)
