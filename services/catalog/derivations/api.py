"""Derived specifications over HTTP: derive, see how it differs, follow."""

from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.amendments import rules as amendments
from services.catalog.derivations import rules, store
from services.catalog.organisations import rules as organisation_rules
from services.catalog.organisations import store as organisations
from services.catalog.requirements import rules as requirement_rules
from services.catalog.requirements import store as requirements
from services.catalog.requirements.rules import Obligation, Requirement
from services.catalog.specifications import rules as specification_rules
from services.catalog.specifications import shapes
from services.catalog.specifications import store as specifications
from services.catalog.specifications.shapes import OwnSlug, SpecificationSlug, VersionLabel
from services.chassis import audit, changes, clock, feed, view
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Out, Slug, Text, TextOut

router = new_router("/specifications/{slug}", "Specifications")


class NewDerivation(In):
    slug: Annotated[Slug, Field(description="The new specification's name in addresses, for ever")]
    name: Text
    summary: Text | None = None
    from_version: VersionLabel
    version: VersionLabel = Field(default="1.0", description="The label of the draft that it begins with")


class Resolution(In):
    requirement: str = Field(min_length=1, max_length=40, description="As it stands in the conflict")
    take: rules.Take


class NewFollowing(In):
    to_version: VersionLabel = Field(description="The version of the followed specification to take over from")
    version: VersionLabel = Field(description="The draft here that gets it; it is begun if it is not there")
    resolutions: list[Resolution] = Field(default=[], max_length=1000)
    reason: str | None = Field(
        default=None, min_length=1, max_length=2000, description="Why a must that stays left out does, if not told yet"
    )


class Derivation(Out):
    """A specification that was derived; read it for its requirements."""

    specification: str
    version: str
    derived_from: shapes.Source
    requirements: int


class Named(Out):
    id: str
    obligation: Obligation
    text: TextOut


class Deviation(Out):
    """A requirement that says something else here."""

    id: str
    upstream: str = Field(description="The id of the one that it stands for")
    fields: dict[str, list[Any]] = Field(description="What is not the same: what it is there, what it is here")


class LeftOut(Named):
    """A requirement of the followed version that has no counterpart here; its id is the one there."""

    reason: str | None


class Replacement(Out):
    before: str
    after: str
    fields: list[str]


class Newer(Out):
    """What has become of the followed specification since."""

    version: str
    new: list[Named]
    changed: list[Replacement]
    dropped: list[Named]
    unchanged: int
    conflicts: list[str] = Field(description="What was changed here as well, by the ids in the version followed now")


class UpstreamState(Out):
    """How a derived specification stands to the one that it follows."""

    specification: str
    version: str
    derived_from: shapes.Source
    unchanged: int
    changed: list[Deviation]
    added: list[Named] = Field(description="One's own")
    left_out: list[LeftOut]
    newer: Newer | None = Field(description="Null when the newest published version is followed already")


class Following(Out):
    """What following came to; ids are those here."""

    specification: str
    version: str
    from_version: str
    to_version: str
    requirements: int
    followed: list[str] = Field(description="Took over a change")
    added: list[str]
    dropped: list[str]
    kept: list[str] = Field(description="Say something else than there, or are one's own")
    resolved: list[str] = Field(description="Conflicts that `resolutions` settled")


class Compared(view.Viewed):
    version: VersionLabel | None = Field(default=None, description="Of the derived one; the newest if left out")
    to: VersionLabel | None = Field(default=None, description="Of the followed one; the newest published if left out")


