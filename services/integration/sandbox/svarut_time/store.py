"""The one row that says how SvarUT's time runs, the same for all workers."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col

from services.chassis import clock
from services.chassis.db import INSTANT, Database
from services.integration.sandbox.db import Table
from services.integration.sandbox.svarut_time import rules
from services.integration.sandbox.svarut_time.rules import Pace

ONLY = 1


class SvarutPace(Table, table=True):
    __tablename__ = "svarut_pace"

    id: int = Field(default=ONLY, primary_key=True)
    since: datetime = Field(sa_type=INSTANT)
    showed: datetime = Field(sa_type=INSTANT)
    speed: float


_PACE = sa.select(col(SvarutPace.since), col(SvarutPace.showed), col(SvarutPace.speed))


class Clock:
    """SvarUT's time, and how long it pauses between a letter's automatic steps."""

    def __init__(self, database: Database, pause: timedelta) -> None:
        self._database, self.pause = database, pause

    def now(self, session: Session | None = None) -> datetime:
        """`session`, where one is held already: two connections at a time are one too many."""
        if session is None:
            with self._database.reading() as own:
                return read(own)
        return read(session)


def read(session: Session) -> datetime:
    real = clock.now()
    row = session.execute(_PACE).one_or_none()
    return Pace(row.since, row.showed, row.speed).at(real) if row else real


def change(
    session: Session, *, by: timedelta = timedelta(), working_hours: float = 0, speed: float | None = None
) -> datetime:
    """Let time pass at once, and run at another speed from then on. → what SvarUT takes the time to be now"""
    real = clock.now()
    session.execute(insert(SvarutPace).values(id=ONLY, since=real, showed=real, speed=1).on_conflict_do_nothing())
    row = session.execute(_PACE.with_for_update()).one()
    real = clock.now()
    shows = rules.after_working_hours(Pace(row.since, row.showed, row.speed).at(real) + by, working_hours)
    session.execute(sa.update(SvarutPace).values(since=real, showed=shows, speed=row.speed if speed is None else speed))
    return shows
