"""Registering, claiming and changing adoptions over HTTP."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.adopters import store as adopters
from services.catalog.adoptions import rules, shapes
from services.catalog.adoptions import store as adoptions
from services.catalog.adoptions.rules import Claim, Environment, Status, Step
from services.catalog.adoptions.shapes import BRONNOY, COMPONENT, VEFSN, Adoption, AdoptionId
from services.catalog.components import store as components
from services.catalog.holdings import store as holdings
from services.catalog.organisations import rules as organisation_rules
from services.catalog.organisations import store as organisations
from services.catalog.organisations.store import Organisation
from services.catalog.products import store as products
from services.catalog.supply_contracts import rules as contract_rules
from services.catalog.supply_contracts import store as supply_contracts
from services.chassis import audit, changes, clock
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.contract import example
from services.chassis.db import SessionDep
from services.chassis.problems import Problem, refuse
from services.chassis.values import In, Money, OrganisationNumber, Slug

router = new_router("/adoptions", "Adoptions")

Reason = Annotated[str, Field(min_length=1, max_length=2000)]


class ContractFields(In):
    """From whom it is bought. Municipal bodies see it, suppliers never."""

    supplier: OrganisationNumber = Field(description="A registered supplier")
    ends_on: date = Field(description="Without options")
    notice_by_on: date | None = Field(default=None, description="The last day to give notice")
    option_months: int = Field(default=0, ge=0, le=120, description="How long each option extends it, in months")
    option_count: int = Field(default=0, ge=0, le=20, description="How many options there are")
    price_excl_vat_per_year: Money | None = Field(default=None, description="In NOK; leave it out if it is not known")


class AdoptionFields(In):
    """What can be changed of an adoption without a step."""

    version: str | None = Field(default=None, min_length=1, max_length=40, description="The label of the version")
    planned_start_on: date | None = Field(default=None, description="Only while it is planned")
    source: str | None = Field(default=None, min_length=1, max_length=500, description="Where this is known from")
    contract: ContractFields | None = None


class NewAdoption(AdoptionFields):
    organisation: UUID | None = Field(default=None, description="Who uses it. Left out: your own organisation")
    component: Slug | None = Field(default=None, description="One of these three", examples=[COMPONENT])
    product: Slug | None = Field(default=None, description="One of these three", examples=["havorn-alarm"])
    system_in_source: str | None = Field(
        default=None, min_length=1, max_length=200, description="What the catalogue does not have, by name"
    )
    environment: Environment = Environment.PRODUCTION
    status: Status = Status.IN_USE
    effective_on: date | None = Field(default=None, description="Since when it stands so. Left out: today")
    reason: Reason | None = Field(default=None, description="Why it is recorded late, where no source says it")


class ContractChange(In):
    supplier: OrganisationNumber | None = None
    ends_on: date | None = None
    notice_by_on: date | None = None
    option_months: int | None = Field(default=None, ge=0, le=120)
    option_count: int | None = Field(default=None, ge=0, le=20)
    price_excl_vat_per_year: Money | None = None


class AdoptionChange(In):
    """An adoption in part (RFC 7396). A changed contract needs a reason."""

    version: str | None = Field(default=None, min_length=1, max_length=40)
    planned_start_on: date | None = None
    source: str | None = Field(default=None, min_length=1, max_length=500)
    contract: ContractChange | None = None
    reason: Reason | None = None


@router.post(
    "",
    status_code=201,
    summary="Register an adoption",
    openapi_extra=example(
        organisation=VEFSN,
        body={
            "product": "havorn-alarm",
            "status": "in_use",
            "effective_on": "2026-01-01",
            "reason": "Registrert etter opplæringen (fiktivt)",
            "contract": {
                "supplier": "100000032",
                "ends_on": "2028-12-31",
                "notice_by_on": "2028-06-30",
                "option_months": 12,
                "option_count": 2,
                "price_excl_vat_per_year": "120000.00",
            },
        },
    ),
)
def register(
    new: NewAdoption, caller: CallerDep, session: SessionDep, response: Response, today: clock.TodayDep
) -> Adoption:
    """A public body's own adoption is confirmed at once. Of another organisation you can only claim one: a supplier
    of its own product, a member of its co-operation when that has no organisation number, an editor of what a source
    says. It stays a claim until the organisation confirms it, and is stale after 90 days."""
    seen = adoptions.viewer(session, caller)
    acting = organisations.of_caller(session, caller.organisation)
    target = organisations.by_uuids(session, [new.organisation]).get(new.organisation) if new.organisation else acting
    effective_on = new.effective_on or today
    if target is not None and not _existed(session, target, effective_on):
        target = None
    component, product, found = _thing(session, new)
    claim, refused = rules.check_registrar(
        _registrar(session, caller, acting, target, product, today), source=new.source, contract=bool(new.contract)
    )
    if target is None:
        told = f"There was no {new.organisation} on {effective_on}."
        found.append(adoptions.OrganisationUnknown(told, pointer="#/organisation"))
    found += refused
    found += rules.check_new(
        component=new.component,
        product=new.product,
        system=new.system_in_source,
        version=new.version,
        status=new.status,
        effective_on=effective_on,
        planned_start_on=new.planned_start_on,
        today=today,
        source=new.source,
        reason=new.reason,
    )
    contract, wrong = _contract(session, new.contract)
    refuse(sorted(found + wrong, key=lambda one: one.status != rules.MayNotRegister.status))
    assert target is not None
    own = claim is Claim.CONFIRMED
    adoption = adoptions.Adoption(
        organisation_id=target.id,
        component_id=component,
        product_id=product,
        system_in_source=new.system_in_source,
        version=new.version,
        environment=new.environment,
        status=new.status,
        status_since_on=effective_on,
        claim=claim,
        claimed_by_id=None if own else acting.id,
        confirm_by_on=None if own else today + rules.CONFIRM_WITHIN,
        last_confirmed_on=today if own else None,
        planned_start_on=new.planned_start_on,
        source=new.source,
    )
    if not own:
        adoption.as_claimed = adoptions.as_claimed(adoption)
    event = adoptions.event(
        Step.REGISTER, caller, effective_on, clock.now(), today, new.reason, status=new.status, claim=claim
    )
    adoptions.add(session, adoption, event)
    if contract:
        supply_contracts.put(session, adoption.id, contract)
    audit.record(
        session, caller, "adoption.register", adoption.path, new=new.model_dump(mode="json", exclude_none=True)
    )
    told = "adoption.registered" if own else "adoption.claimed"
    adopters.tell(session, adoption, told, today)
    response.headers["Location"] = adoption.path
    return shapes.one(session, adoption.uuid, seen, response, today)


@router.patch(
    "/{id}",
    summary="Change an adoption",
    openapi_extra=example(
        organisation=BRONNOY,
        body={"contract": {"notice_by_on": "2027-05-31"}, "reason": "Rettet oppsigelsesfrist (fiktivt)"},
        media_type=changes.MERGE_PATCH,
        headers={"If-Match": '"1"'},
    ),
)
def change(
    id: AdoptionId,
    change: Annotated[AdoptionChange, Body(media_type=changes.MERGE_PATCH)],
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Adoption:
    """What is not named stays. For the organisation itself, whoever registered the adoption. What it is of, where, and
    since when cannot be changed: end it and register another."""
    seen = adoptions.viewer(session, caller)
    adoption = adoptions.locked(session, id, seen, today)
    refuse(adoptions.check_actor(session, Step.START, adoption, seen, today))
    changes.require_match(if_match, adoption.revision)
    before = _fields(session, adoption)
    wanted = AdoptionChange.model_validate(change.model_dump(exclude={"reason"}, exclude_unset=True))
    whole = changes.merged(AdoptionFields, before, wanted)
    after = whole.model_dump(mode="json")
    changed = changes.differences(before, after)
    contract, found = _contract(session, whole.contract)
    if whole.planned_start_on and adoption.status is not Status.PLANNED:
        found.append(rules.PlannedStartMisplaced(f"It is {adoption.status}.", pointer="#/planned_start_on"))
    if whole.version and adoption.system_in_source:
        found.append(rules.VersionOfNothing(pointer="#/version"))
    if "contract" in changed and not change.reason:
        found.append(changes.ReasonMissing("A contract is changed.", pointer="#/reason"))
    refuse(found)
    for name in ("version", "planned_start_on", "source"):
        setattr(adoption, name, getattr(whole, name))
    adoption.revision += 1
    if "contract" in changed:
        supply_contracts.put(session, adoption.id, contract)
    session.flush()
    audit.record(session, caller, "adoption.change", adoption.path, changed=changed, reason=change.reason)
    adopters.tell(session, adoption, "adoption.changed", today, fields=sorted(changed))
    return shapes.one(session, id, seen, response, today)


def _registrar(
    session: Session,
    caller: Caller,
    acting: Organisation,
    target: Organisation | None,
    product: int | None,
    today: date,
) -> rules.Registrar:
    supplies = False
    if product is not None and "supplier" in acting.kinds:
        supplier = adoptions.supplier_of(session, product)
        supplies = any(one.id == acting.id for one in products.suppliers(session, [supplier], today)[supplier])
    speaks = target is not None and holdings.speaks_for(session, acting.id, target.id, today)
    return rules.Registrar(
        is_the_organisation=target is not None and _stands_for(session, acting, target, today),
        is_public_body=rules.may_see(acting.kinds),
        is_member_of_numberless_co_operation=speaks,
        supplies_the_product=supplies,
        is_editor=caller.may("catalog.admin"),
    )


def _existed(session: Session, organisation: Organisation, on: date) -> bool:
    heirs = organisations.resolve(session, [organisation.id], on)[organisation.id]
    return (organisation.id, organisation_rules.Relation.SAME) in heirs


def _stands_for(session: Session, acting: Organisation, target: Organisation, today: date) -> bool:
    """Whether it is the organisation itself, or all alone has taken its place."""
    heirs = organisations.resolve(session, [target.id], today)[target.id]
    return {one for one, _ in heirs} == {acting.id}


def _product(session: Session, slug: str) -> int | None:
    found = products.find(session, slug)
    return found.id if found else None


def _thing(session: Session, new: NewAdoption) -> tuple[int | None, int | None, list[Problem]]:
    found: list[Problem] = []
    component = components.find(session, new.component) if new.component else None
    product = _product(session, new.product) if new.product else None
    for slug, key, pointer in ((new.component, component, "#/component"), (new.product, product, "#/product")):
        if slug and key is None:
            found.append(adoptions.ThingUnknown(f"There is no {slug!r}.", pointer=pointer))
    return component, product, found


def _contract(
    session: Session, new: ContractFields | None
) -> tuple[supply_contracts.SupplyContract | None, list[Problem]]:
    if new is None:
        return None, []
    supplier = products.supplier(session, new.supplier)
    contract = supply_contracts.SupplyContract(
        adoption_id=0, supplier_id=supplier or 0, **new.model_dump(exclude={"supplier"})
    )
    found = contract_rules.check(contract.terms())
    if supplier is None:
        found.append(
            supply_contracts.ContractSupplierUnknown(
                f"{new.supplier} is no supplier here.", pointer="#/contract/supplier"
            )
        )
    return contract, found


def _fields(session: Session, adoption: adoptions.Adoption) -> dict[str, Any]:
    contract = supply_contracts.of(session, [adoption.id]).get(adoption.id)
    kept = None
    if contract:
        supplier = organisations.by_ids(session, [contract.supplier_id])[contract.supplier_id]
        kept = ContractFields(
            supplier=supplier.organisation_number or "", **contract.model_dump(exclude={"adoption_id", "supplier_id"})
        )
    fields = AdoptionFields(
        version=adoption.version,
        planned_start_on=adoption.planned_start_on,
        source=adoption.source,
        contract=kept,
    )
    return fields.model_dump(mode="json")
