"""What the ledger has posted of a call-off, posting by posting."""

from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Session

from services.agreements.part_bills.rules import Posting

# VAT is reckoned on what is posted of each line so far, half up, as the order reckons it; a posting's VAT is what that
# sum grows by.
_POSTINGS = sa.text(
    """
    WITH posted AS (
        SELECT e.id, e.effective_on, e.cause, l.position,
               sum(l.posted) OVER (PARTITION BY l.item ORDER BY e.id, l.position) AS so_far, l.posted,
               coalesce((SELECT max(o.vat_percent) FROM calloffline o
                          WHERE o.call_off_id = c.id AND o.version = c.version AND o.item = l.item), 0) AS vat_percent
          FROM entry e JOIN entryline l ON l.entry_id = e.id JOIN calloff c ON c.id = e.call_off_id
         WHERE e.call_off_id = :call_off_id AND l.posted <> 0
    )
    SELECT id, effective_on, cause, sum(posted) AS net,
           sum(round(so_far * vat_percent / 100, 2) - round((so_far - posted) * vat_percent / 100, 2)) AS vat
      FROM posted GROUP BY id, effective_on, cause ORDER BY id
    """
)


def postings(session: Session, call_off_id: int) -> list[Posting]:
    """In the order in which they were entered."""
    return [
        Posting(row.effective_on, row.cause, Decimal(row.net), Decimal(row.vat))
        for row in session.execute(_POSTINGS, {"call_off_id": call_off_id})
    ]
