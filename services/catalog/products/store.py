"""Products as they are kept: each with its versions, what it declares to meet, and who keeps it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.organisations import store as organisations
from services.catalog.organisations.store import Organisation
from services.catalog.products import rules
from services.catalog.products.rules import DeliveryForm as DeliveryForm  # certificates and others ask for it here
from services.catalog.products.rules import Step
from services.catalog.products.rules import order_key as order_key
from services.catalog.search import store as search
from services.catalog.search.rules import Entry, Type, weight
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import Conflict, NotFound, refuse
from services.chassis.values import new_id, text_sort_key


class Product(Table, table=True):
    id: int = Field(default=None, primary_key=True)
    slug: str = Field(max_length=80, unique=True)
    name: dict[str, str] = Field(sa_type=JSON)
    supplier_id: int = Field(foreign_key="organisation.id", index=True)
    component_id: int | None = Field(default=None, foreign_key="component.id", index=True)
    delivery_forms: list[str] = Field(sa_type=ARRAY(sa.String(40)))
    hosting_countries: dict[str, str] = Field(
        default_factory=dict, sa_type=JSON, sa_column_kwargs={"server_default": sa.text("'{}'::jsonb")}
    )
    version: str = Field(max_length=40)
    registered_by_id: int | None = Field(default=None, foreign_key="organisation.id", index=True)
    confirmed_on: date | None = None
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class ProductComponent(Table, table=True):
    """A further component that a product is offered for, in this place after the first."""

    product_id: int = Field(foreign_key="product.id", primary_key=True)
    component_id: int = Field(foreign_key="component.id", primary_key=True, index=True)
    place: int


class ProductVersion(Table, table=True):
    """A version by its supplier's own label. `order_key` sorts 1.9 before 1.10 where labels are numbers with dots."""

    __table_args__ = (
        sa.UniqueConstraint("product_id", "label"),
        sa.Index("ix_productversion_product_id_order_key", "product_id", "order_key"),
    )
    id: int = Field(default=None, primary_key=True)
    product_id: int = Field(foreign_key="product.id")
    label: str = Field(max_length=40)
    order_key: str = Field(sa_type=sa.String(200, collation="C"))
    released_on: date | None = None
    support_ends_on: date | None = None
    end_of_life_on: date | None = None
    breaking: bool = Field(default=False)
    replaced_by_id: int | None = Field(default=None, foreign_key="productversion.id", index=True)
    notes: dict[str, str] | None = Field(default=None, sa_type=JSON)
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class Declaration(Table, table=True):
    """The supplier's own word that the product meets a version of a specification; withdrawn at most, never changed."""

    __table_args__ = (
        sa.Index(
            "ix_declaration_in_force",
            "product_id",
            "specification_version_id",
            unique=True,
            postgresql_where=sa.text("withdrawn_on IS NULL"),
        ),
    )
    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    product_id: int = Field(foreign_key="product.id", index=True)
    specification_version_id: int = Field(foreign_key="specificationversion.id", index=True)
    declared_on: date
    organisation_number: str = Field(max_length=9)
    withdrawn_on: date | None = None
    withdrawn_reason: str | None = Field(default=None, max_length=2000)


class TakeOver(Table, table=True):
    """That a supplier took over its record, or that an editor rejected it. Only ever added."""

    id: int = Field(default=None, primary_key=True)
    product_id: int = Field(foreign_key="product.id", index=True)
    supplier_id: int = Field(foreign_key="organisation.id", index=True)
    step: Step = Field(sa_type=choice(Step))
    recorded_at: datetime = Field(sa_type=INSTANT)
    organisation_number: str = Field(max_length=9)
    reason: str | None = Field(default=None, max_length=2000)


class ProductNotFound(NotFound):
    """No product has this name."""


class ProductSlugTaken(Conflict):
    """Another product already has this name."""


