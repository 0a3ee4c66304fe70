"""Which entries an organisation sees, and how a wrong posting is taken back by a second one."""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.agreements.award_keys import store as award_keys
from services.agreements.calloffs import store as calloffs
from services.agreements.calloffs.rules import TERMINAL
from services.agreements.deliveries import store as deliveries
from services.agreements.entries import rules
from services.agreements.frameworks import store as frameworks
from services.agreements.frameworks.store import FrameworkAgreement, Lot
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import Kind, Moved, Z
from services.agreements.ledger.store import Entry, EntryLine
from services.agreements.letters.store import Letter
from services.agreements.shares.store import Share
from services.chassis import audit, feed
from services.chassis.auth import Caller
from services.chassis.problems import NotFound, refuse


class EntryNotFound(NotFound):
    """You see no entry with this id."""


@dataclass(frozen=True)
class Selection:
    """Which entries are asked for; None and empty: whichever."""

    framework_id: int | None = None
    lot_id: int | None = None
    call_off: UUID | None = None
    buyer: str | None = None
    supplier: str | None = None
    kinds: tuple[Kind, ...] = ()
    from_on: date | None = None
    to_on: date | None = None
    back_dated: bool | None = None
    known_at: datetime | None = None
    """As recorded by then."""


@dataclass(frozen=True)
class Reversal:
    """The entries of a correction: the reversal, what was posted in its place, and what an ended call-off gave back."""

    reversal: UUID
    instead: UUID | None
    released: UUID | None


_PARTS = sa.text(
    "SELECT ARRAY(SELECT id FROM frameworkagreement WHERE owner_number = :number) AS owned, "
    "EXISTS (SELECT 1 FROM share WHERE number = :number) AS pays, "
    "EXISTS (SELECT 1 FROM place WHERE number = :number) AS supplies"
)


def seen(session: Session, organisation: str) -> sa.ColumnElement[bool]:
    """A buyer sees what it bought, a framework owner what is under its agreements, a payer what it bears a share of,
    and a supplier what concerns itself of call-offs that it has had a letter about. What the organisation is not is
    left out, so that PostgreSQL knows how little it may be."""
    parts = session.execute(_PARTS, {"number": organisation}).one()
    conditions: list[sa.ColumnElement[bool]] = [col(Entry.buyer) == organisation]
    if parts.owned:
        conditions.append(col(Entry.framework_id).in_(parts.owned))
    if parts.pays:
        paid = sa.select(col(Share.call_off_id)).where(col(Share.number) == organisation)
        conditions.append(col(Entry.call_off_id) == sa.any_(sa.func.array(paid.scalar_subquery())))
    if parts.supplies:
        told = sa.exists().where(
            col(Letter.call_off_id) == col(Entry.call_off_id), col(Letter.recipient) == organisation
        )
        conditions.append(sa.and_(col(Entry.supplier) == organisation, told))
    return sa.or_(*conditions)


def selected(asked: Selection) -> list[sa.ColumnElement[bool]]:
    conditions: tuple[tuple[Any, Any, Callable[[Any, Any], Any]], ...] = (
        (asked.framework_id, col(Entry.framework_id), operator.eq),
        (asked.lot_id, col(Entry.lot_id), operator.eq),
        (asked.buyer, col(Entry.buyer), operator.eq),
        (asked.supplier, col(Entry.supplier), operator.eq),
        (asked.from_on, col(Entry.effective_on), operator.ge),
        (asked.to_on, col(Entry.effective_on), operator.le),
        (asked.back_dated, col(Entry.back_dated), operator.eq),
        (asked.known_at, col(Entry.recorded_at), operator.le),
    )
    found = [compared(column, given) for given, column, compared in conditions if given is not None]
    if asked.call_off:
        call_off = sa.select(col(calloffs.CallOff.id)).where(col(calloffs.CallOff.uuid) == asked.call_off)
        found.append(col(Entry.call_off_id) == call_off.scalar_subquery())
    if asked.kinds:
        found.append(col(Entry.kind).in_(asked.kinds))
    return found


_REVERSED, _REVERSAL = sa.orm.aliased(Entry), sa.orm.aliased(Entry)
_SHOWN: Any = (
    sa.select(
        Entry,
        col(FrameworkAgreement.slug).label("framework"),
        col(FrameworkAgreement.owner_number).label("owner"),
        col(Lot.slug).label("lot"),
        col(calloffs.CallOff.uuid).label("call_off"),
        col(calloffs.CallOff.number).label("number"),
        col(_REVERSED.uuid).label("reverses"),
        col(_REVERSAL.uuid).label("reversed_by"),
    )
    .join(FrameworkAgreement, col(FrameworkAgreement.id) == col(Entry.framework_id))
    .join(Lot, col(Lot.id) == col(Entry.lot_id))
    .join(calloffs.CallOff, col(calloffs.CallOff.id) == col(Entry.call_off_id))
    .outerjoin(_REVERSED, col(_REVERSED.id) == col(Entry.reverses_id))
    .outerjoin(_REVERSAL, col(_REVERSAL.reverses_id) == col(Entry.id))
)


