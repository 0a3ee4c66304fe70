"""Products over HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.components import store as components
from services.catalog.organisations import rules as organisation_rules
from services.catalog.organisations import store as organisations
from services.catalog.products import rules, store
from services.catalog.products.rules import DeliveryForm, Keeper
from services.catalog.specifications import store as specifications
from services.chassis import audit, changes, clock, feed, paging, view
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Invalid, Problem, refuse
from services.chassis.values import In, OrganisationNumber, Out, Slug, Text, TextOut
from services.chassis.view import ViewDep

router = new_router("/products", "Products")

COMPONENT = "velferdsteknologi-trygghetsplattform"
SPECIFICATION = "velferdsteknologi-trygghetstjeneste"
ProductSlug = Annotated[str, Path(description="The product's name in addresses", examples=["havorn-alarm"])]
VersionLabel = Annotated[str, Field(min_length=1, max_length=40, examples=["2.1"])]
CountryCode = Annotated[str, Field(pattern=r"^[A-Z]{2}$", examples=["NO"])]


class ComponentUnknown(Invalid):
    """The component is not in the catalogue."""


class SpecificationUnknown(Invalid):
    """No specification has this version."""


class VersionUnknown(Invalid):
    """The product has no such version; register it first."""


class SupplierUnknown(Invalid):
    """The supplier is not in the catalogue, or is no supplier."""


class HostingCountries(In):
    """In which country it is run, by delivery form (ISO 3166-1 alpha-2). What is not known is left out."""

    saas: CountryCode | None = None
    on_premises: CountryCode | None = None


class SpecificationVersion(In):
    specification: Slug = Field(examples=[SPECIFICATION])
    version: VersionLabel


class ProductFields(In):
    """What can be changed of a product."""

    name: Text
    component: Slug | None = Field(default=None, description="What it is offered for first", examples=[COMPONENT])
    further_components: list[Slug] = Field(default=[], max_length=20, description="What else it is offered for")
    delivery_forms: list[DeliveryForm] = Field(min_length=1, max_length=2)
    hosting_countries: HostingCountries = HostingCountries()
    version: VersionLabel = Field(description="The label of the current version, as its supplier writes it")
    supplier: OrganisationNumber | None = Field(
        default=None,
        description="For public bodies that register it on a supplier's behalf: whose it is. Left out: yours",
    )


class NewProduct(ProductFields):
    slug: Annotated[Slug, Field(description="Its name in addresses, for ever", examples=["havorn-fallsensor"])]
    declares: list[SpecificationVersion] = Field(
        default=[],
        max_length=20,
        description="Specifications that its supplier declares it to meet; needed where it is for no component",
    )


class ProductChange(In):
    """A product in part (RFC 7396). A reason is needed for what buyers choose by: components, delivery forms, hosting
    countries, supplier."""

    name: changes.TextChange | None = None
    component: Slug | None = None
    further_components: list[Slug] | None = Field(default=None, max_length=20)
    delivery_forms: list[DeliveryForm] | None = Field(default=None, min_length=1, max_length=2)
    hosting_countries: HostingCountries | None = None
    version: VersionLabel | None = Field(default=None, description="The label of a registered version")
    supplier: OrganisationNumber | None = Field(default=None, description="Only while it is kept on its behalf")
    reason: str | None = Field(default=None, min_length=1, max_length=2000)


class Supplier(Out):
    organisation_id: UUID
    organisation_number: str | None
    name: str


class Declared(Out):
    id: UUID = Field(description="See `/products/{slug}/declarations/{id}`")
    specification: str
    version: str
    declared_on: date


class Product(Out):
    """What a supplier offers. Whether it is certified: `POST /verify`."""

    slug: str
    name: TextOut
    supplier: Supplier = Field(description="Of today: where a supplier has merged, whoever came after it")
    registered_as: Supplier | None = Field(description="The supplier that it was registered under, if that has merged")
    component: str | None = Field(examples=[COMPONENT])
    further_components: list[str]
    declares: list[Declared] = Field(description="Its supplier's own word. Never a certificate")
    delivery_forms: list[DeliveryForm] = Field(
        description="`saas`: run by the supplier. `on_premises`: run by the customer"
    )
    hosting_countries: dict[DeliveryForm, str | None] = Field(
        description="Country by delivery form (ISO 3166-1 alpha-2); null where it is not known"
    )
    version: str = Field(description="The current version")
    registered_by: Supplier | None = Field(description="Who registered it on the supplier's behalf; credited for ever")
    registered_on_behalf: bool = Field(description="Still kept by `registered_by`: the supplier has not taken it over")
    last_confirmed_on: date | None = Field(description="The day that its keeper last said that all this is current")
    stale: bool = Field(description="Not confirmed for more than 365 days, or ever")


class Filters(view.Viewed):
    slug: list[Slug] = Field(default=[], max_length=100, description="These only; repeat it for several")
    component: Slug | None = Field(default=None, description="Only products for this component, first or further")
    supplier: OrganisationNumber | None = Field(
        default=None, description="The supplier's organisation number, also one from before a merger"
    )
    specification: Slug | None = Field(default=None, description="Only what declares to meet this specification")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get(
    "", summary="List products", response_model=paging.Page[Product], openapi_extra=example(query={"limit": "2"})
)
def list_products(
    filters: Annotated[Filters, Query()],
    reader: ReaderDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
) -> Any:
    """By name in addresses. Filters narrow the list together."""
    rows = store.page(
        reader,
        paging.start(filters.after, str),
        filters.limit,
        component=filters.component,
        suppliers=store.keys_of_supplier(reader, filters.supplier, today) if filters.supplier else None,
        specification=filters.specification,
        slugs=filters.slug,
    )
    shown = _all_shown(reader, rows, today)
    page = paging.page(
        request, response, rows, filters.limit, lambda row: paging.cursor(row.slug), lambda row: shown[row.id]
    )
    return view.answer(filters.view(), page, response)


@router.get("/{slug}", summary="Read a product", response_model=Product, openapi_extra=example())
def read(slug: ProductSlug, reader: ReaderDep, response: Response, seen: ViewDep, today: clock.TodayDep) -> Any:
    """One product, with its supplier, what it is offered for and what it declares to meet. Send its `ETag` back as
    `If-Match` when you change it."""
    return view.answer(seen, _shown(reader, slug, response, today), response)


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
            "declares": [{"specification": SPECIFICATION, "version": "1.0"}],
            "delivery_forms": ["saas"],
            "hosting_countries": {"saas": "NO"},
            "version": "1.0",
        },
    ),
)
def register(
    new: NewProduct, caller: CallerDep, session: SessionDep, response: Response, today: clock.TodayDep
) -> Product:
    """Your organisation becomes the supplier, unless you are a public body that names another: then the product is
    kept by you on its behalf until it takes it over (`POST /products/{slug}/take-over`). Both must be registered, and
    so must the component."""
    acting = organisations.of_caller(session, caller.organisation)
    on_behalf = new.supplier not in (None, caller.organisation)
    if on_behalf and not organisation_rules.is_public_body(acting.kinds):
        raise rules.OnBehalfByPublicBodiesOnly(pointer="#/supplier")
    known, found = _known(session, new, new.declares, on_behalf=on_behalf)
    refuse(found)
    declared = [
        store.Declaration(
            product_id=0, specification_version_id=version, declared_on=today, organisation_number=caller.organisation
        )
        for version in dict.fromkeys(known.versions)
    ]
    product = store.Product(
        slug=new.slug,
        supplier_id=known.supplier or acting.id,
        registered_by_id=acting.id if on_behalf else None,
        confirmed_on=today,
        **_columns(new, known),
    )
    store.add(session, product, known.further, declared)
    store.index(session, new.slug, today)
    response.headers["Location"] = path = f"/products/{new.slug}"
    audit.record(session, caller, "product.register", path, new=new.model_dump(mode="json", exclude_none=True))
    feed.tell(session, "product.registered", path, None, on_behalf=on_behalf)
    return _shown(session, new.slug, response, today)


@router.patch(
    "/{slug}",
    summary="Change a product",
    openapi_extra=example(
        organisation="100000032",
        body={"hosting_countries": {"saas": "NO"}, "reason": "Flyttet driften til Norge (fiktivt)"},
        media_type=changes.MERGE_PATCH,
        headers={"If-Match": '"1"'},
    ),
)
def change(
    slug: ProductSlug,
    change: Annotated[ProductChange, Body(media_type=changes.MERGE_PATCH)],
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Product:
    """What is not named stays. For whoever keeps the product: its supplier, or who registered it on the supplier's
    behalf and has not been relieved of it. What buyers choose by needs a `reason`."""
    product = store.to_change(
        session, slug, caller.organisation, today, changes_supplier="supplier" in change.model_fields_set
    )
    changes.require_match(if_match, product.revision)
    before = _fields(store.shown(session, slug), organisations.by_ids(session, [product.supplier_id]))
    wanted = ProductChange.model_validate(change.model_dump(exclude={"reason"}, exclude_unset=True))
    whole = changes.merged(ProductFields, before, wanted)
    changed = changes.differences(before, _json(whole))
    known, found = _known(session, whole, (), on_behalf="supplier" in changed, registered=product.id)
    if changed.keys() & rules.SENSITIVE and not change.reason:
        found.append(changes.ReasonMissing("Buyers choose by this.", pointer="#/reason"))
    refuse(found)
    for name, value in _columns(whole, known).items():
        setattr(product, name, value)
    product.supplier_id = known.supplier or product.supplier_id
    product.revision += 1
    store.put_further(session, product.id, known.further)
    session.flush()
    store.index(session, slug, today)
    path = f"/products/{slug}"
    audit.record(session, caller, "product.change", path, changed=changed, reason=change.reason)
    feed.tell(session, "product.changed", path, None, fields=sorted(changed))
    return _shown(session, slug, response, today)


@router.post(
    "/{slug}/confirm",
    summary="Confirm that a product's record is current",
    openapi_extra=example(organisation="100000032"),
)
def confirm(
    slug: ProductSlug,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Product:
    """For whoever keeps it: all that it says is true today. A record that nobody has confirmed for more than 365 days
    is `stale`."""
    product = store.to_change(session, slug, caller.organisation, today)
    changes.require_match(if_match, product.revision, needed=False)
    product.confirmed_on = today
    product.revision += 1
    session.flush()
    path = f"/products/{slug}"
    audit.record(session, caller, "product.confirm", path, confirmed_on=today.isoformat())
    feed.tell(session, "product.confirmed", path, None, on=today.isoformat())
    return _shown(session, slug, response, today)


@dataclass(frozen=True)
class _Known:
    """What a product refers to, by internal keys."""

    component: int | None
    further: list[int]
    versions: list[int]
    supplier: int | None


def _known(
    session: Session,
    fields: ProductFields,
    declares: Sequence[SpecificationVersion],
    *,
    on_behalf: bool,
    registered: int | None = None,
) -> tuple[_Known, list[Problem]]:
    """→ what it refers to, and all that is wrong with it. `registered`: the product's key when it is changed."""
    found: list[Problem] = []

    def looked_up(key: int | None, unknown: type[Invalid], what: str, pointer: str) -> int:
        if key is None:
            found.append(unknown(f"There is no {what!r}.", pointer=pointer))
        return key or 0

    component = fields.component and looked_up(
        components.find(session, fields.component), ComponentUnknown, fields.component, "#/component"
    )
    further = [
        looked_up(components.find(session, one), ComponentUnknown, one, f"#/further_components/{place}")
        for place, one in enumerate(fields.further_components)
    ]
    versions = []
    for place, one in enumerate(declares):
        version = specifications.find_version(session, one.specification, one.version)
        what = f"{one.specification} {one.version}"
        key = version.id if version and version.effective_on else None  # a draft is nothing to declare against
        versions.append(looked_up(key, SpecificationUnknown, what, f"#/declares/{place}"))
    supplier = None
    if on_behalf and fields.supplier:
        named = store.supplier(session, fields.supplier)
        supplier = looked_up(named, SupplierUnknown, fields.supplier, "#/supplier")
    declared = len(versions)
    if registered is not None:
        declared = store.declared(session, registered)
        if fields.version not in store.versions(session, registered):
            found.append(VersionUnknown(f"There is no version {fields.version!r}.", pointer="#/version"))
    found += rules.check_offer(
        rules.Offer(
            fields.component,
            fields.further_components,
            declared,
            fields.delivery_forms,
            fields.hosting_countries.model_dump(exclude_none=True),
        )
    )
    return _Known(component or None, further, versions, supplier), found


