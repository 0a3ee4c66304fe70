"""Suspensions of suppliers as they are kept: each with what happened to it, and what became of each certificate."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, TypedDict, Unpack
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.catalog.certificates import rules as certification
from services.catalog.certificates import store as certificates
from services.catalog.certificates.store import Certificate
from services.catalog.db import Table
from services.catalog.organisations import store as organisations
from services.catalog.organisations.rules import Kind
from services.catalog.organisations.store import Organisation
from services.catalog.supplier_suspensions import rules
from services.catalog.supplier_suspensions.rules import EventKind, Step
from services.chassis import audit, feed
from services.chassis.auth import Caller
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import NotFound, refuse
from services.chassis.values import new_id


class SupplierSuspension(Table, table=True):
    """That a supplier was suspended. Only ever added, as everything below."""

    __tablename__ = "supplier_suspension"
    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    holder_id: int = Field(foreign_key="organisation.id", index=True)
    effective_on: date
    reason: str = Field(max_length=2000)
    recorded_at: datetime = Field(sa_type=INSTANT)
    organisation_number: str = Field(max_length=9)
    client: str = Field(max_length=200)


class SuspensionEvent(Table, table=True):
    """`detail`: the numbers of the certificates that the step passed over."""

    __tablename__ = "supplier_suspension_event"
    id: int = Field(default=None, primary_key=True)
    suspension_id: int = Field(foreign_key="supplier_suspension.id", index=True)
    kind: EventKind = Field(sa_type=choice(EventKind))
    effective_on: date
    recorded_at: datetime = Field(sa_type=INSTANT)
    reason: str = Field(max_length=2000)
    back_dated: bool
    organisation_number: str = Field(max_length=9)
    client: str = Field(max_length=200)
    detail: dict[str, Any] | None = Field(default=None, sa_type=JSON)


class SuspendedCertificate(Table, table=True):
    """A certificate that the supplier had. `event_id`: its suspension; None when it was passed over, since on that day
    it had the status named."""

    __tablename__ = "supplier_suspension_certificate"
    suspension_id: int = Field(foreign_key="supplier_suspension.id", primary_key=True)
    certificate_id: int = Field(foreign_key="certificate.id", primary_key=True, index=True)
    event_id: int | None = Field(default=None, foreign_key="certificate_event.id")
    status: certification.Status = Field(sa_type=choice(certification.Status))


class SupplierSuspensionNotFound(NotFound):
    """No suspension of a supplier has this id."""


# ---- Who it is about


def same(session: Session, number: str, today: date) -> frozenset[int]:
    """Whoever has this organisation number, what it has become, and all that have become that, by internal key; none
    when it is not in the catalogue."""
    asked = organisations.by_organisation_number(session, number)
    return _same(session, asked, today) if asked is not None else frozenset()


def _same(session: Session, organisation_id: int, today: date) -> frozenset[int]:
    heirs = {id for id, _ in organisations.resolve(session, [organisation_id], today)[organisation_id]}
    heirs.add(organisation_id)
    return frozenset(heirs) | organisations.steps_before(session, heirs).keys()


def is_supplier(session: Session, number: str) -> bool:
    return Kind.SUPPLIER in organisations.kinds_of(session, number)


def numbers(session: Session, ids: Collection[int]) -> frozenset[str]:
    """The organisation numbers of organisations."""
    query = select(Organisation.organisation_number).where(col(Organisation.id).in_(ids))
    return frozenset(number for number in session.exec(query) if number)


def interested_in(session: Session, ids: Collection[int]) -> frozenset[str]:
    """Who takes no part in judging these suppliers: they, and the owners of the components that their products are
    offered for; by organisation number."""
    return numbers(session, ids) | frozenset(session.execute(_OWNERS, {"ids": list(ids)}).scalars())


_OWNERS = sa.text(
    """
    SELECT DISTINCT o.organisation_number
      FROM product p
      LEFT JOIN productcomponent f ON f.product_id = p.id
      JOIN component k ON k.id IN (p.component_id, f.component_id)
      JOIN organisation o ON o.id = k.owner_id
     WHERE p.supplier_id = ANY(:ids) AND o.organisation_number IS NOT NULL
    """
)


def holder_numbers(session: Session, suspension: SupplierSuspension, today: date) -> frozenset[str]:
    """Who may appeal: the supplier by its number of today, and those of before."""
    return numbers(session, _same(session, suspension.holder_id, today))


def interested(session: Session, suspension: SupplierSuspension, today: date) -> frozenset[str]:
    """Who decides neither on it nor on an appeal against it."""
    return interested_in(session, _same(session, suspension.holder_id, today))


def decided_by(suspension: SupplierSuspension) -> tuple[str, str]:
    """→ (organisation number, client)"""
    return suspension.organisation_number, suspension.client


# ---- Whether


def is_suspended(session: Session, holder_id: int, on: date, *, deciding: bool = False) -> bool:
    """Whether a supplier is suspended from the scheme on a day, itself or as what it came from by a merger. `deciding`:
    no suspension of it comes in between until the transaction ends; ask first, before anything else is locked."""
    if deciding:
        session.execute(select(Organisation.id).where(col(Organisation.id) == holder_id).with_for_update(read=True))
    return bool(suspended_holders(session, [holder_id], on))


def suspended_holders(session: Session, holder_ids: Collection[int], on: date) -> set[int]:
    """Those of these suppliers that are suspended from the scheme on a day."""
    suspended = set(session.execute(_IN_FORCE, {"on": on}).scalars())
    if not suspended or not holder_ids:
        return set()
    resolved = organisations.resolve(session, suspended | set(holder_ids), on)
    became = {id: {id, *(heir for heir, _ in found)} for id, found in resolved.items()}
    hit = {one for id in suspended for one in became[id]}
    return {id for id in holder_ids if became[id] & hit}


# The same as `rules.status_on` says `in_force`; a test compares them.
_IN_FORCE_ON = """
       s.effective_on <= :on
       AND NOT EXISTS (SELECT 1 FROM supplier_suspension_event e
                        WHERE e.suspension_id = s.id AND e.kind IN ('lifted', 'annulled') AND e.effective_on <= :on)
       AND COALESCE((SELECT e.kind FROM supplier_suspension_event e
                      WHERE e.suspension_id = s.id AND e.kind IN ('stayed', 'stay_ended') AND e.effective_on <= :on
                      ORDER BY e.effective_on DESC, e.recorded_at DESC LIMIT 1), '') <> 'stayed'
