"""Who may keep an interface, and what it needs."""

from enum import StrEnum

from services.chassis.problems import Forbidden, Invalid, Problem

STALE_AFTER_DAYS = 365
SENSITIVE = ("provided_by", "kind")
"""What others rely on: changing it needs a reason."""


class Kind(StrEnum):
    """How one speaks through it; decides which artefacts can describe it."""

    REST = "rest"
    EVENTS = "events"
    XML = "xml"
    FILE = "file"
    OTHER = "other"


class Status(StrEnum):
    """The states of a version."""

    DRAFT = "draft"
    CURRENT = "current"
    DEPRECATED = "deprecated"
    WITHDRAWN = "withdrawn"


class NotYourInterface(Forbidden):
    """Only its owner, or an editor of the catalogue, changes an interface."""


class NotYourComponent(Forbidden):
    """Only a component's owner, or an editor of the catalogue, says what it provides or uses."""


class ComponentUnknown(Invalid):
    """The component is not in the catalogue."""


class KindFixed(Invalid):
    """The kind of an interface whose versions have artefacts is not changed."""


def check_change(changed: dict[str, list[object]], *, described: bool) -> list[Problem]:
    """`described`: whether a version has an artefact, which was checked against the kind."""
    if "kind" in changed and described:
        return [KindFixed("Register another interface.", pointer="#/kind")]
    return []


def check_keeper(owner_id: int, acting_id: int, *, editor: bool) -> list[Problem]:
    return [] if editor or owner_id == acting_id else [NotYourInterface()]


def check_component(owner_id: int | None, acting_id: int, *, editor: bool, pointer: str | None) -> list[Problem]:
    """Whether the caller speaks for a component."""
    return [] if editor or owner_id == acting_id else [NotYourComponent(pointer=pointer)]
