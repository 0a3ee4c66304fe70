"""Profiles of a specification's version over HTTP."""

from typing import Annotated

from fastapi import Path, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.profiles import rules, store
from services.catalog.specifications import rules as specification_rules
from services.catalog.specifications import shapes
from services.catalog.specifications import store as specifications
from services.catalog.specifications.rules import Obligation
from services.catalog.specifications.shapes import OwnSlug, RequirementId
from services.chassis import audit, changes, feed
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Out, Text, TextOut

router = new_router("/specifications/{slug}/versions/{label}/profiles", "Specifications")

PROFILED = "velferdsteknologi-datautveksling"
Slug = Annotated[str, Path(description="The specification's name in addresses", examples=[PROFILED])]
Label = Annotated[str, Path(description="The version's label", examples=["1.0"])]
DraftLabel = Annotated[str, Path(description="The draft's label", examples=["1.1"])]
PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?$"
ProfileSlug = Annotated[str, Path(description="The profile's name in addresses", pattern=PATTERN, examples=["mottak"])]
NewSlug = Annotated[str, Path(description="The profile's name in addresses", pattern=PATTERN, examples=["kjerne"])]


class ProfileContent(In):
    name: Text
    requirements: list[RequirementId] = Field(min_length=1, max_length=1000, description="Ids, each once")


class Profile(Out):
    """A named part of a version's requirements."""

    slug: str = Field(examples=["mottak"])
    name: TextOut
    requirements: list[str] = Field(description="Ids of its requirements, in the version's order")


class Profiles(Out):
    items: list[Profile]


@router.get("", summary="List a specification version's profiles", openapi_extra=example())
def list_profiles(slug: Slug, label: Label, reader: ReaderDep, response: Response) -> Profiles:
    """The parts that one can be certified against instead of the whole version, by name in addresses."""
    row, version = _version(reader, slug, label)
    response.headers["ETag"] = changes.etag(row.revision)
    return Profiles(items=[Profile.model_validate(one) for one in store.of_version(reader, version.id)])


@router.get("/{profile}", summary="Read a profile", openapi_extra=example())
def read(slug: Slug, label: Label, profile: ProfileSlug, reader: ReaderDep, response: Response) -> Profile:
    """One profile with the ids of its requirements. That of a published version is frozen."""
    row, version = _version(reader, slug, label)
    response.headers["ETag"] = changes.etag(row.revision)
    return Profile.model_validate(store.by_slug(reader, version.id, profile))


@router.put(
    "/{profile}",
    summary="Put a profile into a draft",
    openapi_extra=example(
        organisation=shapes.MUNICIPALITY,
        body={"name": {"nb": "Kjernen (fiktiv)"}, "requirements": ["VT2-01", "ALS-01"]},
        headers={"If-Match": '"1"'},
    ),
)
def put(
    slug: OwnSlug,
    label: DraftLabel,
    profile: NewSlug,
    new: ProfileContent,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    if_match: changes.IfMatch = None,
) -> Profile:
    """For its owner; a national one's for editors. The profile then holds exactly these requirements, at least one must
    among them. What leaves the draft later leaves its profiles too; a new version begins with those of the one it is
    copied from."""
    row, version = _draft(session, slug, label, caller, if_match)
    contents = specifications.requirements(session, version.id)
    musts = {one.code for one in contents if one.obligation is Obligation.MUST}
    refuse(rules.check(new.requirements, {one.code for one in contents}, musts))
    store.put(session, version.id, profile, new.name.kept(), new.requirements)
    told = {"version": label, "profile": profile}
    path = f"/specifications/{slug}"
    content = new.model_dump(mode="json", exclude_none=True)
    audit.record(session, caller, "specification.profile", path, **told, new=content)
    feed.tell(session, "specification.profile_put", path, None, **told)
    row.revision += 1
    response.headers["ETag"] = changes.etag(row.revision)
    return Profile.model_validate(store.by_slug(session, version.id, profile))


@router.delete(
    "/{profile}",
    status_code=204,
    summary="Drop a profile from a draft",
    openapi_extra=example(organisation=shapes.MUNICIPALITY, headers={"If-Match": '"1"'}),
)
def drop(
    slug: OwnSlug,
    label: DraftLabel,
    profile: Annotated[str, Path(description="The profile's name in addresses", pattern=PATTERN, examples=["lokal"])],
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    if_match: changes.IfMatch = None,
) -> None:
    """For its owner; a national one's for editors. A published version's profiles stay."""
    row, version = _draft(session, slug, label, caller, if_match)
    store.drop(session, version.id, profile)
    told = {"version": label, "profile": profile}
    path = f"/specifications/{slug}"
    audit.record(session, caller, "specification.profile_drop", path, **told)
    feed.tell(session, "specification.profile_dropped", path, None, **told)
    row.revision += 1
    response.headers["ETag"] = changes.etag(row.revision)


def _version(session: Session, slug: str, label: str) -> tuple[specifications.Specification, specifications.Version]:
    row = specifications.by_slug(session, slug)
    return row, specifications.version(session, row, label)


def _draft(
    session: Session, slug: str, label: str, caller: Caller, if_match: str | None
) -> tuple[specifications.Specification, specifications.Version]:
    """The specification, locked, with a version that is not published yet."""
    row = specifications.to_change(session, slug, caller.organisation, editor=caller.may("catalog.admin"))
    changes.require_match(if_match, row.revision)
    version = specifications.version(session, row, label)
    if version.timeline.published():
        raise specification_rules.VersionFrozen(f"{slug} {label} is published.")
    return row, version
