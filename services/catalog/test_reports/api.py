"""Test reports over HTTP."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import Assurance, Outcome
from services.catalog.delegations import store as delegations
from services.catalog.evidence_files import store as evidence_files
from services.catalog.organisations import store as organisations
from services.catalog.products import store as products
from services.catalog.schemes.shapes import is_body
from services.catalog.specifications import store as specifications
from services.catalog.specifications.rules import Obligation
from services.catalog.test_reports import rules, store
from services.catalog.test_reports.rules import State, Step
from services.catalog.testers import rules as tester_rules
from services.catalog.testers import signatures
from services.catalog.testers import store as testers
from services.chassis import audit, changes, clock, feed, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep, ViewerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Problem, refuse
from services.chassis.values import In, Instant, Out, Slug, seed_id

router = new_router("/test-reports", "Certification")

LABORATORY = "100000059"
BODY = "100000040"
SEEDED = {name: str(seed_id(f"test-report:{name}")) for name in ("met", "failed")}
ReportId = Annotated[UUID, Path(description="The report's id here", examples=[SEEDED["met"]])]
FailedId = Annotated[UUID, Path(description="The report's id here", examples=[SEEDED["failed"]])]
_EXAMPLE = (
    "eyJhbGciOiJFZERTQSIsImtpZCI6ImtyaUFJOHZlUXFIcTJtY1lTRkpPaUdKcGtVWnNEU2ZEOE84M1VGMWVuUm8iLCJ0eXAiOiJK"
    "V1QifQ.eyJpc3MiOiJmNTk5NGMzMy1iMmQ4LTUwN2ItYjQ1NC0zYjk3NTE4Njg2NTIiLCJqdGkiOiI2NDllY2M3Ni0yZjZiLTUxZ"
    "jYtYWQ2ZS0zODI0NGIxMmQyM2YiLCJpYXQiOjE3OTI0OTA0MDAsInN1YiI6ImZqb3JkdmFrdC10aWxzeW4iLCJ2ZXJzaW9uIjoiM"
    "y4yIiwic3BlY2lmaWNhdGlvbiI6InZlbGZlcmRzdGVrbm9sb2dpLWRhdGF1dHZla3NsaW5nIiwic3BlY2lmaWNhdGlvbl92ZXJza"
    "W9uIjoiMS4wIiwidG9vbCI6IlRlc3RiZW5rIGZvciB2YXJzbGVyIChmaWt0aXYpIiwidG9vbF92ZXJzaW9uIjoiMS40IiwicmVzd"
    "Wx0cyI6W3sicmVxdWlyZW1lbnQiOiJWVDEtMDYiLCJvdXRjb21lIjoibWV0IiwibG9nX3NoYTI1NiI6ImFkYzZmNjBkMDE4ZTFhY"
    "jYyMzY3YjYyZTk1NDNlZDc5ZGQzYWQzMTUxZjY3MDY2ZWM5Zjg2YzI1YmE4MTIxMTciLCJyYW5fb24iOiIyMDI2LTEwLTE5In1df"
    "Q.kvOGZPFzJOW6RB--4x8l40ilKB-7NX843krtInOu1VT5t5yXQ0MRVJbfGRfJNsq9fBsZyaeUtEaCSW3qtJBiAA"
)


class NewStep(In):
    reason: str = Field(min_length=1, max_length=2000)


class ReportResult(Out):
    requirement: str
    obligation: Obligation
    outcome: Outcome
    reason: str | None
    log_sha256: str | None = Field(description="Of the tester's log, in hexadecimal")
    ran_on: date


class TestReport(Out):
    """What a test tool found. It is neither a certificate nor a decision."""

    id: UUID
    tester: UUID = Field(description="See `/testers/{id}`")
    tester_organisation: str | None = Field(description="Organisation number")
    report: UUID = Field(description="The report's own id, `jti`")
    product: str
    version: str
    specification: str
    specification_version: str
    tool: str
    tool_version: str | None
    assurance: Assurance = Field(
        description="`third_party` only when the tester is of another organisation than the product's supplier"
    )
    state: State = Field(
        description="That something waits for approval, or was rejected, is told to the report's parties only; others "
        "are told `taken` until it is approved"
    )
    issued_at: Instant
    received_at: Instant
    evidence_file: UUID = Field(description="The signed report, whole; see `/evidence-files/{id}`")
    sha256: str = Field(description="Of the signed report, in hexadecimal")
    looked_at_by: str | None = Field(description="The organisation number of whoever approved or rejected it")
    looked_at: Instant | None
    reason: str | None
    results: list[ReportResult] = Field(
        description="What is met; the rest is shown to all once a person has approved it, and before to its parties"
    )


class Filters(In):
    product: Slug | None = Field(default=None, description="Only about this product")
    tester: UUID | None = Field(default=None, description="Only of this tester")
    state: State | None = Field(default=None, description="Only those in this state")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


async def _body(request: Request) -> bytes:
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type != rules.MEDIA_TYPE:
        raise rules.ReportMediaTypeUnknown
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > rules.LARGEST:
            raise rules.ReportTooLarge
    return bytes(body).strip()


@router.get("", summary="List test reports", openapi_extra=example(query={"product": "fjordvakt-tilsyn"}))
def list_reports(
    filters: Annotated[Filters, Query()],
    reader: ReaderDep,
    viewer: ViewerDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
) -> paging.Page[TestReport]:
    """Signed reports by id. Everybody sees what is met; what is not, once a person has approved it. The tester, the
    product's supplier and whoever assesses or decides see all."""
    own = evidence_files.standing_for(reader, viewer.organisation if viewer else None, today)
    rows = store.page(
        reader,
        paging.start(filters.after, UUID),
        filters.limit,
        product=filters.product,
        tester=filters.tester,
        state=filters.state,
        own=own,
        everything=is_body(viewer),
    )
    results = store.results(reader, [row.id for row in rows])
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row.uuid),
        lambda row: _shown(row, results.get(row.id, []), party=_party(row, viewer, own)),
    )


