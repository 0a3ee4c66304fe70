"""New versions and the steps of their timeline over HTTP."""

from datetime import date
from typing import Annotated, Any

from fastapi import Path, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.schemes.rules import SubjectKind
from services.catalog.specification_versions import store
from services.catalog.specifications import rules, shapes
from services.catalog.specifications import store as specifications
from services.catalog.specifications.rules import Step
from services.catalog.specifications.shapes import OwnSlug, VersionLabel, VersionState
from services.chassis import audit, changes, clock, feed
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import SessionDep
from services.chassis.problems import Invalid, refuse
from services.chassis.values import In

router = new_router("/specifications/{slug}/versions", "Specifications")


class VersionUnknown(Invalid):
    """The version to begin with does not exist."""


class NewDraft(In):
    version: VersionLabel
    copy_from: VersionLabel | None = Field(
        default=None,
        description="The version whose requirements it begins with. None if left out; in a derived specification the "
        "newest",
    )


class NewPublication(In):
    effective_on: date | None = Field(
        default=None,
        description="The first day on which products can be certified against it. Today if left out; may lie ahead, or "
        "back (with a reason, and flagged)",
    )
    reason: str | None = Field(default=None, min_length=1, max_length=2000, description="Needed for a day that is past")


class NewStep(NewPublication):
    reason: str = Field(min_length=1, max_length=2000)


@router.post(
    "",
    status_code=201,
    summary="Begin a new version of a specification",
    openapi_extra=example(organisation=shapes.MUNICIPALITY, body={"version": "2.0", "copy_from": "1.0"}),
)
def begin(
    slug: OwnSlug,
    new: NewDraft,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> VersionState:
    """For its owner; a national one's for editors. A draft, whose requirements you then put in one by one or from a
    table. What is there stays as it is."""
    row = specifications.to_change(session, slug, caller.organisation, editor=caller.may("catalog.admin"))
    changes.require_match(if_match, row.revision, needed=False)
    several = specifications.versions(session, [row.id])[row.id]
    source = next((one for one in several if one.label == new.copy_from), None)
    if new.copy_from and source is None:
        raise VersionUnknown(f"There is no version {new.copy_from!r}.", pointer="#/copy_from")
    if row.derived_from_id and source is None:
        source = several[-1]
    store.begin(session, row, new.version, source)
    response.headers["Location"] = f"/specifications/{slug}/versions/{new.version}"
    audit.record(
        session, caller, "specification.draft", f"/specifications/{slug}", version=new.version, copied=new.copy_from
    )
    feed.tell(session, "specification.drafted", f"/specifications/{slug}", None, version=new.version)
    return _kept(session, row, new.version, response, today)


def _step(step: Step, kind: type[NewPublication], seeded: str, summary: str, about: str) -> None:
    """One route for each step; `seeded` is a version that can take it."""

    def take(
        slug: OwnSlug,
        label: Annotated[str, Path(description="The version's label", examples=[seeded])],
        new: Any,
        caller: CallerDep,
        session: SessionDep,
        response: Response,
        today: clock.TodayDep,
        if_match: changes.IfMatch = None,
    ) -> VersionState:
        row = specifications.to_change(session, slug, caller.organisation, editor=caller.may("catalog.admin"))
        changes.require_match(if_match, row.revision, needed=False)
        version = specifications.version(session, row, label)
        effective_on = new.effective_on or today
        found = rules.check_step(
            version.timeline,
            step,
            effective_on,
            today,
            reason=new.reason,
            requirements=len(specifications.requirements(session, version.id)),
        )
        if step is Step.PUBLISH:
            presupposed = specifications.presupposed_by(session, row)
            found += rules.check_level(
                row.level, [rules.Version(label, effective_on, ())], presupposed, SubjectKind(row.certifies)
            )
        refuse(found)
        recording = specifications.Recording(clock.now(), today, caller.organisation)
        specifications.record(session, version.id, rules.EVENTS[step], effective_on, new.reason, recording)
        path = f"/specifications/{slug}"
        told = {"version": label, "effective_on": effective_on.isoformat()}
        audit.record(session, caller, f"specification.{step}", path, **told, reason=new.reason)
        feed.tell(session, f"specification.{rules.EVENTS[step]}", path, None, **told)
        return _kept(session, row, label, response, today)

    take.__doc__ = about
    take.__annotations__["new"] = kind
    router.post(
        f"/{{label}}/{step}",
        name=f"{step}_version",
        summary=summary,
        openapi_extra=example(organisation=shapes.MUNICIPALITY, body={"reason": "Vedtatt i kommunen (fiktivt)"}),
    )(take)


_step(
    Step.PUBLISH,
    NewPublication,
    "1.1",
    "Publish a version of a specification",
    "For its owner; a national one's for editors. From `effective_on` on products can be certified against it. Its "
    "requirements are frozen from now on: an error in them is mended in a new version.",
)
_step(
    Step.WARN,
    NewStep,
    "1.0",
    "Warn that a specification's version will end",
    "For its owner; a national one's for editors. It stays in force; whoever follows the feed is told.",
)
_step(
    Step.END,
    NewStep,
    "1.0",
    "End a specification's version",
    "For its owner; a national one's for editors. From `effective_on` on no product can be certified against it; "
    "certificates that were granted before stay what they are.",
)


def _kept(
    session: Session, row: specifications.Specification, label: str, response: Response, today: date
) -> VersionState:
    row.revision += 1
    specifications.index(session, row, today)
    version = specifications.version(session, row, label)
    response.headers["ETag"] = changes.etag(row.revision)
    sources = specifications.labels(session, [version.base_id])
    return VersionState.model_validate(shapes.state(version, today, sources))
