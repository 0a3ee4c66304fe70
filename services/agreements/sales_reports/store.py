"""Sales reports as they came, with what comparing them with the ledger showed, and what was said of it. Nothing is ever
edited: a report is corrected by another that replaces it."""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, Session, col, select

from services.agreements.db import Table
from services.agreements.frameworks import store as frameworks
from services.agreements.frameworks.store import FrameworkAgreement
from services.agreements.sales_reports.rules import Amount, Compared, Key, NothingToExplain, Outcome
from services.chassis import audit, feed
from services.chassis.auth import Caller
from services.chassis.clock import now
from services.chassis.db import INSTANT, MONEY, choice
from services.chassis.problems import NotFound
from services.chassis.values import new_id


class SalesReport(Table, table=True):
    __table_args__ = (sa.Index(None, "framework_id", "supplier", "from_on"),)
    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    framework_id: int = Field(foreign_key="frameworkagreement.id")
    supplier: str = Field(max_length=9)
    from_on: date
    to_on: date
    media_type: str = Field(max_length=100)
    content: bytes
    """As it came."""
    sha256: str = Field(max_length=64)
    rows: int
    replaces_id: int | None = Field(default=None, unique=True, foreign_key="salesreport.id", sa_type=sa.BigInteger)
    recorded_at: datetime = Field(sa_type=INSTANT)
    """Also the moment that the ledger was looked at."""


class SalesLine(Table, table=True):
    """One item of one order. NOK without VAT."""

    report_id: int = Field(primary_key=True, foreign_key="salesreport.id", sa_type=sa.BigInteger)
    position: int = Field(primary_key=True)
    outcome: Outcome = Field(sa_type=choice(Outcome))
    order_number: str = Field(max_length=200)
    item: str = Field(max_length=200)
    buyer: str = Field(max_length=9)
    rows: list[int] = Field(sa_type=ARRAY(sa.Integer))
    quantity_told: int | None = Field(default=None, sa_type=sa.BigInteger)
    quantity_posted: int | None = Field(default=None, sa_type=sa.BigInteger)
    told: Decimal | None = Field(default=None, sa_type=MONEY)
    posted: Decimal | None = Field(default=None, sa_type=MONEY)


class SalesExplanation(Table, table=True):
    """What the supplier or the owner said of a line that differs."""

    __table_args__ = (
        sa.ForeignKeyConstraint(["report_id", "position"], ["salesline.report_id", "salesline.position"]),
        sa.Index(None, "report_id", "position"),
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    report_id: int = Field(sa_type=sa.BigInteger)
    position: int
    organisation: str = Field(max_length=9)
    by_owner: bool
    reason: str = Field(max_length=2000)
    recorded_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class SalesReportNotFound(NotFound):
    """You see no sales report with this id."""


class SalesLineNotFound(NotFound):
    """The sales report has no such line."""


_SUPPLIES = sa.text(
    "SELECT EXISTS (SELECT 1 FROM place p JOIN lot l ON l.id = p.lot_id "
    "WHERE l.framework_id = :framework AND p.number = :supplier)"
)
_ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))")
_TAKEN = sa.text(
    "SELECT r.id, r.uuid FROM salesreport r WHERE r.framework_id = :framework AND r.supplier = :supplier "
    "AND r.from_on <= :to_on AND r.to_on >= :from_on "
    "AND NOT EXISTS (SELECT 1 FROM salesreport n WHERE n.replaces_id = r.id) ORDER BY r.id"
)
_ORDERS = sa.text("SELECT number, buyer FROM calloff WHERE framework_id = :framework AND supplier = :supplier")
_POSTED = sa.text(
    "SELECT c.number, l.item, sum(l.quantity_posted) AS quantity, sum(l.posted) AS amount FROM entry e "
    "JOIN entryline l ON l.entry_id = e.id JOIN calloff c ON c.id = e.call_off_id "
    "WHERE e.framework_id = :framework AND e.supplier = :supplier AND e.effective_on BETWEEN :from_on AND :to_on "
    "GROUP BY 1, 2 HAVING sum(l.posted) <> 0 OR sum(l.quantity_posted) <> 0"
)


