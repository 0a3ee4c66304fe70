"""A call-off's letters as PDF/A-2a and PDF/UA-1: the order, that it is cancelled, confirmed, declined, changed or
complained of, or that the buyer asks for a change."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import typst

from services.agreements.calloffs.rules import Priced
from services.agreements.calloffs.store import CallOff
from services.agreements.complaints import store as complaints
from services.agreements.letters.store import CANCELLATION, CHANGE, CHANGE_REQUEST, CONFIRMATION, DECLINED, ORDER

_TEMPLATE = Path(__file__).with_name("letter.typ")


_TITLES = {
    ORDER: "Bestilling",
    CANCELLATION: "Avbestilling",
    CONFIRMATION: "Ordrebekreftelse",
    DECLINED: "Avslag på bestilling",
    CHANGE: "Endret bestilling",
    CHANGE_REQUEST: "Ønske om endring av bestilling",
    complaints.LETTER: "Reklamasjon på bestilling",
}
_FROM_SUPPLIER = {CONFIRMATION, DECLINED}


@dataclass(frozen=True)
class Wish:
    """What the buyer asks for instead, and why."""

    lines: Sequence[Priced]
    needed_on: date
    reason: str


def title(row: CallOff, kind: str) -> str:
    """What the letter is called in the recipient's inbox; never anything sensitive."""
    return f"{_TITLES[_about(kind)]} {row.number}"


def pdf(
    row: CallOff,
    lines: Sequence[Priced],
    kind: str,
    complaint: complaints.Told | None = None,
    wish: Wish | None = None,
) -> bytes:
    """The same call-off gives the same bytes: the date in it is the day it was placed. A complaint's letter has the
    lines that are rejected, and a wish's those that are wished for, and why."""
    needed_on, reason = row.needed_on, complaint.complaint.reason if complaint else ""
    if wish:
        lines, needed_on, reason = wish.lines, wish.needed_on, wish.reason
    if complaint:
        rejected = {one.item: one.quantity for one in complaint.lines}
        lines = [replace(line, quantity=rejected[line.item]) for line in lines if line.item in rejected]
    net = sum((line.net for line in lines), Decimal("0.00"))
    vat = sum((line.vat for line in lines), Decimal("0.00"))
    buyer = {"name": row.buyer_name, "number": row.buyer}
    supplier = {"name": row.supplier_name, "number": row.supplier}
    from_supplier = kind in _FROM_SUPPLIER
    content = {
        "kind": _about(kind),
        "reason": reason,
        "title": title(row, kind),
        "number": row.number,
        "placed": [row.placed_on.year, row.placed_on.month, row.placed_on.day],
        "needed_on": f"{needed_on:%d.%m.%Y}",
        "sender": supplier if from_supplier else buyer,
        "recipient": buyer if from_supplier else supplier,
        "agreement": _text(row.framework_title),
        "agreement_slug": row.framework,
        "owner": row.notice_owner,
        "lot": _text(row.lot_title),
        "reference": row.reference or "",
        "lines": [
            {
                "name": _text(line.name),
                "item": line.item,
                "quantity": f"{line.quantity} {line.unit}",
                "unit_price": _kroner(line.unit_price),
                "amount": _kroner(line.net),
                "vat_percent": f"{line.vat_percent.normalize():f} %",
                "vat": _kroner(line.vat),
            }
            for line in lines
        ],
        "net": _kroner(net),
        "vat": _kroner(vat),
        "gross": _kroner(net + vat),
        "certificates": [
            f"{one['product']}: {one['certificate']}" for one in row.choice["certification"] if one["certificate"]
        ],
    }
    made = typst.compile(
        str(_TEMPLATE),
        sys_inputs={"call_off": json.dumps(content, ensure_ascii=False)},
        pdf_standards=["a-2a", "ua-1"],
        ignore_system_fonts=True,
    )
    assert isinstance(made, bytes)
    return made


def _about(kind: str) -> str:
    """The second and later letters about complaints or wishes are numbered (`complaints.store.letter_kind`)."""
    return kind.partition("-")[0]


def _text(text: object) -> str:
    assert isinstance(text, dict)
    return str(text.get("nb") or text.get("nn") or next(iter(text.values())))


def _kroner(amount: object) -> str:
    """12345.5 → «12 345,50», with the narrow spaces that keep a number on one line."""
    return f"{amount:,.2f}".replace(",", "\u202f").replace(".", ",")
