"""Sets the papers of mini-competitions: what stands on each, block by block, in one language."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from services.agreements.competition_papers.rules import (
    AWARD,
    Competition,
    Criterion,
    EvaluatedBid,
    Kind,
    OpenedBid,
    Paper,
    Party,
    Score,
)
from services.agreements.letters import document
from services.agreements.letters.rules import printable
from services.chassis.clock import OSLO

_TEMPLATES = Path(__file__).with_name("templates")
Block = dict[str, Any]
KEPT_WITHIN = ", kept within 0 and 100"
"""What an evaluation adds to the derivation of a score that would have been outside."""


def title(kind: Kind, number: str, language: str = "nb") -> str:
    """What the paper is called, also in the recipient's inbox; never anything sensitive."""
    return f"{_words(language)['letters'][kind]['title']} {number}"


def pdf(paper: Paper, *, language: str = "nb", public_url: str) -> bytes:
    """The same paper gives the same bytes."""
    said, about = _Said(language), paper.competition
    url = f"{public_url}{about.path}"
    facts = [(said.words["facts"][label], one) for label, one in _facts(paper, said) if one]
    content = {
        "language": language,
        "say": {
            name: said.words[name]
            for name in ("to", "from", "by", "organisation_number", "page", "of", "reason", "qr", "qr_alt", "online")
        },
        "title": title(paper.kind, about.number, language),
        "number": about.number,
        "day": [paper.day.year, paper.day.month, paper.day.day],
        "sender": said.party(about.buyer),
        "recipient": paper.recipient and said.party(paper.recipient),
        "intro": said.words["letters"][paper.kind]["intro"],
        "reason": printable(paper.reason),
        "facts": facts,
        "url": url,
        "qr": document.qr(url),
        "blocks": [block for part in _PARTS[paper.kind] for block in part(paper, said)],
    }
    return document.pdf(_TEMPLATES / "paper.typ", content)


@dataclass(frozen=True)
class _Said:
    """How things are said in one language."""

    language: str

    @property
    def words(self) -> dict[str, Any]:
        return _words(self.language)

    def number(self, value: Decimal | int, form: str = ",f") -> str:
        """As it is, without zeros at its end."""
        plain = value.normalize() if isinstance(value, Decimal) else value
        return document.number(plain, form, self.words["amount"])

    def kroner(self, value: Decimal) -> str:
        return document.number(value, ",.2f", self.words["amount"])

    def points(self, value: Decimal) -> str:
        return document.number(value, ".4f", self.words["amount"])

    def day(self, day: date) -> str:
        return str(self.words["day"]).format(day)

    def instant(self, instant: datetime, exact: str = "minute") -> str:
        return str(self.words[exact]).format(instant.astimezone(OSLO))

    def party(self, one: Party) -> dict[str, str]:
        return {"name": printable(one.name), "number": one.number}

    def named(self, one: Party) -> dict[str, str]:
        return {"text": printable(one.name), "below": one.number}

    def criterion(self, one: Criterion) -> dict[str, str]:
        """By its own name, or what kind it is of."""
        name = document.text(one.title, self.language) if one.title else {"text": self.words["kinds"][one.kind]}
        return name | {"below": one.code}

    def heading(self, name: str, *more: object, level: int = 2) -> Block:
        return {"block": "heading", "level": level, "text": self.words["headings"][name].format(*more)}

    def sentence(self, name: str, *more: object) -> Block:
        return {"block": "words", "text": self.words[name].format(*more)}

    def table(self, aligned: dict[str, str], rows: Iterable[list[Any]]) -> Block:
        """`aligned`: each column's name, and right, left or wide."""
        columns = [self.words["columns"][name] for name in aligned]
        return {"block": "table", "columns": columns, "aligned": list(aligned.values()), "rows": list(rows)}


Part = Callable[[Paper, _Said], Iterator[Block]]


def _facts(paper: Paper, said: _Said) -> Iterator[tuple[str, Any]]:
    """What stands at the top, by the name of its label; what is empty is left out."""
    about, bidding = paper.competition, paper.kind in (Kind.INVITATION, Kind.AMENDMENT)
    agreement = document.text(about.framework_title, said.language)
    yield "number", about.number
    yield "title", document.text(about.title, said.language)
    yield "agreement", agreement | {"below": about.framework}
    yield "owner", printable(about.owner)
    yield "lot", document.text(about.lot_title, said.language)
    yield "published", said.day(about.published_on)
    if bidding:
        yield "questions_until", about.questions_until and said.instant(about.questions_until)
    if paper.amendment and paper.amendment.old_deadline:
        yield "old_deadline", said.instant(paper.amendment.old_deadline)
    yield "deadline", said.instant(about.deadline)
    if bidding:
        yield "needed", said.day(about.needed_on)
        days = said.words["days"].format(about.standstill_days) if about.standstill_days else said.words["none"]
        yield "standstill", days
        yield "specification", about.specification
        yield "evaluators", ", ".join(document.text(one, said.language)["text"] for one in about.evaluators)
    if paper.opening:
        yield "opened", said.instant(paper.opening.opened_at, "second")
        yield "opened_by", printable(paper.opening.opened_by)
        yield "public_key", paper.opening.public_key
    if paper.evaluation:
        yield "ceiling", about.ceiling is not None and said.words["kroner"].format(said.kroner(about.ceiling))
        yield "lot_seed", paper.evaluation.lot_seed
        yield "digest", paper.evaluation.digest


