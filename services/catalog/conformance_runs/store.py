"""Conformance runs as they are kept: what is tested against what, and every step of it."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.artefacts import store as artefacts
from services.catalog.conformance_runs import rules
from services.catalog.conformance_runs.rules import OPEN, Reason, State, Step, Verdict
from services.catalog.db import Table
from services.catalog.evidence_files import store as evidence_files
from services.catalog.interface_versions import store as interface_versions  # noqa: F401  # the worker needs the tables referred to
from services.catalog.organisations import store as organisations
from services.catalog.products.store import Product
from services.catalog.specifications import store as specifications  # noqa: F401  # as above
from services.catalog.test_endpoints import store as endpoints
from services.chassis import audit, feed, jobs
from services.chassis.db import INSTANT, JSON, Database, choice
from services.chassis.values import new_id

TASK = "catalog.conformance"
_LOCKS = 0x5A4D_4352
"""The class of the locks by which a worker holds a run."""


class Run(Table, table=True):
    """`state`, `verdict` and `reason` are those of the newest event, so that one can ask by them. `contract_sha256`:
    the document as it was when the run was asked for."""

    __tablename__ = "conformance_run"
    __table_args__ = (
        sa.Index(
            "ix_conformance_run_open",
            "endpoint_id",
            unique=True,
            postgresql_where=sa.text("state IN ('queued', 'running')"),
        ),
        sa.Index("ix_conformance_run_state_uuid", "state", "uuid"),
        sa.Index("ix_conformance_run_product_id_uuid", "product_id", "uuid"),
    )
    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    endpoint_id: int = Field(foreign_key="test_endpoint.id", index=True)
    product_id: int = Field(foreign_key="product.id")
    version: str = Field(max_length=40)
    specification_version_id: int = Field(foreign_key="specificationversion.id", index=True)
    requirements: list[str] = Field(sa_type=ARRAY(sa.String(40)))
    interface_version_id: int = Field(foreign_key="interface_version.id", index=True)
    contract_sha256: str = Field(foreign_key="artefact_document.sha256", max_length=64, index=True)
    state: State = Field(default=State.QUEUED, sa_type=choice(State))
    verdict: Verdict | None = Field(default=None, sa_type=choice(Verdict))
    reason: Reason | None = Field(default=None, sa_type=choice(Reason))
    evidence_file_id: int | None = Field(default=None, foreign_key="evidence_file.id", index=True)
    organisation_number: str = Field(max_length=9)
    client: str = Field(max_length=200)
    requested_at: datetime = Field(sa_type=INSTANT)
    finished_at: datetime | None = Field(default=None, sa_type=INSTANT)
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})

    @property
    def path(self) -> str:
        return f"/conformance-runs/{self.uuid}"


class RunEvent(Table, table=True):
    """A step of a run. Without an organisation the worker took it. `detail`: what is known, and what the run took. A
    trigger keeps it from ever being changed."""

    __tablename__ = "conformance_run_event"
    id: int = Field(default=None, primary_key=True)
    run_id: int = Field(foreign_key="conformance_run.id", index=True)
    step: Step = Field(sa_type=choice(Step))
    state: State = Field(sa_type=choice(State))
    recorded_at: datetime = Field(sa_type=INSTANT)
    organisation_number: str | None = Field(default=None, max_length=9)
    client: str | None = Field(default=None, max_length=200)
    detail: dict[str, Any] | None = Field(default=None, sa_type=JSON)


_SHOWN = """
    SELECT r.id, r.uuid, p.slug AS product, p.supplier_id, r.version, e.uuid AS endpoint, e.base_url,
           s.slug AS specification, v.label AS specification_version, r.requirements,
           i.slug AS interface, w.label AS interface_version, r.contract_sha256, r.state, r.verdict, r.reason,
           f.uuid AS evidence, r.organisation_number, r.client, r.requested_at, r.finished_at, r.revision
      FROM conformance_run r
      JOIN product p ON p.id = r.product_id
      JOIN test_endpoint e ON e.id = r.endpoint_id
      JOIN specificationversion v ON v.id = r.specification_version_id
      JOIN specification s ON s.id = v.specification_id
      JOIN interface_version w ON w.id = r.interface_version_id
      JOIN interface i ON i.id = w.interface_id
      LEFT JOIN evidence_file f ON f.id = r.evidence_file_id
