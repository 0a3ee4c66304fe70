"""What time it is: UTC for instants, Europe/Oslo for dates. Rules get it as an argument."""

from datetime import UTC, date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends

OSLO = ZoneInfo("Europe/Oslo")


def now() -> datetime:
    return datetime.now(UTC)


def on(instant: datetime) -> date:
    """The Norwegian date of an instant."""
    return instant.astimezone(OSLO).date()


def today() -> date:
    return on(now())


async def _today() -> date:
    return today()


TodayDep = Annotated[date, Depends(_today)]
