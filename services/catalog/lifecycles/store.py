"""What happened to components, as it is kept: only ever added to."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.lifecycles import rules
from services.catalog.lifecycles.rules import EventKind, LifeCycle
from services.chassis.db import INSTANT, choice


class ComponentEvent(Table, table=True):
    """Something that happened, or is planned, on a day. A trigger keeps it from being changed or removed."""

    __tablename__ = "component_event"
    id: int = Field(default=None, primary_key=True)
    component_id: int = Field(foreign_key="component.id", index=True)
    kind: EventKind = Field(sa_type=choice(EventKind))
    filed_as: LifeCycle | None = Field(default=None, sa_type=choice(LifeCycle))
    effective_on: date
    recorded_at: datetime = Field(sa_type=INSTANT)
    reason: str | None = Field(default=None, max_length=2000)
    back_dated: bool = False
    organisation_number: str | None = Field(default=None, max_length=9)
    client: str = Field(max_length=200)

    def told(self) -> rules.Event:
        return rules.Event(EventKind(self.kind), self.effective_on, self.recorded_at, self.filed_as)


def record(session: Session, event: ComponentEvent) -> None:
    session.add(event)
    session.flush()


def history(session: Session, component_id: int) -> Sequence[ComponentEvent]:
    """In the order in which it was recorded."""
    query = select(ComponentEvent).where(col(ComponentEvent.component_id) == component_id)
    return session.exec(query.order_by(col(ComponentEvent.id))).all()


def standing(session: Session, component_id: int, on: date, known_at: datetime | None = None) -> rules.Standing:
    """The state on a day, derived from the events."""
    return rules.standing_on([event.told() for event in history(session, component_id)], on, known_at)
