"""Which days are working days in Norway, and where a deadline of so many of them ends."""

from datetime import date, timedelta
from functools import cache

import holidays


def is_working_day(day: date) -> bool:
    """Monday to Friday, and no Norwegian public holiday, fixed or moveable."""
    return day.weekday() < 5 and day not in _feasts(day.year)


@cache
def _feasts(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("NO", years=year))


def after(start: date, days: int) -> date:
    """The last day of a deadline of so many working days; the day that it starts on does not count."""
    day = start
    while days:
        day += timedelta(days=1)
        days -= is_working_day(day)
    return day
