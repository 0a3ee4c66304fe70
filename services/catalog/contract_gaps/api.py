"""Contract gaps over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import Field

from services.catalog.adoptions import rules as adoption_rules
from services.catalog.adoptions import store as adoptions
from services.catalog.adoptions.rules import Environment, Sight
from services.catalog.adoptions.shapes import BRONNOY
from services.catalog.certificates.rules import Status
from services.catalog.contract_gaps import rules, store
from services.catalog.contract_gaps.store import Found
from services.catalog.holdings import store as holdings
from services.catalog.organisations import store as organisations
from services.chassis import clock, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.values import In, OrganisationNumber, Out, Slug

router = new_router("/contract-gaps", "Adoptions")

DESCRIBED = "velferdsteknologi-datautveksling"


class Gap(Out):
    kind: rules.Kind = Field(
        description="`not_certified_today`; `version_not_certified_today`: only another version than the one in use; "
        "`ends_before_contract`: the certificate's last day comes before the contract's; `ends_before_options`: only "
        "if an option is used; `condition_due_…`: a condition or dispensation that is not met yet falls due before "
        "then, and if it still is not, suspends the certificate"
    )
    from_on: date = Field(description="The first day that is not, or may not be, certified")
    certificate: str | None = Field(description="The number of the one that it is about; null: there is none")
    status: Status | None = Field(description="Its status today")


class ContractGap(Out):
    """A contract that lasts longer than what it is about is certified."""

    adoption: UUID = Field(description="See `GET /adoptions/{id}`")
    product: str
    version: str | None = Field(description="The version in use; null: not told, and then that of any certificate")
    environment: Environment
    contract_ends_on: date = Field(description="Without options")
    contract_last_end_on: date = Field(description="With every option used")
    specification: str | None = Field(description="Against which it is looked at; null: there is no certificate at all")
    certified_until_on: date | None = Field(
        description="The last day without interruption, with certificates that follow each other; null: not today"
    )
    gaps: list[Gap] = Field(description="The gravest first")


class Filters(In):
    organisation_number: OrganisationNumber | None = Field(
        default=None, description="Whose contracts; your own organisation's if left out"
    )
    specification: list[Slug] = Field(
        default=[],
        max_length=20,
        description="Against which specifications, may be repeated; left out: each that the product has had a "
        "certificate for",
    )
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get(
    "",
    summary="List contracts that outlast the certificates",
    openapi_extra=example(organisation=BRONNOY, query={"specification": DESCRIBED}),
)
def list_gaps(
    filters: Annotated[Filters, Query()],
    caller: CallerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
) -> paging.Page[ContractGap]:
    """Contracts for products in use whose certificate ends, or may end, before the contract does, or that are not
    certified today; by adoption and specification. So that it is known in time, for notice, an option or a new
    procurement. For public bodies about themselves; municipal bodies see each other's."""
    own = _whose(reader, caller, filters.organisation_number, today)
    start = paging.start(filters.after, UUID, str)
    found = store.of(reader, own, list(dict.fromkeys(filters.specification)), today=today, now=clock.now())
    left = [one for one in found if start is None or _place(one) > tuple(start)]
    left.sort(key=_place)
    return paging.page(
        request,
        response,
        left[: filters.limit + 1],
        filters.limit,
        lambda one: paging.cursor(str(one.adoption), one.specification or ""),
        _shown,
    )


def _whose(reader: ReaderDep, caller: Caller, asked: str | None, today: date) -> set[int]:
    seen = adoptions.viewer(reader, caller)
    if seen.sight is Sight.CLAIMS or seen.organisation_id is None:
        raise adoption_rules.LandscapeHidden
    own = holdings.predecessors(reader, [seen.organisation_id], today)
    if asked is None or asked == caller.organisation:
        return own
    if seen.sight is not Sight.WITH_CONTRACTS:
        raise adoption_rules.ContractHidden
    other = organisations.by_organisation_number(reader, asked)
    if other is None:
        raise rules.OrganisationAsked(f"{asked} is not in the catalogue.", pointer="?organisation_number")
    return holdings.predecessors(reader, [other], today)


def _place(one: Found) -> tuple[UUID, str]:
    return one.adoption, one.specification or ""


def _shown(one: Found) -> ContractGap:
    return ContractGap(
        adoption=one.adoption,
        product=one.product,
        version=one.version,
        environment=one.environment,
        contract_ends_on=one.terms.ends_on,
        contract_last_end_on=one.terms.last_end_on,
        specification=one.specification,
        certified_until_on=one.certified_until_on,
        gaps=[Gap(kind=gap.kind, from_on=gap.from_on, certificate=gap.number, status=gap.status) for gap in one.gaps],
    )
