"""Documents over HTTP."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.documents import rules, store
from services.catalog.organisations import store as organisations
from services.catalog.products import store as products
from services.chassis import audit, changes, clock, feed, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep, ViewerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import MediaTypeUnsupported, TooLarge, refuse
from services.chassis.values import In, Instant, Out, TextOut, seed_id

router = new_router("/products/{slug}/documents", "Products")

EDITOR = "100000008"
ProductSlug = Annotated[str, Path(description="The product's name in addresses", examples=["fjordvakt-alarm"])]
SEEDED = {name: str(seed_id(f"document:{name}")) for name in ("public", "concept")}


class DocumentTooLarge(TooLarge):
    """A document holds 10 MB at most."""


class MediaTypeNotTaken(MediaTypeUnsupported):
    """Documents of this media type are not taken."""


class Decision(In):
    reason: str | None = Field(default=None, min_length=1, max_length=2000)


class Approval(Decision):
    public: bool = Field(default=False, description="Open to all; otherwise to public bodies and its supplier only")


class Reason(In):
    reason: str = Field(min_length=1, max_length=2000)


class DocumentEvent(Out):
    state: rules.State
    public: bool
    recorded_at: Instant
    organisation_number: str = Field(description="Who decided")
    reason: str | None


class DocumentSummary(Out):
    """A document about a product, without its content."""

    id: UUID
    type: rules.DocumentType
    title: TextOut
    file_name: str
    media_type: str
    size: int = Field(description="Bytes")
    sha256: str = Field(description="Of the content, in hexadecimal")
    state: rules.State
    public: bool = Field(description="Approved as open to all")
    uploaded_by: str = Field(description="Organisation number")
    uploaded_at: Instant


class Document(DocumentSummary):
    """A document with what was decided about it."""

    events: list[DocumentEvent] = Field(description="Oldest first")


class Filters(In):
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@dataclass(frozen=True)
class Eyes:
    """Who looks at a product's documents."""

    viewer: str | None
    public_body: bool
    keepers: Collection[str | None]

    @property
    def everything(self) -> bool:
        return self.viewer is not None and (self.public_body or self.viewer in self.keepers)


async def _content(request: Request) -> bytes:
    if _media_type(request) not in rules.MEDIA_TYPES:
        raise MediaTypeNotTaken(f"Taken are {', '.join(rules.MEDIA_TYPES)}.")
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > rules.LARGEST:
            raise DocumentTooLarge
    return bytes(content)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


def _upload_example() -> dict[str, Any]:
    """The body is the file itself, of any of the media types."""
    told = example(
        organisation="100000032",
        body="%PDF-1.4\n% fiktivt eksempel\n%%EOF\n",
        query={"type": "dpia", "title": "Vurdering av personvern (fiktiv)", "file_name": "dpia.pdf"},
        media_type=rules.PDF,
    )
    for media_type in rules.MEDIA_TYPES:
        content = told["requestBody"]["content"].setdefault(media_type, {})
        content["schema"] = {"type": "string", "format": "binary"}
    told["requestBody"]["required"] = True
    return told


@router.get("", summary="List a product's documents", openapi_extra=example())
def list_documents(
    slug: ProductSlug,
    filters: Annotated[Filters, Query()],
    reader: ReaderDep,
    viewer: ViewerDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
) -> paging.Page[DocumentSummary]:
    """Those that you may see, by id: all with what is approved as public; with a token of a public body, the supplier
    or whoever uploaded it also the others."""
    product = products.by_slug(reader, slug)
    eyes = _eyes(reader, product, viewer, today)
    rows = store.page(
        reader,
        product.id,
        paging.start(filters.after, UUID),
        filters.limit,
        viewer=eyes.viewer,
        everything=eyes.everything,
    )
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row.id),
        lambda row: DocumentSummary.model_validate(row),
    )


