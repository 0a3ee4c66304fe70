"""What verification asks of the database, and what each process remembers of it.

Every certificate that has been asked about is kept in some 600 bytes, with its whole history, and every question with
the bytes of its answer. PostgreSQL notifies what changes; while it cannot be heard, nothing is taken from memory.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import SimpleNamespace
from typing import Any, Literal

import orjson
import sqlalchemy as sa
from fastapi.concurrency import run_in_threadpool

from services.catalog.certificates import rules as certification
from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import SubjectKind
from services.catalog.verifications.rules import Assurance, Held, Question, concerns
from services.chassis.db import Database
from services.chassis.listening import Listener

CHANNEL = "verification"
"""Payloads are tokens with blanks between: `p` and a product's internal key, `h` and a holder's, `c` and a
certificate's number; `o` organisations, `s` specifications, `*` anything. Triggers send them."""
ANYTHING, SPECIFICATIONS = "*", "s"
CERTIFICATES_AT_MOST = 150_000
ANSWER_BYTES_AT_MOST = 16 * 1024 * 1024
READ_AT_ONCE = 50
"""Products, firms or certificates: what is read at once takes many times the memory that is kept of it."""

Key = tuple[Literal["product", "supplier", "certificate"], str]

_CERTIFICATE = f"""
       c.number, c.subject_kind, c.role, c.profile, c.specification_version_id, s.slug AS specification,
       v.label AS specification_version, CASE WHEN c.product_id IS NULL THEN h.organisation_number END AS holder,
       CASE WHEN c.product_id IS NULL AND NOT EXISTS (
                 SELECT 1 FROM succession n WHERE n.predecessor_id = h.id AND n.kind = 'continued')
            THEN h.existed_to_on END AS holder_ends_on,
       (SELECT row_to_json(w) FROM (SELECT {certificates.HISTORY}) AS w) AS history,
       (SELECT json_build_array(count(*),
                                count(*) FILTER (WHERE fine AND assurance = 'third_party'),
                                count(*) FILTER (WHERE fine AND assurance = 'self_declared'))
          FROM (SELECT DISTINCT ON (r.requirement_id) r.assurance, r.outcome IN ('met', 'not_relevant') AS fine
                  FROM result r JOIN requirement q ON q.id = r.requirement_id
                 WHERE r.certificate_id = c.id AND q.obligation = 'must'
                 ORDER BY r.requirement_id, r.recorded_at DESC, r.id DESC) AS newest) AS assurance
"""  # noqa: S608  # put together from our own constants only, as all below
_JOINED = """
      LEFT JOIN organisation h ON h.id = c.holder_id
      LEFT JOIN specificationversion v ON v.id = c.specification_version_id
      LEFT JOIN specification s ON s.id = v.specification_id
"""
_ASKED = {
    "product": f"""
    SELECT p.slug AS key, p.slug AS product, p.version AS current_version, NULL AS serves_from_on,
           ARRAY['p' || p.id] AS tokens, {_CERTIFICATE}
      FROM product p LEFT JOIN certificate c ON c.product_id = p.id {_JOINED}
     WHERE p.slug = ANY($1) ORDER BY c.number
    """,  # noqa: S608
    "certificate": f"""
    SELECT c.number AS key, p.slug AS product, p.version AS current_version, NULL AS serves_from_on,
           ARRAY['c' || c.number, 'p' || p.id, 'o'] AS tokens, {_CERTIFICATE}
      FROM certificate c LEFT JOIN product p ON p.id = c.product_id {_JOINED}
     WHERE c.number = ANY($1)
    """,  # noqa: S608
    # A firm that carries on under a new registration is the same one; one that took another over was not certified.
    "supplier": f"""
    WITH RECURSIVE own (key, id, since) AS (
        SELECT organisation_number, id, CAST(NULL AS date) FROM organisation WHERE organisation_number = ANY($1)
         UNION
        SELECT own.key, n.predecessor_id, GREATEST(own.since, n.effective_on)
          FROM own JOIN succession n ON n.successor_id = own.id AND n.kind = 'continued')
    SELECT own.key, NULL AS product, NULL AS current_version, own.since AS serves_from_on,
           ARRAY['h' || own.id, 'o'] AS tokens, {_CERTIFICATE}
      FROM own LEFT JOIN certificate c ON c.holder_id = own.id AND c.product_id IS NULL {_JOINED}
     ORDER BY c.number
    """,  # noqa: S608
}
_CHANGED = """
    SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) AS mark,
           ARRAY(SELECT concat_ws(' ', 'p' || c.product_id, 'h' || c.holder_id, 'c' || c.number)
                   FROM certificate_change g JOIN certificate c ON c.id = g.certificate_id
                  WHERE g.xact >= $1) AS tokens
"""
_SPECIFICATIONS = sa.text(
    "SELECT s.slug, v.id FROM specification s LEFT JOIN specificationversion v ON v.specification_id = s.id"
)
_PROFILES = sa.text("SELECT version_id, slug FROM specificationversion_profile")


