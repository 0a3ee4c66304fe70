"""What agreements and call-offs tell, read from where they are kept."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.agreements.calloffs.rules import Event as CallOffEvent
from services.agreements.calloffs.rules import State as CallOffState
from services.agreements.contracting_processes.rules import Agreement, Asked, CallOff, Line, Lot, Party, Place
from services.agreements.frameworks import rules as framework_rules
from services.agreements.frameworks import store as frameworks
from services.agreements.frameworks.rules import Method
from services.agreements.frameworks.store import FrameworkAgreement
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import Scope
from services.agreements.places import rules as place_rules
from services.agreements.places import store as places
from services.agreements.shares.store import Share

CONFIRMING = {CallOffEvent.CONFIRM, CallOffEvent.ACCEPT_CHANGE}
"""With these the supplier and the buyer are agreed."""


def agreements(session: Session, slugs: Sequence[str]) -> list[Agreement]:
    """Those of them that have been announced."""
    query = select(FrameworkAgreement).where(
        col(FrameworkAgreement.slug).in_(slugs), col(FrameworkAgreement.announced_on).is_not(None)
    )
    return [_agreement(session, row) for row in session.exec(query.order_by(col(FrameworkAgreement.slug))).all()]


def _agreement(session: Session, row: FrameworkAgreement) -> Agreement:
    assert row.id
    lots, seats = frameworks.lots(session, row.id), places.of(session, row.id)
    ceilings = ledger.room(session, Scope.LOT, [lot.id or 0 for lot in lots])
    steps = places.events(session, [place.id or 0 for place, _ in seats])
    happened = {one.event: one.recorded_at for one in frameworks.events(session, row.id)}
    leaving = (place_rules.Event.WITHDRAW, place_rules.Event.TERMINATE)
    return Agreement(
        slug=row.slug,
        title=row.title,
        state=row.state,
        owner=Party(row.owner_number, row.owner_name),
        participants=tuple(Party(one.number, one.name) for one in frameworks.participants(session, row.id)),
        cpv=tuple(row.cpv),
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        extensions=tuple(row.extensions),
        period_rationale=row.period_rationale,
        estimate=row.estimate,
        maximum=ledger.room(session, Scope.FRAMEWORK_AGREEMENT, [row.id])[row.id].ceiling,
        lots=tuple(
            Lot(lot.slug, lot.title, framework_rules.bands(lot.bands), ceilings[lot.id or 0].ceiling) for lot in lots
        ),
        places=tuple(
            Place(
                id=str(place.uuid),
                lot=lot,
                supplier=Party(place.number, place.name),
                rank=place.rank,
                state=place.state,
                left_at=next((one.recorded_at for one in steps[place.id or 0] if one.event in leaving), None),
            )
            for place, lot in seats
        ),
        awarded_at=happened.get(framework_rules.Event.AWARD.value),
        activated_at=happened.get(framework_rules.Event.ACTIVATE.value),
    )


_CALL_OFFS = sa.text(
    """
    SELECT c.id, c.uuid, c.number, c.framework, c.lot, c.state, c.method, c.buyer, c.buyer_name, c.version
      FROM calloff c JOIN frameworkagreement f ON f.id = c.framework_id AND f.announced_on IS NOT NULL
     WHERE c.uuid = ANY(:uuids)
       AND EXISTS (SELECT 1 FROM letter l WHERE l.call_off_id = c.id AND l.kind = 'order')
     ORDER BY c.id
    """
)
_EVENTS = sa.text(
    "SELECT call_off_id, event, recorded_at FROM calloffevent WHERE call_off_id = ANY(:ids) "
    "ORDER BY call_off_id, sequence"
)
_ORDERS = sa.text(
    "SELECT call_off_id, order_version AS version, recipient, recipient_name FROM letter "
    "WHERE call_off_id = ANY(:ids) AND kind = 'order' ORDER BY call_off_id, order_version"
)
_LINES = sa.text(
    """
    SELECT l.call_off_id, l.version, l.item, l.name, l.unit, l.quantity, l.unit_price,
           p.id IS NULL OR p.secret_reason IS NOT NULL AS secret
      FROM calloffline l
      JOIN calloff c ON c.id = l.call_off_id
      LEFT JOIN calloffversion v ON v.call_off_id = l.call_off_id AND v.version = l.version
      LEFT JOIN price p ON p.place_id = coalesce(v.place_id, c.place_id) AND p.version = l.price_list_version
                       AND p.item = l.item
     WHERE l.call_off_id = ANY(:ids) ORDER BY l.call_off_id, l.version, l.position
    """
)
_CHANGED = sa.text(
    "SELECT call_off_id, version, ended_at FROM calloffversion WHERE call_off_id = ANY(:ids) "
    "AND ended_by = 'change_confirmed' ORDER BY call_off_id, version"
)


def call_offs(session: Session, uuids: Sequence[UUID], ocid: Callable[[str], str]) -> list[tuple[UUID, CallOff]]:
    """Those of them that have been sent to a supplier, in the order in which they were placed. `ocid` tells a framework
    agreement's identifier by its slug."""
    rows = session.execute(_CALL_OFFS, {"uuids": list(uuids)}).all()
    ids = {"ids": [row.id for row in rows]}
    events, orders, changed = (_by_call_off(session, one, ids) for one in (_EVENTS, _ORDERS, _CHANGED))
    lines: dict[tuple[int, int], list[Line]] = defaultdict(list)
    for one in session.execute(_LINES, ids):
        line = Line(one.item, one.name, one.unit, one.quantity, one.unit_price, one.secret)
        lines[one.call_off_id, one.version].append(line)
    payers = _payers(session, ids["ids"])
    return [
        (
            row.uuid,
            CallOff(
                number=row.number,
                lot=row.lot,
                framework=ocid(row.framework),
                state=CallOffState(row.state),
                method=Method(row.method),
                buyer=Party(row.buyer, row.buyer_name),
                version=row.version,
                lines=tuple(lines[row.id, row.version]),
                asked=_asked(row.id, orders[row.id], events[row.id], lines),
                asked_now=_last(events[row.id], CallOffEvent.SEND) > _last(events[row.id], CallOffEvent.NEXT_SUPPLIER),
                confirmed_at=next((one.recorded_at for one in events[row.id] if one.event in CONFIRMING), None),
                changed=tuple((one.version, one.ended_at) for one in changed[row.id]),
                payers=payers[row.id],
            ),
        )
        for row in rows
    ]


