"""Releases as they are kept, and what is new made into the next ones."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, Session

from services.agreements.calloffs.store import path as call_off_path
from services.agreements.contracting_processes import rules as processes
from services.agreements.contracting_processes import store as told
from services.agreements.db import Table
from services.agreements.framework_processes import rules as framework_rules
from services.agreements.framework_processes import store as agreements
from services.agreements.frameworks.store import path as agreement_path
from services.agreements.mini_competitions.store import path as competition_path
from services.agreements.releases import rules
from services.chassis import feed
from services.chassis.clock import on
from services.chassis.db import INSTANT, Database

SOURCE = "releases"
"""What the place is called that the service's own feed has been read to."""
EVENTS, PIECE = 500, 200
"""Events that are followed in one transaction, and releases or records that are fetched at a time."""
_LOCK = 0x0C_D5_11_05


class ContractingProcess(Table, table=True):
    """A process that something is published of. Its identifier stays, whatever prefix is set later."""

    __tablename__ = "contracting_process"
    __table_args__ = (sa.UniqueConstraint("subject", "part"),)
    ocid: str = Field(primary_key=True, max_length=160)
    subject: str = Field(max_length=200)
    """Path of the agreement or call-off on this service."""
    part: str = Field(default="", max_length=9)
    """Of a joint call-off: the organisation number of who bears this part of it."""
    releases: int


class Release(Table, table=True):
    """What was published; never edited."""

    __table_args__ = (sa.UniqueConstraint("ocid", "number"),)
    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    ocid: str = Field(foreign_key="contracting_process.ocid", max_length=160)
    number: int
    published_at: datetime = Field(sa_type=INSTANT)
    published_on: date = Field(index=True)
    tag: list[str] = Field(sa_type=ARRAY(sa.String(40)))
    content: str = Field(sa_type=sa.Text)
    """Everything but what the columns tell, as JSON, byte for byte as it is given out."""


@dataclass(frozen=True)
class Day:
    published_on: date
    releases: int


@dataclass(frozen=True)
class Extent:
    """A set of releases that does not grow: up to the last of them."""

    last: int
    published_at: datetime


def publish_all(database: Database, prefix: str) -> None:
    """Follow the service's own feed to its end, and publish what is new of the processes that it tells of."""
    while _publish_some(database, prefix):
        continue


def _publish_some(database: Database, prefix: str) -> bool:
    """→ whether there may be more. One publishes at a time, so that releases are numbered in the order in which they
    become visible."""
    with database.writing() as session:
        session.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        position = session.execute(_POSITION, {"source": SOURCE}).scalar() or 0
        subjects, read_to = feed.subjects_after(session, position, EVENTS)
        if read_to == position:
            return False
        _publish(session, prefix, subjects)
        session.execute(_READ_TO, {"source": SOURCE, "position": read_to})
    return True


_POSITION = sa.text("SELECT position FROM feed_cursor WHERE source = :source")
_READ_TO = sa.text(
    "INSERT INTO feed_cursor (source, position) VALUES (:source, :position) "
    "ON CONFLICT (source) DO UPDATE SET position = excluded.position, read_at = now()"
)


def _publish(session: Session, prefix: str, subjects: Sequence[str]) -> None:
    named: dict[str, list[str]] = {}
    for subject in dict.fromkeys(subjects):
        _, kind, name, *_rest = [*subject.split("/"), ""]
        named.setdefault(kind, []).append(name)
    known = _Known(session, prefix)
    for one in agreements.agreements(session, named.get("framework-agreements", [])):
        if content := framework_rules.agreement(one):
            known.publish(agreement_path(one.slug), "", one.slug, content)

    def framework(slug: str) -> str:
        return known.ocid(agreement_path(slug), "", slug)

    orders = told.call_offs(session, [UUID(one) for one in named.get("call-offs", [])], framework)
    known.look_up([call_off_path(one.uuid) for one in orders])
    for order in orders:
        for part, content in {} if order.competition else processes.call_off(order.call_off).items():
            name = f"{order.call_off.number}-{part}" if part else order.call_off.number
            known.publish(call_off_path(order.uuid), part, name, content)
    competed = [UUID(one) for one in named.get("mini-competitions", [])]
    competed += [one.competition for one in orders if one.competition]
    _publish_competitions(session, known, list(dict.fromkeys(competed)), framework)
    known.keep()


