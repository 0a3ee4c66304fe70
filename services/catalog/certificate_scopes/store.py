"""Scopes as they are kept: what each certificate occupies, so that no second one can cover the same."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from psycopg.errors import ExclusionViolation
from sqlalchemy.dialects.postgresql import DATERANGE, NUMRANGE, ExcludeConstraint, Range
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col

from services.catalog.certificate_scopes.rules import Scope
from services.catalog.db import Table
from services.catalog.products.rules import order_key
from services.chassis.problems import Conflict


class CertificateScope(Table, table=True):
    """What a certificate occupies, so that no second one can cover the same: one row per delivery form and version, for
    as long as it is not withdrawn. A version is a point in `label`, a range of versions or all of them a part of the
    line."""

    __table_args__ = (
        ExcludeConstraint(
            *(("subject", "="), ("specification_version_id", "="), ("profile", "="), ("delivery_form", "=")),
            *(("label", "&&"), ("period", "&&")),
            name="ex_certificatescope_once",
            using="gist",
        ),
    )
    id: int = Field(default=None, primary_key=True)
    certificate_id: int = Field(foreign_key="certificate.id", index=True)
    subject: str = Field(max_length=120)
    specification_version_id: int
    profile: str = Field(default="", max_length=80)
    delivery_form: str = Field(max_length=40)
    label: Any = Field(sa_column=sa.Column(NUMRANGE, nullable=False))
    period: Any = Field(sa_column=sa.Column(DATERANGE, nullable=False))


class CertificateOverlaps(Conflict):
    """There is already a certificate of this scope for some of these days."""


@dataclass(frozen=True)
class Held:
    """Which certificate occupies, and what of: the subject in one word, and the requirements."""

    certificate_id: int
    subject: str
    specification_version_id: int
    profile: str


def leave(session: Session, certificate_id: int) -> None:
    """Give up all that a certificate occupies."""
    session.execute(sa.delete(CertificateScope).where(col(CertificateScope.certificate_id) == certificate_id))


def occupy(session: Session, held: Held, scope: Scope, from_on: date, to_on: date) -> None:
    """Take this much from a day to another; refused when another certificate has some of it."""
    rows = [
        {
            "certificate_id": held.certificate_id,
            "subject": held.subject,
            "specification_version_id": held.specification_version_id,
            "profile": held.profile,
            "delivery_form": form,
            "label": label,
            "period": Range(from_on, to_on, bounds="[]"),
        }
        for form in scope.delivery_forms or ("",)
        for label in _labels(scope)
    ]
    try:
        session.execute(sa.insert(CertificateScope), rows)
    except IntegrityError as error:
        if isinstance(error.orig, ExclusionViolation):
            raise CertificateOverlaps from None
        raise


def _labels(scope: Scope) -> Iterable[Range[int]]:
    if scope.versions is not None:
        return [Range(point, point, bounds="[]") for point in map(_point, dict.fromkeys(scope.versions))]
    ends = [None if label is None else _point(label) for label in (scope.version_from, scope.version_to)]
    return [Range(ends[0], ends[1], bounds="[]")]


def _point(label: str) -> int:
    """A version's place on a line of numbers, in the order of labels: exclusion constraints compare ranges. PostgreSQL
    reckons differences as floating-point numbers, which end at 2^1024; of a longer label the end does not count."""
    return int.from_bytes(order_key(label).encode()[:120].ljust(120, b"\0"))