@dataclass(frozen=True, slots=True)
class Specifications:
    """What is known of them: their names, and what was told about each version, and its profiles, by internal key."""

    slugs: frozenset[str]
    told: Mapping[int, Sequence[certification.Told]]
    profiles: Mapping[int, Collection[str]]


@dataclass(frozen=True, slots=True)
class Kept:
    """A certificate, small: its history stays packed until somebody asks."""

    number: str
    subject_kind: str
    holder: str | None
    role: str | None
    specification: str
    specification_version: str
    version_id: int
    profile: str | None
    serves_from_on: date | None
    holder_ends_on: date | None
    assurance: Assurance
    columns: tuple[str, ...]
    packed: bytes


@dataclass(slots=True)
class Portfolio:
    """The certificates of what was asked about. `holds` until something of it changes."""

    key: Key
    product: str | None
    current_version: str | None
    tokens: set[str]
    kept: list[Kept] = field(default_factory=list)
    holds: bool = True

    def held(self, question: Question, known: Specifications) -> Iterator[Held]:
        """Those that the question is about."""
        for one in self.kept:
            if concerns(question, one.specification, one.specification_version):
                yield self._unpacked(one, known)

    def _unpacked(self, one: Kept, known: Specifications) -> Held:
        row = SimpleNamespace(**dict(zip(one.columns, orjson.loads(one.packed), strict=True)))
        row.valid_from_on = date.fromisoformat(row.valid_from_on)
        row.valid_to_on = date.fromisoformat(row.valid_to_on)
        return Held(
            one.number,
            SubjectKind(one.subject_kind),
            self.product,
            one.holder,
            one.role,
            one.specification,
            one.specification_version,
            one.profile,
            known.profiles.get(one.version_id, ()),
            certificates.history_of(row, known.told.get(one.version_id, ())),
            one.assurance,
            one.serves_from_on,
            one.holder_ends_on,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes of an answer, for a day, and whose they are."""

    body: bytes
    etag: str
    day: date
    portfolio: Portfolio


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for some questions. `turn`: the memory's, None if nothing may be remembered of it."""

    portfolios: Mapping[Key, Portfolio]
    specifications: Specifications
    turn: int | None


class Memory:
    """What one process remembers. It belongs to one event loop."""

    def __init__(
        self,
        database: Database,
        *,
        certificates_at_most: int = CERTIFICATES_AT_MOST,
        answer_bytes_at_most: int = ANSWER_BYTES_AT_MOST,
    ) -> None:
        self._database = database
        self._certificates_at_most, self._answer_bytes_at_most = certificates_at_most, answer_bytes_at_most
        self._listener = Listener(database, CHANNEL, heard=self._hear, anew=self._begin, look=self._look)
        self._portfolios: dict[Key, Portfolio] = {}
        self._watched: dict[str, set[Key]] = defaultdict(set)
        self._answers: dict[bytes, Answer] = {}
        self._specifications: Specifications | None = None
        self._certificates = 0
        self._bytes = 0
        self._turn = 0
        """Grows with everything that is heard: what was read meanwhile may be of before."""
        self._mark = sys.maxsize

    @property
    def size(self) -> tuple[int, int]:
        """How many certificates, and how many bytes of answers."""
        return self._certificates, self._bytes

    def recall(self, asked: bytes, today: date) -> Answer | None:
        """The answer to a question that was asked before, word for word, if it still holds for certain."""
        found = self._answers.get(asked)
        if found and found.day == today and found.portfolio.holds and self._listener.is_sure():
            return found
        return None

    async def catch_up(self) -> bool:
        """Whether the memory may be asked; if need be after a look at what has happened."""
        return await self._listener.sure()

    async def find(self, keys: Collection[Key]) -> Found:
        """What was asked about, from memory or from the database; what is not there is left out. It is as it was when
        this was called, or later."""
        turn = self._turn if await self._listener.sure() else None
        here = self._portfolios if turn is not None else {}
        found = {key: here[key] for key in keys if key in here}
        known = self._specifications if turn is not None else None
        if known is None:
            known = await run_in_threadpool(self._read_specifications)
        fresh = await self._read([key for key in keys if key not in found]) if len(found) < len(keys) else {}
        if turn is not None and self._may_keep(turn):
            self._specifications = known
            for portfolio in fresh.values():
                self._keep(portfolio)
        return Found(found | fresh, known, turn)

    def remember(self, asked: bytes, body: bytes, etag: str, today: date, portfolio: Portfolio, found: Found) -> None:
        """Keep an answer that was made, without waiting, from what was found."""
        if found.turn is None or not self._may_keep(found.turn) or not portfolio.holds:
            return
        self._bytes += len(body) + len(asked)
        if before := self._answers.pop(asked, None):
            self._bytes -= len(before.body) + len(asked)
        self._answers[asked] = Answer(_exact(body), etag, today, portfolio)
        while self._bytes > self._answer_bytes_at_most:
            oldest = next(iter(self._answers))
            self._bytes -= len(self._answers.pop(oldest).body) + len(oldest)

    async def close(self) -> None:
        await self._listener.close()

    # ---- Hearing

    def _may_keep(self, turn: int) -> bool:
        return turn == self._turn and self._listener.is_sure()

    def _hear(self, payload: str) -> None:
        self._turn += 1
        for token in payload.split():
            if token == ANYTHING:
                self._forget()
            elif token == SPECIFICATIONS:
                self._specifications = None
                self._forget_answers()
            else:
                for key in self._watched.pop(token, ()):
                    self._drop(key)

    def _begin(self) -> None:
        self._mark = sys.maxsize  # nothing is remembered from before, so nothing of before needs to be told
        self._forget()

    async def _look(self, connection: Any) -> None:
        """What the notifications tell as well; but a proxy between may swallow those."""
        (row,) = await connection.fetch(_CHANGED, self._mark)
        self._mark = row.mark
        for tokens in row.tokens:
            self._hear(tokens)

    def _forget(self) -> None:
        self._turn += 1
        for portfolio in self._portfolios.values():
            portfolio.holds = False
        self._portfolios.clear()
        self._watched.clear()
        self._certificates = 0
        self._specifications = None
        self._forget_answers()

    def _forget_answers(self) -> None:
        self._answers.clear()
        self._bytes = 0

    def _drop(self, key: Key) -> None:
        portfolio = self._portfolios.pop(key, None)
        if portfolio is None:
            return
        portfolio.holds = False
        self._certificates -= len(portfolio.kept)
        for token in portfolio.tokens:
            if (others := self._watched.get(token)) is not None:
                others.discard(key)
                if not others:
                    del self._watched[token]

    def _keep(self, portfolio: Portfolio) -> None:
        self._drop(portfolio.key)
        self._portfolios[portfolio.key] = portfolio
        self._certificates += len(portfolio.kept)
        for token in portfolio.tokens:
            self._watched[token].add(portfolio.key)
        while self._certificates > self._certificates_at_most:
            self._drop(next(iter(self._portfolios)))

    # ---- Reading

    async def _read(self, keys: Sequence[Key]) -> dict[Key, Portfolio]:
        found: dict[Key, Portfolio] = {}
        for kind, statement in _ASKED.items():
            wanted = [value for asked, value in keys if asked == kind]
            for begin in range(0, len(wanted), READ_AT_ONCE):
                for row in await self._database.hot(statement, wanted[begin : begin + READ_AT_ONCE]):
                    key: Key = (kind, row.key)  # type: ignore[assignment]  # the keys of _ASKED are those of Key
                    portfolio = found.get(key)
                    if portfolio is None:
                        portfolio = found[key] = Portfolio(key, row.product, row.current_version, set())
                    portfolio.tokens.update(token for token in row.tokens if token)
                    if row.number is not None:
                        portfolio.kept.append(_kept(row))
        return found

    def _read_specifications(self) -> Specifications:
        with self._database.reading() as session:
            rows = session.execute(_SPECIFICATIONS).all()
            told = certificates.timelines(session, [row.id for row in rows if row.id is not None])
            profiles: dict[int, set[str]] = defaultdict(set)
            for row in session.execute(_PROFILES):
                profiles[row.version_id].add(row.slug)
        return Specifications(frozenset(row.slug for row in rows), told, dict(profiles))


def _kept(row: Any) -> Kept:
    return Kept(
        row.number,
        sys.intern(row.subject_kind),
        _one(row.holder),
        _one(row.role),
        sys.intern(row.specification),
        sys.intern(row.specification_version),
        row.specification_version_id,
        _one(row.profile),
        row.serves_from_on,
        row.holder_ends_on,
        _shared(tuple(row.assurance), lambda: Assurance(*row.assurance)),
        _shared(tuple(row.history), lambda: tuple(row.history)),
        _exact(orjson.dumps(list(row.history.values()))),
    )


def _exact(made: bytes) -> bytes:
    """The same bytes in no more memory than they need; orjson's own come with some thousand to spare."""
    return bytes(memoryview(made))


def _one(text: str | None) -> str | None:
    return sys.intern(text) if text is not None else None


_SHARED: dict[Any, Any] = {}


def _shared(like: Any, make: Callable[[], Any]) -> Any:
    """One object for all that are alike."""
    if like not in _SHARED:
        if len(_SHARED) > 10_000:
            _SHARED.clear()
        _SHARED[like] = make()
    return _SHARED[like]
