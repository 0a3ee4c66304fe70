"""What the ledger and the places say of an agreement's capacity, and which warnings have been told."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.agreements.capacities.rules import WINDOWS
from services.agreements.frameworks import store as frameworks
from services.agreements.frameworks.rules import RUNNING, warned
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import VALUE, Scope
from services.chassis import audit, feed


@dataclass(frozen=True)
class Seat:
    """A supplier's place in a lot."""

    id: int
    lot: str
    number: str
    name: str


@dataclass(frozen=True)
class Figures:
    """What a forecast rests on: NOK called off in each window, how many call-offs, and since when."""

    called_off: tuple[tuple[int, Decimal], ...]
    call_offs: int
    first_on: date | None


_PLACES = sa.text(
    "SELECT p.id, l.slug AS lot, p.number, p.name FROM place p JOIN lot l ON l.id = p.lot_id "
    "WHERE l.framework_id = :id ORDER BY l.slug, p.rank"
)
_IN_WINDOW = "coalesce(sum(reserved + posted) FILTER (WHERE effective_on > :after_{0}), 0) AS in_{0}"
_FIGURES = sa.text(
    f"SELECT count(DISTINCT call_off_id) AS call_offs, min(effective_on) AS first_on, "  # noqa: S608  # nothing from outside
    f"{', '.join(_IN_WINDOW.format(days) for days in WINDOWS)} "
    "FROM entry WHERE framework_id = :id AND effective_on <= :today"
)
_TO_WARN = sa.text(
    "SELECT f.id FROM frameworkagreement f JOIN balance b ON b.scope = 'framework_agreement' AND b.subject_id = f.id "
    "AND b.item = '' WHERE f.state = ANY(:running) AND f.estimate > 0 AND f.estimate_told < 100 "
    "AND (b.reserved + b.posted) * 100 >= f.estimate * CASE WHEN f.estimate_told < 80 THEN 80 "
    "WHEN f.estimate_told < 90 THEN 90 ELSE 100 END ORDER BY f.id"
)


def places(session: Session, framework_id: int) -> list[Seat]:
    return [Seat(**row._mapping) for row in session.execute(_PLACES, {"id": framework_id})]


def rooms(session: Session, scope: Scope, subject_ids: list[int]) -> dict[int, dict[str, ledger.Room]]:
    """Each subject's room: NOK under the empty item, and quantities by item."""
    here = ledger.Balance
    rows = session.execute(
        sa.select(col(here.subject_id), col(here.item), col(here.ceiling), col(here.reserved), col(here.posted))
        .where(col(here.scope) == scope, col(here.subject_id).in_(subject_ids))
        .order_by(col(here.subject_id), col(here.item))
    )
    found: dict[int, dict[str, ledger.Room]] = {one: {} for one in subject_ids}
    for row in rows:
        found[row.subject_id][row.item] = ledger.Room(row.ceiling, row.reserved, row.posted)
    return found


def figures(session: Session, framework_id: int, today: date) -> Figures:
    after = {f"after_{days}": today - timedelta(days=days) for days in WINDOWS}
    row = session.execute(_FIGURES, {"id": framework_id, "today": today, **after}).one()
    return Figures(tuple((days, getattr(row, f"in_{days}")) for days in WINDOWS), row.call_offs, row.first_on)


def warn_due(session: Session) -> int:
    """Tell in the feed, each once, which shares of an estimate have been used up since the last look. → how many"""
    told = 0
    running = sorted(state.value for state in RUNNING)
    for framework_id in session.execute(_TO_WARN, {"running": running}).scalars().all():
        query = select(frameworks.FrameworkAgreement).where(col(frameworks.FrameworkAgreement.id) == framework_id)
        agreement = session.exec(query.with_for_update(skip_locked=True)).one_or_none()
        if agreement is None or agreement.state not in RUNNING:
            continue
        room = rooms(session, Scope.FRAMEWORK_AGREEMENT, [framework_id])[framework_id][VALUE]
        used = room.reserved + room.posted
        for share in warned(agreement.estimate, used):
            if share > agreement.estimate_told:
                path = frameworks.path(agreement.slug)
                agreement.estimate_told = share
                audit.record(session, None, "framework_agreement.estimate_used", path, percent=share)
                feed.tell(
                    session,
                    "framework_agreement.estimate_used",
                    path,
                    None,
                    percent=share,
                    estimate_excl_vat=f"{agreement.estimate:.2f}",
                    used_excl_vat=f"{used:.2f}",
                )
                told += 1
        session.flush()
    return told
