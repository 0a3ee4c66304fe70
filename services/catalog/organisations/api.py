"""Organisations and co-operations over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import ConfigDict, Field

from services.catalog.organisations import rules, store
from services.chassis import audit, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, needs
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, OrganisationNumber, Out, seed_id

router = new_router("/organisations", "Organisations")
co_operations_router = new_router("/co-operations", "Co-operations")

EDITOR = "100000008"
BRONNOY = str(seed_id("organisation:964983291"))
MunicipalityNumber = Annotated[str, Field(pattern=r"^\d{4}$", examples=["1813"])]
CountyNumber = Annotated[str, Field(pattern=r"^\d{2}$", examples=["18"])]


class NumberPeriod(In):
    """A municipality number with the days on which it holds."""

    model_config = ConfigDict(from_attributes=True)

    number: MunicipalityNumber
    valid_from_on: date
    valid_to_on: date | None = Field(default=None, description="The last day; null while it holds")


class NewOrganisation(In):
    kinds: list[rules.Kind] = Field(min_length=1, max_length=7, description="Oslo is municipality and county in one")
    name: str = Field(min_length=1, max_length=200)
    organisation_number: OrganisationNumber | None = Field(default=None, description="Null when it has none")
    county_number: CountyNumber | None = None
    population: int | None = Field(default=None, ge=0, le=10_000_000)
    population_on: date | None = Field(default=None, description="The day that the population was counted on")
    municipality_numbers: list[NumberPeriod] = Field(default=[], max_length=20)


class Organisation(Out):
    """An organisation by its own stable id."""

    id: UUID
    kinds: list[rules.Kind]
    name: str = Field(examples=["Brønnøy kommune"])
    official_name: str | None = Field(description="The name in all its official languages, where it has several")
    organisation_number: str | None = Field(description="Nine digits; null when it has none or none is known")
    municipality_numbers: list[NumberPeriod] = Field(description="Oldest first; empty for other than municipalities")
    county_number: str | None = Field(description="The county (fylke) it lies in or is, in the structure of 2024")
    population: int | None
    population_on: date | None = Field(description="The day that the population was counted on")
    fictional: bool = Field(description="Made up, to try the system with")


class Filters(In):
    kind: rules.Kind | None = Field(default=None, description="Only organisations of this kind")
    organisation_number: OrganisationNumber | None = Field(default=None, description="The one with this number")
    municipality_number: MunicipalityNumber | None = Field(
        default=None, description="The one that has or had this number: an old number finds the municipality of today"
    )
    county_number: CountyNumber | None = Field(default=None, description="Those that lie in, or are, this county")
    q: str | None = Field(default=None, min_length=1, max_length=100, description="A part of the name")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


class Unit(Out):
    form: rules.Form
    law: str | None = Field(description="The section that the source names, of the act of 1992; never one of 2018")


class Correction(Out):
    """A change made to the source, or an oddity in it that was left."""

    field: str
    source_text: str
    corrected_value: str
    reason: str
    kind: str


class CoOperationSummary(Out):
    """A co-operation (interkommunalt samarbeid) in a list."""

    id: UUID = Field(description="Its id among the organisations")
    slug: str
    name: str
    formal_name: str | None
    region: str = Field(description="KS's region in the source")
    as_of_on: date = Field(description="The day that all this is recorded of")
    form_in_source: str = Field(description="The organisational form, as the source writes it")
    form: str = Field(description="The same, tidied")
    units: list[Unit] = Field(description="A co-operation may have several units, each of its own form")
    established_year: int | None
    established_in_source: str | None
    member_count: int
    population_members: int | None = Field(description="Inhabitants of all members together")
    population_members_on: date | None


class Today(Out):
    """An organisation of today."""

    organisation_id: UUID
    name: str
    organisation_number: str | None
    relation: rules.Relation = Field(
        description="`same`: the same legal person. `inherited_unconfirmed`: a successor by merger or split, which "
        "nobody has confirmed as a member"
    )


class Member(Out):
    """A member as it was recorded."""

    name: str
    kind: rules.Kind
    municipality_number: str | None = Field(description="Its number then")
    organisation_number: str | None = Field(description="Its number then; null where none was found")
    today: list[Today] = Field(description="Empty where nobody has taken its place")


class CoOperation(CoOperationSummary):
    """A co-operation, whole."""

    members: list[Member]
    corrections: list[Correction]


class CoOperationFilters(In):
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("", summary="List organisations", openapi_extra=example(query={"municipality_number": "1813"}))
def list_organisations(
    filters: Annotated[Filters, Query()], reader: ReaderDep, request: Request, response: Response
) -> paging.Page[Organisation]:
    """Organisations by name, sorted as Norwegian does (… z æ ø å). Filters narrow the list together. The 357
    municipalities and 15 counties are those of the structure from 2024-01-01 (SSB, Enhetsregisteret); Oslo is among
    both. Population is SSB's. An organisation that is `fictional` exists only here."""
    rows = store.page(
        reader,
        paging.start(filters.after, str, str),
        filters.limit,
        **filters.model_dump(exclude={"after", "limit"}),
    )
    numbers = store.municipality_numbers(reader, [row.id for row in rows])
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row.sort_key, str(row.uuid)),
        lambda row: _shown(row, numbers.get(row.id, [])),
    )


