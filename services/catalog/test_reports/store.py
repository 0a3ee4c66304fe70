"""Test reports as they are kept: what each says about which requirement; the signed original is an evidence file. All
of it is only ever added."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.certificates.rules import Assurance, Outcome
from services.catalog.db import Table
from services.catalog.test_reports.rules import EventKind, ReportReplayed, State
from services.catalog.testers.rules import State as TesterState
from services.chassis.db import INSTANT, choice
from services.chassis.problems import NotFound
from services.chassis.values import new_id


class TestReport(Table, table=True):
    """`jti`: the report's own id, which a tester uses once. `state`: the first one; events tell the rest. A trigger
    keeps it from ever being changed."""

    __tablename__ = "test_report"
    __table_args__ = (
        sa.UniqueConstraint("tester_id", "jti"),
        sa.Index("ix_test_report_product_id_specification_version_id", "product_id", "specification_version_id"),
    )
    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    tester_id: int = Field(foreign_key="tester.id")
    jti: UUID
    product_id: int = Field(foreign_key="product.id")
    version: str = Field(max_length=40)
    specification_version_id: int = Field(foreign_key="specificationversion.id", index=True)
    tool: str = Field(max_length=200)
    tool_version: str | None = Field(default=None, max_length=80)
    assurance: Assurance = Field(sa_type=choice(Assurance))
    state: State = Field(sa_type=choice(State))
    issued_at: datetime = Field(sa_type=INSTANT)
    received_at: datetime = Field(sa_type=INSTANT)
    evidence_file_id: int = Field(foreign_key="evidence_file.id", index=True)
    organisation_number: str = Field(max_length=9)
    client: str | None = Field(default=None, max_length=200)


class TestReportResult(Table, table=True):
    """A trigger keeps it from ever being changed."""

    __tablename__ = "test_report_result"
    test_report_id: int = Field(foreign_key="test_report.id", primary_key=True)
    requirement_id: int = Field(foreign_key="requirement.id", primary_key=True, index=True)
    outcome: Outcome = Field(sa_type=choice(Outcome))
    reason: str | None = Field(default=None, max_length=2000)
    log_sha256: str | None = Field(default=None, max_length=64)
    ran_on: date


class TestReportEvent(Table, table=True):
    """That a person looked at what is not met. A trigger keeps it from being changed."""

    __tablename__ = "test_report_event"
    id: int = Field(default=None, primary_key=True)
    test_report_id: int = Field(foreign_key="test_report.id", index=True)
    kind: EventKind = Field(sa_type=choice(EventKind))
    recorded_at: datetime = Field(sa_type=INSTANT)
    organisation_number: str = Field(max_length=9)
    client: str | None = Field(default=None, max_length=200)
    reason: str | None = Field(default=None, max_length=2000)


class TestReportNotFound(NotFound):
    """No test report has this id."""


@dataclass(frozen=True)
class Kept:
    """A report as it stands now."""

    id: int
    uuid: UUID
    jti: UUID
    tester: UUID
    tester_organisation_id: int
    tester_organisation: str | None
    product_id: int
    product: str
    supplier_id: int
    version: str
    specification: str
    specification_version: str
    tool: str
    tool_version: str | None
    assurance: Assurance
    state: State
    issued_at: datetime
    received_at: datetime
    evidence_file: UUID
    sha256: str
    looked_at_by: str | None
    looked_at: datetime | None
    reason: str | None


@dataclass(frozen=True)
class Found:
    """A result of a report, with all that an assessment takes over of it."""

    report: UUID
    requirement_id: int
    requirement: str
    outcome: Outcome
    reason: str | None
    log_sha256: str | None
    ran_on: date
    received_at: datetime
    version: str
    tool: str
    tool_version: str | None
    tester: str | None
    tester_revoked: bool
    assurance: Assurance
    state: State
    evidence_file: UUID
    sha256: str
    withdrawn: bool


_SHOWN = """
    SELECT r.id, r.uuid, r.jti, t.uuid AS tester, t.organisation_id AS tester_organisation_id,
           o.organisation_number AS tester_organisation, r.product_id, p.slug AS product, p.supplier_id, r.version,
           s.slug AS specification, v.label AS specification_version, r.tool, r.tool_version, r.assurance,
           COALESCE(e.kind, r.state) AS state, r.issued_at, r.received_at, f.uuid AS evidence_file, f.sha256,
           e.organisation_number AS looked_at_by, e.recorded_at AS looked_at, e.reason
      FROM test_report r
      JOIN tester t ON t.id = r.tester_id
      JOIN organisation o ON o.id = t.organisation_id
      JOIN product p ON p.id = r.product_id
      JOIN specificationversion v ON v.id = r.specification_version_id
      JOIN specification s ON s.id = v.specification_id
      JOIN evidence_file f ON f.id = r.evidence_file_id
      LEFT JOIN LATERAL (SELECT * FROM test_report_event WHERE test_report_id = r.id ORDER BY id DESC LIMIT 1) e ON true