def page(
    session: Session, organisation: str, asked: Selection, after: UUID | None, limit: int
) -> Sequence[sa.Row[Any]]:
    """Entered last first, one more than `limit`."""
    query = _SHOWN.where(seen(session, organisation), *selected(asked)).order_by(col(Entry.id).desc()).limit(limit + 1)
    if after:
        ended = sa.select(col(Entry.id)).where(col(Entry.uuid) == after).scalar_subquery()
        query = query.where(col(Entry.id) < ended)
    return session.execute(query).all()


def by_uuid(session: Session, uuid: UUID, organisation: str) -> sa.Row[Any]:
    found = session.execute(_SHOWN.where(col(Entry.uuid) == uuid, seen(session, organisation))).one_or_none()
    if found is None:
        raise EntryNotFound(f"No entry {uuid} among those you see.")
    return found


def lines(session: Session, entry_id: int) -> list[Moved]:
    query = select(EntryLine).where(col(EntryLine.entry_id) == entry_id).order_by(col(EntryLine.position))
    return [
        Moved(
            one.item,
            one.product,
            one.component,
            one.quantity_reserved,
            one.quantity_posted,
            one.reserved,
            one.posted,
        )
        for one in session.exec(query)
    ]


def reverse(
    session: Session,
    caller: Caller,
    uuid: UUID,
    *,
    on: date,
    reason: str,
    back_dating_reason: str | None,
    instead: Sequence[rules.Instead],
    today: date,
) -> Reversal:
    """Take a posting back at every level that it was posted at, and post `instead`. More passes every ceiling or
    nothing is written. A call-off that is over holds nothing: what is not posted instead is given back at once. The
    agreement's state stays as it is: there is no way back from exhausted."""
    found = by_uuid(session, uuid, caller.organisation)
    as_owner = found.owner == caller.organisation and caller.may("agreements.manage")
    as_buyer = found.Entry.buyer == caller.organisation and caller.may("agreements.order")
    if not (as_owner or as_buyer):
        raise rules.NotYourPosting
    row = calloffs.by_id(session, found.call_off)
    found = by_uuid(session, uuid, caller.organisation)  # nobody else corrects this call-off any more
    entry: Entry = found.Entry
    assert entry.id
    assert row.id
    target = rules.Target(entry.kind, entry.effective_on, found.reverses is not None, found.reversed_by is not None)
    refuse(rules.check(target, effective_on=on, back_dating_reason=back_dating_reason, today=today))
    taken_back = [-line for line in lines(session, entry.id)]
    left = rules.open_for(ledger.held(session, row.id), taken_back)
    delivered = {one.line.item: one.delivered for one in deliveries.standing(session, row)}
    refuse(rules.check_instead(instead, left, delivered))
    account = ledger.Account(
        entry.framework_id,
        entry.lot_id,
        entry.place_id,
        entry.participant_id,
        entry.call_off_id,
        entry.buyer,
        entry.supplier,
    )

    def move(kind: Kind, moved: Sequence[Moved], cause: str, reverses_id: int | None = None) -> UUID | None:
        row.reserved += sum((line.reserved for line in moved), Z)
        row.posted += sum((line.posted for line in moved), Z)
        session.flush()
        entered = ledger.move(
            session,
            account,
            kind,
            moved,
            on,
            cause,
            reason=reason,
            back_dating_reason=back_dating_reason if on < today else None,
            reverses_id=reverses_id,
        )
        return session.execute(sa.select(col(Entry.uuid)).where(col(Entry.id) == entered)).scalar()

    reversal = move(Kind.POST, taken_back, rules.REVERSE, entry.id)
    assert reversal
    posted = move(Kind.POST, rules.posted(instead, left), rules.CORRECT)
    released = None
    if row.state in TERMINAL:
        rest = [-line for line in rules.reserved(ledger.held(session, row.id))]
        value = sum((line.reserved for line in rest), Z)
        award_keys.committed(session, row.lot_id, row.participant_id, row.placed_on, value, first=False)
        released = move(Kind.RELEASE, rest, rules.REVERSE)
    _tell(session, caller, row, found, reversal, reason)
    frameworks.exhaust_if_reached(session, row.framework_id)
    return Reversal(reversal, posted, released)


def _tell(
    session: Session, caller: Caller, row: calloffs.CallOff, found: sa.Row[Any], reversal: UUID, reason: str
) -> None:
    entry: Entry = found.Entry
    detail = {"call_off": str(row.uuid), "number": row.number, "reversed_by": str(reversal)}
    audit.record(session, caller, "ledger_entry.reverse", path(entry.uuid), reason=reason, **detail)
    for organisation in sorted({entry.buyer, entry.supplier, found.owner}):
        feed.tell(session, "ledger_entry.reversed", path(entry.uuid), organisation, reason=reason, **detail)


def path(uuid: UUID) -> str:
    return f"/ledger/entries/{uuid}"
