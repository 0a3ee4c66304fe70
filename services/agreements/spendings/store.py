"""Spend as the ledger tells it: sums over entries, never kept apart from them."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from services.agreements.entries import store as entries
from services.agreements.frameworks.store import FrameworkAgreement, Lot
from services.agreements.ledger.store import Entry, EntryLine
from services.agreements.spendings.rules import BY_LINE, Dimension

_KEYS: dict[Dimension, sa.SQLColumnExpression[str]] = {
    Dimension.FRAMEWORK_AGREEMENT: col(FrameworkAgreement.slug),
    Dimension.LOT: col(FrameworkAgreement.slug) + sa.literal_column("'/'") + col(Lot.slug),
    Dimension.SUPPLIER: col(Entry.supplier),
    Dimension.BUYER: col(Entry.buyer),
    Dimension.COMPONENT: sa.func.coalesce(col(EntryLine.component), sa.literal_column("''")),
    Dimension.ITEM: col(EntryLine.item),
    Dimension.MONTH: sa.func.to_char(col(Entry.effective_on), sa.literal_column("'YYYY-MM'")),
}
"""Texts, of which none is NULL, compared byte by byte: pages go on where they ended."""


def page(
    session: Session,
    by: Sequence[Dimension],
    asked: entries.Selection,
    organisation: str | None,
    after: Sequence[str] | None,
    limit: int,
) -> Sequence[sa.Row[Any]]:
    """Groups by their keys, one more than `limit`, each with the totals of all groups. With an organisation of what it
    sees entry by entry, otherwise of everything under announced agreements."""
    by_line = bool(BY_LINE & set(by))
    amounts = EntryLine if by_line else Entry
    source = sa.join(Entry, FrameworkAgreement, col(FrameworkAgreement.id) == col(Entry.framework_id))
    if Dimension.LOT in by:
        source = source.join(Lot, col(Lot.id) == col(Entry.lot_id))
    if by_line:
        source = source.join(EntryLine, col(EntryLine.entry_id) == col(Entry.id))
    visible = entries.seen(session, organisation) if organisation else col(FrameworkAgreement.announced_on).is_not(None)
    sums = {
        name: sa.func.sum(column)
        for name, column in {
            "reserved": col(amounts.reserved),
            "posted": col(amounts.posted),
            "quantity_reserved": col(EntryLine.quantity_reserved) if by_line else sa.literal_column("0"),
            "quantity_posted": col(EntryLine.quantity_posted) if by_line else sa.literal_column("0"),
        }.items()
    }
    groups = (
        sa.select(
            *(_KEYS[one].collate("C").label(f"by_{one}") for one in by),
            *(total.label(name) for name, total in sums.items()),
            sa.func.sum(sums["reserved"]).over().label("total_reserved"),
            sa.func.sum(sums["posted"]).over().label("total_posted"),
        )
        .select_from(source)
        .where(visible, *entries.selected(asked))
        .group_by(*(sa.text(f"by_{one}") for one in by))
        .subquery()
    )
    keys = [groups.c[f"by_{one}"] for one in by]
    query = sa.select(groups).order_by(*keys).limit(limit + 1)
    if after:
        query = query.where(sa.tuple_(*keys) > sa.tuple_(*after))
    return session.execute(query).all()
