"""Fictional decisions on the seeded applications that have been assessed."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, select

from services.catalog.decisions import rules
from services.catalog.decisions.store import Decision
from services.catalog.grants import store as grants
from services.catalog.seed.applications import acting
from services.catalog.seed.files import told
from services.chassis import clock
from services.chassis.values import seed_id


def load(session: Session, new: list[dict[str, Any]], decided_by: Sequence[str]) -> int:
    known = set(session.exec(select(Decision.uuid)))
    missing = [one for one in new if seed_id(f"certification-decision:{one['application']}") not in known]
    for one in missing:
        now = datetime.fromisoformat(one["decided_at"])
        grants.decide(
            session,
            seed_id(f"certification-application:{one['application']}"),
            rules.Decision(rules.Outcome(one["outcome"]), _day(one["valid_from_on"]), _day(one["valid_to_on"])),
            reason=one["reason"],
            caller=acting(decided_by[0], decided_by[1], "certification.decide"),
            at=now,
            today=clock.on(now),
            id=seed_id(f"certification-decision:{one['application']}"),
        )
    return told(session, "certification-decision.seed", "/certification-decisions", len(missing))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
