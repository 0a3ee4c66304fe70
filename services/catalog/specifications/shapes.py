"""Requirements and versions as they stand on the wire, for the routes of every concept that takes or shows them."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import Field

from services.catalog.requirements import rules as requirement_rules
from services.catalog.requirements.rules import Method, Obligation
from services.catalog.specifications import rules, store
from services.chassis.values import In, Instant, Out, Slug, Text, TextOut

SEEDED = "alstahaug-trygghetstjeneste"
"""A specification in the seed data that a municipality owns, for examples that change something."""
MUNICIPALITY = "938712441"
EDITOR = "100000008"
SpecificationSlug = Annotated[
    str, Path(description="The specification's name in addresses", examples=["velferdsteknologi-trygghetstjeneste"])
]
OwnSlug = Annotated[str, Path(description="The specification's name in addresses", examples=[SEEDED])]
Level = Annotated[
    Literal[1, 2],
    Field(description="1: data exchange and architecture. 2: a finished service, which presupposes level 1"),
]
VersionLabel = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,39}$", description="The version's label", examples=["1.0"])
]
RequirementId = Annotated[
    str, Field(pattern=r"^[A-Z0-9][A-Z0-9.-]{0,39}$", description="Never used for another", examples=["VT2-01"])
]


class NewClause(In):
    """A clause of a standard in the register."""

    standard: Slug
    clause: str = Field(min_length=1, max_length=80)


class RequirementContent(In):
    """What is required."""

    obligation: Obligation
    text: Text
    verification: Text | None = Field(default=None, description="How it is shown to be met")
    method: Method | None = None
    applies_to: Text | None = Field(
        default=None, description="To whom or when it applies (gjelder for); always if empty"
    )
    comment: Text | None = None
    clause: NewClause | None = Field(default=None, description="The clause of a standard that it rests on")
    replaces: RequirementId | None = Field(default=None, description="The requirement of before that it replaces")

    def says(self, id: str) -> requirement_rules.Requirement:
        return requirement_rules.Requirement(
            id,
            self.obligation,
            self.text.kept(),
            self.verification.kept() if self.verification else None,
            self.method,
            self.applies_to.kept() if self.applies_to else None,
            self.comment.kept() if self.comment else None,
            (self.clause.standard, self.clause.clause) if self.clause else None,
            self.replaces,
        )


class NewRequirement(RequirementContent):
    id: RequirementId


class Clause(Out):
    standard: str
    clause: str


class Upstream(Out):
    """What a requirement of a derived specification stands for in the one that it follows."""

    requirement: str = Field(description="Its id there")
    sha256: str = Field(description="Of what it said when it was last taken over")
    same: bool = Field(description="It says the same here")


class Requirement(Out):
    id: str
    obligation: Obligation = Field(description="must (må), should (bør) or may (kan)")
    text: TextOut
    verification: TextOut | None = Field(description="How it is shown to be met")
    method: Method | None
    applies_to: TextOut | None = Field(description="To whom or when it applies (gjelder for)")
    comment: TextOut | None
    clause: Clause | None = Field(description="The clause of a standard that it rests on")
    replaces: str | None = Field(description="The requirement that it replaced")
    upstream: Upstream | None = Field(description="In a derived specification, unless it is the owner's own addition")


class Event(Out):
    kind: rules.EventKind
    effective_on: date
    recorded_at: Instant
    reason: str | None
    back_dated: bool = Field(description="It took effect before the day it was recorded on")
    organisation_number: str | None = Field(description="Who did it")


class Source(Out):
    specification: str
    version: str


class VersionState(Out):
    """A version's place in time."""

    version: str
    status: rules.Status = Field(description="On the day asked for")
    effective_on: date | None = Field(description="From this day products can be certified against it; null: a draft")
    warned_on: date | None = Field(description="From this day its end is announced")
    ended_on: date | None = Field(description="The first day on which it no longer holds")
    derived_from: Source | None = Field(description="What it follows, in the version that it last took over")


class Version(VersionState):
    """A version, whole."""

    events: list[Event] = Field(description="In the order recorded")
    requirements: list[Requirement]


def requirement(content: store.Content) -> dict[str, Any]:
    says = content.says
    return {
        **says.content(),
        "id": says.id,
        "replaces": says.replaces,
        "clause": {"standard": says.clause[0], "clause": says.clause[1]} if says.clause else None,
        "upstream": content.upstream
        and {
            "requirement": content.upstream,
            "sha256": content.upstream_sha256,
            "same": says.fingerprint() == content.upstream_sha256,
        },
    }


def state(version: store.Version, on: date, sources: Mapping[int | None, tuple[str, str]]) -> dict[str, Any]:
    """`sources`: the followed versions, by internal key."""
    timeline = version.timeline
    source = sources.get(version.base_id)
    return {
        "version": version.label,
        "status": timeline.status(on),
        "effective_on": version.effective_on,
        "warned_on": timeline.first(rules.EventKind.WARNED),
        "ended_on": version.ended_on,
        "derived_from": source and {"specification": source[0], "version": source[1]},
    }


def whole(
    version: store.Version,
    on: date,
    sources: Mapping[int | None, tuple[str, str]],
    events: Iterable[store.VersionEvent],
    contents: Iterable[store.Content],
) -> Version:
    return Version.model_validate(
        {
            **state(version, on, sources),
            "events": list(events),
            "requirements": [requirement(one) for one in contents],
        }
    )