@router.get("/{id}", summary="Read a test report", openapi_extra=example())
def read(id: ReportId, reader: ReaderDep, viewer: ViewerDep, today: clock.TodayDep, response: Response) -> TestReport:
    """One signed report with its results. What is not met is shown to all once a person has approved it; a report of
    which nothing may be shown to you yet is not found."""
    kept = store.by_uuid(reader, id)
    own = evidence_files.standing_for(reader, viewer.organisation if viewer else None, today)
    shown = _shown(kept, store.results(reader, [kept.id])[kept.id], party=_party(kept, viewer, own))
    if not shown.results:
        raise store.unknown(id)
    response.headers["ETag"] = changes.etag(1 if shown.looked_at is None else 2)
    return shown


@router.post(
    "",
    status_code=201,
    summary="File a signed test report",
    openapi_extra={
        **example(organisation=LABORATORY, body=_EXAMPLE, media_type=rules.MEDIA_TYPE),
        "requestBody": {
            "required": True,
            "description": "A compact JWS (RFC 7515), at most 256 kB",
            "content": {rules.MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE}},
        },
    },
)
def file(
    caller: CallerDep,
    body: Annotated[bytes, Depends(_body)],
    session: SessionDep,
    response: Response,
) -> TestReport:
    """A compact JWS, signed with the key of an approved tester, sent in by the tester's organisation or by the
    product's supplier. Header: `alg` (`EdDSA`, `Ed25519` or `ES256`, as the key is) and `kid` (the key's thumbprint).
    Claims: `iss` (the tester's id), `jti` (a UUID that is used once), `iat`, `sub` (the product's name in addresses),
    `version` (of the product), `specification`, `specification_version`, `tool`, `tool_version`, and `results`: a list
    of `requirement`, `outcome` (met, partly, not_met, not_relevant, not_tested), `reason` (needed unless met),
    `log_sha256` and `ran_on`.

    The product's supplier must have let the tester report (`POST /testers/{id}/delegations`), unless the tester is its
    own; then it counts as `self_declared`. What is met is taken at once; the rest when a person has approved it. A
    failed test takes no certificate away. Sent a second time it is refused (409)."""
    now = clock.now()
    signed = rules.opened(body)
    kid = signed.header.get("kid")
    tester = testers.by_key(session, kid) if isinstance(kid, str) and len(kid) <= 100 and "\0" not in kid else None
    if tester is None:
        raise rules.ReportKeyUnknown("No tester has the key that `kid` names.")
    if signed.header.get("alg") not in tester_rules.ALGORITHMS[tester.jwk["crv"]]:
        raise rules.ReportAlgorithmRefused(f"This key signs with {tester_rules.ALGORITHMS[tester.jwk['crv']][0]}.")
    if not signatures.verify(tester.jwk, signed.covered, signed.signature):
        raise rules.ReportForged
    testers.lock(session, tester.uuid)
    report, found = rules.report(signed.claims)
    refuse(found)
    assert report
    added, results = _judged(session, caller, testers.by_uuid(session, tester.uuid), report)
    added.received_at = now
    kept_file = evidence_files.keep(
        session,
        content=body,
        media_type=rules.MEDIA_TYPE,
        file_name=f"{report.id}.jose",
        title={"nb": f"Signert testrapport: {report.tool}"[:200], "en": f"Signed test report: {report.tool}"[:200]},
        uploaded_by_id=tester.organisation_id,
        client=caller.client,
        at=now,
        readers=[session.get_one(products.Product, added.product_id).supplier_id],
    )
    added.evidence_file_id = kept_file.id
    store.add(session, added, results)
    response.headers["Location"] = path = f"/test-reports/{added.uuid}"
    audit.record(session, caller, "test-report.file", path, jti=str(report.id), sha256=kept_file.sha256)
    kept = store.by_uuid(session, added.uuid)
    _tell(session, "test-report.filed", kept, State.TAKEN)
    if kept.state is not State.TAKEN:
        for number in _parties(session, kept, clock.on(now)):
            feed.tell(session, "test-report.failed", path, number, product=kept.product, version=kept.version)
    response.headers["ETag"] = changes.etag(_revision(kept))
    return _shown(kept, store.results(session, [kept.id])[kept.id], party=True)


