"""Take-overs as they are kept: only ever added."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from services.catalog.products.rules import Step
from services.catalog.products.store import Product, TakeOver


def add(
    session: Session, product: Product, step: Step, recorded_at: datetime, organisation: str, reason: str | None
) -> None:
    session.add(
        TakeOver(
            product_id=product.id,
            supplier_id=product.supplier_id,
            step=step,
            recorded_at=recorded_at,
            organisation_number=organisation,
            reason=reason,
        )
    )


def of(session: Session, product_id: int) -> Sequence[TakeOver]:
    """What happened to a product's record, oldest first."""
    query = select(TakeOver).where(col(TakeOver.product_id) == product_id)
    return session.exec(query.order_by(col(TakeOver.id))).all()
