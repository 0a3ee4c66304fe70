"""Certificates over HTTP."""

from datetime import date
from typing import Annotated

from fastapi import Path, Query, Request, Response
from pydantic import AwareDatetime, Field
from sqlmodel import Session

from services.catalog.certificates import rules, shapes, store
from services.catalog.products import store as products
from services.catalog.products.store import DeliveryForm
from services.catalog.specifications import store as specifications
from services.catalog.specifications.rules import Obligation
from services.chassis import audit, clock, feed, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, needs
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Invalid, refuse
from services.chassis.values import In, OrganisationNumber, Slug

router = new_router("/certificates", "Certificates")

DECIDER = "100000008"
SPECIFICATION = "velferdsteknologi-trygghetstjeneste"
DecisionMaker = Annotated[Caller, needs("certification.decide")]


class ReferenceUnknown(Invalid):
    """What the request refers to is not in the catalogue."""


class KnownAtInFuture(Invalid):
    """What will be known cannot be told."""


class NewResult(In):
    requirement: str = Field(min_length=1, max_length=40, examples=["VT2-01"])
    outcome: rules.Outcome
    reason: str | None = Field(default=None, min_length=1, max_length=2000, description="Needed for not_relevant")
    evidence: list[shapes.Evidence] = Field(default=[], max_length=20, description="Needed for met and partly")


class NewCertificate(In):
    product: Slug
    versions: shapes.Versions
    specification: Slug
    specification_version: shapes.VersionLabel
    delivery_forms: list[DeliveryForm] = Field(min_length=1, max_length=2)
    valid_from_on: date
    valid_to_on: date = Field(description="The last day")
    reason: str | None = Field(
        default=None, min_length=1, max_length=2000, description="Needed if it begins before today"
    )
    results: list[NewResult] = Field(min_length=1, max_length=500)


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


@router.post(
    "",
    status_code=201,
    summary="Grant a certificate",
    openapi_extra=example(
        organisation=DECIDER,
        body={
            "product": "havorn-tilsyn",
            "versions": "all",
            "specification": "velferdsteknologi-datautveksling",
            "specification_version": "1.0",
            "delivery_forms": ["saas"],
            "valid_from_on": "2027-01-01",
            "valid_to_on": "2029-12-31",
            "reason": "Vedtak etter fullført vurdering (fiktivt)",
            "results": [
                {
                    "requirement": f"VT1-0{number}",
                    "outcome": "met",
                    "evidence": [
                        {"description": "Testrapport (fiktiv)", "sha256": f"{number}" * 64, "dated_on": "2026-11-02"}
                    ],
                }
                for number in (1, 2, 3)
            ],
        },
    ),
)
def grant(new: NewCertificate, caller: DecisionMaker, session: SessionDep, response: Response) -> shapes.Certificate:
    """For decision-makers, never on their own product. Every must requirement (må-krav) has to be met, or not
    relevant for a stated reason; whatever is met has evidence. Each requirement that fails stands in `errors[]`.
    The certificate is held to the named version of the specification for ever. One that is suspended still occupies
    its scope: restore it or withdraw it."""
    now = clock.now()
    product = products.find(session, new.product)
    version = specifications.find_version(session, new.specification, new.specification_version)
    if product is None or version is None:
        missing = {"#/product": product, "#/specification_version": version}
        refuse(ReferenceUnknown(pointer=pointer) for pointer, found in missing.items() if found is None)
        raise AssertionError
    requirements = specifications.requirements(session, version.id)
    validity = rules.Validity(new.valid_from_on, new.valid_to_on)
    forms = list(dict.fromkeys(form.value for form in new.delivery_forms))
    results = [rules.Result(one.requirement, one.outcome, one.reason, len(one.evidence)) for one in new.results]
    refuse(
        rules.check_grant(
            rules.Grant(
                supplier=_supplier(session, caller, product.supplier_id, product.supplier, clock.on(now)),
                decided_by=caller.organisation,
                delivery_forms=forms,
                offered_forms=product.delivery_forms,
                validity=validity,
                specification_effective_on=version.effective_on,
                specification_ended_on=version.ended_on,
                requirements={one.code: one.obligation is Obligation.MUST for one in requirements},
                results=results,
                reason=new.reason,
                today=clock.on(now),
            )
        )
    )
    ids = {one.code: one.id for one in requirements}
    granted = store.grant(
        session,
        store.Certificate(
            number="",
            product_id=product.id,
            holder_id=product.supplier_id,
            **shapes.kept_scope(new.versions, forms).detail(),
            specification_version_id=version.id,
            valid_from_on=new.valid_from_on,
            valid_to_on=new.valid_to_on,
            decided_by=caller.organisation,
        ),
        [
            store.Result(
                certificate_id=0,
                requirement_id=ids[one.requirement],
                outcome=one.outcome,
                reason=one.reason,
                evidence=[piece.model_dump(mode="json") for piece in one.evidence],
                recorded_at=now,
            )
            for one in new.results
        ],
        recorded_at=now,
        today=clock.on(now),
        reason=new.reason,
    )
    response.headers["Location"] = path = f"/certificates/{granted.number}"
    audit.record(session, caller, "certificate.grant", path, new=new.model_dump(mode="json", exclude_none=True))
    feed.tell(session, "certificate.granted", path, None, product=new.product, effective_on=str(new.valid_from_on))
    return shapes.shown(session, granted.number, clock.on(now), now, response)


def _supplier(session: Session, caller: Caller, supplier_id: int, number: str, today: date) -> str:
    """The product's supplier by number; the caller, where it has become the same as that by a merger."""
    own = supplier_id in products.keys_of_supplier(session, caller.organisation, today)
    return caller.organisation if own else number
