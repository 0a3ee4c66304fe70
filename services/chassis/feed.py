"""A feed of what happened, for neighbours: every event once, in order, none missed.

An event gets its position after its transaction has committed, from whoever reads next (under one lock). So a slow
writer can never commit behind a reader's cursor, and writers do not wait for each other. Events of one subject keep
their order, as the subject's own row lock puts them one after the other.
"""

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import Field
from sqlmodel import Session

from services.chassis import paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, needs
from services.chassis.contract import example
from services.chassis.db import INSTANT, JSON, NAMING, SessionDep
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
_LOCK = 0x5A4D_5649
_NUMBER = sa.text(
    "UPDATE event SET position = numbered.position FROM (SELECT id, nextval('event_position') AS position FROM "
    "(SELECT id FROM event WHERE position IS NULL ORDER BY id) AS waiting) AS numbered WHERE event.id = numbered.id"
)


class Event(Out):
    """Something that happened (CloudEvents' attributes, without its envelope)."""

    position: int = Field(description="Give the last one back as `after`", examples=[1])
    type: str = Field(examples=["dispatch.received"])
    subject: str = Field(description="The thing's path on this service")
    data: dict[str, Any]
    recorded_at: Instant


class Events(Out):
    """What happened after a position, oldest first."""

    items: list[Event]
    next: int = Field(description="The `after` of the next call; the same as now when there is nothing new")


AfterPosition = Annotated[
    int, Query(alias="after", ge=0, description="The last position you have seen; 0 for all", examples=[0])
]


def tell(session: Session, type: str, subject: str, organisation: str | None, /, **data: Any) -> None:
    """Write an event in the transaction of the change that it tells of."""
    session.execute(TABLE.insert().values(type=type, subject=subject, organisation=organisation, data=data))


def after(session: Session, position: int, organisation: str | None, limit: int) -> Events:
    """The next events that this organisation may see. Must run in a transaction of its own."""
    if session.execute(sa.text("SELECT 1 FROM event WHERE position IS NULL LIMIT 1")).first():
        session.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        session.execute(_NUMBER)
    here = TABLE.c
    rows = session.execute(
        sa.select(here.position, here.type, here.subject, here.data, here.recorded_at)
        .where(here.position > position, here.organisation == organisation)
        .order_by(here.position)
        .limit(limit)
    )
    items = [Event.model_validate(row) for row in rows]
    return Events(items=items, next=items[-1].position if items else position)


def new_events_router(scope: str, organisation: str) -> APIRouter:
    """`GET /events` for a service: its events, to callers with this scope; `organisation` sends the example."""
    router = new_router("/events", "Events")

    @router.get("", summary="Follow what happens", openapi_extra=example(organisation=organisation))
    def events(
        caller: Annotated[Caller, needs(scope)],
        session: SessionDep,
        position: AfterPosition = 0,
        limit: paging.Limit = paging.DEFAULT,
    ) -> Events:
        """Your organisation's events after a position, each once and in order, none missed. Keep `next` and give it as
        `after` the next time; when nothing is new it is the same again. Events are kept."""
        return after(session, position, caller.organisation, limit)

    return router


def cursor_table(metadata: sa.MetaData) -> sa.Table:
    """Where a service remembers how far it has read its neighbours' feeds."""
    return sa.Table(
        "feed_cursor",
        metadata,
        sa.Column("source", sa.String(80), primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("read_at", INSTANT, nullable=False, server_default=sa.func.now()),
    )