def _judged(
    session: Session, caller: Caller, tester: testers.Kept, report: rules.Report
) -> tuple[store.TestReport, list[store.TestReportResult]]:
    """What a proven report says, as it will be kept; or everything that speaks against it."""
    now = clock.now()
    today = clock.on(now)
    found: list[Problem] = []
    if report.tester != tester.uuid:
        found.append(rules.ReportFromAnother(pointer="#/iss"))
    for why in {tester_rules.holds(tester.stands(), day) for day in (clock.on(report.issued_at), today)} - {None}:
        found.append(rules.TesterNotInForce(why))
    if store.replayed(session, tester.id, report.id):
        found.append(rules.ReportReplayed(f"The tester has filed {report.id} before.", pointer="#/jti"))
    found += rules.check_times(report, now=now, today=today)
    product = products.find(session, report.product)
    version = specifications.find_version(session, report.specification, report.specification_version)
    own = evidence_files.standing_for(session, caller.organisation, today)
    if product is None:
        found.append(rules.ReportSubjectUnknown(f"No product is called {report.product!r}.", pointer="#/sub"))
    else:
        if report.version not in products.versions(session, product.id):
            found.append(rules.ReportSubjectUnknown(f"It has no version {report.version!r}.", pointer="#/version"))
        if not own & {tester.organisation_id, product.supplier_id}:
            found.append(rules.NotYourReport())
        if not _of_supplier(session, tester, product.supplier_id, today) and not delegations.holds(
            session, tester.id, product.id, today
        ):
            found.append(rules.DelegationMissing(report.product))
    if version is None or version.effective_on is None:
        found.append(
            rules.ReportSubjectUnknown(
                f"There is no {report.specification} {report.specification_version}.", pointer="#/specification_version"
            )
        )
        refuse(found)
        raise AssertionError
    ids = {one.code: one.id for one in specifications.requirements(session, version.id)}
    refuse(found + rules.check_requirements(report.results, ids))
    assert product
    supplied = _of_supplier(session, tester, product.supplier_id, today)
    added = store.TestReport(
        tester_id=tester.id,
        jti=report.id,
        product_id=product.id,
        version=report.version,
        specification_version_id=version.id,
        tool=report.tool,
        tool_version=report.tool_version,
        assurance=Assurance.SELF_DECLARED if supplied else Assurance.THIRD_PARTY,
        state=rules.first_state(one.outcome for one in report.results),
        issued_at=report.issued_at,
        received_at=now,
        evidence_file_id=0,
        organisation_number=caller.organisation,
        client=caller.client,
    )
    return added, [
        store.TestReportResult(
            test_report_id=0,
            requirement_id=ids[one.requirement],
            outcome=one.outcome,
            reason=one.reason,
            log_sha256=one.log_sha256,
            ran_on=one.ran_on,
        )
        for one in report.results
    ]