@router.get("/{id}", summary="Read an organisation", openapi_extra=example())
def read(
    id: Annotated[UUID, Path(description="The organisation's id", examples=[BRONNOY])], reader: ReaderDep
) -> Organisation:
    """One organisation by its id, which stays the same when its numbers change."""
    found = store.by_uuid(reader, id)
    return _shown(found, store.municipality_numbers(reader, [found.id]).get(found.id, []))


@router.post(
    "",
    status_code=201,
    summary="Register an organisation",
    openapi_extra=example(
        organisation=EDITOR,
        body={"kinds": ["supplier"], "name": "Skjærgård Helseteknikk AS (fiktiv)", "organisation_number": "100000040"},
    ),
)
def register(
    new: NewOrganisation, caller: Annotated[Caller, needs("catalog.admin")], session: SessionDep, response: Response
) -> Organisation:
    """For editors. The organisation gets an id of its own; its organisation number, if it has one, must not be in
    use."""
    numbers = [rules.NumberPeriod(**one.model_dump()) for one in new.municipality_numbers]
    refuse(rules.check(new.kinds, new.population, new.population_on, numbers))
    fields = new.model_dump(exclude={"municipality_numbers", "name", "kinds"})
    added = store.add(session, store.new(new.name, dict.fromkeys(new.kinds), **fields), numbers)
    response.headers["Location"] = path = f"/organisations/{added.uuid}"
    audit.record(session, caller, "organisation.register", path, new=new.model_dump(mode="json"))
    return _shown(added, store.municipality_numbers(session, [added.id]).get(added.id, []))


@co_operations_router.get("", summary="List the co-operations of 2015", openapi_extra=example(query={"limit": "10"}))
def list_co_operations(
    filters: Annotated[CoOperationFilters, Query()], reader: ReaderDep, request: Request, response: Response
) -> paging.Page[CoOperationSummary]:
    """The 41 intermunicipal ICT co-operations as they were on 2015-10-30, by name. Source: PwC for KS (KS FoU 144016),
    appendix 5. This is history: what has become of them since is not recorded."""
    rows = store.co_operations(reader, paging.start(filters.after, str, str), filters.limit)
    counts = store.member_counts(reader, [found.id for found, _ in rows])
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row[1].sort_key, row[0].slug),
        lambda row: CoOperationSummary.model_validate(_fields(row[0], row[1], counts[row[0].id])),
    )


@co_operations_router.get("/{slug}", summary="Read a co-operation of 2015", openapi_extra=example())
def read_co_operation(
    slug: Annotated[str, Path(description="The co-operation's name in addresses", examples=["hald-ikt"])],
    reader: ReaderDep,
) -> CoOperation:
    """A co-operation with its members exactly as recorded on 2015-10-30. A member that has merged or been split
    since shows its successors as `inherited_unconfirmed`: they are not members until they say so."""
    found, organisation = store.co_operation(reader, slug)
    members = [
        Member(
            name=member.name,
            kind=member.kind,
            municipality_number=member.municipality_number,
            organisation_number=member.organisation_number,
            today=[
                Today(
                    organisation_id=one.uuid,
                    name=one.name,
                    organisation_number=one.organisation_number,
                    relation=relation,
                )
                for one, relation in today
            ],
        )
        for member, today in store.members(reader, found.id)
    ]
    fields = _fields(found, organisation, len(members))
    return CoOperation.model_validate({**fields, "members": members, "corrections": found.corrections})


def _shown(row: store.Organisation, numbers: list[store.MunicipalityNumber]) -> Organisation:
    return Organisation.model_validate(
        {
            **row.model_dump(exclude={"id", "uuid", "sort_key"}),
            "id": row.uuid,
            "municipality_numbers": [NumberPeriod.model_validate(number) for number in numbers],
        }
    )


def _fields(found: store.CoOperation, organisation: store.Organisation, members: int) -> dict[str, object]:
    return {**found.model_dump(), "id": organisation.uuid, "name": organisation.name, "member_count": members}
