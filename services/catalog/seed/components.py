"""The 48 real entries from the reports, each under its own kind, and the fictional components with all about them."""

from datetime import date
from typing import Any

from sqlmodel import Session

from services.catalog.components import store as components
from services.catalog.components.rules import Kind as ComponentKind
from services.catalog.components.rules import Level, Reuse
from services.catalog.dependencies import store as dependencies
from services.catalog.lifecycles.rules import EventKind, LifeCycle
from services.catalog.organisations import store as organisations
from services.catalog.releases import store as releases
from services.catalog.repositories import store as repositories
from services.catalog.repositories.rules import ModuleKind, canonical
from services.catalog.seed.files import fictional, read, told
from services.chassis import clock
from services.chassis.values import seed_id

REUSE = {"gjenbruk": Reuse.REUSE, "sambruk": Reuse.SHARED_USE, "": None}
LEVELS = {
    "nasjonal": Level.NATIONAL,
    "fylkeskommunal": Level.COUNTY,
    "kommunal": Level.MUNICIPAL,
    "internasjonal": Level.INTERNATIONAL,
    "": None,
}
FILED_ON = date(2026, 1, 1)
"""What the entries are filed as is what is known of 2026, unless a day is known."""


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
        ended_on = date.fromisoformat(here["ended_on"]) if here["ended_on"] else None
        component = components.new(
            here["slug"],
            {"nb": row["name"]},
            kind=ComponentKind(here["kind"]),
            reuse=REUSE[row["reuse_type"]],
            level=LEVELS[row["level"]],
            owner_id=owner,
            owner_name=None if owner and names[owner] == named else named,
            life_cycle=LifeCycle(here["life_cycle"]),
            ended_on=ended_on,
            source={
                "source_id": row["component_id"],
                "source": row["source"],
                "kind_in_source": row["kind"],
                "owner_in_source": row["owner_in_source"] or None,
                "status_in_source": row["status_in_source"] or None,
                "fact_in_source": row["fact_in_source"] or None,
                "reuse_basis": row["reuse_basis"] or None,
            },
        )
        components.add(session, component)
        _happened(
            session,
            component,
            [
                {
                    "kind": "filed",
                    "filed_as": here["life_cycle"],
                    "effective_on": str(ended_on or FILED_ON),
                    "reason": here["reason"],
                }
            ],
        )
        loaded += 1
    return told(session, "component.seed", "/components", loaded)


def load_fictional(session: Session) -> int:
    """Components with their life so far, versions, repositories, modules and dependencies."""
    known = components.slugs(session)
    ids = organisations.ids_by_number(session)
    missing = [one for one in fictional("components.json")["components"] if one["slug"] not in known]
    for one in missing:
        texts = {name: one.get(name) for name in ("summary", "purpose", "price_note", "licence")}
        addresses = {name: one.get(name) for name in ("terms_url", "data_processing_agreement_url")}
        component = components.new(
            one["slug"],
            one["name"],
            kind=ComponentKind(one["kind"]),
            reuse=Reuse(one["reuse"]),
            level=Level(one["level"]),
            owner_id=ids[one["owner"]],
            operator_id=ids[one["operator"]] if "operator" in one else None,
            transfer_to_id=ids[one["transfer_to"]] if "transfer_to" in one else None,
            target_services=one.get("target_services", []),
            life_cycle=LifeCycle.PROPOSED,
            authors=["samvirke"],
            confirmed_on=clock.today(),
            **texts,
            **addresses,
        )
        components.add(session, component)
        _happened(session, component, one["events"])
        _versions(session, component.id, one.get("versions", []))
        _source(session, component.id, one)
    for one in missing:  # when all are there: they need one another
        for needed in one.get("dependencies", []):
            rest = {name: needed[name] for name in ("versions", "optional", "note") if name in needed}
            component_id, on_id = (components.id_of(session, slug) for slug in (one["slug"], needed["on"]))
            dependencies.add(session, dependencies.Dependency(component_id=component_id, on_id=on_id, **rest))
    return told(session, "component.seed", "/components", len(missing))


def _happened(session: Session, component: components.Component, events: list[dict[str, Any]]) -> None:
    today = clock.today()
    for event in events:
        effective_on = date.fromisoformat(event["effective_on"])
        components.move(
            session,
            component,
            EventKind(event["kind"]),
            None,
            effective_on=min(effective_on, today) if event is events[0] else effective_on,
            recorded_at=clock.now(),
            today=today,
            reason=event["reason"],
            filed_as=LifeCycle(event["filed_as"]) if "filed_as" in event else None,
        )
    session.flush()


def _versions(session: Session, component_id: int, versions: list[dict[str, Any]]) -> None:
    kept = {}
    for one in versions:
        ends = {name: date.fromisoformat(one[name]) for name in ("supported_to_on", "end_of_life_on") if name in one}
        version = releases.new(
            component_id,
            one["label"],
            date.fromisoformat(one["released_on"]),
            breaking=one.get("breaking", False),
            notes=one.get("notes"),
            **ends,
        )
        kept[one["label"]] = releases.add(session, version)
    for one in versions:
        if "replaced_by" in one:
            kept[one["label"]].replaced_by_id = kept[one["replaced_by"]].id


def _source(session: Session, component_id: int, one: dict[str, Any]) -> None:
    there = {}
    for repository in one.get("repositories", []):
        url = canonical(repository["url"])
        aliases = [canonical(alias) for alias in repository["aliases"]]
        there[url] = repositories.add(session, component_id, url, aliases, seed_id(f"repository:{url}")).id
    for module in one.get("modules", []):
        repositories.add_module(
            session,
            repositories.Module(
                component_id=component_id,
                name=module["name"],
                kind=ModuleKind(module["kind"]),
                repository_id=there[module["repository"]],
                path=module["path"],
            ),
        )
