"""What the flags follow from, for many certificates at once, and who has looked at which."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.assessments import store as assessments
from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import Assurance, EventKind, Outcome
from services.catalog.certificates.store import Certificate, CertificateEvent
from services.catalog.db import Table
from services.catalog.evidence_files import store as evidence_files
from services.catalog.integrity_flags import rules
from services.catalog.integrity_flags.rules import Flag, Kind
from services.catalog.products import store as products
from services.chassis import clock
from services.chassis.audit import TABLE as AUDIT
from services.chassis.db import INSTANT
from services.chassis.problems import NotFound

AT_ONCE = 500
LOOKED_AT = 2_000
"""Certificates that one page looks at, at most; it may then be shorter than asked for, and still have a next one."""


class Acknowledgement(Table, table=True):
    """That somebody has looked at a flag, and what they found. A trigger keeps it from being changed."""

    __tablename__ = "integrity_acknowledgement"
    id: int = Field(default=None, primary_key=True)
    certificate_id: int = Field(foreign_key="certificate.id", index=True)
    flag: str = Field(max_length=200, unique=True)
    note: str = Field(max_length=2000)
    recorded_at: datetime = Field(sa_type=INSTANT)
    organisation_number: str = Field(max_length=9)
    client: str = Field(max_length=200)


class FlagNotFound(NotFound):
    """No flag has this id."""


@dataclass(frozen=True)
class Raised:
    """A flag, and whoever has looked at it."""

    flag: Flag
    acknowledgement: Acknowledgement | None


_RESULTS = sa.text(
    """
    SELECT r.certificate_id, q.code AS requirement, r.outcome, r.assurance, r.tester, r.tested_on, r.recorded_at
      FROM result r JOIN requirement q ON q.id = r.requirement_id
     WHERE r.certificate_id = ANY(:ids) ORDER BY r.id
    """
)
_INTERESTED = sa.text(
    """
    SELECT c.id, COALESCE(p.supplier_id, c.holder_id) AS supplier_id, o.organisation_number AS supplier,
           ARRAY(SELECT w.organisation_number FROM component k JOIN organisation w ON w.id = k.owner_id
                  WHERE k.id = p.component_id
                     OR k.id IN (SELECT component_id FROM productcomponent WHERE product_id = p.id)) AS owners
      FROM certificate c
      LEFT JOIN product p ON p.id = c.product_id
      JOIN organisation o ON o.id = COALESCE(p.supplier_id, c.holder_id)
     WHERE c.id = ANY(:ids)
    """
)
_APPLICATIONS = sa.text("SELECT certificate_id, application_id FROM decision WHERE certificate_id = ANY(:ids)")


def records(session: Session, ids: Collection[int], today: date) -> dict[int, rules.Record]:
    """Everything that flags follow from, by the certificates' internal keys: the same few queries for one and many."""
    kept = session.exec(select(Certificate).where(col(Certificate.id).in_(ids))).all()
    events: dict[int, list[rules.Event]] = defaultdict(list)
    query = select(CertificateEvent).where(col(CertificateEvent.certificate_id).in_(ids))
    for event in session.exec(query.order_by(col(CertificateEvent.id))):
        events[event.certificate_id].append(_event(event))
    traces = _traces(session, [one.number for one in kept])
    results: dict[int, list[rules.Result]] = defaultdict(list)
    for row in session.execute(_RESULTS, {"ids": list(ids)}):
        results[row.certificate_id].append(_result(row))
    removed: dict[int, list[rules.Removed]] = defaultdict(list)
    for one in evidence_files.removed_after(session, ids):
        removed[one.certificate_id].append(rules.Removed(str(one.file), clock.on(one.withdrawn_at)))
    interested, assessors = _interested(session, ids, today), _assessors(session, ids)
    return {
        one.id: rules.Record(
            number=one.number,
            valid_from_on=one.valid_from_on,
            decided_by=one.decided_by,
            events=events[one.id],
            traces=traces[one.number],
            results=results[one.id],
            removed=removed[one.id],
            interested=interested[one.id],
            assessors=assessors[one.id],
        )
        for one in kept
        if events[one.id]
    }


def _event(event: CertificateEvent) -> rules.Event:
    return rules.Event(
        event.id,
        EventKind(event.kind),
        event.effective_on,
        event.recorded_at,
        clock.on(event.recorded_at),
        event.organisation_number,
        event.client,
        certificates.trace(event),
    )


def _traces(session: Session, numbers: Sequence[str]) -> dict[str, list[rules.Trace]]:
    subjects = {f"/certificates/{number}/events": number for number in numbers}
    here = AUDIT.c
    found: dict[str, list[rules.Trace]] = defaultdict(list)
    query = sa.select(here.subject, here.recorded_at, here.detail).where(
        here.subject.in_(subjects), here.action == "certificate.event"
    )
    for row in session.execute(query.order_by(here.id)):
        on = clock.on(row.recorded_at)
        found[subjects[row.subject]].append(rules.Trace(row.detail["event"], on, row.detail))
    return found


