"""The catalogue's seed data: real organisations, co-operations and components, and a fictional part that says so."""

import csv
import json
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session

from services.catalog.certificates import rules as certification
from services.catalog.certificates import store as certificates
from services.catalog.components import store as components
from services.catalog.components.rules import Kind as ComponentKind
from services.catalog.components.rules import Level, LifeCycle, Reuse
from services.catalog.organisations import rules
from services.catalog.organisations import store as organisations
from services.catalog.organisations.rules import Kind
from services.catalog.products import store as products
from services.catalog.specifications import rules as requirements
from services.catalog.specifications import store as specifications
from services.chassis import audit, clock
from services.chassis.db import PROJECT, Database
from services.chassis.problems import refuse
from services.chassis.values import seed_id

DATA = PROJECT / "data"
RECORDED_ON = date(2015, 10, 30)
"""The day that the co-operations and their members are recorded of."""
POPULATION_ON = date(2024, 1, 1)
POPULATION_THEN_ON = date(2015, 1, 1)
OSLO = "958935420"

REUSE = {"gjenbruk": Reuse.REUSE, "sambruk": Reuse.SHARED_USE, "": None}
LEVELS = {
    "nasjonal": Level.NATIONAL,
    "fylkeskommunal": Level.COUNTY,
    "kommunal": Level.MUNICIPAL,
    "internasjonal": Level.INTERNATIONAL,
    "": None,
}
MEMBERS = {"kommune": Kind.MUNICIPALITY, "fylkeskommune": Kind.COUNTY}
NO_STATE_AGENCY = {"KS"}


def load(database: Database, *, tell: Callable[[str], None]) -> None:
    """Load what is not there yet; a second time changes nothing."""
    fictional = json.loads((DATA / "fictional" / "catalogue.json").read_text())
    with database.writing() as session:
        for what, loaded in (
            ("organisations", _organisations(session)),
            ("co-operations of 2015", _co_operations(session)),
            ("components, standards, reports and projects", _components(session)),
            ("fictional components", _fictional_components(session, fictional["components"])),
            ("fictional requirement specifications", _specifications(session, fictional["specifications"])),
            ("fictional products", _products(session, fictional["products"])),
            ("fictional certificates", _certificates(session, fictional["certificates"])),
        ):
            if loaded:
                tell(f"{loaded} {what}")


def _read(name: str) -> list[dict[str, str]]:
    with Path(DATA / name).open(newline="") as file:
        return list(csv.DictReader(file))


def _organisations(session: Session) -> int:
    known = organisations.ids_by_number(session)
    loaded = 0

    def add(name: str, kinds: list[Kind], number: str, numbers: Any = (), **rest: Any) -> None:
        nonlocal loaded
        if number not in known:
            uuid = seed_id(f"organisation:{number}")
            added = organisations.new(name, kinds, organisation_number=number, uuid=uuid, **rest)
            known[number] = organisations.add(session, added, numbers).id
            loaded += 1

    for row in _read("municipalities_2024.csv"):
        official = row["name_official_multilingual"]
        number, before = row["municipality_number"], row["municipality_number_2020_2023"]
        if before == "1507":
            # Ålesund's before 2024, when Haram left it. Both came from it, so it is neither's alone.
            before = ""
        add(
            f"{row['name']} kommune",
            [Kind.MUNICIPALITY, Kind.COUNTY] if row["organisation_number"] == OSLO else [Kind.MUNICIPALITY],
            row["organisation_number"],
            rules.numbers_over_time(number, before),
            official_name=official if official != row["name"] else None,
            county_number=row["county_number"],
            population=int(row["population_2024_01_01"]),
            population_on=POPULATION_ON,
        )
    for row in _read("counties_2024.csv"):
        add(row["legal_name"], [Kind.COUNTY], row["organisation_number"], county_number=row["county_number"])
    for row in _read("shared_components.csv"):
        # An owner with its number stands first alone in the file; «Kartverket og KS» comes later.
        name = row["owner_today"]
        if row["owner_today_organisation_number"]:
            kind = Kind.OTHER if name in NO_STATE_AGENCY else Kind.STATE_AGENCY
            add(name, [kind], row["owner_today_organisation_number"])
    for row in _read("fictional/organisations.csv"):
        add(row["name"], [Kind(row["kind"])], row["organisation_number"], fictional=True)
    return _told(session, "organisation.seed", "/organisations", loaded)


def _co_operations(session: Session) -> int:
    known = organisations.co_operation_sources(session)
    ids = organisations.ids_by_number(session)
    today = {row["municipality_number"]: row["organisation_number"] for row in _read("municipalities_2024.csv")}
    owners, corrections = defaultdict(list), defaultdict(list)
    for row in _read("ict_cooperation_owners_2015.csv"):
        owners[row["cooperation_id"]].append(row)
    for row in _read("ict_cooperation_corrections.csv"):
        corrections[row.pop("cooperation_name")].append(row)
    loaded = 0
    for row in _read("ict_cooperations_2015.csv"):
        if row["cooperation_id"] in known:
            continue
        slug = _slug(row["name"])
        organisations.add_co_operation(
            session,
            organisations.new(row["name"], [Kind.CO_OPERATION], uuid=seed_id(f"co-operation:{slug}")),
            organisations.CoOperation(
                organisation_id=0,
                slug=slug,
                source_id=row["cooperation_id"],
                formal_name=row["formal_name"] or None,
                region=row["ks_region"],
                as_of_on=RECORDED_ON,
                form_in_source=row["organisational_form_source"],
                form=row["organisational_form"],
                units=[asdict(unit) for unit in rules.units(row["organisational_form_source"])],
                established_year=int(row["established_year"]) if row["established_year"] else None,
                established_in_source=row["established_text"] or None,
                population_members=_number(row["population_owners_2015_01_01"]),
                population_members_on=POPULATION_THEN_ON if row["population_owners_2015_01_01"] else None,
                corrections=corrections[row["name"]],
            ),
            [_member(place, owner, today, ids) for place, owner in enumerate(owners[row["cooperation_id"]])],
        )
        loaded += 1
    return _told(session, "co_operation.seed", "/co-operations", loaded)


