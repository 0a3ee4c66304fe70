"""Certificates as they are kept: the decision, its results with evidence, and the events that are only ever added."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from psycopg.errors import ExclusionViolation
from sqlalchemy.dialects.postgresql import ARRAY, DATERANGE, INT8RANGE, ExcludeConstraint, Range, insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.certificates import rules
from services.catalog.certificates.rules import EventKind, Outcome
from services.catalog.db import Table
from services.chassis.db import INSTANT, JSON, Database, choice
from services.chassis.problems import Conflict, NotFound


class Certificate(Table, table=True):
    __table_args__ = (sa.CheckConstraint("valid_from_on <= valid_to_on", name="period"),)
    id: int = Field(default=None, primary_key=True)
    number: str = Field(max_length=20, unique=True)
    product_id: int = Field(foreign_key="product.id", index=True)
    versions: list[str] | None = Field(default=None, sa_type=ARRAY(sa.String(40)))
    specification_version_id: int = Field(foreign_key="specificationversion.id", index=True)
    delivery_forms: list[str] = Field(sa_type=ARRAY(sa.String(40)))
    valid_from_on: date
    valid_to_on: date
    decided_by: str = Field(max_length=9)


class Result(Table, table=True):
    """What the assessment found about one requirement, with its evidence."""

    __table_args__ = (sa.UniqueConstraint("certificate_id", "requirement_id"),)
    id: int = Field(default=None, primary_key=True)
    certificate_id: int = Field(foreign_key="certificate.id")
    requirement_id: int = Field(foreign_key="requirement.id", index=True)
    outcome: Outcome = Field(sa_type=choice(Outcome))
    reason: str | None = Field(default=None, max_length=2000)
    evidence: list[dict[str, Any]] = Field(sa_type=JSON)


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


class CertificateScope(Table, table=True):
    """What a certificate occupies, so that no second one can cover the same: one row per delivery form and version, for
    as long as it is not withdrawn. A version is a point in `label`, all versions the whole line."""

    __table_args__ = (
        ExcludeConstraint(
            *(("product_id", "="), ("specification_version_id", "="), ("delivery_form", "=")),
            *(("label", "&&"), ("period", "&&")),
            name="ex_certificatescope_once",
            using="gist",
        ),
    )
    id: int = Field(default=None, primary_key=True)
    certificate_id: int = Field(foreign_key="certificate.id", index=True)
    product_id: int
    specification_version_id: int
    delivery_form: str = Field(max_length=40)
    label: Any = Field(sa_column=sa.Column(INT8RANGE, nullable=False))
    period: Any = Field(sa_column=sa.Column(DATERANGE, nullable=False))


class CertificateNumber(Table, table=True):
    """The last number given out in a year."""

    year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    last: int


class CertificateNotFound(NotFound):
    """No certificate has this number."""


class CertificateOverlaps(Conflict):
    """The product already has a certificate of this scope for some of these days."""


_EVENTS = """
       (SELECT json_agg(json_build_array(e.kind, e.effective_on, e.recorded_at) ORDER BY e.id)
          FROM certificate_event e WHERE e.certificate_id = c.id) AS events
"""
_HELD = f"""
    SELECT p.version AS current_version,
           CAST($2 AS text) IS NULL
           OR EXISTS (SELECT 1 FROM specification WHERE slug = $2) AS specification_known,
           c.number, s.slug AS specification, v.label AS specification_version, c.versions, c.delivery_forms,
           c.valid_from_on, c.valid_to_on, {_EVENTS}
      FROM product p
      LEFT JOIN certificate c ON c.product_id = p.id
      LEFT JOIN specificationversion v ON v.id = c.specification_version_id
      LEFT JOIN specification s ON s.id = v.specification_id
     WHERE p.slug = $1
    """  # noqa: S608  # put together from our own constants only
_SHOWN = f"""
    SELECT c.id, c.number, p.slug AS product, p.name AS product_name, p.supplier_id,
           o.organisation_number AS supplier_number, o.name AS supplier_name,
           s.slug AS specification, v.label AS specification_version, c.versions, c.delivery_forms, c.valid_from_on,
           c.valid_to_on, c.decided_by, {_EVENTS}
      FROM certificate c
      JOIN product p ON p.id = c.product_id
      JOIN organisation o ON o.id = p.supplier_id
      JOIN specificationversion v ON v.id = c.specification_version_id
      JOIN specification s ON s.id = v.specification_id
"""  # noqa: S608  # put together from our own constants only
_ONE = sa.text(f"{_SHOWN} WHERE c.number = :number")
_PAGE = sa.text(
    f"""{_SHOWN}
     WHERE c.number > :after
       AND (CAST(:product AS text) IS NULL OR p.slug = :product)
       AND (CAST(:suppliers AS int[]) IS NULL OR p.supplier_id = ANY(:suppliers))
     ORDER BY c.number LIMIT :rows
    """
)
_AGAINST = sa.text(
    f"""{_SHOWN}
     WHERE c.specification_version_id = ANY(:versions)
     ORDER BY c.number
    """
)
_RESULTS = sa.text(
    """
    SELECT q.code AS requirement, q.obligation, r.outcome, r.reason, r.evidence
      FROM result r JOIN requirement q ON q.id = r.requirement_id
     WHERE r.certificate_id = :id ORDER BY q.code
    """
)


@dataclass(frozen=True)
class Portfolio:
    """A product's certificates, and what else decides a verification."""

    current_version: str
    specification_known: bool
    held: list[rules.Held]


