"""Organisations over HTTP: found by what people know, on the day they ask for; registered and changed by editors."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Path, Query, Request, Response
from pydantic import ConfigDict, Field
from sqlmodel import Session

from services.catalog.organisations import rules, store
from services.catalog.periods import rules as periods_rules
from services.catalog.periods import store as periods
from services.chassis import audit, changes, feed, paging, view
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, OrganisationNumber, Out, seed_id
from services.chassis.view import ViewDep

router = new_router("/organisations", "Organisations")

EDITOR = "100000008"
BRONNOY = str(seed_id("organisation:964983291"))
MunicipalityNumber = Annotated[str, Field(pattern=r"^\d{4}$", examples=["1813"])]
CountyNumber = Annotated[str, Field(pattern=r"^\d{2}$", examples=["18"])]
OrganisationId = Annotated[UUID, Path(description="The organisation's id", examples=[BRONNOY])]


class NumberPeriod(In):
    """A municipality number with the days on which it holds."""

    model_config = ConfigDict(from_attributes=True)

    number: MunicipalityNumber
    valid_from_on: date | None = Field(
        default=None, description="The first day; null when it held before anything is recorded, which begins in 2010"
    )
    valid_to_on: date | None = Field(default=None, description="The last day; null while it holds")
    basis: str | None = Field(
        default=None, max_length=200, description="What the days rest on, such as the structure that first shows them"
    )


class NewOrganisation(In):
    kinds: list[rules.Kind] = Field(min_length=1, max_length=7, description="Oslo is municipality and county in one")
    name: str = Field(min_length=1, max_length=200)
    official_name: str | None = Field(default=None, max_length=200, description="In all its official languages")
    organisation_number: OrganisationNumber | None = Field(default=None, description="Null when it has none")
    county_number: CountyNumber | None = None
    population: int | None = Field(default=None, ge=0, le=10_000_000)
    population_on: date | None = Field(default=None, description="The day that the population was counted on")
    existed_from_on: date | None = Field(default=None, description="Its first day, if known")
    existed_to_on: date | None = Field(default=None, description="Its last day, if it has ended")
    language_form: rules.LanguageForm | None = Field(
        default=None, description="The form of Norwegian (målform) that it has decided on; its letters are in it"
    )
    municipality_numbers: list[NumberPeriod] = Field(default=[], max_length=20)


class OrganisationFields(In):
    """An organisation in part."""

    kinds: list[rules.Kind] | None = None
    name: str | None = None
    official_name: str | None = None
    organisation_number: OrganisationNumber | None = Field(default=None, description="Sensitive: needs a reason")
    county_number: CountyNumber | None = None
    population: int | None = None
    population_on: date | None = None
    existed_from_on: date | None = Field(default=None, description="Sensitive: needs a reason")
    existed_to_on: date | None = Field(default=None, description="Sensitive: needs a reason")
    language_form: rules.LanguageForm | None = None
    municipality_numbers: list[NumberPeriod] | None = Field(default=None, description="All of them, anew")


class OrganisationChange(OrganisationFields):
    """What to change (RFC 7396): what is not named stays, what is null goes."""

    effective_on: date | None = Field(
        default=None, description="From which day a new name or county holds; today when left out"
    )
    reason: str | None = Field(default=None, min_length=3, max_length=2000, description="Kept in the audit trail")


NOT_FIELDS = {"effective_on", "reason"}
SENSITIVE = ("organisation_number", "existed_from_on", "existed_to_on")


class Heir(Out):
    """Who stands in the place of an organisation that has ended."""

    id: UUID
    name: str
    relation: rules.Relation


class Organisation(Out):
    """An organisation by its own stable id: one legal person over time."""

    id: UUID
    kinds: list[rules.Kind]
    name: str = Field(examples=["Brønnøy kommune"], description="On the day that is asked for")
    official_name: str | None = Field(description="The name in all its official languages, where it has several")
    organisation_number: str | None = Field(description="Nine digits; null when it has none or none is known")
    municipality_numbers: list[NumberPeriod] = Field(description="Oldest first; empty for other than municipalities")
    county_number: str | None = Field(description="The county (fylke) it lies in or is, as numbered on that day")
    population: int | None = Field(description="Inhabitants; SSB's count")
    population_on: date | None = Field(description="The day that the population was counted on")
    existed_from_on: date | None = Field(description="First day; null: before 2010, or not known")
    existed_to_on: date | None = Field(description="Last day; null while it exists")
    existence_basis: str | None = Field(description="What these days rest on")
    language_form: rules.LanguageForm | None = Field(
        description="The form of Norwegian (målform) that a municipality has decided on: `nb`, `nn` or `neutral`; "
        "null: none is known"
    )
    successors: list[Heir] = Field(description="When it has ended: who stands in its place on that day")
    fictional: bool = Field(description="Made up, to try the system with")


class Filters(view.Viewed):
    on: date | None = Field(
        default=None,
        description="As of this day: who existed, by the names, numbers and counties of that day. Recorded from 2010",
    )
    id: list[UUID] = Field(default=[], max_length=100, description="Only these; may be repeated, at most 100")
    kind: rules.Kind | None = Field(default=None, description="Only organisations of this kind")
    organisation_number: OrganisationNumber | None = Field(default=None, description="The one with this number")
    municipality_number: MunicipalityNumber | None = Field(
        default=None,
        description="Whoever has or had this number: an old number finds the municipality, also one that has ended, "
        "which names its successors. With `on` it is the holder of that day",
    )
    county_number: CountyNumber | None = Field(default=None, description="Those that lie in, or are, this county")
    q: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="A part of the name, or words as `GET /search` finds them",
    )
    ended: bool = Field(default=False, description="Also those that have ended; a number or an id finds them anyway")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("", summary="List organisations", openapi_extra=example(query={"municipality_number": "1813"}))
def list_organisations(
    filters: Annotated[Filters, Query()], reader: ReaderDep, today: TodayDep, request: Request, response: Response
) -> paging.Page[Organisation]:
    """Organisations by name, sorted as Norwegian does (… z æ ø å). Filters narrow the list together. Municipalities
    are those of the structures of 2010, 2015, 2020 and 2024 (SSB, Enhetsregisteret): the 357 of today, or with `on`
    those of that day; 15 counties, Oslo among both. Where only two structures are known, a change is dated to the
    start of the later one, and says so. An organisation that is `fictional` exists only here."""
    rows = store.page(
        reader,
        paging.start(filters.after, str, str),
        filters.limit,
        today=today,
        **filters.model_dump(exclude={"after", "limit", "fields", "language"}),
    )
    shown = _shown(reader, rows[: filters.limit], filters.on, today)
    answer = paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda named: paging.cursor(named.sort_key, str(named.row.uuid)),
        lambda named: shown[named.row.id],
    )
    return view.answer(filters.view(), answer, response)  # type: ignore[return-value]


@router.get("/{id}", summary="Read an organisation", openapi_extra=example())
def read(
    id: OrganisationId,
    reader: ReaderDep,
    today: TodayDep,
    response: Response,
    shown: ViewDep,
    on: Annotated[date | None, Query(description="As of this day: name, county, population then")] = None,
) -> Organisation:
    """One organisation by its id, which stays the same when its numbers change, and when it has ended."""
    row = store.by_uuid(reader, id)
    response.headers["ETag"] = changes.etag(row.revision)
    named = store.named(reader, row, on)
    return view.answer(shown, _shown(reader, [named], on, today)[row.id], response)  # type: ignore[return-value]


@router.post(
    "",
    status_code=201,
    summary="Register an organisation",
    openapi_extra=example(
        organisation=EDITOR,
        body={"kinds": ["supplier"], "name": "Skjærgård Helseteknikk AS (fiktiv)", "organisation_number": "100000083"},
    ),
)
def register(
    new: NewOrganisation, caller: CallerDep, session: SessionDep, today: TodayDep, response: Response
) -> Organisation:
    """For editors. The organisation gets an id of its own; its organisation number, if it has one, must not be in
    use, nor a municipality number on any of its days."""
    numbers = _checked(new)
    fields = new.model_dump(exclude={"municipality_numbers", "name", "kinds"})
    added = store.add(session, store.new(new.name, dict.fromkeys(new.kinds), **fields), numbers)
    store.index(session, [added.id])
    response.headers["Location"] = path = f"/organisations/{added.uuid}"
    response.headers["ETag"] = changes.etag(added.revision)
    audit.record(session, caller, "organisation.register", path, new=new.model_dump(mode="json"))
    feed.tell(session, "organisation.registered", path, None, kinds=added.kinds)
    return _shown(session, [store.named(session, added, None)], None, today)[added.id]


@router.patch(
    "/{id}",
    summary="Change an organisation",
    openapi_extra=example(
        organisation=EDITOR,
        body={"population": 7_850, "population_on": "2025-01-01"},
        media_type=changes.MERGE_PATCH,
        headers={"If-Match": '"1"'},
    ),
)
def change(
    id: OrganisationId,
    new: Annotated[OrganisationChange, Body(media_type=changes.MERGE_PATCH)],
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
    response: Response,
    if_match: changes.IfMatch = None,
) -> Organisation:
    """For editors. Name, county and population of other days are kept: a new name or county holds from `effective_on`,
    a count from the day it was made. A change of organisation number or of first or last day needs a reason."""
    row = store.by_uuid(session, id, locked=True)
    changes.require_match(if_match, row.revision)
    before = _fields(row, periods.municipality_numbers(session, [row.id]).get(row.id, []))
    wanted = OrganisationFields.model_validate(new.model_dump(exclude=NOT_FIELDS, exclude_unset=True))
    after = changes.merged(NewOrganisation, before, wanted)
    changed = changes.differences(before, after.model_dump(mode="json"))
    sensitive = [name for name in SENSITIVE if name in changed and new.reason is None]
    problems = [changes.ReasonMissing(f"{name} is sensitive.", pointer="#/reason") for name in sensitive]
    numbers, effective_on = _checked(after, *problems), new.effective_on or today
    if {"name", "official_name", "county_number"} & changed.keys():
        refuse(periods_rules.following(effective_on, periods.last_change_on(session, row.id)))
    if changed:
        store.change(
            session,
            row,
            after.model_dump(exclude={"municipality_numbers", "kinds"})
            | {"kinds": [kind.value for kind in dict.fromkeys(after.kinds)]},
            numbers if "municipality_numbers" in changed else None,
            effective_on,
        )
        store.index(session, [row.id])
        path = f"/organisations/{id}"
        audit.record(session, caller, "organisation.change", path, changed=changed, reason=new.reason)
        feed.tell(session, "organisation.changed", path, None, fields=list(changed))
    response.headers["ETag"] = changes.etag(row.revision)
    return _shown(session, [store.named(session, row, None)], None, today)[row.id]


def _checked(new: NewOrganisation, *more: changes.ReasonMissing) -> list[periods_rules.NumberPeriod]:
    numbers = [periods_rules.NumberPeriod(**one.model_dump()) for one in new.municipality_numbers]
    life = periods_rules.Life(new.existed_from_on, new.existed_to_on)
    refuse([*more, *rules.check(new.kinds, new.population, new.population_on, numbers, life)])
    return numbers


def _fields(row: store.Organisation, numbers: list[periods.MunicipalityNumber]) -> dict[str, Any]:
    """As it would be registered anew, in JSON values."""
    return NewOrganisation(
        **{name: getattr(row, name) for name in NewOrganisation.model_fields if name != "municipality_numbers"},
        municipality_numbers=[NumberPeriod.model_validate(one) for one in numbers],
    ).model_dump(mode="json")


def _shown(reader: Session, found: Sequence[store.Named], on: date | None, today: date) -> dict[int, Organisation]:
    """What is told of organisations on a day, asked for all of them at once."""
    ids, day = [one.row.id for one in found], on or today
    numbers = periods.municipality_numbers(reader, ids)
    counties = periods.counties_on(reader, ids, on) if on else {}
    populations = periods.populations_on(reader, ids, on) if on else {}
    ended = [one.row.id for one in found if one.row.existed_to_on and one.row.existed_to_on < day]
    heirs = store.resolve(reader, ended, day) if ended else {}
    rows = store.by_ids(reader, {one for several in heirs.values() for one, _ in several})
    shown = {}
    for one in found:
        row = one.row
        fields = row.model_dump(exclude={"id", "uuid", "sort_key", "revision"})
        if on:
            counted = populations.get(row.id)
            fields |= {
                "county_number": counties.get(row.id),
                "population": counted and counted.inhabitants,
                "population_on": counted and counted.counted_on,
            }
        shown[row.id] = Organisation.model_validate(
            {
                **fields,
                "id": row.uuid,
                "name": one.name,
                "official_name": one.official_name,
                "municipality_numbers": [NumberPeriod.model_validate(number) for number in numbers.get(row.id, [])],
                "successors": [
                    Heir(id=rows[heir].uuid, name=rows[heir].name, relation=relation)
                    for heir, relation in heirs.get(row.id, [])
                ],
            }
        )
    return shown