_SHOWN = """
    SELECT p.id, p.slug, p.name, p.delivery_forms, p.hosting_countries, p.version, p.confirmed_on, p.revision,
           p.supplier_id, p.registered_by_id, c.slug AS component,
           ARRAY(SELECT f.slug FROM productcomponent pc JOIN component f ON f.id = pc.component_id
                  WHERE pc.product_id = p.id ORDER BY pc.place) AS further_components,
           (SELECT t.step FROM takeover t WHERE t.product_id = p.id AND t.supplier_id = p.supplier_id
             ORDER BY t.id DESC LIMIT 1) AS last_step,
           COALESCE((SELECT json_agg(json_build_object('id', d.uuid, 'specification', s.slug, 'version', v.label,
                                                       'declared_on', d.declared_on) ORDER BY s.slug, v.label)
                       FROM declaration d JOIN specificationversion v ON v.id = d.specification_version_id
                       JOIN specification s ON s.id = v.specification_id
                      WHERE d.product_id = p.id AND d.withdrawn_on IS NULL), '[]') AS declares
      FROM product p LEFT JOIN component c ON c.id = p.component_id
"""
_ONE = sa.text(f"{_SHOWN} WHERE p.slug = :slug")
_PAGE = sa.text(
    f"""{_SHOWN}
     WHERE p.slug > :after
       AND (CAST(:slugs AS text[]) IS NULL OR p.slug = ANY(:slugs))
       AND (CAST(:component AS text) IS NULL OR p.id IN (
            SELECT id FROM product WHERE component_id = (SELECT id FROM component WHERE slug = :component)
             UNION ALL
            SELECT product_id FROM productcomponent
             WHERE component_id = (SELECT id FROM component WHERE slug = :component)))
       AND (CAST(:suppliers AS integer[]) IS NULL OR p.supplier_id = ANY(:suppliers))
       AND (CAST(:specification AS text) IS NULL OR p.id IN (
            SELECT d.product_id FROM declaration d JOIN specificationversion v ON v.id = d.specification_version_id
              JOIN specification s ON s.id = v.specification_id
             WHERE s.slug = :specification AND d.withdrawn_on IS NULL))
     ORDER BY p.slug LIMIT :rows
    """  # noqa: S608  # put together from our own constants only
)


def add(session: Session, product: Product, further: Sequence[int] = (), declared: Sequence[Declaration] = ()) -> None:
    """Keep a product with its first version, which is its current one."""
    session.add(product)
    try:
        session.flush()
    except IntegrityError:
        raise ProductSlugTaken(f"{product.slug!r} is taken.", pointer="#/slug") from None
    session.add(ProductVersion(product_id=product.id, label=product.version, order_key=order_key(product.version)))
    for one in declared:
        one.product_id = product.id
    session.add_all(declared)
    session.flush()
    put_further(session, product.id, further)


def index(session: Session, slug: str, today: date) -> None:
    """Let the search find it as it is now."""
    search.put(session, *_entries(session, [shown(session, slug)], today))


def entries(session: Session, today: date) -> Iterator[Entry]:
    """Every product as the search finds it."""
    after: list[Any] | None = None
    while rows := page(session, after, 500):
        yield from _entries(session, rows[:500], today)
        after = [rows[:500][-1].slug]


def _entries(session: Session, rows: Sequence[sa.Row[Any]], today: date) -> Iterator[Entry]:
    of_today = suppliers(session, {row.supplier_id for row in rows}, today)
    for row in rows:
        owners = of_today[row.supplier_id]
        facets = {
            "supplier": [one.organisation_number or one.name for one in owners],
            "delivery_form": row.delivery_forms,
            "hosting_country": sorted(set(row.hosting_countries.values())),
            "component": [*([row.component] if row.component else []), *row.further_components],
            "specification": [one["specification"] for one in row.declares],
        }
        yield Entry(
            type=Type.PRODUCT,
            ref=row.slug,
            path=f"/products/{row.slug}",
            name=row.name,
            sort_key=text_sort_key(row.name),
            words=[one.name for one in owners],
            facets=facets,
            weight=weight(complete=sum(map(bool, facets.values())) / len(facets)),
        )


def put_further(session: Session, product_id: int, further: Sequence[int]) -> None:
    """The components that it is offered for besides the first, in this order."""
    session.execute(sa.delete(ProductComponent).where(col(ProductComponent.product_id) == product_id))
    rows = [{"product_id": product_id, "component_id": id, "place": place} for place, id in enumerate(further)]
    if rows:
        session.execute(sa.insert(ProductComponent), rows)


def find(session: Session, slug: str) -> sa.Row[Any] | None:
    """What a certification asks of a product: internal key, delivery forms, the supplier's key and number."""
    return session.execute(
        sa.text(
            "SELECT p.id, p.delivery_forms, p.supplier_id, o.organisation_number AS supplier FROM product p "
            "JOIN organisation o ON o.id = p.supplier_id WHERE p.slug = :slug"
        ),
        {"slug": slug},
    ).one_or_none()


def locked(session: Session, slug: str) -> Product:
    """The product's row until the transaction ends: changes of one product wait for each other."""
    query = select(Product).where(col(Product.slug) == slug).with_for_update()
    found = session.exec(query).one_or_none()
    if found is None:
        raise ProductNotFound(f"No product is called {slug!r}.")
    return found


