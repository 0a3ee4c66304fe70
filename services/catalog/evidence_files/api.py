"""Evidence files over HTTP."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session
from starlette.datastructures import UploadFile

from services.catalog.evidence_files import rules, store
from services.catalog.evidence_files.rules import View
from services.catalog.organisations import store as organisations
from services.catalog.schemes.shapes import is_body
from services.chassis import audit, clock, feed, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep, ViewerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.foreign_files import examination
from services.chassis.foreign_files.bounds import Finding
from services.chassis.problems import refuse
from services.chassis.values import In, Instant, Out, TextOut, seed_id

router = new_router("/evidence-files", "Certification")

SUPPLIER = "100000016"
SEEDED = {name: str(seed_id(f"evidence-file:{name}")) for name in ("report", "spare")}
FileId = Annotated[UUID, Path(description="The file's id", examples=[SEEDED["report"]])]
FORM = "multipart/form-data"


class Withdrawal(In):
    reason: str = Field(min_length=1, max_length=2000)


class EvidenceFile(Out):
    """What is known of a file. Of a file that a certificate rests on everybody sees hash, size, type and days; what it
    is called, and what it holds, only its parties."""

    id: UUID
    title: TextOut | None = Field(description="For its parties only")
    file_name: str | None = Field(description="For its parties only")
    media_type: str
    size: int = Field(description="Bytes")
    sha256: str = Field(description="Of the content, in hexadecimal")
    uploaded_by: str | None = Field(description="Organisation number")
    uploaded_at: Instant
    withdrawn_at: Instant | None = Field(
        description="A file that is withdrawn shows nothing any longer, but stays known"
    )
    withdrawn_reason: str | None = Field(description="For its parties only")


class Filters(In):
    sha256: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{64}$", description="Only files with this content, by its hash in hexadecimal"
    )
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@dataclass(frozen=True)
class Sent:
    """A file as it came, as the body or as a part of a form."""

    content: bytes
    media_type: str
    file_name: str | None


async def _sent(request: Request) -> Sent:
    media_type = rules.media_type(request.headers.get("content-type", ""))
    if media_type == FORM:
        async with request.form(max_files=1, max_fields=4) as form:
            part = form.get("file")
            if not isinstance(part, UploadFile):
                raise rules.EvidenceMissing("The form has no part `file`.", pointer="#/file")
            return Sent(
                await part.read(rules.LARGEST + 1), rules.media_type(part.content_type or ""), part.filename or None
            )
    if media_type not in rules.MEDIA_TYPES:
        raise rules.EvidenceTypeNotTaken(f"Taken are {FORM} and {', '.join(rules.MEDIA_TYPES)}.")
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > rules.LARGEST:
            raise rules.EvidenceTooLarge
    return Sent(bytes(content), media_type, None)


def _upload_example() -> dict[str, Any]:
    """The body is the file itself, of any of the media types, or a form with one part."""
    told = example(
        organisation=SUPPLIER,
        body="krav;resultat\nVT1-01;oppfylt (fiktivt)\n",
        query={"title": "Testlogg (fiktiv)", "file_name": "testlogg.csv"},
        media_type="text/csv",
    )
    content = told["requestBody"]["content"]
    for media_type in rules.MEDIA_TYPES:
        content.setdefault(media_type, {})["schema"] = {"type": "string", "format": "binary"}
    content[FORM] = {
        "schema": {
            "type": "object",
            "required": ["file"],
            "properties": {"file": {"type": "string", "format": "binary", "description": "With its own media type"}},
        }
    }
    told["requestBody"]["required"] = True
    return told


@router.get("", summary="List evidence files", openapi_extra=example(organisation=SUPPLIER))
def list_files(
    filters: Annotated[Filters, Query()],
    reader: ReaderDep,
    viewer: ViewerDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
) -> paging.Page[EvidenceFile]:
    """Those that you may know of, by id: all those that certificates rest on; with a token also your own and what you
    were given to read; for whoever assesses or decides, every file."""
    own = store.standing_for(reader, viewer.organisation if viewer else None, today)
    rows = store.page(
        reader,
        paging.start(filters.after, UUID),
        filters.limit,
        own=own,
        everything=is_body(viewer),
        sha256=filters.sha256,
    )
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row.uuid),
        lambda row: _shown(row, _view(row, viewer, own)),
    )


@router.get("/{id}", summary="Read what an evidence file is", openapi_extra=example(organisation=SUPPLIER))
def read(id: FileId, reader: ReaderDep, viewer: ViewerDep, today: clock.TodayDep) -> EvidenceFile:
    """Hash, size, type and days, and for its parties its title. A file that no certificate rests on, and that is not
    yours to see, is not found."""
    return _shown(*_seen(reader, id, viewer, today))


@router.get(
    "/{id}/content",
    summary="Download an evidence file",
    response_class=Response,
    responses={
        200: {
            "description": "The file, byte for byte as it was uploaded",
            "content": {
                media_type: {"schema": {"type": "string"}} for media_type in (*rules.MEDIA_TYPES, "application/jose")
            },
        }
    },
    openapi_extra=example(organisation=SUPPLIER),
)
def download(id: FileId, reader: ReaderDep, viewer: ViewerDep, today: clock.TodayDep) -> Response:
    """For whoever uploaded it, whoever was given it to read, and whoever assesses or decides; one that is withdrawn for
    the latter only. To be saved, and not shown by a browser. `ETag` is its SHA-256."""
    kept, view = _seen(reader, id, viewer, today)
    if not rules.may_open(view, body=is_body(viewer), withdrawn=kept.withdrawn_at is not None):
        raise rules.ContentNotOpen
    return Response(
        store.content(reader, kept.id),
        headers={
            "Content-Type": kept.media_type,
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(kept.file_name, safe='')}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, no-store",
            "ETag": f'"{kept.sha256}"',
        },
    )


@router.post("", status_code=201, summary="Upload an evidence file", openapi_extra=_upload_example())
def upload(
    title: Annotated[str, Query(min_length=1, max_length=200, description="In the language of `title_language`")],
    caller: CallerDep,
    sent: Annotated[Sent, Depends(_sent)],
    session: SessionDep,
    response: Response,
    file_name: Annotated[
        str | None,
        Query(min_length=1, max_length=200, description="What it is called when downloaded; a form says it itself"),
    ] = None,
    title_language: Annotated[Literal["nb", "nn", "en", "se"], Query(description="The title's language")] = "nb",
) -> EvidenceFile:
    """For suppliers, assessors and decision-makers (one of the three scopes). The body is the file, or a form with the
    part `file`; at most 20 MB. It must be what its media type says, and it is looked through by a process of its own:
    archives that unpack without end, lead out of their folder or hold archives in archives, XML with a document type,
    JSON nested without end, images of absurd size, encrypted files and macros are refused. Others see it when a result
    refers to it: the applicant what it holds; once a certificate rests on it, everybody its hash, size, type and
    day."""
    name = (file_name or sent.file_name or "")[:200]
    refuse(rules.check_form(sent.media_type, len(sent.content), name, title))
    refuse(rules.check_findings(_found(sent)))
    acting = organisations.of_caller(session, caller.organisation)
    added = store.keep(
        session,
        content=sent.content,
        media_type=sent.media_type,
        file_name=name,
        title={title_language: title},
        uploaded_by_id=acting.id,
        client=caller.client,
        at=clock.now(),
    )
    response.headers["Location"] = path = f"/evidence-files/{added.uuid}"
    audit.record(session, caller, "evidence-file.upload", path, sha256=added.sha256, size=added.size)
    feed.tell(session, "evidence-file.uploaded", path, caller.organisation, sha256=added.sha256)
    return _shown(store.by_uuid(session, added.uuid), View.EVERYTHING)


@router.post(
    "/{id}/withdraw",
    summary="Withdraw an evidence file",
    openapi_extra=example(organisation=SUPPLIER, body={"reason": "Lastet opp ved en feil (fiktivt)"}),
)
def withdraw(
    id: Annotated[UUID, Path(description="The file's id", examples=[SEEDED["spare"]])],
    new: Withdrawal,
    caller: CallerDep,
    session: SessionDep,
    today: clock.TodayDep,
) -> EvidenceFile:
    """For whoever uploaded it. It is not handed out any longer and no new result may refer to it, but that it was
    there, with its hash, stays on record; those who decide keep its content. If a certificate rests on it, that is
    seen."""
    store.lock(session, id)
    kept, view = _seen(session, id, caller, today)
    own = store.standing_for(session, caller.organisation, today)
    refuse(rules.check_withdrawal(withdrawn=kept.withdrawn_at is not None, uploader=kept.uploaded_by_id in own))
    store.record(
        session,
        store.EvidenceFileEvent(
            evidence_file_id=kept.id,
            kind=rules.EventKind.WITHDRAWN,
            recorded_at=clock.now(),
            organisation_number=caller.organisation,
            client=caller.client,
            reason=new.reason,
        ),
    )
    path = f"/evidence-files/{id}"
    audit.record(session, caller, "evidence-file.withdraw", path, reason=new.reason)
    open_to_all = None if kept.certified else caller.organisation
    feed.tell(session, "evidence-file.withdrawn", path, open_to_all, sha256=kept.sha256)
    return _shown(store.by_uuid(session, id), view)


def _found(sent: Sent) -> list[Finding]:
    try:
        return examination.examine(sent.content, rules.MEDIA_TYPES[sent.media_type])
    except examination.NotExamined as error:
        raise rules.ExaminersOfEvidenceBusy from error
    except examination.TooCostly as error:
        raise rules.EvidenceTooCostly from error


def _view(kept: store.Kept, viewer: Caller | None, own: set[int]) -> View:
    party = kept.uploaded_by_id in own or bool(own & set(kept.readers))
    return rules.view(body=is_body(viewer), party=party, certified=kept.certified)


def _seen(session: Session, id: UUID, viewer: Caller | None, today: date) -> tuple[store.Kept, View]:
    """A file, for whoever may know of it."""
    kept = store.by_uuid(session, id)
    view = _view(kept, viewer, store.standing_for(session, viewer.organisation if viewer else None, today))
    if view is View.NOTHING:
        raise store.unknown(id)
    return kept, view


def _shown(kept: store.Kept, view: View) -> EvidenceFile:
    whole = view is View.EVERYTHING
    return EvidenceFile(
        id=kept.uuid,
        title=kept.title if whole else None,
        file_name=kept.file_name if whole else None,
        media_type=kept.media_type,
        size=kept.size,
        sha256=kept.sha256,
        uploaded_by=kept.uploaded_by,
        uploaded_at=kept.uploaded_at,
        withdrawn_at=kept.withdrawn_at,
        withdrawn_reason=kept.reason if whole else None,
    )
