"""Requirement specifications over HTTP."""

from datetime import date
from typing import Annotated, Literal

from fastapi import Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.specifications import rules, store
from services.chassis import audit, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, needs
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Invalid, refuse
from services.chassis.values import In, Out, Slug, Text, TextOut

router = new_router("/specifications", "Specifications")

EDITOR = "100000008"
Level = Annotated[
    Literal[1, 2],
    Field(description="1: data exchange and architecture. 2: a finished service, which presupposes level 1"),
]
VersionLabel = Annotated[str, Field(min_length=1, max_length=40, examples=["1.0"])]


class SpecificationUnknown(Invalid):
    """The presupposed specification is not in the catalogue."""


class NewRequirement(In):
    id: str = Field(pattern=r"^[A-Z0-9][A-Z0-9.-]{0,39}$", description="Never used again", examples=["VT2-01"])
    obligation: rules.Obligation
    text: Text
    verification: Text = Field(description="How it is shown to be met")


class NewVersion(In):
    version: VersionLabel
    effective_on: date = Field(description="The first day on which products can be certified against it")
    requirements: list[NewRequirement] = Field(min_length=1, max_length=500)


class NewSpecification(In):
    slug: Annotated[Slug, Field(description="Its name in addresses, for ever")]
    level: Level
    name: Text
    summary: Text | None = None
    presupposes: Slug | None = Field(default=None, description="For level 2: the level-1 specification it builds on")
    versions: list[NewVersion] = Field(min_length=1, max_length=20, description="Oldest first")


class Requirement(Out):
    id: str
    obligation: rules.Obligation = Field(description="must (må), should (bør) or may (kan)")
    text: TextOut
    verification: TextOut = Field(description="How it is shown to be met")


class Version(Out):
    version: str
    effective_on: date
    requirements: list[Requirement]


class SpecificationSummary(Out):
    """A requirement specification in a list."""

    slug: str
    level: Level
    name: TextOut
    summary: TextOut | None
    presupposes: str | None = Field(description="The level-1 specification that one of level 2 builds on")


class Specification(SpecificationSummary):
    """A requirement specification with every version."""

    versions: list[Version] = Field(description="Oldest first")


class Filters(In):
    level: Annotated[int | None, Query(ge=1, le=2, description="1 or 2")] = None
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("", summary="List requirement specifications", openapi_extra=example(query={"level": "2"}))
def list_specifications(
    filters: Annotated[Filters, Query()], reader: ReaderDep, request: Request, response: Response
) -> paging.Page[SpecificationSummary]:
    """By name in addresses. Read one for its requirements."""
    rows = store.page(reader, paging.start(filters.after, str), filters.limit, filters.level)
    names = store.names(reader, [row.presupposes_id for row in rows])
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row.slug),
        lambda row: SpecificationSummary.model_validate(_fields(row, names)),
    )


@router.get("/{slug}", summary="Read a requirement specification", openapi_extra=example())
def read(
    slug: Annotated[
        str,
        Path(description="The specification's name in addresses", examples=["velferdsteknologi-trygghetstjeneste"]),
    ],
    reader: ReaderDep,
) -> Specification:
    """Every version with its requirements. A requirement keeps its id as long as it says the same; a changed one
    gets a new id, so that a result of a certification always means what it meant."""
    return _shown(reader, store.by_slug(reader, slug))


@router.post(
    "",
    status_code=201,
    summary="Register a requirement specification",
    openapi_extra=example(
        organisation=EDITOR,
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
                        }
                    ],
                }
            ],
        },
    ),
)
def register(
    new: NewSpecification, caller: Annotated[Caller, needs("catalog.admin")], session: SessionDep, response: Response
) -> Specification:
    """For editors. Every rule that fails is told at once: ids that repeat or change their meaning, a level 2
    without a level 1 in force."""
    presupposes = store.presupposed(session, new.presupposes) if new.presupposes else None
    if new.presupposes and presupposes is None:
        raise SpecificationUnknown(f"There is no {new.presupposes!r}.", pointer="#/presupposes")
    versions = [
        rules.Version(
            version.version,
            version.effective_on,
            tuple(
                rules.Requirement(one.id, one.obligation, one.text.kept(), one.verification.kept())
                for one in version.requirements
            ),
        )
        for version in new.versions
    ]
    refuse(rules.check(new.level, versions, presupposes[1] if presupposes else None))
    added = store.add(
        session,
        store.Specification(
            slug=new.slug,
            level=new.level,
            name=new.name.kept(),
            summary=new.summary.kept() if new.summary else None,
            presupposes_id=presupposes[0] if presupposes else None,
        ),
        versions,
    )
    response.headers["Location"] = path = f"/specifications/{new.slug}"
    audit.record(session, caller, "specification.register", path, new=new.model_dump(mode="json", exclude_none=True))
    return _shown(session, added)


def _fields(row: store.Specification, names: dict[int | None, str]) -> dict[str, object]:
    return {**row.model_dump(), "presupposes": names.get(row.presupposes_id)}


def _shown(session: Session, row: store.Specification) -> Specification:
    versions = [
        Version(
            version=version.label,
            effective_on=version.effective_on,
            requirements=[
                Requirement(id=one.code, obligation=one.obligation, text=one.text, verification=one.verification)
                for one in store.requirements(session, version.id)
            ],
        )
        for version in store.versions(session, [row.id])[row.id]
    ]
    fields = _fields(row, store.names(session, [row.presupposes_id]))
    return Specification.model_validate({**fields, "versions": versions})
