"""Certificates as they are kept: the decision, its results with evidence, and the events that are only ever added."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlmodel import Field, Session, col, select

from services.catalog.certificate_scopes import store as scopes
from services.catalog.certificate_scopes.store import CertificateOverlaps as CertificateOverlaps
from services.catalog.certificates import rules
from services.catalog.certificates.rules import (
    Assurance,
    ConditionKind,
    EventKind,
    Outcome,
    Remark,
    Scope,
    SubjectKind,
)
from services.catalog.db import Table
from services.catalog.products import store as products
from services.chassis import audit, jobs
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import NotFound

RECALL_TASK = "catalog.recall"
RECALLING = frozenset(
    {
        EventKind.SUSPENDED,
        EventKind.WITHDRAWN,
        EventKind.RELINQUISHED,
        EventKind.SUPERSEDED,
        EventKind.SCOPE_REDUCED,
        EventKind.CONDITION_OVERDUE,
        EventKind.RESTORED,
        EventKind.STAYED,
        EventKind.STAY_ENDED,
        EventKind.ANNULLED,
    }
)
"""What those who use the product are told of: that it is not valid for a time or for ever, or is again."""


class Certificate(Table, table=True):
    """`holder_id`: whoever it was granted to. `product_id` is None unless a product is certified, `role` unless an
    adviser is. `profile`: the subset of the version's requirements that it is about, None: all."""

    __table_args__ = (
        sa.CheckConstraint("valid_from_on <= valid_to_on", name="period"),
        sa.CheckConstraint("(subject_kind = 'product') = (product_id IS NOT NULL)", name="product"),
        sa.CheckConstraint("(subject_kind = 'adviser') = (role IS NOT NULL)", name="role"),
    )
    id: int = Field(default=None, primary_key=True)
    number: str = Field(max_length=20, unique=True)
    subject_kind: SubjectKind = Field(
        default=SubjectKind.PRODUCT, sa_type=choice(SubjectKind), sa_column_kwargs={"server_default": "product"}
    )
    product_id: int | None = Field(default=None, foreign_key="product.id", index=True)
    holder_id: int = Field(foreign_key="organisation.id", index=True)
    role: str | None = Field(default=None, max_length=80)
    versions: list[str] | None = Field(default=None, sa_type=ARRAY(sa.String(40)))
    version_from: str | None = Field(default=None, max_length=40)
    version_to: str | None = Field(default=None, max_length=40)
    specification_version_id: int = Field(foreign_key="specificationversion.id", index=True)
    profile: str | None = Field(default=None, max_length=80)
    delivery_forms: list[str] = Field(sa_type=ARRAY(sa.String(40)))
    valid_from_on: date
    valid_to_on: date
    decided_by: str = Field(max_length=9)

    @property
    def scope(self) -> Scope:
        return _scope(self)

    def held(self) -> scopes.Held:
        subject = {
            SubjectKind.PRODUCT: f"product:{self.product_id}",
            SubjectKind.SUPPLIER: f"supplier:{self.holder_id}",
            SubjectKind.ADVISER: f"adviser:{self.holder_id}:{self.role}",
        }[SubjectKind(self.subject_kind)]
        return scopes.Held(self.id, subject, self.specification_version_id, self.profile or "")


class Result(Table, table=True):
    """What was found about one requirement, with its evidence. Of several the one recorded last counts; a trigger keeps
    them from being changed."""

    __table_args__ = (
        sa.Index("ix_result_certificate_id_requirement_id", "certificate_id", "requirement_id"),
        sa.Index(
            "ix_result_evidence",  # which certificates rest on an evidence file
            "evidence",
            postgresql_using="gin",
            postgresql_ops={"evidence": "jsonb_path_ops"},
        ),
    )
    id: int = Field(default=None, primary_key=True)
    certificate_id: int = Field(foreign_key="certificate.id")
    requirement_id: int = Field(foreign_key="requirement.id", index=True)
    outcome: Outcome = Field(sa_type=choice(Outcome))
    reason: str | None = Field(default=None, max_length=2000)
    evidence: list[dict[str, Any]] = Field(sa_type=JSON)
    assurance: Assurance = Field(
        default=Assurance.THIRD_PARTY, sa_type=choice(Assurance), sa_column_kwargs={"server_default": "third_party"}
    )
    tool: str | None = Field(default=None, max_length=200)
    tool_version: str | None = Field(default=None, max_length=80)
    tester: str | None = Field(default=None, max_length=9)
    tested_on: date | None = None
    lifetime_days: int | None = None
    recorded_at: datetime = Field(sa_type=INSTANT)


