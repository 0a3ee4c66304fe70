"""Accessions as they are kept: the row, its events, and for whom it orders from which day to which."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.agreements.accessions import rules
from services.agreements.accessions.rules import Basis, Event, Party, State
from services.agreements.db import Table
from services.agreements.frameworks import store as frameworks
from services.agreements.frameworks.rules import State as AgreementState
from services.agreements.frameworks.store import FrameworkAgreement, Participant
from services.chassis import audit, feed
from services.chassis.auth import Caller
from services.chassis.clock import now
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import Conflict, NotFound
from services.chassis.values import new_id

REGISTER, COVER = "register", "cover"
"""In the history beside the state table's events: a draft was made, or for whom it orders was changed."""
_LIVE = sa.text("state NOT IN ('rejected', 'withdrawn', 'ended')")


class Accession(Table, table=True):
    """One organisation's accession to one agreement; it has at most one that is not over."""

    __table_args__ = (sa.Index("uq_accession_live", "participant_id", unique=True, postgresql_where=_LIVE),)
    id: int | None = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    framework_id: int = Field(foreign_key="frameworkagreement.id", index=True)
    participant_id: int = Field(foreign_key="participant.id")
    number: str = Field(max_length=9)
    name: str = Field(max_length=200)
    basis: Basis = Field(sa_type=choice(Basis))
    state: State = Field(default=State.DRAFT, sa_type=choice(State))
    binding: bool
    decision_reference: str | None = Field(default=None, max_length=200)
    decided_on: date | None = None
    starts_on: date | None = None
    """Its first day; until it is approved, the day that is wished for."""
    ends_on: date | None = None
    """Its last day, once notice is given or it has ended."""
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    co_operation: str | None = Field(default=None, max_length=80)
    """The co-operation's name in the catalogue, when it orders for members."""
    relied_on: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    """What the catalogue said of it when the accession was last submitted, or its coverage changed."""


class AccessionEvent(Table, table=True):
    """What happened to an accession; never edited."""

    __tablename__ = "accession_event"
    accession_id: int = Field(primary_key=True, foreign_key="accession.id")
    sequence: int = Field(primary_key=True)
    event: str = Field(max_length=40)
    state: State = Field(sa_type=choice(State))
    organisation: str | None = Field(default=None, max_length=9)
    """Who did it; null: the service itself, on the day that was set."""
    reason: str | None = Field(default=None, max_length=2000)
    detail: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    recorded_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs={"server_default": sa.func.clock_timestamp()})


class Covered(Table, table=True):
    """That an accession orders for an organisation from a day. Only ever added to: of two rows for the same
    organisation and first day the later one holds, so that a last day is set by another row with its reason."""

    __tablename__ = "accession_covered"
    __table_args__ = (sa.Index("ix_accession_covered_accession_id", "accession_id"),)
    id: int | None = Field(default=None, primary_key=True)
    accession_id: int = Field(foreign_key="accession.id")
    organisation_id: UUID
    number: str = Field(max_length=9)
    name: str = Field(max_length=200)
    from_on: date
    to_on: date | None = None
    reason: str = Field(max_length=2000)
    recorded_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs={"server_default": sa.func.clock_timestamp()})


class AccessionNotFound(NotFound):
    """You see no accession with this id."""


class AccessionExists(Conflict):
    """The organisation has an accession to this agreement already."""


class AlreadyCovered(Conflict):
    """The accession orders for this organisation on that day already."""


class CoverageNotFound(NotFound):
    """The accession does not order for this organisation."""


def path(agreement: FrameworkAgreement, row: Accession) -> str:
    return f"/framework-agreements/{agreement.slug}/accessions/{row.uuid}"


def terms(agreement: FrameworkAgreement) -> rules.Terms:
    return rules.Terms(
        agreement.state,
        agreement.starts_on,
        agreement.ends_on,
        agreement.accession_from_on,
        agreement.accession_to_on,
        agreement.accession_notice_days,
    )


def joinable(session: Session, slug: str, organisation: str) -> FrameworkAgreement:
    """The agreement, locked before any accession to it is; one that has not been announced is its owner's alone."""
    found = frameworks.by_slug(session, slug, locked=True)
    frameworks.visible(session, slug, organisation)
    return found


def named(session: Session, agreement: FrameworkAgreement, number: str) -> Participant | None:
    """The organisation as the announced list names it."""
    query = select(Participant).where(col(Participant.framework_id) == agreement.id, col(Participant.number) == number)
    return session.exec(query).one_or_none()


def named_ids(session: Session, agreement: FrameworkAgreement) -> set[UUID]:
    return {one.organisation_id for one in frameworks.participants(session, agreement.id or 0)}


