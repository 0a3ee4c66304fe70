"""Products as they are kept."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.components.store import Component
from services.catalog.db import Table
from services.catalog.organisations.store import Organisation
from services.chassis.db import JSON
from services.chassis.problems import Conflict, NotFound


class DeliveryForm(StrEnum):
    """`saas`: run by the supplier. `on_premises`: run by the customer."""

    SAAS = "saas"
    ON_PREMISES = "on_premises"


class Product(Table, table=True):
    id: int = Field(default=None, primary_key=True)
    slug: str = Field(max_length=80, unique=True)
    name: dict[str, str] = Field(sa_type=JSON)
    supplier_id: int = Field(foreign_key="organisation.id", index=True)
    component_id: int = Field(foreign_key="component.id", index=True)
    delivery_forms: list[str] = Field(sa_type=ARRAY(sa.String(40)))
    version: str = Field(max_length=40)


class ProductNotFound(NotFound):
    """No product has this name."""


class ProductSlugTaken(Conflict):
    """Another product already has this name."""


_SHOWN: Any = (
    sa.select(
        col(Product.slug),
        col(Product.name),
        col(Product.delivery_forms),
        col(Product.version),
        col(Component.slug).label("component"),
        col(Organisation.uuid).label("supplier_id"),
        col(Organisation.organisation_number).label("supplier_number"),
        col(Organisation.name).label("supplier_name"),
    )
    .join(Component, col(Product.component_id) == col(Component.id))
    .join(Organisation, col(Product.supplier_id) == col(Organisation.id))
)


def add(session: Session, product: Product) -> Product:
    session.add(product)
    try:
        session.flush()
    except IntegrityError:
        raise ProductSlugTaken(f"{product.slug!r} is taken.", pointer="#/slug") from None
    return product


def find(session: Session, slug: str) -> sa.Row[Any] | None:
    """What a certification asks of a product: internal key, delivery forms, the supplier's organisation number."""
    query: Any = (
        sa.select(
            col(Product.id),
            col(Product.delivery_forms),
            col(Organisation.organisation_number).label("supplier"),
        )
        .join(Organisation, col(Product.supplier_id) == col(Organisation.id))
        .where(col(Product.slug) == slug)
    )
    return session.execute(query).one_or_none()


def shown(session: Session, slug: str) -> sa.Row[Any]:
    found = session.execute(_SHOWN.where(col(Product.slug) == slug)).one_or_none()
    if found is None:
        raise ProductNotFound(f"No product is called {slug!r}.")
    return found


def slugs(session: Session) -> set[str]:
    return set(session.exec(select(Product.slug)))


def page(
    session: Session, after: list[Any] | None, limit: int, *, component: str | None = None, supplier: str | None = None
) -> Sequence[sa.Row[Any]]:
    query = _SHOWN.order_by(col(Product.slug)).limit(limit + 1)
    if after:
        query = query.where(col(Product.slug) > after[0])
    if component:
        query = query.where(col(Component.slug) == component)
    if supplier:
        query = query.where(col(Organisation.organisation_number) == supplier)
    return session.execute(query).all()
