"""Balances and entries as they are kept. NOK without VAT; a balance with an item counts in that item's unit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.agreements.db import Table
from services.agreements.ledger.rules import VALUE, CeilingExceeded, Kind, Moved, Scope, Z, exceeded
from services.chassis.db import INSTANT, MONEY, choice
from services.chassis.problems import refuse
from services.chassis.values import new_id


class Balance(Table, table=True):
    """The running sums under one ceiling. NULL is no ceiling, 0 allows nothing. Without an item it is NOK, and one
    stands for every agreement, lot, place and participant; with one it is a quantity, and stands where a maximum
    quantity was announced."""

    __table_args__ = (
        sa.CheckConstraint("ceiling IS NULL OR reserved + posted <= ceiling", name="ceiling_holds"),
        sa.CheckConstraint("reserved >= 0 AND posted >= 0", name="never_negative"),
        sa.UniqueConstraint("scope", "subject_id", "item"),
    )
    id: int | None = Field(default=None, primary_key=True)
    scope: Scope = Field(sa_type=choice(Scope))
    subject_id: int
    """The row of the agreement, lot, place (supplier) or participant (buyer)."""
    item: str = Field(default=VALUE, max_length=80)
    ceiling: Decimal | None = Field(default=None, sa_type=MONEY)
    reserved: Decimal = Field(default=Z, sa_type=MONEY)
    posted: Decimal = Field(default=Z, sa_type=MONEY)


class Entry(Table, table=True):
    """One movement: signed, never edited; a mistake is corrected by another entry, once."""

    __table_args__ = (
        sa.CheckConstraint("NOT back_dated OR back_dating_reason IS NOT NULL", name="past_has_reason"),
        sa.Index("ix_entry_framework_id_effective_on", "framework_id", "effective_on"),
        sa.Index("ix_entry_buyer_effective_on", "buyer", "effective_on"),
        sa.Index("ix_entry_supplier_effective_on", "supplier", "effective_on"),
        # Entries come almost in the order of their days: a summary of blocks is as good as a tree, and costs nothing.
        sa.Index("ix_entry_effective_on", "effective_on", postgresql_using="brin"),
        sa.Index(
            "uq_entry_reverses_id", "reverses_id", unique=True, postgresql_where=sa.text("reverses_id IS NOT NULL")
        ),
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    uuid: UUID = Field(unique=True, sa_column_kwargs={"server_default": sa.text("gen_random_uuid()")})
    kind: Kind = Field(sa_type=choice(Kind))
    framework_id: int
    lot_id: int
    place_id: int
    participant_id: int
    call_off_id: int = Field(index=True, sa_type=sa.BigInteger)
    buyer: str = Field(max_length=9)
    supplier: str = Field(max_length=9)
    reserved: Decimal = Field(sa_type=MONEY)
    posted: Decimal = Field(sa_type=MONEY)
    cause: str = Field(max_length=80)
    effective_on: date
    back_dated: bool = False
    back_dating_reason: str | None = Field(default=None, max_length=2000)
    """Why it takes effect on a day before it was recorded."""
    reason: str | None = Field(default=None, max_length=2000)
    reverses_id: int | None = Field(default=None, sa_type=sa.BigInteger)
    recorded_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs={"server_default": sa.func.clock_timestamp()})


class EntryLine(Table, table=True):
    """An entry by item; the entry's amounts are the sums of its lines'."""

    entry_id: int = Field(primary_key=True, foreign_key="entry.id", sa_type=sa.BigInteger)
    position: int = Field(primary_key=True)
    item: str = Field(max_length=80)
    product: str | None = Field(default=None, max_length=80)
    component: str | None = Field(default=None, max_length=80)
    quantity_reserved: int
    quantity_posted: int
    reserved: Decimal = Field(sa_type=MONEY)
    posted: Decimal = Field(sa_type=MONEY)


@dataclass(frozen=True)
class Account:
    """Whose money moves, and under which ceilings."""

    framework_id: int
    lot_id: int
    place_id: int
    participant_id: int
    call_off_id: int
    buyer: str
    supplier: str

    def subjects(self) -> dict[Scope, int]:
        return {
            Scope.FRAMEWORK_AGREEMENT: self.framework_id,
            Scope.LOT: self.lot_id,
            Scope.SUPPLIER: self.place_id,
            Scope.BUYER: self.participant_id,
        }


@dataclass(frozen=True)
class Room:
    """What is taken and left under one ceiling."""

    ceiling: Decimal | None
    reserved: Decimal
    posted: Decimal

    @property
    def left(self) -> Decimal | None:
        return None if self.ceiling is None else self.ceiling - self.reserved - self.posted


_GUARD = (
    "EXISTS (SELECT 1 FROM frameworkagreement WHERE id = :framework_agreement AND state = 'active') "
    "AND EXISTS (SELECT 1 FROM place WHERE id = :supplier AND state = 'active') "
    "AND EXISTS (SELECT 1 FROM accession WHERE participant_id = :buyer AND state IN ('active', 'leaving'))"
)


def _level(scope: Scope, before: Scope | None) -> str:
    """A step of the statement below: it needs the step before it to have gone through."""
    behind = f"EXISTS (SELECT 1 FROM {before.value})" if before else f"(NOT :guarded OR ({_GUARD}))"  # noqa: S608  # ours
    return f"""{scope.value} AS (
        UPDATE balance SET reserved = reserved + :reserved, posted = posted + :posted
         WHERE scope = '{scope.value}' AND subject_id = :{scope.value} AND item = ''
           AND (ceiling IS NULL OR :reserved + :posted <= 0 OR reserved + posted + :reserved + :posted <= ceiling)
           AND {behind} RETURNING 1)"""  # noqa: S608  # ours


_COUNTED = " OR ".join(
    f"(scope = '{scope.value}' AND subject_id = :{scope.value} AND item = ANY(:items))" for scope in Scope
)
_SCOPES = list(Scope)
# One statement tests all ceilings and takes from all, agreement before lot before supplier before buyer: each UPDATE
# needs the one before it. Guarded, it also sees that agreement, place and accession are still open, so that a
# suspension between the reading of the terms and this moment is not passed by. Run it last in its transaction: its row
# locks are what other call-offs wait for.
_LEVELS = ", ".join(_level(scope, before) for scope, before in zip(_SCOPES, [None, *_SCOPES], strict=False))
_WENT = ", ".join(f"(SELECT count(*) FROM {scope.value}) AS {scope.value}" for scope in _SCOPES)  # noqa: S608  # ours
MOVE = sa.text(
    f"WITH {_LEVELS} SELECT {_WENT}, EXISTS (SELECT 1 FROM balance WHERE {_COUNTED}) AS counted"  # noqa: S608  # ours
)
_MOVE_ITEM = sa.text(
    "UPDATE balance SET reserved = reserved + :reserved, posted = posted + :posted "
    "WHERE id = :id AND (ceiling IS NULL OR :reserved + :posted <= 0 "
    "OR reserved + posted + :reserved + :posted <= ceiling) RETURNING 1"
)
_ITEMS = sa.text(f"SELECT id, scope, item FROM balance WHERE {_COUNTED}")  # noqa: S608  # nothing from outside
_ENTRY = sa.insert(Entry.__table__).returning(col(Entry.id))  # type: ignore[attr-defined]  # SQLModel adds it
_LINES = sa.insert(EntryLine.__table__)  # type: ignore[attr-defined]  # SQLModel adds it


def open_balance(session: Session, scope: Scope, subject_id: int, ceiling: Decimal | None, item: str = VALUE) -> None:
    session.add(Balance(scope=scope, subject_id=subject_id, ceiling=ceiling, item=item))
    session.flush()


def reserve(session: Session, account: Account, lines: Sequence[Moved], on: date, cause: str = "reserve") -> bool:
    """Take `lines` under every ceiling, or raise CeilingExceeded with all that are; False when agreement, place or
    accession is no longer open."""
    enter(session, account, Kind.RESERVE, lines, on, cause)
    return _move(session, account, lines, guarded=True)


def move(
    session: Session,
    account: Account,
    kind: Kind,
    lines: Iterable[Moved],
    on: date,
    cause: str,
    *,
    reason: str | None = None,
    back_dating_reason: str | None = None,
    reverses_id: int | None = None,
    uuid: UUID | None = None,
) -> int | None:
    """Any other movement: more must pass every ceiling, less always may. Nothing is entered when nothing moves. With a
    reason for back-dating it is flagged. → the entry"""
    moved = [line for line in lines if not line.empty]
    if not moved:
        return None
    entry_id = enter(
        session,
        account,
        kind,
        moved,
        on,
        cause,
        reason=reason,
        back_dating_reason=back_dating_reason,
        reverses_id=reverses_id,
        uuid=uuid,
    )
    _move(session, account, moved, guarded=False)
    return entry_id


def held(session: Session, call_off_id: int) -> list[Moved]:
    """What a call-off has reserved and posted now, by item: the sum of its entries."""
    rows = session.execute(_HELD, {"call_off_id": call_off_id})
    return [Moved(**row._mapping) for row in rows]


_HELD = sa.text(
    "SELECT l.item, l.product, l.component, CAST(sum(l.quantity_reserved) AS integer) AS quantity_reserved, "
    "CAST(sum(l.quantity_posted) AS integer) AS quantity_posted, sum(l.reserved) AS reserved, sum(l.posted) AS posted "
    "FROM entry e JOIN entryline l ON l.entry_id = e.id WHERE e.call_off_id = :call_off_id "
    "GROUP BY l.item, l.product, l.component ORDER BY l.item, l.product"
)


def room(session: Session, scope: Scope, subject_ids: Sequence[int]) -> dict[int, Room]:
    """NOK by subject."""
    rows = session.execute(
        select(col(Balance.subject_id), col(Balance.ceiling), col(Balance.reserved), col(Balance.posted)).where(
            col(Balance.scope) == scope, col(Balance.subject_id).in_(subject_ids), col(Balance.item) == VALUE
        )
    )
    return {row.subject_id: Room(row.ceiling, row.reserved, row.posted) for row in rows}


def quantity_room(session: Session, scope: Scope, subject_id: int) -> dict[str, Room]:
    """Quantities by item, where a maximum was announced."""
    rows = session.execute(
        select(col(Balance.item), col(Balance.ceiling), col(Balance.reserved), col(Balance.posted))
        .where(col(Balance.scope) == scope, col(Balance.subject_id) == subject_id, col(Balance.item) != VALUE)
        .order_by(col(Balance.item))
    )
    return {row.item: Room(row.ceiling, row.reserved, row.posted) for row in rows}


@dataclass(frozen=True)
class Unproven:
    """A balance that is not the sum of its entries, and by how much it is more; nought when it is, but an entry under
    it is not the sum of its lines. `lot` and `organisation` are None where its level has none, `item` is empty for
    NOK."""

    scope: Scope
    framework_agreement: str
    lot: str | None
    organisation: str | None
    item: str
    reserved: Decimal
    posted: Decimal


def unproven(session: Session, owner: str | None = None, framework: str | None = None) -> list[Unproven]:
    """The proof that balances are the sums of their entries, and entries of their lines: every balance for which that
    is not so, as of one moment. With `owner` under its agreements only, with `framework` under that one only."""
    rows = session.execute(_UNPROVEN, {"owner": owner, "framework": framework})
    return [Unproven(**{**row._mapping, "scope": Scope(row.scope)}) for row in rows]


def counted(session: Session, owner: str | None = None, framework: str | None = None) -> tuple[int, int]:
    """How many balances the proof looks at, and how many entries."""
    row = session.execute(_COUNTS, {"owner": owner, "framework": framework}).one()
    return row.balances, row.entries


_SUBJECTS = """
    owned AS (
        SELECT id, slug FROM frameworkagreement
         WHERE (CAST(:owner AS text) IS NULL OR owner_number = :owner)
           AND (CAST(:framework AS text) IS NULL OR slug = :framework)
    ), subject AS (
        SELECT 'framework_agreement' AS scope, f.id, f.slug, NULL AS lot, NULL AS organisation FROM owned f
        UNION ALL SELECT 'lot', l.id, f.slug, l.slug, NULL FROM owned f JOIN lot l ON l.framework_id = f.id
        UNION ALL SELECT 'supplier', p.id, f.slug, l.slug, p.number
          FROM owned f JOIN lot l ON l.framework_id = f.id JOIN place p ON p.lot_id = l.id
        UNION ALL SELECT 'buyer', p.id, f.slug, NULL, p.number FROM owned f JOIN participant p ON p.framework_id = f.id
    )"""
_KEYS = (
    "CROSS JOIN LATERAL (VALUES ('framework_agreement', e.framework_id), ('lot', e.lot_id), ('supplier', e.place_id), "
    "('buyer', e.participant_id)) AS k (scope, subject_id)"
)
# Added up by account first, of which there are few, and only then by level. A level without any balance is as wrong as
# one with another sum.
_UNPROVEN = sa.text(
    f"""
    WITH {_SUBJECTS}, line AS (
        SELECT l.entry_id, sum(l.reserved) AS reserved, sum(l.posted) AS posted
          FROM owned f JOIN entry e ON e.framework_id = f.id JOIN entryline l ON l.entry_id = e.id GROUP BY l.entry_id
    ), account AS (
        SELECT e.framework_id, e.lot_id, e.place_id, e.participant_id, '' AS item, sum(e.reserved) AS reserved,
               sum(e.posted) AS posted,
               bool_and(e.reserved = coalesce(l.reserved, 0) AND e.posted = coalesce(l.posted, 0)) AS agrees
          FROM owned f JOIN entry e ON e.framework_id = f.id LEFT JOIN line l ON l.entry_id = e.id GROUP BY 1, 2, 3, 4
        UNION ALL
        SELECT e.framework_id, e.lot_id, e.place_id, e.participant_id, l.item, sum(l.quantity_reserved),
               sum(l.quantity_posted), true
          FROM owned f JOIN entry e ON e.framework_id = f.id JOIN entryline l ON l.entry_id = e.id
         WHERE l.item IN (SELECT item FROM balance WHERE item <> '') GROUP BY 1, 2, 3, 4, 5
    ), sums AS (
        SELECT k.scope, k.subject_id, e.item, sum(e.reserved) AS reserved, sum(e.posted) AS posted,
               bool_and(e.agrees) AS agrees
          FROM account e {_KEYS} GROUP BY k.scope, k.subject_id, e.item
    )
    SELECT o.scope, o.slug AS framework_agreement, o.lot, o.organisation, coalesce(b.item, '') AS item,
           coalesce(b.reserved, 0) - coalesce(s.reserved, 0) AS reserved,
           coalesce(b.posted, 0) - coalesce(s.posted, 0) AS posted
      FROM subject o LEFT JOIN balance b ON b.scope = o.scope AND b.subject_id = o.id
      LEFT JOIN sums s ON s.scope = o.scope AND s.subject_id = o.id AND s.item = coalesce(b.item, '')
     WHERE b.id IS NULL OR b.reserved <> coalesce(s.reserved, 0) OR b.posted <> coalesce(s.posted, 0)
        OR NOT coalesce(s.agrees, true)
     ORDER BY o.slug, b.id
    """  # noqa: S608  # nothing from outside stands in it
)
_COUNTS = sa.text(
    f"WITH {_SUBJECTS} SELECT (SELECT count(*) FROM subject o JOIN balance b ON b.scope = o.scope "  # noqa: S608  # ours
    "AND b.subject_id = o.id) AS balances, (SELECT count(*) FROM owned f JOIN entry e ON e.framework_id = f.id) "
    "AS entries"
)


def enter(
    session: Session,
    account: Account,
    kind: Kind,
    lines: Sequence[Moved],
    on: date,
    cause: str,
    *,
    reason: str | None = None,
    back_dating_reason: str | None = None,
    reverses_id: int | None = None,
    uuid: UUID | None = None,
) -> int:
    """The entry with its lines, without the balances."""
    entry_id = session.execute(
        _ENTRY,
        {
            "kind": kind,
            "framework_id": account.framework_id,
            "lot_id": account.lot_id,
            "place_id": account.place_id,
            "participant_id": account.participant_id,
            "call_off_id": account.call_off_id,
            "buyer": account.buyer,
            "supplier": account.supplier,
            "reserved": sum((line.reserved for line in lines), Z),
            "posted": sum((line.posted for line in lines), Z),
            "cause": cause,
            "effective_on": on,
            "back_dated": back_dating_reason is not None,
            "back_dating_reason": back_dating_reason,
            "reason": reason,
            "reverses_id": reverses_id,
            "uuid": uuid or new_id(),
        },
    ).scalar_one()
    session.execute(
        _LINES,
        [
            {
                "entry_id": entry_id,
                "position": position,
                "item": line.item,
                "product": line.product,
                "component": line.component,
                "quantity_reserved": line.quantity_reserved,
                "quantity_posted": line.quantity_posted,
                "reserved": line.reserved,
                "posted": line.posted,
            }
            for position, line in enumerate(lines, 1)
        ],
    )
    return int(entry_id)


def _move(session: Session, account: Account, lines: Sequence[Moved], *, guarded: bool) -> bool:
    subjects = {scope.value: subject for scope, subject in account.subjects().items()}
    reserved, posted = sum((line.reserved for line in lines), Z), sum((line.posted for line in lines), Z)
    named: dict[str, object] = subjects | {"items": [line.item for line in lines]}
    taken = session.execute(MOVE, named | {"reserved": reserved, "posted": posted, "guarded": guarded}).one()
    through = [scope for scope in Scope if getattr(taken, scope.value)]
    refusals = [] if len(through) == len(Scope) else _exceeded(session, account, reserved + posted, through)
    if not refusals and len(through) < len(Scope):
        if guarded:
            return False
        raise AssertionError(f"no balance to move: {subjects}")
    if taken.counted:
        refusals += _move_items(session, named, lines)
    refuse(refusals)
    return True


def _move_items(session: Session, named: dict[str, object], lines: Sequence[Moved]) -> list[CeilingExceeded]:
    """Every maximum quantity that is exceeded."""
    sums: dict[str, tuple[int, int]] = {}
    for line in lines:
        reserved, posted = sums.get(line.item, (0, 0))
        sums[line.item] = (reserved + line.quantity_reserved, posted + line.quantity_posted)
    balances = session.execute(_ITEMS, named).all()
    found: list[CeilingExceeded] = []
    for one in sorted(balances, key=lambda row: (_SCOPES.index(Scope(row.scope)), row.id)):
        reserved, posted = sums[one.item]
        if not session.execute(_MOVE_ITEM, {"id": one.id, "reserved": reserved, "posted": posted}).first():
            here = session.execute(select(Balance).where(col(Balance.id) == one.id)).scalar_one()
            assert here.ceiling is not None
            asked = Decimal(reserved + posted)
            found.append(exceeded(here.scope, here.ceiling, here.reserved, here.posted, asked, one.item))
    return found


def _exceeded(session: Session, account: Account, value: Decimal, through: list[Scope]) -> list[CeilingExceeded]:
    """Every ceiling that the value does not fit under. What came through is still in this transaction, with the value
    in its balance: it is not asked again."""
    found: list[CeilingExceeded] = []
    for scope, subject in account.subjects().items():
        here = room(session, scope, [subject])[subject]
        if scope not in through and here.ceiling is not None and here.reserved + here.posted + value > here.ceiling:
            found.append(exceeded(scope, here.ceiling, here.reserved, here.posted, value))
    return found
