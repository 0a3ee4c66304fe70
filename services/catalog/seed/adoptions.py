"""What is known of Helgeland in 2018, claimed by a report and confirmed by nobody; and fictional adoptions."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from services.catalog.adopters import store as adopters
from services.catalog.adoptions import rules
from services.catalog.adoptions import store as adoptions
from services.catalog.adoptions.rules import Claim, Environment, Status, Step
from services.catalog.components import store as components
from services.catalog.holdings import store as holdings
from services.catalog.organisations.store import Organisation
from services.catalog.products import store as products
from services.catalog.seed.files import read, told
from services.catalog.supply_contracts import store as supply_contracts
from services.chassis import clock
from services.chassis.values import seed_id

HELGELAND = "Vivento/Agenda Kaupang: «Digitale Helgeland», februar 2019 (kartlegging 2018)"
HELGELAND_ON = date(2018, 12, 31)
SHARED = {
    "uses_id_porten": "id-porten",
    "uses_altinn": "altinn-2",
    "uses_digital_post": "digital-post",
    "uses_contact_register": "kontakt-og-reservasjonsregisteret",
}
"""Altinn in 2018 was what is now called Altinn 2."""
RECORDED_AT = datetime(2026, 11, 2, 9, tzinfo=UTC)


def load(session: Session) -> int:
    """Only what the report says plainly («ja», or a municipality by its name); what is unknown stays unknown."""
    known, ids = _known(session), _organisations(session)
    loaded = 0
    for number, name, component, system in _of_helgeland():
        uuid = seed_id(f"adoption:helgeland-2018:{number}:{name}")
        if uuid in known:
            continue
        adoption = adoptions.Adoption(
            uuid=uuid,
            organisation_id=ids[seed_id(f"organisation:{number}")],
            component_id=components.id_of(session, component) if component else None,
            system_in_source=system,
            environment=Environment.PRODUCTION,
            status=Status.IN_USE,
            status_since_on=HELGELAND_ON,
            claim=Claim.CLAIMED,
            confirm_by_on=HELGELAND_ON + rules.CONFIRM_WITHIN,
            source=HELGELAND,
        )
        adoptions.add(session, adoption, _event(Step.REGISTER, adoption, HELGELAND_ON, reason=HELGELAND))
        loaded += 1
    return told(session, "adoption.seed", "/adoptions", loaded)


def _of_helgeland() -> Iterator[tuple[str, str, str | None, str | None]]:
    """(organisation number, name of the thing, component, system that the catalogue does not have)"""
    numbers = {}
    for row in read("helgeland_municipalities_2018.csv"):
        numbers[row["name"]] = row["organisation_number"]
        for column, slug in SHARED.items():
            if row[column] == "ja":
                yield row["organisation_number"], slug, slug, None
    for row in read("helgeland_case_systems_2018.csv"):
        for name in filter(None, row["named_municipalities"].split(";")):
            yield numbers[name], row["system"], None, row["system"]


def load_fictional(session: Session, new: list[dict[str, Any]]) -> int:
    known, ids = _known(session), _organisations(session)
    numbers = _numbers(session)
    missing = [one for one in new if seed_id(f"adoption:{one['key']}") not in known]
    for one in missing:
        effective_on = date.fromisoformat(one["effective_on"])
        claimed_by = one.get("claimed_by")
        recorded_on = clock.on(RECORDED_AT)
        adoption = adoptions.Adoption(
            uuid=seed_id(f"adoption:{one['key']}"),
            organisation_id=ids[seed_id(one["organisation"])],
            component_id=components.id_of(session, one["component"]) if "component" in one else None,
            product_id=products.by_slug(session, one["product"]).id if "product" in one else None,
            version=one.get("version"),
            environment=Environment(one["environment"]),
            status=Status(one["status"]),
            status_since_on=effective_on,
            claim=Claim.CLAIMED if claimed_by else Claim.CONFIRMED,
            claimed_by_id=numbers[claimed_by] if claimed_by else None,
            confirm_by_on=recorded_on + rules.CONFIRM_WITHIN if claimed_by else None,
            last_confirmed_on=None if claimed_by else recorded_on,
            source="Fiktivt, til utprøving",
            fictional=True,
        )
        if claimed_by:
            adoption.as_claimed = adoptions.as_claimed(adoption)
        adoptions.add(session, adoption, _event(Step.REGISTER, adoption, effective_on, number=claimed_by))
        if confirmed_by := one.get("confirmed_by"):
            adoption.claim, adoption.last_confirmed_on = Claim.CONFIRMED, recorded_on
            said = _event(Step.CONFIRM, adoption, recorded_on, number=confirmed_by)
            said.status, said.adoption_id = None, adoption.id
            session.add(said)
        if contract := one.get("contract"):
            price = contract["price_excl_vat_per_year"]
            supply_contracts.put(
                session,
                adoption.id,
                supply_contracts.SupplyContract(
                    adoption_id=adoption.id,
                    supplier_id=numbers[contract["supplier"]],
                    ends_on=date.fromisoformat(contract["ends_on"]),
                    notice_by_on=date.fromisoformat(contract["notice_by_on"]),
                    option_months=contract["option_months"],
                    option_count=contract["option_count"],
                    price_excl_vat_per_year=Decimal(price) if price else None,
                ),
            )
        if allocation := one.get("allocation"):
            _allocate(session, adoption, ids, one["key"], allocation)
    return told(session, "adoption.seed", "/adoptions", len(missing))


def _allocate(
    session: Session, adoption: adoptions.Adoption, ids: dict[Any, int], key: str, allocation: dict[str, Any]
) -> None:
    wanted = [ids[seed_id(name)] for name in allocation["organisations"]]
    proposer = ids[seed_id(allocation["proposed_by"])]
    holding = holdings.holders(session, {adoption.id: adoption.organisation_id}, clock.on(RECORDED_AT))[adoption.id]
    holdings.propose(
        session,
        adoption.id,
        wanted,
        holding.organisations,
        proposer,
        RECORDED_AT,
        uuid=seed_id(f"allocation:{key}"),
    )


def count(session: Session) -> int:
    """How many use what, for the search; after its entries are there."""
    session.flush()
    adopters.count_all(session, clock.today())
    return 0


def _event(
    step: Step,
    adoption: adoptions.Adoption,
    effective_on: date,
    *,
    number: str | None = None,
    reason: str | None = None,
) -> adoptions.AdoptionEvent:
    return adoptions.AdoptionEvent(
        adoption_id=0,
        step=step,
        status=adoption.status,
        claim=adoption.claim,
        effective_on=effective_on,
        recorded_at=RECORDED_AT,
        organisation_number=number,
        reason=reason,
        back_dated=effective_on < clock.on(RECORDED_AT),
    )


def _known(session: Session) -> set[Any]:
    return set(session.execute(sa.select(adoptions.HERE.uuid)).scalars())


def _organisations(session: Session) -> dict[Any, int]:
    return {row.uuid: row.id for row in session.execute(sa.select(col(Organisation.uuid), col(Organisation.id)))}


def _numbers(session: Session) -> dict[str, int]:
    here = Organisation
    query = sa.select(col(here.organisation_number), col(here.id)).where(col(here.organisation_number).is_not(None))
    return {row.organisation_number: row.id for row in session.execute(query)}
