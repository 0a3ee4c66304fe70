"""Fees over HTTP."""

from datetime import date
from typing import Annotated

from fastapi import Path, Query, Response
from pydantic import AwareDatetime, ConfigDict, Field

from services.agreements.catalog_client import CatalogDep
from services.agreements.fees import rules, store
from services.agreements.frameworks import store as frameworks
from services.chassis import audit, clock, feed
from services.chassis.app import new_router
from services.chassis.auth import CallerDep, ViewerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, ReaderDep, SessionDep
from services.chassis.problems import Invalid, NotFound, refuse
from services.chassis.values import In, Instant, Money, OrganisationNumber, Out

router = new_router("/framework-agreements/{slug}/fees", "Framework agreements")

OWNER, BRONNOY = "100000008", "964983291"
ACTIVE = Path(description="The agreement's name in addresses", examples=["ra-2026-velferdsteknologi"])


class NewFee(In):
    """From a day on. Both may be nought."""

    valid_from_on: date = Field(description="The first day on which it holds")
    joining_excl_vat: Money = Field(description="Once, from whoever accedes")
    per_inhabitant_per_year_excl_vat: Money
    reason: str | None = Field(
        default=None, min_length=3, max_length=2000, description="Required when the day has passed"
    )


class Fee(Out):
    """A line of the schedule. NOK without VAT."""

    valid_from_on: date
    joining_excl_vat: Money
    per_inhabitant_per_year_excl_vat: Money
    back_dated: bool = Field(description="Whether it was set after the day from which it holds")
    reason: str | None
    recorded_at: Instant


class Fees(Out):
    items: list[Fee]


class Estimate(Out):
    """What taking part costs one organisation. NOK without VAT."""

    framework_agreement: str
    organisation_number: str
    name: str
    on: date
    fee: Fee = Field(description="The line of the schedule that holds on that day")
    population: int = Field(description="The catalogue's newest count that is not later")
    population_on: date | None
    joining_excl_vat: Money = Field(description="Once")
    yearly_excl_vat: Money = Field(description="A whole year: `population` times the fee for each inhabitant")
    first_year_excl_vat: Money = Field(description="Both together")


class AsOf(In):
    model_config = ConfigDict(extra="forbid")

    organisation_number: OrganisationNumber = Field(description="Who would take part")
    on: date | None = Field(default=None, description="On this day; today when left out")
    known_at: AwareDatetime | None = Field(default=None, description="By what had been set at this instant")


class OrganisationNotFound(NotFound):
    """The catalogue had no organisation with this number on that day."""


class KnownAtInFuture(Invalid):
    """What will be known is not known yet."""


@router.get("", summary="List an agreement's fees", openapi_extra=example())
def list_fees(slug: Annotated[str, ACTIVE], viewer: ViewerDep, reader: ReaderDep) -> Fees:
    """The whole schedule, oldest day first, and of one day the line that was set last is the last: that one holds.
    Open to everybody."""
    agreement = frameworks.by_slug(reader, slug)
    return Fees(items=[_shown(row) for row in store.of(reader, agreement.id or 0)])


@router.post(
    "",
    status_code=201,
    summary="Set a fee from a day on",
    openapi_extra=example(
        organisation=OWNER,
        body={
            "valid_from_on": "2028-01-01",
            "joining_excl_vat": "12000.00",
            "per_inhabitant_per_year_excl_vat": "3.25",
        },
    ),
)
def set_fee(
    slug: Annotated[str, ACTIVE],
    new: NewFee,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
) -> Fee:
    """By the framework owner. Earlier lines stay as they are; this one holds from its day until another's day comes.
    From a day that has passed it needs a reason, and is flagged."""
    agreement = frameworks.owned(session, slug, caller.organisation)
    now = clock.now()
    refuse(rules.check(agreement.state, agreement.ends_on, new.valid_from_on, new.reason, clock.on(now)))
    row = store.add(
        session,
        store.Fee(
            framework_id=agreement.id or 0,
            valid_from_on=new.valid_from_on,
            joining=new.joining_excl_vat,
            per_inhabitant=new.per_inhabitant_per_year_excl_vat,
            back_dated=new.valid_from_on < clock.on(now),
            reason=new.reason,
            recorded_at=now,
        ),
    )
    path, given = f"/framework-agreements/{slug}", new.model_dump(mode="json")
    audit.record(session, caller, "framework_agreement.fee", path, new=given, back_dated=row.back_dated)
    feed.tell(session, "framework_agreement.fee_set", path, None, **given)
    response.headers["Location"] = f"{path}/fees"
    return _shown(row)


@router.get(
    "/estimate",
    summary="Estimate what taking part costs",
    openapi_extra=example(query={"organisation_number": BRONNOY, "on": "2027-01-01"}),
)
def estimate(
    slug: Annotated[str, ACTIVE],
    asked: Annotated[AsOf, Query()],
    viewer: ViewerDep,
    catalog: CatalogDep,
    database: DatabaseDep,
    today: TodayDep,
) -> Estimate:
    """The joining fee and a whole year's fee of one organisation, with the inhabitants and the line of the schedule
    that they come from. A day that the schedule says nothing of is refused (404 `fee-not-set`). Open to everybody."""
    if asked.known_at and asked.known_at > clock.now():
        raise KnownAtInFuture(pointer="?known_at")
    day = asked.on or today
    with database.reading() as reader:  # let go before the catalogue is asked
        fee = store.on(reader, frameworks.by_slug(reader, slug).id or 0, day, asked.known_at)
    organisation = catalog.counted([asked.organisation_number], day).get(asked.organisation_number)
    if organisation is None:
        raise OrganisationNotFound(f"{asked.organisation_number} did not exist on {day}, or is not registered.")
    if organisation.population is None:
        raise rules.PopulationUnknown(f"{organisation.name}, {day}.")
    due = rules.due(fee.joining, fee.per_inhabitant, organisation.population)
    return Estimate(
        framework_agreement=slug,
        organisation_number=asked.organisation_number,
        name=organisation.name,
        on=day,
        fee=_shown(fee),
        population=organisation.population,
        population_on=organisation.population_on,
        joining_excl_vat=due.joining,
        yearly_excl_vat=due.yearly,
        first_year_excl_vat=due.first_year,
    )


def _shown(row: store.Fee) -> Fee:
    return Fee(
        valid_from_on=row.valid_from_on,
        joining_excl_vat=row.joining,
        per_inhabitant_per_year_excl_vat=row.per_inhabitant,
        back_dated=row.back_dated,
        reason=row.reason,
        recorded_at=row.recorded_at,
    )