class CertificateEvent(Table, table=True):
    """What happened to a certificate. A trigger keeps it from ever being changed."""

    __tablename__ = "certificate_event"
    id: int = Field(default=None, primary_key=True)
    certificate_id: int = Field(foreign_key="certificate.id", index=True)
    kind: EventKind = Field(sa_type=choice(EventKind))
    effective_on: date
    recorded_at: datetime = Field(sa_type=INSTANT)
    reason: str | None = Field(default=None, max_length=2000)
    back_dated: bool
    organisation_number: str = Field(max_length=9)
    client: str | None = Field(default=None, max_length=200)
    ground: str | None = Field(default=None, max_length=80)
    target_id: int | None = Field(default=None, foreign_key="certificate_event.id")
    detail: dict[str, Any] | None = Field(default=None, sa_type=JSON)


class Condition(Table, table=True):
    """A condition of the grant, or a must requirement that is dispensed with for a time. A trigger keeps it."""

    __tablename__ = "certificate_condition"
    __table_args__ = (sa.UniqueConstraint("certificate_id", "key"),)
    id: int = Field(default=None, primary_key=True)
    certificate_id: int = Field(foreign_key="certificate.id")
    key: str = Field(max_length=40)
    kind: ConditionKind = Field(sa_type=choice(ConditionKind))
    requirement: str | None = Field(default=None, max_length=40)
    text: str = Field(max_length=2000)
    due_on: date = Field(index=True)
    recorded_at: datetime = Field(sa_type=INSTANT)


class CertificateNumber(Table, table=True):
    """The last number given out in a year."""

    year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    last: int


class CertificateChange(Table, table=True):
    """The transaction that last changed what decides a certificate's standing; triggers keep it."""

    __tablename__ = "certificate_change"
    certificate_id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    xact: int = Field(sa_type=sa.BigInteger, index=True)


class CertificateNotFound(NotFound):
    """No certificate has this number."""


