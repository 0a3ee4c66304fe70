"""Intermunicipal co-operations as they were on the days of two reports: 41 of 2015, and those of Helgeland and of five
cost models of 2018 and 2019."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from services.catalog.co_operations import rules
from services.catalog.co_operations import store as co_operations
from services.catalog.co_operations.store import CoOperation, CoOperationState, Member
from services.catalog.organisations import store as organisations
from services.catalog.organisations.rules import Kind
from services.catalog.seed import structures
from services.catalog.seed.files import number, read, slugged, told
from services.catalog.seed.organisations import AUST_AGDER
from services.chassis.values import seed_id

PWC, PWC_ON = "PwC for KS: «IKT-samarbeid i kommunal sektor» (KS FoU 144016, 2015), vedlegg 5", date(2015, 10, 30)
HELGELAND, HELGELAND_ON = "Vivento/Agenda Kaupang: «Digitale Helgeland», februar 2019", date(2019, 2, 1)
POPULATION_THEN_ON = date(2015, 1, 1)
COSTS = {
    "KOST-01": "digitale-hordaland",
    "KOST-02": "digi-rogaland",
    "KOST-03": "ikomm-as",
    "KOST-04": "digitale-gardermoen",
    "KOST-05": "ikt-agder",
}
"""The models that are those of a co-operation; the other four are proposals and a grant scheme."""
IKT_AGDER_2019 = ("Arendal", "Froland", "Gjerstad", "Grimstad", "Risør", "Tvedestrand", "Vegårshei", "Åmli")
"""As the report names its owners, with Aust-Agder's county council; see the corrections of 2015."""
PROPOSED_AT = datetime(2026, 11, 2, 9, tzinfo=UTC)


def load(session: Session, *, made_up: bool = True) -> int:
    """→ how many states were loaded"""
    known, ids = co_operations.state_days(session), organisations.ids_by_uuid(session)
    keys = {name: ids[seed_id(name)] for name in _keys()}
    loaded = 0
    for slug, name, state, members in [*_of_2015(keys), *_of_helgeland(keys), *_of_cost_models(keys)]:
        if (slug, state.as_of_on) in known:
            continue
        state.co_operation_id = _co_operation(session, slug, name).id
        co_operations.add_state(session, state, members)
        loaded += 1
    if made_up:
        _propose(session, keys)
    return told(session, "co_operation.seed", "/co-operations", loaded)


def _keys() -> Iterable[str]:
    for year in structures.YEARS:
        yield from (structures.key(row) for row in read(f"municipalities_{year}.csv"))
    yield f"organisation:{AUST_AGDER}"


def _co_operation(session: Session, slug: str, name: str) -> CoOperation:
    if slug in co_operations.ids_by_slug(session, [slug]):
        return co_operations.by_slug(session, slug)
    organisation = organisations.new(name, [Kind.CO_OPERATION], uuid=seed_id(f"co-operation:{slug}"))
    return co_operations.add(session, organisation, slug)


State = tuple[str, str, CoOperationState, list[Member]]


def _state(form_in_source: str, **rest: Any) -> CoOperationState:
    units = [asdict(unit) for unit in rules.units(form_in_source)] if form_in_source else []
    return CoOperationState(co_operation_id=0, form_in_source=form_in_source or None, units=units, **rest)


def _of_2015(keys: dict[str, int]) -> Iterable[State]:
    owners, corrections = defaultdict(list), defaultdict(list)
    for row in read("ict_cooperation_owners_2015.csv"):
        owners[row["cooperation_id"]].append(row)
    for row in read("ict_cooperation_corrections.csv"):
        corrections[row.pop("cooperation_name")].append(row)
    for row in read("ict_cooperations_2015.csv"):
        state = _state(
            row["organisational_form_source"],
            as_of_on=PWC_ON,
            source=PWC,
            source_id=row["cooperation_id"],
            formal_name=row["formal_name"] or None,
            region=row["ks_region"],
            form=row["organisational_form"],
            established_year=number(row["established_year"]),
            established_in_source=row["established_text"] or None,
            population_members=number(row["population_owners_2015_01_01"]),
            population_members_on=POPULATION_THEN_ON if row["population_owners_2015_01_01"] else None,
            corrections=corrections[row["name"]],
        )
        members = [
            _member(
                keys[_owner(owner)],
                owner["owner_name"],
                owner["municipality_number_2015"],
                owner["organisation_number"],
            )
            for owner in owners[row["cooperation_id"]]
        ]
        yield slugged(row["name"]), row["name"], state, members