def supplies(session: Session, framework_id: int, supplier: str) -> bool:
    """Whether it has or had a place."""
    return bool(session.execute(_SUPPLIES, {"framework": framework_id, "supplier": supplier}).scalar())


def lock(session: Session, framework_id: int, supplier: str) -> None:
    """Nobody else reports the same supplier's sales under the agreement until this transaction ends."""
    session.execute(_ONE_AT_A_TIME, {"what": f"sales-report:{framework_id}:{supplier}"})


def taken(session: Session, framework_id: int, supplier: str, from_on: date, to_on: date) -> dict[int, str]:
    """Reports that stand of some of these days: key and id."""
    given = {"framework": framework_id, "supplier": supplier, "from_on": from_on, "to_on": to_on}
    return {row.id: str(row.uuid) for row in session.execute(_TAKEN, given)}


def is_replaced(session: Session, row: SalesReport) -> bool:
    return session.exec(select(SalesReport.id).where(col(SalesReport.replaces_id) == row.id)).first() is not None


def orders(session: Session, framework_id: int, supplier: str) -> dict[str, str]:
    """Numbers of the supplier's call-offs under the agreement, each with its buyer."""
    rows = session.execute(_ORDERS, {"framework": framework_id, "supplier": supplier})
    return {row.number: row.buyer for row in rows}


def posted(session: Session, framework_id: int, supplier: str, from_on: date, to_on: date) -> dict[Key, Amount]:
    """What was accepted of it on these days, less what was reversed."""
    given = {"framework": framework_id, "supplier": supplier, "from_on": from_on, "to_on": to_on}
    return {Key(row.number, row.item): Amount(int(row.quantity), row.amount) for row in session.execute(_POSTED, given)}


def add(
    session: Session,
    caller: Caller | None,
    agreement: FrameworkAgreement,
    report: SalesReport,
    compared: Sequence[Compared],
) -> SalesReport:
    """Keep a report with what comparing it showed, on the record; its supplier and the owner hear of it."""
    report.sha256 = hashlib.sha256(report.content).hexdigest()
    session.add(report)
    session.flush()
    session.add_all(
        SalesLine(
            report_id=report.id or 0,
            position=position,
            outcome=one.outcome,
            order_number=one.key.order_number,
            item=one.key.item,
            buyer=one.buyer,
            rows=list(one.rows),
            quantity_told=one.told.quantity if one.told else None,
            quantity_posted=one.posted.quantity if one.posted else None,
            told=one.told.amount if one.told else None,
            posted=one.posted.amount if one.posted else None,
        )
        for position, one in enumerate(compared, start=1)
    )
    session.flush()
    where = path(agreement, report)
    differing = sum(1 for one in compared if one.outcome is not Outcome.MATCHED)
    audit.record(session, caller, "sales_report.upload", where, sha256=report.sha256, rows=report.rows)
    for organisation in sorted({report.supplier, agreement.owner_number}):
        feed.tell(session, "sales_report.compared", where, organisation, lines=len(compared), differing=differing)
    return report


def seen(session: Session, slug: str, uuid: UUID, organisation: str) -> tuple[FrameworkAgreement, SalesReport]:
    """The supplier sees its own reports, and the framework owner those under its agreement."""
    agreement = frameworks.visible(session, slug, organisation)
    query = select(SalesReport).where(col(SalesReport.uuid) == uuid, col(SalesReport.framework_id) == agreement.id)
    found = session.exec(query).one_or_none()
    if found is None or organisation not in (found.supplier, agreement.owner_number):
        raise SalesReportNotFound(f"No sales report {uuid} among those you see.")
    return agreement, found


_COUNTS = sa.text(
    "SELECT report_id, outcome, count(*) AS lines, sum(coalesce(told, 0) - coalesce(posted, 0)) AS difference, "
    "coalesce(sum(told), 0) AS told, coalesce(sum(posted), 0) AS posted FROM salesline "
    "WHERE report_id = ANY(:ids) GROUP BY report_id, outcome ORDER BY report_id, outcome"
)


