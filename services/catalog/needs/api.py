"""Needs over HTTP."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.components import store as components
from services.catalog.needs import rules, store
from services.catalog.organisations import store as organisations
from services.catalog.specifications.rules import Obligation
from services.chassis import audit, changes, clock, feed, paging, view
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep, ViewerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Invalid, Problem, refuse
from services.chassis.values import In, Instant, OrganisationNumber, Out, Slug, Text, TextOut, seed_id
from services.chassis.view import ViewDep

router = new_router("/needs", "Needs")

COMPONENT = "velferdsteknologi-trygghetsplattform"
SPECIFICATION = "velferdsteknologi-trygghetstjeneste"
ALSTAHAUG, BRONNOY = "938712441", "964983291"
SEEDED = str(seed_id("need:trygghetstjeneste-helgeland"))
NeedId = Annotated[UUID, Path(description="The need's id", examples=[SEEDED])]


class ComponentNotKnown(Invalid):
    """The component is not in the catalogue."""


class RequirementNotKnown(Invalid):
    """The specification has no such requirement."""


class RequirementRef(In):
    specification: Slug = Field(examples=[SPECIFICATION])
    requirement: str = Field(min_length=1, max_length=40, description="Its id", examples=["VT2-01"])


class Project(In):
    """The project that is planned for it."""

    status: rules.ProjectStatus
    year: int | None = Field(default=None, ge=2000, le=2100, description="Needed for all but an idea")


class NeedFields(In):
    """What can be changed of a need."""

    title: Text
    description: Text | None = None
    area: rules.Area | None = Field(default=None, description="What it is about")
    components: list[Slug] = Field(default=[], max_length=20, description="Components that it is linked to")
    requirements: list[RequirementRef] = Field(
        default=[], max_length=200, description="What whatever meets the need has to meet"
    )
    project: Project | None = None
    wanted_by_on: date | None = Field(default=None, description="The day that it should be in use")
    audience: rules.Audience = Field(
        default=rules.Audience.PUBLIC,
        description="`public_bodies`: whose need it is, and who joins, is shown to public bodies only; the need itself "
        "and the number of those who have it are open to all",
    )


class NewNeed(NeedFields):
    pass


class NeedChange(In):
    """A need in part (RFC 7396): what is not named stays, what is null goes."""

    title: changes.TextChange | None = None
    description: changes.TextChange | None = None
    area: rules.Area | None = None
    components: list[Slug] | None = Field(default=None, max_length=20)
    requirements: list[RequirementRef] | None = Field(default=None, max_length=200)
    project: Project | None = None
    wanted_by_on: date | None = None
    audience: rules.Audience | None = None
    reason: str | None = Field(default=None, min_length=1, max_length=2000, description="Needed to change the audience")


class Reason(In):
    reason: str | None = Field(default=None, min_length=1, max_length=2000)


class Holder(Out):
    """An organisation that has the need."""

    organisation_id: UUID
    organisation_number: str | None
    name: str
    owner: bool = Field(description="It posted the need; the others have joined")
    for_members: int = Field(description="For how many members it has joined; 0 where it has for itself")


class Requirement(Out):
    specification: str
    requirement: str
    obligation: Obligation
    text: TextOut


class Source(Out):
    """The report that it is taken from, and what that says. What it does not say is not known."""

    source: str
    title_in_source: str
    status_in_source: str
    year: int
    municipality_count_in_source: int = Field(description="How many municipalities; the source does not say which")


class Event(Out):
    kind: rules.EventKind
    recorded_at: Instant
    reason: str | None


class NeedSummary(Out):
    """What somebody is looking for."""

    id: UUID
    title: TextOut
    description: TextOut | None
    area: rules.Area | None
    state: rules.State
    components: list[str]
    requirements: list[Requirement]
    project: Project | None
    wanted_by_on: date | None
    audience: rules.Audience
    organisations: int = Field(
        description="How many have it, each once: members of a co-operation that joined for them"
    )
    holders: list[Holder] | None = Field(description="Whose it is, the owner first; null where you may not know")
    source: Source | None
    fictional: bool = Field(description="Made up, to try the system with")
    posted_at: Instant


class Need(NeedSummary):
    """A need with its history."""

    events: list[Event] = Field(description="Oldest first")


class Filters(view.Viewed):
    state: rules.State | None = None
    area: rules.Area | None = None
    component: Slug | None = Field(default=None, description="Only what is linked to this component")
    specification: Slug | None = Field(default=None, description="Only what has requirements of this specification")
    requirement: str | None = Field(default=None, max_length=40, description="Only what has this requirement, by id")
    county_number: Annotated[str | None, Field(pattern=r"^\d{2}$", description="Whose holders lie in it")] = None
    organisation_number: OrganisationNumber | None = Field(default=None, description="Only what this one has itself")
    q: str | None = Field(default=None, min_length=1, max_length=200, description="Words in title or description")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get(
    "",
    summary="List needs",
    response_model=paging.Page[NeedSummary],
    openapi_extra=example(query={"component": COMPONENT}),
)
def list_needs(
    filters: Annotated[Filters, Query()],
    reader: ReaderDep,
    viewer: ViewerDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
) -> Any:
    """Newest first. Filters narrow the list together. `county_number` and `organisation_number` find what you may know
    the holders of: all with a token of a public body, otherwise those needs whose audience is `public`."""
    sees_all = _public_body(reader, viewer)
    asked = {
        "county": filters.county_number,
        "organisation": filters.organisation_number,
        **filters.model_dump(include={"state", "area", "component", "specification", "requirement", "q"}),
    }
    start = paging.start(filters.after, str, UUID)
    rows = store.page(reader, start, filters.limit, asked, sees_all=sees_all)
    holders = store.holders(reader, {row.key: row.owner_id for row in rows}, today)
    page = paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row.posted_at.isoformat(), row.id),
        lambda row: NeedSummary.model_validate(_values(row, holders[row.key], sees_all)),
    )
    return view.answer(filters.view(), page, response)


@router.get("/{id}", summary="Read a need", response_model=Need, openapi_extra=example())
def read(
    id: NeedId, reader: ReaderDep, viewer: ViewerDep, response: Response, seen: ViewDep, today: clock.TodayDep
) -> Any:
    """One need. Whose it is stands there unless its audience is `public_bodies` and you are none: then only how many.
    What can meet it: `/needs/{id}/matches`; with whom one could buy: `/needs/{id}/partners`."""
    shown = _shown(reader, id, response, today, sees_all=_public_body(reader, viewer))
    return view.answer(seen, shown, response)


@router.post(
    "",
    status_code=201,
    summary="Post a need",
    openapi_extra=example(
        organisation=BRONNOY,
        body={
            "title": {"nb": "Trygghetsalarm og digitalt tilsyn (eksempel)"},
            "area": "health_and_care",
            "components": [COMPONENT],
            "requirements": [{"specification": SPECIFICATION, "requirement": "VT2-01"}],
            "project": {"status": "planned", "year": 2027},
            "wanted_by_on": "2027-09-01",
        },
    ),
)
def post(new: NewNeed, caller: CallerDep, session: SessionDep, response: Response, today: clock.TodayDep) -> Need:
    """For public bodies. It is open to all at once; others can join."""
    owner = store.acting(session, caller.organisation)
    links, found = _links(session, new)
    refuse(found)
    need = store.Need(owner_id=owner.id, posted_at=clock.now(), **_columns(new))
    store.add(session, need, *links, caller.organisation)
    store.index(session, need.uuid, today)
    response.headers["Location"] = path = f"/needs/{need.uuid}"
    audit.record(session, caller, "need.post", path, new=new.model_dump(mode="json", exclude_none=True))
    feed.tell(session, "need.posted", path, None, state=rules.State.OPEN)
    return _shown(session, need.uuid, response, today, sees_all=caller.supplier is None)


@router.patch(
    "/{id}",
    summary="Change a need",
    openapi_extra=example(
        organisation=ALSTAHAUG,
        body={"wanted_by_on": "2027-10-01"},
        media_type=changes.MERGE_PATCH,
        headers={"If-Match": '"1"'},
    ),
)
def change(
    id: NeedId,
    change: Annotated[NeedChange, Body(media_type=changes.MERGE_PATCH)],
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Need:
    """For whoever posted it. Who has joined a need that only public bodies see stays unknown to others: its audience
    is not opened once others have joined."""
    need = _own(session, id, caller, today)
    changes.require_match(if_match, need.revision)
    before = _plain(_fields(store.by_uuid(session, id)))
    wanted = NeedChange.model_validate(change.model_dump(exclude={"reason"}, exclude_unset=True))
    whole = changes.merged(NeedFields, before, wanted)
    links, found = _links(session, whole)
    joined = len(store.holders(session, {need.id: need.owner_id}, today)[need.id]) - 1
    found += rules.check_audience(need.audience, whole.audience, joined)
    if need.audience != whole.audience and not change.reason:
        found.append(changes.ReasonMissing("Why others see more, or less, of it.", pointer="#/reason"))
    refuse(found)
    for name, value in _columns(whole).items():
        setattr(need, name, value)
    store.put_links(session, need.id, *links)
    need.revision += 1
    session.flush()
    store.index(session, id, today)
    path = f"/needs/{id}"
    changed = changes.differences(before, _plain(whole))
    audit.record(session, caller, "need.change", path, changed=changed, reason=change.reason)
    feed.tell(session, "need.changed", path, None, fields=sorted(changed))
    return _shown(session, id, response, today, sees_all=caller.supplier is None)


def _step(step: rules.Step, summary: str, about: str, seeded: str = SEEDED) -> None:
    def take(
        id: Annotated[UUID, Path(description="The need's id", examples=[seeded])],
        new: Reason,
        caller: CallerDep,
        session: SessionDep,
        response: Response,
        today: clock.TodayDep,
        if_match: changes.IfMatch = None,
    ) -> Need:
        need = _own(session, id, caller, today)
        changes.require_match(if_match, need.revision, needed=False)
        state = store.state(session, need.id)
        refuse(rules.check_step(state, step))
        kind = rules.EVENTS[step]
        store.record(session, need.id, kind, clock.now(), caller.organisation, new.reason)
        need.revision += 1
        session.flush()
        store.index(session, id, today)
        audit.record(session, caller, f"need.{step}", f"/needs/{id}", reason=new.reason)
        feed.tell(session, f"need.{kind}", f"/needs/{id}", None, state=rules.STATES[kind])
        return _shown(session, id, response, today, sees_all=caller.supplier is None)

    take.__doc__ = about
    router.post(
        f"/{{id}}/{step}",
        summary=summary,
        operation_id=f"need_{step}",
        openapi_extra=example(organisation=ALSTAHAUG, body={"reason": "Behandlet i rådmannsutvalget (fiktivt)"}),
    )(take)


for _event, _summary, _about, _seeded in (
    (rules.Step.START, "Start on a need", "Open → in progress, for whoever posted it: the project has begun.", SEEDED),
    (rules.Step.MEET, "Tell that a need is met", "Open or in progress → met, for whoever posted it.", SEEDED),
    (rules.Step.WITHDRAW, "Withdraw a need", "Open or in progress → withdrawn, for whoever posted it.", SEEDED),
    (
        rules.Step.REOPEN,
        "Reopen a need",
        "Met or withdrawn → open, for whoever posted it.",
        str(seed_id("need:digital-nokkel-alstahaug")),
    ),
):
    _step(_event, _summary, _about, _seeded)


def _public_body(session: Session, viewer: Caller | None) -> bool:
    """A vendor that acts on a public body's behalf is none: what it learns it learns for itself."""
    return viewer is not None and viewer.supplier is None and organisations.is_public_body(session, viewer.organisation)


