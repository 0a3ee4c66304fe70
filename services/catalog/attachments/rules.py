"""Which evidence files can be laid beside what somebody says."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from services.chassis.problems import Invalid, Problem


class AttachmentUnknown(Invalid):
    """You have uploaded no evidence file with this id."""


class AttachmentWithdrawn(Invalid):
    """The evidence file has been withdrawn."""


class AttachmentDiffers(Invalid):
    """The evidence file has another hash."""


@dataclass(frozen=True)
class File:
    sha256: str
    own: bool
    withdrawn: bool


@dataclass(frozen=True)
class Named:
    """A file as a request names it: where in the body, which one, and its hash if that is told."""

    pointer: str
    file: UUID
    sha256: str | None = None


def check(named: Iterable[Named], known: dict[UUID, File]) -> list[Problem]:
    """Somebody else's file is as unknown as one that there is not."""
    found: list[Problem] = []
    for one in named:
        file = known.get(one.file)
        if file is None or not file.own:
            found.append(AttachmentUnknown(str(one.file), pointer=one.pointer))
        elif file.withdrawn:
            found.append(AttachmentWithdrawn(str(one.file), pointer=one.pointer))
        elif one.sha256 not in (None, file.sha256):
            found.append(AttachmentDiffers(f"It is {file.sha256}.", pointer=one.pointer))
    return found