def _member(
    place: int, row: dict[str, str], today: dict[str, str], ids: dict[str, int]
) -> tuple[organisations.Member, list[tuple[int, rules.Relation]]]:
    then = row["organisation_number"]
    member = organisations.Member(
        co_operation_id=0,
        place=place,
        name=row["owner_name"],
        kind=MEMBERS[row["owner_type"]],
        municipality_number=row["municipality_number_2015"] or None,
        organisation_number=then or None,
    )
    if then in ids:
        return member, [(ids[then], rules.relation(then, then))]
    successors = [today[number] for number in row["municipality_number_2024"].split(";") if number]
    return member, [(ids[number], rules.relation(then, number)) for number in successors]


def _components(session: Session) -> int:
    known = components.slugs(session)
    ids = organisations.ids_by_number(session)
    names = organisations.names_by_id(session)
    decided = {row["component_id"]: row for row in _read("shared_components_today.csv")}
    loaded = 0
    for row in _read("shared_components.csv"):
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
    return _told(session, "component.seed", "/components", loaded)


def _fictional_components(session: Session, new: list[dict[str, Any]]) -> int:
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
    return _told(session, "component.seed", "/components", len(missing))


def _specifications(session: Session, new: list[dict[str, Any]]) -> int:
    known = specifications.slugs(session)
    missing = [one for one in new if one["slug"] not in known]
    for one in missing:
        presupposed = specifications.presupposed(session, one["presupposes"]) if one["presupposes"] else None
        versions = [
            requirements.Version(
                version["version"],
                date.fromisoformat(version["effective_on"]),
                tuple(
                    requirements.Requirement(
                        row["id"], requirements.Obligation(row["obligation"]), row["text"], row["verification"]
                    )
                    for row in version["requirements"]
                ),
            )
            for version in one["versions"]
        ]
        refuse(requirements.check(one["level"], versions, presupposed[1] if presupposed else None))
        kept = specifications.Specification(
            slug=one["slug"],
            level=one["level"],
            name=one["name"],
            summary=one["summary"],
            presupposes_id=presupposed[0] if presupposed else None,
        )
        specifications.add(session, kept, versions)
    return _told(session, "specification.seed", "/specifications", len(missing))


def _products(session: Session, new: list[dict[str, Any]]) -> int:
    known = products.slugs(session)
    ids = organisations.ids_by_number(session)
    missing = [one for one in new if one["slug"] not in known]
    for one in missing:
        component_id = components.find(session, one["component"])
        assert component_id
        products.add(
            session,
            products.Product(
                slug=one["slug"],
                name=one["name"],
                supplier_id=ids[one["supplier"]],
                component_id=component_id,
                delivery_forms=one["delivery_forms"],
                version=one["version"],
            ),
        )
    return _told(session, "product.seed", "/products", len(missing))


def _certificates(session: Session, new: list[dict[str, Any]]) -> int:
    known = certificates.numbers(session)
    missing = [one for one in new if one["number"] not in known]
    for one in missing:
        product = products.find(session, one["product"])
        version = specifications.find_version(session, one["specification"], one["specification_version"])
        assert product
        assert version
        ids = {row.code: row.id for row in specifications.requirements(session, version.id)}
        recorded_at = datetime.fromisoformat(one["recorded_at"])
        granted = certificates.grant(
            session,
            certificates.Certificate(
                number="",
                product_id=product.id,
                versions=None if one["versions"] == "all" else one["versions"],
                specification_version_id=version.id,
                delivery_forms=one["delivery_forms"],
                valid_from_on=date.fromisoformat(one["valid_from_on"]),
                valid_to_on=date.fromisoformat(one["valid_to_on"]),
                decided_by=one["decided_by"],
            ),
            [_result(ids[code], result, one["evidence"]) for code, result in one["results"].items()],
            recorded_at=recorded_at,
            today=clock.on(recorded_at),
            reason=one["reason"],
        )
        for event in one["then"]:
            recorded_at = datetime.fromisoformat(event["recorded_at"])
            certificates.record(
                session,
                granted.id,
                certification.EVENTS[certification.Step(event["step"])],
                effective_on=date.fromisoformat(event["effective_on"]),
                recorded_at=recorded_at,
                today=clock.on(recorded_at),
                reason=event["reason"],
                organisation=one["decided_by"],
            )
    return _told(session, "certificate.seed", "/certificates", len(missing))


def _result(requirement_id: int, result: dict[str, Any], evidence: dict[str, str]) -> certificates.Result:
    outcome = certification.Outcome(result["outcome"])
    return certificates.Result(
        certificate_id=0,
        requirement_id=requirement_id,
        outcome=outcome,
        reason=result.get("reason"),
        evidence=[evidence] if outcome in (certification.Outcome.MET, certification.Outcome.PARTLY) else [],
    )


def _told(session: Session, action: str, subject: str, loaded: int) -> int:
    if loaded:
        audit.record(session, None, action, subject, loaded=loaded)
    return loaded


def _number(text: str) -> int | None:
    return int(text) if text else None


_FOLDED = str.maketrans({"æ": "ae", "ø": "o", "å": "a", "é": "e"})


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower().translate(_FOLDED)).strip("-")
