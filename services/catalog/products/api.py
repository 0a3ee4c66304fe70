"""Products over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field

from services.catalog.components import store as components
from services.catalog.organisations import store as organisations
from services.catalog.products import store
from services.catalog.products.store import DeliveryForm
from services.chassis import audit, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, needs
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Invalid
from services.chassis.values import In, OrganisationNumber, Out, Slug, Text, TextOut

router = new_router("/products", "Products")

COMPONENT = "velferdsteknologi-trygghetsplattform"


class ComponentUnknown(Invalid):
    """The component is not in the catalogue."""


class NewProduct(In):
    slug: Annotated[Slug, Field(description="Its name in addresses, for ever", examples=["havorn-fallsensor"])]
    name: Text
    component: Slug = Field(description="The component that it is offered for", examples=[COMPONENT])
    delivery_forms: list[DeliveryForm] = Field(min_length=1, max_length=2)
    version: str = Field(
        min_length=1, max_length=40, description="The label of the current version, as you write it", examples=["2.1"]
    )


class Supplier(Out):
    organisation_id: UUID
    organisation_number: str | None
    name: str


class Product(Out):
    """What a supplier offers for a component. Whether it is certified: `POST /verify`."""

    slug: str
    name: TextOut
    supplier: Supplier
    component: str = Field(examples=[COMPONENT])
    delivery_forms: list[DeliveryForm] = Field(
        description="`saas`: run by the supplier. `on_premises`: run by the customer"
    )
    version: str = Field(description="The current version")


class Filters(In):
    component: Slug | None = Field(default=None, description="Only products for this component")
    supplier: OrganisationNumber | None = Field(default=None, description="The supplier's organisation number")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("", summary="List products", openapi_extra=example(query={"component": COMPONENT}))
def list_products(
    filters: Annotated[Filters, Query()], reader: ReaderDep, request: Request, response: Response
) -> paging.Page[Product]:
    """By name in addresses. Filters narrow the list together."""
    rows = store.page(
        reader,
        paging.start(filters.after, str),
        filters.limit,
        component=filters.component,
        supplier=filters.supplier,
    )
    return paging.page(request, response, rows, filters.limit, lambda row: paging.cursor(row.slug), _shown)


@router.get("/{slug}", summary="Read a product", openapi_extra=example())
def read(
    slug: Annotated[str, Path(description="The product's name in addresses", examples=["fjordvakt-alarm"])],
    reader: ReaderDep,
) -> Product:
    """One product, with its supplier and the component that it is offered for."""
    return _shown(store.shown(reader, slug))


@router.post(
    "",
    status_code=201,
    summary="Register a product",
    openapi_extra=example(
        organisation="100000032",
        body={
            "slug": "havorn-fallsensor",
            "name": {"nb": "Havørn fallsensor (fiktiv)"},
            "component": COMPONENT,
            "delivery_forms": ["saas"],
            "version": "1.0",
        },
    ),
)
def register(
    new: NewProduct, caller: Annotated[Caller, needs("catalog.write")], session: SessionDep, response: Response
) -> Product:
    """Your organisation becomes the supplier; it must be registered, and so must the component."""
    supplier = organisations.of_caller(session, caller.organisation)
    component_id = components.find(session, new.component)
    if component_id is None:
        raise ComponentUnknown(f"There is no {new.component!r}.", pointer="#/component")
    store.add(
        session,
        store.Product(
            slug=new.slug,
            name=new.name.kept(),
            supplier_id=supplier.id,
            component_id=component_id,
            delivery_forms=list(dict.fromkeys(form.value for form in new.delivery_forms)),
            version=new.version,
        ),
    )
    response.headers["Location"] = path = f"/products/{new.slug}"
    audit.record(session, caller, "product.register", path, new=new.model_dump(mode="json", exclude_none=True))
    return _shown(store.shown(session, new.slug))


def _shown(row: Any) -> Product:
    supplier = Supplier(
        organisation_id=row.supplier_id, organisation_number=row.supplier_number, name=row.supplier_name
    )
    return Product(
        slug=row.slug,
        name=row.name,
        supplier=supplier,
        component=row.component,
        delivery_forms=row.delivery_forms,
        version=row.version,
    )
