"""Four municipal structures read as one history: who had which name, number and county, and who followed.

Where a change is known only to lie between two structures, it is dated to the first day of the later one, and says so.
Known better: Sandefjord, Andebu and Stokke merged in 2017, and Trøndelag gave new numbers in 2018.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

from services.catalog.organisations.rules import Relation
from services.catalog.periods.rules import NumberPeriod, day_before

Row = Mapping[str, str]
YEARS = (2010, 2015, 2020, 2024)
MERGED_2017 = {"0706", "0719", "0720"}
TRONDELAG = date(2018, 1, 1)
TRONDELAG_WERE = ("16", "17")
NUMBERED_LATER = {"5006", "5007"}
"""Steinkjer's and Namsos's numbers came with their mergers, after Trøndelag's renumbering up to 5054."""


@dataclass(frozen=True)
class Former:
    name: str
    valid_from_on: date | None
    valid_to_on: date


@dataclass(frozen=True)
class County:
    number: str
    name: str
    valid_from_on: date | None
    valid_to_on: date | None


@dataclass(frozen=True)
class Following:
    successor: str
    kind: Relation
    effective_on: date
    source: str


@dataclass
class Body:
    """One municipality as one legal person. `key` names it in the seed data."""

    key: str
    organisation_number: str | None
    name: str
    official_name: str | None
    numbers: list[NumberPeriod]
    counties: list[County]
    former: list[Former]
    populations: dict[date, int]
    from_on: date | None = None
    to_on: date | None = None
    basis: str | None = None
    followed_by: list[Following] = field(default_factory=list)


def start(year: int) -> date:
    return date(year, 1, 1)


def key(row: Row) -> str:
    """The same organisation number is the same legal person; without one it is number and name together."""
    if row["organisation_number"]:
        return f"organisation:{row['organisation_number']}"
    return f"municipality:{row['municipality_number']}:{row['name']}"


def read_together(structures: Mapping[int, Sequence[Row]]) -> list[Body]:
    """Every municipality of the structures, each legal person once, with its successors."""
    lines: dict[str, dict[int, Row]] = defaultdict(dict)
    for year in YEARS:
        for row in structures[year]:
            lines[key(row)][year] = row
    bodies = {name: _body(name, rows) for name, rows in lines.items()}
    for year, later in pairwise(YEARS):
        for name, rows in lines.items():
            if max(rows) == year:
                _end(bodies, bodies[name], rows[year], structures[later], year, later)
    return list(bodies.values())


def _end(bodies: Mapping[str, Body], body: Body, row: Row, next_rows: Sequence[Row], year: int, later: int) -> None:
    effective_on, source = start(later), f"SSB's structures of {year} and {later}; dated to the later one's first day"
    if row["municipality_number"] in MERGED_2017:
        effective_on, source = date(2017, 1, 1), "Merged in 2017 (SSB's grouping of 1994–2024)"
    today = _today(row)
    heirs = [bodies[key(one)] for one in next_rows if today & _today(one)]
    kind = Relation.SPLIT if len(heirs) > 1 else Relation.MERGER
    body.followed_by = [Following(heir.key, kind, effective_on, source) for heir in heirs]
    body.to_on, body.basis = day_before(effective_on), source
    body.numbers[-1] = _ended(body.numbers[-1], body.to_on)
    last = body.counties[-1]
    if last.number in TRONDELAG_WERE and body.to_on >= TRONDELAG:
        body.counties[-1:] = [
            County(last.number, last.name, last.valid_from_on, day_before(TRONDELAG)),
            County("50", "Trøndelag", TRONDELAG, body.to_on),
        ]
    else:
        body.counties[-1] = County(last.number, last.name, last.valid_from_on, body.to_on)
    for heir in heirs:
        if heir.from_on is not None and effective_on < heir.from_on:
            heir.from_on, heir.basis = effective_on, source


def _today(row: Row) -> set[str]:
    """The municipality numbers of 2024 that a row of any structure leads to."""
    return set(row.get("municipality_number_2024", row["municipality_number"]).split(";"))


def _ended(period: NumberPeriod, to_on: date) -> NumberPeriod:
    if period.number.startswith(TRONDELAG_WERE):
        to_on = min(to_on, day_before(TRONDELAG))
    return NumberPeriod(period.number, period.valid_from_on, to_on, period.basis)


def _body(name: str, rows: Mapping[int, Row]) -> Body:
    years = sorted(rows)
    newest = rows[years[-1]]
    shown = short(newest["name"], newest["name"])
    official = newest.get("name_official_multilingual") or (newest["name"] if " - " in newest["name"] else shown)
    begins = None if years[0] == YEARS[0] else start(years[0])
    return Body(
        key=name,
        organisation_number=newest["organisation_number"] or None,
        name=f"{shown} kommune",
        official_name=official if official != shown else None,
        numbers=_numbers(rows),
        counties=_counties(rows),
        former=_former(rows, shown),
        populations=dict(_populations(rows)),
        from_on=begins,
        basis=f"SSB's structure of {years[0]} is the first with it" if begins else None,
    )


def short(name: str, today: str) -> str:
    """«Våler (Østfold)» → Våler; of several languages the one of today's name, otherwise the last."""
    parts = re.sub(r" \(.*\)$", "", name).split(" - ")
    return today if today in parts else parts[-1]


def _numbers(rows: Mapping[int, Row]) -> list[NumberPeriod]:
    found: list[NumberPeriod] = []
    for year in sorted(rows):
        number, since = rows[year]["municipality_number"], start(year)
        if found and found[-1].number == number:
            continue
        basis = f"SSB's structure of {year}" if year != YEARS[0] else None
        if found:
            renumbered = found[-1].number.startswith(TRONDELAG_WERE)
            found[-1] = _ended(found[-1], day_before(since))
            if renumbered and number <= "5054" and number not in NUMBERED_LATER:
                since, basis = TRONDELAG, "Trøndelag's numbers of 2018"
        found.append(NumberPeriod(number, None if year == YEARS[0] else since, None, basis))
    return found


def _counties(rows: Mapping[int, Row]) -> list[County]:
    found: list[County] = []
    for year in sorted(rows):
        number, name, since = rows[year]["county_number"], rows[year]["county_name"], start(year)
        if found and found[-1].number == number:
            continue
        if found:
            last = found[-1]
            if last.number in TRONDELAG_WERE:
                since = TRONDELAG
            found[-1] = County(last.number, last.name, last.valid_from_on, day_before(since))
        found.append(County(number, name, None if year == YEARS[0] else since, None))
    return found


def _former(rows: Mapping[int, Row], today: str) -> list[Former]:
    found: list[Former] = []
    years = sorted(rows)
    since = None if years[0] == YEARS[0] else start(years[0])
    for year, later in pairwise(years):
        name, following = (short(rows[one]["name"], today) for one in (year, later))
        if name != following:
            found.append(Former(f"{name} kommune", since, day_before(start(later))))
            since = start(later)
    return found


def _populations(rows: Mapping[int, Row]) -> Iterable[tuple[date, int]]:
    for year, row in rows.items():
        if counted := row[f"population_{year}_01_01"]:
            yield start(year), int(counted)


def county_began(number: str, name: str, structures: Mapping[int, Sequence[Row]]) -> date | None:
    """The first day of a county of today, as far back as the structures have it without a gap; None: before 2010."""
    if number == "50":
        return TRONDELAG
    first = YEARS[-1]
    for year in reversed(YEARS):
        if (number, name) not in {(row["county_number"], row["county_name"]) for row in structures[year]}:
            return start(first)
        first = year
    return None
