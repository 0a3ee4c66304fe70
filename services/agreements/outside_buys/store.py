"""Which accounts a buyer says that agreements cover, its spend files, and the buys outside that they showed.

A file itself is not kept, nor any line that is no such buy: of those the sums alone. Nothing is ever edited."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.agreements.db import Table
from services.agreements.outside_buys.rules import LEAKED, Buy, Cover, Found, judge, total
from services.agreements.report_tables.rules import Line
from services.chassis import audit, feed
from services.chassis.auth import Caller
from services.chassis.clock import now
from services.chassis.db import INSTANT, JSON, MONEY, choice
from services.chassis.problems import NotFound
from services.chassis.values import new_id


class AccountMap(Table, table=True):
    """What a buyer's accounts are for; a later version counts for files that come after it."""

    organisation: str = Field(primary_key=True, max_length=9)
    version: int = Field(primary_key=True)
    accounts: list[dict[str, str]] = Field(sa_type=JSON)
    """`[{"account", "framework_agreement", "lot"}]`"""
    recorded_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class SpendFile(Table, table=True):
    """What a file showed. NOK without VAT."""

    __table_args__ = (
        sa.ForeignKeyConstraint(["buyer", "map_version"], ["accountmap.organisation", "accountmap.version"]),
        sa.Index(None, "buyer", "from_on"),
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    buyer: str = Field(max_length=9)
    map_version: int
    from_on: date
    to_on: date
    media_type: str = Field(max_length=100)
    sha256: str = Field(max_length=64)
    rows: int
    total: Decimal = Field(sa_type=MONEY)
    within: Decimal = Field(sa_type=MONEY)
    not_covered: Decimal = Field(sa_type=MONEY)
    replaces_id: int | None = Field(default=None, unique=True, foreign_key="spendfile.id", sa_type=sa.BigInteger)
    recorded_at: datetime = Field(sa_type=INSTANT)


class OutsideBuy(Table, table=True):
    """A line of the file. NOK without VAT."""

    __table_args__ = (sa.Index(None, "framework_id", "bought_on"),)
    file_id: int = Field(primary_key=True, foreign_key="spendfile.id", sa_type=sa.BigInteger)
    row: int = Field(primary_key=True)
    found: Found = Field(sa_type=choice(Found))
    framework_id: int = Field(foreign_key="frameworkagreement.id")
    lot_id: int = Field(foreign_key="lot.id")
    bought_on: date
    supplier: str = Field(max_length=9)
    account: str = Field(max_length=200)
    amount: Decimal = Field(sa_type=MONEY)


@dataclass(frozen=True)
class Sent:
    """A file as it came, and what it is about."""

    buyer: str
    from_on: date
    to_on: date
    media_type: str
    content: bytes


class SpendFileNotFound(NotFound):
    """You have no spend file with this id."""


_ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))")
_TAKEN = sa.text(
    "SELECT f.id, f.uuid FROM spendfile f WHERE f.buyer = :buyer AND f.from_on <= :to_on AND f.to_on >= :from_on "
    "AND NOT EXISTS (SELECT 1 FROM spendfile n WHERE n.replaces_id = f.id) ORDER BY f.id"
)
# The days on which the organisation may call off: by its own accession, or by another's that orders for it. Of two
# rows of that for the same first day the later one holds.
_COVERS = sa.text(
    "WITH may AS (SELECT a.framework_id, a.starts_on AS from_on, a.ends_on AS to_on FROM accession a "
    "WHERE a.number = :buyer AND a.state IN ('active', 'leaving', 'ended') UNION ALL "
    "SELECT a.framework_id, greatest(a.starts_on, c.from_on), least(a.ends_on, c.to_on) FROM accession a JOIN "
    "(SELECT DISTINCT ON (accession_id, from_on) accession_id, from_on, to_on FROM accession_covered "
    "WHERE number = :buyer ORDER BY accession_id, from_on, id DESC) AS c ON c.accession_id = a.id "
    "WHERE a.state IN ('active', 'leaving', 'ended')) "
    "SELECT f.id AS framework_id, l.id AS lot_id, greatest(f.starts_on, may.from_on) AS from_on, "
    "least(f.ends_on, may.to_on) AS to_on, "
    "ARRAY(SELECT p.number FROM place p WHERE p.lot_id = l.id ORDER BY 1) AS suppliers "
    "FROM may JOIN frameworkagreement f ON f.id = may.framework_id JOIN lot l ON l.framework_id = f.id "
    "WHERE f.announced_on IS NOT NULL ORDER BY f.starts_on DESC, l.id, from_on"
)
_ORDERS = sa.text(
    "SELECT framework_id, supplier, min(placed_on) AS first_on FROM calloff WHERE state NOT IN "
    "('draft', 'declined', 'cancelled', 'failed') AND (buyer = :buyer OR id IN (SELECT call_off_id FROM share "
    "WHERE number = :buyer)) GROUP BY 1, 2"
)
_LOTS = sa.text(
    "SELECT f.slug AS framework_agreement, l.slug AS lot, l.id FROM lot l JOIN frameworkagreement f "
    "ON f.id = l.framework_id WHERE f.announced_on IS NOT NULL AND f.slug = ANY(:slugs) ORDER BY l.id"
)


