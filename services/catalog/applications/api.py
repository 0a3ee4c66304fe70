"""Applications for certification over HTTP: written, changed while they are drafts, and read."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.applications import rules, shapes, store
from services.catalog.applications.rules import Actor, Status
from services.catalog.applications.shapes import FJORDVAKT, SEEDED, Application, ApplicationId, ApplicationSummary
from services.catalog.certificates import shapes as certificates
from services.catalog.organisations import store as organisations
from services.catalog.organisations.rules import Kind
from services.catalog.products import store as products
from services.catalog.products.rules import DeliveryForm
from services.catalog.schemes.rules import SubjectKind
from services.catalog.specifications import store as specifications
from services.catalog.specifications.shapes import VersionLabel
from services.chassis import audit, changes, clock, feed, paging
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Slug

router = new_router("/certification-applications", "Certification")

Forms = Annotated[list[DeliveryForm], Field(max_length=2, description="Of the product; a firm has none")]


class NewApplication(In):
    subject_kind: SubjectKind = Field(default=SubjectKind.PRODUCT, description="What is to be certified")
    product: Slug | None = Field(default=None, description="Needed for a product; it is your own")
    role: Slug | None = Field(default=None, description="Needed for an adviser: what the firm advises on, as one word")
    specification: Slug
    specification_version: VersionLabel
    profile: Slug | None = Field(default=None, description="Only this part of the requirements; all if left out")
    versions: certificates.Versions | None = Field(default=None, description="Of the product; all if left out")
    delivery_forms: Forms = Field(default=[])
    renews: certificates.Number | None = Field(default=None, description="The certificate that is to last longer")
    extends: certificates.Number | None = Field(default=None, description="The certificate that is to cover more")
    note: str | None = Field(default=None, min_length=1, max_length=5000, description="To whoever assesses")


class ApplicationChange(In):
    """What is not named stays, what is null goes."""

    role: Slug | None = None
    specification_version: VersionLabel | None = None
    profile: Slug | None = None
    versions: certificates.Versions | None = None
    delivery_forms: Forms | None = None
    renews: certificates.Number | None = None
    extends: certificates.Number | None = None
    note: str | None = Field(default=None, min_length=1, max_length=5000)


class Filters(In):
    status: list[Status] = Field(default=[], max_length=7, description="Only these; give it several times")
    turn: Actor | None = Field(default=None, description="Only those whose turn it is")
    subject_kind: SubjectKind | None = Field(default=None, description="Only for these")
    product: Slug | None = Field(default=None, description="Only for this product")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT

    def statuses(self) -> list[Status] | None:
        """None: no application can be in what is asked for."""
        if self.turn is None:
            return self.status
        waiting = [status for status, (actor, _) in rules.NEXT.items() if actor is self.turn]
        return [one for one in waiting if not self.status or one in self.status] or None


@router.get(
    "",
    summary="List certification applications",
    openapi_extra=example(organisation=FJORDVAKT, query={"status": "submitted"}),
)
def list_applications(
    filters: Annotated[Filters, Query()],
    caller: CallerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
) -> paging.Page[ApplicationSummary]:
    """Your own, and with a scope to assess or decide everyone's that are no longer drafts. Oldest first. `turn` asks
    for those that wait for somebody. Applications are never public."""
    statuses = filters.statuses()
    rows = (
        []
        if statuses is None
        else store.page(
            reader,
            paging.start(filters.after, UUID),
            filters.limit,
            own=store.applicant_ids(reader, caller.organisation, today),
            everyones=store.handles(caller),
            status=statuses,
            subject_kind=filters.subject_kind,
            product=filters.product,
        )
    )
    fields = shapes.summaries(reader, rows, today)
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row.uuid),
        lambda row: ApplicationSummary.model_validate(fields[row.id]),
    )


@router.get("/{id}", summary="Read a certification application", openapi_extra=example(organisation=shapes.NORDLYS))
def read(
    id: ApplicationId, caller: CallerDep, reader: ReaderDep, response: Response, today: clock.TodayDep
) -> Application:
    """Where it stands, why, whose turn it is and by when, with everything that it has led to. For its applicant and
    whoever assesses or decides; to others it does not exist."""
    return shapes.shown(reader, store.seen(reader, id, caller, today), response, today)


@router.post(
    "",
    status_code=201,
    summary="Draft an application for certification",
    openapi_extra=example(
        organisation=FJORDVAKT,
        body={
            "product": "fjordvakt-tilsyn",
            "specification": "velferdsteknologi-datautveksling",
            "specification_version": "1.0",
            "delivery_forms": ["saas"],
            "note": "Vi ønsker sertifisering av alle versjoner (fiktivt).",
        },
    ),
)
def draft(
    new: NewApplication, caller: CallerDep, session: SessionDep, response: Response, today: clock.TodayDep
) -> Application:
    """For the product's supplier, or for the firm itself as a supplier or an adviser. Nobody else sees a draft;
    `submit` it when it is ready. To renew or extend a certificate, name its number: it then keeps it."""
    applicant = organisations.of_caller(session, caller.organisation)
    product = products.find(session, new.product) if new.product else None
    version = specifications.find_version(session, new.specification, new.specification_version)
    missing = {"#/product": new.product and product is None, "#/specification_version": version is None}
    refuse(rules.ReferenceUnknown(pointer=pointer) for pointer, lacking in missing.items() if lacking)
    assert version
    if product is not None:
        of_today = products.suppliers(session, [product.supplier_id], today)[product.supplier_id]
        if applicant.id not in [one.id for one in of_today]:
            raise rules.NotYourProduct(f"{new.product} is not yours.")
    elif Kind.SUPPLIER not in applicant.kinds:
        raise rules.ApplicantNotSupplier(f"{applicant.name} is none.")
    scope = _scope(new.versions, new.delivery_forms)
    row = store.Application(
        subject_kind=new.subject_kind,
        applicant_id=applicant.id,
        product_id=product.id if product and new.subject_kind is SubjectKind.PRODUCT else None,
        role=new.role,
        specification_version_id=version.id,
        profile=new.profile,
        **scope,
        renews=new.renews,
        extends=new.extends,
        note=new.note,
        created_at=clock.now(),
        client=caller.client,
    )
    _check(session, row, new.product, version, today)
    store.add(session, row)
    response.headers["Location"] = row.path
    content = new.model_dump(mode="json", exclude_none=True)
    audit.record(session, caller, "certification-application.draft", row.path, new=content)
    feed.tell(session, "certification-application.drafted", row.path, caller.organisation, product=new.product)
    return shapes.shown(session, row, response, today)


@router.patch(
    "/{id}",
    summary="Change a draft of an application",
    openapi_extra=example(
        organisation=FJORDVAKT,
        body={"note": "Rapporten følger (fiktivt)."},
        media_type=changes.MERGE_PATCH,
        headers={"If-Match": '"1"'},
    ),
)
def change(
    id: Annotated[UUID, Path(description="The application's id", examples=[SEEDED["draft"]])],
    change: Annotated[ApplicationChange, Body(media_type=changes.MERGE_PATCH)],
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Application:
    """For its applicant, until it is submitted; after that nothing of it changes. What is to be certified, and the
    specification, stay: for something else draft another."""
    row = store.seen(session, id, caller, today, changing=True)
    if not store.is_applicant(session, row, caller.organisation, today):
        raise store.ApplicationNotFound(f"No application of yours has the id {id}.")
    if Status(row.status) is not Status.DRAFT:
        raise rules.ApplicationSubmitted(f"It is {row.status}.", state=row.status)
    changes.require_match(if_match, row.revision)
    slug, label = specifications.labels(session, [row.specification_version_id])[row.specification_version_id]
    before = {
        **row.model_dump(include={"role", "profile", "delivery_forms", "renews", "extends", "note"}, exclude_none=True),
        "specification_version": label,
        "versions": shapes.wire_versions(row),
    }
    before = {name: value for name, value in before.items() if value is not None}
    product = store.product_of(session, row)
    whole = before | {"subject_kind": row.subject_kind, "product": product, "specification": slug}
    after = changes.merged(NewApplication, {name: one for name, one in whole.items() if one is not None}, change)
    version = specifications.find_version(session, slug, after.specification_version)
    if version is None:
        raise rules.ReferenceUnknown(pointer="#/specification_version")
    fields = after.model_dump(include={"role", "profile", "renews", "extends", "note"})
    row.sqlmodel_update({**fields, **_scope(after.versions, after.delivery_forms)})
    row.specification_version_id = version.id
    _check(session, row, product, version, today)
    kept = after.model_dump(mode="json", by_alias=True, include=set(ApplicationChange.model_fields))
    changed = changes.differences(before, {name: value for name, value in kept.items() if value is not None})
    if changed:
        row.revision += 1
        session.flush()
        audit.record(session, caller, "certification-application.change", row.path, changed=changed)
        feed.tell(session, "certification-application.changed", row.path, caller.organisation, fields=sorted(changed))
    return shapes.shown(session, row, response, today)


def _scope(versions: Any, delivery_forms: list[DeliveryForm]) -> dict[str, Any]:
    scope = certificates.kept_scope("all" if versions is None else versions, [form.value for form in delivery_forms])
    return scope.detail()


def _check(
    session: Session, row: store.Application, product: str | None, version: specifications.Version, today: date
) -> None:
    """What a draft must hold already; the rest is looked at when it is submitted."""
    with session.no_autoflush:  # a draft that is refused is not to be told by the database
        facts = store.facts(session, row, version, today)
    sought = store.sought(row, product)
    refuse(rules.check_shape(sought) + rules.check_references(sought, facts))