async def portfolio(database: Database, product: str, specification: str | None) -> Portfolio | None:
    """All that a verification needs, in one round trip; None when the product is unknown."""
    rows = await database.hot(_HELD, product, specification)
    if not rows:
        return None
    held = [_held(row) for row in rows if row.number is not None]
    return Portfolio(rows[0].current_version, rows[0].specification_known, held)


def _held(row: Any) -> rules.Held:
    return rules.Held(
        row.number,
        row.specification,
        row.specification_version,
        row.versions,
        row.delivery_forms,
        validity(row),
        events(row),
    )


def validity(row: Any) -> rules.Validity:
    return rules.Validity(row.valid_from_on, row.valid_to_on)


def events(row: Any) -> list[rules.Event]:
    return [
        rules.Event(EventKind(kind), date.fromisoformat(effective_on), datetime.fromisoformat(recorded_at))
        for kind, effective_on, recorded_at in row.events
    ]


def grant(
    session: Session,
    certificate: Certificate,
    results: Sequence[Result],
    *,
    recorded_at: datetime,
    today: date,
    reason: str | None,
) -> Certificate:
    """Number and keep a certificate; the rules have been looked at. Of two at once for the same scope, one is
    refused."""
    certificate.number = _next_number(session, today.year)
    session.add(certificate)
    session.flush()
    try:
        session.execute(sa.insert(CertificateScope), _scopes(certificate))
    except IntegrityError as error:
        if isinstance(error.orig, ExclusionViolation):
            raise CertificateOverlaps from None
        raise
    for result in results:
        result.certificate_id = certificate.id
    session.add_all(results)
    record(
        session,
        certificate.id,
        EventKind.GRANTED,
        effective_on=certificate.valid_from_on,
        recorded_at=recorded_at,
        today=today,
        reason=reason,
        organisation=certificate.decided_by,
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


def _scopes(certificate: Certificate) -> list[dict[str, Any]]:
    every: Range[int] = Range()
    labels = [_point(label) for label in certificate.versions] if certificate.versions else [every]
    return [
        {
            "certificate_id": certificate.id,
            "product_id": certificate.product_id,
            "specification_version_id": certificate.specification_version_id,
            "delivery_form": form,
            "label": label,
            "period": Range(certificate.valid_from_on, certificate.valid_to_on, bounds="[]"),
        }
        for form in certificate.delivery_forms
        for label in labels
    ]


def _point(label: str) -> Range[int]:
    """A version label as a point on a line of whole numbers: exclusion constraints compare ranges."""
    number = int.from_bytes(hashlib.sha256(label.encode()).digest()[:7])
    return Range(number, number, bounds="[]")


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
) -> None:
    """Add an event. A withdrawn certificate no longer stands in the way of a new one from that day on."""
    session.add(
        CertificateEvent(
            certificate_id=certificate_id,
            kind=kind,
            effective_on=effective_on,
            recorded_at=recorded_at,
            reason=reason,
            back_dated=effective_on < today,
            organisation_number=organisation,
        )
    )
    session.flush()
    if kind is EventKind.WITHDRAWN:
        session.execute(
            sa.update(CertificateScope)
            .where(col(CertificateScope.certificate_id) == certificate_id)
            .values(period=col(CertificateScope.period) * sa.cast(Range(None, effective_on), DATERANGE))
        )


def by_number(session: Session, number: str) -> sa.Row[Any]:
    found = session.execute(_ONE, {"number": number}).one_or_none()
    if found is None:
        raise CertificateNotFound(f"No certificate has the number {number!r}.")
    return found


def lock(session: Session, number: str) -> None:
    """Steps on one certificate wait for each other, so that each sees what the one before has recorded."""
    session.execute(select(Certificate.id).where(col(Certificate.number) == number).with_for_update())


def numbers(session: Session) -> set[str]:
    return set(session.exec(select(Certificate.number)))


def page(
    session: Session, after: list[Any] | None, limit: int, *, product: str | None, suppliers: list[int] | None
) -> Sequence[sa.Row[Any]]:
    values = {"after": after[0] if after else "", "product": product, "suppliers": suppliers, "rows": limit + 1}
    return session.execute(_PAGE, values).all()


def against(session: Session, version_ids: Sequence[int]) -> Sequence[sa.Row[Any]]:
    """Every certificate against these versions of specifications, whatever its status, by number."""
    return session.execute(_AGAINST, {"versions": list(version_ids)}).all()


def results(session: Session, certificate_id: int) -> Sequence[sa.Row[Any]]:
    return session.execute(_RESULTS, {"id": certificate_id}).all()


def history(session: Session, certificate_id: int) -> Sequence[CertificateEvent]:
    """What happened, in the order in which it was recorded."""
    query = select(CertificateEvent).where(col(CertificateEvent.certificate_id) == certificate_id)
    return session.exec(query.order_by(col(CertificateEvent.id))).all()
