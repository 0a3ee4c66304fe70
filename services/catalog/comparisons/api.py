"""Comparisons of interface versions over HTTP."""

from typing import Annotated
from uuid import UUID

import orjson
from fastapi import Path, Query
from pydantic import Field
from sqlmodel import Session

from services.catalog.artefacts import store as artefacts
from services.catalog.comparisons import rules
from services.catalog.consumers import store as consumers
from services.catalog.interface_versions import store as versions
from services.catalog.interface_versions.store import InterfaceVersionNotFound
from services.chassis.app import new_router
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.problems import Problem, refuse
from services.chassis.values import Out

router = new_router("/interfaces/{slug}/diff", "Interfaces")

InterfaceSlug = Annotated[
    str, Path(description="The interface's name in addresses", examples=["velferdsteknologi-varsler"])
]
_REMEMBERED = 32
_known: dict[tuple[str, str], rules.Comparison] = {}


class Change(Out):
    """One thing that changed."""

    code: rules.Code
    breaking: bool
    operation: str = Field(description="Method and path", examples=["GET /varsler/{id}"])
    where: str = Field(description="Which part of the operation; empty: the operation itself")
    detail: str


class Attached(Out):
    """A component that uses the older version."""

    component: str
    organisation_id: UUID | None = Field(description="Who answers for it, where that is registered")


class Comparison(Out):
    """What changed between two versions of an interface, and whom it hits."""

    interface: str
    from_version: str
    to_version: str
    breaking: bool = Field(description="Whether any of the changes is")
    complete: bool = Field(
        description="False when there was too much to look at, or a document refers to others, which are not looked at"
    )
    changes: list[Change] = Field(description="Breaking ones first, at most 1,000")
    consumers: list[Attached] = Field(description="Components that use `from` today, at most 1,000: those it hits")


@router.get(
    "", summary="Compare two versions of an interface", openapi_extra=example(query={"from": "1.0", "to": "2.0"})
)
def compare(
    slug: InterfaceSlug,
    reader: ReaderDep,
    today: TodayDep,
    older: Annotated[str, Query(alias="from", max_length=40, description="The version that consumers keep to")],
    newer: Annotated[str, Query(alias="to", max_length=40, description="The version that they would meet")],
) -> Comparison:
    """For versions that are described by OpenAPI. A change is breaking when a consumer that keeps to `from` can send
    something that `to` refuses, or get something that `from` did not promise.

    Looked at: operations, parameters, request bodies, successful responses, their media types and schemas, security.
    What a request no longer names counts as breaking; what a response has besides never does. Not looked at: servers,
    headers, callbacks, links, encodings, the bodies of errors, texts and examples."""
    keys, documents = [], []
    found: list[Problem] = []
    for label, pointer in ((older, "?from"), (newer, "?to")):
        both = versions.find(reader, slug, label)
        if both is None:
            raise InterfaceVersionNotFound(f"There is no version {label!r} of {slug!r}.", pointer=pointer)
        described = artefacts.find(reader, both[1].id)
        keys.append(both[1].id)
        if described is None or described.format != "openapi":
            known = f"It is described by {described.format}." if described else "It has no artefact."
            found.append(rules.NotComparable(f"{label}: {known}", pointer=pointer))
        else:
            documents.append(described)
    refuse(found)
    result = _compared(reader, documents[0].sha256, documents[1].sha256)
    return Comparison(
        interface=slug,
        from_version=older,
        to_version=newer,
        breaking=result.breaking,
        complete=result.complete and all(one.complete for one in documents),
        changes=[Change.model_validate(one) for one in rules.breaking_first(result.changes)],
        consumers=[
            Attached(component=one.component, organisation_id=one.organisation_id)
            for one in consumers.hit(reader, keys[0], today)[: consumers.MOST_HIT]
        ],
    )


def _compared(session: Session, older: str, newer: str) -> rules.Comparison:
    """Documents never change, so neither does what came of comparing them."""
    known = _known.get((older, newer))
    if known is None:
        before, after = (artefacts.for_comparing(session, sha256) for sha256 in (older, newer))
        assert before
        assert after
        if len(_known) >= _REMEMBERED:
            _known.clear()
        known = _known[older, newer] = rules.compare(orjson.loads(before), orjson.loads(after))
    return known
