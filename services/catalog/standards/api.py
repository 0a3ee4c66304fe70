"""The register of standards over HTTP."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Path, Query, Request, Response
from pydantic import AwareDatetime, Field
from sqlmodel import Session

from services.catalog.components import store as components
from services.catalog.standards import rules, store
from services.chassis import audit, changes, feed, paging, view
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Problem, refuse
from services.chassis.values import In, Out, Slug, Text, TextOut
from services.chassis.view import ViewDep

router = new_router("/standards", "Standards")

EDITOR = "100000008"
KNOWN_NOW = store.KNOWN_NOW
StandardSlug = Annotated[str, Path(description="The standard's name in addresses", examples=["wcag-2-1"])]
Address = Annotated[str, Field(max_length=300, pattern=r"^https?://[^\s<>\"{}|\\^`]+$")]
ClauseId = Annotated[str, Field(pattern=r"^[A-Za-z0-9§][A-Za-z0-9§ ./_-]{0,39}$", examples=["1.4.3"])]
KnownAt = Annotated[AwareDatetime | None, Query(description="As it was recorded by this instant; now when left out")]


class StandardFields(In):
    """What can be changed of a standard. What is left out is not known."""

    name: Text
    summary: Text | None = Field(default=None, description="What it is about, and where it applies")
    publisher: str | None = Field(default=None, min_length=1, max_length=200, examples=["W3C"])
    version: str | None = Field(default=None, min_length=1, max_length=40, examples=["2.2"])
    url: Address | None = Field(default=None, description="Where its text stands")
    component: Slug | None = Field(default=None, description="Its entry among the components, if it has one")
    successor: Slug | None = Field(default=None, description="The standard that takes over from it")


class NewClause(In):
    id: ClauseId = Field(description="As the standard itself numbers it; never used for another clause")
    title: Text


class NewStandard(StandardFields):
    slug: Annotated[Slug, Field(description="Its name in addresses, for ever", examples=["wcag-2-2"])]
    clauses: list[NewClause] = Field(default=[], max_length=500, description="In the standard's order")


class NewClauses(In):
    clauses: list[NewClause] = Field(min_length=1, max_length=500, description="In the standard's order")


class StandardChange(In):
    """A standard in part (RFC 7396). A reason is needed for `version`, `successor` and `component`."""

    name: changes.TextChange | None = None
    summary: changes.TextChange | None = None
    publisher: str | None = Field(default=None, min_length=1, max_length=200)
    version: str | None = Field(default=None, min_length=1, max_length=40)
    url: Address | None = None
    component: Slug | None = None
    successor: Slug | None = None
    reason: str | None = Field(default=None, min_length=1, max_length=2000)


class Source(Out):
    """What the report that names it said then. History: it says nothing about today."""

    source: str = Field(examples=["Devoteam daVinci 2011, kap. 6.4"])
    element: str
    for_state: str
    for_municipalities: str
    managed_by: str


class BindingInForce(Out):
    """How strongly the standard holds for a sector in an area."""

    id: UUID
    sector: rules.Sector
    area: str
    area_name: TextOut
    level: rules.Level
    state: rules.State = Field(description="On the day that was asked for")
    legal_basis: str | None = Field(description="The law or regulation, by its ELI or another address")
    legal_basis_name: str | None
    valid_from_on: date | None = Field(description="The first day; null: not known")
    valid_to_on: date | None = Field(description="The last day; null: not decided")
    exceptions: TextOut | None = Field(description="What it does not hold for")
    successor: str | None = Field(description="The standard that holds instead afterwards")
    source: str | None = Field(description="Where it is known from, when no editor registered it")


class Standard(Out):
    """A standard, and whom it binds. What is null is not known."""

    slug: str
    name: TextOut
    summary: TextOut | None
    publisher: str | None
    version: str | None
    url: str | None
    component: str | None = Field(description="Its entry among the components")
    successor: str | None = Field(description="The standard that takes over from it")
    bindings: list[BindingInForce] = Field(description="Past, present and to come, by area and sector")
    source: Source | None
    confirmed_on: date | None = Field(description="The day an editor last said that this is right")
    stale: bool = Field(description="That is more than 365 days ago, or never happened")


class Clause(Out):
    id: str
    title: TextOut


class StandardWithClauses(Standard):
    """A standard with its clauses, which requirements can refer to."""

    clauses: list[Clause] = Field(description="In the standard's order")


class Filters(view.Viewed):
    slug: list[Slug] | None = Field(default=None, max_length=100, description="Only these; repeat it for several")
    sector: rules.Sector | None = Field(default=None, description="Bound on the day: the state or the municipalities")
    level: rules.Level | None = Field(default=None, description="By a binding of this level")
    area: Slug | None = Field(default=None, description="In this area")
    component: Slug | None = None
    on: date | None = Field(default=None, description="Bound on this day; today when left out")
    known_at: AwareDatetime | None = Field(default=None, description="As it was recorded by this instant")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get(
    "",
    summary="List standards",
    response_model=paging.Page[Standard],
    openapi_extra=example(query={"sector": "municipality", "level": "mandatory"}),
)
def list_standards(
    filters: Annotated[Filters, Query()], reader: ReaderDep, request: Request, response: Response, today: TodayDep
) -> Any:
    """By name, sorted as Norwegian does. `sector`, `level` and `area` together ask for a binding that is in force on
    the day: what municipalities must follow is `sector=municipality&level=mandatory`."""
    narrowed = filters.model_dump(mode="json", include={"sector", "level", "area", "component"})
    narrowed["slugs"] = filters.slug
    after = paging.start(filters.after, str, str)
    known_at = filters.known_at or KNOWN_NOW
    rows = store.page(reader, after, filters.limit, narrowed, filters.on or today, known_at)
    page = paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row.sort_key, row.slug),
        lambda row: Standard.model_validate(row),
    )
    return view.answer(filters.view(), page, response)


@router.get("/{slug}", summary="Read a standard", response_model=StandardWithClauses, openapi_extra=example())
def read(
    slug: StandardSlug,
    reader: ReaderDep,
    response: Response,
    seen: ViewDep,
    today: TodayDep,
    on: Annotated[date | None, Query(description="The bindings' states on this day; today when left out")] = None,
    known_at: KnownAt = None,
) -> Any:
    """One standard with its clauses and all its bindings. Send its `ETag` back as `If-Match` when you change it."""
    return view.answer(seen, _shown(reader, slug, on or today, response, known_at or KNOWN_NOW), response)


@router.post(
    "",
    status_code=201,
    summary="Register a standard",
    openapi_extra=example(
        organisation=EDITOR,
        body={
            "slug": "wcag-2-2",
            "name": {"en": "Web Content Accessibility Guidelines (WCAG) 2.2"},
            "publisher": "W3C",
            "version": "2.2",
            "url": "https://www.w3.org/TR/WCAG22/",
            "clauses": [{"id": "2.5.8", "title": {"en": "Target Size (Minimum)"}}],
        },
    ),
)
def register(
    new: NewStandard, caller: CallerDep, session: SessionDep, response: Response, today: TodayDep
) -> StandardWithClauses:
    """For editors. A standard binds nobody by itself: add its bindings."""
    component, successor, found = _known(session, new.slug, new)
    found += rules.check_clauses((), [one.id for one in new.clauses])
    refuse(found)
    added = store.add(
        session,
        store.new(
            new.slug,
            new.name.kept(),
            summary=new.summary.kept() if new.summary else None,
            component_id=component,
            successor_id=successor,
            confirmed_on=today,
            **new.model_dump(include={"publisher", "version", "url"}),
        ),
    )
    store.add_clauses(session, added.id, [(one.id, one.title.kept()) for one in new.clauses], after=0)
    store.index(session, new.slug, today)
    response.headers["Location"] = path = f"/standards/{new.slug}"
    audit.record(session, caller, "standard.register", path, new=new.model_dump(mode="json", exclude_none=True))
    feed.tell(session, "standard.registered", path, None, version=new.version)
    return _shown(session, new.slug, today, response)


@router.patch(
    "/{slug}",
    summary="Change a standard",
    openapi_extra=example(
        organisation=EDITOR,
        body={"summary": {"nn": "Retningslinjer for tilgjengeleg innhald på nettet."}},
        media_type=changes.MERGE_PATCH,
        headers={"If-Match": '"1"'},
    ),
)
def change(
    slug: StandardSlug,
    change: Annotated[StandardChange, Body(media_type=changes.MERGE_PATCH)],
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: TodayDep,
    if_match: changes.IfMatch = None,
) -> StandardWithClauses:
    """For editors. What is not named stays. Another `version`, `successor` or `component` needs a `reason`: what has
    clauses of its own is better registered as a standard of its own."""
    standard = store.by_slug(session, slug, lock=True)
    changes.require_match(if_match, standard.revision)
    row = store.shown(session, slug, today, KNOWN_NOW)
    before = {name: getattr(row, name) for name in StandardFields.model_fields}
    wanted = StandardChange.model_validate(change.model_dump(exclude={"reason"}, exclude_unset=True))
    whole = changes.merged(StandardFields, before, wanted)
    summary = whole.summary.kept() if whole.summary else None
    after = whole.model_dump(mode="json") | {"name": whole.name.kept(), "summary": summary}
    changed = changes.differences(before, after)
    component, successor, found = _known(session, slug, whole)
    sensitive = [name for name in rules.SENSITIVE if name in changed]
    if sensitive and not change.reason:
        found.append(changes.ReasonMissing(f"Say why {' and '.join(sensitive)} changes.", pointer="#/reason"))
    refuse(found)
    store.rename(standard, whole.name.kept())
    standard.summary, standard.component_id, standard.successor_id = summary, component, successor
    standard.publisher, standard.version, standard.url = whole.publisher, whole.version, whole.url
    standard.revision += 1
    store.index(session, slug, today)
    path = f"/standards/{slug}"
    audit.record(session, caller, "standard.change", path, changed=changed, reason=change.reason)
    feed.tell(session, "standard.changed", path, None, fields=sorted(changed))
    return _shown(session, slug, today, response)


@router.post(
    "/{slug}/clauses",
    status_code=201,
    summary="Add clauses to a standard",
    openapi_extra=example(
        organisation=EDITOR, body={"clauses": [{"id": "1.4.11", "title": {"en": "Non-text Contrast"}}]}
    ),
)
def add_clauses(
    slug: StandardSlug,
    new: NewClauses,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: TodayDep,
    if_match: changes.IfMatch = None,
) -> StandardWithClauses:
    """For editors. Behind those that it has. A clause is never removed or renamed, as requirements refer to it."""
    standard = store.by_slug(session, slug, lock=True)
    changes.require_match(if_match, standard.revision, needed=False)
    known = [one.code for one in store.clauses(session, standard.id)]
    refuse(rules.check_clauses(known, [one.id for one in new.clauses]))
    store.add_clauses(session, standard.id, [(one.id, one.title.kept()) for one in new.clauses], after=len(known))
    standard.revision += 1
    session.flush()
    response.headers["Location"] = path = f"/standards/{slug}"
    ids = [one.id for one in new.clauses]
    audit.record(session, caller, "standard.add_clauses", path, new=new.model_dump(mode="json", exclude_none=True))
    feed.tell(session, "standard.clauses_added", path, None, clauses=len(ids))
    return _shown(session, slug, today, response)


@router.post(
    "/{slug}/confirm",
    summary="Confirm that a standard's record is current",
    openapi_extra=example(organisation=EDITOR),
)
def confirm(
    slug: StandardSlug,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: TodayDep,
    if_match: changes.IfMatch = None,
) -> StandardWithClauses:
    """For editors: all that it says, its bindings too, is right today. A record that nobody has confirmed for more than
    365 days is `stale`."""
    standard = store.by_slug(session, slug, lock=True)
    changes.require_match(if_match, standard.revision, needed=False)
    standard.confirmed_on = today
    standard.revision += 1
    session.flush()
    path = f"/standards/{slug}"
    audit.record(session, caller, "standard.confirm", path, confirmed_on=today.isoformat())
    feed.tell(session, "standard.confirmed", path, None, on=today.isoformat())
    return _shown(session, slug, today, response)


def _known(session: Session, slug: str, fields: StandardFields) -> tuple[int | None, int | None, list[Problem]]:
    """→ (the component's and the successor's internal keys, what is wrong with naming them)"""
    found: list[Problem] = []
    component = components.find(session, fields.component) if fields.component else None
    if fields.component and component is None:
        found.append(rules.ComponentUnknown(f"There is no {fields.component!r}.", pointer="#/component"))
    successor = store.find(session, fields.successor) if fields.successor else None
    if fields.successor and successor is None and fields.successor != slug:
        found.append(rules.SuccessorUnknown(f"There is no {fields.successor!r}.", pointer="#/successor"))
    elif fields.successor:
        further = store.successors(session, successor) if successor else []
        found += rules.check_successor(slug, fields.successor, further)
    return component, successor, found


def _shown(
    session: Session, slug: str, on: date, response: Response, known_at: datetime = KNOWN_NOW
) -> StandardWithClauses:
    row = store.shown(session, slug, on, known_at)
    response.headers["ETag"] = changes.etag(row.revision)
    clauses = [Clause(id=one.code, title=one.title) for one in store.clauses(session, row.id)]
    return StandardWithClauses.model_validate({**row._mapping, "clauses": clauses})
