"""Results across certificates over HTTP."""

import csv
import io
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Query, Request, Response
from pydantic import Field

from services.catalog.certificates import rules as certification
from services.catalog.certificates.rules import Assurance, Outcome, SubjectKind
from services.catalog.certificates.shapes import Evidence, Number
from services.catalog.certification_results import rules, store
from services.catalog.specifications import store as specifications
from services.catalog.specifications.rules import Obligation
from services.chassis import clock, paging
from services.chassis.app import new_router
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.values import In, Out, Slug

router = new_router("/certification-results", "Certification")

SPECIFICATION = "velferdsteknologi-trygghetstjeneste"
CSV = "text/csv"


class CertificationResult(Out):
    """What a certificate rests on for one requirement."""

    certificate: Number
    status: certification.Status = Field(description="Of the certificate, today")
    status_on: date
    subject_kind: SubjectKind
    product: str | None = Field(description="Null unless a product is certified")
    holder: str | None = Field(description="The supplier's or adviser's organisation number")
    holder_name: str
    specification: str
    specification_version: str
    requirement: str
    obligation: Obligation
    outcome: Outcome
    reason: str | None
    evidence: list[Evidence]
    assurance: Assurance = Field(description="`self_declared` is the supplier's own word, and nothing more")
    tool: str | None
    tool_version: str | None
    tester: str | None = Field(description="The organisation number of whoever tested")
    tested_on: date | None
    recently_verified: bool = Field(description="Today; false where the test is older than it counts")
    verified_until_on: date | None


class Filters(In):
    specification: Slug
    version: str | None = Field(default=None, max_length=40, description="Only against this version of it")
    requirement: str | None = Field(default=None, max_length=40, description="Only this requirement, by its id")
    outcome: Outcome | None = None
    assurance: Assurance | None = None
    format: Literal["json", "csv"] = Field(
        default="json", description="`csv`: UTF-8 with a byte order mark and semicolons, as Excel opens it here"
    )
    after: paging.After = None
    limit: int = Field(default=paging.DEFAULT, ge=1, le=5_000, description="Results on a page")


@router.get(
    "",
    summary="List results across certificates",
    openapi_extra=example(query={"specification": SPECIFICATION, "requirement": "VT2-01"}),
    responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}},
    response_model=paging.Page[CertificationResult],
)
def list_results(filters: Annotated[Filters, Query()], reader: ReaderDep, request: Request, response: Response) -> Any:
    """Which certificates rest on a requirement, with outcome, evidence, tool and tester: what a test laboratory names
    in its report. By the certificate's number and the requirement's id, with the certificate's status today, also of
    those that are not valid any longer. With `format=csv` the same as a table; `Link` leads to the next page."""
    specifications.by_slug(reader, filters.specification)  # one that nobody knows is not found
    now = clock.now()
    today = clock.on(now)
    rows = store.page(
        reader,
        paging.start(filters.after, str, str),
        filters.limit,
        specification=filters.specification,
        version=filters.version,
        requirement=filters.requirement,
        outcome=filters.outcome,
        assurance=filters.assurance,
    )
    statuses = store.statuses(reader, {row.id for row in rows}, today, now)
    found = paging.page(
        request,
        response,
        [row for row in rows if row.id in statuses],
        filters.limit,
        lambda row: paging.cursor(row.number, row.requirement),
        lambda row: _shown(row, statuses[row.id], today),
    )
    if filters.format == "json":
        return found
    table = io.StringIO(newline="")
    told = [
        one.model_dump(mode="json") | {"evidence_sha256": " ".join(piece.sha256 for piece in one.evidence)}
        for one in found.items
    ]
    csv.writer(table, delimiter=";", lineterminator="\r\n").writerows(rules.rows(told))
    headers = {"Content-Disposition": 'attachment; filename="certification-results.csv"'}
    if "Link" in response.headers:
        headers["Link"] = response.headers["Link"]
    return Response(table.getvalue().encode("utf-8-sig"), media_type=CSV, headers=headers)


def _shown(row: Any, status: certification.Status, today: date) -> CertificationResult:
    until = rules.verified_until(row.tested_on, row.lifetime_days)
    return CertificationResult.model_validate(
        {
            **row._asdict(),
            "certificate": row.number,
            "status": status,
            "status_on": today,
            "verified_until_on": until,
            "recently_verified": until is None or today <= until,
        }
    )
