"""What SvarUT takes the time to be, and when so many hours of working days are over."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

OSLO = ZoneInfo("Europe/Oslo")
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Pace:
    """From an instant of ours on, SvarUT's time runs `speed` times as fast, beginning at `showed`."""

    since: datetime
    showed: datetime
    speed: float

    def at(self, real: datetime) -> datetime:
        return self.showed + max(real - self.since, timedelta()) * self.speed


@cache
def _feasts(year: int) -> holidays.HolidayBase:
    return holidays.country_holidays("NO", years=year)


def after_working_hours(start: datetime, hours: float) -> datetime:
    """The end of so many hours, of which only those on Monday to Friday that are no Norwegian holidays count, all day
    and night. KS says «40 hours counted on working days», altinn.no «2 virkedager»."""
    at, left = start.astimezone(OSLO), timedelta(hours=hours)
    if not left:
        return start
    while True:
        midnight = datetime.combine(at.date() + DAY, time(), OSLO)
        is_working_day = at.weekday() < 5 and at.date() not in _feasts(at.year)
        today = timedelta(seconds=midnight.timestamp() - at.timestamp())  # a day of 23 or 25 hours is one
        if is_working_day and left <= today:
            return datetime.fromtimestamp(at.timestamp() + left.total_seconds(), start.tzinfo)
        if is_working_day:
            left -= today
        at = midnight
