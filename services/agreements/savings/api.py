"""Saved process cost over HTTP."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from fastapi import Path, Query, Response
from pydantic import ConfigDict, Field

from services.agreements.frameworks import store as frameworks
from services.agreements.savings import rules, store
from services.agreements.savings.rules import Counted
from services.chassis import audit, feed
from services.chassis.app import new_router
from services.chassis.auth import CallerDep, ViewerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Instant, Money, Out

router = new_router("/framework-agreements/{slug}", "Reports")

OWNER = "100000008"
Slug = Annotated[str, Path(description="The agreement's name in addresses", examples=["ra-2026-velferdsteknologi"])]
Hours = Annotated[
    Decimal, Field(ge=0, le=10_000, max_digits=7, decimal_places=2, description="With at most two decimals")
]


class NewSavingAssumption(In):
    """What a procurement that a buyer need not run itself would have cost it."""

    counted: Counted = Field(description="What is taken for one: each call-off, or each buyer's whole use of a lot")
    hours_per_procurement: Hours
    per_hour_excl_vat: Money
    further_per_procurement_excl_vat: Money = Field(description="Paid besides the hours: notices, advisers")
    source: str = Field(
        min_length=10, max_length=2000, description="Where the figures come from: a report, a survey, a guess"
    )
    assumed_on: date = Field(description="The day as of which they hold; it has come")


class SavingAssumption(Out):
    """An assumption, not a measurement. NOK without VAT."""

    version: int
    counted: Counted
    hours_per_procurement: Decimal = Field(examples=["60.00"])
    per_hour_excl_vat: Money
    further_per_procurement_excl_vat: Money
    source: str
    assumed_on: date
    recorded_at: Instant


class SavingAssumptions(Out):
    items: list[SavingAssumption]


class EstimatedSaving(Out):
    """What was saved if the assumption holds. NOK without VAT."""

    framework_agreement: str
    from_on: date | None
    to_on: date | None
    assumption: SavingAssumption = Field(description="What the figures rest on; not to be told without it")
    procurements_avoided: int = Field(description="By what the assumption takes for one")
    call_offs: int = Field(description="Of which something was accepted in the period")
    posted_excl_vat: Money = Field(description="What was accepted of them; the saving is no part of it")
    hours_saved: Decimal = Field(examples=["120.00"])
    saved_excl_vat: Money


class Asked(In):
    model_config = ConfigDict(extra="forbid")

    from_on: date | None = Field(default=None, description="From this day of acceptance on")
    to_on: date | None = Field(default=None, description="Up to and with this day")
    version: int | None = Field(default=None, ge=1, le=1_000_000, description="By this version; the newest if left out")


@router.post(
    "/saving-assumptions",
    status_code=201,
    summary="State what an avoided procurement would cost",
    openapi_extra=example(
        organisation=OWNER,
        body={
            "counted": "buyer_and_lot",
            "hours_per_procurement": "80.00",
            "per_hour_excl_vat": "750.00",
            "further_per_procurement_excl_vat": "15000.00",
            "source": "Anslag fra fellesenheten, etter samtaler med fem kommuner (fiktivt)",
            "assumed_on": "2026-11-01",
        },
    ),
)
def state(
    slug: Slug,
    new: NewSavingAssumption,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: TodayDep,
) -> SavingAssumption:
    """By the framework owner, with where the figures come from. Earlier versions stay as they are, and a report can be
    made by any of them."""
    agreement = frameworks.owned(session, slug, caller.organisation)
    further, hours = new.further_per_procurement_excl_vat, new.hours_per_procurement
    refuse(rules.check(new.assumed_on, hours, further, today))
    row = store.add(
        session,
        store.SavingAssumption(
            framework_id=agreement.id or 0,
            version=0,
            counted=new.counted,
            hours=hours,
            per_hour=new.per_hour_excl_vat,
            further=further,
            source=new.source,
            assumed_on=new.assumed_on,
        ),
    )
    path, given = frameworks.path(slug), new.model_dump(mode="json")
    audit.record(session, caller, "framework_agreement.saving_assumption", path, version=row.version, new=given)
    seen_by = caller.organisation if agreement.announced_on is None else None
    feed.tell(session, "framework_agreement.saving_assumed", path, seen_by, version=row.version)
    response.headers["Location"] = f"{path}/saving-assumptions"
    return _shown(row)


@router.get("/saving-assumptions", summary="List what is assumed to be saved", openapi_extra=example())
def list_assumptions(slug: Slug, viewer: ViewerDep, reader: ReaderDep) -> SavingAssumptions:
    """Every version, the first first. Open to everybody."""
    agreement = frameworks.visible(reader, slug, viewer.organisation if viewer else None)
    return SavingAssumptions(items=[_shown(row) for row in store.of(reader, agreement.id or 0)])


@router.get(
    "/savings",
    summary="Estimate what buying together has saved",
    openapi_extra=example(query={"from_on": "2026-01-01"}),
)
def estimate(slug: Slug, asked: Annotated[Asked, Query()], viewer: ViewerDep, reader: ReaderDep) -> EstimatedSaving:
    """The cost of procurements that buyers need not run themselves: how many by the days of acceptance, times what the
    framework owner assumes of one. The assumption stands beside the number; without one there is no number (404
    `assumption-not-stated`). What is saved by lower prices is not in it. Open to everybody."""
    agreement = frameworks.visible(reader, slug, viewer.organisation if viewer else None)
    refuse(rules.check_period(asked.from_on, asked.to_on))
    row = store.version(reader, agreement.id or 0, asked.version)
    used = store.used(reader, agreement.id or 0, asked.from_on, asked.to_on)
    avoided = used.counted(row.counted)
    saving = rules.saved(avoided, hours=row.hours, per_hour=row.per_hour, further=row.further)
    return EstimatedSaving(
        framework_agreement=slug,
        from_on=asked.from_on,
        to_on=asked.to_on,
        assumption=_shown(row),
        procurements_avoided=avoided,
        call_offs=used.call_offs,
        posted_excl_vat=used.posted,
        hours_saved=saving.hours,
        saved_excl_vat=saving.amount,
    )


def _shown(row: store.SavingAssumption) -> SavingAssumption:
    return SavingAssumption(
        version=row.version,
        counted=row.counted,
        hours_per_procurement=row.hours,
        per_hour_excl_vat=row.per_hour,
        further_per_procurement_excl_vat=row.further,
        source=row.source,
        assumed_on=row.assumed_on,
        recorded_at=row.recorded_at,
    )