HISTORY = """
       (SELECT json_agg(json_build_array(e.kind, e.effective_on, e.recorded_at, e.id, e.ground, e.target_id, e.detail)
                        ORDER BY e.id)
          FROM certificate_event e WHERE e.certificate_id = c.id) AS events,
       (SELECT json_agg(json_build_array(k.key, k.kind, k.due_on, k.recorded_at) ORDER BY k.id)
          FROM certificate_condition k WHERE k.certificate_id = c.id) AS conditions,
       (SELECT json_agg(json_build_array(r.requirement_id, r.outcome, r.tested_on, r.lifetime_days, r.recorded_at)
                        ORDER BY r.id)
          FROM result r JOIN requirement q ON q.id = r.requirement_id
         WHERE r.certificate_id = c.id AND q.obligation = 'must'
           AND EXISTS (SELECT 1 FROM result l WHERE l.certificate_id = c.id AND l.lifetime_days IS NOT NULL)) AS tested,
       c.versions, c.version_from, c.version_to, c.delivery_forms, c.valid_from_on, c.valid_to_on,
       c.specification_version_id,
       (SELECT m.expires_soon_days FROM scheme m WHERE m.subject_kind = c.subject_kind) AS soon_days
"""
"""The columns of `certificate c` that `history_of` needs; `timelines` gives the rest."""
_SHOWN = f"""
    SELECT c.id, c.number, c.subject_kind, c.product_id, p.slug AS product, p.name AS product_name, c.role, c.profile,
           COALESCE(p.supplier_id, c.holder_id) AS supplier_id,
           o.organisation_number AS supplier_number, o.name AS supplier_name,
           s.slug AS specification, v.label AS specification_version, c.decided_by, {HISTORY}
      FROM certificate c
      LEFT JOIN product p ON p.id = c.product_id
      JOIN organisation o ON o.id = COALESCE(p.supplier_id, c.holder_id)
      JOIN specificationversion v ON v.id = c.specification_version_id
      JOIN specification s ON s.id = v.specification_id
"""  # noqa: S608  # put together from our own constants only
_ONE = sa.text(f"{_SHOWN} WHERE c.number = :number")
_PAGE = sa.text(
    f"""{_SHOWN}
     WHERE c.number > :after
       AND (CAST(:product AS text) IS NULL OR p.slug = :product)
       AND (CAST(:suppliers AS int[]) IS NULL OR COALESCE(p.supplier_id, c.holder_id) = ANY(:suppliers))
       AND (CAST(:subject_kind AS text) IS NULL OR c.subject_kind = :subject_kind)
       AND (CAST(:specification AS text) IS NULL OR s.slug = :specification)
     ORDER BY c.number LIMIT :rows
    """
)
_AGAINST = sa.text(
    f"""{_SHOWN}
     WHERE c.specification_version_id = ANY(:versions) AND c.product_id IS NOT NULL
     ORDER BY c.number
    """
)
_OF_HOLDER = sa.text(
    f"""{_SHOWN}
     WHERE c.id IN (SELECT id FROM certificate WHERE holder_id = ANY(:holders)
                     UNION SELECT h.id FROM certificate h JOIN product hp ON hp.id = h.product_id
                            WHERE hp.supplier_id = ANY(:holders))
     ORDER BY c.id
    """  # noqa: S608  # as above
)
_HISTORIES = sa.text(f"SELECT c.id, {HISTORY} FROM certificate c WHERE c.id = ANY(:ids)")  # noqa: S608  # as above
TIMELINES = sa.text(
    """
    SELECT v.id, e.kind, e.effective_on, e.recorded_at
      FROM specificationversion v JOIN specificationversion_event e ON e.version_id = v.id
     WHERE v.id = ANY(:ids) AND e.kind IN ('warned', 'ended')
    UNION ALL
    SELECT v.id, 'succeeded', e.effective_on, e.recorded_at
      FROM specificationversion v
      JOIN specificationversion_event own ON own.version_id = v.id AND own.kind = 'published'
      JOIN specificationversion o ON o.specification_id = v.specification_id AND o.id <> v.id
      JOIN specificationversion_event e ON e.version_id = o.id AND e.kind = 'published'
     WHERE v.id = ANY(:ids) AND e.effective_on > own.effective_on
     ORDER BY 1, 3, 4
    """
)
REMARKS = {
    "warned": Remark.SPECIFICATION_WARNED,
    "ended": Remark.SPECIFICATION_ENDED,
    "succeeded": Remark.SPECIFICATION_SUPERSEDED,
}
_RESULTS = sa.text(
    """
    SELECT DISTINCT ON (q.code) q.code AS requirement, q.obligation, r.outcome, r.reason, r.evidence, r.assurance,
           r.tool, r.tool_version, r.tester, r.tested_on, r.lifetime_days, r.recorded_at, r.requirement_id
      FROM result r JOIN requirement q ON q.id = r.requirement_id
     WHERE r.certificate_id = :id AND r.recorded_at <= :known_at
     ORDER BY q.code, r.recorded_at DESC, r.id DESC
    """
)
_CHANGED = sa.text("SELECT certificate_id FROM certificate_change WHERE xact >= :mark ORDER BY certificate_id")
_MARK = sa.text("SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)")


# ---- What has become of them


def history_of(row: Any, timeline: Sequence[rules.Told] = ()) -> rules.History:
    """Out of a row with the columns of `HISTORY`. Without the timeline of its specification's version the remarks about
    that are missing; the status does not depend on it."""
    return rules.History(
        events=[
            rules.Event(EventKind(kind), _day(effective), _instant(recorded), id, ground, target, detail or {})
            for kind, effective, recorded, id, ground, target, detail in row.events
        ],
        validity=rules.Validity(row.valid_from_on, row.valid_to_on),
        scope=_scope(row),
        conditions=[
            rules.Condition(key, ConditionKind(kind), _day(due), _instant(recorded))
            for key, kind, due, recorded in row.conditions or ()
        ],
        results=[
            rules.Tested(
                str(requirement), Outcome(outcome), _day(tested) if tested else None, lifetime, _instant(recorded)
            )
            for requirement, outcome, tested, lifetime, recorded in row.tested or ()
        ],
        timeline=timeline,
        soon_days=row.soon_days,
    )


_day, _instant = date.fromisoformat, datetime.fromisoformat


def _scope(row: Any) -> Scope:
    versions = tuple(row.versions) if row.versions is not None else None
    return Scope(versions, row.version_from, row.version_to, tuple(row.delivery_forms))


def timelines(session: Session, version_ids: Collection[int]) -> dict[int, list[rules.Told]]:
    """What has become of versions of specifications, by their internal keys."""
    found: dict[int, list[rules.Told]] = {id: [] for id in version_ids}
    for row in session.execute(TIMELINES, {"ids": list(version_ids)}):
        found[row.id].append(rules.Told(REMARKS[row.kind], row.effective_on, row.recorded_at))
    return found


