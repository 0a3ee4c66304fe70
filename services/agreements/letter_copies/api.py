"""Copies of letters over HTTP."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Request, Response
from pydantic import Field

from services.agreements.calloffs import letter, shapes
from services.agreements.calloffs import store as calloffs
from services.agreements.calloffs.rules import Wanted
from services.agreements.catalog_client import CatalogDep
from services.agreements.complaints import store as complaints
from services.agreements.complaints.rules import Rejected
from services.agreements.letter_copies import rules
from services.agreements.letters import rules as letter_rules
from services.agreements.letters import store as letters
from services.agreements.letters.rules import Kind
from services.agreements.order_changes import rules as change_rules
from services.agreements.order_changes import store as order_changes
from services.agreements.settings import Settings
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, ReaderDep
from services.chassis.problems import NotFound, refuse
from services.chassis.values import In, new_id, seed_id

router = new_router("/call-offs", "Letters")

BRONNOY = "964983291"
SENT = str(seed_id("call-off:sent"))
Id = Annotated[UUID, Path(description="The call-off's id", examples=[SENT])]
PDF: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}
}


class NewPreview(In):
    """The letter to look at. `lines`, `needed_on` and `reason` are for a wish and a complaint, which say what they
    want; the other letters say what the order says."""

    kind: rules.Previewed
    language: letter_rules.Language | None = Field(
        default=None, description="Left out: the one that it would be sent in, the buyer's form of Norwegian"
    )
    lines: list[shapes.NewLine] = Field(
        default=[], max_length=200, description="What is wished for instead, or what is rejected"
    )
    needed_on: date | None = Field(default=None, description="A wish's other day of delivery")
    reason: str | None = Field(default=None, min_length=1, max_length=2000)


class LetterUnknown(NotFound):
    """The call-off has no letter with this reference."""


@router.post(
    "/{id}/letters/preview",
    summary="See a letter before it is sent",
    response_class=Response,
    responses=PDF,
    openapi_extra=example(
        organisation=BRONNOY,
        body={
            "kind": "change_request",
            "language": "nn",
            "lines": [{"item": "alarm", "quantity": 5}],
            "reason": "Fleire brukarar (fiktivt)",
        },
    ),
)
def preview(
    id: Id,
    new: NewPreview,
    caller: CallerDep,
    request: Request,
    database: DatabaseDep,
    catalog: CatalogDep,
    today: TodayDep,
) -> Response:
    """A letter about the call-off as it would be now, as a PDF that says on its page that it is a preview. Nothing is
    kept and nothing is sent, and it does not matter whether the call-off's state would allow the step that sends it."""
    with database.reading() as reader:
        row = calloffs.by_uuid(reader, id, caller.organisation)
        lines = calloffs.lines(reader, [row.id or 0])[row.id or 0]
        asked = [Wanted(line.item, line.quantity) for line in new.lines]
        about = Kind(new.kind)
        ordered = {line.item for line in lines}
        refuse(rules.check(about, asked, reason=new.reason, dated=new.needed_on is not None, ordered=ordered))
        matter = letter.Matter()
        if about is Kind.CHANGE_REQUEST:
            proposed = [change_rules.Proposed(line.item, line.quantity) for line in asked]
            _, wished = order_changes.proposed_lines(reader, row, proposed, today)
            matter = letter.Matter(wish=letter.Wish(wished, new.needed_on or row.needed_on, new.reason or ""))
        elif about is Kind.COMPLAINT:
            matter = letter.Matter(complaint=_complaint(row, asked, new.reason or "", today))
    language: str | None = new.language
    if language is None:
        buyer = catalog.organisation(row.buyer)
        language = letter_rules.language(buyer.language_form if buyer else None)
    public_url = _settings(request).public_url
    pdf = letter.pdf(row, lines, about, matter, language=language, public_url=public_url, preview=True)
    return _pdf(pdf, f"{row.number}-{about}-preview")


@router.get(
    "/{id}/letters/{reference}",
    summary="Get a letter as it was sent",
    response_class=Response,
    responses=PDF,
    openapi_extra=example(organisation=BRONNOY),
)
def read(
    id: Id,
    reference: Annotated[
        str,
        Path(description="As in the call-off's `letters`", max_length=100, examples=[f"call-off-{SENT}-order"]),
    ],
    caller: CallerDep,
    reader: ReaderDep,
) -> Response:
    """One of the letters that the call-off shows you (PDF/A-2a, PDF/UA-1), byte for byte as its recipient gets it. 404
    `letter-not-made` until it has been made, shortly after what it tells of."""
    row = calloffs.by_uuid(reader, id, caller.organisation)
    shown = shapes.of(reader, row, caller.organisation).letters
    if reference not in {one.reference for one in shown}:
        raise LetterUnknown(reference)
    found = letters.by_reference(reader, row.id or 0, reference)
    if found is None or found.pdf is None:
        raise letters.LetterNotMade("Ask again in a moment.")
    return _pdf(found.pdf, f"{row.number}-{found.kind}")


def _complaint(row: calloffs.CallOff, lines: list[Wanted], reason: str, today: date) -> complaints.Told:
    """A complaint that nobody has made."""
    new = complaints.Complaint(
        uuid=new_id(), call_off_id=row.id or 0, sequence=1, organisation=row.buyer, reason=reason, complained_on=today
    )
    return complaints.Told(new, tuple(Rejected(line.item, line.quantity) for line in lines), None)


def _pdf(content: bytes, name: str) -> Response:
    return Response(
        content, media_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}.pdf"'}
    )


def _settings(request: Request) -> Settings:
    found = request.app.state.settings
    assert isinstance(found, Settings)
    return found