def to_change(session: Session, slug: str, caller: str, today: date, *, changes_supplier: bool = False) -> Product:
    """The product's locked row, for whoever keeps it; others are refused. `caller`: an organisation number."""
    acting = organisations.of_caller(session, caller)
    product = locked(session, slug)
    refuse(
        rules.check_change(
            rules.keeper(product.registered_by_id is not None, last_step(session, product)),
            caller=acting.id,
            suppliers=[one.id for one in suppliers(session, [product.supplier_id], today)[product.supplier_id]],
            registrar=product.registered_by_id,
            changes_supplier=changes_supplier,
        )
    )
    return product


def suppliers(session: Session, ids: Collection[int], today: date) -> dict[int, list[Organisation]]:
    """Each supplier as it is today: itself, or whoever it has merged into or been split among."""
    resolved = organisations.resolve(session, ids, today)
    known = organisations.by_ids(session, {one for found in resolved.values() for one, _ in found} | set(ids))
    return {id: [known[one] for one, _ in found] or [known[id]] for id, found in resolved.items()}


def supplier(session: Session, number: str) -> int | None:
    """The internal key of a supplier by its organisation number; None for whoever is none."""
    query = select(Organisation.id).where(
        col(Organisation.organisation_number) == number, col(Organisation.kinds).contains(["supplier"])
    )
    return session.exec(query).one_or_none()


def keys_of_supplier(session: Session, number: str, today: date) -> list[int]:
    """The internal keys of whoever has this organisation number, and of all that have become the same as it."""
    asked = organisations.by_organisation_number(session, number)
    if asked is None:
        return []
    resolved = organisations.resolve(session, set(session.exec(select(Product.supplier_id).distinct())), today)
    own = {one for one, _ in organisations.resolve(session, [asked], today)[asked]} or {asked}
    return [id for id, found in resolved.items() if own & {one for one, _ in found} or id == asked]


def by_slug(session: Session, slug: str) -> Product:
    found = session.exec(select(Product).where(col(Product.slug) == slug)).one_or_none()
    if found is None:
        raise ProductNotFound(f"No product is called {slug!r}.")
    return found


def shown(session: Session, slug: str) -> sa.Row[Any]:
    found = session.execute(_ONE, {"slug": slug}).one_or_none()
    if found is None:
        raise ProductNotFound(f"No product is called {slug!r}.")
    return found


def slugs_by_id(session: Session, ids: Iterable[int | None]) -> dict[int | None, str]:
    """Internal key → name in addresses."""
    wanted = {one for one in ids if one is not None}
    query = sa.select(col(Product.id), col(Product.slug)).where(col(Product.id).in_(wanted))
    return {row.id: row.slug for row in session.execute(query)} if wanted else {}


def slugs(session: Session) -> set[str]:
    return set(session.exec(select(Product.slug)))


def page(
    session: Session,
    after: list[Any] | None,
    limit: int,
    *,
    component: str | None = None,
    suppliers: Collection[int] | None = None,
    specification: str | None = None,
    slugs: Sequence[str] | None = None,
) -> Sequence[sa.Row[Any]]:
    """By name in addresses, limit + 1 rows. `suppliers`: internal keys; none in it finds nothing."""
    values = {
        "after": after[0] if after else "",
        "component": component,
        "suppliers": None if suppliers is None else list(suppliers),
        "specification": specification,
        "slugs": list(slugs) if slugs else None,
        "rows": limit + 1,
    }
    return session.execute(_PAGE, values).all()


def last_step(session: Session, product: Product) -> Step | None:
    """Of the supplier that the record names now: what is rejected for one is open to the next."""
    query = select(TakeOver.step).where(
        col(TakeOver.product_id) == product.id, col(TakeOver.supplier_id) == product.supplier_id
    )
    found = session.exec(query.order_by(col(TakeOver.id).desc()).limit(1)).first()
    return Step(found) if found else None


def versions(session: Session, product_id: int) -> set[str]:
    """The labels of a product's versions."""
    return set(session.exec(select(ProductVersion.label).where(col(ProductVersion.product_id) == product_id)))


def declared(session: Session, product_id: int) -> int:
    """How many specifications it declares to meet."""
    query = sa.select(sa.func.count()).where(
        col(Declaration.product_id) == product_id, col(Declaration.withdrawn_on).is_(None)
    )
    return int(session.execute(query).scalar_one())


def of_component(session: Session, component_ids: Collection[int], limit: int) -> dict[int, list[int]]:
    """Component → the products offered for it, at most `limit` in all. Internal keys."""
    rows = session.execute(
        sa.text(
            "SELECT component_id, id FROM product WHERE component_id = ANY(:ids) UNION "
            "SELECT component_id, product_id FROM productcomponent WHERE component_id = ANY(:ids) "
            "ORDER BY 1, 2 LIMIT :rows"
        ),
        {"ids": list(component_ids), "rows": limit},
    )
    found: dict[int, list[int]] = defaultdict(list)
    for component_id, product_id in rows:
        found[component_id].append(product_id)
    return found
