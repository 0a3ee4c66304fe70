"""Conformance runs over HTTP."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.artefacts import store as artefacts
from services.catalog.artefacts.rules import Format
from services.catalog.conformance_runs import rules, store
from services.catalog.conformance_runs.rules import Finding, Reason, State, Step, Verdict
from services.catalog.evidence_files import store as evidence_files
from services.catalog.interface_versions import store as interface_versions
from services.catalog.interfaces.rules import Status
from services.catalog.organisations import store as organisations
from services.catalog.product_versions import store as product_versions
from services.catalog.products import store as products
from services.catalog.schemes.shapes import is_body
from services.catalog.specifications import store as specifications
from services.catalog.test_endpoints import rules as endpoint_rules
from services.catalog.test_endpoints import store as endpoints
from services.chassis import audit, changes, clock, feed, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Problem, refuse
from services.chassis.values import In, Instant, Out, Slug, seed_id

router = new_router("/conformance-runs", "Conformance tests")

SUPPLIER = "100000016"
FINISHED, QUEUED = str(seed_id("conformance-run:fjordvakt")), str(seed_id("conformance-run:queued"))
RunId = Annotated[UUID, Path(description="The run's id", examples=[FINISHED])]
QueuedId = Annotated[UUID, Path(description="The run's id", examples=[QUEUED])]
Label = Annotated[str, Field(min_length=1, max_length=40)]


class NewRun(In):
    product: Slug = Field(examples=["fjordvakt-alarm"])
    version: Label = Field(description="The product's version that the endpoint runs", examples=["3.2"])
    specification: Slug = Field(examples=["velferdsteknologi-datautveksling"])
    specification_version: Label = Field(examples=["1.0"])
    requirements: list[Label] = Field(
        min_length=1,
        max_length=100,
        description="Codes of the requirements that the interface's contract shows to be met",
        examples=[["VT1-01"]],
    )
    interface: Slug = Field(examples=["velferdsteknologi-varsler"])
    interface_version: Label = Field(
        description="In force, with an OpenAPI artefact that refers to nothing outside itself", examples=["2.0"]
    )
    endpoint: UUID = Field(description="An approved test endpoint of the product")


class Cancellation(In):
    reason: str | None = Field(default=None, min_length=1, max_length=2000)


class RunEvent(Out):
    step: Step
    state: State
    recorded_at: Instant
    organisation_number: str | None = Field(description="None: the worker")
    detail: dict[str, Any] | None = Field(
        description="Which attempt, why it ended, and what it took: `elapsed_seconds`, `cpu_seconds`, `memory_bytes`, "
        "and the `limits` it had"
    )


class Run(Out):
    """One automated test of a test endpoint against the contract of an interface."""

    id: UUID
    product: str
    version: str
    specification: str
    specification_version: str
    requirements: list[str]
    interface: str
    interface_version: str
    contract_sha256: str = Field(description="Of the OpenAPI document that is tested against, in hexadecimal")
    endpoint: UUID
    base_url: str
    state: State
    verdict: Verdict | None = Field(description="Only of a run that is finished")
    reason: Reason | None = Field(
        description="Why there is no verdict. It says nothing about the product, except that it could not be tested"
    )
    evidence: UUID | None = Field(description="The evidence file that the report is")
    organisation_number: str = Field(description="Who asked for it")
    requested_at: Instant
    finished_at: Instant | None
    events: list[RunEvent] = Field(description="Oldest first")


class TestedOperation(Out):
    operation: str
    cases: int = Field(description="Requests that were made")
    answers: dict[str, int] = Field(description="How many answers had which status")
    succeeded: bool = Field(description="At least one answer was a success (2xx)")
    skipped: str | None = Field(description="Why no request could be made")


class Failed(Out):
    finding: Finding
    operation: str | None
    detail: str
    status: int | None
    seen: int = Field(description="How often")
    example: str | None = Field(description="The smallest request that showed it, as a command; no secret stands in it")


class Coverage(Out):
    operations: int
    called: int
    succeeded: int


class Report(Out):
    """What a run has found. Requests are made from the contract alone, always the same for the same contract."""

    run: UUID
    state: State
    verdict: Verdict | None
    tool: str
    tool_version: str
    seed: int
    stopped: str | None = Field(description="Why it stopped before its end")
    cases: int
    coverage: Coverage
    operations: list[TestedOperation]
    failures: list[Failed]
    failures_left_out: int
    evidence: UUID
    sha256: str = Field(description="Of the evidence file, in hexadecimal")


class Filters(In):
    product: list[Slug] = Field(default=[], max_length=50, description="Only of these products")
    endpoint: list[UUID] = Field(default=[], max_length=50, description="Only against these endpoints")
    state: list[State] = Field(default=[], max_length=6, description="Only in one of these states")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("", summary="List conformance runs", openapi_extra=example(organisation=SUPPLIER))
def list_runs(
    filters: Annotated[Filters, Query()],
    caller: CallerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
    today: TodayDep,
) -> paging.Page[Run]:
    """A supplier sees those of its own products; whoever assesses or decides sees all. By id, which is by time."""
    rows = store.page(
        reader,
        paging.start(filters.after, UUID),
        filters.limit,
        products=filters.product,
        endpoints=filters.endpoint,
        states=filters.state,
        suppliers=None if is_body(caller) else products.keys_of_supplier(reader, caller.organisation, today),
    )
    events = store.events(reader, [row.id for row in rows])
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row.uuid),
        lambda row: _one(row, events[row.id]),
    )


@router.get("/{id}", summary="Read a conformance run", openapi_extra=example(organisation=SUPPLIER))
def read(id: RunId, caller: CallerDep, reader: ReaderDep, response: Response, today: TodayDep) -> Run:
    """One run with its steps, for the product's supplier and whoever assesses or decides. Ask again until `state` is
    neither `queued` nor `running`."""
    _seen(reader, id, caller, today)
    return _shown(reader, id, response)


@router.get("/{id}/report", summary="Read a run's report", openapi_extra=example(organisation=SUPPLIER))
def report(id: RunId, caller: CallerDep, reader: ReaderDep, today: TodayDep) -> Report:
    """What was tried and what failed, each failure with the smallest request that shows it. The same document, byte for
    byte, is the evidence file that a result can refer to."""
    row = _seen(reader, id, caller, today)
    if row.evidence is None:
        raise rules.ReportMissing(f"It is {row.state}.")
    kept = evidence_files.by_uuid(reader, row.evidence)
    told = orjson.loads(evidence_files.content(reader, kept.id))
    operations = told["operations"]
    coverage = {
        "operations": len(operations),
        "called": sum(one["cases"] > 0 for one in operations),
        "succeeded": sum(one["succeeded"] for one in operations),
    }
    known = {"state": row.state, "verdict": row.verdict, "evidence": row.evidence, "sha256": kept.sha256}
    return Report.model_validate({**told, **known, "coverage": coverage})


@router.post(
    "",
    status_code=201,
    summary="Ask for a conformance run",
    openapi_extra=example(
        organisation=SUPPLIER,
        body={
            "product": "fjordvakt-alarm",
            "version": "3.2",
            "specification": "velferdsteknologi-datautveksling",
            "specification_version": "1.0",
            "requirements": ["VT1-01"],
            "interface": "velferdsteknologi-varsler",
            "interface_version": "2.0",
            "endpoint": str(seed_id("test-endpoint:fjordvakt")),
        },
    ),
)
def ask(new: NewRun, caller: CallerDep, session: SessionDep, response: Response, today: TodayDep) -> Run:
    """A worker makes requests that the contract allows, and looks at whether the answers are what it says. For the
    product's supplier and for assessors. One run at a time against an endpoint; its host must be approved. The report
    becomes an evidence file; what it shows is for the assessor to say."""
    organisations.of_caller(session, caller.organisation)  # whose file the report will be
    body = caller.may("certification.assess")
    endpoint = endpoints.seen(session, new.endpoint, caller.organisation, today, body=body)
    _, version = interface_versions.of(session, new.interface, new.interface_version)
    known = artefacts.find(session, version.id)
    status = interface_versions.status_on(session, version.id, today)
    found: list[Problem] = rules.check_contract(
        in_force=status in (Status.CURRENT, Status.DEPRECATED),
        openapi=known is not None and known.format is Format.OPENAPI,
        complete=known is not None and known.complete,
    )
    if endpoint.product != new.product or endpoint.state != endpoint_rules.State.APPROVED:
        found.append(rules.EndpointNotApproved(pointer="#/endpoint"))
    if product_versions.find(session, endpoint.product_id, new.version) is None:
        found.append(rules.RunVersionUnknown(pointer="#/version"))
    specified = specifications.find_version(session, new.specification, new.specification_version)
    if specified is None:
        found.append(rules.RunSpecificationUnknown(pointer="#/specification_version"))
    else:
        codes = {one.code for one in specifications.requirements(session, specified.id)}
        found += [
            rules.RunRequirementUnknown(f"There is no {code!r}.", pointer=f"#/requirements/{place}")
            for place, code in enumerate(new.requirements)
            if code not in codes
        ]
    refuse(found)
    assert known
    assert specified
    run = store.add(
        session,
        store.Run(
            endpoint_id=endpoint.id,
            product_id=endpoint.product_id,
            version=new.version,
            specification_version_id=specified.id,
            requirements=list(dict.fromkeys(new.requirements)),
            interface_version_id=version.id,
            contract_sha256=known.sha256,
            organisation_number=caller.organisation,
            client=caller.client,
            requested_at=clock.now(),
        ),
    )
    response.headers["Location"] = run.path
    audit.record(session, caller, "conformance-run.ask", run.path, new=new.model_dump(mode="json"))
    feed.tell(session, "conformance-run.asked", run.path, endpoint.organisation_number, product=new.product)
    return _shown(session, run.uuid, response)


@router.post("/{id}/cancel", summary="Cancel a conformance run", openapi_extra=example(organisation=SUPPLIER, body={}))
def cancel(
    id: QueuedId,
    new: Cancellation,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: TodayDep,
    if_match: changes.IfMatch = None,
) -> Run:
    """A run that waits is not begun, one that runs is ended within seconds; nothing of it is kept but that it was."""
    row = _seen(session, id, caller, today)
    run = store.locked(session, id)
    assert run
    changes.require_match(if_match, run.revision, needed=False)
    event = store.RunEvent(
        run_id=run.id,
        step=Step.CANCEL,
        state=rules.after(State(run.state), Step.CANCEL),
        recorded_at=clock.now(),
        organisation_number=caller.organisation,
        client=caller.client,
        detail={"detail": new.reason} if new.reason else None,
    )
    store.record(session, run, event)
    audit.record(session, caller, "conformance-run.cancel", run.path, reason=new.reason)
    feed.tell(session, "conformance-run.cancel", run.path, run.organisation_number, product=row.product)
    return _shown(session, id, response)


def _seen(session: Session, uuid: UUID, caller: Caller, today: date) -> Any:
    row = store.shown(session, uuid)
    if not is_body(caller) and not endpoints.is_supplier(session, row.supplier_id, caller.organisation, today):
        raise store.unknown(uuid)
    return row


def _shown(session: Session, uuid: UUID, response: Response) -> Run:
    row = store.shown(session, uuid)
    response.headers["ETag"] = changes.etag(row.revision)
    return _one(row, store.events(session, [row.id])[row.id])


def _one(row: Any, events: Sequence[store.RunEvent]) -> Run:
    shown = {**row._asdict(), "id": row.uuid, "events": [RunEvent.model_validate(one) for one in events]}
    return Run.model_validate(shown)
