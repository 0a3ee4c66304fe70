"""Fictional products, with versions, declarations, documents, and two that were registered on a supplier's behalf."""

import hashlib
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from services.catalog.components import store as components
from services.catalog.declarations import store as declarations
from services.catalog.documents import rules as documents_rules
from services.catalog.documents import store as documents
from services.catalog.organisations import store as organisations
from services.catalog.product_versions import store as product_versions
from services.catalog.products import store as products
from services.catalog.products.rules import Step
from services.catalog.seed.files import DATA, told
from services.catalog.specifications import store as specifications
from services.catalog.take_overs import store as take_overs
from services.chassis.values import seed_id

CONFIRMED_ON = date(2026, 10, 1)
EDITOR = "100000008"


def load(session: Session, new: list[dict[str, Any]]) -> int:
    known = products.slugs(session)
    ids = organisations.ids_by_number(session)
    missing = [one for one in new if one["slug"] not in known]
    for one in missing:
        products.add(session, _product(session, one, ids[one["supplier"]]))
    return told(session, "product.seed", "/products", len(missing))


def load_more(session: Session, new: dict[str, list[dict[str, Any]]]) -> int:
    """What is told of products beyond their names."""
    ids = organisations.ids_by_number(session)
    loaded = sum(
        (
            *(_on_behalf(session, one, ids) for one in new["on_behalf"]),
            *(_version(session, one) for one in new["versions"]),
            *(_declaration(session, one) for one in new["declarations"]),
            *(_document(session, one) for one in new["documents"]),
        )
    )
    return told(session, "product.seed", "/products", loaded)


def _product(session: Session, one: dict[str, Any], supplier_id: int, **rest: Any) -> products.Product:
    component_id = components.find(session, one["component"]) if one["component"] else None
    return products.Product(
        slug=one["slug"],
        name=one["name"],
        supplier_id=supplier_id,
        component_id=component_id,
        delivery_forms=one["delivery_forms"],
        hosting_countries=one.get("hosting_countries", {}),
        version=one["version"],
        confirmed_on=CONFIRMED_ON,
        **rest,
    )


def _on_behalf(session: Session, one: dict[str, Any], ids: dict[str, int]) -> bool:
    if one["slug"] in products.slugs(session):
        return False
    declared = [
        _declared(session, one["slug"], *named, on=CONFIRMED_ON, by=one["registered_by"]) for named in one["declares"]
    ]
    product = _product(session, one, ids[one["supplier"]], registered_by_id=ids[one["registered_by"]])
    products.add(session, product, declared=declared)
    if one["taken_over_at"]:
        at = datetime.fromisoformat(one["taken_over_at"])
        take_overs.add(session, product, Step.TAKE_OVER, at, one["supplier"], None)
    return True


def _version(session: Session, one: dict[str, Any]) -> bool:
    product = products.by_slug(session, one["product"])
    if product_versions.find(session, product.id, one["label"]) is not None:
        return False
    dates = {
        name: date.fromisoformat(one[name]) if one[name] else None
        for name in ("released_on", "support_ends_on", "end_of_life_on")
    }
    by = product_versions.find(session, product.id, one["replaced_by"])
    added = product_versions.new(product.id, one["label"], breaking=one["breaking"], replaced_by_id=by, **dates)
    product_versions.add(session, added)
    return True


def _declared(
    session: Session, product: str, specification: str, version: str, *, on: date, by: str
) -> products.Declaration:
    found = specifications.find_version(session, specification, version)
    assert found
    return products.Declaration(
        uuid=seed_id(f"declaration:{product}:{specification}:{version}"),
        product_id=0,
        specification_version_id=found.id,
        declared_on=on,
        organisation_number=by,
    )


def _declaration(session: Session, one: dict[str, Any]) -> bool:
    product = products.by_slug(session, one["product"])
    named = (one["product"], one["specification"], one["version"])
    if session.exec(
        select(products.Declaration).where(col(products.Declaration.uuid) == seed_id(f"declaration:{':'.join(named)}"))
    ).first():
        return False
    supplier = products.find(session, one["product"])
    assert supplier
    declared = _declared(session, *named, on=date.fromisoformat(one["declared_on"]), by=supplier.supplier)
    declared.product_id = product.id
    ids = {row.code: row.id for row in specifications.requirements(session, declared.specification_version_id)}
    answers = [
        declarations.DeclarationAnswer(declaration_id=0, requirement_id=ids[code], answer=answer, comment=comment)
        for code, (answer, comment) in one["answers"].items()
    ]
    declarations.add(session, declared, answers)
    return True


def _document(session: Session, one: dict[str, Any]) -> bool:
    uuid = seed_id(f"document:{one['id']}")
    if session.exec(select(documents.Document).where(col(documents.Document.uuid) == uuid)).first():
        return False
    product = products.find(session, one["product"])
    assert product
    content = (DATA / "fictional" / "document.pdf").read_bytes()
    added = documents.Document(
        uuid=uuid,
        product_id=product.id,
        type=documents_rules.DocumentType(one["type"]),
        title=one["title"],
        file_name=one["file_name"],
        media_type=documents_rules.PDF,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        uploaded_by=product.supplier,
        uploaded_at=datetime.fromisoformat(one["uploaded_at"]),
    )
    documents.add(session, added, content)
    if one["approved_at"]:
        documents.record(
            session,
            documents.DocumentEvent(
                document_id=added.id,
                state=documents_rules.State.APPROVED,
                public=True,
                recorded_at=datetime.fromisoformat(one["approved_at"]),
                organisation_number=EDITOR,
            ),
        )
    return True
