"""Fictional products."""

from typing import Any

from sqlmodel import Session

from services.catalog.components import store as components
from services.catalog.organisations import store as organisations
from services.catalog.products import store as products
from services.catalog.seed.files import told


def load(session: Session, new: list[dict[str, Any]]) -> int:
    known = products.slugs(session)
    ids = organisations.ids_by_number(session)
    missing = [one for one in new if one["slug"] not in known]
    for one in missing:
        component_id = components.find(session, one["component"])
        assert component_id
        products.add(
            session,
            products.Product(
                slug=one["slug"],
                name=one["name"],
                supplier_id=ids[one["supplier"]],
                component_id=component_id,
                delivery_forms=one["delivery_forms"],
                version=one["version"],
            ),
        )
    return told(session, "product.seed", "/products", len(missing))