@router.get("/{id}", summary="Read what a document is", openapi_extra=example())
def read(
    slug: ProductSlug,
    id: Annotated[UUID, Path(description="The document's id", examples=[SEEDED["public"]])],
    reader: ReaderDep,
    response: Response,
    viewer: ViewerDep,
    today: clock.TodayDep,
) -> Document:
    """One document with its decisions. One that you may not see is not found."""
    product = products.by_slug(reader, slug)
    return _shown(reader, _seen(reader, product, id, viewer, today), response)


@router.get(
    "/{id}/content",
    summary="Download a document",
    response_class=Response,
    responses={
        200: {
            "description": "The file, byte for byte as it was uploaded",
            "content": {media_type: {"schema": {"type": "string"}} for media_type in rules.MEDIA_TYPES},
        }
    },
    openapi_extra=example(),
)
def download(
    slug: ProductSlug,
    id: Annotated[UUID, Path(description="The document's id", examples=[SEEDED["public"]])],
    reader: ReaderDep,
    viewer: ViewerDep,
    today: clock.TodayDep,
) -> Response:
    """The file as it was uploaded, to be saved and not shown by a browser. `ETag` is its SHA-256."""
    row = _seen(reader, products.by_slug(reader, slug), id, viewer, today)
    return Response(
        store.content(reader, row.key),
        media_type=row.media_type,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(row.file_name, safe='')}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "public, max-age=300" if row.public else "private, no-store",
            "ETag": f'"{row.sha256}"',
        },
    )


@router.post("", status_code=201, summary="Upload a document", openapi_extra=_upload_example())
def upload(
    slug: Annotated[str, Path(description="The product's name in addresses", examples=["havorn-alarm"])],
    type: Annotated[rules.DocumentType, Query(description="What kind of document it is")],
    title: Annotated[str, Query(min_length=1, max_length=200, description="In the language of `title_language`")],
    file_name: Annotated[str, Query(min_length=1, max_length=200, description="What it is called when downloaded")],
    caller: CallerDep,
    content: Annotated[bytes, Depends(_content)],
    session: SessionDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
    title_language: Annotated[Literal["nb", "nn", "en", "se"], Query(description="The title's language")] = "nb",
) -> Document:
    """For whoever keeps the product, its supplier, and public bodies (a municipality's own assessment). The body is the
    file. It starts as `concept`, seen by public bodies and the supplier, until someone else approves it."""
    product = products.locked(session, slug)
    acting = organisations.of_caller(session, caller.organisation)
    eyes = _eyes(session, product, caller, today)
    if not eyes.everything:
        raise rules.MayNotUpload
    refuse(rules.check_content(content, _media_type(request), file_name))
    added = store.Document(
        product_id=product.id,
        type=type,
        title={title_language: title},
        file_name=file_name,
        media_type=_media_type(request),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        uploaded_by=acting.organisation_number or "",
        uploaded_at=clock.now(),
    )
    store.add(session, added, content)
    response.headers["Location"] = path = f"/products/{slug}/documents/{added.uuid}"
    audit.record(session, caller, "document.upload", path, type=type, sha256=added.sha256, size=added.size)
    _tell(session, product, "document.uploaded", path, today, type=type)
    return _shown(session, store.shown(session, product.id, added.uuid), response)


def _decide(
    session: Session,
    slug: str,
    id: UUID,
    caller: Caller,
    step: rules.Step,
    response: Response,
    if_match: str | None,
    *,
    public: bool,
    reason: str | None,
) -> Document:
    now = clock.now()
    product = products.by_slug(session, slug)
    store.lock(session, id)
    row = _seen(session, product, id, caller, clock.on(now))
    changes.require_match(if_match, len(store.history(session, row.key)), needed=False)
    eyes = _eyes(session, product, caller, clock.on(now))
    state = rules.State(row.state)
    refuse(
        rules.check_step(state, step, caller=caller.organisation, uploaded_by=row.uploaded_by, suppliers=eyes.keepers)
    )
    store.record(
        session,
        store.DocumentEvent(
            document_id=row.key,
            state=rules.MOVES[state, step],
            public=public,
            recorded_at=now,
            organisation_number=caller.organisation,
            reason=reason,
        ),
    )
    path = f"/products/{slug}/documents/{id}"
    audit.record(session, caller, f"document.{step}", path, public=public, reason=reason)
    told = f"document.{rules.MOVES[state, step]}"
    if public or row.public:  # what was open to all is withdrawn before all
        feed.tell(session, told, path, None, type=row.type)
    else:
        _tell(session, product, told, path, clock.on(now), type=row.type)
    return _shown(session, store.shown(session, product.id, id), response)