def _asked(
    call_off_id: int, orders: Sequence[Any], events: Sequence[Any], lines: dict[tuple[int, int], list[Line]]
) -> tuple[Asked, ...]:
    """Each time that it was sent, an order letter was written."""
    sent: list[datetime] = [one.recorded_at for one in events if one.event == CallOffEvent.SEND]
    return tuple(
        Asked(one.version, Party(one.recipient, one.recipient_name), at, tuple(lines[call_off_id, one.version]))
        for one, at in zip(orders, sent, strict=True)
    )


def _last(events: Sequence[Any], kind: CallOffEvent) -> int:
    """Which of the events was the last of this kind; -1 where there is none."""
    return max((place for place, one in enumerate(events) if one.event == kind), default=-1)


def _by_call_off(session: Session, query: sa.TextClause, ids: dict[str, Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in session.execute(query, ids):
        found[row.call_off_id].append(row)
    return found


def _payers(session: Session, ids: Sequence[int]) -> dict[int, dict[Party, dict[int, Decimal]]]:
    found: dict[int, dict[Party, dict[int, Decimal]]] = defaultdict(dict)
    query = select(Share).where(col(Share.call_off_id).in_(ids)).order_by(col(Share.number), col(Share.version))
    for one in session.exec(query):
        found[one.call_off_id].setdefault(Party(one.number, one.name), {})[one.version] = one.net
    return found
