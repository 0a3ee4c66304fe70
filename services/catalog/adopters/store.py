"""How many use what, and who is told when that changes."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.catalog.adoptions import store as adoptions
from services.catalog.adoptions.rules import USING, Claim, Environment
from services.catalog.adoptions.store import HERE, Adoption
from services.catalog.components.store import Component
from services.catalog.holdings import store as holdings
from services.catalog.holdings.rules import Tally
from services.catalog.organisations import store as organisations
from services.catalog.products.store import Product, ProductComponent
from services.catalog.search import store as search
from services.chassis import feed


def product_ids(session: Session, component_ids: Collection[int]) -> dict[int, set[int]]:
    """Component → every product that is offered for it, first or further."""
    found: dict[int, set[int]] = defaultdict(set)
    if component_ids:
        first = sa.select(col(Product.component_id), col(Product.id)).where(
            col(Product.component_id).in_(component_ids)
        )
        further = sa.select(col(ProductComponent.component_id), col(ProductComponent.product_id)).where(
            col(ProductComponent.component_id).in_(component_ids)
        )
        for component, product in session.execute(first.union_all(further)):
            found[component].add(product)
    return found


def components_of(session: Session, products: Collection[int]) -> set[int]:
    """What these products are offered for."""
    first = select(Product.component_id).where(col(Product.id).in_(products))
    further = select(ProductComponent.component_id).where(col(ProductComponent.product_id).in_(products))
    return {one for query in (first, further) for one in session.exec(query) if one is not None}


def _uses(session: Session, column: Any, ids: Collection[int], on: date) -> Iterator[tuple[int, int, int]]:
    """(thing, adoption, organisation) of those that are confirmed to be in use in production."""
    using = adoptions.selected(
        adoptions.Day(on), on, environment=Environment.PRODUCTION, status=USING, claims=[Claim.CONFIRMED]
    )
    query = using.with_only_columns(column, HERE.id, HERE.organisation_id).where(column.in_(ids))
    yield from session.execute(query).all()


def tallies_of_components(session: Session, component_ids: Collection[int], on: date) -> dict[int, Tally]:
    """How many organisations use each component, or a product that is offered for it."""
    offered = product_ids(session, component_ids)
    components_of: dict[int, set[int]] = defaultdict(set)
    for component, products in offered.items():
        for product in products:
            components_of[product].add(component)
    uses = list(_uses(session, HERE.component_id, component_ids, on))
    for product, adoption, organisation in _uses(session, HERE.product_id, list(components_of), on):
        uses += [(component, adoption, organisation) for component in components_of[product]]
    return holdings.tallies(session, uses, on)


def tallies_of_products(session: Session, ids: Collection[int], on: date) -> dict[int, Tally]:
    return holdings.tallies(session, _uses(session, HERE.product_id, ids, on), on)


def adopters(session: Session, component_ids: Collection[int], on: date) -> dict[int, int]:
    """How many organisations use each component on a day. Only for whoever `may_see`."""
    found = tallies_of_components(session, component_ids, on)
    return {one: found[one].total if one in found else 0 for one in component_ids}


def search_counts(
    session: Session, component_ids: Collection[int], products: Collection[int], today: date
) -> dict[str, int]:
    """The same by path, as the search keeps it."""
    by_component = tallies_of_components(session, component_ids, today)
    by_product = tallies_of_products(session, products, today)
    paths: dict[str, int] = {}
    table: Any
    for table, ids, found, prefix in (
        (Component, component_ids, by_component, "/components/"),
        (Product, products, by_product, "/products/"),
    ):
        for row in session.execute(sa.select(table.id, table.slug).where(col(table.id).in_(ids))):
            paths[prefix + row.slug] = found[row.id].total if row.id in found else 0
    return paths


def count(session: Session, adoption: Adoption, today: date) -> None:
    """Let the search know how many use what this adoption is of."""
    components, products = set[int](), set[int]()
    if adoption.component_id is not None:
        components.add(adoption.component_id)
    if adoption.product_id is not None:
        products.add(adoption.product_id)
        components |= components_of(session, products)
    search.adopters(session, search_counts(session, components, products, today))


def count_all(session: Session, today: date) -> int:
    """The same for everything that anybody has adopted. → how many things"""
    products = set(session.exec(select(HERE.product_id).where(HERE.product_id.is_not(None)).distinct()))
    components = set(session.exec(select(HERE.component_id).where(HERE.component_id.is_not(None)).distinct()))
    components |= components_of(session, products)
    counts = search_counts(session, components, products, today)
    search.adopters(session, counts)
    return len(counts)


def tell(session: Session, adoption: Adoption, type: str, today: date, **data: Any) -> None:
    """Something happened to it: told to whoever stands for it and to nobody else (to nobody where they have no
    organisation number), and counted anew."""
    for number in numbers_of(session, adoption, today):
        feed.tell(session, type, adoption.path, number, status=adoption.status, claim=adoption.claim, **data)
    count(session, adoption, today)


def numbers_of(session: Session, adoption: Adoption, today: date) -> list[str]:
    """The organisation numbers of whoever stands for it today; those that have one."""
    holding = holdings.holders(session, {adoption.id: adoption.organisation_id}, today)[adoption.id]
    found = organisations.by_ids(session, holding.organisations).values()
    return [one.organisation_number for one in found if one.organisation_number]