"""
_ONE = sa.text(f"{_SHOWN} WHERE r.uuid = :uuid")
# What a caller may not know of is left out before the page is cut: a report of which nothing is met yet.
_PAGE = sa.text(
    f"""{_SHOWN}
     WHERE (CAST(:after AS uuid) IS NULL OR r.uuid > :after)
       AND (CAST(:product AS text) IS NULL OR r.product_id = (SELECT id FROM product WHERE slug = :product))
       AND (CAST(:tester AS uuid) IS NULL OR r.tester_id = (SELECT id FROM tester WHERE uuid = :tester))
       AND (CAST(:state AS text) IS NULL OR :state =
            CASE WHEN :all OR p.supplier_id = ANY(:own) OR t.organisation_id = ANY(:own) OR e.kind = 'approved'
                 THEN COALESCE(e.kind, r.state) ELSE 'taken' END)
       AND (:all OR p.supplier_id = ANY(:own) OR t.organisation_id = ANY(:own)
            OR COALESCE(e.kind, r.state) IN ('taken', 'approved')
            OR EXISTS (SELECT 1 FROM test_report_result n WHERE n.test_report_id = r.id AND n.outcome = 'met'))
     ORDER BY r.uuid LIMIT :rows
    """  # noqa: S608  # put together from our own constants only
)
_RESULTS = sa.text(
    """
    SELECT n.test_report_id, q.code AS requirement, q.obligation, n.outcome, n.reason, n.log_sha256, n.ran_on
      FROM test_report_result n JOIN requirement q ON q.id = n.requirement_id
     WHERE n.test_report_id = ANY(:ids) ORDER BY q.code
    """
)
_FOUND = sa.text(
    """
    SELECT r.uuid AS report, n.requirement_id, q.code AS requirement, n.outcome, n.reason, n.log_sha256, n.ran_on,
           r.received_at, r.version, r.tool, r.tool_version, o.organisation_number AS tester,
           EXISTS (SELECT 1 FROM tester_event x WHERE x.tester_id = t.id AND x.kind = :revoked) AS tester_revoked,
           r.assurance, COALESCE(e.kind, r.state) AS state, f.uuid AS evidence_file, f.sha256,
           EXISTS (SELECT 1 FROM evidence_file_event w WHERE w.evidence_file_id = f.id) AS withdrawn
      FROM test_report r
      JOIN test_report_result n ON n.test_report_id = r.id
      JOIN requirement q ON q.id = n.requirement_id
      JOIN tester t ON t.id = r.tester_id
      JOIN organisation o ON o.id = t.organisation_id
      JOIN evidence_file f ON f.id = r.evidence_file_id
      LEFT JOIN LATERAL (SELECT * FROM test_report_event WHERE test_report_id = r.id ORDER BY id DESC LIMIT 1) e ON true
     WHERE r.product_id = :product AND r.specification_version_id = :version
     ORDER BY q.code, n.ran_on DESC, r.id DESC
    """
)


def add(session: Session, report: TestReport, results: Sequence[TestReportResult]) -> None:
    """Of two that are the same, also at once, the second is refused."""
    session.add(report)
    try:
        session.flush()
    except IntegrityError:
        raise ReportReplayed(f"The tester has filed {report.jti} before.", pointer="#/jti") from None
    for one in results:
        one.test_report_id = report.id
    session.add_all(results)
    session.flush()


def replayed(session: Session, tester_id: int, jti: UUID) -> bool:
    query = select(TestReport.id).where(col(TestReport.tester_id) == tester_id, col(TestReport.jti) == jti)
    return session.exec(query).first() is not None


def record(session: Session, event: TestReportEvent) -> None:
    session.add(event)
    session.flush()


def lock(session: Session, uuid: UUID) -> None:
    """Whoever looks at one report waits for others who do."""
    session.execute(select(TestReport.id).where(col(TestReport.uuid) == uuid).with_for_update())


def by_uuid(session: Session, uuid: UUID) -> Kept:
    found = session.execute(_ONE, {"uuid": uuid}).one_or_none()
    if found is None:
        raise unknown(uuid)
    return _kept(found)


def unknown(uuid: UUID) -> TestReportNotFound:
    """The same for what does not exist and what the caller may not know of."""
    return TestReportNotFound(f"No test report has the id {uuid}.")


def uuids(session: Session) -> set[UUID]:
    return set(session.exec(select(TestReport.uuid)))


def page(
    session: Session,
    after: list[Any] | None,
    limit: int,
    *,
    product: str | None,
    tester: UUID | None,
    state: State | None,
    own: Collection[int],
    everything: bool,
) -> list[Kept]:
    """By id, limit + 1 rows: those that the organisations `own` may know of, or all."""
    values = {
        "after": after[0] if after else None,
        "product": product,
        "tester": tester,
        "state": state.value if state else None,
        "own": list(own),
        "all": everything,
        "rows": limit + 1,
    }
    return [_kept(row) for row in session.execute(_PAGE, values)]


def results(session: Session, ids: Collection[int]) -> dict[int, list[sa.Row[Any]]]:
    """Each report's results, by the requirement's id."""
    found: dict[int, list[sa.Row[Any]]] = defaultdict(list)
    for row in session.execute(_RESULTS, {"ids": list(ids)}):
        found[row.test_report_id].append(row)
    return found


def found(session: Session, product_id: int, specification_version_id: int) -> list[Found]:
    """All that reports say about a product against a version of a specification; of each requirement the test that ran
    last comes first."""
    values = {
        "product": product_id,
        "version": specification_version_id,
        "revoked": TesterState.REVOKED.value,
    }
    return [
        Found(
            **{
                **row._asdict(),
                "outcome": Outcome(row.outcome),
                "assurance": Assurance(row.assurance),
                "state": State(row.state),
            }
        )
        for row in session.execute(_FOUND, values)
    ]


def failures(session: Session, product_id: int, specification_version_id: int) -> list[Found]:
    """What reports say is not met, newest test first, apart from what a person has rejected."""
    return [
        one
        for one in found(session, product_id, specification_version_id)
        if one.outcome in (Outcome.NOT_MET, Outcome.PARTLY) and one.state is not State.REJECTED
    ]


def _kept(row: sa.Row[Any]) -> Kept:
    return Kept(**{**row._asdict(), "state": State(row.state), "assurance": Assurance(row.assurance)})
