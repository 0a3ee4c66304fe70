"""Requirement specifications over HTTP."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import Body, Path, Query, Request, Response
from pydantic import AwareDatetime, Field
from sqlmodel import Session

from services.catalog.organisations import rules as organisation_rules
from services.catalog.organisations import store as organisations
from services.catalog.requirements import store as requirements
from services.catalog.schemes.rules import SubjectKind
from services.catalog.specifications import rules, shapes, store
from services.catalog.specifications.shapes import (
    Level,
    NewRequirement,
    OwnSlug,
    SpecificationSlug,
    Version,
    VersionLabel,
)
from services.chassis import audit, changes, clock, feed, paging, view
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Invalid, refuse
from services.chassis.values import In, OrganisationNumber, Out, Slug, Text, TextOut

router = new_router("/specifications", "Specifications")


class SpecificationUnknown(Invalid):
    """The presupposed specification is not in the catalogue."""


class KnownAtInFuture(Invalid):
    """What will be known cannot be told."""


class NewVersion(In):
    version: VersionLabel
    effective_on: date | None = Field(
        default=None,
        description="The first day on which products can be certified against it; it is then published at once. A "
        "draft if left out",
    )
    requirements: list[NewRequirement] = Field(min_length=1, max_length=1000)


class NewSpecification(In):
    slug: Annotated[Slug, Field(description="Its name in addresses, for ever")]
    certifies: SubjectKind = Field(default=SubjectKind.PRODUCT, description="What is certified against it")
    level: Level | None = Field(default=None, description="Needed for products; suppliers and advisers have none")
    name: Text
    summary: Text | None = None
    presupposes: Slug | None = Field(default=None, description="For level 2: the level-1 specification it builds on")
    versions: list[NewVersion] = Field(min_length=1, max_length=20, description="Oldest first")


class SpecificationChange(In):
    name: changes.TextChange | None = None
    summary: changes.TextChange | None = None


class Changeable(In):
    name: Text
    summary: Text | None = None


class Owner(Out):
    organisation_number: str | None
    name: str


class SpecificationSummary(Out):
    """A requirement specification in a list."""

    slug: str
    certifies: SubjectKind = Field(description="What is certified against it")
    level: Level | None = Field(description="Null for suppliers and advisers")
    name: TextOut
    summary: TextOut | None
    presupposes: str | None = Field(description="The level-1 specification that one of level 2 builds on")
    owner: Owner | None = Field(description="Who looks after it; null: the editors")
    national: bool = Field(description="Kept by the editors, for all")
    derived_from: str | None = Field(description="The specification that it follows")
    in_force: list[str] = Field(description="The versions that one can be certified against on the day; may be several")
    status_on: date = Field(description="The day that states are of")
    last_confirmed_on: date | None = Field(description="When its owner last said that it is still right")
    stale: bool = Field(description="Nobody has confirmed it for a year")


class Specification(SpecificationSummary):
    """A requirement specification with every version."""

    versions: list[Version] = Field(description="In the order in which they take effect, drafts last")


class AsOf(view.Viewed):
    on: date | None = Field(default=None, description="The day whose states are asked for; today if left out")
    known_at: AwareDatetime | None = Field(
        default=None,
        description="As known at this instant: what was recorded later does not count. What was known never changes",
    )


class Filters(view.Viewed):
    level: int | None = Field(default=None, ge=1, le=2, description="1 or 2")
    certifies: SubjectKind | None = Field(default=None, description="Only those against which these are certified")
    slug: list[Slug] = Field(default=[], max_length=100, description="Only these; give it several times")
    owner: OrganisationNumber | None = Field(default=None, description="The owner's organisation number")
    national: bool | None = Field(default=None, description="Kept by the editors, or not")
    derived_from: Slug | None = Field(default=None, description="Only those that follow this specification")
    on: date | None = Field(default=None, description="The day whose states are shown; today if left out")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get(
    "",
    summary="List requirement specifications",
    response_model=paging.Page[SpecificationSummary],
    openapi_extra=example(query={"level": "2"}),
)
def list_specifications(
    filters: Annotated[Filters, Query()],
    reader: ReaderDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
) -> Any:
    """By name in addresses. Read one for its requirements. `slug` several times fetches those at once."""
    rows = store.page(
        reader,
        paging.start(filters.after, str),
        filters.limit,
        level=filters.level,
        certifies=filters.certifies,
        slugs=filters.slug,
        owner=filters.owner,
        national=filters.national,
        derived_from=filters.derived_from,
    )
    versions = store.versions(reader, [row.id for row in rows])
    shown = dict(zip([row.id for row in rows], _fields(reader, rows, versions, filters.on, today), strict=True))
    page = paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row.slug),
        lambda row: SpecificationSummary.model_validate(shown[row.id]),
    )
    return view.answer(filters.view(), page, response)


@router.get(
    "/{slug}", summary="Read a requirement specification", response_model=Specification, openapi_extra=example()
)
def read(
    slug: SpecificationSlug,
    as_of: Annotated[AsOf, Query()],
    reader: ReaderDep,
    response: Response,
    today: clock.TodayDep,
) -> Any:
    """Every version with its timeline and requirements; `on` asks for the states on a day. A requirement keeps its id
    as long as it says the same; a changed one gets a new id, so that a result of a certification always means what it
    meant. Send the `ETag` back as `If-Match` when you change anything of it."""
    row = store.by_slug(reader, slug)
    return view.answer(as_of.view(), _shown(reader, row, response, as_of, today), response)


@router.get(
    "/{slug}/versions/{label}",
    summary="Read a specification's version",
    response_model=Version,
    openapi_extra=example(query={"on": "2026-01-01"}),
)
def read_version(
    slug: SpecificationSlug,
    label: Annotated[str, Path(description="The version's label", examples=["1.0"])],
    as_of: Annotated[AsOf, Query()],
    reader: ReaderDep,
    response: Response,
    today: clock.TodayDep,
) -> Any:
    """One version with its timeline and requirements. The set of a published version is frozen."""
    row = store.by_slug(reader, slug)
    version = store.version(reader, row, label)
    (shown,) = _versions(reader, [version], as_of, today)
    response.headers["ETag"] = changes.etag(row.revision)
    return view.answer(as_of.view(), shown, response)


@router.post(
    "",
    status_code=201,
    summary="Register a requirement specification",
    openapi_extra=example(
        organisation=shapes.MUNICIPALITY,
        body={
            "slug": "velferdsteknologi-fallsensor",
            "level": 2,
            "name": {"nb": "Fallsensor som tjeneste (fiktiv)"},
            "presupposes": "velferdsteknologi-datautveksling",
            "versions": [
                {
                    "version": "1.0",
                    "effective_on": "2027-01-01",
                    "requirements": [
                        {
                            "id": "FS2-01",
                            "obligation": "must",
                            "text": {"nb": "Et fall varsles innen 30 sekunder."},
                            "verification": {"nb": "Målt i test."},
                            "method": "test",
                        }
                    ],
                }
            ],
        },
    ),
)
def register(
    new: NewSpecification, caller: CallerDep, session: SessionDep, response: Response, today: clock.TodayDep
) -> Specification:
    """For public bodies, who then own it; what an editor registers is national. A version with `effective_on` is
    published at once, others are drafts. Every rule that fails is told at once: ids that repeat or change their
    meaning, a level 2 without a level 1 in force."""
    owner = organisations.of_caller(session, caller.organisation)
    if not organisation_rules.is_public_body(owner.kinds):
        raise rules.OwnerNotPublic(f"{owner.name} is none.")
    presupposes = store.presupposed(session, new.presupposes) if new.presupposes else None
    if new.presupposes and presupposes is None:
        raise SpecificationUnknown(f"There is no {new.presupposes!r}.", pointer="#/presupposes")
    versions = [
        rules.Version(version.version, version.effective_on, tuple(one.says(one.id) for one in version.requirements))
        for version in new.versions
    ]
    found = rules.check(new.level, versions, presupposes[1] if presupposes else None, new.certifies)
    for place, version in enumerate(versions):
        where = f"#/versions/{place}/requirements/{{}}".format
        found += requirements.check_clauses(session, version.requirements, where)
    refuse(found)
    added = store.add(
        session,
        store.Specification(
            slug=new.slug,
            certifies=new.certifies,
            level=new.level,
            name=new.name.kept(),
            summary=new.summary.kept() if new.summary else None,
            presupposes_id=presupposes[0] if presupposes else None,
            owner_id=owner.id,
            national=caller.may("catalog.admin"),
            confirmed_on=today,
        ),
        versions,
        store.Recording(clock.now(), today, caller.organisation),
    )
    response.headers["Location"] = path = f"/specifications/{new.slug}"
    audit.record(session, caller, "specification.register", path, new=new.model_dump(mode="json", exclude_none=True))
    feed.tell(session, "specification.registered", path, None, national=added.national)
    store.index(session, added, today)
    return _shown(session, added, response, AsOf(), today)


@router.patch(
    "/{slug}",
    summary="Change a specification's name or summary",
    openapi_extra=example(
        organisation=shapes.MUNICIPALITY,
        body={"summary": {"en": "What Alstahaug adds to the national requirements (fictional)"}},
        media_type=changes.MERGE_PATCH,
        headers={"If-Match": '"1"'},
    ),
)
def change(
    slug: OwnSlug,
    change: Annotated[SpecificationChange, Body(media_type=changes.MERGE_PATCH)],
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Specification:
    """What is not named stays. For its owner; a national one for editors. Requirements change in a new version."""
    row = store.to_change(session, slug, caller.organisation, editor=caller.may("catalog.admin"))
    changes.require_match(if_match, row.revision)
    before = {"name": row.name, "summary": row.summary}
    after = changes.merged(Changeable, {name: text for name, text in before.items() if text}, change)
    changed = changes.differences(
        before, {"name": after.name.kept(), "summary": after.summary.kept() if after.summary else None}
    )
    if changed:
        for name, (_, text) in changed.items():
            setattr(row, name, text)
        row.revision += 1
        path = f"/specifications/{slug}"
        audit.record(session, caller, "specification.change", path, changed=changed)
        feed.tell(session, "specification.changed", path, None, fields=sorted(changed))
        store.index(session, row, today)
    return _shown(session, row, response, AsOf(), today)


@router.post(
    "/{slug}/confirm",
    summary="Confirm that a specification is still right",
    openapi_extra=example(organisation=shapes.MUNICIPALITY),
)
def confirm(
    slug: OwnSlug,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Specification:
    """For its owner: it was looked through and nothing has to change. It is then not stale for a year."""
    row = store.to_change(session, slug, caller.organisation, editor=caller.may("catalog.admin"))
    changes.require_match(if_match, row.revision, needed=False)
    row.confirmed_on = today
    row.revision += 1
    path = f"/specifications/{slug}"
    audit.record(session, caller, "specification.confirm", path, on=today.isoformat())
    feed.tell(session, "specification.confirmed", path, None, on=today.isoformat())
    store.index(session, row, today)
    return _shown(session, row, response, AsOf(), today)


def _shown(session: Session, row: store.Specification, response: Response, as_of: AsOf, today: date) -> Specification:
    versions = store.versions(session, [row.id])
    (fields,) = _fields(session, [row], versions, as_of.on, today)
    response.headers["ETag"] = changes.etag(row.revision)
    return Specification.model_validate({**fields, "versions": _versions(session, versions[row.id], as_of, today)})


def _versions(session: Session, versions: Sequence[store.Version], as_of: AsOf, today: date) -> list[Version]:
    now = clock.now()
    known_at = as_of.known_at or now
    if known_at > now:
        raise KnownAtInFuture(pointer="?known_at")
    ids = [one.id for one in versions]
    sources = store.labels(session, [one.base_id for one in versions])
    history, contents = store.history(session, ids), store.contents(session, ids)
    return [
        shapes.whole(
            one.known_at(known_at),
            as_of.on or today,
            sources,
            [event for event in history[one.id] if event.recorded_at <= known_at],
            contents[one.id],
        )
        for one in versions
    ]


def _fields(
    session: Session,
    rows: Sequence[store.Specification],
    versions: Mapping[int, Sequence[store.Version]],
    on: date | None,
    today: date,
) -> list[dict[str, Any]]:
    on = on or today
    names = store.names(session, [key for row in rows for key in (row.presupposes_id, row.derived_from_id)])
    owners = store.owners(session, [row.owner_id for row in rows])
    return [
        {
            **row.model_dump(),
            "presupposes": names.get(row.presupposes_id),
            "derived_from": names.get(row.derived_from_id),
            "owner": {"organisation_number": owners[row.owner_id][0], "name": owners[row.owner_id][1]}
            if row.owner_id
            else None,
            "in_force": [one.label for one in versions.get(row.id, ()) if one.timeline.in_force(on)],
            "status_on": on,
            "last_confirmed_on": row.confirmed_on,
            "stale": rules.stale(row.confirmed_on, today),
        }
        for row in rows
    ]
