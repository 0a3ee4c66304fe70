"""The questions asked of results across certificates."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from services.catalog.certificates import rules as certification
from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import Assurance, Outcome

# By way of the certificates in their order, so that a page costs what is on it.
_PAGE = sa.text(
    """
    SELECT c.id, c.number, c.subject_kind, p.slug AS product, o.organisation_number AS holder, o.name AS holder_name,
           :specification AS specification, v.label AS specification_version, r.code AS requirement, r.obligation,
           r.outcome, r.reason, r.evidence, r.assurance, r.tool, r.tool_version, r.tester, r.tested_on, r.lifetime_days
      FROM certificate c
      JOIN specificationversion v ON v.id = c.specification_version_id
      LEFT JOIN product p ON p.id = c.product_id
      JOIN organisation o ON o.id = COALESCE(p.supplier_id, c.holder_id)
     CROSS JOIN LATERAL (
        SELECT DISTINCT ON (f.requirement_id) f.*, q.code, q.obligation
          FROM result f JOIN requirement q ON q.id = f.requirement_id
         WHERE f.certificate_id = c.id AND (CAST(:requirement AS text) IS NULL OR q.code = :requirement)
         ORDER BY f.requirement_id, f.recorded_at DESC, f.id DESC
     ) r
     WHERE v.specification_id = (SELECT id FROM specification WHERE slug = :specification)
       AND (CAST(:version AS text) IS NULL OR v.label = :version)
       AND c.number >= :number AND (c.number, r.code) > (:number, :code)
       AND (CAST(:outcome AS text) IS NULL OR r.outcome = :outcome)
       AND (CAST(:assurance AS text) IS NULL OR r.assurance = :assurance)
     ORDER BY c.number, r.code LIMIT :rows
    """
)


def page(
    session: Session,
    after: list[Any] | None,
    limit: int,
    *,
    specification: str,
    version: str | None,
    requirement: str | None,
    outcome: Outcome | None,
    assurance: Assurance | None,
) -> Sequence[sa.Row[Any]]:
    """What counts of each requirement and certificate, by the certificate's number and the requirement's id; limit + 1
    rows."""
    number, code = after or ("", "")
    values = {
        "number": number,
        "code": code,
        "specification": specification,
        "version": version,
        "requirement": requirement,
        "outcome": outcome.value if outcome else None,
        "assurance": assurance.value if assurance else None,
        "rows": limit + 1,
    }
    return session.execute(_PAGE, values).all()


def statuses(session: Session, ids: set[int], on: date, now: datetime) -> dict[int, certification.Status]:
    """What each certificate is worth on a day."""
    found = {
        id: certification.status_on(history, on, now) for id, history in certificates.histories(session, ids).items()
    }
    return {id: status for id, status in found.items() if status is not None}