def histories(session: Session, ids: Collection[int]) -> dict[int, rules.History]:
    """Each certificate's whole history, by internal key."""
    rows = session.execute(_HISTORIES, {"ids": list(ids)}).all()
    told = timelines(session, {row.specification_version_id for row in rows})
    return {row.id: history_of(row, told[row.specification_version_id]) for row in rows}


def changed_since(session: Session, mark: int) -> tuple[list[int], int]:
    """The certificates whose standing may have changed since the mark, and the next mark; 0: all. A change is never
    missed, however late its transaction commits; some are told again."""
    next_mark = session.execute(_MARK).scalar_one()  # first: what commits between the two is told now and again
    return list(session.execute(_CHANGED, {"mark": mark}).scalars()), next_mark


# ---- Keeping


def grant(
    session: Session,
    certificate: Certificate,
    results: Sequence[Result],
    *,
    recorded_at: datetime,
    today: date,
    reason: str | None,
    client: str | None = None,
    conditions: Sequence[Condition] = (),
) -> Certificate:
    """Number and keep a certificate; the rules have been looked at. Of two at once for the same scope, one is
    refused."""
    certificate.number = _next_number(session, today.year)
    session.add(certificate)
    session.flush()
    scopes.occupy(session, certificate.held(), certificate.scope, certificate.valid_from_on, certificate.valid_to_on)
    for one in (*results, *conditions):
        one.certificate_id = certificate.id
        one.recorded_at = recorded_at
    session.add_all([*results, *conditions])
    record(
        session,
        certificate.id,
        EventKind.GRANTED,
        effective_on=certificate.valid_from_on,
        recorded_at=recorded_at,
        today=today,
        reason=reason,
        organisation=certificate.decided_by,
        client=client,
    )
    return certificate


def _next_number(session: Session, year: int) -> str:
    """Numbers of a year have no gaps: the row stays locked until the certificate is kept, or not."""
    counted = insert(CertificateNumber).values(year=year, last=1)
    last = session.execute(
        counted.on_conflict_do_update(
            index_elements=["year"], set_={"last": col(CertificateNumber.last) + 1}
        ).returning(col(CertificateNumber.last))
    ).scalar_one()
    return f"SV-{year}-{last:06d}"


def record(
    session: Session,
    certificate_id: int,
    kind: EventKind,
    *,
    effective_on: date,
    recorded_at: datetime,
    today: date,
    reason: str | None,
    organisation: str,
    client: str | None = None,
    ground: str | None = None,
    target_id: int | None = None,
    detail: Mapping[str, Any] | None = None,
) -> CertificateEvent:
    """Add an event to a certificate that is locked. A withdrawn one no longer stands in the way of another from that
    day on; a stayed or annulled withdrawal does again. What users must hear of becomes a job."""
    event = CertificateEvent(
        certificate_id=certificate_id,
        kind=kind,
        effective_on=effective_on,
        recorded_at=recorded_at,
        reason=reason,
        back_dated=effective_on < today,
        organisation_number=organisation,
        client=client,
        ground=ground,
        target_id=target_id,
        detail=dict(detail) if detail else None,
    )
    session.add(event)
    session.flush()
    number = session.get_one(Certificate, certificate_id).number
    audit.record(session, None, "certificate.event", f"/certificates/{number}/events", **trace(event))
    if kind in _MOVES_SCOPE:
        _settle(session, certificate_id, recorded_at)
    if kind in RECALLING:
        jobs.defer(session, RECALL_TASK, certificate=certificate_id, event=event.id)
    return event


def trace(event: CertificateEvent) -> dict[str, Any]:
    """What the sealed audit keeps of an event: a history edited past the service no longer agrees with it."""
    return {
        "event": event.id,
        "kind": event.kind,
        "effective_on": str(event.effective_on),
        "organisation": event.organisation_number,
        "client": event.client,
        "reason": event.reason,
        "ground": event.ground,
        "target": event.target_id,
        "detail": event.detail,
    }


_MOVES_SCOPE = rules.REVISING | {
    EventKind.WITHDRAWN,
    EventKind.RELINQUISHED,
    EventKind.SUPERSEDED,
    EventKind.STAYED,
    EventKind.STAY_ENDED,
    EventKind.ANNULLED,
}


