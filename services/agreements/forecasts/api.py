"""Forecasts over HTTP."""

from datetime import date
from typing import Annotated

from fastapi import Path
from pydantic import Field
from sqlmodel import Session

from services.agreements.cost_splits.shapes import SignedMoney
from services.agreements.forecasts import rules, store
from services.agreements.frameworks import store as frameworks
from services.agreements.frameworks.rules import State
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import Scope
from services.chassis.app import new_router
from services.chassis.auth import Caller, ViewerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.values import Money, Out

router = new_router("/framework-agreements/{slug}", "Framework agreements")

Slug = Annotated[str, Path(description="The agreement's name in addresses", examples=["ra-2026-velferdsteknologi"])]
HOW = (
    f"The last {rules.MOST_MONTHS} whole months at most are drawn from, {rules.RUNS} times over: first {rules.FEWER} "
    "fewer than there are, with repetition, as the time that might have been, and from these the months to come until "
    "the ceiling is reached. The "
    f"range is from the day that {rules.EARLY} per cent of the runs have passed to the day that {rules.LATE} per cent "
    "have. Trend and season are not looked for."
)


class MonthCalledOff(Out):
    month: str = Field(examples=["2026-11"])
    called_off_excl_vat: SignedMoney = Field(description="Reserved and posted, less what was released")


class Method(Out):
    """How the range was made; with it anybody gets the same."""

    name: str = Field(examples=["bootstrap of whole months"])
    how: str
    fewest_months: int = Field(description="With fewer whole months there is no forecast")
    runs: int
    seed: int = Field(description="Of Python's `random.Random`")
    range_percent: int = Field(description="How often the day is meant to be within the range")


class CeilingForecast(Out):
    """When a ceiling will be reached. Not a promise."""

    framework_agreement: str
    lot: str | None = Field(description="Null when it is the whole agreement's ceiling")
    as_of_on: date
    ends_on: date = Field(description="The last day for an order; nothing is told of what would be after it")
    extensions: list[date] = Field(description="Announced options: the last day with each")
    ceiling_excl_vat: Money | None
    left_excl_vat: SignedMoney | None
    months: list[MonthCalledOff] = Field(description="What the forecast rests on, oldest first")
    earliest_on: date | None = Field(description="Null when it is not before the end")
    likely_on: date | None = Field(description="As likely before it as after; null when it is not before the end")
    latest_on: date | None = Field(description="Null when it is not before the end")
    reached_before_end_percent: int | None = Field(
        description="How many of the runs reach the ceiling before the agreement ends, rounded down"
    )
    reason: rules.NoDay | None = Field(description="Why there is no forecast; null when there is one")
    method: Method


@router.get("/forecast", summary="Forecast when an agreement's ceiling is reached", openapi_extra=example())
def of_agreement(slug: Slug, viewer: ViewerDep, reader: ReaderDep, today: TodayDep) -> CeilingForecast:
    """A range of days, from what was called off in the last whole months, and how it was made. Where the ceiling, or a
    part of the range, is not before the agreement's last day, no day is told. With fewer than six whole months it says
    that it cannot say. `capacity` tells the plain pace of the last days beside it. Open to everybody."""
    agreement = _agreement(reader, slug, viewer)
    return _forecast(reader, agreement, None, today)


@router.get("/lots/{lot}/forecast", summary="Forecast when a lot's ceiling is reached", openapi_extra=example())
def of_lot(
    slug: Slug,
    lot: Annotated[str, Path(description="The lot's name in the agreement", examples=["alarmer"])],
    viewer: ViewerDep,
    reader: ReaderDep,
    today: TodayDep,
) -> CeilingForecast:
    """The same for a lot, from what was called off in it. A lot without a ceiling of its own says so; the agreement's
    may be reached before. Open to everybody."""
    agreement = _agreement(reader, slug, viewer)
    return _forecast(reader, agreement, frameworks.lot(reader, agreement.id or 0, lot), today)


def _agreement(reader: Session, slug: str, viewer: Caller | None) -> frameworks.FrameworkAgreement:
    return frameworks.visible(reader, slug, viewer.organisation if viewer else None)


def _forecast(
    reader: Session, agreement: frameworks.FrameworkAgreement, lot: frameworks.Lot | None, today: date
) -> CeilingForecast:
    framework_id = agreement.id or 0
    scope, subject = (Scope.LOT, lot.id or 0) if lot else (Scope.FRAMEWORK_AGREEMENT, framework_id)
    room = ledger.room(reader, scope, [subject])[subject]
    history = store.history(reader, framework_id, lot.id if lot else None, today)
    told = rules.forecast(
        room.left,
        rules.whole_months(history.called_off, history.first_on, today),
        running=agreement.state is State.ACTIVE,
        today=today,
        ends_on=agreement.ends_on,
    )
    return CeilingForecast(
        framework_agreement=agreement.slug,
        lot=lot.slug if lot else None,
        as_of_on=today,
        ends_on=agreement.ends_on,
        extensions=agreement.extensions,
        ceiling_excl_vat=room.ceiling,
        left_excl_vat=room.left,
        months=[
            MonthCalledOff(month=f"{one.first_on:%Y-%m}", called_off_excl_vat=one.called_off) for one in told.months
        ],
        earliest_on=told.earliest_on,
        likely_on=told.likely_on,
        latest_on=told.latest_on,
        reached_before_end_percent=told.reached_percent,
        reason=told.reason,
        method=Method(
            name="bootstrap of whole months",
            how=HOW,
            fewest_months=rules.FEWEST_MONTHS,
            runs=rules.RUNS,
            seed=rules.SEED,
            range_percent=rules.LATE - rules.EARLY,
        ),
    )