"""
_IN_FORCE = sa.text(f"SELECT s.holder_id FROM supplier_suspension s WHERE {_IN_FORCE_ON}")  # noqa: S608  # our own


def not_ended(session: Session, holder_ids: Collection[int]) -> bool:
    """Whether one of these suppliers has a suspension that is neither lifted nor annulled, in force or not."""
    ended = select(SuspensionEvent.suspension_id).where(
        col(SuspensionEvent.kind).in_([EventKind.LIFTED, EventKind.ANNULLED])
    )
    query = select(SupplierSuspension.id).where(
        col(SupplierSuspension.holder_id).in_(holder_ids), col(SupplierSuspension.id).not_in(ended)
    )
    return session.exec(query.limit(1)).first() is not None


# ---- Reading


def exists(session: Session, uuid: UUID) -> bool:
    return session.exec(select(SupplierSuspension.id).where(col(SupplierSuspension.uuid) == uuid)).first() is not None


def by_uuid(session: Session, uuid: UUID) -> SupplierSuspension:
    found = session.exec(select(SupplierSuspension).where(col(SupplierSuspension.uuid) == uuid)).one_or_none()
    if found is None:
        raise SupplierSuspensionNotFound
    return found


def locked(session: Session, uuid: UUID) -> SupplierSuspension:
    """The same, held until the transaction ends with every certificate that it suspended: steps on them wait for each
    other. Ask what time it is after this, so that what is recorded stands in the order in which it was done."""
    query = select(SupplierSuspension).where(col(SupplierSuspension.uuid) == uuid).with_for_update()
    found = session.exec(query).one_or_none()
    if found is None:
        raise SupplierSuspensionNotFound
    certificates.lock_all(session, _reached(session, found))
    return found


def _reached(session: Session, suspension: SupplierSuspension) -> dict[int, int]:
    """Certificate → the event that suspended it, by internal key."""
    query = select(SuspendedCertificate).where(
        col(SuspendedCertificate.suspension_id) == suspension.id, col(SuspendedCertificate.event_id).is_not(None)
    )
    ordered = session.exec(query.order_by(col(SuspendedCertificate.certificate_id)))
    return {one.certificate_id: one.event_id for one in ordered if one.event_id is not None}


_COLUMNS = """
    SELECT s.uuid, s.effective_on, s.reason, s.recorded_at, s.organisation_number AS decided_by,
           s.effective_on < CAST(s.recorded_at AT TIME ZONE 'Europe/Oslo' AS date) AS back_dated,
           o.organisation_number, o.name,
           (SELECT count(event_id) FROM supplier_suspension_certificate c WHERE c.suspension_id = s.id) AS suspended,
           (SELECT count(*) - count(event_id) FROM supplier_suspension_certificate c
             WHERE c.suspension_id = s.id) AS passed_over,
           (SELECT json_agg(json_build_object('kind', e.kind, 'effective_on', e.effective_on, 'reason', e.reason,
                            'recorded_at', e.recorded_at, 'back_dated', e.back_dated, 'detail', e.detail,
                            'organisation_number', e.organisation_number) ORDER BY e.id)
              FROM supplier_suspension_event e WHERE e.suspension_id = s.id) AS events
      FROM supplier_suspension s JOIN organisation o ON o.id = s.holder_id
