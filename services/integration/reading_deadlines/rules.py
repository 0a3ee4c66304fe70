"""Where a number of hours that are counted on working days ends."""

from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

OSLO = ZoneInfo("Europe/Oslo")


def ends_at(offered_at: datetime, hours: float) -> datetime:
    """The instant at which so many hours have passed of days that are working days in Norway, each with the 24 hours
    (on two days of the year 23 or 25) that it has on the clock in Oslo."""
    at, left = offered_at, timedelta(hours=hours)
    while True:
        day = at.astimezone(OSLO).date()
        tomorrow = datetime.combine(day + timedelta(days=1), datetime.min.time(), OSLO).astimezone(at.tzinfo)
        if is_working_day(day):
            if at + left <= tomorrow:
                return at + left
            left -= tomorrow - at
        at = tomorrow


def is_working_day(day: date) -> bool:
    """Monday to Friday, and no Norwegian public holiday, fixed or moveable."""
    return day.weekday() < 5 and day not in _feasts(day.year)


@cache
def _feasts(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("NO", years=year))
