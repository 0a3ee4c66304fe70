"""Versions of components over HTTP."""

from datetime import date
from typing import Annotated, Any

from fastapi import Body, Path, Request, Response
from pydantic import Field, StringConstraints

from services.catalog.components import store as components
from services.catalog.lifecycles import rules as lifecycles
from services.catalog.releases import rules, store
from services.chassis import audit, changes, feed, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.changes import IfMatch, TextChange
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Invalid, Problem, refuse
from services.chassis.values import In, Out, Text, TextOut

router = new_router("/components", "Component versions")

JOINT_UNIT = "100000008"
Slugged = Annotated[
    str, Path(description="The component's name in addresses", examples=["velferdsteknologi-trygghetsplattform"])
]
Labelled = Annotated[str, Path(description="The version's label", examples=["2.0.0"])]
Label = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z._+-]*$", max_length=80)]


class ReplacingVersionUnknown(Invalid):
    """The version that is to replace it is not there."""


class ReplacedByItself(Invalid):
    """A version does not replace itself."""


class NewVersion(In):
    label: Label = Field(description="As you write it, for ever", examples=["2.1.0"])
    released_on: date
    supported_from_on: date | None = Field(default=None, description="The day of release unless said")
    supported_to_on: date | None = Field(default=None, description="The last day of support; none is known without")
    end_of_life_on: date | None = Field(default=None, description="The last day that it may be used")
    breaking: bool = Field(default=False, description="Whoever upgrades to it has to change something")
    notes: Text | None = Field(default=None, description="What is new")
    replaced_by: Label | None = Field(default=None, description="The label of the version that replaces it")


class VersionChange(In):
    """What is not named stays, what is null goes (RFC 7396). A label is never changed."""

    released_on: date | None = None
    supported_from_on: date | None = None
    supported_to_on: date | None = None
    end_of_life_on: date | None = None
    breaking: bool | None = None
    notes: TextChange | None = None
    replaced_by: Label | None = None
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        exclude=True,
        description="Why; needed when support or life becomes shorter. Stands in the audit trail",
    )


class Version(Out):
    """One version of a component."""

    label: str
    status: rules.Status = Field(description="Today, from its dates: `planned`, `supported` or `ended`")
    released_on: date
    supported_from_on: date
    supported_to_on: date | None
    end_of_life_on: date | None = Field(description="The last day that it may be used")
    breaking: bool
    notes: TextOut | None
    replaced_by: str | None


@router.get("/{slug}/versions", summary="List the versions of a component", openapi_extra=example())
def list_versions(
    slug: Slugged,
    reader: ReaderDep,
    today: TodayDep,
    request: Request,
    response: Response,
    after: paging.After = None,
    limit: paging.Limit = paging.DEFAULT,
) -> paging.Page[Version]:
    """The newest first: by what the labels mean where every one of them reads as a semantic version (`2.10` after
    `2.9`, `3.0-rc.1` before `3.0`), otherwise by the day of release."""
    component_id = components.id_of(reader, slug)
    start = paging.start(after, bool, str, str)
    semantic = start[0] if start else store.ordered_semantically(reader, component_id)
    place = start and [start[1] if semantic else _day(start[1]), start[2]]
    rows = store.page(reader, component_id, place, limit, semantic=semantic)
    replacing = store.labels(reader, [row.replaced_by_id for row in rows if row.replaced_by_id])
    return paging.page(
        request,
        response,
        rows,
        limit,
        lambda row: paging.cursor(semantic, row.semantic_key if semantic else str(row.released_on), row.label),
        lambda row: _shown(row, replacing, today),
    )


@router.get("/{slug}/versions/{label}", summary="Read a version of a component", openapi_extra=example())
def read(slug: Slugged, label: Labelled, reader: ReaderDep, today: TodayDep, response: Response) -> Version:
    """One version, with what its dates say about today."""
    return _answer(reader, store.by_label(reader, components.id_of(reader, slug), label), today, response)