def add(
    session: Session,
    caller: Caller | None,
    agreement: FrameworkAgreement,
    row: Accession,
    covered: Iterable[Party] = (),
    *,
    from_on: date,
) -> Accession:
    """A draft, with those it will order for from a day."""
    session.add(row)
    try:
        session.flush()
    except IntegrityError:
        raise AccessionExists(f"{row.name} has one that is not over; withdraw or end it first.") from None
    assert row.id
    _list(session, row, covered, from_on, None, "Listed when the accession was drafted")
    _happened(session, caller, agreement, row, REGISTER, None, {"basis": row.basis, "binding": row.binding})
    return row


def seen(session: Session, agreement: FrameworkAgreement, uuid: UUID, organisation: str) -> Accession:
    """An accession whole, for the organisation that accedes and for the agreement's owner; for others there is none."""
    return _one(session, agreement, uuid, organisation, locked=False)


def locked(session: Session, agreement: FrameworkAgreement, uuid: UUID, organisation: str) -> Accession:
    """The same for a change. The agreement's row is locked before it, always."""
    return _one(session, agreement, uuid, organisation, locked=True)


def _one(session: Session, agreement: FrameworkAgreement, uuid: UUID, organisation: str, *, locked: bool) -> Accession:
    query = select(Accession).where(col(Accession.framework_id) == agreement.id, col(Accession.uuid) == uuid)
    found = session.exec(query.with_for_update() if locked else query).one_or_none()
    if found is None or organisation not in (found.number, agreement.owner_number):
        raise AccessionNotFound(f"No accession {uuid} that is yours or to an agreement of yours.")
    return found


def acceding(row: Accession, organisation: str) -> Accession:
    """The accession, for a step that its owner cannot take."""
    if row.number != organisation:
        raise rules.NotAcceding(f"It is {row.name} that accedes.")
    return row


def page(
    session: Session,
    agreement: FrameworkAgreement,
    organisation: str | None,
    after: Sequence[Any] | None,
    limit: int,
    state: State | None,
) -> Sequence[Accession]:
    """By organisation number: those that are open, for everybody; all for the owner, its own for each organisation."""
    here = Accession
    query = select(here).where(col(here.framework_id) == agreement.id)
    if organisation != agreement.owner_number:
        query = query.where(col(here.state).in_(rules.OPEN) | (col(here.number) == organisation))
    if state:
        query = query.where(col(here.state) == state)
    if after:
        query = query.where(sa.tuple_(col(here.number), col(here.uuid)) > (after[0], after[1]))
    return session.exec(query.order_by(col(here.number), col(here.uuid)).limit(limit + 1)).all()


def move(
    session: Session,
    caller: Caller | None,
    agreement: FrameworkAgreement,
    row: Accession,
    event: Event,
    reason: str | None = None,
    **detail: Any,
) -> None:
    """One step of the state table, told to both parties. The row is locked; the step was found allowed."""
    row.state = rules.after(row.state, event)
    _happened(session, caller, agreement, row, event, reason, detail)


def cover(
    session: Session,
    caller: Caller,
    agreement: FrameworkAgreement,
    row: Accession,
    one: Party,
    from_on: date,
    reason: str,
) -> None:
    """Order for one more organisation from a day, or for one again whose last day is before it."""
    assert row.id
    listed = [known for known in covered(session, [row.id])[row.id] if known.number == one.number]
    if any(known.to_on is None or known.to_on >= from_on for known in listed):
        raise AlreadyCovered(f"{one.name} is listed for {from_on}.")
    _list(session, row, [one], from_on, None, reason)
    _cover_told(session, caller, agreement, row, one.number, reason, from_on=from_on.isoformat())


def uncover(
    session: Session,
    caller: Caller,
    agreement: FrameworkAgreement,
    row: Accession,
    number: str,
    to_on: date,
    reason: str,
) -> None:
    """Order for an organisation to a day and no longer; not at all, when it was to begin after that."""
    assert row.id
    going_on = [one for one in covered(session, [row.id])[row.id] if one.number == number and one.to_on is None]
    if not going_on:
        raise CoverageNotFound(f"{number} is not listed, or its last day is set.")
    one = going_on[-1]
    _list(session, row, [Party(one.organisation_id, one.number, one.name)], one.from_on, to_on, reason)
    _cover_told(session, caller, agreement, row, number, reason, to_on=to_on.isoformat())


def _cover_told(
    session: Session,
    caller: Caller,
    agreement: FrameworkAgreement,
    row: Accession,
    number: str,
    reason: str,
    **days: str,
) -> None:
    _happened(session, caller, agreement, row, COVER, reason, {"covered": number, **days}, number)


def _list(
    session: Session, row: Accession, parties: Iterable[Party], from_on: date, to_on: date | None, reason: str
) -> None:
    rows = [
        {
            "accession_id": row.id,
            "organisation_id": one.id,
            "number": one.number,
            "name": one.name,
            "from_on": from_on,
            "to_on": to_on,
            "reason": reason,
        }
        for one in parties
    ]
    if rows:
        session.execute(sa.insert(Covered), rows)


