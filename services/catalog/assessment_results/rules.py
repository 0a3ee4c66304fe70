"""What a result must hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.catalog.certificates.rules import Outcome
from services.chassis.problems import Invalid, Problem

TESTED = frozenset({Outcome.MET, Outcome.PARTLY, Outcome.NOT_MET})
SHOWN = frozenset({Outcome.MET, Outcome.PARTLY})


class ResultReasonMissing(Invalid):
    """What is not simply met needs a reason."""


class ResultEvidenceMissing(Invalid):
    """What is said to be met, wholly or partly, needs evidence."""


class EvidenceHashMissing(Invalid):
    """Evidence is named by its hash, or by a file that the catalogue keeps."""


class EvidenceFileUnknown(Invalid):
    """There is no such evidence file."""


class EvidenceFileWithdrawn(Invalid):
    """The evidence file has been withdrawn."""


class EvidenceFileOfAnother(Invalid):
    """The evidence file is neither the applicant's nor an assessor's of this application."""


class EvidenceHashDiffers(Invalid):
    """The evidence file has another hash."""


class EvidenceFromFuture(Invalid):
    """Evidence, or a test, is of a day that has not come."""


class TestedOnMissing(Invalid):
    """When was it tested?"""


class TestedOnMisplaced(Invalid):
    """What was not tested has no day of testing."""


@dataclass(frozen=True)
class Piece:
    """A piece of evidence as it was sent."""

    sha256: str | None
    dated_on: date
    file: UUID | None


@dataclass(frozen=True)
class File:
    """What is known of an evidence file. `fitting`: it is of the applicant or of an assessor."""

    sha256: str
    withdrawn: bool
    fitting: bool


@dataclass(frozen=True)
class NewResult:
    outcome: Outcome
    reason: str | None
    evidence: Sequence[Piece]
    tested_on: date | None


def check(new: NewResult, files: Mapping[UUID, File], today: date) -> list[Problem]:
    """Everything that is wrong with a result."""
    found: list[Problem] = []
    if new.outcome is not Outcome.MET and not new.reason:
        found.append(ResultReasonMissing(pointer="#/reason"))
    if new.outcome in SHOWN and not new.evidence:
        found.append(ResultEvidenceMissing(pointer="#/evidence"))
    for place, one in enumerate(new.evidence):
        found += _check_piece(one, files.get(one.file) if one.file else None, f"#/evidence/{place}", today)
    if new.outcome in TESTED and new.tested_on is None:
        found.append(TestedOnMissing(pointer="#/tested_on"))
    if new.outcome not in TESTED and new.tested_on is not None:
        found.append(TestedOnMisplaced(pointer="#/tested_on"))
    if new.tested_on and new.tested_on > today:
        found.append(EvidenceFromFuture(f"Today is {today}.", pointer="#/tested_on"))
    return found


def _check_piece(one: Piece, file: File | None, pointer: str, today: date) -> list[Problem]:
    found: list[Problem] = []
    if one.dated_on > today:
        found.append(EvidenceFromFuture(f"Today is {today}.", pointer=f"{pointer}/dated_on"))
    if one.file is None:
        if one.sha256 is None:
            found.append(EvidenceHashMissing(pointer=f"{pointer}/sha256"))
    elif file is None or not file.fitting:
        kind = EvidenceFileUnknown if file is None else EvidenceFileOfAnother
        found.append(kind(str(one.file), pointer=f"{pointer}/file"))
    else:
        if file.withdrawn:
            found.append(EvidenceFileWithdrawn(str(one.file), pointer=f"{pointer}/file"))
        if one.sha256 not in (None, file.sha256):
            found.append(EvidenceHashDiffers(f"It has {file.sha256}.", pointer=f"{pointer}/sha256"))
    return found