def _columns(fields: ProductFields, known: _Known) -> dict[str, Any]:
    return {
        "name": fields.name.kept(),
        "component_id": known.component,
        "delivery_forms": list(dict.fromkeys(form.value for form in fields.delivery_forms)),
        "hosting_countries": fields.hosting_countries.model_dump(exclude_none=True),
        "version": fields.version,
    }


def _fields(row: Any, registered: Mapping[int, Any]) -> dict[str, Any]:
    """What can be changed of a product, as it stands."""
    names = ("name", "component", "further_components", "delivery_forms", "hosting_countries", "version")
    values = {name: getattr(row, name) for name in names}
    return values | {"supplier": registered[row.supplier_id].organisation_number}


def _json(fields: ProductFields) -> dict[str, Any]:
    """The same of what it is to become."""
    values = fields.model_dump(mode="json")
    values["name"] = fields.name.kept()
    values["hosting_countries"] = fields.hosting_countries.model_dump(exclude_none=True)
    values["delivery_forms"] = list(dict.fromkeys(values["delivery_forms"]))
    return values


def _shown(session: Session, slug: str, response: Response, today: date) -> Product:
    row = store.shown(session, slug)
    response.headers["ETag"] = changes.etag(row.revision)
    return _all_shown(session, [row], today)[row.id]