"""
_ONE = sa.text(f"{_SHOWN} WHERE r.uuid = :uuid")
# What a caller may not see is left out before the page is cut, so that a page's length tells nothing of it.
_PAGE = sa.text(
    f"""{_SHOWN}
     WHERE (CAST(:after AS uuid) IS NULL OR r.uuid > :after)
       AND (CAST(:products AS text[]) IS NULL OR p.slug = ANY(:products))
       AND (CAST(:endpoints AS uuid[]) IS NULL OR e.uuid = ANY(:endpoints))
       AND (CAST(:states AS text[]) IS NULL OR r.state = ANY(:states))
       AND (CAST(:suppliers AS integer[]) IS NULL OR p.supplier_id = ANY(:suppliers))
     ORDER BY r.uuid LIMIT :rows
    """  # put together from our own constants only
)


def add(session: Session, run: Run, *, in_seconds: float | None = 0) -> Run:
    """Keep a run and the job that does it, in one transaction; None: one that has been done already."""
    session.add(run)
    try:
        session.flush()
    except IntegrityError:
        raise rules.RunAlreadyOpen(pointer="#/endpoint") from None
    if in_seconds is not None:
        jobs.defer(session, TASK, in_seconds=in_seconds, run=str(run.uuid))
    return run


def locked(session: Session, uuid: UUID) -> Run | None:
    """The run's row until the transaction ends."""
    query = select(Run).where(col(Run.uuid) == uuid).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one_or_none()


def state(session: Session, uuid: UUID) -> State:
    return State(session.exec(select(Run.state).where(col(Run.uuid) == uuid)).one())


def shown(session: Session, uuid: UUID) -> sa.Row[Any]:
    found = session.execute(_ONE, {"uuid": uuid}).one_or_none()
    if found is None:
        raise unknown(uuid)
    return found


def unknown(uuid: UUID) -> rules.RunNotFound:
    """The same for what does not exist and what the caller may not know of."""
    return rules.RunNotFound(f"No conformance run has the id {uuid}.")


def page(
    session: Session,
    after: list[Any] | None,
    limit: int,
    *,
    products: Sequence[str] | None,
    endpoints: Sequence[UUID] | None,
    states: Sequence[State] | None,
    suppliers: Sequence[int] | None,
) -> Sequence[sa.Row[Any]]:
    """By id, limit + 1 rows. `suppliers`: internal keys of whose they are; None for all."""
    values = {
        "after": after[0] if after else None,
        "products": list(products) if products else None,
        "endpoints": list(endpoints) if endpoints else None,
        "states": list(states) if states else None,
        "suppliers": None if suppliers is None else list(suppliers),
        "rows": limit + 1,
    }
    return session.execute(_PAGE, values).all()


def of_product(session: Session, product_id: int) -> Sequence[Run]:
    """All runs of a product, oldest first."""
    return session.exec(select(Run).where(col(Run.product_id) == product_id).order_by(col(Run.uuid))).all()


def events(session: Session, ids: Collection[int]) -> dict[int, list[RunEvent]]:
    """Each run's steps, in the order in which they were recorded."""
    found: dict[int, list[RunEvent]] = defaultdict(list)
    for one in session.exec(select(RunEvent).where(col(RunEvent.run_id).in_(ids)).order_by(col(RunEvent.id))):
        found[one.run_id].append(one)
    return found


def record(session: Session, run: Run, event: RunEvent) -> None:
    """The run's row is locked."""
    session.add(event)
    run.state = event.state
    run.revision += 1
    if event.state not in OPEN:
        run.finished_at = event.recorded_at
    session.flush()


# ---- What the worker asks and keeps


@contextmanager
def held(database: Database, uuid: UUID) -> Iterator[bool]:
    """Whether this worker alone has the run in hand, for as long as it does: the database lets go of it in the moment
    in which a worker dies."""
    with database.reading() as session:
        key = {"kind": _LOCKS, "run": uuid.int & 0x7FFF_FFFF}
        got = bool(session.execute(sa.text("SELECT pg_try_advisory_lock(:kind, :run)"), key).scalar())
        try:
            yield got
        finally:
            if got:
                session.execute(sa.text("SELECT pg_advisory_unlock(:kind, :run)"), key)