def _publish_competitions(
    session: Session, known: "_Known", uuids: Sequence[UUID], framework: Callable[[str], str]
) -> None:
    """Each with the call-off that its award became, as one process."""
    found = told.mini_competitions(session, uuids, framework)
    became = [order for _, order, _ in found if order]
    orders = {one.uuid: one.call_off for one in told.call_offs(session, became, framework)}
    for uuid, order, competition in found:
        content = processes.competition(competition, orders.get(order) if order else None)
        if content:
            known.publish(competition_path(uuid), "", competition.number, content)


class _Known:
    """The processes of one transaction with their newest releases, and what is new."""

    def __init__(self, session: Session, prefix: str) -> None:
        self._session, self._prefix = session, prefix
        self._rows: dict[tuple[str, str], Any] = {}
        self._processes: list[dict[str, Any]] = []
        self._releases: list[dict[str, Any]] = []
        self._at: datetime = session.execute(sa.text("SELECT clock_timestamp()")).scalar_one()

    def look_up(self, subjects: Sequence[str]) -> None:
        for row in self._session.execute(_NEWEST, {"subjects": list(subjects)}):
            self._rows[row.subject, row.part] = row

    def ocid(self, subject: str, part: str, name: str) -> str:
        if (subject, part) not in self._rows:
            self.look_up([subject])
        row = self._rows.get((subject, part))
        return row.ocid if row else f"{self._prefix}-{name}"

    def publish(self, subject: str, part: str, name: str, content: dict[str, Any]) -> None:
        """Unless it reads as the newest release does."""
        ocid = self.ocid(subject, part, name)
        row = self._rows.get((subject, part))
        text = orjson.dumps(content, default=_exact, option=orjson.OPT_UTC_Z).decode()
        if row and row.content == text:
            return
        number = row.releases + 1 if row else 1
        self._processes.append({"ocid": ocid, "subject": subject, "part": part, "releases": number})
        self._releases.append(
            {
                "ocid": ocid,
                "number": number,
                "published_at": self._at,
                "published_on": on(self._at),
                "tag": rules.tags(_read(row.content) if row else None, _read(text)),
                "content": text,
            }
        )

    def keep(self) -> None:
        if self._releases:
            self._session.execute(_KEEP_PROCESS, self._processes)
            self._session.execute(sa.insert(Release), self._releases)


_NEWEST = sa.text(
    "SELECT p.ocid, p.subject, p.part, p.releases, r.content FROM contracting_process p "
    "JOIN release r ON r.ocid = p.ocid AND r.number = p.releases WHERE p.subject = ANY(:subjects)"
)
_KEEP_PROCESS = sa.text(
    "INSERT INTO contracting_process (ocid, subject, part, releases) VALUES (:ocid, :subject, :part, :releases) "
    "ON CONFLICT (ocid) DO UPDATE SET releases = excluded.releases"
)


def _exact(value: Any) -> orjson.Fragment:
    """An amount as a JSON number with the two decimals that it has; never through a float."""
    assert isinstance(value, Decimal)
    return orjson.Fragment(f"{value:.2f}")


