"""The schemes as they are kept: one for each kind of what is certified."""

from collections.abc import Sequence
from dataclasses import fields

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.schemes import rules
from services.catalog.schemes.rules import SubjectKind, Terms
from services.chassis.db import JSON, choice
from services.chassis.problems import NotFound


class Scheme(Table, table=True):
    """A migration puts in the three, so that there always is one."""

    __table_args__ = (
        sa.CheckConstraint(
            "least(completeness_days, information_days, assessment_days, decision_days, appeal_days, "
            "longest_validity_days, result_lifetime_days) > 0 AND expires_soon_days >= 0",
            name="days",
        ),
    )
    id: int = Field(default=None, primary_key=True)
    subject_kind: SubjectKind = Field(sa_column=sa.Column(choice(SubjectKind), nullable=False, unique=True))
    name: dict[str, str] = Field(sa_type=JSON)
    completeness_days: int
    information_days: int
    assessment_days: int
    decision_days: int
    appeal_days: int
    longest_validity_days: int
    expires_soon_days: int
    result_lifetime_days: int
    carry_over: bool
    appeal_to_working_day: bool
    appeal_by_another_organisation: bool
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})

    def terms(self) -> Terms:
        return Terms(**{one.name: getattr(self, one.name) for one in fields(Terms)})


class SchemeNotFound(NotFound):
    """There is no scheme for this kind."""


def every(session: Session) -> Sequence[Scheme]:
    """In the order products, suppliers, advisers."""
    found = session.exec(select(Scheme)).all()
    return sorted(found, key=lambda one: list(SubjectKind).index(SubjectKind(one.subject_kind)))


def of_kind(session: Session, kind: SubjectKind, *, changing: bool = False) -> Scheme:
    query = select(Scheme).where(col(Scheme.subject_kind) == kind)
    found = session.exec(query.with_for_update() if changing else query).one_or_none()
    if found is None:
        raise SchemeNotFound(f"There is no scheme for {kind}.")
    return found


def terms(session: Session, kind: SubjectKind) -> rules.Terms:
    return of_kind(session, kind).terms()