def newest_map(session: Session, organisation: str) -> AccountMap | None:
    query = select(AccountMap).where(col(AccountMap.organisation) == organisation)
    return session.exec(query.order_by(col(AccountMap.version).desc()).limit(1)).one_or_none()


def lots(session: Session, slugs: Sequence[str]) -> dict[tuple[str, str], int]:
    """Keys of announced agreements' lots, by both names."""
    rows = session.execute(_LOTS, {"slugs": list(slugs)})
    return {(row.framework_agreement, row.lot): row.id for row in rows}


def lock(session: Session, organisation: str) -> None:
    """Nobody else sends the same buyer's books until this transaction ends."""
    session.execute(_ONE_AT_A_TIME, {"what": f"spend-file:{organisation}"})


def add_map(session: Session, caller: Caller, accounts: list[dict[str, str]]) -> AccountMap:
    """As the next version; `lock` comes first."""
    last = newest_map(session, caller.organisation)
    row = AccountMap(organisation=caller.organisation, version=last.version + 1 if last else 1, accounts=accounts)
    session.add(row)
    session.flush()
    audit.record(session, caller, "account_map.state", "/account-map", version=row.version, accounts=accounts)
    return row


def taken(session: Session, buyer: str, from_on: date, to_on: date) -> dict[int, str]:
    """Files that stand of some of these days: key and id."""
    given = {"buyer": buyer, "from_on": from_on, "to_on": to_on}
    return {row.id: str(row.uuid) for row in session.execute(_TAKEN, given)}


def is_replaced(session: Session, row: SpendFile) -> bool:
    return session.exec(select(SpendFile.id).where(col(SpendFile.replaces_id) == row.id)).first() is not None


def covers(session: Session, buyer: str) -> list[Cover]:
    """Every lot that it may or might call off from, the newest agreement first, with its places and the buyer's
    orders."""
    orders: dict[int, dict[str, date]] = {}
    for row in session.execute(_ORDERS, {"buyer": buyer}):
        orders.setdefault(row.framework_id, {})[row.supplier] = row.first_on
    return [
        Cover(
            row.framework_id,
            row.lot_id,
            row.from_on,
            row.to_on,
            frozenset(row.suppliers),
            orders.get(row.framework_id, {}),
        )
        for row in session.execute(_COVERS, {"buyer": buyer})
    ]


def judged(
    session: Session,
    sent: Sent,
    mapped: AccountMap,
    lines: Sequence[Line],
    *,
    at: datetime,
    replaces: SpendFile | None = None,
    uuid: UUID | None = None,
) -> tuple[SpendFile, list[Buy]]:
    """What a file shows by an account map; nothing is kept yet."""
    known = lots(session, [one["framework_agreement"] for one in mapped.accounts])
    accounts = {one["account"]: known[one["framework_agreement"], one["lot"]] for one in mapped.accounts}
    buys = judge(lines, accounts, covers(session, sent.buyer))
    file = SpendFile(
        uuid=uuid or new_id(),
        buyer=sent.buyer,
        map_version=mapped.version,
        from_on=sent.from_on,
        to_on=sent.to_on,
        media_type=sent.media_type,
        sha256=hashlib.sha256(sent.content).hexdigest(),
        rows=len(lines),
        total=total(buys, *Found),
        within=total(buys, Found.WITHIN),
        not_covered=total(buys, Found.NOT_COVERED),
        replaces_id=replaces.id if replaces else None,
        recorded_at=at,
    )
    return file, buys