@router.post(
    "/{slug}/versions",
    status_code=201,
    summary="Register a version of a component",
    openapi_extra=example(
        organisation=JOINT_UNIT,
        body={
            "label": "2.1.0",
            "released_on": "2026-11-02",
            "supported_to_on": "2028-11-01",
            "notes": {"nb": "Varsler kan rutes etter vaktlag (fiktivt)."},
        },
    ),
)
def register(
    slug: Slugged,
    new: NewVersion,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
    response: Response,
) -> Version:
    """Its component's owner, or an editor, adds a version, also one to come. It is never deleted: what is wrong is
    changed, what is over ends."""
    component = _owned(session, slug, caller, today)
    period = rules.Period(
        new.released_on, new.supported_from_on or new.released_on, new.supported_to_on, new.end_of_life_on
    )
    replacing, found = _replacing(session, component.id, new.label, new.replaced_by)
    refuse([*rules.check(period), *found])
    plain = new.model_dump(exclude={"notes", "replaced_by", "label", "released_on"})
    kept = store.new(
        component.id,
        new.label,
        new.released_on,
        notes=new.notes.kept() if new.notes else None,
        replaced_by_id=replacing,
        **plain,
    )
    store.add(session, kept)
    response.headers["Location"] = path = f"/components/{slug}/versions/{new.label}"
    audit.record(
        session, caller, "component_version.register", path, new=new.model_dump(mode="json", exclude_none=True)
    )
    feed.tell(
        session, "component_version.registered", path, None, label=new.label, breaking=new.breaking, component=slug
    )
    return _answer(session, kept, today, response)


@router.patch(
    "/{slug}/versions/{label}",
    summary="Change a version of a component",
    openapi_extra=example(
        organisation=JOINT_UNIT,
        headers={"If-Match": '"1"'},
        media_type=changes.MERGE_PATCH,
        body={"supported_to_on": "2027-06-30", "end_of_life_on": "2027-12-31", "reason": "Fremskyndet (fiktivt)"},
    ),
)
def change(
    slug: Slugged,
    label: Labelled,
    new: Annotated[VersionChange, Body(media_type=changes.MERGE_PATCH)],
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
    response: Response,
    if_match: IfMatch = None,
) -> Version:
    """Its dates, notes or successor, in part. When support or life becomes shorter than was said, a reason is needed:
    others have planned by it."""
    component = _owned(session, slug, caller, today)
    version = store.lock(session, component.id, label)
    changes.require_match(if_match, version.revision)
    names = store.labels(session, [version.replaced_by_id] if version.replaced_by_id else [])
    before = version.model_dump(
        mode="json", include=set(NewVersion.model_fields) - {"replaced_by"}, exclude_none=True
    ) | ({"replaced_by": names[version.replaced_by_id]} if version.replaced_by_id else {})
    after = changes.merged(NewVersion, before, new)
    period = rules.Period(
        after.released_on, after.supported_from_on or after.released_on, after.supported_to_on, after.end_of_life_on
    )
    replacing, found = _replacing(session, component.id, label, after.replaced_by)
    shortened = rules.shortened(version.period(), period)
    refuse(
        [
            *rules.check(period),
            *([changes.ReasonMissing(pointer=f"#/{name}") for name in shortened] if not new.reason else []),
            *found,
        ]
    )
    changed = changes.differences(before, after.model_dump(mode="json", exclude_none=True))
    if changed:
        for name in ("released_on", "supported_to_on", "end_of_life_on", "breaking"):
            setattr(version, name, getattr(after, name))
        version.supported_from_on, version.replaced_by_id = period.supported_from_on, replacing
        version.notes = after.notes.kept() if after.notes else None
        version.revision += 1
        session.flush()
        path = f"/components/{slug}/versions/{label}"
        audit.record(session, caller, "component_version.change", path, changed=changed, reason=new.reason)
        feed.tell(session, "component_version.changed", path, None, fields=sorted(changed), component=slug)
    return _answer(session, version, today, response)


def _owned(session: SessionDep, slug: str, caller: Caller, today: date) -> components.Component:
    component = components.lock(session, slug, today)
    owner = components.number_of(session, component.owner_id)
    editor = caller.may("catalog.admin")
    refuse(lifecycles.check_actor(lifecycles.Step.PROPOSE, owner, caller.organisation, editor=editor))
    return component


def _replacing(
    session: SessionDep, component_id: int, label: str, replaced_by: str | None
) -> tuple[int | None, list[Problem]]:
    if replaced_by is None:
        return None, []
    if replaced_by == label:
        return None, [ReplacedByItself(pointer="#/replaced_by")]
    found = store.find(session, component_id, replaced_by)
    if found is None:
        return None, [ReplacingVersionUnknown(f"There is no version {replaced_by!r}.", pointer="#/replaced_by")]
    return found.id, []


def _answer(session: SessionDep, version: store.ComponentVersion, today: date, response: Response) -> Version:
    response.headers["ETag"] = changes.etag(version.revision)
    replacing = store.labels(session, [version.replaced_by_id] if version.replaced_by_id else [])
    return _shown(version, replacing, today)


def _shown(version: store.ComponentVersion, replacing: dict[int, str], today: date) -> Version:
    return Version(
        **version.model_dump(include=set(Version.model_fields)),
        status=rules.status_on(version.period(), today),
        replaced_by=replacing[version.replaced_by_id] if version.replaced_by_id else None,
    )


def _day(text: Any) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise paging.CursorMalformed("Use the `next` of a page as it was given.") from None
