"""Which contracts of an organisation outlast the certificates of what they are about."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from services.catalog.adoptions import store as adoptions
from services.catalog.adoptions.rules import Claim, Environment, Status
from services.catalog.adoptions.store import HERE
from services.catalog.certificates import rules as certification
from services.catalog.certificates import store as certificates
from services.catalog.contract_gaps import rules
from services.catalog.contract_gaps.rules import Gap, Held
from services.catalog.products.store import Product
from services.catalog.supply_contracts.rules import Terms
from services.catalog.supply_contracts.store import SupplyContract

_NOT_ENDED = [one for one in Status if one is not Status.ENDED]


@dataclass(frozen=True)
class Found:
    """The gaps of one adoption's contract, against one specification."""

    adoption: UUID
    product: str
    version: str | None
    environment: Environment
    terms: Terms
    specification: str | None
    certified_until_on: date | None
    gaps: Sequence[Gap]


_HELD = sa.text(
    f"""
    SELECT c.product_id, c.number, s.slug AS specification, {certificates.HISTORY}
      FROM certificate c
      JOIN specificationversion v ON v.id = c.specification_version_id
      JOIN specification s ON s.id = v.specification_id
     WHERE c.product_id = ANY(:products)
       AND (CAST(:specifications AS text[]) IS NULL OR s.slug = ANY(:specifications))
     ORDER BY c.number
    """  # noqa: S608  # put together from our own constants only
)


def of(
    session: Session,
    organisation_ids: Collection[int],
    specifications: Sequence[str],
    *,
    today: date,
    now: datetime,
) -> list[Found]:
    """By adoption: of what the organisations say that they use of the catalogue's products, with a contract. All at
    once, since an organisation has some hundreds at the most; three queries. Against the specifications named, or else
    each that the product has, or had, a certificate for."""
    query = adoptions.selected(
        adoptions.Day(), today, organisations=organisation_ids, status=_NOT_ENDED, claims=[Claim.CONFIRMED]
    )
    contract = SupplyContract
    query = query.join(contract, col(contract.adoption_id) == HERE.id).where(HERE.product_id.is_not(None))
    query = query.with_only_columns(
        HERE.uuid,
        HERE.product_id,
        HERE.version,
        HERE.environment,
        col(Product.slug).label("product"),
        col(contract.ends_on),
        col(contract.notice_by_on),
        col(contract.option_months),
        col(contract.option_count),
    )
    rows = session.execute(query.order_by(HERE.uuid)).all()
    held = _held(session, {row.product_id for row in rows}, specifications, today, now)
    found: list[Found] = []
    for row in rows:
        terms = Terms(row.ends_on, row.notice_by_on, row.option_months, row.option_count)
        by_specification = held[row.product_id]
        against: Sequence[str | None] = specifications or sorted(by_specification) or [None]
        for specification in against:
            certified = by_specification.get(specification, []) if specification else []
            gaps = rules.gaps(certified, row.version, ends_on=terms.ends_on, last_end_on=terms.last_end_on, today=today)
            if gaps:
                until = rules.cover(certified, row.version, today).until_on
                found.append(
                    Found(row.uuid, row.product, row.version, row.environment, terms, specification, until, tuple(gaps))
                )
    return found


def _held(
    session: Session, product_ids: Collection[int], specifications: Sequence[str], today: date, now: datetime
) -> dict[int, dict[str, list[Held]]]:
    """Product → specification → its certificates as they stand today."""
    found: dict[int, dict[str, list[Held]]] = defaultdict(lambda: defaultdict(list))
    values = {"products": list(product_ids), "specifications": list(specifications) or None}
    for row in session.execute(_HELD, values):
        history = certificates.history_of(row)
        stands = certification.standing(history, today, now)
        if stands:
            found[row.product_id][row.specification].append(
                Held(row.number, stands.status, stands.scope, stands.validity, rules.unmet(history))
            )
    return found
