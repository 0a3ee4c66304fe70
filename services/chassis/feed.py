"""A feed of what happened, for neighbours: every event once, in order, none missed.

An event gets its position after its transaction has committed, from whoever reads next (under one lock). So a slow
writer can never commit behind a reader's cursor, and writers do not wait for each other. Events of one subject keep
their order, as the subject's own row lock puts them one after the other.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from xml.etree import ElementTree

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.chassis import paging
from services.chassis.app import new_router
from services.chassis.auth import CallerDep, ViewerDep
from services.chassis.contract import example
from services.chassis.db import INSTANT, JSON, NAMING, TransactionDep
from services.chassis.values import Instant, Out

TABLE = sa.Table(
    "event",
    sa.MetaData(naming_convention=NAMING),
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("position", sa.BigInteger, unique=True),
    sa.Column("type", sa.String(80), nullable=False),
    sa.Column("subject", sa.String(200), nullable=False),
    sa.Column("organisation", sa.String(9), comment="Whose event it is; others do not see it"),
    sa.Column("data", JSON, nullable=False),
    sa.Column("recorded_at", INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Index("ix_event_unnumbered", "id", postgresql_where=sa.text("position IS NULL")),
    sa.Index("ix_event_organisation_position", "organisation", "position"),
)
POSITIONS = sa.Sequence("event_position", metadata=TABLE.metadata)
_TELL = TABLE.insert()
_LOCK = 0x5A4D_5649
_GIVE_POSITIONS = sa.text(
    "UPDATE event SET position = numbered.position FROM (SELECT id, nextval('event_position') AS position FROM "
    "(SELECT id FROM event WHERE position IS NULL ORDER BY id) AS waiting) AS numbered WHERE event.id = numbered.id"
)


class Event(Out):
    """Something that happened, as a CloudEvent (specification 1.0, JSON format)."""

    specversion: str = Field(default="1.0", examples=["1.0"])
    id: str = Field(description="Its position in the feed: grows, and is never given twice", examples=["1"])
    source: str = Field(description="The service", examples=["urn:samvirke:catalog"])
    type: str = Field(description="`<concept>.<event>`", examples=["component.approved"])
    subject: str = Field(description="The thing's path on this service")
    time: Instant = Field(description="When it was recorded")
    datacontenttype: str = Field(default="application/json")
    data: dict[str, Any]


class Events(Out):
    """What happened after a position, oldest first."""

    items: list[Event]
    next: int = Field(description="The `after` of the next call; the same as now when there is nothing new")


AfterPosition = Annotated[
    int, Query(alias="after", ge=0, description="The last position you have seen; 0 for all", examples=[0])
]
BeforePosition = Annotated[int | None, Query(alias="before", ge=1, description="Only what happened before this one")]


def tell(session: Session, type: str, subject: str, organisation: str | None, /, **data: Any) -> None:
    """Write an event in the transaction of the change that it tells of. Only `organisation` sees it; None: all do."""
    tell_all(session, type, subject, [organisation], **data)


def tell_all(session: Session, type: str, subject: str, organisations: Sequence[str | None], /, **data: Any) -> None:
    """The same event for each of several organisations, in one go."""
    told = {"type": type, "subject": subject, "data": data}
    session.execute(_TELL, [told | {"organisation": one} for one in organisations])


def after(session: Session, position: int, organisation: str | None, limit: int, *, source: str = "") -> Events:
    """The next events that this organisation may see. Must run in a transaction of its own."""
    _number(session)
    here = TABLE.c
    rows = session.execute(_visible(organisation).where(here.position > position).order_by(here.position).limit(limit))
    items = [_shown(row, source) for row in rows]
    return Events(items=items, next=int(items[-1].id) if items else position)


def subjects_after(session: Session, position: int, limit: int) -> tuple[list[str], int]:
    """What the next events are about, whoever sees them, for a service that follows its own feed; and the position to
    go on from. Must run in a transaction of its own."""
    _number(session)
    here = TABLE.c
    query = sa.select(here.position, here.subject).where(here.position > position).order_by(here.position).limit(limit)
    rows = session.execute(query).all()
    return [row.subject for row in rows], rows[-1].position if rows else position


def _number(session: Session) -> None:
    if session.execute(sa.text("SELECT 1 FROM event WHERE position IS NULL LIMIT 1")).first():
        session.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        session.execute(_GIVE_POSITIONS)


def _visible(organisation: str | None) -> sa.Select[Any]:
    here = TABLE.c
    public = here.organisation.is_(None)
    return sa.select(here.position, here.type, here.subject, here.data, here.recorded_at).where(
        public if organisation is None else public | (here.organisation == organisation)
    )


def _shown(row: sa.Row[Any], source: str) -> Event:
    return Event(
        id=str(row.position), source=source, type=row.type, subject=row.subject, time=row.recorded_at, data=row.data
    )


def new_events_router(organisation: str, source: str) -> APIRouter:
    """`GET /events` for a service: its events, to whom its permissions say; `organisation` sends the example."""
    router = new_router("/events", "Events")

    @router.get("", summary="Follow what happens", openapi_extra=example(organisation=organisation))
    def events(
        caller: CallerDep,
        session: TransactionDep,
        position: AfterPosition = 0,
        limit: paging.Limit = paging.DEFAULT,
    ) -> Events:
        """Your organisation's events after a position, each once and in order, none missed. Keep `next` and give it as
        `after` the next time; when nothing is new it is the same again. Events are kept."""
        return after(session, position, caller.organisation, limit, source=source)

    return router


def new_open_events_router(source: str, title: str) -> APIRouter:
    """`GET /events` for a service whose reads are open, and the same as Atom for readers of news."""
    router = new_router("", "Events")

    @router.get("/events", summary="Follow what happens", openapi_extra=example(query={"limit": "10"}))
    def events(
        viewer: ViewerDep,
        session: TransactionDep,
        position: AfterPosition = 0,
        limit: paging.Limit = paging.DEFAULT,
    ) -> Events:
        """What happened after a position, each event once and in order, none missed. Keep `next` and give it as
        `after` the next time; when nothing is new it is the same again. Events are kept. With a token your
        organisation's own events stand among the public ones."""
        return after(session, position, viewer.organisation if viewer else None, limit, source=source)

    @router.get(
        "/events.atom",
        summary="Read the news as Atom",
        openapi_extra=example(),
        response_class=Response,
        responses={200: {"content": {"application/atom+xml": {"schema": {"type": "string"}}}}},
    )
    def news(request: Request, session: TransactionDep, position: BeforePosition = None) -> Response:
        """The fifty newest public events (RFC 4287), newest first; `rel="next"` leads to older ones (RFC 5005). For
        systems that must not miss anything, `GET /events` is the one to follow."""
        _number(session)
        here = TABLE.c
        query = _visible(None).where(here.position.is_not(None)).order_by(here.position.desc()).limit(paging.DEFAULT)
        rows = session.execute(query.where(here.position < position) if position else query).all()
        return Response(_atom(str(request.url), title, source, rows), media_type="application/atom+xml")

    return router


