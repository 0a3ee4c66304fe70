"""A call-off's letters as PDF/A-2a and PDF/UA-1: the order, that it is cancelled, confirmed, declined, changed or
complained of, that the buyer asks for a change, or that a certificate in it is recalled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from services.agreements.calloffs import store
from services.agreements.calloffs.rules import Priced
from services.agreements.calloffs.store import CallOff
from services.agreements.certificate_notices import store as notices
from services.agreements.complaints import store as complaints
from services.agreements.letters import document, rules
from services.agreements.letters.rules import Kind

_TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class Wish:
    """What the buyer asks for instead, and why."""

    lines: Sequence[Priced]
    needed_on: date
    reason: str


@dataclass(frozen=True)
class Matter:
    """What a letter is about besides the order as it stands: at most one of these."""

    complaint: complaints.Told | None = None
    wish: Wish | None = None
    notice: notices.Told | None = None


def title(row: CallOff, kind: str, language: str = "nb") -> str:
    """What the letter is called in the recipient's inbox; never anything sensitive."""
    return f"{_words(language)['letters'][rules.about(kind)]['title']} {row.number}"


def pdf(
    row: CallOff,
    lines: Sequence[Priced],
    kind: str,
    matter: Matter | None = None,
    *,
    language: str = "nb",
    public_url: str,
    preview: bool = False,
) -> bytes:
    """The same call-off gives the same bytes: the date in it is the day it was placed. A complaint's letter has the
    lines that are rejected, and a wish's those that are wished for, and why. A preview says on every page that it is
    none."""
    content = _content(row, lines, kind, matter or Matter(), language, f"{public_url}{store.path(row.uuid)}")
    return document.pdf(_TEMPLATES / "letter.typ", content | {"preview": preview})


def _content(
    row: CallOff, lines: Sequence[Priced], kind: str, matter: Matter, language: str, url: str
) -> dict[str, Any]:
    words, about = _words(language), rules.about(kind)
    letter = words["letters"][about]
    needed_on, reason = row.needed_on, matter.complaint.complaint.reason if matter.complaint else ""
    if matter.wish:
        lines, needed_on, reason = matter.wish.lines, matter.wish.needed_on, matter.wish.reason
    if matter.complaint:
        rejected = {one.item: one.quantity for one in matter.complaint.lines}
        lines = [replace(line, quantity=rejected[line.item]) for line in lines if line.item in rejected]
    net = sum((line.net for line in lines), Decimal("0.00"))
    vat = sum((line.vat for line in lines), Decimal("0.00"))
    sender, recipient = _parties(row, about, matter)

    number = partial(document.number, marks=words["amount"])
    kroner = partial(number, form=",.2f")

    return {
        "language": language,
        "say": words,
        "title": title(row, kind, language),
        "number": row.number,
        "day": [row.placed_on.year, row.placed_on.month, row.placed_on.day],
        "sender": sender,
        "recipient": recipient,
        "intro": letter["intro"],
        "closing": letter.get("closing", words["closing"]),
        "reason": rules.printable(reason),
        "facts": [
            [words[label], said if isinstance(said, dict) else {"text": rules.printable(said), "language": language}]
            for label, said in _facts(row, about, matter, needed_on, language)
            if said
        ],
        "url": url,
        "qr": document.qr(url),
        "lines": [
            {
                "name": document.text(line.name, language),
                "item": line.item,
                "quantity": rules.printable(f"{number(line.quantity, form=',')} {line.unit}"),
                "unit_price": kroner(line.unit_price),
                "amount": kroner(line.net),
                "vat_percent": f"{number(line.vat_percent.normalize(), form='f')} %",
                "vat": kroner(line.vat),
            }
            for line in lines
        ],
        "net": kroner(net),
        "vat": kroner(vat),
        "gross": kroner(net + vat),
    }


def _parties(row: CallOff, about: Kind, matter: Matter) -> tuple[dict[str, str], dict[str, str]]:
    """→ who writes, to whom: a recall comes from the agreement's owner, the rest from one side to the other."""
    buyer = {"name": rules.printable(row.buyer_name), "number": row.buyer}
    supplier = {"name": rules.printable(row.supplier_name), "number": row.supplier}
    if matter.notice:
        return {"name": rules.printable(row.notice_owner), "number": matter.notice.owner}, buyer
    return (supplier, buyer) if about in rules.FROM_SUPPLIER else (buyer, supplier)


def _facts(
    row: CallOff, about: Kind, matter: Matter, needed_on: date, language: str
) -> list[tuple[str, str | dict[str, str] | None]]:
    """What stands above the lines, by the name of its label; what is empty is left out."""
    words, notice = _words(language), matter.notice and matter.notice.notice
    agreement = document.text(row.framework_title, language)
    return [
        ("number", row.number),
        *(
            (
                ("notice_certificate", notice.certificate),
                ("notice_product", notice.product),
                ("notice_kind", words["notices"][notice.kind]),
                ("notice_from", _day(notice.effective_on, words)),
                ("supplier", f"{row.supplier_name} ({row.supplier})"),
            )
            if notice
            else ()
        ),
        ("placed", _day(row.placed_on, words)),
        ("needed", _day(needed_on, words)),
        ("answer_by", _day(row.respond_by_on, words) if about is Kind.ORDER and row.respond_by_on else None),
        ("agreement", agreement | {"text": f"{agreement['text']}\n({row.framework})"}),
        ("owner", row.notice_owner),
        ("lot", document.text(row.lot_title, language)),
        ("reference", row.reference),
        (
            "certificates",
            ", ".join(
                f"{one['product']}: {one['certificate']}" for one in row.choice["certification"] if one["certificate"]
            ),
        ),
    ]


def _day(day: date, words: Mapping[str, Any]) -> str:
    return str(words["day"]).format(day=day.day, month=day.month, year=day.year)


def _words(language: str) -> dict[str, Any]:
    return document.words(_TEMPLATES / f"{language}.json")
