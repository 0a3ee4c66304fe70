"""What a joint verification asks of the database: three questions, however many products there are."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import Assurance, Outcome, SubjectKind
from services.catalog.joint_verifications.rules import Proof
from services.catalog.verifications import rules as verification
from services.catalog.verifications.rules import Held

_CERTIFICATES = sa.text(
    f"""
    SELECT p.slug AS product, p.version AS current_version, c.id, c.number, c.profile, c.specification,
           c.specification_version, {certificates.HISTORY}
      FROM product p
      LEFT JOIN (SELECT n.*, s.slug AS specification, v.label AS specification_version
                   FROM certificate n JOIN specificationversion v ON v.id = n.specification_version_id
                   JOIN specification s ON s.id = v.specification_id
                  WHERE s.id = :specification) AS c ON c.product_id = p.id
     WHERE p.slug = ANY(:products)
     ORDER BY c.number
    """  # noqa: S608  # put together from our own constants only
)
_RESULTS = sa.text(
    """
    SELECT DISTINCT ON (certificate_id, requirement_id) certificate_id, requirement_id, outcome, assurance
      FROM result
     WHERE certificate_id = ANY(:certificates) AND requirement_id = ANY(:requirements)
     ORDER BY certificate_id, requirement_id, recorded_at DESC, id DESC
    """
)


@dataclass(frozen=True)
class Known:
    """A product with its certificates against any version of the specification: (internal key, certificate)."""

    current_version: str
    held: list[tuple[int, Held]]


def products(session: Session, slugs: Collection[str], specification_id: int) -> dict[str, Known]:
    """Those of the products that the catalogue knows."""
    rows = session.execute(_CERTIFICATES, {"products": list(slugs), "specification": specification_id}).all()
    told = certificates.timelines(
        session, {row.specification_version_id for row in rows if row.specification_version_id is not None}
    )
    found: dict[str, Known] = {}
    for row in rows:
        known = found.setdefault(row.product, Known(row.current_version, []))
        if row.id is not None:
            known.held.append((row.id, _held(row, told[row.specification_version_id])))
    return found


def _held(row: Any, told: Sequence[Any]) -> Held:
    return Held(
        number=row.number,
        subject_kind=SubjectKind.PRODUCT,
        product=row.product,
        holder=None,
        role=None,
        specification=row.specification,
        specification_version=row.specification_version,
        profile=row.profile,
        profiles=(),
        history=certificates.history_of(row, told),
        assurance=verification.Assurance(0, 0, 0),
    )


def proofs(
    session: Session, certificates: Collection[tuple[int, str, str]], requirements: Collection[int]
) -> list[Proof]:
    """What certificates (internal key, number, product) have found about requirements; the newest finding of each."""
    of = {key: (product, number) for key, number, product in certificates}
    values = {"certificates": list(of), "requirements": list(requirements)}
    return [
        Proof(row.requirement_id, *of[row.certificate_id], Outcome(row.outcome), Assurance(row.assurance))
        for row in session.execute(_RESULTS, values)
    ]


def by_product(certificates: Collection[tuple[int, str, str]]) -> dict[str, list[str]]:
    """The numbers of certificates (internal key, number, product) by product."""
    found: dict[str, list[str]] = defaultdict(list)
    for _, number, product in certificates:
        found[product].append(number)
    return found
