"""Status lists as each process holds them: built from every certificate's history, kept up with what the database says
has changed, and signed when something has.

Before every answer the database is asked what has changed since the last one (one short query), so that no process ever
answers with a list that is older than the question. What changes by the date alone is known ahead, place by place.
"""

import asyncio
import gzip
import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlmodel import Session

from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import Event, EventKind, History, Validity, standing
from services.catalog.credentials import rules as credentials
from services.catalog.signing_keys import store as signing_keys
from services.catalog.signing_keys.store import Held, Keyring
from services.catalog.status_lists import rules
from services.chassis import clock
from services.chassis.db import Database
from services.chassis.problems import NotFound, Unavailable

TYPE = "statuslist+jwt"
TTL_SECONDS = 1
"""How long a reader may go on with what it has without asking again: a withdrawal counts at once."""
SIGNED_ANEW = 24
"""A list that nothing happens to is signed anew so many times in its life, so that there is always most of it left."""
AT_ONCE = 1_000
"""Histories that are in memory at a time."""
MANY = 5_000
"""When so many certificates change on one day, everything is built anew, which is faster."""
MOST_PAST, MOST_WAITING = 16, 2
NEVER = 2**31 - 1
NEVER_YET = 2**62
"""A mark that no transaction has reached: when everything is built anew, only the next mark is asked for."""

_CHANGED = """
    SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) AS mark,
           ARRAY(SELECT certificate_id FROM certificate_change WHERE xact >= {mark} ORDER BY certificate_id) AS ids,
           ARRAY(SELECT xact FROM certificate_change WHERE xact >= {mark} ORDER BY certificate_id) AS xacts
"""
"""What `certificates.store.changed_since` asks, in one statement and so in one snapshot, with the transactions."""
_CHANGED_HOT = _CHANGED.format(mark="$1")
_CHANGED_AGAIN = sa.text(_CHANGED.format(mark=":mark"))
_PLACES = sa.text("SELECT position, certificate_id, fingerprint FROM credential WHERE certificate_id = ANY(:ids)")
_QUIET = """
    NOT EXISTS (SELECT 1 FROM certificate_event o WHERE o.certificate_id = k.certificate_id AND o.kind <> 'granted')
    AND NOT EXISTS (SELECT 1 FROM certificate_condition o WHERE o.certificate_id = k.certificate_id)
"""
_ALIKE = sa.text(
    f"""
    SELECT c.valid_from_on, c.valid_to_on, e.effective_on, min(e.recorded_at) AS recorded_at,
           array_agg(k.position ORDER BY k.position) AS positions, array_agg(c.id ORDER BY k.position) AS owners
      FROM credential k
      JOIN certificate c ON c.id = k.certificate_id
      JOIN certificate_event e ON e.certificate_id = c.id
     WHERE k.position BETWEEN :first AND :last AND e.recorded_at <= :known_at AND {_QUIET}
     GROUP BY c.valid_from_on, c.valid_to_on, e.effective_on
    """  # noqa: S608  # put together from our own constants only
)
_OTHERS = sa.text(
    f"""
    SELECT DISTINCT k.certificate_id FROM credential k
     WHERE k.position BETWEEN :first AND :last AND NOT ({_QUIET}) ORDER BY k.certificate_id
    """  # noqa: S608  # put together from our own constants only
)
_LAST = "SELECT max(position) AS position FROM credential"


_Place = tuple[int, int, str | None]
"""Its position, the certificate's key, and what the token in it claims."""


class StatusListNotFound(NotFound):
    """There is no such status list."""


class TimeNotServed(NotFound):
    """There is no status list of that time."""


class PastTooBusy(Unavailable):
    """Too many lists of the past are being built just now."""


@dataclass(frozen=True)
class Signed:
    """A status list as it is sent. `gzipped` is the same for those who accept it."""

    token: bytes
    gzipped: bytes
    etag: str
    kid: str
    renew_at: datetime