ConceptId = Annotated[UUID, Path(description="The document's id", examples=[SEEDED["concept"]])]


@router.post(
    "/{id}/approve",
    summary="Approve a document",
    operation_id="document_approve",
    openapi_extra=example(organisation=EDITOR, body={"public": True}),
)
def approve(
    slug: ProductSlug,
    id: ConceptId,
    new: Approval,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    if_match: changes.IfMatch = None,
) -> Document:
    """Concept → approved, for editors; never by whoever uploaded it or supplies the product. With `public` it is open
    to all from now on."""
    return _decide(
        session, slug, id, caller, rules.Step.APPROVE, response, if_match, public=new.public, reason=new.reason
    )


@router.post(
    "/{id}/reject",
    summary="Reject a document",
    operation_id="document_reject",
    openapi_extra=example(organisation=EDITOR, body={"reason": "Gjelder en annen versjon (fiktivt)"}),
)
def reject(
    slug: ProductSlug,
    id: ConceptId,
    new: Reason,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    if_match: changes.IfMatch = None,
) -> Document:
    """Concept → rejected, with the reason, for editors; never by whoever uploaded it or supplies the product."""
    return _decide(session, slug, id, caller, rules.Step.REJECT, response, if_match, public=False, reason=new.reason)


@router.post(
    "/{id}/withdraw",
    summary="Withdraw a document",
    operation_id="document_withdraw",
    openapi_extra=example(organisation="100000016", body={"reason": "Erstattet av en ny utgave (fiktivt)"}),
)
def withdraw(
    slug: ProductSlug,
    id: ConceptId,
    new: Reason,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    if_match: changes.IfMatch = None,
) -> Document:
    """To withdrawn, for ever, by whoever uploaded it or keeps the product. It stays on record for those who could see
    it, and is open to nobody else."""
    return _decide(session, slug, id, caller, rules.Step.WITHDRAW, response, if_match, public=False, reason=new.reason)


def _eyes(session: Session, product: products.Product, viewer: Caller | None, today: date) -> Eyes:
    current = products.suppliers(session, [product.supplier_id], today)[product.supplier_id]
    keepers = {one.organisation_number for one in current}
    number = viewer.organisation if viewer else None
    # A vendor that acts on a public body's behalf is none: it could be another supplier.
    own = viewer is not None and viewer.supplier is None
    public_body = own and number is not None and organisations.is_public_body(session, number)
    return Eyes(number, public_body, keepers - {None})


def _seen(session: Session, product: products.Product, id: UUID, viewer: Caller | None, today: date) -> Any:
    """A document's row, for whoever may see it."""
    row = store.shown(session, product.id, id)
    eyes = _eyes(session, product, viewer, today)
    state = rules.State(row.state)
    if not rules.may_see(
        state,
        row.public,
        viewer=eyes.viewer,
        public_body=eyes.public_body,
        uploaded_by=row.uploaded_by,
        keepers=eyes.keepers,
    ):
        raise store.unknown(id)
    return row


def _tell(session: Session, product: products.Product, what: str, path: str, today: date, *, type: str) -> None:
    """To the supplier alone; to nobody where it has no organisation number."""
    for one in products.suppliers(session, [product.supplier_id], today)[product.supplier_id]:
        if one.organisation_number:
            feed.tell(session, what, path, one.organisation_number, type=type)


def _shown(session: Session, row: Any, response: Response) -> Document:
    events = store.history(session, row.key)
    response.headers["ETag"] = changes.etag(len(events))
    return Document.model_validate({**row._asdict(), "events": events})
