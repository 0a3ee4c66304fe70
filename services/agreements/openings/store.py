"""Openings as they are kept, and the one place where what is sealed is opened."""

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from sqlmodel import Field, Session, col, select

from services.agreements.bids import rules as bid_rules
from services.agreements.bids import store as bids
from services.agreements.bids.store import Bid
from services.agreements.db import Table
from services.agreements.mini_competitions import store as mini_competitions
from services.agreements.mini_competitions.rules import Event, State
from services.agreements.mini_competitions.store import Invitation, MiniCompetition
from services.agreements.sealing import store as sealing
from services.agreements.sealing.store import SealBroken, SealingKey
from services.chassis.auth import Caller
from services.chassis.db import INSTANT, JSON, MONEY
from services.chassis.problems import Conflict, NotFound


class Opening(Table, table=True):
    """A competition's opening; never edited. From it on anybody who has the sealed bids can open them again."""

    competition_id: int = Field(primary_key=True, foreign_key="minicompetition.id")
    opened_at: datetime = Field(sa_type=INSTANT)
    opened_by: str = Field(max_length=9)
    private_key: bytes
    record: list[dict[str, Any]] = Field(sa_type=JSON)
    """The bids in the order in which they came, as they stood at the opening; amounts as text."""


class OpenedBid(Table, table=True):
    """What a bid said; never edited. NOK."""

    bid_id: int = Field(primary_key=True, foreign_key="bid.id")
    competition_id: int = Field(foreign_key="minicompetition.id", index=True)
    lines: list[dict[str, Any]] = Field(sa_type=JSON)
    """`[{"item", "name", "unit", "quantity", "unit_price", "vat_percent", "product", "component",
    "price_list_version"}]`; amounts as text."""
    net: Decimal = Field(sa_type=MONEY)
    vat: Decimal = Field(sa_type=MONEY)
    answers: list[dict[str, str]] = Field(sa_type=JSON)
    """`[{"criterion", "text"}]`"""
    note: str | None = None
    documents: list[dict[str, Any]] = Field(sa_type=JSON)
    """`[{"name", "media_type", "size", "sha256"}]`, by position."""


class TooEarlyToOpen(Conflict):
    """Bids are opened after the deadline, by the service's own clock."""


class NotOpenedYet(NotFound):
    """The bids have not been opened."""


def open_bids(session: Session, caller: Caller, row: MiniCompetition, key: SealingKey) -> Opening:
    """Sealed → evaluation, the competition locked: every submitted bid is opened, or SealBroken and none is. Nowhere
    else is a competition's key unwrapped."""
    at = mini_competitions.clock(session)
    if row.state in (State.OPEN, State.SEALED) and at < row.deadline:
        raise TooEarlyToOpen(f"The deadline is {row.deadline.isoformat(timespec='seconds').replace('+00:00', 'Z')}.")
    mini_competitions.move(session, caller, row, Event.OPEN_BIDS)
    assert row.wrapped_key
    private = key.unwrap(row.wrapped_key, row.uuid)
    invited = {one.id: one for one in mini_competitions.invitations(session, row.id or 0)}
    submitted = bids.in_states(session, row.id or 0, bid_rules.State.SUBMITTED)
    submitted = sorted(submitted, key=lambda one: (one.submitted_at or at, one.id))
    found = [_opened(session, row, one, invited[one.invitation_id], private) for one in submitted]
    session.add_all(found)
    for one in submitted:
        bids.move(session, None, row, one, bid_rules.Event.OPEN)
    row.opened_at = at
    opening = Opening(
        competition_id=row.id or 0,
        opened_at=at,
        opened_by=caller.organisation,
        private_key=private,
        record=[_recorded(row, one, opened) for one, opened in zip(submitted, found, strict=True)],
    )
    session.add(opening)
    session.flush()
    return opening


def _opened(session: Session, row: MiniCompetition, bid: Bid, invitation: Invitation, private: bytes) -> OpenedBid:
    text = sealing.unseal(private, bid.sealed, *bids.bound(row, bid))
    if sha256(text).hexdigest() != bid.digest:
        raise SealBroken(f"Bid {bid.uuid} is not what its receipt says.")
    content = json.loads(text)
    kept = bids.documents(session, bid.id or 0, bid.version)
    if [one.position for one in kept] != list(range(1, len(content["documents"]) + 1)):
        raise SealBroken(f"Bid {bid.uuid} has not all of its documents.")
    for one, told in zip(kept, content["documents"], strict=True):
        document = sealing.unseal(private, one.sealed, *bids.bound(row, bid, one.position))
        if sha256(document).hexdigest() != told["sha256"]:
            raise SealBroken(f"Document {one.position} of bid {bid.uuid} is not what came.")
    lines = _priced(row, invitation, content["lines"])
    return OpenedBid(
        bid_id=bid.id or 0,
        competition_id=row.id or 0,
        lines=lines,
        net=sum((_net(line) for line in lines), Decimal("0.00")),
        vat=sum((_vat(line) for line in lines), Decimal("0.00")),
        answers=content["answers"],
        note=content["note"],
        documents=content["documents"],
    )


def _priced(row: MiniCompetition, invitation: Invitation, offered: Sequence[dict[str, str]]) -> list[dict[str, Any]]:
    """The competition's lines in its order, at the bid's prices."""
    prices = {one["item"]: one["unit_price_excl_vat"] for one in offered}
    listed = mini_competitions.listed(invitation)
    return [
        {
            "item": line["item"],
            "name": listed[line["item"]].name,
            "unit": listed[line["item"]].unit,
            "quantity": line["quantity"],
            "unit_price": prices[line["item"]],
            "vat_percent": str(listed[line["item"]].vat_percent),
            "product": listed[line["item"]].product,
            "component": listed[line["item"]].component,
            "price_list_version": listed[line["item"]].version,
        }
        for line in row.lines
    ]


def _net(line: dict[str, Any]) -> Decimal:
    return Decimal(line["unit_price"]) * int(line["quantity"])


def _vat(line: dict[str, Any]) -> Decimal:
    return bid_rules.vat(_net(line), Decimal(line["vat_percent"]))


def _recorded(row: MiniCompetition, bid: Bid, opened: OpenedBid) -> dict[str, Any]:
    assert bid.submitted_at
    return {
        "bid": str(bid.uuid),
        "supplier": bid.supplier,
        "supplier_name": bid.supplier_name,
        "version": bid.version,
        "answers_version": bid.answers_version,
        "outdated": bid.answers_version < row.bids_from_version,
        "submitted_at": bid.submitted_at.isoformat(),
        "digest": bid.digest,
        "net_excl_vat": f"{opened.net:.2f}",
        "vat": f"{opened.vat:.2f}",
        "documents": len(opened.documents),
    }


def of(session: Session, competition_id: int) -> Opening:
    found = session.exec(select(Opening).where(col(Opening.competition_id) == competition_id)).one_or_none()
    if found is None:
        raise NotOpenedYet
    return found


def bids_of(session: Session, competition_id: int) -> dict[int, OpenedBid]:
    """What the opened bids say, by the bid's row."""
    query = select(OpenedBid).where(col(OpenedBid.competition_id) == competition_id)
    return {one.bid_id: one for one in session.exec(query.order_by(col(OpenedBid.bid_id)))}
