"""Real municipalities, counties and agencies, the co-operations of 2015, and fictional organisations."""

from collections import defaultdict
from dataclasses import asdict
from datetime import date
from typing import Any

from sqlmodel import Session

from services.catalog.organisations import rules
from services.catalog.organisations import store as organisations
from services.catalog.organisations.rules import Kind
from services.catalog.seed.files import number, read, slugged, told
from services.chassis.values import seed_id

RECORDED_ON = date(2015, 10, 30)
"""The day that the co-operations and their members are recorded of."""
POPULATION_ON = date(2024, 1, 1)
POPULATION_THEN_ON = date(2015, 1, 1)
OSLO = "958935420"
MEMBERS = {"kommune": Kind.MUNICIPALITY, "fylkeskommune": Kind.COUNTY}
NO_STATE_AGENCY = {"KS"}


def load(session: Session) -> int:
    known = organisations.ids_by_number(session)
    loaded = 0

    def add(name: str, kinds: list[Kind], number: str, numbers: Any = (), **rest: Any) -> None:
        nonlocal loaded
        if number not in known:
            uuid = seed_id(f"organisation:{number}")
            added = organisations.new(name, kinds, organisation_number=number, uuid=uuid, **rest)
            known[number] = organisations.add(session, added, numbers).id
            loaded += 1

    for row in read("municipalities_2024.csv"):
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
    for row in read("counties_2024.csv"):
        add(row["legal_name"], [Kind.COUNTY], row["organisation_number"], county_number=row["county_number"])
    for row in read("shared_components.csv"):
        # An owner with its number stands first alone in the file; «Kartverket og KS» comes later.
        name = row["owner_today"]
        if row["owner_today_organisation_number"]:
            kind = Kind.OTHER if name in NO_STATE_AGENCY else Kind.STATE_AGENCY
            add(name, [kind], row["owner_today_organisation_number"])
    for row in read("fictional/organisations.csv"):
        add(row["name"], [Kind(row["kind"])], row["organisation_number"], fictional=True)
    return told(session, "organisation.seed", "/organisations", loaded)


def load_co_operations(session: Session) -> int:
    known = organisations.co_operation_sources(session)
    ids = organisations.ids_by_number(session)
    today = {row["municipality_number"]: row["organisation_number"] for row in read("municipalities_2024.csv")}
    owners, corrections = defaultdict(list), defaultdict(list)
    for row in read("ict_cooperation_owners_2015.csv"):
        owners[row["cooperation_id"]].append(row)
    for row in read("ict_cooperation_corrections.csv"):
        corrections[row.pop("cooperation_name")].append(row)
    loaded = 0
    for row in read("ict_cooperations_2015.csv"):
        if row["cooperation_id"] in known:
            continue
        slug = slugged(row["name"])
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
                population_members=number(row["population_owners_2015_01_01"]),
                population_members_on=POPULATION_THEN_ON if row["population_owners_2015_01_01"] else None,
                corrections=corrections[row["name"]],
            ),
            [_member(place, owner, today, ids) for place, owner in enumerate(owners[row["cooperation_id"]])],
        )
        loaded += 1
    return told(session, "co_operation.seed", "/co-operations", loaded)


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
