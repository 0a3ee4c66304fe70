"""What a supply contract may say, and when it can end."""

from dataclasses import dataclass
from datetime import date

from services.chassis.problems import Invalid, Problem


class NoticeAfterEnd(Invalid):
    """Notice cannot be given after the contract has ended."""


class OptionIncomplete(Invalid):
    """An option has a length in months and a number of times, or there is none."""


@dataclass(frozen=True)
class Terms:
    ends_on: date
    notice_by_on: date | None
    option_months: int
    option_count: int

    @property
    def last_end_on(self) -> date:
        """When it ends if every option is used; the month's last day where a day is missing."""
        months = self.ends_on.month - 1 + self.option_months * self.option_count
        year, month = self.ends_on.year + months // 12, months % 12 + 1
        following = date(year + month // 12, month % 12 + 1, 1)
        last = (following - date(year, month, 1)).days
        return date(year, month, min(self.ends_on.day, last))


def check(terms: Terms) -> list[Problem]:
    found: list[Problem] = []
    if terms.notice_by_on is not None and terms.notice_by_on > terms.ends_on:
        found.append(NoticeAfterEnd(f"It ends on {terms.ends_on}.", pointer="#/contract/notice_by_on"))
    if (terms.option_months == 0) != (terms.option_count == 0):
        found.append(OptionIncomplete(pointer="#/contract/option_count"))
    return found