@router.post(
    "/derive",
    status_code=201,
    summary="Derive a specification of your own",
    openapi_extra=example(
        organisation="844824122",
        body={
            "slug": "vefsn-trygghetstjeneste",
            "name": {"nb": "Trygghetstjeneste i Vefsn (fiktiv)"},
            "from_version": "1.0",
        },
    ),
)
def derive(
    slug: SpecificationSlug,
    new: NewDerivation,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
) -> Derivation:
    """For public bodies. You get a copy as a draft of your own, under the same ids: add to it, change it, leave out
    what does not fit (`…/versions/{label}/requirements`), publish it, and follow what becomes of the source."""
    owner = organisations.of_caller(session, caller.organisation)
    if not organisation_rules.is_public_body(owner.kinds):
        raise specification_rules.OwnerNotPublic(f"{owner.name} is none.")
    source = specifications.by_slug(session, slug)
    version = specifications.find_version(session, slug, new.from_version)
    refuse(_unusable(version, new.from_version, "#/from_version"))
    assert version
    added = store.derive(
        session,
        specifications.Specification(
            slug=new.slug,
            certifies=source.certifies,
            level=source.level,
            name=new.name.kept(),
            summary=new.summary.kept() if new.summary else None,
            presupposes_id=source.presupposes_id,
            owner_id=owner.id,
            national=caller.may("catalog.admin"),
            derived_from_id=source.id,
            confirmed_on=today,
        ),
        version,
        new.version,
        specifications.Recording(clock.now(), today, caller.organisation),
    )
    response.headers["Location"] = path = f"/specifications/{new.slug}"
    response.headers["ETag"] = changes.etag(added.revision)
    followed = {"specification": slug, "version": new.from_version}
    audit.record(session, caller, "specification.derive", path, new=new.model_dump(mode="json"), derived_from=followed)
    feed.tell(session, "specification.derived", path, None, derived_from=followed)
    specifications.index(session, added, today)
    return Derivation.model_validate(
        {
            "specification": new.slug,
            "version": new.version,
            "derived_from": followed,
            "requirements": len(requirements.requirements(session, version.id)),
        }
    )


@router.get(
    "/upstream",
    summary="Compare with the specification that is followed",
    response_model=UpstreamState,
    openapi_extra=example(),
)
def upstream(slug: OwnSlug, asked: Annotated[Compared, Query()], reader: ReaderDep, response: Response) -> Any:
    """Of a derived specification: what says something else here, is added or left out (and why), and what is new there
    since, with what would be in conflict."""
    row = specifications.by_slug(reader, slug)
    derived = _derived(reader, row, asked.version)
    several = [
        one for one in specifications.versions(reader, [derived.source.id])[derived.source.id] if one.effective_on
    ]
    to = next((one for one in several if one.label == asked.to), None)
    if asked.to and to is None:
        raise rules.SourceUnknown(f"{derived.source.slug} has no published {asked.to!r}.", pointer="?to")
    to = to or several[-1]
    found = derived.deviations()
    result = UpstreamState(
        specification=slug,
        version=derived.version.label,
        derived_from=shapes.Source(specification=derived.source.slug, version=derived.base.label),
        unchanged=len(found.same),
        changed=[
            Deviation(
                id=ours.says.id,
                upstream=there.id,
                fields={name: [getattr(there, name), getattr(ours.says, name)] for name in fields},
            )
            for ours, there, fields in found.changed
        ],
        added=[_named(one.says) for one in found.added],
        left_out=[LeftOut(**vars(_named(one)), reason=derived.reason(one.id)) for one in found.left],
        newer=_newer(reader, derived, to) if to.id != derived.base.id else None,
    )
    response.headers["ETag"] = changes.etag(row.revision)
    return view.answer(asked.view(), result, response)