def _own(session: Session, id: UUID, caller: Caller, today: date) -> store.Need:
    """The need's locked row, for whoever posted it or has come after that in a merger; one that a source tells of
    is the editors'."""
    acting = store.acting(session, caller.organisation)
    need = store.locked(session, id)
    owners = [
        one.organisation.id for one in store.holders(session, {need.id: need.owner_id}, today)[need.id] if one.owner
    ]
    if acting.id not in owners and not (need.owner_id is None and caller.may("catalog.admin")):
        raise rules.NotYourNeed
    return need


def _links(session: Session, fields: NeedFields) -> tuple[tuple[list[int], list[int]], list[Problem]]:
    """→ (the components, the requirements) by internal keys, and all that is wrong with the need"""
    asked = [(one.specification, one.requirement) for one in fields.requirements]
    ids = store.requirement_ids(session, asked)
    found: list[Problem] = rules.check(
        rules.Need(
            fields.area,
            fields.components,
            asked,
            fields.project.status if fields.project else None,
            fields.project.year if fields.project else None,
        )
    )
    keys = []
    for place, slug in enumerate(fields.components):
        key = components.find(session, slug)
        if key is None:
            found.append(ComponentNotKnown(f"There is no {slug!r}.", pointer=f"#/components/{place}"))
        else:
            keys.append(key)
    found += [
        RequirementNotKnown(f"{one[0]} has no {one[1]!r}.", pointer=f"#/requirements/{place}")
        for place, one in enumerate(asked)
        if one not in ids
    ]
    return (keys, [ids[one] for one in asked if one in ids]), found


