"""Non-conformities over HTTP: opening them, and reading what has become of them."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import Field

from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import FINAL, Status
from services.catalog.certificates.rules import status_on as certificate_status_on
from services.catalog.non_conformities import rules, shapes, store
from services.catalog.non_conformities.rules import Severity, Source
from services.catalog.non_conformities.shapes import NonConformity
from services.catalog.specifications import store as specifications
from services.chassis import changes, clock, paging
from services.chassis.app import new_router
from services.chassis.auth import CallerDep, ViewerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Conflict, Invalid, Problem, refuse
from services.chassis.values import In

router = new_router("/non-conformities", "Surveillance")

BODY = "100000040"


class CertificateUnknown(Invalid):
    """No certificate has this number."""


class CertificateEnded(Conflict):
    """The certificate is over: nothing about it is watched any more."""


class RequirementNotCertified(Invalid):
    """The certificate's version of the specification has no such requirement."""


class NewNonConformity(In):
    certificate: str = Field(max_length=20, description="The certificate's number", examples=["SV-2026-000001"])
    requirements: list[Annotated[str, Field(min_length=1, max_length=40, examples=["VT2-01"])]] = Field(
        min_length=1, max_length=100, description="Ids of the requirements that are not met after all"
    )
    description: shapes.Why = Field(description="What is wrong. Becomes public when the non-conformity is closed")
    severity: Severity = Field(description="`major`: a must requirement is not met, or users are at risk")
    source: Source
    determined_on: date = Field(description="The day it was established; today or before")
    sites_total: int | None = Field(default=None, ge=1, le=10_000, description="At how many places it was looked at")


class Filters(In):
    certificate: list[Annotated[str, Field(max_length=20)]] | None = Field(
        default=None, max_length=100, description="Only of these certificates; may be repeated"
    )
    live: bool | None = Field(
        default=None, description="Only those that are neither closed nor dismissed, or only others"
    )
    overdue: bool | None = Field(
        default=None, description="Only those whose holder has let its day pass, or only others"
    )
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("", summary="List non-conformities", openapi_extra=example(query={"live": "true"}))
def list_non_conformities(
    filters: Annotated[Filters, Query()],
    reader: ReaderDep,
    viewer: ViewerDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
) -> paging.Page[NonConformity]:
    """Open to all, the oldest first: that there is one, how grave it is, where it stands and its dates. What exactly is
    wrong, the plan and the evidence are seen by the holder and by whoever assesses or decides; once it is closed the
    description, the requirements and what was done are public, so that a buyer can see what was wrong and that it was
    put right."""
    start = paging.start(filters.after, UUID)
    rows = store.page(
        reader,
        start,
        filters.limit,
        today,
        certificates=filters.certificate,
        live=filters.live,
        overdue=filters.overdue,
    )
    whole = shapes.part_of(viewer, rows, reader, today)
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(str(row.id)),
        lambda row: shapes.shown(row, whole, today),
    )


@router.get("/{id}", summary="Read a non-conformity", openapi_extra=example())
def read(
    id: Annotated[UUID, shapes.path_of("closed")],
    reader: ReaderDep,
    viewer: ViewerDep,
    response: Response,
    today: clock.TodayDep,
) -> NonConformity:
    """Open to all, with its six dates: determined, plan approved, started, to be completed by, ended, closed. What
    exactly is wrong is seen by the holder and by whoever assesses or decides, and by everybody once it is closed."""
    row = store.shown(reader, id)
    response.headers["ETag"] = changes.etag(row.revision)
    return shapes.shown(row, shapes.part_of(viewer, [row], reader, today), today)


@router.post(
    "",
    status_code=201,
    summary="Open a non-conformity",
    openapi_extra=example(
        organisation=BODY,
        body={
            "certificate": "SV-2026-000005",
            "requirements": ["VT2-01"],
            "description": "Varselet kom ikke fram i to av ti forsøk (fiktivt)",
            "severity": "major",
            "source": "surveillance",
            "determined_on": "2026-11-02",
        },
    ),
)
def open_non_conformity(
    new: NewNonConformity, caller: CallerDep, session: SessionDep, response: Response, today: clock.TodayDep
) -> NonConformity:
    """For assessors and decision-makers of an organisation without an interest in what is certified. The certificate
    stays what it is, with the remark `with_non_conformity` until this is closed; gives its holder it up meanwhile, it
    counts as relinquished under investigation. Next, a corrective action plan is requested."""
    certificates.lock(session, new.certificate)
    now = clock.now()  # after the lock: what was recorded while it was waited for counts
    try:
        row = certificates.by_number(session, new.certificate)
    except certificates.CertificateNotFound as unknown:
        refuse([CertificateUnknown(unknown.detail, pointer="#/certificate")])
        raise
    found: list[Problem] = rules.check_opening(
        interested=store.interested(session, row, today),
        organisation=caller.organisation,
        determined_on=new.determined_on,
        today=today,
    )
    status = certificate_status_on(certificates.history_of(row), today, now)
    if status in FINAL or status is Status.EXPIRED:
        found.append(CertificateEnded(f"It is {status}.", pointer="#/certificate", state=status))
    ids = {one.code: one.id for one in specifications.requirements(session, row.specification_version_id)}
    found += [
        RequirementNotCertified(code, pointer=f"#/requirements/{place}")
        for place, code in enumerate(new.requirements)
        if code not in ids
    ]
    refuse(found)
    opened = store.NonConformity(
        certificate_id=row.id,
        severity=new.severity,
        source=new.source,
        description=new.description,
        determined_on=new.determined_on,
        sites_total=new.sites_total,
        opened_by=caller.organisation,
        opened_client=caller.client,
        opened_at=now,
    )
    store.open_(session, caller, opened, {ids[code] for code in new.requirements}, row.number, now=now, today=today)
    response.headers["Location"] = opened.path
    response.headers["ETag"] = changes.etag(opened.revision)
    kept = store.shown(session, opened.uuid)
    return shapes.shown(kept, {kept.holder_id}, today)
