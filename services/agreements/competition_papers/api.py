"""Papers of mini-competitions over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field

from services.agreements.competition_letters import rules as letter_rules
from services.agreements.competition_letters import store as letters
from services.agreements.competition_papers import document, rules, store
from services.agreements.letters.rules import Language
from services.agreements.mini_competitions import store as mini_competitions
from services.agreements.mini_competitions.store import MiniCompetition
from services.agreements.settings import Settings
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.values import Instant, Out, seed_id

router = new_router("/mini-competitions", "Letters")

BRONNOY = "964983291"
OPEN = str(seed_id("mini-competition:open"))
Id = Annotated[UUID, Path(description="The mini-competition's id", examples=[OPEN])]
PDF: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}
}


class CompetitionLetter(Out):
    """A letter about a mini-competition, and where it is."""

    kind: letter_rules.Kind
    round: int = Field(description="1 for what was told the first time, such as the first amendment")
    recipient: str = Field(description="Organisation number")
    recipient_name: str
    reference: str
    told_at: Instant = Field(description="When what it tells of happened")
    handed_over_at: Instant | None = Field(description="When it was handed over to be delivered; null until then")
    dispatch_id: UUID | None = Field(description="The dispatch in the integration service")
    status: str | None = Field(
        description="Its state there; null until the first news; `refused` when it will never be taken",
        examples=["received"],
    )
    detail: str | None = Field(description="What SvarUT said last, such as why it rejects the letter")
    external_id: str | None = Field(description="SvarUT's id of it")
    received_at: Instant | None = Field(description="When SvarUT took it")
    sha256: str | None = Field(description="Of the PDF; null until it is made")
    consequence: str | None = Field(
        description="What it means that the letter does not arrive, for people; null while it may", examples=[None]
    )


class CompetitionLetters(Out):
    items: list[CompetitionLetter] = Field(description="Oldest first")


@router.get("/{id}/letters", summary="List a mini-competition's letters", openapi_extra=example(organisation=BRONNOY))
def list_letters(id: Id, caller: CallerDep, reader: ReaderDep) -> CompetitionLetters:
    """Who was written to about what, and where each letter is: one to everybody who is invited, or to each bidder once
    the bids are opened. A supplier sees those to itself."""
    row = mini_competitions.visible(reader, id, caller.organisation)
    found = letters.of(reader, row.id or 0, _only(row, caller.organisation))
    return CompetitionLetters(items=[CompetitionLetter.model_validate(one) for one in found])


@router.get(
    "/{id}/letters/{reference}",
    summary="Get a mini-competition's letter as it was sent",
    response_class=Response,
    responses=PDF,
    openapi_extra=example(organisation=BRONNOY),
)
def read_letter(
    id: Id,
    reference: Annotated[
        str,
        Path(
            description="As in the competition's letters",
            max_length=100,
            examples=[f"mini-competition-{OPEN}-invitation-100000016"],
        ),
    ],
    caller: CallerDep,
    reader: ReaderDep,
) -> Response:
    """One of the letters that the competition shows you (PDF/A-2a, PDF/UA-1), byte for byte as its recipient gets it.
    404 `competition-letter-not-made` until it has been made, shortly after what it tells of."""
    row = mini_competitions.visible(reader, id, caller.organisation)
    found = letters.by_reference(reader, reference)
    only = _only(row, caller.organisation)
    if found is None or found.competition_id != row.id or (only and found.recipient != only):
        raise letters.CompetitionLetterUnknown(reference)
    if found.pdf is None:
        raise letters.CompetitionLetterNotMade("Ask again in a moment.")
    return _pdf(found.pdf, f"{row.number}-{found.kind}")


@router.get(
    "/{id}/documents/{kind}",
    summary="Get a mini-competition's document",
    response_class=Response,
    responses=PDF,
    openapi_extra=example(organisation=BRONNOY),
)
def read_document(
    id: Id,
    kind: Annotated[rules.Document, Path(description="Which document", examples=["invitation"])],
    caller: CallerDep,
    reader: ReaderDep,
    request: Request,
    today: TodayDep,
    language: Annotated[Language, Query(description="What it is written in")] = Language.NB,
) -> Response:
    """A document of the competition as it stands (PDF/A-2a, PDF/UA-1): the invitation, questions and answers, the
    record of the opening, or the evaluation report. 409 `document-not-yet` before there is anything to make it of.

    The buyer and the framework owner read the opening record from the opening and the report as soon as no mark is
    missing. A bidder reads its own bid in the record, and what is known of other bids once the choice has been made,
    without what was written about them (offentleglova § 23); until then 404 `document-closed`."""
    row = mini_competitions.visible(reader, id, caller.organisation)
    paper = store.document(reader, row, kind, caller.organisation, today)
    pdf = document.pdf(paper, language=language, public_url=_settings(request).public_url)
    return _pdf(pdf, f"{row.number}-{kind}")


def _only(row: MiniCompetition, viewer: str) -> str | None:
    """Whose letters alone a viewer reads; None: all."""
    return None if viewer in (row.buyer, row.owner) else viewer


def _pdf(content: bytes, name: str) -> Response:
    return Response(
        content, media_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}.pdf"'}
    )


def _settings(request: Request) -> Settings:
    found = request.app.state.settings
    assert isinstance(found, Settings)
    return found