def _columns(fields: NeedFields) -> dict[str, Any]:
    return {
        "title": fields.title.kept(),
        "description": fields.description.kept() if fields.description else None,
        "project_status": fields.project.status if fields.project else None,
        "project_year": fields.project.year if fields.project else None,
        **fields.model_dump(include={"area", "wanted_by_on", "audience"}),
    }


def _fields(row: Any) -> NeedFields:
    """What can be changed of a need, as it stands."""
    return NeedFields(
        title=row.title,
        description=row.description,
        area=row.area,
        components=row.components,
        requirements=[
            RequirementRef(specification=one["specification"], requirement=one["requirement"])
            for one in row.requirements
        ],
        project=Project(status=row.project_status, year=row.project_year) if row.project_status else None,
        wanted_by_on=row.wanted_by_on,
        audience=row.audience,
    )


def _plain(fields: NeedFields) -> dict[str, Any]:
    return fields.model_dump(mode="json", exclude_none=True)


def _shown(session: Session, id: UUID, response: Response, today: date, *, sees_all: bool) -> Need:
    row = store.by_uuid(session, id)
    response.headers["ETag"] = changes.etag(row.revision)
    holders = store.holders(session, {row.key: row.owner_id}, today)[row.key]
    return Need.model_validate({**_values(row, holders, sees_all), "events": store.history(session, row.key)})


def _values(row: Any, holders: Sequence[store.Holder], sees_all: bool) -> Mapping[str, Any]:
    shown = rules.may_see_whose(rules.Audience(row.audience), sees_all)
    return {
        **row._asdict(),
        "state": rules.STATES[rules.EventKind(row.last_event)],
        "project": Project(status=row.project_status, year=row.project_year) if row.project_status else None,
        "organisations": len(rules.organisations_with(store.having(holders))),
        "holders": [_holder(one) for one in holders] if shown else None,
    }


def _holder(one: store.Holder) -> Holder:
    return Holder(
        organisation_id=one.organisation.uuid,
        organisation_number=one.organisation.organisation_number,
        name=one.organisation.name,
        owner=one.owner,
        for_members=len(one.members),
    )