def add(session: Session, caller: Caller | None, file: SpendFile, buys: Sequence[Buy]) -> SpendFile:
    session.add(file)
    session.flush()
    session.add_all(
        OutsideBuy(
            file_id=file.id or 0,
            row=one.row,
            found=one.found,
            framework_id=one.cover.framework_id,
            lot_id=one.cover.lot_id,
            bought_on=one.bought_on,
            supplier=one.supplier,
            account=one.account,
            amount=one.amount,
        )
        for one in buys
        if one.found in LEAKED and one.cover
    )
    session.flush()
    path = f"/spend-files/{file.uuid}"
    audit.record(session, caller, "spend_file.upload", path, sha256=file.sha256, rows=file.rows)
    outside = sum(1 for one in buys if one.found in LEAKED)
    feed.tell(session, "spend_file.compared", path, file.buyer, rows=file.rows, outside=outside)
    return file


def owned(session: Session, uuid: UUID, organisation: str) -> SpendFile:
    query = select(SpendFile).where(col(SpendFile.uuid) == uuid, col(SpendFile.buyer) == organisation)
    found = session.exec(query).one_or_none()
    if found is None:
        raise SpendFileNotFound(f"You have no spend file {uuid}.")
    return found


def page(session: Session, organisation: str, after: UUID | None, limit: int) -> Sequence[SpendFile]:
    """The latest first, one more than `limit`."""
    query = select(SpendFile).where(col(SpendFile.buyer) == organisation)
    if after:
        ended = sa.select(col(SpendFile.id)).where(col(SpendFile.uuid) == after).scalar_subquery()
        query = query.where(col(SpendFile.id) < ended)
    return session.exec(query.order_by(col(SpendFile.id).desc()).limit(limit + 1)).all()


def linked(session: Session, files: Sequence[SpendFile]) -> tuple[dict[int, UUID], dict[int, UUID]]:
    """What each replaces, and what replaces each."""
    ids = [file.id or 0 for file in files]
    here = sa.select(col(SpendFile.id), col(SpendFile.uuid), col(SpendFile.replaces_id))
    later = session.execute(here.where(col(SpendFile.replaces_id).in_(ids))).all()
    named = session.execute(here.where(col(SpendFile.id).in_([file.replaces_id or 0 for file in files]))).all()
    return {row.id: row.uuid for row in named}, {row.replaces_id: row.uuid for row in later}


_MONTHS = sa.text(
    "SELECT o.file_id, to_char(o.bought_on, 'YYYY-MM') AS month, f.slug AS framework_agreement, l.slug AS lot, "
    "o.found, count(*) AS buys, sum(o.amount) AS amount FROM outsidebuy o "
    "JOIN frameworkagreement f ON f.id = o.framework_id "
    "JOIN lot l ON l.id = o.lot_id WHERE o.file_id = ANY(:ids) GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5"
)
_SUMS = sa.text(
    "SELECT to_char(o.bought_on, 'YYYY-MM') AS month, l.slug AS lot, o.found, count(DISTINCT s.buyer) AS buyers, "
    "sum(o.amount) AS amount FROM outsidebuy o JOIN spendfile s ON s.id = o.file_id JOIN lot l ON l.id = o.lot_id "
    "WHERE o.framework_id = :framework AND NOT EXISTS (SELECT 1 FROM spendfile n WHERE n.replaces_id = s.id) "
    "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
)
_LINES = sa.text(
    "SELECT o.row, o.found, f.slug AS framework_agreement, l.slug AS lot, o.bought_on, o.supplier, o.account, o.amount "
    "FROM outsidebuy o JOIN frameworkagreement f ON f.id = o.framework_id JOIN lot l ON l.id = o.lot_id "
    "WHERE o.file_id = :id AND o.row > :after ORDER BY o.row LIMIT :limit"
)


def months(session: Session, file_ids: Sequence[int]) -> dict[int, list[sa.Row[Any]]]:
    """Of each file, by month, lot and what was found."""
    found: dict[int, list[sa.Row[Any]]] = {one: [] for one in file_ids}
    for row in session.execute(_MONTHS, {"ids": list(file_ids)}):
        found[row.file_id].append(row)
    return found


def sums(session: Session, framework_id: int) -> Sequence[sa.Row[Any]]:
    """Of all buyers' files that stand, by month, lot and what was found, with how many buyers."""
    return session.execute(_SUMS, {"framework": framework_id}).all()


def lines(session: Session, file_id: int, after: int, limit: int) -> Sequence[sa.Row[Any]]:
    return session.execute(_LINES, {"id": file_id, "after": after, "limit": limit}).all()
