"""Delegations over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.delegations import rules, store
from services.catalog.evidence_files import store as evidence_files
from services.catalog.products import store as products
from services.catalog.schemes.shapes import is_body
from services.catalog.testers import store as testers
from services.catalog.testers.rules import State
from services.chassis import audit, clock, feed, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep, ViewerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Invalid, refuse
from services.chassis.values import In, Instant, Out, Slug, seed_id

router = new_router("/testers/{id}/delegations", "Certification")

SUPPLIER = "100000016"
TesterId = Annotated[UUID, Path(description="The tester's id", examples=[str(seed_id("tester:laboratory"))])]
DelegationId = Annotated[
    UUID, Path(description="The delegation's id", examples=[str(seed_id("delegation:fjordvakt-tilsyn"))])
]


class DelegatedProductUnknown(Invalid):
    """No product has this name."""


class NewDelegation(In):
    product: Slug = Field(examples=["fjordvakt-alarm"])
    until_on: date = Field(description="The last day; within three years")


class Withdrawal(In):
    reason: str | None = Field(default=None, min_length=1, max_length=2000)


class Delegation(Out):
    """That a tester may file reports about a product."""

    id: UUID
    product: str
    until_on: date
    given_at: Instant
    organisation_number: str = Field(description="Who gave it")
    withdrawn_at: Instant | None
    withdrawn_reason: str | None
    holds: bool = Field(description="Today")


class Filters(In):
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("", summary="List a tester's delegations", openapi_extra=example(organisation=SUPPLIER))
def list_delegations(
    id: TesterId,
    filters: Annotated[Filters, Query()],
    reader: ReaderDep,
    viewer: ViewerDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
) -> paging.Page[Delegation]:
    """Those for your own products; all for the tester's organisation and for whoever assesses or decides. Without a
    token there are none to see."""
    tester = testers.by_uuid(reader, id)
    own = evidence_files.standing_for(reader, viewer.organisation if viewer else None, today)
    rows = store.page(
        reader,
        tester.id,
        paging.start(filters.after, UUID),
        filters.limit,
        own=own,
        everything=is_body(viewer) or tester.organisation_id in own,
    )
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row.uuid),
        lambda row: _shown(row, today),
    )


@router.post(
    "",
    status_code=201,
    summary="Let a tester report about a product",
    openapi_extra=example(organisation=SUPPLIER, body={"product": "fjordvakt-tilsyn", "until_on": "2028-06-30"}),
)
def delegate(
    id: TesterId,
    new: NewDelegation,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
) -> Delegation:
    """For the product's supplier. Until that day the tester's signed reports about the product are taken. A tester of
    the supplier's own needs none for its own products."""
    tester = testers.by_uuid(session, id)
    product = products.find(session, new.product)
    if product is None:
        refuse([DelegatedProductUnknown(f"No product is called {new.product!r}.", pointer="#/product")])
        raise AssertionError
    refuse(
        rules.check(
            new.until_on,
            today,
            supplier=_supplies(session, caller, product.supplier_id, today),
            trusted=tester.state not in (State.REJECTED, State.REVOKED),
        )
    )
    added = store.Delegation(
        tester_id=tester.id,
        product_id=product.id,
        until_on=new.until_on,
        given_at=clock.now(),
        organisation_number=caller.organisation,
        client=caller.client,
    )
    store.add(session, added)
    response.headers["Location"] = path = f"/testers/{id}/delegations/{added.uuid}"
    audit.record(session, caller, "delegation.give", path, product=new.product, until_on=str(new.until_on))
    feed.tell(session, "delegation.given", path, tester.organisation, product=new.product, until_on=str(new.until_on))
    return _shown(store.by_uuid(session, tester.id, added.uuid), today)


@router.post(
    "/{delegation}/withdraw",
    summary="Withdraw a delegation",
    operation_id="delegation_withdraw",
    openapi_extra=example(organisation=SUPPLIER, body={"reason": "Avtalen er over (fiktivt)"}),
)
def withdraw(
    id: TesterId,
    delegation: DelegationId,
    new: Withdrawal,
    caller: CallerDep,
    session: SessionDep,
    today: clock.TodayDep,
) -> Delegation:
    """For the product's supplier. No further report of the tester about the product is taken; earlier ones stay."""
    tester = testers.by_uuid(session, id)
    store.lock(session, delegation)
    kept = store.by_uuid(session, tester.id, delegation)
    supplies = _supplies(session, caller, kept.supplier_id, today)
    if not supplies and tester.organisation != caller.organisation:
        raise store.unknown(delegation)
    refuse(rules.check_withdrawal(supplier=supplies, withdrawn=kept.withdrawn_at is not None))
    store.record(
        session,
        store.DelegationEvent(
            delegation_id=kept.id,
            kind=rules.EventKind.WITHDRAWN,
            recorded_at=clock.now(),
            organisation_number=caller.organisation,
            client=caller.client,
            reason=new.reason,
        ),
    )
    path = f"/testers/{id}/delegations/{delegation}"
    audit.record(session, caller, "delegation.withdraw", path, reason=new.reason)
    feed.tell(session, "delegation.withdrawn", path, tester.organisation, product=kept.product)
    return _shown(store.by_uuid(session, tester.id, delegation), today)


def _supplies(session: Session, caller: Caller, supplier_id: int, today: date) -> bool:
    return supplier_id in evidence_files.standing_for(session, caller.organisation, today)


def _shown(kept: store.Kept, today: date) -> Delegation:
    return Delegation(
        id=kept.uuid,
        product=kept.product,
        until_on=kept.until_on,
        given_at=kept.given_at,
        organisation_number=kept.organisation_number,
        withdrawn_at=kept.withdrawn_at,
        withdrawn_reason=kept.reason,
        holds=rules.holds(kept.stands(), today),
    )
