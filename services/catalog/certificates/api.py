"""Certificates and verification over HTTP."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import Path, Query, Request, Response
from pydantic import AwareDatetime, Field
from sqlmodel import Session

from services.catalog.certificates import rules, store
from services.catalog.products import store as products
from services.catalog.products.store import DeliveryForm
from services.catalog.specifications import store as specifications
from services.catalog.specifications.rules import Obligation
from services.chassis import audit, changes, clock, feed, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, needs
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, ReaderDep, SessionDep
from services.chassis.problems import Invalid, refuse
from services.chassis.values import In, Instant, OrganisationNumber, Out, Slug, TextOut

router = new_router("/certificates", "Certificates")
verify_router = new_router("/verify", "Verification")

DECIDER = "100000008"
SPECIFICATION = "velferdsteknologi-trygghetstjeneste"
DecisionMaker = Annotated[Caller, needs("certification.decide")]
VersionLabel = Annotated[str, Field(min_length=1, max_length=40, examples=["2.1"])]
Versions = Annotated[
    Annotated[list[VersionLabel], Field(min_length=1, max_length=200)] | Literal["all"],
    Field(description="Labels of the product's versions, or `all`", examples=["all"]),
]
Number = Annotated[str, Field(description="The certificate's number", examples=["SV-2026-000001"])]


class ReferenceUnknown(Invalid):
    """What the request refers to is not in the catalogue."""


class KnownAtInFuture(Invalid):
    """What will be known cannot be told."""


class Evidence(In):
    """A document that shows it; the document itself is kept elsewhere."""

    description: str = Field(min_length=1, max_length=500, examples=["Testrapport (eksempel)"])
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of the document, in hexadecimal")
    dated_on: date


class NewResult(In):
    requirement: str = Field(min_length=1, max_length=40, examples=["VT2-01"])
    outcome: rules.Outcome
    reason: str | None = Field(default=None, min_length=1, max_length=2000, description="Needed for not_relevant")
    evidence: list[Evidence] = Field(default=[], max_length=20, description="Needed for met and partly")


class NewCertificate(In):
    product: Slug
    versions: Versions
    specification: Slug
    specification_version: VersionLabel
    delivery_forms: list[DeliveryForm] = Field(min_length=1, max_length=2)
    valid_from_on: date
    valid_to_on: date = Field(description="The last day")
    reason: str | None = Field(
        default=None, min_length=1, max_length=2000, description="Needed if it begins before today"
    )
    results: list[NewResult] = Field(min_length=1, max_length=500)


class NewStep(In):
    reason: str = Field(min_length=1, max_length=2000)
    effective_on: date | None = Field(default=None, description="Today if left out; may lie ahead, or back (flagged)")


class Supplier(Out):
    organisation_number: str | None
    name: str


class CertificateSummary(Out):
    """A certificate with its status on a day."""

    number: Number
    product: str
    supplier: Supplier
    versions: Versions
    specification: str
    specification_version: str
    delivery_forms: list[DeliveryForm]
    valid_from_on: date
    valid_to_on: date = Field(description="The last day")
    decided_by: str = Field(description="The organisation number of whoever decided")
    status: rules.Status
    status_on: date = Field(description="The day that `status` is of")


class Result(Out):
    requirement: str
    obligation: Obligation
    outcome: rules.Outcome
    reason: str | None
    evidence: list[Evidence]


class Event(Out):
    kind: rules.EventKind
    effective_on: date
    recorded_at: Instant
    reason: str | None
    back_dated: bool = Field(description="It took effect before the day it was recorded on")
    organisation_number: str = Field(description="Who decided")


class Certificate(CertificateSummary):
    """A certificate, whole."""

    results: list[Result]
    events: list[Event] = Field(description="In the order recorded; with `known_at`, those recorded by then")


class Filters(In):
    product: Slug | None = Field(default=None, description="Only this product's")
    supplier: OrganisationNumber | None = Field(
        default=None, description="The supplier's organisation number, today's or of before a merger"
    )
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


class AsOf(In):
    on: date | None = Field(default=None, description="The day whose status is asked for; today if left out")
    known_at: AwareDatetime | None = Field(
        default=None,
        description="As known at this instant: what was recorded later does not count. What was known never changes",
    )


class Question(In):
    product: Slug
    version: VersionLabel | None = Field(default=None, description="Of the product; its current one if left out")
    specification: Slug | None = Field(default=None, description="Any specification if left out")
    specification_version: VersionLabel | None = Field(default=None, description="Any version of it if left out")
    delivery_form: DeliveryForm | None = Field(default=None, description="Any form if left out")
    on: date | None = Field(default=None, description="The day that it must be certified on; today if left out")


class VerifiedBy(Out):
    """The certificate that decided."""

    number: Number
    specification: str
    specification_version: str
    valid_from_on: date
    valid_to_on: date


class Verdict(Out):
    verdict: rules.Verdict = Field(description="`unknown` is not `valid`: treat it as no answer")
    code: rules.Code
    reasons: list[TextOut] = Field(description="The first is that of `code`; each thing that is wrong has its own")
    certificate: VerifiedBy | None
    product: str
    on: date
    checked_at: Instant


@verify_router.post(
    "",
    summary="Is this product certified on a day?",
    response_model=Verdict,
    openapi_extra=example(body={"product": "fjordvakt-alarm", "specification": SPECIFICATION, "on": "2027-03-01"}),
)
async def verify(question: Question, database: DatabaseDep) -> Response:
    """Open to all. `valid`, `not_valid` or `unknown`, with a code for machines and reasons for people. Asked about
    are the product, in a version and a delivery form, against a specification in a version, on a day; leave out
    what does not matter. `unknown` (`product_unknown`, `specification_unknown`): the catalogue cannot say. The
    answer holds for one second."""
    now = clock.now()
    on = question.on or clock.on(now)
    # async, as measured: 1.5 times as many a second as through the thread pool.
    portfolio = await store.portfolio(database, question.product, question.specification)
    asked = rules.Question(
        question.product,
        question.version or (portfolio.current_version if portfolio else None),
        question.specification,
        question.specification_version,
        question.delivery_form,
        on,
    )
    if portfolio is None:
        finding = rules.unknown(asked, rules.Code.PRODUCT_UNKNOWN)
    elif not portfolio.specification_known:
        finding = rules.unknown(asked, rules.Code.SPECIFICATION_UNKNOWN)
    else:
        finding = rules.verify(asked, portfolio.held, now)
    best = finding.certificate
    answer = {
        "verdict": finding.verdict,
        "code": finding.code,
        "reasons": finding.reasons,
        "certificate": best
        and {
            "number": best.number,
            "specification": best.specification,
            "specification_version": best.specification_version,
            "valid_from_on": best.validity.from_on,
            "valid_to_on": best.validity.to_on,
        },
        "product": question.product,
        "on": on,
        "checked_at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return Response(orjson.dumps(answer), media_type="application/json", headers={"Cache-Control": "max-age=1"})


@router.get("", summary="List certificates", openapi_extra=example(query={"product": "fjordvakt-alarm"}))
def list_certificates(
    filters: Annotated[Filters, Query()], reader: ReaderDep, request: Request, response: Response
) -> paging.Page[CertificateSummary]:
    """By number, with their status today. To decide anything, ask `POST /verify`."""
    start = paging.start(filters.after, str)
    now = clock.now()
    asked = filters.supplier
    suppliers = products.keys_of_supplier(reader, asked, clock.on(now)) if asked else None
    rows = store.page(reader, start, filters.limit, product=filters.product, suppliers=suppliers)
    of_today = products.suppliers(reader, {row.supplier_id for row in rows}, clock.on(now))
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row.number),
        lambda row: CertificateSummary.model_validate(_fields(row, of_today, clock.on(now), now)),
    )


@router.get("/{number}", summary="Read a certificate", openapi_extra=example(query={"on": "2026-08-15"}))
def read(
    number: Annotated[str, Path(description="The certificate's number", examples=["SV-2026-000003"])],
    as_of: Annotated[AsOf, Query()],
    reader: ReaderDep,
    response: Response,
) -> Certificate:
    """A certificate with results, evidence and history. `on` asks for its status on a day, `known_at` for what was
    known then: one that had not been granted by then is not found."""
    now = clock.now()
    if as_of.known_at and as_of.known_at > now:
        raise KnownAtInFuture(pointer="?known_at")
    return _shown(reader, number, as_of.on or clock.on(now), as_of.known_at or now, response)


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
def grant(new: NewCertificate, caller: DecisionMaker, session: SessionDep, response: Response) -> Certificate:
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
            versions=None if new.versions == "all" else list(dict.fromkeys(new.versions)),
            specification_version_id=version.id,
            delivery_forms=forms,
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
    return _shown(session, granted.number, clock.on(now), now, response)


def _step(step: rules.Step, seeded: str, summary: str, about: str) -> None:
    """One route for each step; `seeded` is a certificate that can take it."""

    def take(
        number: Annotated[str, Path(description="The certificate's number", examples=[seeded])],
        new: NewStep,
        caller: DecisionMaker,
        session: SessionDep,
        response: Response,
        if_match: changes.IfMatch = None,
    ) -> Certificate:
        store.lock(session, number)
        found = store.by_number(session, number)
        changes.require_match(if_match, len(found.events), needed=False)
        now = clock.now()
        today = clock.on(now)
        effective_on = new.effective_on or today
        refuse(
            rules.check_step(
                store.events(found),
                store.validity(found),
                step,
                effective_on,
                now,
                supplier=_supplier(session, caller, found.supplier_id, found.supplier_number, today),
                decided_by=caller.organisation,
            )
        )
        store.record(
            session,
            found.id,
            rules.EVENTS[step],
            effective_on=effective_on,
            recorded_at=now,
            today=today,
            reason=new.reason,
            organisation=caller.organisation,
        )
        path = f"/certificates/{number}"
        audit.record(session, caller, f"certificate.{step}", path, **new.model_dump(mode="json"))
        happened = f"certificate.{rules.EVENTS[step].value}"
        feed.tell(session, happened, path, None, product=found.product, effective_on=str(effective_on))
        return _shown(session, number, today, now, response)

    take.__doc__ = about
    router.post(
        f"/{{number}}/{step}",
        summary=summary,
        operation_id=f"certificate_{step}",
        openapi_extra=example(organisation=DECIDER, body={"reason": "Vedtak etter tilsyn (fiktivt)"}),
    )(take)


for _event, _seeded, _summary, _about in (
    (
        rules.Step.SUSPEND,
        "SV-2026-000001",
        "Suspend a certificate",
        "Valid → suspended, from `effective_on`. A reason is required; what takes effect before today is flagged as "
        "back-dated. Suspension can be lifted until the certificate expires.",
    ),
    (
        rules.Step.RESTORE,
        "SV-2026-000003",
        "Restore a certificate",
        "Suspended → valid, from `effective_on`. An expired certificate cannot be restored, only granted anew.",
    ),
    (
        rules.Step.WITHDRAW,
        "SV-2026-000002",
        "Withdraw a certificate",
        "Valid, suspended or not yet valid → withdrawn, from `effective_on`, for ever.",
    ),
):
    _step(_event, _seeded, _summary, _about)


def _supplier(session: Session, caller: Caller, supplier_id: int, number: str, today: date) -> str:
    """The product's supplier by number; the caller, where it has become the same as that by a merger."""
    own = supplier_id in products.keys_of_supplier(session, caller.organisation, today)
    return caller.organisation if own else number


def _fields(row: Any, of_today: Mapping[int, Sequence[Any]], on: date, known_at: datetime) -> dict[str, Any]:
    status = rules.status_on(store.events(row), store.validity(row), on, known_at)
    if status is None:
        raise store.CertificateNotFound(f"{row.number} had not been granted by then.")
    return {
        **row._asdict(),
        "supplier": Supplier.model_validate(today[0])
        if len(today := of_today[row.supplier_id]) == 1
        else Supplier(organisation_number=row.supplier_number, name=row.supplier_name),
        "versions": row.versions or "all",
        "status": status,
        "status_on": on,
    }


def _shown(session: Session, number: str, on: date, known_at: datetime, response: Response) -> Certificate:
    row = store.by_number(session, number)
    response.headers["ETag"] = changes.etag(len(row.events))
    fields = _fields(row, products.suppliers(session, {row.supplier_id}, clock.today()), on, known_at)
    events = [event for event in store.history(session, row.id) if event.recorded_at <= known_at]
    return Certificate.model_validate({**fields, "results": store.results(session, row.id), "events": events})