def _settle(session: Session, certificate_id: int, known_at: datetime) -> None:
    """Let a certificate occupy what its history says: on each day that something changes, what holds from then on."""
    certificate = session.get_one(Certificate, certificate_id)
    history = histories(session, [certificate_id])[certificate_id]
    scopes.leave(session, certificate_id)
    turns = sorted({certificate.valid_from_on, *(event.effective_on for event in history.events)})
    turns = [day for day in turns if day >= certificate.valid_from_on]
    for day, until in zip(turns, [*turns[1:], None], strict=True):
        stands = rules.standing(history, day, known_at)
        if stands is None or stands.status in rules.FINAL or day > stands.validity.to_on:
            continue
        last = stands.validity.to_on
        scopes.occupy(
            session,
            certificate.held(),
            stands.scope,
            day,
            min(last, date.fromordinal(until.toordinal() - 1)) if until else last,
        )


# ---- Asking


def by_number(session: Session, number: str) -> sa.Row[Any]:
    found = session.execute(_ONE, {"number": number}).one_or_none()
    if found is None:
        raise CertificateNotFound(f"No certificate has the number {number!r}.")
    return found


def lock(session: Session, number: str) -> None:
    """Steps on one certificate wait for each other, so that each sees what the one before has recorded."""
    session.execute(select(Certificate.id).where(col(Certificate.number) == number).with_for_update())


def lock_all(session: Session, ids: Collection[int]) -> None:
    """Several at once, always in the same order."""
    ordered = select(Certificate.id).where(col(Certificate.id).in_(ids)).order_by(col(Certificate.id))
    session.execute(ordered.with_for_update())


def numbers(session: Session) -> set[str]:
    return set(session.exec(select(Certificate.number)))


def page(
    session: Session,
    after: list[Any] | None,
    limit: int,
    *,
    product: str | None = None,
    suppliers: list[int] | None = None,
    subject_kind: SubjectKind | None = None,
    specification: str | None = None,
) -> Sequence[sa.Row[Any]]:
    values = {
        "after": after[0] if after else "",
        "product": product,
        "suppliers": suppliers,
        "subject_kind": subject_kind,
        "specification": specification,
        "rows": limit + 1,
    }
    return session.execute(_PAGE, values).all()


def against(session: Session, version_ids: Sequence[int]) -> Sequence[sa.Row[Any]]:
    """Every certificate of a product against these versions of specifications, whatever its status, by number."""
    return session.execute(_AGAINST, {"versions": list(version_ids)}).all()


def of_holder(session: Session, holder_ids: Collection[int]) -> Sequence[sa.Row[Any]]:
    """Every certificate of these organisations and of their products, by internal key."""
    return session.execute(_OF_HOLDER, {"holders": list(holder_ids)}).all()


def results(session: Session, certificate_id: int, known_at: datetime) -> Sequence[sa.Row[Any]]:
    """The result of each requirement that counts, as known at an instant."""
    return session.execute(_RESULTS, {"id": certificate_id, "known_at": known_at}).all()


def add_results(session: Session, certificate_id: int, results: Sequence[Result], recorded_at: datetime) -> None:
    """Later results, of surveillance or a new test: they count from now on, and the earlier ones stay."""
    for one in results:
        one.certificate_id, one.recorded_at = certificate_id, recorded_at
    session.add_all(results)
    session.flush()


def conditions(session: Session, certificate_id: int) -> Sequence[Condition]:
    query = select(Condition).where(col(Condition.certificate_id) == certificate_id)
    return session.exec(query.order_by(col(Condition.id))).all()


def events_of(session: Session, certificate_id: int) -> Sequence[CertificateEvent]:
    """What happened, in the order in which it was recorded."""
    query = select(CertificateEvent).where(col(CertificateEvent.certificate_id) == certificate_id)
    return session.exec(query.order_by(col(CertificateEvent.id))).all()


def interested(session: Session, product_id: int, today: date) -> frozenset[str]:
    """The organisations that take no part in judging a product: its supplier, also as it is called after mergers, and
    the owners of the components that it is offered for; by organisation number."""
    row = session.execute(_INTERESTED, {"product": product_id}).one()
    heirs = products.suppliers(session, [row.supplier_id], today)[row.supplier_id]
    return frozenset(filter(None, [row.supplier, *row.owners, *(one.organisation_number for one in heirs)]))


_INTERESTED = sa.text(
    """
    SELECT p.supplier_id, o.organisation_number AS supplier,
           ARRAY(SELECT w.organisation_number FROM component k JOIN organisation w ON w.id = k.owner_id
                  WHERE k.id = p.component_id
                     OR k.id IN (SELECT component_id FROM productcomponent WHERE product_id = p.id)) AS owners
      FROM product p JOIN organisation o ON o.id = p.supplier_id WHERE p.id = :product
    """
)
