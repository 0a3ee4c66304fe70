"""The questions asked of product versions; their table stands with the products, which have one from the start."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from services.catalog.products.store import ProductVersion, order_key
from services.chassis.problems import Conflict, NotFound


class ProductVersionNotFound(NotFound):
    """The product has no version with this label."""


class VersionLabelTaken(Conflict):
    """The product already has a version with this label."""


def new(product_id: int, label: str, **rest: Any) -> ProductVersion:
    return ProductVersion(product_id=product_id, label=label, order_key=order_key(label), **rest)


def add(session: Session, version: ProductVersion) -> None:
    session.add(version)
    try:
        session.flush()
    except IntegrityError:
        raise VersionLabelTaken(f"{version.label!r} is taken.", pointer="#/label") from None


def find(session: Session, product_id: int, label: str) -> int | None:
    """The internal key of a product's version."""
    query = select(ProductVersion.id).where(
        col(ProductVersion.product_id) == product_id, col(ProductVersion.label) == label
    )
    return session.exec(query).one_or_none()


def is_breaking(session: Session, product_id: int | None, label: str) -> bool | None:
    """Whether a version is marked as breaking; None when there is none of this label."""
    query = select(ProductVersion.breaking).where(
        col(ProductVersion.product_id) == product_id, col(ProductVersion.label) == label
    )
    return session.exec(query).one_or_none()


def locked(session: Session, product_id: int, label: str) -> ProductVersion:
    query = select(ProductVersion).where(
        col(ProductVersion.product_id) == product_id, col(ProductVersion.label) == label
    )
    found = session.exec(query.with_for_update()).one_or_none()
    if found is None:
        raise ProductVersionNotFound(f"There is no version {label!r}.")
    return found


def replacements(session: Session, product_id: int) -> dict[str, str | None]:
    """Each of a product's labels → the label of what replaces it."""
    other = aliased(ProductVersion)
    query = (
        sa.select(col(ProductVersion.label), col(other.label))
        .outerjoin(other, col(ProductVersion.replaced_by_id) == col(other.id))
        .where(col(ProductVersion.product_id) == product_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def shown(session: Session, product_id: int, label: str) -> sa.Row[Any]:
    found = session.execute(_shown(product_id).where(col(ProductVersion.label) == label)).one_or_none()
    if found is None:
        raise ProductVersionNotFound(f"There is no version {label!r}.")
    return found


def page(session: Session, product_id: int, after: list[Any] | None, limit: int) -> Sequence[sa.Row[Any]]:
    """In their order, limit + 1 rows."""
    query = _shown(product_id).order_by(col(ProductVersion.order_key), col(ProductVersion.label)).limit(limit + 1)
    if after:
        query = query.where(sa.tuple_(col(ProductVersion.order_key), col(ProductVersion.label)) > (after[0], after[1]))
    return session.execute(query).all()


def _shown(product_id: int) -> sa.Select[Any]:
    other = aliased(ProductVersion)
    return (
        sa.select(
            *(getattr(ProductVersion, name) for name in _COLUMNS),
            col(other.label).label("replaced_by"),
        )
        .outerjoin(other, col(ProductVersion.replaced_by_id) == col(other.id))
        .where(col(ProductVersion.product_id) == product_id)
    )


_COLUMNS = (
    "label",
    "order_key",
    "released_on",
    "support_ends_on",
    "end_of_life_on",
    "breaking",
    "notes",
    "revision",
)
