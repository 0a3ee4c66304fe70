"""How a bid moves, what must stand in it, and when it is too late."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any

from services.agreements.mini_competitions import rules as mini_competitions
from services.chassis.foreign_files.bounds import Finding, Format
from services.chassis.problems import Conflict, Invalid, Problem, TooLarge, Unavailable


class State(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    WITHDRAWN = "withdrawn"
    OPENED = "opened"
    REJECTED = "rejected"
    SCORED = "scored"
    WON_PENDING = "won_pending"
    LOST_PENDING = "lost_pending"
    WON = "won"
    LOST = "lost"
    VOID = "void"


class Event(StrEnum):
    SUBMIT = "submit"
    DISCARD = "discard"
    REPLACE = "replace"
    WITHDRAW = "withdraw"
    OPEN = "open"
    REJECT = "reject"
    SCORE = "score"
    NOTIFY_WON = "notify_won"
    NOTIFY_LOST = "notify_lost"
    AWARD_FINAL = "award_final"
    AWARD_WITHDRAWN = "award_withdrawn"
    COMPETITION_CANCELLED = "competition_cancelled"


MOVES = {
    (State.DRAFT, Event.SUBMIT): State.SUBMITTED,
    (State.DRAFT, Event.DISCARD): State.WITHDRAWN,
    (State.SUBMITTED, Event.REPLACE): State.SUBMITTED,
    (State.SUBMITTED, Event.WITHDRAW): State.WITHDRAWN,
    (State.SUBMITTED, Event.OPEN): State.OPENED,
    (State.SUBMITTED, Event.COMPETITION_CANCELLED): State.VOID,
    (State.OPENED, Event.REJECT): State.REJECTED,
    (State.OPENED, Event.SCORE): State.SCORED,
    (State.OPENED, Event.COMPETITION_CANCELLED): State.VOID,
    (State.SCORED, Event.REJECT): State.REJECTED,
    (State.SCORED, Event.NOTIFY_WON): State.WON_PENDING,
    (State.SCORED, Event.NOTIFY_LOST): State.LOST_PENDING,
    (State.SCORED, Event.COMPETITION_CANCELLED): State.VOID,
    (State.WON_PENDING, Event.AWARD_FINAL): State.WON,
    (State.WON_PENDING, Event.AWARD_WITHDRAWN): State.SCORED,
    (State.WON_PENDING, Event.COMPETITION_CANCELLED): State.VOID,
    (State.LOST_PENDING, Event.AWARD_FINAL): State.LOST,
    (State.LOST_PENDING, Event.AWARD_WITHDRAWN): State.SCORED,
    (State.LOST_PENDING, Event.COMPETITION_CANCELLED): State.VOID,
}
TERMINAL = frozenset({State.WITHDRAWN, State.REJECTED, State.WON, State.LOST, State.VOID})
LIVING = frozenset(State) - {State.WITHDRAWN}
"""A supplier has one such bid in a competition."""
UNOPENED = frozenset({State.DRAFT, State.SUBMITTED, State.WITHDRAWN})

MOST_DOCUMENTS = 20
LARGEST_DOCUMENT_BYTES = 10_000_000
MEDIA_TYPES = {
    "application/pdf": Format.PDF,
    "image/png": Format.PNG,
    "image/jpeg": Format.JPEG,
    "text/plain": Format.TEXT,
    "text/csv": Format.CSV,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": Format.XLSX,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": Format.DOCX,
}
ORE = Decimal("0.01")


class MoveRefused(Conflict):
    """The bid cannot take this step from its current state."""


class BidTooLate(Conflict):
    """Bids are taken while the competition is open, and before its deadline by the service's own clock."""


class BidTwice(Conflict):
    """Your organisation has a bid in this competition already: replace it, or take it back first."""


class BidLineMissing(Invalid):
    """A bid prices every line of the competition."""


class BidLineUnknown(Invalid):
    """A bid prices each of the competition's lines once, and nothing else."""


class AbovePriceList(Invalid):
    """A bid's price is no higher than the supplier's price list was at publication."""


class AnswerMissing(Invalid):
    """A bid answers every criterion that asks for an answer."""


class AnswerUnknown(Invalid):
    """An answer is to one of the competition's criteria, each once."""


class BidDocumentUnreadable(Invalid):
    """A document's content is not base64, or is empty."""


class BidDocumentTypeNotTaken(Invalid):
    """A document is of one of the media types that can be looked through."""


class BidDocumentTooLarge(TooLarge):
    """A document is at most 10 MB."""


