"""What a document may be, what can become of it, and who sees it."""

import io
import zipfile
from collections.abc import Collection
from enum import StrEnum

from services.chassis.problems import Conflict, Forbidden, Invalid, Problem

LARGEST = 10 * 1024 * 1024
PDF = "application/pdf"
ODT = "application/vnd.oasis.opendocument.text"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PNG = "image/png"
JPEG = "image/jpeg"
MEDIA_TYPES = (PDF, ODT, DOCX, PNG, JPEG)
"""What may be uploaded: nothing that a browser runs."""


class DocumentType(StrEnum):
    DPIA = "dpia"
    DATA_PROCESSING_AGREEMENT = "data_processing_agreement"
    PENETRATION_TEST = "penetration_test"
    ACCESSIBILITY_STATEMENT = "accessibility_statement"
    OTHER = "other"


class State(StrEnum):
    CONCEPT = "concept"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"


MOVES = {
    (State.CONCEPT, Step.APPROVE): State.APPROVED,
    (State.CONCEPT, Step.REJECT): State.REJECTED,
    (State.CONCEPT, Step.WITHDRAW): State.WITHDRAWN,
    (State.APPROVED, Step.WITHDRAW): State.WITHDRAWN,
    (State.REJECTED, Step.WITHDRAW): State.WITHDRAWN,
}


class ContentMismatch(Invalid):
    """The content is not what its media type says."""


class ContentMissing(Invalid):
    """There is no content."""


class FileNameUnusable(Invalid):
    """A file name has no folders and no control characters."""


class DocumentStepRefused(Conflict):
    """The document cannot take this step from its state."""


class FourEyes(Forbidden):
    """Whoever uploaded a document, and its supplier, do not decide on it."""


class MayNotUpload(Forbidden):
    """Documents are uploaded by the product's supplier and by public bodies."""


class NotYourDocument(Forbidden):
    """Only whoever uploaded a document may withdraw it."""


def check_content(content: bytes, media_type: str, file_name: str) -> list[Problem]:
    found: list[Problem] = []
    if not content:
        found.append(ContentMissing())
    elif not _is(media_type, content):
        found.append(ContentMismatch(f"It does not begin like {media_type}."))
    if "/" in file_name or "\\" in file_name or not file_name.isprintable() or file_name.strip(". ") == "":
        found.append(FileNameUnusable(pointer="?file_name"))
    return found


def _is(media_type: str, content: bytes) -> bool:
    """By the first bytes; of the formats that are ZIP files, by what lies in them."""
    if media_type == PDF:
        return content.startswith(b"%PDF-")
    if media_type == PNG:
        return content.startswith(b"\x89PNG\r\n\x1a\n")
    if media_type == JPEG:
        return content.startswith(b"\xff\xd8\xff")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as folder:
            if media_type == DOCX:
                return {"[Content_Types].xml", "word/document.xml"} <= set(folder.namelist())
            kind = folder.infolist()[0]
            return kind.filename == "mimetype" and kind.file_size == len(ODT) and folder.read(kind) == ODT.encode()
    except (zipfile.BadZipFile, IndexError, ValueError, NotImplementedError, RuntimeError):
        return False


def check_step(
    state: State, step: Step, *, caller: str, uploaded_by: str, suppliers: Collection[str | None]
) -> list[Problem]:
    """All by organisation number. `suppliers`: whoever is the product's supplier today."""
    found: list[Problem] = []
    if step is Step.WITHDRAW:
        if caller != uploaded_by and caller not in suppliers:
            found.append(NotYourDocument())
    elif caller == uploaded_by or caller in suppliers:
        found.append(FourEyes())
    if (state, step) not in MOVES:
        found.append(DocumentStepRefused(f"Cannot {step} what is {state}.", state=state))
    return found


def may_see(
    state: State,
    public: bool,
    *,
    viewer: str | None,
    public_body: bool,
    uploaded_by: str,
    keepers: Collection[str | None],
) -> bool:
    """Whether someone may know that a document exists. `keepers`: the product's supplier today and its registrar."""
    if state is State.APPROVED and public:
        return True
    if viewer is None:
        return False
    return public_body or viewer == uploaded_by or viewer in keepers