def _result(row: Any) -> rules.Result:
    return rules.Result(
        row.requirement,
        Outcome(row.outcome),
        Assurance(row.assurance),
        row.tester,
        row.tested_on,
        row.recorded_at,
        clock.on(row.recorded_at),
    )


def _interested(session: Session, ids: Collection[int], today: date) -> dict[int, frozenset[str]]:
    rows = session.execute(_INTERESTED, {"ids": list(ids)}).all()
    heirs = products.suppliers(session, {row.supplier_id for row in rows}, today)
    return {
        row.id: frozenset(
            filter(None, [row.supplier, *row.owners, *(one.organisation_number for one in heirs[row.supplier_id])])
        )
        for row in rows
    }


def _assessors(session: Session, ids: Collection[int]) -> dict[int, set[tuple[str, str]]]:
    rows = session.execute(_APPLICATIONS, {"ids": list(ids)}).all()
    of = assessments.assessors_of(session, {row.application_id for row in rows})
    found: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for row in rows:
        found[row.certificate_id] |= of.get(row.application_id, frozenset())
    return found


def of(session: Session, certificate_ids: Collection[int], today: date) -> dict[int, list[Flag]]:
    """Certificate → its flags."""
    return {id: rules.flags(record) for id, record in records(session, certificate_ids, today).items()}


def page(
    session: Session,
    after: tuple[str, str] | None,
    limit: int,
    today: date,
    *,
    numbers: Collection[str] | None,
    kinds: Collection[Kind] | None,
    acknowledged: bool | None,
) -> tuple[list[Raised], tuple[str, str] | None]:
    """Flags by the certificates' numbers, after a (number, flag). → at most `limit`, and where the next begins"""
    found: list[Raised] = []
    number, last = after or ("", "")
    looked_at = 0
    while looked_at < LOOKED_AT:
        here = _from(session, number, including=bool(last), numbers=numbers)
        flags = of(session, [id for id, _ in here], today)
        known = _acknowledgements(session, list(flags))
        for id, at in here:
            for flag in rules.wanted(flags.get(id, ()), kinds):
                acknowledgement = known.get(flag.id)
                if (at, flag.id) <= (number, last) or acknowledged not in (None, acknowledgement is not None):
                    continue
                if len(found) == limit:
                    return found, (found[-1].flag.number, found[-1].flag.id)
                found.append(Raised(flag, acknowledgement))
        if len(here) < AT_ONCE:
            return found, None
        number, last = here[-1][1], _AFTER_ALL
        looked_at += len(here)
    return found, (number, last)


_AFTER_ALL = "~"
"""Sorts after every flag's id."""


def _from(session: Session, number: str, *, including: bool, numbers: Collection[str] | None) -> list[tuple[int, str]]:
    here = col(Certificate.number)
    query = sa.select(col(Certificate.id), here).where(here >= number if including else here > number)
    if numbers is not None:
        query = query.where(here.in_(numbers))
    return [(row[0], row[1]) for row in session.execute(query.order_by(here).limit(AT_ONCE))]


def _acknowledgements(session: Session, certificate_ids: Sequence[int]) -> dict[str, Acknowledgement]:
    query = select(Acknowledgement).where(col(Acknowledgement.certificate_id).in_(certificate_ids))
    return {one.flag: one for one in session.exec(query)}


def raised(session: Session, id: str, today: date) -> tuple[Raised, rules.Record]:
    """One flag by its id, with what it follows from. The certificate is locked."""
    number = rules.number_in(id)
    query = select(Certificate.id).where(col(Certificate.number) == number).with_for_update()
    key = session.exec(query).one_or_none()
    record = records(session, [key], today).get(key) if key is not None else None
    flag = next((flag for flag in rules.flags(record) if flag.id == id), None) if record else None
    if record is None or flag is None or key is None:
        raise FlagNotFound(f"No flag has the id {id!r}.")
    return Raised(flag, _acknowledgements(session, [key]).get(id)), record


def acknowledge(session: Session, flag: Flag, note: str, *, at: datetime, organisation: str, client: str) -> Raised:
    certificate_id = session.exec(select(Certificate.id).where(col(Certificate.number) == flag.number)).one()
    made = Acknowledgement(
        certificate_id=certificate_id,
        flag=flag.id,
        note=note,
        recorded_at=at,
        organisation_number=organisation,
        client=client,
    )
    session.add(made)
    try:
        session.flush()
    except IntegrityError:
        raise rules.FlagAlreadyAcknowledged from None
    return Raised(flag, made)