def _all_shown(session: Session, rows: Sequence[Any], today: date) -> dict[int, Product]:
    """Products by internal key; two more queries, however many."""
    keys = {row.supplier_id for row in rows} | {row.registered_by_id for row in rows if row.registered_by_id}
    registered = organisations.by_ids(session, keys)
    current = store.suppliers(session, {row.supplier_id for row in rows}, today)
    return {row.id: _one_shown(row, registered, current, today) for row in rows}


def _one_shown(row: Any, registered: Mapping[int, Any], current: Mapping[int, Sequence[Any]], today: date) -> Product:
    then = registered[row.supplier_id]
    now = current[row.supplier_id]
    supplier = now[0] if len(now) == 1 else then
    registrar = registered.get(row.registered_by_id)
    keeper = rules.keeper(registrar is not None, row.last_step and rules.Step(row.last_step))
    return Product(
        slug=row.slug,
        name=row.name,
        supplier=_organisation(supplier),
        registered_as=None if supplier.id == then.id else _organisation(then),
        component=row.component,
        further_components=row.further_components,
        declares=row.declares,
        delivery_forms=row.delivery_forms,
        hosting_countries={form: row.hosting_countries.get(form) for form in row.delivery_forms},
        version=row.version,
        registered_by=_organisation(registrar) if registrar else None,
        registered_on_behalf=keeper is Keeper.REGISTRAR,
        last_confirmed_on=row.confirmed_on,
        stale=rules.stale(row.confirmed_on, today),
    )


def _organisation(row: Any) -> Supplier:
    return Supplier(organisation_id=row.uuid, organisation_number=row.organisation_number, name=row.name)
