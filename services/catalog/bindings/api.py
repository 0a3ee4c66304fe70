"""Bindings of standards over HTTP."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Path, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.bindings import rules, store
from services.catalog.standards import store as standards
from services.catalog.standards.rules import Level, Sector, State
from services.chassis import audit, changes, clock, feed
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Problem, refuse
from services.chassis.values import In, Instant, Out, Slug, Text, TextOut, new_id, seed_id

router = new_router("/standards/{slug}/bindings", "Standards")

EDITOR = "100000008"
SEEDED = str(seed_id("binding:wcag-2-1:municipality:universell-utforming"))
StandardSlug = Annotated[str, Path(description="The standard's name in addresses", examples=["wcag-2-1"])]
BindingId = Annotated[UUID, Path(description="The binding's id", examples=[SEEDED])]
Address = Annotated[str, Field(max_length=300, pattern=r"^https?://[^\s<>\"{}|\\^`]+$")]
Reason = Annotated[str, Field(min_length=1, max_length=2000, description="Why it is so, or what has changed")]


class BindingFields(In):
    """What can be changed of a binding. What is left out is not known."""

    area_name: Text = Field(description="The area in words")
    level: Level
    legal_basis: Address | None = Field(
        default=None,
        description="The law, regulation or circular, by its ELI where it has one",
        examples=["https://lovdata.no/eli/forskrift/2013/06/21/732"],
    )
    legal_basis_name: str | None = Field(default=None, min_length=1, max_length=300)
    valid_from_on: date | None = Field(default=None, description="The first day; left out: not known")
    valid_to_on: date | None = Field(default=None, description="The last day; left out: not decided")
    exceptions: Text | None = Field(default=None, description="What it does not hold for")
    successor: Slug | None = Field(default=None, description="The standard that holds instead afterwards")


class NewBinding(BindingFields):
    sector: Sector = Field(description="The state, or the municipalities with the counties")
    area: Annotated[Slug, Field(description="Where it applies, as a word of the register", examples=["e-faktura"])]
    reason: Reason


class BindingFieldsChange(In):
    area_name: changes.TextChange | None = None
    level: Level | None = None
    legal_basis: Address | None = None
    legal_basis_name: str | None = Field(default=None, min_length=1, max_length=300)
    valid_from_on: date | None = None
    valid_to_on: date | None = None
    exceptions: changes.TextChange | None = None
    successor: Slug | None = None


class BindingChange(BindingFieldsChange):
    """A binding in part (RFC 7396); why it changes must always be said."""

    reason: Reason


class EndOfBinding(In):
    valid_to_on: date = Field(description="The last day")
    successor: Slug | None = Field(default=None, description="The standard that holds instead afterwards")
    reason: Reason


class BindingRecord(Out):
    """What was recorded of the binding at an instant."""

    recorded_at: Instant
    organisation: str | None = Field(description="Who recorded it, by number; null: it came with the catalogue")
    reason: str
    level: Level
    legal_basis: str | None
    legal_basis_name: str | None
    valid_from_on: date | None
    valid_to_on: date | None
    exceptions: TextOut | None
    successor: str | None


class Binding(Out):
    """How strongly a standard holds for a sector in an area, with everything that was ever recorded of it."""

    id: UUID
    standard: str
    sector: Sector
    area: str
    area_name: TextOut
    level: Level
    state: State = Field(description="On the day that was asked for")
    valid_from_on: date | None = Field(description="The first day; null: not known")
    valid_to_on: date | None = Field(description="The last day; null: not decided")
    source: str | None = Field(description="Where it is known from, when no editor registered it")
    records: list[BindingRecord] = Field(description="In the order in which they were recorded; the last one holds")


@router.get("/{binding}", summary="Read a binding with its history", openapi_extra=example())
def read(
    slug: StandardSlug,
    binding: BindingId,
    reader: ReaderDep,
    response: Response,
    today: TodayDep,
    on: date | None = None,
) -> Binding:
    """Everything that was ever recorded of it: a change is a new record, and no record is ever changed. Send its `ETag`
    back as `If-Match` when you change it."""
    return _shown(reader, standards.by_slug(reader, slug), binding, on or today, response)


@router.post(
    "",
    status_code=201,
    summary="Add a binding to a standard",
    openapi_extra=example(
        organisation=EDITOR,
        body={
            "sector": "municipality",
            "area": "laeremidler",
            "area_name": {"nb": "Digitale læremidler (eksempel)"},
            "level": "recommended",
            "valid_from_on": "2027-01-01",
            "reason": "Et eksempel",
        },
    ),
)
def add(
    slug: StandardSlug, new: NewBinding, caller: CallerDep, session: SessionDep, response: Response, today: TodayDep
) -> Binding:
    """For editors: for whom, in which area, how strongly, from when, and by which law. On a day there is one level for
    a sector and an area. What is mandatory names its legal basis."""
    standard = standards.by_slug(session, slug, lock=True)
    successor, found = _check(session, standard, new, new.sector, new.area, None)
    refuse(found)
    row = store.add(
        session,
        store.Binding(
            binding=new_id(),
            standard_id=standard.id,
            sector=new.sector,
            area=new.area,
            reason=new.reason,
            organisation=caller.organisation,
            recorded_at=clock.now(),
            **_columns(new, successor),
        ),
    )
    standards.index(session, slug, today)
    response.headers["Location"] = path = f"/standards/{slug}/bindings/{row.binding}"
    audit.record(session, caller, "binding.add", path, new=new.model_dump(mode="json", exclude_none=True))
    _tell(session, "binding.added", path, row)
    return _shown(session, standard, row.binding, today, response)


@router.patch(
    "/{binding}",
    summary="Change a binding",
    openapi_extra=example(
        organisation=EDITOR,
        body={"exceptions": {"nb": "Et eksempel på et unntak"}, "reason": "Et eksempel"},
        media_type=changes.MERGE_PATCH,
        headers={"If-Match": '"1"'},
    ),
)
def change(
    slug: StandardSlug,
    binding: BindingId,
    change: Annotated[BindingChange, Body(media_type=changes.MERGE_PATCH)],
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: TodayDep,
    if_match: changes.IfMatch = None,
) -> Binding:
    """For editors. What is not named stays. The change is a new record with its reason; what was known before is still
    read with `known_at`. Another sector or area is another binding."""
    standard = standards.by_slug(session, slug, lock=True)
    history = store.history(session, standard.id, binding)
    changes.require_match(if_match, len(history))
    last = history[-1]
    before = _fields(session, last)
    wanted = BindingFieldsChange.model_validate(change.model_dump(exclude={"reason"}, exclude_unset=True))
    whole = changes.merged(BindingFields, before, wanted)
    successor, found = _check(session, standard, whole, last.sector, last.area, binding)
    refuse(found)
    return _record(session, standard, last, whole, successor, "change", change.reason, caller, today, response)


@router.post(
    "/{binding}/end",
    summary="End a binding",
    openapi_extra=example(
        organisation=EDITOR, body={"valid_to_on": "2030-12-31", "successor": None, "reason": "Et eksempel"}
    ),
)
def end(
    slug: StandardSlug,
    binding: BindingId,
    new: EndOfBinding,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: TodayDep,
    if_match: changes.IfMatch = None,
) -> Binding:
    """For editors: its last day, and which standard holds instead. It stays as history."""
    standard = standards.by_slug(session, slug, lock=True)
    history = store.history(session, standard.id, binding)
    changes.require_match(if_match, len(history), needed=False)
    last = history[-1]
    ended = {"valid_to_on": new.valid_to_on.isoformat(), "successor": new.successor}
    whole = BindingFields.model_validate({**_fields(session, last), **ended})
    successor, found = _check(session, standard, whole, last.sector, last.area, binding)
    refuse([*rules.check_end(last.period(), new.valid_to_on), *found])
    return _record(session, standard, last, whole, successor, "end", new.reason, caller, today, response)


def _check(
    session: Session,
    standard: standards.Standard,
    fields: BindingFields,
    sector: Sector,
    area: str,
    besides: UUID | None,
) -> tuple[int | None, list[Problem]]:
    """→ (the successor's internal key, what is wrong)"""
    successor = standards.find(session, fields.successor) if fields.successor else None
    found = rules.check(
        rules.Period(fields.valid_from_on, fields.valid_to_on),
        fields.level,
        legal_basis=bool(fields.legal_basis or fields.legal_basis_name),
        others=store.others(session, standard.id, sector, area, besides),
        standard=standard.slug,
        successor=fields.successor,
    )
    if fields.successor and successor is None:
        found.append(rules.BindingSuccessorUnknown(f"There is no {fields.successor!r}.", pointer="#/successor"))
    return successor, found


def _columns(fields: BindingFields, successor: int | None) -> dict[str, Any]:
    return {
        "area_name": fields.area_name.kept(),
        "exceptions": fields.exceptions.kept() if fields.exceptions else None,
        "successor_id": successor,
        **fields.model_dump(include={"level", "legal_basis", "legal_basis_name", "valid_from_on", "valid_to_on"}),
    }


def _fields(session: Session, row: store.Binding) -> dict[str, object]:
    """What can be changed of a binding, as it stands."""
    names = ("area_name", "level", "legal_basis", "legal_basis_name", "exceptions")
    dates = {name: getattr(row, name) and getattr(row, name).isoformat() for name in ("valid_from_on", "valid_to_on")}
    successor = standards.slugs_of(session, [row.successor_id]).get(row.successor_id)
    return {name: getattr(row, name) for name in names} | dates | {"successor": successor}


def _record(
    session: Session,
    standard: standards.Standard,
    last: store.Binding,
    whole: BindingFields,
    successor: int | None,
    step: str,
    reason: str,
    caller: Caller,
    today: date,
    response: Response,
) -> Binding:
    before = _fields(session, last)
    row = store.add(
        session,
        store.again(
            last,
            reason=reason,
            organisation=caller.organisation,
            recorded_at=clock.now(),
            **_columns(whole, successor),
        ),
    )
    standards.index(session, standard.slug, today)
    path = f"/standards/{standard.slug}/bindings/{row.binding}"
    changed = changes.differences(before, _fields(session, row))
    audit.record(session, caller, f"binding.{step}", path, changed=changed, reason=reason)
    _tell(session, "binding.ended" if step == "end" else "binding.changed", path, row)
    return _shown(session, standard, row.binding, today, response)


def _tell(session: Session, event: str, path: str, row: store.Binding) -> None:
    feed.tell(
        session,
        event,
        path,
        None,
        sector=row.sector.value,
        area=row.area,
        level=row.level.value,
        valid_from_on=row.valid_from_on and row.valid_from_on.isoformat(),
        valid_to_on=row.valid_to_on and row.valid_to_on.isoformat(),
    )


def _shown(session: Session, standard: standards.Standard, binding: UUID, on: date, response: Response) -> Binding:
    rows = store.history(session, standard.id, binding)
    response.headers["ETag"] = changes.etag(len(rows))
    names = standards.slugs_of(session, [row.successor_id for row in rows])
    last = rows[-1]
    return Binding.model_validate(
        {
            **last.model_dump(),
            "id": binding,
            "standard": standard.slug,
            "state": last.period().state_on(on),
            "records": [
                BindingRecord.model_validate({**row.model_dump(), "successor": names.get(row.successor_id)})
                for row in rows
            ],
        }
    )