def _description(paper: Paper, said: _Said) -> Iterator[Block]:
    if paper.competition.description:
        yield {"block": "text", "text": document.text(paper.competition.description, said.language)}


def _amended(paper: Paper, said: _Said) -> Iterator[Block]:
    assert paper.amendment
    yield said.sentence("replace_bids" if paper.amendment.requires_new_bids else "keep_bids")


def _wanted(paper: Paper, said: _Said) -> Iterator[Block]:
    yield said.heading("lines")
    yield said.table(
        {"item": "wide", "quantity": "right"},
        (
            [
                document.text(line.name, said.language) | {"below": line.item},
                printable(f"{said.number(line.quantity, ',')} {line.unit}"),
            ]
            for line in paper.competition.lines
        ),
    )


def _criteria(paper: Paper, said: _Said) -> Iterator[Block]:
    about = paper.competition
    yield said.heading("criteria")
    yield said.table(
        {"criterion": "left", "weight": "right", "how": "wide"},
        (
            [
                said.criterion(one),
                "" if one.weight is None else f"{said.number(one.weight)} %",
                _how(one, said),
            ]
            for one in about.criteria
        ),
    )
    if about.ceiling is not None and not paper.evaluation:
        amount = said.words["kroner"].format(said.kroner(about.ceiling))
        yield {"block": "text", "label": said.words["facts"]["ceiling"], "text": amount}
    yield said.sentence("points_add")
    yield said.sentence("tie_intro")
    yield {"block": "list", "items": [said.words["ties"][one] for one in about.tie_rules]}


def _how(one: Criterion, said: _Said) -> str:
    parameters = {
        name: said.number(value)
        for name, value in (("scale_max", one.scale_max), ("points_per_krone", one.points_per_krone))
        if value is not None
    }
    told = [said.words["formulas"][one.formula or one.kind].format(**parameters)]
    if one.relative:
        told.append(said.words["relative"])
    if one.requirement:
        told.append(said.words["requirement"].format(one.requirement))
    return " ".join(told)


def _bidding(paper: Paper, said: _Said) -> Iterator[Block]:
    yield said.heading("bidding")
    prices = "above_price_list" if paper.competition.above_price_list else "price_list"
    told = [*said.words["bidding"], said.words[prices], said.words["asking"]]
    yield {"block": "list", "items": told}


def _questions(paper: Paper, said: _Said) -> Iterator[Block]:
    if not paper.questions:
        yield said.sentence("no_questions")
    for place, one in enumerate(paper.questions, 1):
        yield said.heading("question", place)
        yield {"block": "text", "text": printable(one.question)}
        answer = f"{said.words['answer']} ({said.day(one.answered_on)})"
        yield {"block": "text", "label": answer, "text": printable(one.answer)}


def _opened(paper: Paper, said: _Said) -> Iterator[Block]:
    assert paper.opening
    yield said.sentence("opening")
    yield said.heading("bids")
    if not paper.opening.bids:
        yield said.sentence("no_bids")
    else:
        yield said.table(
            {"supplier": "wide", "submitted": "left", "net": "right", "vat": "right"},
            ([_bidder(one, said), *_submitted(one, said)] for one in paper.opening.bids),
        )
    for one in paper.opening.bids:
        yield {"block": "heading", "level": 3, "text": printable(one.supplier.name)}
        rows: list[tuple[str, str]] = [(said.words["receipt"], one.digest)]
        if one.documents:
            rows.append((said.words["columns"]["documents"], ", ".join(printable(name) for name in one.documents)))
        yield {"block": "facts", "rows": rows}
    if paper.opening.without_bid:
        yield said.heading("without_bid")
        yield {"block": "list", "items": [f"{printable(p.name)} ({p.number})" for p in paper.opening.without_bid]}


def _bidder(one: OpenedBid, said: _Said) -> dict[str, str]:
    return said.named(one.supplier)


def _submitted(one: OpenedBid, said: _Said) -> list[str]:
    return [said.instant(one.submitted_at, "second"), said.kroner(one.net), said.kroner(one.vat)]