"""
_ONE = sa.text(f"{_COLUMNS} WHERE s.uuid = :uuid")
_PAGE = sa.text(
    f"""{_COLUMNS}
     WHERE (CAST(:after AS uuid) IS NULL OR s.uuid < :after)
       AND (CAST(:suppliers AS int[]) IS NULL OR s.holder_id = ANY(:suppliers))
       AND (CAST(:on AS date) IS NULL OR ({_IN_FORCE_ON}))
     ORDER BY s.uuid DESC LIMIT :rows
    """
)
_CERTIFICATES = sa.text(
    """
    SELECT n.number, p.slug AS product, CASE WHEN c.event_id IS NULL THEN 'passed_over' ELSE 'suspended' END AS outcome,
           c.status
      FROM supplier_suspension_certificate c
      JOIN certificate n ON n.id = c.certificate_id
      LEFT JOIN product p ON p.id = n.product_id
     WHERE c.suspension_id = :suspension AND n.number > :after
       AND (CAST(:outcome AS text) IS NULL OR (c.event_id IS NULL) = (:outcome = 'passed_over'))
     ORDER BY n.number LIMIT :rows
    """
)


def shown(session: Session, uuid: UUID) -> sa.Row[Any]:
    found = session.execute(_ONE, {"uuid": uuid}).one_or_none()
    if found is None:
        raise SupplierSuspensionNotFound
    return found


def page(
    session: Session, after: UUID | None, limit: int, *, suppliers: Collection[int] | None, in_force_on: date | None
) -> Sequence[sa.Row[Any]]:
    """The latest first, limit + 1 rows."""
    values = {
        "after": after,
        "suppliers": None if suppliers is None else list(suppliers),
        "on": in_force_on,
        "rows": limit + 1,
    }
    return session.execute(_PAGE, values).all()


def certificates_of(
    session: Session, suspension_id: int, after: str, limit: int, outcome: rules.Outcome | None
) -> Sequence[sa.Row[Any]]:
    """What became of each certificate of the supplier, by number, limit + 1 rows."""
    values = {"suspension": suspension_id, "after": after, "outcome": outcome, "rows": limit + 1}
    return session.execute(_CERTIFICATES, values).all()


def events_of(session: Session, suspension_id: int) -> list[rules.Event]:
    query = select(SuspensionEvent).where(col(SuspensionEvent.suspension_id) == suspension_id)
    rows = session.exec(query.order_by(col(SuspensionEvent.id)))
    return [rules.Event(EventKind(row.kind), row.effective_on, row.recorded_at) for row in rows]


# ---- Deciding


class Decision(TypedDict):
    """Who decides, when and why, and from which day on."""

    caller: Caller
    now: datetime
    today: date
    effective_on: date
    reason: str


def hold(session: Session, ids: Collection[int]) -> None:
    """Whoever decides on a certificate of these suppliers waits, and is waited for (`is_suspended` with `deciding`);
    so does whoever takes a step on one. Ask what time it is after this."""
    query = select(Organisation.id).where(col(Organisation.id).in_(ids)).order_by(col(Organisation.id))
    session.execute(query.with_for_update(key_share=True))
    certificates.lock_all(session, [row.id for row in certificates.of_holder(session, ids)])


def suspend(session: Session, number: str, **decision: Unpack[Decision]) -> SupplierSuspension:
    """Suspend a supplier with all its certificates, those of before mergers as well. The rules have been looked at,
    with the supplier held."""
    asked = organisations.by_organisation_number(session, number)
    assert asked is not None
    suspension = SupplierSuspension(
        holder_id=asked,
        effective_on=decision["effective_on"],
        reason=decision["reason"],
        recorded_at=decision["now"],
        organisation_number=decision["caller"].organisation,
        client=decision["caller"].client,
    )
    session.add(suspension)
    session.flush()
    held = certificates.of_holder(session, _same(session, asked, decision["today"]))
    histories = certificates.histories(session, [row.id for row in held])
    recorded, passed_over = {}, []
    for row in held:
        stands = certification.standing(histories[row.id], decision["effective_on"], decision["now"])
        assert stands is not None, "it has been granted"
        reached = (stands.status, certification.Step.SUSPEND) in certification.MOVES
        if reached:
            recorded[row.id] = _record(session, suspension, row.id, certification.EventKind.SUSPENDED, None, decision)
        else:
            passed_over.append(row.number)
        session.add(
            SuspendedCertificate(
                suspension_id=suspension.id,
                certificate_id=row.id,
                event_id=recorded[row.id] if reached else None,
                status=stands.status,
            )
        )
    _tell(session, suspension, EventKind.SUSPENDED, list(recorded), passed_over, decision)
    return suspension


def lift(session: Session, suspension: SupplierSuspension, **decision: Unpack[Decision]) -> None:
    """Restore every certificate that it suspended, on its own ground only: what else one is suspended for stays. Those
    that have expired or ended meanwhile are passed over."""
    _take(session, suspension, Step.LIFT, decision)


def stay(session: Session, suspension: SupplierSuspension, **decision: Unpack[Decision]) -> None:
    """Let it have no effect from a day on, while an appeal is heard."""
    _take(session, suspension, Step.STAY, decision)


def end_stay(session: Session, suspension: SupplierSuspension, **decision: Unpack[Decision]) -> None:
    """Let it have effect again from a day on."""
    _take(session, suspension, Step.END_STAY, decision)


def annul(session: Session, suspension: SupplierSuspension, **decision: Unpack[Decision]) -> None:
    """Let it have no effect from a day on, for ever; from its own first day: as if it had never been."""
    _take(session, suspension, Step.ANNUL, decision)


def _take(session: Session, suspension: SupplierSuspension, step: Step, decision: Decision) -> None:
    """One step on all the certificates that the suspension reached, or on none."""
    refuse(rules.check_step(events_of(session, suspension.id), step, decision["effective_on"]))
    reached = _reached(session, suspension)
    histories = certificates.histories(session, reached)
    kind, told, passed_over = rules.EVENTS[step], list[int](), list[int]()
    for certificate_id, event_id in reached.items():
        if step is Step.LIFT:
            stands = certification.standing(histories[certificate_id], decision["effective_on"], decision["now"])
            assert stands is not None, "it has been granted"
            ended = stands.status in certification.FINAL or rules.ground(suspension.uuid) not in stands.grounds
            if not ended:  # an expired one as well: were it renewed, it would still be suspended on this ground
                _record(session, suspension, certificate_id, _ON_CERTIFICATES[kind], None, decision)
            over = ended or stands.status is certification.Status.EXPIRED
            (passed_over if over else told).append(certificate_id)
        else:
            _record(session, suspension, certificate_id, _ON_CERTIFICATES[kind], event_id, decision)
            told.append(certificate_id)
    missed = select(Certificate.number).where(col(Certificate.id).in_(passed_over)).order_by(col(Certificate.number))
    _tell(session, suspension, kind, told, list(session.exec(missed)), decision)


_ON_CERTIFICATES = {
    EventKind.SUSPENDED: certification.EventKind.SUSPENDED,
    EventKind.LIFTED: certification.EventKind.RESTORED,
    EventKind.STAYED: certification.EventKind.STAYED,
    EventKind.STAY_ENDED: certification.EventKind.STAY_ENDED,
    EventKind.ANNULLED: certification.EventKind.ANNULLED,
}


def _record(
    session: Session,
    suspension: SupplierSuspension,
    certificate_id: int,
    kind: certification.EventKind,
    target_id: int | None,
    decision: Decision,
) -> int:
    """→ the event's internal key"""
    return certificates.record(
        session,
        certificate_id,
        kind,
        effective_on=decision["effective_on"],
        recorded_at=decision["now"],
        today=decision["today"],
        reason=decision["reason"],
        organisation=decision["caller"].organisation,
        client=decision["caller"].client,
        ground=rules.ground(suspension.uuid),
        target_id=target_id,
    ).id


