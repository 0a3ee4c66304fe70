"""The 48 real entries from the reports, each under its own kind, and the fictional components."""

from datetime import date
from typing import Any

from sqlmodel import Session

from services.catalog.components import store as components
from services.catalog.components.rules import Kind as ComponentKind
from services.catalog.components.rules import Level, LifeCycle, Reuse
from services.catalog.organisations import store as organisations
from services.catalog.seed.files import read, told

REUSE = {"gjenbruk": Reuse.REUSE, "sambruk": Reuse.SHARED_USE, "": None}
LEVELS = {
    "nasjonal": Level.NATIONAL,
    "fylkeskommunal": Level.COUNTY,
    "kommunal": Level.MUNICIPAL,
    "internasjonal": Level.INTERNATIONAL,
    "": None,
}


def load(session: Session) -> int:
    known = components.slugs(session)
    ids = organisations.ids_by_number(session)
    names = organisations.names_by_id(session)
    decided = {row["component_id"]: row for row in read("shared_components_today.csv")}
    loaded = 0
    for row in read("shared_components.csv"):
        here = decided[row["component_id"]]
        if here["slug"] in known:
            continue
        owner = ids.get(row["owner_today_organisation_number"])
        named = row["owner_today"] or None
        components.add(
            session,
            components.new(
                here["slug"],
                {"nb": row["name"]},
                kind=ComponentKind(here["kind"]),
                reuse=REUSE[row["reuse_type"]],
                level=LEVELS[row["level"]],
                owner_id=owner,
                owner_name=None if owner and names[owner] == named else named,
                life_cycle=LifeCycle(here["life_cycle"]),
                life_cycle_reason=here["reason"],
                ended_on=date.fromisoformat(here["ended_on"]) if here["ended_on"] else None,
                source={
                    "source_id": row["component_id"],
                    "source": row["source"],
                    "kind_in_source": row["kind"],
                    "owner_in_source": row["owner_in_source"] or None,
                    "status_in_source": row["status_in_source"] or None,
                    "fact_in_source": row["fact_in_source"] or None,
                    "reuse_basis": row["reuse_basis"] or None,
                },
            ),
        )
        loaded += 1
    return told(session, "component.seed", "/components", loaded)


def load_fictional(session: Session, new: list[dict[str, Any]]) -> int:
    known = components.slugs(session)
    ids = organisations.ids_by_number(session)
    missing = [one for one in new if one["slug"] not in known]
    for one in missing:
        components.add(
            session,
            components.new(
                one["slug"],
                one["name"],
                summary=one["summary"],
                kind=ComponentKind(one["kind"]),
                reuse=Reuse(one["reuse"]),
                level=Level(one["level"]),
                owner_id=ids[one["owner"]],
                life_cycle=LifeCycle(one["life_cycle"]),
                life_cycle_reason=one["life_cycle_reason"],
            ),
        )
    return told(session, "component.seed", "/components", len(missing))