@dataclass
class _List:
    """Two bits for each place; beside them whose it is, and the next day on which time alone may change it."""

    packed: bytearray = field(default_factory=bytearray)
    owners: "array[int]" = field(default_factory=lambda: array("i"))
    turns: "array[int]" = field(default_factory=lambda: array("i"))

    def grow(self, index: int) -> bool:
        """→ whether it had to, for this place"""
        missing = index + 1 - len(self.owners)
        if missing <= 0:
            return False
        self.owners.extend([0] * missing)
        self.turns.extend([NEVER] * missing)
        self.packed.extend([rules.NONE] * (-(-len(self.owners) * rules.BITS // 8) - len(self.packed)))
        return True


@dataclass
class _Memory:
    """All lists on one database, as of a day and a mark."""

    lists: dict[int, _List] = field(default_factory=dict)
    signed: dict[int, Signed] = field(default_factory=dict)
    past: OrderedDict[tuple[int, int, str], Signed] = field(default_factory=OrderedDict)
    day: date | None = None
    mark: int = 0
    seen: dict[int, int] = field(default_factory=dict)
    """Of the changes since the mark those that are in the lists already, by certificate: the transaction."""
    building: asyncio.Lock = field(default_factory=asyncio.Lock)
    looking_back: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0

    def news(self, changed: Any) -> list[int]:
        return [id for id, xact in zip(changed.ids, changed.xacts, strict=True) if self.seen.get(id) != xact]


class Lists:
    """A process's status lists."""

    def __init__(self, keyring: Keyring, issuer: str, *, lives: timedelta) -> None:
        self._keyring, self._issuer, self._lives = keyring, issuer, lives
        self._memories: WeakKeyDictionary[Database, _Memory] = WeakKeyDictionary()

    async def current(self, database: Database, number: int, now: datetime) -> Signed:
        """A list as of now. Building, packing and signing are done in a thread, one at a time."""
        held = self._keyring.signing(now)
        memory = self._memories.setdefault(database, _Memory())
        if memory.day == clock.on(now):
            (changed,) = await database.hot(_CHANGED_HOT, memory.mark)
            if not memory.news(changed) and (ready := _ready(memory, number, held, now)):
                return ready
        async with memory.building:
            return await asyncio.to_thread(self._catch_up, database, memory, number, held, now)

    async def at(self, database: Database, number: int, instant: datetime, now: datetime) -> Signed:
        """A list as it was known at an instant, of that instant's day. It never changes, whatever is recorded later."""
        if instant > now:
            raise TimeNotServed("That time has not come yet.")
        held = self._keyring.signing(now)
        memory = self._memories.setdefault(database, _Memory())
        key = number, int(instant.timestamp()), held.key.kid
        if key in memory.past:
            return memory.past[key]
        if memory.waiting >= MOST_WAITING:
            raise PastTooBusy
        memory.waiting += 1
        try:
            async with memory.looking_back:
                found = memory.past.get(key)
                if found is None:
                    found = await asyncio.to_thread(self._past, database, number, held, instant)
        finally:
            memory.waiting -= 1
        memory.past[key] = found
        while len(memory.past) > MOST_PAST:
            memory.past.popitem(last=False)
        return found

    async def uris(self, database: Database) -> list[str]:
        (row,) = await database.hot(_LAST)
        last = credentials.place(row.position)[0] if row.position is not None else 0
        return [credentials.list_uri(self._issuer, number) for number in range(1, last + 1)]

    def _catch_up(self, database: Database, memory: _Memory, number: int, held: Held, now: datetime) -> Signed:
        day = clock.on(now)
        if memory.day is not None and day < memory.day <= day + timedelta(days=1):
            day = memory.day  # asked before midnight, answered after it
        with database.reading() as session:
            whole = memory.day is None or day < memory.day
            changed = session.execute(_CHANGED_AGAIN, {"mark": NEVER_YET if whole else memory.mark}).one()
            ids = set(memory.news(changed))
            if memory.day is not None and day > memory.day:
                ids |= _turning(memory, day)
            if whole or len(ids) > MANY:
                memory.lists, memory.signed = _built(session, day), {}
            else:
                for history, places in _histories(session, sorted(ids)):
                    for touched in _taken_over(memory.lists, history, places, day):
                        memory.signed.pop(touched, None)
            memory.day, memory.mark = day, changed.mark
            memory.seen = dict(zip(changed.ids, changed.xacts, strict=True))
        if number not in memory.lists:
            raise StatusListNotFound(f"There are {len(memory.lists)}.")
        ready = _ready(memory, number, held, now)
        if ready is None:
            ready = memory.signed[number] = self._sign(number, memory.lists[number].packed, held, now)
        return ready

    def _past(self, database: Database, number: int, held: Held, instant: datetime) -> Signed:
        return self._sign(number, _at(database, number, instant), held, instant)

    def _sign(self, number: int, packed: bytes | bytearray, held: Held, at: datetime) -> Signed:
        issued = int(at.timestamp())
        claims = {
            "iss": self._issuer,
            "sub": credentials.list_uri(self._issuer, number),
            "iat": issued,
            "exp": issued + int(self._lives.total_seconds()),
            "ttl": TTL_SECONDS,
            "status_list": {
                "bits": rules.BITS,
                "lst": rules.encode(packed),
                "aggregation_uri": f"{self._issuer}/status-lists",
            },
        }
        token = signing_keys.sign(held, TYPE, claims).encode()
        return Signed(
            token,
            gzip.compress(token, 9, mtime=0),
            hashlib.sha256(token).hexdigest()[:32],
            held.key.kid,
            at + self._lives / SIGNED_ANEW,
        )


def _ready(memory: _Memory, number: int, held: Held, now: datetime) -> Signed | None:
    signed = memory.signed.get(number)
    return signed if signed and signed.kid == held.key.kid and now < signed.renew_at else None


def _turning(memory: _Memory, day: date) -> set[int]:
    """The certificates whose status may change by the date alone, between the day of the lists and this one."""
    until = day.toordinal()
    return {one.owners[index] for one in memory.lists.values() for index, turn in enumerate(one.turns) if turn <= until}


def _taken_over(lists: dict[int, _List], history: History, places: Iterable[_Place], day: date) -> Iterator[int]:
    """Put what a history is worth on a day in its places. → the number of each list that is another now"""
    stands = standing(history, day, credentials.EVER)
    assert stands, "every certificate begins with its grant"
    value, turn = rules.of_standing(stands), rules.next_turn(history, day)
    ordinal = turn.toordinal() if turn else NEVER
    for position, owner, claimed in places:
        number, index = credentials.place(position)
        one = lists.setdefault(number, _List())
        grown = one.grow(index)
        one.owners[index], one.turns[index] = owner, ordinal
        counts = claimed is None or claimed == credentials.fingerprint(stands)
        if rules.put(one.packed, index, value if counts else rules.Value.INVALID) or grown:
            yield number


def _built(session: Session, day: date) -> dict[int, _List]:
    """All lists as of a day."""
    lists: dict[int, _List] = {}
    last = session.execute(sa.text(_LAST)).scalar_one_or_none()
    for number in range(1, 1 if last is None else credentials.place(last)[0] + 1):
        for history, places in _everything(session, number, credentials.EVER):
            for _ in _taken_over(lists, history, places, day):
                pass
    return lists


def _everything(session: Session, number: int, known_at: datetime) -> Iterator[tuple[History, Iterable[_Place]]]:
    """The histories of all that has a place in a list. Most certificates have only been granted; of these, those with
    the same days are worth the same, whatever else tells them apart, and come together as one history. What one of them
    claims in a token can be nothing else than what it was granted for."""
    first = (number - 1) * credentials.SIZE
    bounds = {"first": first, "last": first + credentials.SIZE - 1}
    for row in session.execute(_ALIKE, {**bounds, "known_at": known_at}):
        granted = Event(EventKind.GRANTED, row.effective_on, row.recorded_at)
        history = History([granted], Validity(row.valid_from_on, row.valid_to_on))
        yield history, ((position, owner, None) for position, owner in zip(row.positions, row.owners, strict=True))
    yield from _histories(session, session.execute(_OTHERS, bounds).scalars().all())


def _histories(session: Session, ids: Sequence[int]) -> Iterator[tuple[History, list[_Place]]]:
    """Each certificate's history with its places, a bounded number at a time."""
    for first in range(0, len(ids), AT_ONCE):
        some = ids[first : first + AT_ONCE]
        places: dict[int, list[_Place]] = {id: [] for id in some}
        for row in session.execute(_PLACES, {"ids": list(some)}):
            places[row.certificate_id].append((row.position, row.certificate_id, row.fingerprint))
        for id, history in certificates.histories(session, some).items():
            yield history, places[id]


def _at(database: Database, number: int, instant: datetime) -> bytes:
    day = clock.on(instant)
    one = _List()
    with database.reading() as session:
        last = session.execute(sa.text(_LAST)).scalar_one_or_none()
        if last is None or number > credentials.place(last)[0]:
            raise StatusListNotFound
        for history, places in _everything(session, number, instant):
            stands = standing(history, day, instant)
            if stands is None:
                continue
            value = rules.of_standing(stands)
            for position, _, claimed in places:
                where, index = credentials.place(position)
                if where == number:
                    one.grow(index)
                    counts = claimed is None or claimed == credentials.fingerprint(stands)
                    rules.put(one.packed, index, value if counts else rules.Value.INVALID)
    if not one.packed:
        raise TimeNotServed("Nothing in this list had been granted by then.")
    return bytes(one.packed)