def counts(session: Session, report_ids: Sequence[int]) -> dict[int, list[sa.Row[Any]]]:
    """Lines and NOK by outcome, of each report."""
    found: dict[int, list[sa.Row[Any]]] = {one: [] for one in report_ids}
    for row in session.execute(_COUNTS, {"ids": list(report_ids)}):
        found[row.report_id].append(row)
    return found


def page(
    session: Session, agreement: FrameworkAgreement, organisation: str, after: UUID | None, limit: int
) -> Sequence[SalesReport]:
    """The latest first, one more than `limit`."""
    query = select(SalesReport).where(col(SalesReport.framework_id) == agreement.id)
    if organisation != agreement.owner_number:
        query = query.where(col(SalesReport.supplier) == organisation)
    if after:
        ended = sa.select(col(SalesReport.id)).where(col(SalesReport.uuid) == after).scalar_subquery()
        query = query.where(col(SalesReport.id) < ended)
    return session.exec(query.order_by(col(SalesReport.id).desc()).limit(limit + 1)).all()


def replaced(session: Session, report_ids: Sequence[int]) -> dict[int, UUID]:
    """The report that replaces each, where one does."""
    rows = session.execute(
        sa.select(col(SalesReport.replaces_id), col(SalesReport.uuid)).where(
            col(SalesReport.replaces_id).in_(report_ids)
        )
    )
    return {row.replaces_id: row.uuid for row in rows}


def named(session: Session, report_ids: Sequence[int]) -> dict[int, UUID]:
    """Ids by key."""
    query = sa.select(col(SalesReport.id), col(SalesReport.uuid)).where(col(SalesReport.id).in_(report_ids))
    return {row.id: row.uuid for row in session.execute(query)}


def lines(session: Session, report_id: int, outcome: Outcome | None, after: int, limit: int) -> Sequence[SalesLine]:
    query = select(SalesLine).where(col(SalesLine.report_id) == report_id, col(SalesLine.position) > after)
    if outcome:
        query = query.where(col(SalesLine.outcome) == outcome)
    return session.exec(query.order_by(col(SalesLine.position)).limit(limit)).all()


def explanations(session: Session, report_id: int, positions: Sequence[int]) -> dict[int, list[SalesExplanation]]:
    query = select(SalesExplanation).where(
        col(SalesExplanation.report_id) == report_id, col(SalesExplanation.position).in_(positions)
    )
    found: dict[int, list[SalesExplanation]] = {one: [] for one in positions}
    for row in session.exec(query.order_by(col(SalesExplanation.id))):
        found[row.position].append(row)
    return found


def explain(
    session: Session,
    caller: Caller,
    agreement: FrameworkAgreement,
    report: SalesReport,
    position: int,
    reason: str,
) -> SalesLine:
    """Say why a line differs: added to what was said before, and told to the other."""
    here = select(SalesLine).where(col(SalesLine.report_id) == report.id, col(SalesLine.position) == position)
    line = session.exec(here).one_or_none()
    if line is None:
        raise SalesLineNotFound(f"It has no line {position}.")
    if line.outcome is Outcome.MATCHED:
        raise NothingToExplain
    by_owner = caller.organisation == agreement.owner_number
    session.add(
        SalesExplanation(
            report_id=line.report_id,
            position=position,
            organisation=caller.organisation,
            by_owner=by_owner,
            reason=reason,
        )
    )
    session.flush()
    where = path(agreement, report)
    audit.record(session, caller, "sales_report.explain", where, position=position, reason=reason)
    for organisation in sorted({report.supplier, agreement.owner_number}):
        feed.tell(session, "sales_report.explained", where, organisation, position=position, by_owner=by_owner)
    return line


def path(agreement: FrameworkAgreement, report: SalesReport) -> str:
    return f"{frameworks.path(agreement.slug)}/sales-reports/{report.uuid}"
