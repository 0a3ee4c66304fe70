"""Product versions over HTTP."""

from datetime import date
from typing import Annotated, Any

from fastapi import Body, Path, Query, Request, Response
from pydantic import Field

from services.catalog.product_versions import rules, store
from services.catalog.products import store as products
from services.chassis import audit, changes, clock, feed, paging, view
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Out, Text, TextOut
from services.chassis.view import ViewDep

router = new_router("/products/{slug}/versions", "Products")

ProductSlug = Annotated[str, Path(description="The product's name in addresses", examples=["havorn-alarm"])]
Label = Annotated[str, Path(description="The version's label", examples=["1.4"])]
VersionLabel = Annotated[str, Field(min_length=1, max_length=40, examples=["2.1"])]


class VersionFields(In):
    """What can be changed of a version."""

    released_on: date | None = None
    support_ends_on: date | None = Field(default=None, description="The last day that it is supported")
    end_of_life_on: date | None = Field(default=None, description="The last day that it should run at all")
    breaking: bool = Field(default=False, description="Whoever uses the version before must change something")
    replaced_by: VersionLabel | None = Field(default=None, description="The label of the version to go over to")
    notes: Text | None = Field(default=None, description="What is new, for whoever runs it")


class NewProductVersion(VersionFields):
    label: VersionLabel = Field(description="As the supplier writes it; it says nothing but what it is called")
    current: bool = Field(default=True, description="Whether it becomes the product's current version")


class ProductVersionChange(In):
    """A version in part (RFC 7396): what is not named stays, what is null goes. Its label is for ever."""

    released_on: date | None = None
    support_ends_on: date | None = None
    end_of_life_on: date | None = None
    breaking: bool | None = None
    replaced_by: VersionLabel | None = None
    notes: changes.TextChange | None = None
    reason: str | None = Field(default=None, min_length=1, max_length=2000)


class ProductVersion(Out):
    """A version of a product."""

    label: str
    released_on: date | None = Field(description="Null where it is not known, as are the other dates")
    support_ends_on: date | None
    end_of_life_on: date | None
    supported: bool | None = Field(description="Today; null where no end of its support is known")
    breaking: bool
    replaced_by: str | None
    notes: TextOut | None


class Filters(view.Viewed):
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get(
    "", summary="List a product's versions", response_model=paging.Page[ProductVersion], openapi_extra=example()
)
def list_product_versions(
    slug: ProductSlug,
    filters: Annotated[Filters, Query()],
    reader: ReaderDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
) -> Any:
    """Labels of numbers and dots in their order (1.9 before 1.10), then all others as they are written."""
    start = paging.start(filters.after, str, str)
    rows = store.page(reader, products.by_slug(reader, slug).id, start, filters.limit)
    page = paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row.order_key, row.label),
        lambda row: _shown(row, today),
    )
    return view.answer(filters.view(), page, response)


@router.get("/{label}", summary="Read a product version", response_model=ProductVersion, openapi_extra=example())
def read(
    slug: ProductSlug, label: Label, reader: ReaderDep, response: Response, seen: ViewDep, today: clock.TodayDep
) -> Any:
    """One version by its label."""
    row = store.shown(reader, products.by_slug(reader, slug).id, label)
    response.headers["ETag"] = changes.etag(row.revision)
    return view.answer(seen, _shown(row, today), response)


@router.post(
    "",
    status_code=201,
    summary="Register a product version",
    openapi_extra=example(
        organisation="100000032",
        body={"label": "1.5", "released_on": "2026-11-20", "support_ends_on": "2029-12-31", "breaking": False},
    ),
)
def register(
    slug: ProductSlug,
    new: NewProductVersion,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
) -> ProductVersion:
    """For whoever keeps the product. It becomes the current version unless you say otherwise. Certificates name the
    versions that they cover: one that covers named versions does not cover this."""
    product = products.to_change(session, slug, caller.organisation, today)
    refuse(rules.check(_rules(new.label, new), store.replacements(session, product.id)))
    fields = new.model_dump(exclude={"label", "current", "notes", "replaced_by"})
    by = store.find(session, product.id, new.replaced_by) if new.replaced_by else None
    notes = new.notes.kept() if new.notes else None
    store.add(session, store.new(product.id, new.label, replaced_by_id=by, notes=notes, **fields))
    if new.current:
        product.version = new.label
        product.revision += 1
        session.flush()
    response.headers["Location"] = path = f"/products/{slug}/versions/{new.label}"
    audit.record(session, caller, "product_version.register", path, new=new.model_dump(mode="json", exclude_none=True))
    feed.tell(session, "product_version.registered", f"/products/{slug}", None, version=new.label, current=new.current)
    return _kept(session, product.id, new.label, response, today)


@router.patch(
    "/{label}",
    summary="Change a product version",
    openapi_extra=example(
        organisation="100000032",
        body={"end_of_life_on": "2030-06-30"},
        media_type=changes.MERGE_PATCH,
        headers={"If-Match": '"1"'},
    ),
)
def change(
    slug: ProductSlug,
    label: Label,
    change: Annotated[ProductVersionChange, Body(media_type=changes.MERGE_PATCH)],
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> ProductVersion:
    """For whoever keeps the product."""
    product = products.to_change(session, slug, caller.organisation, today)
    version = store.locked(session, product.id, label)
    changes.require_match(if_match, version.revision)
    row = store.shown(session, product.id, label)
    before = {name: getattr(row, name) for name in VersionFields.model_fields}
    wanted = ProductVersionChange.model_validate(change.model_dump(exclude={"reason"}, exclude_unset=True))
    whole = changes.merged(VersionFields, before, wanted)
    refuse(rules.check(_rules(label, whole), store.replacements(session, product.id)))
    for name, value in whole.model_dump(exclude={"notes", "replaced_by"}).items():
        setattr(version, name, value)
    version.notes = whole.notes.kept() if whole.notes else None
    version.replaced_by_id = store.find(session, product.id, whole.replaced_by) if whole.replaced_by else None
    version.revision += 1
    session.flush()
    path = f"/products/{slug}/versions/{label}"
    changed = changes.differences(_plain(VersionFields.model_validate(before)), _plain(whole))
    audit.record(session, caller, "product_version.change", path, changed=changed, reason=change.reason)
    feed.tell(session, "product_version.changed", f"/products/{slug}", None, version=label, fields=sorted(changed))
    return _kept(session, product.id, label, response, today)


def _rules(label: str, fields: VersionFields) -> rules.Version:
    return rules.Version(label, fields.released_on, fields.support_ends_on, fields.end_of_life_on, fields.replaced_by)


def _plain(fields: VersionFields) -> dict[str, Any]:
    return fields.model_dump(mode="json", exclude_none=True)


def _kept(session: Any, product_id: int, label: str, response: Response, today: date) -> ProductVersion:
    row = store.shown(session, product_id, label)
    response.headers["ETag"] = changes.etag(row.revision)
    return _shown(row, today)


def _shown(row: Any, today: date) -> ProductVersion:
    supported = rules.supported(row.support_ends_on, row.end_of_life_on, today)
    return ProductVersion.model_validate({**row._asdict(), "supported": supported})