def begin(session: Session, uuid: UUID, at: datetime) -> tuple[int, dict[str, Any]] | None:
    """Take up a run, or give it up when it has been taken up often enough. → which attempt this is, and what is to be
    tested: `base_url`, `headers`, `hosts`, `contract`; None when there is nothing to do (any more)."""
    run = locked(session, uuid)
    if run is None or run.state not in OPEN:
        return None
    attempts = sum(one.step is Step.START for one in events(session, [run.id])[run.id])
    step = rules.check_begin(attempts)
    if step is Step.GIVE_UP:
        end(session, run, rules.Outcome(step, reason=Reason.ABANDONED, detail="its worker was lost each time"), at, {})
        return None
    detail = {"attempt": attempts + 1}
    started = RunEvent(run_id=run.id, step=step, state=rules.after(run.state, step), recorded_at=at, detail=detail)
    record(session, run, started)
    endpoint = session.get_one(endpoints.Endpoint, run.endpoint_id)
    kept = artefacts.for_comparing(session, run.contract_sha256)
    assert kept, "looked at when the run was asked for"
    told = {
        "base_url": endpoint.base_url,
        "headers": endpoint.headers,
        "hosts": endpoints.approved_hosts(session, run.product_id),
        "contract": orjson.loads(kept),
    }
    return attempts + 1, told


def finish(
    session: Session, uuid: UUID, attempt: int, outcome: rules.Outcome, at: datetime, used: dict[str, Any]
) -> bool:
    """Keep what became of an attempt, if it is still the newest one of a run that runs. → whether it was"""
    run = locked(session, uuid)
    if run is None or run.state is not State.RUNNING:
        return False
    if attempt != sum(one.step is Step.START for one in events(session, [run.id])[run.id]):
        return False
    end(session, run, outcome, at, used | {"attempt": attempt})
    return True


def end(session: Session, run: Run, outcome: rules.Outcome, at: datetime, detail: dict[str, Any]) -> None:
    """The run's row is locked. Its report becomes evidence, for the supplier and whoever asked for the run."""
    run.verdict, run.reason = outcome.verdict, outcome.reason
    evidence = None
    if outcome.report is not None:
        kept = keep_report(session, run, outcome.report, at)
        run.evidence_file_id, evidence = kept.id, str(kept.uuid)
    told = detail | {"reason": outcome.reason, "detail": outcome.detail, "verdict": outcome.verdict}
    told = {name: value for name, value in told.items() if value is not None}
    event = RunEvent(
        run_id=run.id, step=outcome.step, state=rules.after(run.state, outcome.step), recorded_at=at, detail=told
    )
    record(session, run, event)
    audit.record(session, None, f"conformance-run.{outcome.step}", run.path, evidence=evidence, **told)
    product = session.get_one(Product, run.product_id)
    supplier = organisations.by_ids(session, [product.supplier_id])[product.supplier_id]
    feed.tell(
        session,
        f"conformance-run.{outcome.step}",
        run.path,
        supplier.organisation_number,
        product=product.slug,
        state=run.state,
        verdict=outcome.verdict,
        evidence=evidence,
    )


def keep_report(session: Session, run: Run, report: Any, at: datetime) -> evidence_files.EvidenceFile:
    """The report as a file of whoever asked for the run, which the product's supplier may read."""
    row = shown(session, run.uuid)
    whole = {
        "run": str(run.uuid),
        "product": row.product,
        "version": row.version,
        "interface": row.interface,
        "interface_version": row.interface_version,
        "contract_sha256": row.contract_sha256,
        "specification": row.specification,
        "specification_version": row.specification_version,
        "requirements": row.requirements,
        "base_url": row.base_url,
        "finished_at": at.isoformat(),
        **report,
    }
    return evidence_files.keep(
        session,
        content=orjson.dumps(whole, option=orjson.OPT_INDENT_2),
        media_type="application/json",
        file_name=f"samsvarstest-{run.uuid}.json",
        title={"nb": f"Samsvarstest av {row.product} {row.version}", "en": f"Conformance test of {row.product}"},
        uploaded_by_id=organisations.of_caller(session, run.organisation_number).id,
        client=run.client,
        at=at,
        readers=[row.supplier_id],
    )