def _owner(row: dict[str, str]) -> str:
    number, name = row["municipality_number_2015"], row["owner_name"]
    return structures.key({**row, "municipality_number": number, "name": name})


def _of_helgeland(keys: dict[str, int]) -> Iterable[State]:
    nordland = {row["name"]: row for row in read("municipalities_2024.csv") if row["county_number"] == "18"}
    for row in read("helgeland_cooperations_2018.csv"):
        names = [name for name in row["members"].split(";") if name]
        host = nordland[row["host_municipality"]] if row["host_municipality"] else None
        state = _state(
            row["kind"],
            as_of_on=HELGELAND_ON,
            as_of_in_source="februar 2019",
            source=HELGELAND,
            form=row["kind"],
            host_id=keys[structures.key(host)] if host else None,
            scope=row["scope"] or None,
            supplier_in_source=row["supplier"] or None,
            members_known=bool(names),
            corrections=[_spelling(row["source_text_correction"])] if row["source_text_correction"] else [],
        )
        yield slugged(row["name"]), row["name"], state, [_municipality(keys, nordland[name]) for name in names]


def _spelling(text: str) -> dict[str, str]:
    source, _, corrected = text.partition(" i kilden er rettet til ")
    return {
        "field": "members",
        "source_text": source,
        "corrected_value": corrected,
        "reason": text,
        "kind": "skrivemåte",
    }


def _of_cost_models(keys: dict[str, int]) -> Iterable[State]:
    agder = {row["name"]: row for row in read("municipalities_2015.csv") if row["county_number"] == "09"}
    for row in read("cost_sharing_models.csv"):
        if row["model_id"] not in COSTS:
            continue
        members = []
        if row["model_id"] == "KOST-05":
            members = [_municipality(keys, agder[name]) for name in IKT_AGDER_2019]
            members.append(_member(keys[f"organisation:{AUST_AGDER}"], "Aust-Agder fylkeskommune", None, AUST_AGDER))
        state = _state(
            row["organisational_form"],
            as_of_on=HELGELAND_ON if row["year"] == "2019" else date(int(row["year"]), 12, 31),
            as_of_in_source=row["year"],
            source=f"{HELGELAND}; {row['source'].partition(', ')[2]}",
            source_id=row["model_id"],
            form=row["organisational_form"],
            established_year=number(row["established_year"]),
            member_count_in_source=row["member_count"] or None,
            members_known=bool(members),
            fixed_per_municipality_nok=_money(row["fixed_per_municipality_nok"]),
            per_inhabitant_nok=_money(row["per_inhabitant_nok"]),
            external_contribution_nok=_money(row["external_contribution_nok"]),
            external_contributor=row["external_contributor"] or None,
            other_financing=row["other_financing"] or None,
            project_financing=row["project_financing"] or None,
        )
        yield COSTS[row["model_id"]], row["cooperation"], state, members


def _municipality(keys: dict[str, int], row: dict[str, str]) -> Member:
    name = structures.short(row["name"], row["name"])
    return _member(keys[structures.key(row)], name, row["municipality_number"], row["organisation_number"])


def _member(organisation_id: int, name: str, municipality_number: str | None, organisation_number: str) -> Member:
    return Member(
        state_id=0,
        place=0,
        organisation_id=organisation_id,
        name=name,
        municipality_number=municipality_number or None,
        organisation_number=organisation_number or None,
    )


def _money(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def _propose(session: Session, keys: dict[str, int]) -> None:
    """A proposal to try answering with; it decides nothing until both have confirmed."""
    haram, alesund = keys["organisation:829912252"], keys["organisation:929911709"]
    uuid = seed_id("allocation:ekommune-sunnmore")
    if co_operations.allocation_exists(session, uuid):
        return
    session.add(
        co_operations.Allocation(
            uuid=uuid,
            co_operation_id=co_operations.by_slug(session, "ekommune-sunnmore").id,
            predecessor_id=keys["organisation:920415288"],
            parties=[alesund, haram],
            carried_on_by=[alesund],
            effective_on=date(2024, 1, 1),
            proposed_by="100000008",
            reason="Forslag til å prøve ut svar med (fiktivt)",
            recorded_at=PROPOSED_AT,
        )
    )
    session.flush()
