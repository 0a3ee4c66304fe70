"""Who the neighbours are, and what they use."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.catalog.adoptions import store as adoptions
from services.catalog.adoptions.rules import USING, Claim, Environment
from services.catalog.co_operations import rules as co_operation_rules
from services.catalog.co_operations import store as co_operations
from services.catalog.components.store import Component
from services.catalog.holdings import store as holdings
from services.catalog.organisations.rules import Kind
from services.catalog.organisations.store import Organisation
from services.catalog.products.store import Product

MOST_ALIKE = 50
"""Compared at most: those nearest in size."""


def alike_in_size(session: Session, organisation: Organisation, factor: float, today: date) -> Sequence[Organisation]:
    """Organisations of the same kind with at most `factor` times as many inhabitants, or as few; nearest first."""
    here = Organisation
    if not organisation.population:
        return []
    ratio = sa.func.abs(sa.func.ln(sa.cast(col(here.population), sa.Float) / organisation.population))
    query = select(here).where(
        col(here.id) != organisation.id,
        col(here.kinds).contains([_kind(organisation)]),
        col(here.population) > 0,
        ratio <= sa.func.ln(factor),
        _lives(today),
    )
    return session.exec(query.order_by(ratio, col(here.sort_key)).limit(MOST_ALIKE)).all()


def _kind(organisation: Organisation) -> str:
    return Kind.MUNICIPALITY.value if Kind.MUNICIPALITY in organisation.kinds else organisation.kinds[0]


def _lives(today: date) -> sa.ColumnElement[bool]:
    return col(Organisation.existed_to_on).is_(None) | (col(Organisation.existed_to_on) >= today)


def near(session: Session, organisation: Organisation, today: date) -> set[int]:
    """The municipalities of its county, and the members of its co-operations, without itself."""
    found: set[int] = set()
    if organisation.county_number is not None:
        query = select(Organisation.id).where(
            col(Organisation.county_number) == organisation.county_number,
            col(Organisation.kinds).contains([Kind.MUNICIPALITY.value]),
            _lives(today),
        )
        found |= set(session.exec(query))
    joined = co_operations.co_operations_of(session, [organisation.id], today).get(organisation.id, ())
    sure = [id for id, status in joined if status in co_operation_rules.MEMBERS]
    if sure:
        found |= co_operations.roll_up(session, sure, today)
    return found - {organisation.id}


def uses(
    session: Session,
    organisation_ids: Collection[int],
    today: date,
    *,
    component: int | None = None,
    products: Collection[int] | None = None,
) -> list[tuple[str, int]]:
    """(path of what is used, who uses it) of what these themselves say that they use in production today, also through
    their co-operations."""
    through: dict[int, set[int]] = defaultdict(set)
    joined = co_operations.co_operations_of(session, organisation_ids, today)
    sure = {id for found in joined.values() for id, status in found if status in co_operation_rules.MEMBERS}
    if sure:
        here = co_operations.CoOperation
        rows = session.execute(sa.select(col(here.id), col(here.organisation_id)).where(col(here.id).in_(sure)))
        organisation_of = {row.id: row.organisation_id for row in rows}
        for member, found in joined.items():
            for id, status in found:
                if status in co_operation_rules.MEMBERS:
                    through[organisation_of[id]].add(member)
    wanted = set(organisation_ids)
    query = adoptions.selected(
        adoptions.Day(),
        today,
        organisations=holdings.predecessors(session, wanted | set(through), today),
        component=component,
        products=products,
        status=USING,
        environment=Environment.PRODUCTION,
        claims=[Claim.CONFIRMED],
    ).where(adoptions.HERE.system_in_source.is_(None))
    query = query.with_only_columns(
        adoptions.HERE.id,
        adoptions.HERE.organisation_id,
        sa.func.coalesce("/components/" + col(Component.slug), "/products/" + col(Product.slug)).label("path"),
    )
    found_uses = session.execute(query).all()
    held = holdings.holders(session, {row.id: row.organisation_id for row in found_uses}, today)
    return [
        (row.path, user)
        for row in found_uses
        if held[row.id].decided
        for holder in held[row.id].organisations
        for user in (through.get(holder) or {holder})
        if user in wanted
    ]
