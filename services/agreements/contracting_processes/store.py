"""What call-offs and mini-competitions tell, read from where they are kept."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.agreements.calloffs.rules import Event as CallOffEvent
from services.agreements.calloffs.rules import State as CallOffState
from services.agreements.contracting_processes.rules import Asked, CallOff, Competition, Line, Party
from services.agreements.frameworks.rules import Method
from services.agreements.mini_competitions import rules as competition_rules
from services.agreements.mini_competitions import store as competitions
from services.agreements.mini_competitions.store import MiniCompetition
from services.agreements.shares.store import Share

NOUGHT = Decimal("0.00")
CONFIRMING = {CallOffEvent.CONFIRM, CallOffEvent.ACCEPT_CHANGE}
"""With these the supplier and the buyer are agreed."""


@dataclass(frozen=True)
class Ordered:
    uuid: UUID
    competition: UUID | None
    """The mini-competition that it comes from."""
    call_off: CallOff


_CALL_OFFS = sa.text(
    """
    SELECT c.id, c.uuid, c.number, c.framework, c.lot, c.state, c.method, c.buyer, c.buyer_name, c.version,
           c.choice->'competition'->>'id' AS competition
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


def call_offs(session: Session, uuids: Sequence[UUID], ocid: Callable[[str], str]) -> list[Ordered]:
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
        Ordered(
            row.uuid,
            UUID(row.competition) if row.competition else None,
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


_BIDDERS = sa.text(
    "SELECT supplier, supplier_name FROM bid WHERE competition_id = :id AND state IN ('won', 'lost', 'rejected') "
    "ORDER BY supplier"
)


def mini_competitions(
    session: Session, uuids: Sequence[UUID], ocid: Callable[[str], str]
) -> list[tuple[UUID, UUID | None, Competition]]:
    """Those of them that have been published, each with the call-off that its award became."""
    query = select(MiniCompetition).where(
        col(MiniCompetition.uuid).in_(uuids), col(MiniCompetition.published_at).is_not(None)
    )
    rows = session.exec(query.order_by(col(MiniCompetition.id))).all()
    ordered = _orders_of(session, [row.uuid for row in rows])
    return [(row.uuid, ordered.get(row.uuid), _competition(session, row, ocid(row.framework))) for row in rows]


def _competition(session: Session, row: MiniCompetition, framework: str) -> Competition:
    assert row.id
    assert row.published_at
    final = row.state is competition_rules.State.AWARDED
    bidders = session.execute(_BIDDERS, {"id": row.id}).all() if final else []
    listed = competitions.listed(competitions.invitations(session, row.id)[0])
    amended = competition_rules.Event.AMEND.value
    return Competition(
        number=row.number,
        title=row.title,
        lot=row.lot,
        framework=framework,
        state=row.state,
        buyer=Party(row.buyer, row.buyer_name),
        lines=tuple(
            Line(
                item=one["item"],
                name=listed[one["item"]].name,
                unit=listed[one["item"]].unit,
                quantity=one["quantity"],
                unit_price=NOUGHT,
                secret=row.value_secret,
            )
            for one in row.lines
        ),
        weights=tuple(
            (one.get("title") or {"nb": one["code"]}, one["weight"]) for one in row.criteria if one.get("weight")
        ),
        published_at=row.published_at,
        deadline=row.deadline,
        questions_until=row.questions_until,
        amended=tuple(one.recorded_at for one in competitions.events(session, row.id) if one.event == amended),
        bidders=tuple(Party(one.supplier, one.supplier_name) for one in bidders),
    )


_FROM = sa.text(
    "SELECT uuid, choice->'competition'->>'id' AS competition FROM calloff "
    "WHERE framework_id = ANY(SELECT framework_id FROM minicompetition WHERE uuid = ANY(:uuids)) "
    "AND method = 'mini_competition' AND choice->'competition'->>'id' = ANY(:ids)"
)


def _orders_of(session: Session, uuids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The call-off of each competition that has become one."""
    rows = session.execute(_FROM, {"uuids": list(uuids), "ids": [str(one) for one in uuids]})
    return {UUID(row.competition): row.uuid for row in rows}