class BidDocumentMismatch(Invalid):
    """A document is not what its media type says."""


class BidDocumentUnsafe(Invalid):
    """A document holds what would harm whoever opens it, or cannot be looked through within bounds."""


class ExaminersOfBidsBusy(Unavailable):
    """Nobody can look through the documents just now. Nothing was kept."""


@dataclass(frozen=True)
class Offered:
    item: str
    unit_price: Decimal


@dataclass(frozen=True)
class Document:
    """`content` None: it could not be read."""

    name: str
    media_type: str
    content: bytes | None


@dataclass(frozen=True)
class Asked:
    """What the competition wants of a bid. `most`: the highest unit price by item, None where there is none."""

    items: Sequence[str]
    most: Mapping[str, Decimal] | None
    criteria: Sequence[str]
    answers_wanted: Collection[str]


def after(state: State, event: Event) -> State:
    try:
        return MOVES[state, event]
    except KeyError:
        raise MoveRefused(f"Cannot {event} a bid that is {state}.", state=state.value) from None


def check_time(state: mini_competitions.State, deadline: datetime, received_at: datetime) -> list[Problem]:
    """At the deadline is after it."""
    if state is not mini_competitions.State.OPEN:
        return [BidTooLate(f"The competition is {state}.")]
    if received_at >= deadline:
        told = deadline.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return [BidTooLate(f"The deadline was {told}.")]
    return []


def check(asked: Asked, lines: Sequence[Offered], answers: Sequence[str]) -> list[Problem]:
    """All that is wrong with a bid's lines and answers. What is told of a price is the list's, never the bid's."""
    found: list[Problem] = []
    for place, line in enumerate(lines):
        where = f"#/lines/{place}"
        if line.item not in asked.items or line.item in [one.item for one in lines[:place]]:
            found.append(BidLineUnknown(f"{line.item}.", pointer=f"{where}/item"))
        elif asked.most is not None and line.unit_price > asked.most[line.item]:
            told = f"{line.item}: at most {asked.most[line.item]:.2f} kr."
            found.append(AbovePriceList(told, pointer=f"{where}/unit_price_excl_vat"))
    missing = [item for item in asked.items if item not in {line.item for line in lines}]
    found += [BidLineMissing(f"{item}.", pointer="#/lines") for item in missing]
    for place, code in enumerate(answers):
        if code not in asked.criteria or code in answers[:place]:
            found.append(AnswerUnknown(f"{code}.", pointer=f"#/answers/{place}/criterion"))
    unanswered = [code for code in asked.criteria if code in asked.answers_wanted and code not in answers]
    return found + [AnswerMissing(f"{code}.", pointer="#/answers") for code in unanswered]


def check_documents(documents: Sequence[Document]) -> list[Problem]:
    """What is wrong with documents at first sight; what they hold is looked through after it."""
    found: list[Problem] = []
    for place, one in enumerate(documents):
        where = f"#/documents/{place}"
        if one.media_type not in MEDIA_TYPES:
            found.append(BidDocumentTypeNotTaken(f"{', '.join(MEDIA_TYPES)}.", pointer=f"{where}/media_type"))
        if not one.content:
            found.append(BidDocumentUnreadable(pointer=f"{where}/content_base64"))
        elif len(one.content) > LARGEST_DOCUMENT_BYTES:
            found.append(BidDocumentTooLarge(pointer=f"{where}/content_base64"))
    return found


def check_findings(place: int, findings: Iterable[Finding]) -> list[Problem]:
    where = f"#/documents/{place}/content_base64"
    return [(BidDocumentUnsafe if one.unsafe else BidDocumentMismatch)(one.detail, pointer=where) for one in findings]


def written(
    lines: Sequence[Offered],
    answers: Sequence[tuple[str, str]],
    note: str | None,
    documents: Sequence[Mapping[str, Any]],
    salt: str,
) -> bytes:
    """A bid's content in one form of bytes. `salt` (hexadecimal) keeps its hash from being found by trying prices."""
    content = {
        "lines": [{"item": one.item, "unit_price_excl_vat": f"{one.unit_price:.2f}"} for one in lines],
        "answers": [{"criterion": code, "text": text} for code, text in answers],
        "note": note,
        "documents": [dict(one) for one in documents],
        "salt": salt,
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def vat(net: Decimal, percent: Decimal) -> Decimal:
    """Rounded half up to øre, line by line, as on an order."""
    return (net * percent / 100).quantize(ORE, ROUND_HALF_UP)
