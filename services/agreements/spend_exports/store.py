"""What was posted, added up from the ledger's entries by period."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from services.agreements.entries import store as entries
from services.agreements.frameworks.store import FrameworkAgreement, Lot, Participant
from services.agreements.ledger.store import Entry, EntryLine
from services.agreements.places.store import Place
from services.agreements.spend_exports.rules import MOST_ROWS, PERIOD, POSTED, By, Period, SpendReportTooLong

_PERIODS = {Period.MONTH: "'YYYY-MM'", Period.QUARTER: "'YYYY\"-Q\"Q'", Period.YEAR: "'YYYY'"}
_KEYS: dict[By, tuple[str, sa.SQLColumnExpression[Any]]] = {
    By.FRAMEWORK_AGREEMENT: ("framework_agreement", col(FrameworkAgreement.slug)),
    By.LOT: ("lot", col(Lot.slug)),
    By.SUPPLIER: ("supplier_organisation_number", col(Entry.supplier)),
    By.BUYER: ("buyer_organisation_number", col(Entry.buyer)),
    By.COMPONENT: ("component", sa.func.coalesce(col(EntryLine.component), sa.literal_column("''"))),
    By.ITEM: ("item", col(EntryLine.item)),
}
_NAMES: dict[By, tuple[str, sa.SQLColumnExpression[Any]]] = {
    By.SUPPLIER: ("supplier_name", sa.func.max(col(Place.name))),
    By.BUYER: ("buyer_name", sa.func.max(col(Participant.name))),
}
"""An organisation may have been called otherwise under another agreement; it is one row all the same."""
_SOURCE = (
    sa.join(Entry, EntryLine, col(EntryLine.entry_id) == col(Entry.id))
    .join(FrameworkAgreement, col(FrameworkAgreement.id) == col(Entry.framework_id))
    .join(Lot, col(Lot.id) == col(Entry.lot_id))
    .join(Place, col(Place.id) == col(Entry.place_id))
    .join(Participant, col(Participant.id) == col(Entry.participant_id))
)


def rows(
    session: Session, by: Sequence[By], period: Period, asked: entries.Selection, organisation: str
) -> Sequence[sa.RowMapping]:
    """Groups of what the organisation sees entry by entry, ordered by period and keys."""
    keys = [
        (PERIOD.name, sa.func.to_char(col(Entry.effective_on), sa.literal_column(_PERIODS[period]))),
        *(_KEYS[one] for one in by),
    ]
    labels = [sa.text(name) for name, _ in keys]
    query = (
        sa.select(
            *(column.collate("C").label(name) for name, column in keys),
            *(_NAMES[one][1].label(_NAMES[one][0]) for one in by if one in _NAMES),
            sa.func.sum(col(EntryLine.posted)).label(POSTED.name),
        )
        .select_from(_SOURCE)
        .where(entries.seen(session, organisation), *entries.selected(asked), col(EntryLine.posted) != 0)
        .group_by(*(sa.text(str(place)) for place in range(1, len(keys) + 1)))
        .order_by(*labels)
        .limit(MOST_ROWS + 1)
    )
    found = session.execute(query).mappings().all()
    if len(found) > MOST_ROWS:
        raise SpendReportTooLong(f"At most {MOST_ROWS} rows.")
    return found