@router.post(
    "/{id}/approve",
    summary="Approve what a report says is not met",
    operation_id="test_report_approve",
    openapi_extra=example(organisation=BODY, body={"reason": "Feilen er gjenskapt (fiktivt)"}),
)
def approve(
    id: FailedId,
    new: NewStep,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> TestReport:
    """For whoever assesses, and has no interest in the product: what the report says is not met is right. From now on
    all see it, and an assessment can take it over."""
    return _take(session, id, Step.APPROVE, new.reason, caller, response, today, if_match)


@router.post(
    "/{id}/reject",
    summary="Reject what a report says is not met",
    operation_id="test_report_reject",
    openapi_extra=example(organisation=BODY, body={"reason": "Testmiljøet var nede (fiktivt)"}),
)
def reject(
    id: FailedId,
    new: NewStep,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> TestReport:
    """For whoever assesses, and has no interest in the product: what the report says is not met says nothing about it,
    for example because the test environment was down. It is shown to nobody else, and not taken over."""
    return _take(session, id, Step.REJECT, new.reason, caller, response, today, if_match)


def _take(
    session: Session,
    id: UUID,
    step: Step,
    reason: str,
    caller: Caller,
    response: Response,
    today: date,
    if_match: str | None,
) -> TestReport:
    store.lock(session, id)
    kept = store.by_uuid(session, id)
    changes.require_match(if_match, _revision(kept), needed=False)
    interested = certificates.interested(session, kept.product_id, today) | _parties(session, kept, today)
    refuse(rules.check_step(kept.state, step, interested=caller.organisation in interested))
    store.record(
        session,
        store.TestReportEvent(
            test_report_id=kept.id,
            kind=rules.EventKind(rules.MOVES[kept.state, step].value),
            recorded_at=clock.now(),
            organisation_number=caller.organisation,
            client=caller.client,
            reason=reason,
        ),
    )
    path = f"/test-reports/{id}"
    audit.record(session, caller, f"test-report.{step}", path, reason=reason)
    kept = store.by_uuid(session, id)
    if kept.state is State.APPROVED:
        _tell(session, "test-report.approved", kept, State.APPROVED)
    else:
        for number in _parties(session, kept, today):
            feed.tell(session, "test-report.rejected", path, number, product=kept.product, version=kept.version)
    response.headers["ETag"] = changes.etag(_revision(kept))
    return _shown(kept, store.results(session, [kept.id])[kept.id], party=True)


def _tell(session: Session, what: str, kept: store.Kept, state: State) -> None:
    """To all, with what all may see; to nobody while that is nothing."""
    rows = store.results(session, [kept.id])[kept.id]
    shown = [row.requirement for row in rows if rules.shows(Outcome(row.outcome), state, party=False)]
    if state is State.TAKEN:
        shown = [row.requirement for row in rows if row.outcome == Outcome.MET]
    if shown:
        path = f"/test-reports/{kept.uuid}"
        feed.tell(session, what, path, None, product=kept.product, version=kept.version, requirements=shown)


def _of_supplier(session: Session, tester: testers.Kept, supplier_id: int, today: date) -> bool:
    """Whether a tester is of the supplier's own organisation, also as it is called after mergers."""
    ids = {tester.organisation_id, supplier_id}
    heirs = {one: {heir for heir, _ in found} for one, found in organisations.resolve(session, ids, today).items()}
    return tester.organisation_id == supplier_id or bool(heirs[tester.organisation_id] & heirs[supplier_id])


def _parties(session: Session, kept: store.Kept, today: date) -> frozenset[str]:
    """The numbers of the tester's organisation and of the product's supplier, of today."""
    suppliers = products.suppliers(session, [kept.supplier_id], today)[kept.supplier_id]
    return frozenset(filter(None, [kept.tester_organisation, *(one.organisation_number for one in suppliers)]))


def _party(kept: store.Kept, viewer: Caller | None, own: set[int]) -> bool:
    return is_body(viewer) or bool(own & {kept.supplier_id, kept.tester_organisation_id})


def _revision(kept: store.Kept) -> int:
    return 1 if kept.looked_at is None else 2


def _shown(kept: store.Kept, results: Sequence[Any], *, party: bool) -> TestReport:
    state = rules.told(kept.state, party=party)
    silent = {} if state is kept.state else {"looked_at_by": None, "looked_at": None, "reason": None}
    return TestReport.model_validate(
        {
            **kept.__dict__,
            **silent,
            "id": kept.uuid,
            "report": kept.jti,
            "state": state,
            "results": [
                ReportResult.model_validate(row)
                for row in results
                if rules.shows(Outcome(row.outcome), kept.state, party=party)
            ],
        }
    )
