"""Real standards with what is known for certain of whom they bind, and what a report of 2011 says of its time."""

import json
from datetime import UTC, date, datetime
from typing import Any

from sqlmodel import Session

from services.catalog.bindings import store as bindings
from services.catalog.components import store as components
from services.catalog.seed.files import DATA, read, told
from services.catalog.standards import store as standards
from services.catalog.standards.rules import Level, Sector
from services.chassis.values import seed_id

RECORDED_AT = datetime(2026, 11, 2, 8, tzinfo=UTC)
LAST_KNOWN_ON = date(2011, 12, 31)
"""What the report says holds for its year; what came after it does not know."""
KNOWN_OF_2011 = "Known of 2011 only: the last day is that of what is known, not of the binding."


def load(session: Session) -> int:
    known = standards.slugs(session)
    new = json.loads((DATA / "standards.json").read_text())["standards"]
    missing = [one for one in new if one["slug"] not in known]
    for one in missing:
        kept = standards.add(
            session,
            standards.new(
                one["slug"],
                one["name"],
                summary=one["summary"],
                publisher=one["publisher"],
                version=one["version"],
                url=one["url"],
                component_id=components.find(session, one["component"]) if one["component"] else None,
                successor_id=standards.find(session, one["successor"]) if one.get("successor") else None,
                confirmed_on=RECORDED_AT.date(),
            ),
        )
        clauses = [(clause["id"], clause["title"]) for clause in one["clauses"]]
        standards.add_clauses(session, kept.id, clauses, after=0)
        for binding in one["bindings"]:
            for sector in binding["sectors"]:
                _bind(
                    session,
                    kept,
                    Sector(sector),
                    Level(binding["level"]),
                    area=binding["area"],
                    area_name=binding["area_name"],
                    legal_basis=binding["legal_basis"],
                    legal_basis_name=binding["legal_basis_name"],
                    valid_from_on=_day(binding["valid_from_on"]),
                    valid_to_on=_day(binding["valid_to_on"]),
                    exceptions=binding["exceptions"],
                    successor_id=standards.find(session, binding["successor"]) if binding["successor"] else None,
                    source=None,
                    reason="It came with the catalogue.",
                )
    return told(session, "standard.seed", "/standards", len(missing))


def load_2011(session: Session) -> int:
    known, loaded = standards.slugs(session), 0
    decided = {int(row["row"]): row for row in read("standards_2011_today.csv")}
    for number, row in enumerate(read("standards_and_architecture_status_2011.csv"), 1):
        here = decided[number]
        if not here["slug"] or here["slug"] in known:
            continue
        kept = standards.add(
            session,
            standards.new(
                here["slug"],
                {"nb": row["element"]},
                publisher=row["managed_by"],
                component_id=components.find(session, here["component"]) if here["component"] else None,
                source={
                    "source": row["source"],
                    "element": row["element"],
                    "for_state": row["for_state"],
                    "for_municipalities": row["for_municipalities"],
                    "managed_by": row["managed_by"],
                },
            ),
        )
        for sector in Sector:
            if level := here[f"{sector}_level"]:
                _bind(
                    session,
                    kept,
                    sector,
                    Level(level),
                    area=here["area"],
                    area_name={"nb": here["area_name"]},
                    valid_from_on=None,
                    valid_to_on=LAST_KNOWN_ON,
                    source=row["source"],
                    reason=KNOWN_OF_2011,
                )
        loaded += 1
    return told(session, "standard.seed", "/standards", loaded)


def _bind(
    session: Session, standard: standards.Standard, sector: Sector, level: Level, *, area: str, **rest: Any
) -> None:
    bindings.add(
        session,
        bindings.Binding(
            binding=seed_id(f"binding:{standard.slug}:{sector}:{area}"),
            standard_id=standard.id,
            sector=sector,
            level=level,
            area=area,
            recorded_at=RECORDED_AT,
            **rest,
        ),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