def _evaluated(paper: Paper, said: _Said) -> Iterator[Block]:
    assert paper.evaluation
    yield said.sentence("evaluation")
    weighed = [one for one in paper.evaluation.bids if one.place is not None]
    if weighed:
        yield said.heading("order")
        yield said.table(
            {"place": "right", "supplier": "wide", "net": "right", "points": "right"},
            (
                [str(one.place), said.named(one.supplier), said.kroner(one.net), said.points(one.total or Decimal(0))]
                for one in weighed
            ),
        )
    for one in weighed:
        yield {"block": "heading", "level": 3, "text": f"{one.place}. {printable(one.supplier.name)}"}
        yield from _scored(one, paper.competition, said)
    if left := [one for one in paper.evaluation.bids if one.place is None]:
        yield said.heading("not_weighed")
        for one in left:
            yield {"block": "heading", "level": 3, "text": printable(one.supplier.name)}
            yield from _reasons(one, said)


def _scored(one: EvaluatedBid, about: Competition, said: _Said) -> Iterator[Block]:
    """A bid's points by criterion; the derivations stand below, as long as they are told."""
    criteria = {each.code: each for each in about.criteria}
    yield said.table(
        {"criterion": "wide", "weight": "right", "score": "right", "points": "right"},
        (
            [
                said.criterion(criteria[each.code]) | {"below": _below(each, said)},
                f"{said.number(criteria[each.code].weight or Decimal(0))} %",
                said.points(each.score),
                said.points(each.points),
            ]
            for each in one.scores
        ),
    )
    yield from _reasons(one, said)


def _below(one: Score, said: _Said) -> str:
    """A criterion's code, and how its score came about."""
    if not one.derivation:
        return one.code
    derived = re.sub(r"(?<=\d)\.(?=\d)", said.words["amount"][1], one.derivation)
    return f"{one.code}: {derived.replace(KEPT_WITHIN, said.words['kept_within'])}"


def _reasons(one: EvaluatedBid, said: _Said) -> Iterator[Block]:
    if one.tie:
        yield said.sentence("tie_told", said.words["ties"][one.tie])
    if one.unmet:
        yield {"block": "text", "text": said.words["unmet"].format(", ".join(one.unmet))}
    if one.reasons:
        yield {"block": "list", "items": [printable(each) for each in one.reasons]}


def _awarded(paper: Paper, said: _Said) -> Iterator[Block]:
    assert paper.award
    award, about = paper.award, paper.competition
    if award.reasons:
        yield said.heading("reasons")
        yield {"block": "list", "items": [printable(one) for one in award.reasons]}
    if paper.kind is not Kind.AWARD_REJECTED or award.own.scores:
        yield said.heading("own")
        yield from _placed(award.own, about, said)
    elif award.own.unmet or award.own.reasons:
        yield said.heading("own")
        yield from _reasons(award.own, said)
    if award.winner and paper.kind is not Kind.AWARD_WON:
        yield said.heading("winner")
        yield {"block": "text", "text": f"{printable(award.winner.supplier.name)} ({award.winner.supplier.number})"}
        yield from _placed(award.winner, about, said)


def _placed(one: EvaluatedBid, about: Competition, said: _Said) -> Iterator[Block]:
    if one.place is not None and one.total is not None:
        yield {"block": "text", "text": said.words["place_of"].format(place=one.place, total=said.points(one.total))}
    yield from _scored(one, about, said)


def _complaining(paper: Paper, said: _Said) -> Iterator[Block]:
    days = paper.award.standstill_days if paper.award else 0
    yield said.heading("standstill" if paper.kind in AWARD else "complaint")
    if paper.kind in AWARD:
        yield said.sentence("standstill", days) if days else said.sentence("no_standstill")
    yield said.sentence("complain")
    if days:
        yield said.sentence("complain_soon")


_PARTS: dict[Kind, tuple[Part, ...]] = {
    Kind.INVITATION: (_description, _wanted, _criteria, _bidding),
    Kind.QUESTIONS: (_questions,),
    Kind.AMENDMENT: (_amended, _description, _wanted, _criteria, _bidding),
    Kind.OPENING_RECORD: (_opened,),
    Kind.EVALUATION_REPORT: (_evaluated, _criteria),
    Kind.AWARD_WON: (_awarded, _complaining),
    Kind.AWARD_LOST: (_awarded, _complaining),
    Kind.AWARD_REJECTED: (_awarded, _complaining),
    Kind.AWARD_WITHDRAWN: (_complaining,),
    Kind.CANCELLATION: (_complaining,),
    Kind.UNSUCCESSFUL: (_complaining,),
}


def _words(language: str) -> dict[str, Any]:
    return document.words(_TEMPLATES / f"{language}.json")
