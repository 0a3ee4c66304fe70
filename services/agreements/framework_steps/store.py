"""What a framework agreement's steps ask of, and do to, what stands under it."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from services.agreements.calloffs.rules import TERMINAL
from services.agreements.frameworks import store as frameworks
from services.agreements.frameworks.rules import Event
from services.agreements.places import store as places
from services.agreements.thresholds import rules as threshold_rules
from services.agreements.thresholds.store import Threshold

_OPEN = sa.text("SELECT count(*) FROM calloff WHERE framework_id = :id AND state <> ALL(:ended)")


def open_call_offs(session: Session, framework_id: int) -> int:
    """How many are neither closed, cancelled nor failed."""
    ended = sorted(state.value for state in TERMINAL)
    return int(session.execute(_OPEN, {"id": framework_id, "ended": ended}).scalar_one())


def expire_due(session: Session, today: date) -> int:
    """Expire every agreement whose last day has passed, and end its places; what is ordered stands. → how many"""
    due = frameworks.due_to_expire(session, today)
    for agreement in due:
        frameworks.happened(session, agreement, Event.EXPIRE, None)
        places.agreement_ended(session, agreement)
    return len(due)


def announced(
    agreement: frameworks.FrameworkAgreement,
    terms: dict[str, Any],
    known: Mapping[threshold_rules.Kind, Threshold],
    on: date,
) -> dict[str, Any]:
    """What is frozen when an agreement is announced: all its terms, and the thresholds that its estimate was measured
    against."""
    estimate = agreement.estimate
    assert estimate is not None
    relied_on = [known[kind] for kind in threshold_rules.NEEDED[agreement.contract_kind]]
    return {
        "announced_on": on.isoformat(),
        "thresholds": [
            {
                "kind": row.kind.value,
                "amount_excl_vat": f"{row.amount:.2f}",
                "valid_from_on": row.valid_from_on.isoformat(),
                "valid_to_on": row.valid_to_on.isoformat() if row.valid_to_on else None,
                "source": row.source,
                "fictional": row.fictional,
                "reached": threshold_rules.is_reached(row.amount, estimate),
            }
            for row in relied_on
        ],
        "terms": terms,
    }
