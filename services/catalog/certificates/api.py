"""Certificates over HTTP."""

from datetime import date
from typing import Annotated

from fastapi import Path, Query, Request, Response
from pydantic import AwareDatetime, Field

from services.catalog.certificates import rules, shapes, store
from services.catalog.products import store as products
from services.chassis import clock, paging
from services.chassis.app import new_router
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.problems import Invalid
from services.chassis.values import In, OrganisationNumber, Slug

router = new_router("/certificates", "Certificates")


class KnownAtInFuture(Invalid):
    """What will be known cannot be told."""


class Filters(In):
    product: Slug | None = Field(default=None, description="Only this product's")
    supplier: OrganisationNumber | None = Field(
        default=None, description="The supplier's organisation number, today's or of before a merger"
    )
    kind: rules.SubjectKind | None = Field(default=None, description="Only of products, suppliers or advisers")
    specification: Slug | None = Field(default=None, description="Only against this specification")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


class AsOf(In):
    on: date | None = Field(default=None, description="The day whose status is asked for; today if left out")
    known_at: AwareDatetime | None = Field(
        default=None,
        description="As known at this instant: what was recorded later does not count. What was known never changes",
    )


@router.get("", summary="List certificates", openapi_extra=example(query={"product": "fjordvakt-alarm"}))
def list_certificates(
    filters: Annotated[Filters, Query()], reader: ReaderDep, request: Request, response: Response
) -> paging.Page[shapes.CertificateSummary]:
    """By number, with their status today. To decide anything, ask `POST /verify`."""
    start = paging.start(filters.after, str)
    now = clock.now()
    asked = filters.supplier
    suppliers = products.keys_of_supplier(reader, asked, clock.on(now)) if asked else None
    rows = store.page(
        reader,
        start,
        filters.limit,
        product=filters.product,
        suppliers=suppliers,
        subject_kind=filters.kind,
        specification=filters.specification,
    )
    told = store.timelines(reader, {row.specification_version_id for row in rows})
    of_today = products.suppliers(reader, {row.supplier_id for row in rows}, clock.on(now))
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row.number),
        lambda row: shapes.CertificateSummary.model_validate(shapes.fields(row, told, of_today, clock.on(now), now)),
    )


@router.get("/{number}", summary="Read a certificate", openapi_extra=example(query={"on": "2026-08-15"}))
def read(
    number: Annotated[str, Path(description="The certificate's number", examples=["SV-2026-000003"])],
    as_of: Annotated[AsOf, Query()],
    reader: ReaderDep,
    response: Response,
) -> shapes.Certificate:
    """A certificate with results, evidence and history. `on` asks for its status on a day, `known_at` for what was
    known then: one that had not been granted by then is not found."""
    now = clock.now()
    if as_of.known_at and as_of.known_at > now:
        raise KnownAtInFuture(pointer="?known_at")
    return shapes.shown(reader, number, as_of.on or clock.on(now), as_of.known_at or now, response)
