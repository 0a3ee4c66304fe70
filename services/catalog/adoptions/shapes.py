"""Adoptions as they stand on the wire, for the routes of every concept that shows them: no more than the viewer
may see."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Path, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.adoptions import rules, store
from services.catalog.adoptions.rules import Claim, Environment, Sight, Status
from services.catalog.adoptions.store import Shown, Viewer
from services.catalog.holdings import store as holdings
from services.catalog.holdings.rules import How
from services.catalog.organisations import store as organisations
from services.catalog.organisations.store import Organisation
from services.catalog.supply_contracts import store as supply_contracts
from services.catalog.supply_contracts.store import SupplyContract
from services.chassis import changes
from services.chassis.values import Money, Out, seed_id

BRONNOY = "964983291"
SEEDED = str(seed_id("adoption:bronnoy:velferdsteknologi-trygghetsplattform"))
"""An adoption in the seed data, of Brønnøy: fictional."""
VEFSN = "844824122"
COMPONENT = "velferdsteknologi-trygghetsplattform"
AdoptionId = Annotated[UUID, Path(description="The adoption's id", examples=[SEEDED])]


class Party(Out):
    organisation_id: UUID
    organisation_number: str | None
    name: str

    @classmethod
    def of(cls, row: Organisation) -> "Party":
        return cls(organisation_id=row.uuid, organisation_number=row.organisation_number, name=row.name)


class Contract(Out):
    """From whom the thing is bought, and until when. For the organisation itself and municipal bodies only."""

    supplier: Party
    ends_on: date = Field(description="Without options")
    notice_by_on: date | None = Field(description="The last day to give notice")
    option_months: int = Field(description="How long each option extends it, in months; 0: no option")
    option_count: int = Field(description="How many options there are")
    last_end_on: date = Field(description="With every option used")
    price_excl_vat_per_year: Money | None = Field(description="In NOK; null: not told")


class Adoption(Out):
    """That an organisation uses a thing. Who claimed it for another sees only what they claimed themselves."""

    id: UUID
    organisation: Party = Field(description="For whom it was registered; it may have merged or been split since")
    held_by: list[Party] = Field(
        description="Who stands for it on the day that was asked for. Several after a split: allocated to all of them, "
        "or, when `to_be_confirmed_by_both`, nobody's yet. Empty in a claimant's view"
    )
    to_be_confirmed_by_both: bool = Field(
        description="The organisation was split, and its successors have not agreed on who carries this on; it counts "
        "for neither"
    )
    component: str | None = Field(examples=[COMPONENT])
    product: str | None
    system_in_source: str | None = Field(description="The name in a source, of what the catalogue does not have")
    version: str | None
    environment: Environment
    status: Status
    status_since_on: date
    planned_start_on: date | None
    claim: Claim = Field(
        description="`confirmed`: the organisation's own word. `claimed`: somebody else's, which it has not answered. "
        "`disputed`: it says no. A claimant's view says `claimed`, whatever has become of it"
    )
    claimed_by: Party | None = Field(description="Who claimed it, if it was not the organisation itself or a source")
    confirm_by_on: date | None = Field(description="After this day an unconfirmed claim is stale")
    last_confirmed_on: date | None = Field(description="When the organisation last said that it is so")
    stale: bool | None = Field(
        description="A claim not confirmed in time, or one not confirmed anew for more than 365 days. Null in a "
        "claimant's view"
    )
    source: str | None
    contract: Contract | None
    contract_visible: bool = Field(description="False: whether there is a contract is not for you to see")
    fictional: bool = Field(description="Made up, to try the system with")


def assemble(
    session: Session, rows: Sequence[Shown], seen: Viewer, today: date, on: date | None = None
) -> dict[int, Adoption]:
    """Each of these by its internal key, as this viewer may see it; a few queries however many there are."""
    if seen.sight is Sight.CLAIMS:
        known = organisations.by_ids(session, {row.row.organisation_id for row in rows} | _claimants(rows))
        return {row.row.id: _claimed(row, known) for row in rows}
    held = holdings.holders(session, {row.row.id: row.row.organisation_id for row in rows}, on or today)
    contracts = supply_contracts.of(session, list(held))
    named = {one for holding in held.values() for one in holding.organisations} | _claimants(rows)
    named |= {row.row.organisation_id for row in rows} | {one.supplier_id for one in contracts.values()}
    known = organisations.by_ids(session, named)
    shown: dict[int, Adoption] = {}
    for row in rows:
        holding, kept = held[row.row.id], row.row
        contract_visible = (
            seen.sight is Sight.WITH_CONTRACTS
            or seen.organisation_id == kept.organisation_id
            or (holding.decided and seen.organisation_id in holding.organisations)
        )
        contract = contracts.get(kept.id) if contract_visible else None
        shown[kept.id] = Adoption(
            **_thing(row),
            organisation=Party.of(known[kept.organisation_id]),
            held_by=[Party.of(known[one]) for one in holding.organisations],
            to_be_confirmed_by_both=holding.how is How.TO_BE_CONFIRMED_BY_BOTH,
            version=kept.version,
            status=row.status,
            status_since_on=row.status_since_on,
            planned_start_on=kept.planned_start_on,
            claim=row.claim,
            claimed_by=Party.of(known[kept.claimed_by_id]) if kept.claimed_by_id else None,
            confirm_by_on=kept.confirm_by_on,
            last_confirmed_on=kept.last_confirmed_on,
            stale=rules.stale(
                row.claim, today, confirm_by_on=kept.confirm_by_on, last_confirmed_on=kept.last_confirmed_on
            ),
            source=kept.source,
            contract=contract_of(contract, known) if contract else None,
            contract_visible=contract_visible,
        )
    return shown


def contract_of(contract: SupplyContract, known: Mapping[int, Organisation]) -> Contract:
    terms = contract.terms()
    return Contract(
        supplier=Party.of(known[contract.supplier_id]),
        ends_on=terms.ends_on,
        notice_by_on=terms.notice_by_on,
        option_months=terms.option_months,
        option_count=terms.option_count,
        last_end_on=terms.last_end_on,
        price_excl_vat_per_year=contract.price_excl_vat_per_year,
    )


def _claimants(rows: Sequence[Shown]) -> set[int]:
    return {row.row.claimed_by_id for row in rows if row.row.claimed_by_id}


def _thing(row: Shown) -> dict[str, object]:
    kept = row.row
    return {
        "id": kept.uuid,
        "component": row.component,
        "product": row.product,
        "system_in_source": kept.system_in_source,
        "environment": kept.environment,
        "fictional": kept.fictional,
    }


def _claimed(row: Shown, known: Mapping[int, Organisation]) -> Adoption:
    """What a claimant said, and nothing of what others have made of it since."""
    kept = row.row
    assert kept.claimed_by_id
    return Adoption.model_validate(
        {
            **_thing(row),
            "organisation": Party.of(known[kept.organisation_id]),
            "held_by": [],
            "to_be_confirmed_by_both": False,
            "claim": Claim.CLAIMED,
            "claimed_by": Party.of(known[kept.claimed_by_id]),
            "confirm_by_on": kept.confirm_by_on,
            "last_confirmed_on": None,
            "stale": None,
            "contract": None,
            "contract_visible": False,
            **store.told_by_claimant(kept),
        }
    )


def one(session: Session, id: UUID, seen: Viewer, response: Response, today: date) -> Adoption:
    """One adoption as it stands today, with its ETag; a claimant gets none, as it would tell that something changed."""
    found = store.shown(session, store.selected(store.Day(), today, store.visible(session, seen, today), ids=[id]))
    if not found:
        raise store.AdoptionNotFound
    if seen.sight is not Sight.CLAIMS:
        response.headers["ETag"] = changes.etag(found[0].row.revision)
    return assemble(session, found, seen, today)[found[0].row.id]