def _atom(url: str, title: str, source: str, rows: Sequence[sa.Row[Any]]) -> bytes:
    feed = ElementTree.Element("feed", xmlns="http://www.w3.org/2005/Atom")
    base = url.partition("?")[0]
    newest = rows[0].recorded_at if rows else datetime.fromtimestamp(0, UTC)
    for name, text in (("id", f"{source}:events"), ("title", title), ("updated", newest.isoformat())):
        ElementTree.SubElement(feed, name).text = text
    ElementTree.SubElement(ElementTree.SubElement(feed, "author"), "name").text = title
    ElementTree.SubElement(feed, "link", rel="self", href=url)
    if len(rows) == paging.DEFAULT:
        ElementTree.SubElement(feed, "link", rel="next", href=f"{base}?before={rows[-1].position}")
    for row in rows:
        entry = ElementTree.SubElement(feed, "entry")
        for name, text in (
            ("id", f"{source}:events:{row.position}"),
            ("title", f"{row.type} {row.subject}"),
            ("updated", row.recorded_at.isoformat()),
        ):
            ElementTree.SubElement(entry, name).text = text
        ElementTree.SubElement(entry, "link", rel="alternate", href=base.removesuffix("/events.atom") + row.subject)
        content = ElementTree.SubElement(entry, "content", type="text")
        content.text = json.dumps(row.data, ensure_ascii=False, sort_keys=True)
    written: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def cursor_table(metadata: sa.MetaData) -> sa.Table:
    """Where a service remembers how far it has read its neighbours' feeds."""
    return sa.Table(
        "feed_cursor",
        metadata,
        sa.Column("source", sa.String(80), primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("read_at", INSTANT, nullable=False, server_default=sa.func.now()),
    )
