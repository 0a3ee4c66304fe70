"""Co-operations over HTTP: as they were on a day, rolled up without counting anyone twice, registered by editors."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.co_operations import rules, store
from services.catalog.organisations import store as organisations
from services.catalog.organisations.rules import Kind
from services.catalog.periods import store as periods
from services.catalog.periods.rules import Life
from services.chassis import audit, feed, paging, view
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.changes import IfMatch, etag, require_match
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Problem, refuse
from services.chassis.values import In, Money, OrganisationNumber, Out, Slug, seed_id
from services.chassis.view import ViewDep

router = new_router("/co-operations", "Co-operations")

EDITOR = "100000008"
BRONNOY, VEGA = (str(seed_id(f"organisation:{number}")) for number in ("964983291", "941017975"))
RESERVED = {"roll-up"}
Name = Annotated[str, Path(description="The co-operation's name in addresses", examples=["hald-ikt"])]
Recorded = tuple[store.CoOperationState, list[store.Member]]


class Unit(In):
    form: rules.Form
    law: str | None = Field(
        default=None,
        max_length=80,
        description="The act and section that the source names. A form of the act of 1992 (`section_27`, "
        "`joint_municipality`) is never one of 2018: that takes a decision by the members",
        examples=["kommuneloven 2018 ch. 20"],
    )
    legal_person: bool | None = Field(
        default=None, description="For a task partnership (KO) its agreement says; null where it is not known"
    )


class Costs(In):
    """How it is paid for, as far as the source says; null is unknown, never nothing."""

    fixed_per_municipality_nok: Money | None = Field(default=None, description="A year; the source says nothing of VAT")
    per_inhabitant_nok: Money | None = Field(default=None, description="A year")
    external_contribution_nok: Money | None = Field(default=None, description="From others than the members, a year")
    external_contributor: str | None = Field(default=None, max_length=200)
    other_financing: str | None = Field(default=None, max_length=500)
    project_financing: str | None = Field(default=None, max_length=500)


class NewState(In):
    """What is known of a co-operation on one day. Earlier states stay as they are."""

    as_of_on: date = Field(description="The day that all this is recorded of", examples=["2026-01-01"])
    source: str = Field(min_length=3, max_length=500, examples=["Samarbeidsavtalen (fiktiv)"])
    formal_name: str | None = Field(default=None, max_length=200)
    region: str | None = Field(default=None, max_length=80)
    units: list[Unit] = Field(min_length=1, max_length=10)
    host: UUID | None = Field(default=None, description="The host municipality's id, when it is a host co-operation")
    members: list[UUID] | None = Field(
        default=None, max_length=500, description="Everyone who takes part that day; null where it is not known"
    )
    member_count_in_source: str | None = Field(default=None, max_length=80)
    scope: str | None = Field(default=None, max_length=1000)
    established_year: int | None = Field(default=None, ge=1837, le=2100)
    costs: Costs = Costs()


class NewCoOperation(In):
    slug: Slug
    name: str = Field(min_length=1, max_length=200)
    organisation_number: OrganisationNumber | None = None
    state: NewState


class Correction(Out):
    """A change made to the source, or an oddity in it that was left."""

    field: str
    source_text: str
    corrected_value: str
    reason: str
    kind: str


class CoOperationSummary(Out):
    """A co-operation (interkommunalt samarbeid) as it is recorded newest, on a day or before."""

    id: UUID = Field(description="Its id among the organisations")
    slug: str
    name: str
    organisation_number: str | None
    formal_name: str | None
    region: str | None = Field(description="KS's region in the source")
    as_of_on: date = Field(description="The day that this state is recorded of")
    as_of_in_source: str | None = Field(description="Where the source names a month or a year only")
    source: str
    form_in_source: str | None = Field(description="The organisational form, as the source writes it")
    form: str | None = Field(description="The same, tidied")
    units: list[Unit] = Field(description="A co-operation may have several units, each of its own form")
    members_are: rules.MemberWord = Field(description="What those who take part are called in this form")
    may_order_as: rules.OrdersAs | None = Field(
        description="On what ground it could order for its members; null: it cannot sign, or it is not known who could"
    )
    established_year: int | None
    established_in_source: str | None
    member_count: int | None = Field(description="Members recorded; null where they are not known")
    members_as_of_on: date | None = Field(description="The day that the members are recorded of")
    population_members: int | None = Field(description="Inhabitants of all members together, as recorded")
    population_members_on: date | None


class MemberOrganisation(Out):
    """An organisation of the day asked for that is, or has perhaps inherited, a member."""

    organisation_id: UUID
    name: str
    organisation_number: str | None
    status: rules.Status = Field(
        description="`recorded`: the member itself. `confirmed`: a successor that has said so. "
        "`inherited_unconfirmed`: a successor that has not, and is no member until then. `awaiting_allocation`: one of "
        "several after a split, which must all confirm who carries on"
    )
    inherited_from: list[UUID] = Field(description="The recorded members whose place it takes")


class Member(Out):
    """A member as it was recorded."""

    organisation_id: UUID
    name: str
    kind: Kind
    municipality_number: str | None = Field(description="Its number then")
    organisation_number: str | None = Field(description="Its number then; null where none was found")


class StateDay(Out):
    as_of_on: date
    source: str


class CoOperation(CoOperationSummary):
    """A co-operation, whole."""

    on: date = Field(description="The day that is asked for")
    members: list[Member] = Field(description="Exactly as recorded on `members_as_of_on`")
    on_that_day: list[MemberOrganisation] = Field(description="Who that is on the day asked for, each once")
    host: UUID | None
    scope: str | None
    supplier_in_source: str | None
    member_count_in_source: str | None
    costs: Costs
    corrections: list[Correction]
    states: list[StateDay] = Field(description="Every day that something is recorded of, oldest first")


class Filters(view.Viewed):
    on: date | None = Field(
        default=None, description="As of this day; today when left out. 2015-10-30 has the 41 of PwC's report"
    )
    slug: list[Slug] = Field(default=[], max_length=100, description="Only these; may be repeated, at most 100")
    member: UUID | None = Field(default=None, description="Those that this organisation is, or perhaps is, a member of")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("", summary="List co-operations", openapi_extra=example(query={"limit": "10"}))
def list_co_operations(
    filters: Annotated[Filters, Query()], reader: ReaderDep, today: TodayDep, request: Request, response: Response
) -> paging.Page[CoOperationSummary]:
    """Co-operations by name, each in its newest state on a day or before; states of other days stand beside it. 41
    were recorded on 2015-10-30 (PwC for KS, KS FoU 144016), those of Helgeland and of five cost models in 2018 and
    2019 (Digitale Helgeland). What has become of them since is not recorded."""
    on = filters.on or today
    ids = None
    if filters.member:
        member = organisations.by_uuid(reader, filters.member).id
        ids = [one for one, _ in store.co_operations_of(reader, [member], on)[member]]
    rows = store.page(reader, paging.start(filters.after, str, str), filters.limit, on=on, slugs=filters.slug, ids=ids)
    members = store.recorded_members(reader, [one.id for one, _, _ in rows], on)
    page = paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row[1].sort_key, row[0].slug),
        lambda row: CoOperationSummary.model_validate(_summary(row[0], row[1], row[2], members.get(row[0].id))),
    )
    return view.answer(filters.view(), page, response)  # type: ignore[return-value]  # or bytes


@router.get("/{slug}", summary="Read a co-operation", openapi_extra=example())
def read(
    slug: Name,
    reader: ReaderDep,
    today: TodayDep,
    response: Response,
    shown: ViewDep,
    on: Annotated[date | None, Query(description="As of this day; today when left out")] = None,
) -> CoOperation:
    """A co-operation in its newest state on a day or before, with the members exactly as recorded, and who they are on
    that day. A successor of a member is `inherited_unconfirmed`, and no member until it says so; after a split its
    successors are `awaiting_allocation`."""
    found = store.by_slug(reader, slug)
    response.headers["ETag"] = etag(found.revision)
    return view.answer(shown, _whole(reader, found, on or today), response)  # type: ignore[return-value]  # or bytes


EXAMPLE_STATE = {
    "as_of_on": "2026-01-01",
    "source": "Samarbeidsavtalen (fiktiv)",
    "units": [{"form": "host_municipality", "law": "kommuneloven 2018 ch. 20"}],
    "host": BRONNOY,
    "members": [BRONNOY, VEGA],
}


@router.post(
    "",
    status_code=201,
    summary="Register a co-operation",
    openapi_extra=example(
        organisation=EDITOR,
        body={"slug": "kystsamarbeidet", "name": "Kystsamarbeidet (fiktivt)", "state": EXAMPLE_STATE},
    ),
)
def register(
    new: NewCoOperation, caller: CallerDep, session: SessionDep, today: TodayDep, response: Response
) -> CoOperation:
    """For editors. A co-operation with what is known of it on one day; it becomes an organisation of its own."""
    problems: list[Problem] = [rules.SlugReserved(pointer="#/slug")] if new.slug in RESERVED else []
    problems += _prefixed(_check(session, new.state, today), "#/state")
    refuse(problems)
    organisation = organisations.new(new.name, [Kind.CO_OPERATION], organisation_number=new.organisation_number)
    kept = store.add(session, organisation, new.slug)
    _add_state(session, kept, new.state)
    response.headers["Location"] = path = f"/co-operations/{new.slug}"
    response.headers["ETag"] = etag(kept.revision)
    audit.record(session, caller, "co_operation.register", path, new=new.model_dump(mode="json"))
    feed.tell(session, "co_operation.registered", path, None, as_of_on=new.state.as_of_on.isoformat())
    return _whole(session, kept, today)


@router.post(
    "/{slug}/states",
    status_code=201,
    summary="Add what is known of a co-operation on a day",
    openapi_extra=example(organisation=EDITOR, body=EXAMPLE_STATE),
)
def add_state(
    slug: Name,
    new: NewState,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
    response: Response,
    if_match: IfMatch = None,
) -> CoOperation:
    """For editors. A further dated state; from its day on its members hold, and what successors said before that day of
    memberships they inherited no longer matters. Earlier days read as they did."""
    kept = store.by_slug(session, slug, locked=True)
    require_match(if_match, kept.revision, needed=False)
    refuse(_check(session, new, today))
    _add_state(session, kept, new)
    kept.revision += 1
    path = f"/co-operations/{slug}"
    response.headers["Location"] = f"{path}?on={new.as_of_on}"
    response.headers["ETag"] = etag(kept.revision)
    audit.record(session, caller, "co_operation.add_state", path, new=new.model_dump(mode="json"))
    feed.tell(session, "co_operation.changed", path, None, as_of_on=new.as_of_on.isoformat())
    return _whole(session, kept, new.as_of_on)


def _units(found: Sequence[Unit]) -> list[rules.Unit]:
    return [
        rules.Unit(
            one.form,
            one.law,
            one.legal_person if one.legal_person is not None else rules.LEGAL_PERSON[one.form],
        )
        for one in found
    ]


def _check(session: Session, new: NewState, today: date) -> list[Problem]:
    named = [*(new.members or ()), *([new.host] if new.host else ())]
    rows = organisations.by_uuids(session, named)
    members: list[tuple[int | None, Life | None]] | None = None
    if new.members is not None:
        members = [
            (row.id, Life(row.existed_from_on, row.existed_to_on)) if (row := rows.get(one)) else (None, None)
            for one in new.members
        ]
    host = rows.get(new.host) if new.host else None
    return rules.check_state(
        as_of_on=new.as_of_on,
        units=[rules.Unit(one.form, one.law, one.legal_person) for one in new.units],
        members=members,
        host=host.id if host else None,
        host_named=new.host is not None,
        today=today,
    )


def _prefixed(problems: list[Problem], where: str) -> list[Problem]:
    for one in problems:
        if one.pointer:
            one.pointer = where + one.pointer.removeprefix("#")
    return problems


def _add_state(session: Session, kept: store.CoOperation, new: NewState) -> None:
    rows = organisations.by_uuids(session, [*(new.members or ()), *([new.host] if new.host else ())])
    ids = [rows[one].id for one in new.members or ()]
    numbers = periods.municipality_numbers(session, ids)
    members = [
        store.Member(
            state_id=0,
            place=0,
            organisation_id=rows[one].id,
            name=rows[one].name,
            municipality_number=_number_on(numbers.get(rows[one].id, []), new.as_of_on),
            organisation_number=rows[one].organisation_number,
        )
        for one in new.members or ()
    ]
    state = store.CoOperationState(
        co_operation_id=kept.id,
        units=[asdict(unit) for unit in _units(new.units)],
        host_id=rows[new.host].id if new.host else None,
        members_known=new.members is not None,
        **new.model_dump(exclude={"units", "host", "members", "costs"}),
        **new.costs.model_dump(),
    )
    store.add_state(session, state, members)
    store.index(session, kept.id)


def _number_on(numbers: Sequence[periods.MunicipalityNumber], on: date) -> str | None:
    return next((one.number for one in numbers if Life(one.valid_from_on, one.valid_to_on).includes(on)), None)


def _summary(
    found: store.CoOperation,
    organisation: organisations.Organisation,
    state: store.CoOperationState,
    members: Recorded | None,
) -> dict[str, Any]:
    units = [rules.Unit(rules.Form(one["form"]), one["law"], one.get("legal_person")) for one in state.units]
    return {
        **state.model_dump(exclude={"id", "units"}),
        "id": organisation.uuid,
        "slug": found.slug,
        "name": organisation.name,
        "organisation_number": organisation.organisation_number,
        "units": [asdict(unit) for unit in units],
        "members_are": rules.word(units),
        "may_order_as": rules.orders_as(units, host_known=state.host_id is not None),
        "member_count": len(members[1]) if members else None,
        "members_as_of_on": members[0].as_of_on if members else None,
    }


def _whole(session: Session, found: store.CoOperation, on: date) -> CoOperation:
    state = store.state_on(session, found, on)
    recorded = store.recorded_members(session, [found.id], on).get(found.id)
    then = store.members_on(session, found.id, on)
    members = recorded[1] if recorded else []
    ids = {one.organisation_id for one in members} | {one.organisation_id for one in then} | {found.organisation_id}
    rows = organisations.by_ids(session, ids | ({state.host_id} if state.host_id else set()))
    return CoOperation.model_validate(
        {
            **_summary(found, rows[found.organisation_id], state, recorded),
            "on": on,
            "members": [
                {
                    **one.model_dump(exclude={"id", "organisation_id"}),
                    "organisation_id": rows[one.organisation_id].uuid,
                    "kind": rows[one.organisation_id].kinds[0],
                }
                for one in members
            ],
            "on_that_day": [
                {
                    "organisation_id": rows[one.organisation_id].uuid,
                    "name": rows[one.organisation_id].name,
                    "organisation_number": rows[one.organisation_id].organisation_number,
                    "status": one.status,
                    "inherited_from": [rows[origin].uuid for origin in one.predecessors],
                }
                for one in sorted(then, key=lambda one: rows[one.organisation_id].sort_key)
            ],
            "host": rows[state.host_id].uuid if state.host_id else None,
            "costs": {name: getattr(state, name) for name in Costs.model_fields},
            "states": [{"as_of_on": one.as_of_on, "source": one.source} for one in store.states(session, found.id)],
        }
    )
