"""Changes of an agreement on the wire: they stand in the routes of changes and of their previews."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from services.agreements.agreement_changes import rules, store
from services.chassis.values import In, Instant, Out, Slug


class ItemPriceVariation(In):
    """Other prices by a factor, within the place's bounds, which count from the first price list."""

    kind: Literal[rules.Kind.ITEM_PRICE_VARIATION]
    place: UUID
    factor: Decimal = Field(gt=0, le=10, max_digits=6, decimal_places=4, examples=["1.03"])
    items: list[Slug] | None = Field(default=None, min_length=1, max_length=500, description="Null: all items")

    def terms(self) -> rules.Terms:
        return rules.Variation(self.factor, None if self.items is None else tuple(self.items))


class TaxRate(In):
    """Another rate of VAT, where one holds. Prices are without VAT and stay as they are."""

    kind: Literal[rules.Kind.TAX_RATE]
    place: UUID | None = Field(default=None, description="Null: every place; by the framework owner only")
    from_vat_percent: Decimal = Field(ge=0, le=100, max_digits=5, decimal_places=2)
    to_vat_percent: Decimal = Field(ge=0, le=100, max_digits=5, decimal_places=2)

    def terms(self) -> rules.Terms:
        return rules.TaxRate(self.from_vat_percent, self.to_vat_percent)


class ThirdParty(In):
    """Prices follow an index, as the place's index clause says. The figure is yours to give, with its source."""

    kind: Literal[rules.Kind.THIRD_PARTY]
    place: UUID
    month: str = Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", examples=["2026-10"])
    index_value: Decimal = Field(gt=0, max_digits=9, decimal_places=3, examples=["139.1"])
    source: str = Field(min_length=1, max_length=500, examples=["SSB tabell 05327, lest 2026-11-10"])

    def terms(self) -> rules.Terms:
        return rules.ThirdParty(self.month, self.index_value)


class PartyWithdrawal(In):
    """The supplier leaves its place. What is ordered stands."""

    kind: Literal[rules.Kind.PARTY_WITHDRAWAL]
    place: UUID

    def terms(self) -> rules.Terms:
        return rules.Withdrawal()


class Extension(In):
    """An announced option for extension is used; by the framework owner only. On its day, and while the agreement runs,
    its last day becomes another; no price changes."""

    kind: Literal[rules.Kind.EXTENSION]
    ends_on: date = Field(description="One of the agreement's `extensions`")
    place: None = Field(default=None, description="It is of every place")

    def terms(self) -> rules.Terms:
        return rules.Extension(self.ends_on)


Proposed = Annotated[
    ItemPriceVariation | TaxRate | ThirdParty | PartyWithdrawal | Extension, Field(discriminator="kind")
]
_PROPOSED: TypeAdapter[Any] = TypeAdapter(Proposed)


class Change(Out):
    id: UUID
    state: rules.State
    change: dict[str, Any] = Field(description="What was proposed, by its `kind`")
    proposed_by: str = Field(description="Organisation number")
    reason: str
    proposed_at: Instant
    signed_on: date | None
    effective_on: date | None = Field(description="From which day it holds, or is proposed to hold")
    ended_reason: str | None
    ended_at: Instant | None


def terms(row: store.AgreementChange) -> rules.Terms:
    found: rules.Terms = _PROPOSED.validate_python(row.terms).terms()
    return found


def shown(row: store.AgreementChange) -> Change:
    return Change(
        id=row.uuid,
        state=row.state,
        change=row.terms,
        proposed_by=row.proposed_by,
        reason=row.reason,
        proposed_at=row.proposed_at,
        signed_on=row.signed_on,
        effective_on=row.effective_on,
        ended_reason=row.ended_reason,
        ended_at=row.ended_at,
    )
