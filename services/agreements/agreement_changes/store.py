"""Changes of agreements as they are kept."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.agreements.agreement_changes import rules
from services.agreements.agreement_changes.rules import ChangePending, Event, Kind, Priced, State, Terms, after
from services.agreements.db import Table
from services.agreements.frameworks import store as frameworks
from services.agreements.frameworks.rules import Period
from services.agreements.frameworks.store import FrameworkAgreement
from services.agreements.places import store as places
from services.agreements.places.rules import HELD
from services.agreements.places.store import Place
from services.agreements.price_lists import store as price_lists
from services.agreements.price_terms.rules import clause
from services.chassis import audit, feed
from services.chassis.auth import Caller
from services.chassis.clock import now
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import NotFound, Problem
from services.chassis.values import new_id


class AgreementChange(Table, table=True):
    """One change: pending, then active or cancelled for good."""

    __tablename__ = "agreement_change"
    __table_args__ = (
        sa.CheckConstraint(
            "(state = 'active') = (signed_on IS NOT NULL AND effective_on IS NOT NULL)", name="active_is_signed"
        ),
        sa.Index(
            "uq_agreement_change_pending",
            "framework_id",
            unique=True,
            postgresql_where=sa.text("state = 'pending'"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    framework_id: int = Field(foreign_key="frameworkagreement.id", index=True)
    place_id: int | None = Field(default=None, foreign_key="place.id")
    """The place that it is of; None: every place of the agreement."""
    kind: Kind = Field(sa_type=choice(Kind))
    terms: dict[str, Any] = Field(sa_type=JSON)
    """As they were proposed."""
    state: State = Field(default=State.PENDING, sa_type=choice(State))
    proposed_by: str = Field(max_length=9)
    reason: str = Field(max_length=2000)
    proposed_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    signed_on: date | None = None
    effective_on: date | None = None
    """From which day it holds; until it is active, the day that is proposed."""
    ended_reason: str | None = Field(default=None, max_length=2000)
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)


class ChangeNotFound(NotFound):
    """The framework agreement has no such change."""


def add(session: Session, agreement: FrameworkAgreement, row: AgreementChange, caller: Caller | None) -> None:
    """One pending change for each agreement, which is locked."""
    session.add(row)
    try:
        session.flush()
    except IntegrityError:
        raise ChangePending from None
    _told(session, agreement, row, "propose", caller, row.reason)


def of(session: Session, framework_id: int) -> Sequence[AgreementChange]:
    """The newest first."""
    query = select(AgreementChange).where(col(AgreementChange.framework_id) == framework_id)
    return session.exec(query.order_by(col(AgreementChange.id).desc())).all()


def by_uuid(session: Session, agreement: FrameworkAgreement, uuid: UUID) -> AgreementChange:
    query = select(AgreementChange).where(
        col(AgreementChange.framework_id) == agreement.id, col(AgreementChange.uuid) == uuid
    )
    found = session.exec(query).one_or_none()
    if found is None:
        raise ChangeNotFound(f"{agreement.slug} has no change {uuid}.")
    return found


def last_signed_on(session: Session, framework_id: int) -> date | None:
    """When the last change in force was signed."""
    query = select(sa.func.max(col(AgreementChange.signed_on))).where(col(AgreementChange.framework_id) == framework_id)
    return session.exec(query).one()


def concerned(session: Session, row: AgreementChange) -> list[Place]:
    """The places that a change is of and that are still held."""
    known = [place for place, _ in places.of(session, row.framework_id)]
    return [one for one in known if one.state in HELD and row.place_id in (None, one.id)]


def priced(session: Session, place: Place) -> Priced:
    newest = price_lists.newest(session, place.id or 0)
    return Priced(
        price_lists.lines(newest),
        price_lists.first(session, place.id or 0),
        clause(place.index_clause),
        price_lists.bounds(place),
        newest[0].valid_from_on,
    )


def visible(session: Session, slug: str, uuid: UUID, viewer: str | None) -> tuple[FrameworkAgreement, AgreementChange]:
    """A change with its agreement, for one who may see it; for others there is none."""
    agreement = frameworks.visible(session, slug, viewer)
    row = by_uuid(session, agreement, uuid)
    if not may_see(session, agreement, row, viewer):
        raise ChangeNotFound(f"{slug} has no change {uuid}.")
    return agreement, row


def may_see(session: Session, agreement: FrameworkAgreement, row: AgreementChange, viewer: str | None) -> bool:
    """Everybody what is in force; what is not, its parties and those who order under the agreement."""
    if row.state is State.ACTIVE:
        return True
    if viewer is None:
        return False
    parties = {agreement.owner_number, row.proposed_by, *(one.number for one in concerned(session, row))}
    return viewer in parties or places.acceded(session, agreement.id or 0, viewer)


def against(
    session: Session, agreement: FrameworkAgreement, row: AgreementChange, terms: Terms, today: date
) -> list[Problem]:
    """All that stands against the change, whether it is proposed, looked at beforehand or activated."""
    assert row.effective_on
    found = concerned(session, row)
    each = [priced(session, one) for one in found]
    period = Period(agreement.starts_on, agreement.ends_on, agreement.period_rationale, tuple(agreement.extensions))
    return [
        *rules.check_agreement(agreement.state),
        *rules.check_terms(terms, period),
        *([] if found else [rules.PlaceNotHeld()]),
        *rules.check_day(terms, row.effective_on, today, agreement.ends_on, [one.newest_from_on for one in each]),
        *rules.check(terms, each, row.effective_on),
    ]


def move(
    session: Session,
    agreement: FrameworkAgreement,
    row: AgreementChange,
    event: Event,
    caller: Caller,
    reason: str | None,
) -> None:
    """Take a step of the state table, on the record. The agreement is locked, and so are its changes."""
    row.state = after(row.state, event)
    row.ended_reason, row.ended_at = reason, now()
    session.flush()
    _told(session, agreement, row, event.value, caller, reason)
    if row.state is State.ACTIVE:
        assert row.effective_on
        detail = {"change": str(row.uuid), "kind": row.kind.value, "effective_on": row.effective_on.isoformat()}
        frameworks.tell(session, agreement, "change_activated", caller, reason, **detail)


def _told(
    session: Session,
    agreement: FrameworkAgreement,
    row: AgreementChange,
    event: str,
    caller: Caller | None,
    reason: str | None,
) -> None:
    """To the parties; everybody hears of a change when it is active."""
    where = f"{frameworks.path(agreement.slug)}/changes/{row.uuid}"
    audit.record(
        session, caller, f"agreement_change.{event}", where, state=row.state.value, reason=reason, terms=row.terms
    )
    for told in sorted({agreement.owner_number, *(place.number for place in concerned(session, row))}):
        feed.tell(
            session,
            f"agreement_change.{event}",
            where,
            told,
            id=str(row.uuid),
            framework_agreement=agreement.slug,
            kind=row.kind.value,
            state=row.state.value,
        )
