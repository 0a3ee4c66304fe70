"""Take-overs over HTTP."""

from typing import Annotated

from fastapi import Path
from pydantic import Field
from sqlmodel import Session

from services.catalog.organisations import store as organisations
from services.catalog.products import rules as products_rules
from services.catalog.products import store as products
from services.catalog.products.rules import Keeper, Step
from services.catalog.take_overs import rules, store
from services.chassis import audit, changes, clock, feed
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Instant, Out

router = new_router("/products/{slug}", "Products")

TOLD = {Step.TAKE_OVER: "product.taken_over", Step.REJECT_TAKE_OVER: "product.take_over_rejected"}
ProductSlug = Annotated[str, Path(description="The product's name in addresses", examples=["nordlys-dorlas"])]


class Rejection(In):
    reason: str = Field(min_length=1, max_length=2000, description="Why the product is not the supplier's to keep")


class Taken(Out):
    """Something that happened to a record registered on a supplier's behalf."""

    step: Step
    recorded_at: Instant
    organisation_number: str = Field(description="Who took it over, or rejected that")
    reason: str | None


class Keeping(Out):
    """Who keeps a product's record."""

    product: str
    kept_by: Keeper
    steps: list[Taken] = Field(description="Oldest first")


@router.get("/take-overs", summary="Read who keeps a product's record", openapi_extra=example())
def read(slug: ProductSlug, reader: ReaderDep) -> Keeping:
    """Its supplier, or whoever registered it on the supplier's behalf, and how that came about."""
    return _shown(reader, products.by_slug(reader, slug))


@router.post(
    "/take-over",
    summary="Take over a product registered on your behalf",
    openapi_extra=example(organisation="100000024"),
)
def take_over(
    slug: ProductSlug,
    caller: CallerDep,
    session: SessionDep,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Keeping:
    """For the supplier that the record names, or that has come after it in a merger. From then on only the supplier
    may change the product; whoever registered it stays credited."""
    acting = organisations.of_caller(session, caller.organisation)
    product = products.locked(session, slug)
    changes.require_match(if_match, product.revision, needed=False)
    current = products.suppliers(session, [product.supplier_id], today)[product.supplier_id]
    refuse(
        rules.check(
            product.registered_by_id is not None,
            products.last_step(session, product),
            caller=acting.id,
            suppliers=[one.id for one in current],
        )
    )
    _take(session, product, Step.TAKE_OVER, caller, None)
    return _shown(session, product)


@router.post(
    "/reject-take-over",
    summary="Reject that a product was taken over",
    openapi_extra=example(organisation="100000008", body={"reason": "Produktet er solgt til en annen (fiktivt)"}),
)
def reject_take_over(
    slug: Annotated[str, Path(description="The product's name in addresses", examples=["havorn-dorsensor"])],
    new: Rejection,
    caller: CallerDep,
    session: SessionDep,
    if_match: changes.IfMatch = None,
) -> Keeping:
    """For editors. The record goes back to whoever registered it, who can name another supplier; the one that is
    rejected cannot take it over again."""
    product = products.locked(session, slug)
    changes.require_match(if_match, product.revision, needed=False)
    refuse(rules.check_rejection(product.registered_by_id is not None, products.last_step(session, product)))
    _take(session, product, Step.REJECT_TAKE_OVER, caller, new.reason)
    return _shown(session, product)


def _take(session: Session, product: products.Product, step: Step, caller: Caller, reason: str | None) -> None:
    store.add(session, product, step, clock.now(), caller.organisation, reason)
    product.revision += 1
    session.flush()
    path = f"/products/{product.slug}"
    audit.record(session, caller, f"product.{step}", path, reason=reason)
    feed.tell(session, TOLD[step], path, None)


def _shown(session: Session, product: products.Product) -> Keeping:
    last = products.last_step(session, product)
    return Keeping(
        product=product.slug,
        kept_by=products_rules.keeper(product.registered_by_id is not None, last),
        steps=[Taken.model_validate(one) for one in store.of(session, product.id)],
    )