def _tell(
    session: Session,
    suspension: SupplierSuspension,
    kind: EventKind,
    reached: Sequence[int],
    passed_over: Sequence[str],
    decision: Decision,
) -> None:
    """The step in the suspension's own history, in the audit and in the feed, there once for each certificate too."""
    caller, effective_on, reason = decision["caller"], decision["effective_on"], decision["reason"]
    session.add(
        SuspensionEvent(
            suspension_id=suspension.id,
            kind=kind,
            effective_on=effective_on,
            recorded_at=decision["now"],
            reason=reason,
            back_dated=effective_on < decision["today"],
            organisation_number=caller.organisation,
            client=caller.client,
            detail={"passed_over": list(passed_over)},
        )
    )
    session.flush()
    path = f"/supplier-suspensions/{suspension.uuid}"
    supplier = session.get_one(Organisation, suspension.holder_id).organisation_number
    told = {"effective_on": str(effective_on), "supplier": supplier, "certificates": len(reached)}
    audit.record(
        session, caller, f"supplier-suspension.{kind}", path, reason=reason, passed_over=list(passed_over), **told
    )
    feed.tell(session, f"supplier-suspension.{kind}", path, None, **told)
    histories = certificates.histories(session, reached)
    for row in session.execute(_ABOUT, {"ids": list(reached)}):
        feed.tell(
            session,
            f"certificate.{_ON_CERTIFICATES[kind]}",
            f"/certificates/{row.number}",
            None,
            product=row.product,
            specification=row.specification,
            effective_on=str(effective_on),
            status=certification.status_on(histories[row.id], decision["today"], decision["now"]),
            supplier_suspension=str(suspension.uuid),
        )


_ABOUT = sa.text(
    "SELECT c.id, c.number, p.slug AS product, s.slug AS specification FROM certificate c "
    "LEFT JOIN product p ON p.id = c.product_id JOIN specificationversion v ON v.id = c.specification_version_id "
    "JOIN specification s ON s.id = v.specification_id WHERE c.id = ANY(:ids) ORDER BY c.id"
)