@router.post(
    "/follow",
    summary="Follow what became of the source",
    openapi_extra=example(
        organisation=shapes.MUNICIPALITY,
        body={
            "to_version": "1.1",
            "version": "1.1",
            "resolutions": [{"requirement": "VT2-02", "take": "theirs"}],
        },
    ),
)
def follow(
    slug: OwnSlug,
    new: NewFollowing,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Following:
    """Takes over what changed there into a draft here, requirement by requirement and field by field. What you did not
    touch follows; what you changed stays; what both changed is a conflict: all of them are told at once with what it
    was, what you say and what they say, and nothing is changed until `resolutions` settles each. Following the same
    version again changes nothing. Try it with `dry_run` first."""
    row = specifications.to_change(session, slug, caller.organisation, editor=caller.may("catalog.admin"))
    changes.require_match(if_match, row.revision, needed=False)
    labels = [one.label for one in specifications.versions(session, [row.id])[row.id]]
    derived = _derived(session, row, new.version if new.version in labels else None)
    if new.version in labels and derived.version.timeline.published():
        raise specification_rules.VersionFrozen(f"{slug} {new.version} is published.", pointer="#/version")
    to = specifications.find_version(session, derived.source.slug, new.to_version)
    refuse(_unusable(to, new.to_version, "#/to_version", derived.base))
    assert to
    response.headers["ETag"] = changes.etag(row.revision)
    if to.id == derived.base.id:
        return _followed(derived, derived.version.label, to, rules.Merge(requirements=list(derived.ours)), [])
    resolved = [one.requirement for one in new.resolutions]
    draft_id = derived.version.id if new.version in labels else 0
    merged = _merge(session, derived, to, {one.requirement: one.take for one in new.resolutions}, draft_id)
    refuse(rules.check_resolutions(merged, resolved))
    refuse(_conflict(one) for one in merged.conflicts if one.requirement not in resolved)
    theirs = {one.id: one.says for one in requirements.requirements(session, to.id)}
    keys = {one.id: key for key, one in theirs.items()}
    reasons = {
        keys[after]: why for after, before in merged.left.items() if (why := derived.reason(before) or new.reason)
    }
    kept = {keys[one.upstream] for one in merged.requirements if one.upstream}
    refuse(requirement_rules.check_left(theirs, kept, reasons, "#/reason"))
    store.follow(session, derived, to, new.version, merged, reasons)
    row.revision += 1
    specifications.index(session, row, today)
    path, told = f"/specifications/{slug}", {"version": new.version, "to_version": to.label}
    answer = _followed(derived, new.version, to, merged, resolved)
    audit.record(
        session,
        caller,
        "specification.follow",
        path,
        **new.model_dump(mode="json"),
        came_to=answer.model_dump(mode="json"),
    )
    feed.tell(session, "specification.followed", path, None, **told)
    response.headers["ETag"] = changes.etag(row.revision)
    return answer


def _derived(session: Session, row: specifications.Specification, label: str | None) -> store.Derived:
    """The version of this label, or the newest, beside what it follows."""
    version = (
        specifications.version(session, row, label) if label else specifications.versions(session, [row.id])[row.id][-1]
    )
    found = store.read(session, row, version)
    if found is None:
        raise rules.NotDerived(f"{row.slug} is derived from none.")
    return found


def _unusable(
    version: specifications.Version | None, label: str, pointer: str, followed: specifications.Version | None = None
) -> list[Any]:
    if version is None:
        return [rules.SourceUnknown(f"There is no {label!r}.", pointer=pointer)]
    if version.effective_on is None:
        return [rules.SourceIsDraft(f"{label} is not published.", pointer=pointer)]
    if followed and followed.effective_on and version.effective_on < followed.effective_on:
        return [rules.SourceIsOlder(f"{label} is older than {followed.label}.", pointer=pointer)]
    return []


def _merge(
    session: Session,
    derived: store.Derived,
    to: specifications.Version,
    resolutions: dict[str, rules.Take],
    draft_id: int = 0,
) -> rules.Merge:
    """`draft_id`: the draft that it goes into, if it is there already."""
    return rules.merge(
        derived.base_says(),
        [store.without_history(one.says) for one in requirements.requirements(session, to.id)],
        derived.ours,
        replaced=store.replaced(session, derived.source.id),
        settled=requirements.settled(session, derived.specification.id, but=draft_id),
        resolutions=resolutions,
    )


def _newer(session: Session, derived: store.Derived, to: specifications.Version) -> Newer:
    theirs = [one.says for one in requirements.requirements(session, to.id)]
    found = amendments.compare(derived.base_says(), theirs, store.replaced(session, derived.source.id))
    return Newer(
        version=to.label,
        new=[_named(one) for one in found.new],
        changed=[
            Replacement(before=one.before.id, after=one.after.id, fields=list(one.fields)) for one in found.changed
        ],
        dropped=[_named(one) for one in found.dropped],
        unchanged=found.unchanged,
        conflicts=[one.requirement for one in _merge(session, derived, to, {}).conflicts],
    )


def _conflict(one: rules.Conflict) -> rules.FollowConflict:
    what = f"both changed {', '.join(one.fields)}" if one.fields else "one side changed it, the other has it no more"
    return rules.FollowConflict(
        f"{one.requirement}: {what}.",
        pointer="#/resolutions",
        requirement=one.requirement,
        fields=list(one.fields),
        base=_said(one.base),
        ours=_said(one.ours),
        theirs=_said(one.theirs),
    )


def _said(one: Requirement | None) -> dict[str, Any] | None:
    return {"id": one.id, **one.content()} if one else None


def _followed(
    derived: store.Derived, label: str, to: specifications.Version, merged: rules.Merge, resolved: list[str]
) -> Following:
    return Following(
        specification=derived.specification.slug,
        version=label,
        from_version=derived.base.label,
        to_version=to.label,
        requirements=len(merged.requirements),
        followed=merged.followed,
        added=merged.added,
        dropped=merged.dropped,
        kept=merged.kept,
        resolved=resolved,
    )


def _named(one: Requirement) -> Named:
    return Named(id=one.id, obligation=one.obligation, text=one.text)