def _happened(
    session: Session,
    caller: Caller | None,
    agreement: FrameworkAgreement,
    row: Accession,
    event: str,
    reason: str | None,
    detail: dict[str, Any],
    *others: str,
) -> None:
    session.flush()
    assert row.id
    here = AccessionEvent
    last = session.exec(select(sa.func.max(col(here.sequence))).where(col(here.accession_id) == row.id)).one()
    session.execute(
        sa.insert(AccessionEvent),
        {
            "accession_id": row.id,
            "sequence": (last or 0) + 1,
            "event": str(event),
            "state": row.state,
            "organisation": caller.organisation if caller else None,
            "reason": reason,
            "detail": detail or None,
        },
    )
    where = path(agreement, row)
    audit.record(session, caller, f"accession.{event}", where, state=row.state, reason=reason, **detail)
    for told in dict.fromkeys((row.number, agreement.owner_number, *others)):
        feed.tell(
            session,
            f"accession.{event}",
            where,
            told,
            id=str(row.uuid),
            framework_agreement=agreement.slug,
            organisation_number=row.number,
            state=row.state,
            **detail,
        )


def events(session: Session, row: Accession) -> Sequence[AccessionEvent]:
    query = select(AccessionEvent).where(col(AccessionEvent.accession_id) == row.id)
    return session.exec(query.order_by(col(AccessionEvent.sequence))).all()


_COVERED = sa.text(
    "SELECT DISTINCT ON (accession_id, number, from_on) * FROM accession_covered "
    "WHERE accession_id = ANY(:ids) ORDER BY accession_id, number, from_on, id DESC"
)


def covered(session: Session, accession_ids: Sequence[int]) -> dict[int, list[Covered]]:
    """What holds of each accession's list, by number and first day; those to come and those that are over as well."""
    found: dict[int, list[Covered]] = {one: [] for one in accession_ids}
    for row in session.execute(_COVERED, {"ids": list(accession_ids)}):
        found[row.accession_id].append(Covered(**row._mapping))
    return found


_OPEN_ON = sa.text(
    "SELECT a.id, p.organisation_id, a.number, a.name, a.basis FROM accession a JOIN participant p "
    "ON p.id = a.participant_id WHERE a.participant_id = :participant_id AND a.state IN ('active', 'leaving') "
    "AND a.starts_on <= :on AND (a.ends_on IS NULL OR :on <= a.ends_on)"
)


def covered_on(session: Session, participant_id: int, on: date) -> dict[str, tuple[UUID, str]]:
    """Whom a participant may order for on a day, itself among them if so: number → (organisation id, name). Nobody,
    when its accession is not open that day."""
    row = session.execute(_OPEN_ON, {"participant_id": participant_id, "on": on}).one_or_none()
    if row is None:
        return {}
    listed = {
        one.number: (one.organisation_id, one.name)
        for one in covered(session, [row.id])[row.id]
        if one.from_on <= on and (one.to_on is None or on <= one.to_on)
    }
    return rules.covers(Basis(row.basis), (row.organisation_id, row.number, row.name), listed)


def start_due(session: Session, today: date) -> int:
    """What is approved begins on its day, while its agreement takes accessions. → how many did"""
    here = Accession
    due = _due(session, rules.JOINABLE, col(here.state) == State.APPROVED, col(here.starts_on) <= today)
    for row, agreement in due:
        move(session, None, agreement, row, Event.START, starts_on=str(row.starts_on))
    return len(due)


def end_due(session: Session, today: date) -> int:
    """What is leaving ends after its last day, and what is open with its agreement. Call-offs placed before stand.
    → how many did"""
    here = Accession
    due = [
        *_due(session, rules.NOT_OVER, col(here.state) == State.LEAVING, col(here.ends_on) < today),
        *_due(session, rules.OVER, col(here.state).in_(rules.OPEN)),
    ]
    for row, agreement in due:
        row.ends_on = min(row.ends_on or today, today)
        move(session, None, agreement, row, Event.END, ends_on=row.ends_on.isoformat())
    return len(due)


def _due(
    session: Session, states: frozenset[AgreementState], *conditions: Any
) -> list[tuple[Accession, FrameworkAgreement]]:
    """Locked, passing over what somebody is changing in this moment: it is looked at again soon."""
    query = (
        select(Accession, FrameworkAgreement)
        .join(FrameworkAgreement, col(FrameworkAgreement.id) == col(Accession.framework_id))
        .where(*conditions, col(FrameworkAgreement.state).in_(states))
        .order_by(col(Accession.id))
        .with_for_update(of=Accession, skip_locked=True)
    )
    return [(row, agreement) for row, agreement in session.exec(query).all()]