def _read(text: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return read


def days(session: Session) -> list[Day]:
    """The days on which something was published, the newest first."""
    rows = session.execute(
        sa.text("SELECT published_on, count(*) AS releases FROM release GROUP BY published_on ORDER BY 1 DESC")
    )
    return [Day(row.published_on, row.releases) for row in rows]


_EXTENT = sa.text(
    "SELECT max(id) AS last, max(published_at) AS published_at FROM release "
    "WHERE published_on BETWEEN :from_on AND :to_on"
)


def extent(session: Session, from_on: date, to_on: date) -> Extent:
    """NothingPublished where there is none."""
    row = session.execute(_EXTENT, {"from_on": from_on, "to_on": to_on}).one()
    if row.last is None:
        raise rules.NothingPublished(f"From {from_on} to {to_on}.")
    return Extent(row.last, row.published_at)


_RELEASES = sa.text(
    "SELECT id, ocid, number, published_at, tag, content FROM release WHERE id > :after AND id <= :last "
    "AND published_on BETWEEN :from_on AND :to_on ORDER BY id LIMIT :piece"
)


def releases(database: Database, whole: Extent, from_on: date, to_on: date) -> Iterator[bytes]:
    """As they were given out, oldest first. A connection is held for a piece at a time, and not while the reader is
    slow."""
    after = 0
    while after < whole.last:
        with database.reading() as reader:
            asked = {"after": after, "last": whole.last, "from_on": from_on, "to_on": to_on, "piece": PIECE}
            rows = reader.execute(_RELEASES, asked).all()
        for row in rows:
            yield _release(row)
        after = rows[-1].id if len(rows) == PIECE else whole.last


_OCIDS = sa.text("SELECT ocid FROM contracting_process WHERE ocid > :after ORDER BY ocid LIMIT :piece")
_OF = sa.text(
    "SELECT ocid, number, published_at, tag, content FROM release WHERE ocid = ANY(:ocids) AND id <= :last "
    "ORDER BY ocid, number"
)


def records(database: Database, whole: Extent) -> Iterator[bytes]:
    """Each process with all its releases, by ocid."""
    after = ""
    while True:
        with database.reading() as reader:
            ocids = list(reader.execute(_OCIDS, {"after": after, "piece": PIECE}).scalars())
            rows = reader.execute(_OF, {"ocids": ocids, "last": whole.last}).all()
        yield from _records(rows)
        if len(ocids) < PIECE:
            return
        after = ocids[-1]


def records_of(session: Session, ocids: Sequence[str]) -> tuple[list[bytes], datetime]:
    """Of these processes, and when the newest of their releases was published; ProcessNotFound where there is none."""
    rows = session.execute(_OF, {"ocids": list(ocids), "last": 2**63 - 1}).all()
    if not rows:
        raise rules.ProcessNotFound("Nothing of it has been published.")
    return list(_records(rows)), max(row.published_at for row in rows)


_OF_CALL_OFF = sa.text(
    """
    SELECT p.ocid FROM calloff c
      JOIN contracting_process p ON p.subject IN ('/call-offs/' || c.uuid, '/mini-competitions/' ||
           (c.choice->'competition'->>'id'))
     WHERE c.uuid = :uuid AND EXISTS (SELECT 1 FROM letter l WHERE l.call_off_id = c.id AND l.kind = 'order')
     ORDER BY p.ocid
    """
)


def ocids_of(session: Session, call_off: UUID) -> list[str]:
    """The processes of a call-off that was sent."""
    return list(session.execute(_OF_CALL_OFF, {"uuid": call_off}).scalars())


def _records(rows: Sequence[Any]) -> Iterator[bytes]:
    of: dict[str, list[Any]] = {}
    for row in rows:
        of.setdefault(row.ocid, []).append(row)
    for ocid, found in of.items():
        told_of = orjson.dumps({"ocid": ocid})[:-1]
        embedded = b",".join(_release(row) for row in found)
        compiled = _release(found[-1], compiled=True)
        yield told_of + b',"releases":[' + embedded + b'],"compiledRelease":' + compiled + b"}"


def _release(row: Any, *, compiled: bool = False) -> bytes:
    """Each release tells everything, so the newest is what they come to together."""
    head = {
        "ocid": row.ocid,
        "id": f"{row.ocid}-compiled-{row.number}" if compiled else f"{row.ocid}-{row.number}",
        "date": row.published_at,
        "tag": ["compiled"] if compiled else row.tag,
        "initiationType": "tender",
        "language": "nb",
    }
    content: str = row.content
    return orjson.dumps(head, option=orjson.OPT_UTC_Z)[:-1] + b"," + content[1:].encode()
