"""Thresholds over HTTP."""

from datetime import date
from typing import Annotated

from fastapi import Query, Request
from pydantic import AwareDatetime, ConfigDict, Field

from services.agreements.settings import Settings
from services.agreements.thresholds import rules, store
from services.chassis import audit, clock, feed
from services.chassis.app import new_router
from services.chassis.auth import CallerDep, ViewerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Invalid, refuse
from services.chassis.values import In, Instant, Money, Out

router = new_router("/thresholds", "Thresholds")

KEEPER, PATH = "100000008", "/thresholds"


class NewThreshold(In):
    kind: rules.Kind
    amount_excl_vat: Money = Field(gt=0)
    valid_from_on: date
    valid_to_on: date | None = Field(default=None, description="The last day; null when it is not known yet")
    source: str = Field(min_length=3, max_length=500, description="Where it is published")
    fictional: bool = Field(default=False, description="For trying out only")
    reason: str | None = Field(
        default=None, min_length=3, max_length=2000, description="Required when the first day has passed"
    )


class Threshold(Out):
    """A line of the table. NOK without VAT."""

    kind: rules.Kind
    amount_excl_vat: Money
    valid_from_on: date
    valid_to_on: date | None = Field(description="The last day; null: not known")
    source: str
    fictional: bool = Field(description="Not a real threshold, but one to try things out with")
    back_dated: bool = Field(description="Whether it was added after the day from which it holds")
    reason: str | None
    organisation: str | None = Field(description="Who added it; null: it came with the service")
    recorded_at: Instant


class Thresholds(Out):
    items: list[Threshold]


class AsOf(In):
    model_config = ConfigDict(extra="forbid")

    on: date | None = Field(default=None, description="Only what holds on this day; every row when left out")
    known_at: AwareDatetime | None = Field(default=None, description="By what had been added at this instant")


class KnownAtWithoutDay(Invalid):
    """What was known at an instant is asked of a day."""


@router.get("", summary="List thresholds", openapi_extra=example(query={"on": "2025-06-01"}))
def list_thresholds(asked: Annotated[AsOf, Query()], viewer: ViewerDep, reader: ReaderDep) -> Thresholds:
    """The table, or what holds on a day. A kind that is missing is not known for that day, and an announcement that
    needs it is refused. Open to everybody."""
    if asked.known_at and asked.on is None:
        raise KnownAtWithoutDay(pointer="?on")
    if asked.on is None:
        return Thresholds(items=[_shown(row) for row in store.every(reader)])
    found = store.on(reader, asked.on, asked.known_at)
    return Thresholds(items=[_shown(found[kind]) for kind in sorted(found)])


@router.post(
    "",
    status_code=201,
    summary="Add a threshold",
    openapi_extra=example(
        organisation=KEEPER,
        body={
            "kind": "national",
            "amount_excl_vat": "1300000.00",
            "valid_from_on": "2028-01-01",
            "source": "Eksempel (fiktiv)",
            "fictional": True,
        },
    ),
)
def add(new: NewThreshold, request: Request, caller: CallerDep, session: SessionDep) -> Threshold:
    """By the organisation that keeps the table. Rows are only added: of two for the same kind and first day the one
    added last counts. From a day that has passed it needs a reason, and is flagged."""
    settings: Settings = request.app.state.settings
    if caller.organisation not in settings.threshold_keepers:
        raise rules.NotThresholdKeeper(f"{', '.join(settings.threshold_keepers)} do.")
    now = clock.now()
    refuse(rules.check(new.valid_from_on, new.valid_to_on, new.reason, clock.on(now)))
    row = store.add(
        session,
        store.Threshold(
            kind=new.kind,
            amount=new.amount_excl_vat,
            valid_from_on=new.valid_from_on,
            valid_to_on=new.valid_to_on,
            source=new.source,
            fictional=new.fictional,
            back_dated=new.valid_from_on < clock.on(now),
            reason=new.reason,
            organisation=caller.organisation,
            recorded_at=now,
        ),
    )
    given = new.model_dump(mode="json")
    audit.record(session, caller, "threshold.add", PATH, new=given, back_dated=row.back_dated)
    feed.tell(session, "threshold.added", PATH, None, **given)
    return _shown(row)


def _shown(row: store.Threshold) -> Threshold:
    names = ("kind", "valid_from_on", "valid_to_on", "source", "fictional", "back_dated", "reason", "organisation")
    return Threshold(
        amount_excl_vat=row.amount, recorded_at=row.recorded_at, **{name: getattr(row, name) for name in names}
    )
