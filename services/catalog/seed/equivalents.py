"""Fictional equivalent evidence: one confirmed, one that waits."""

from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from services.catalog.equivalents import store
from services.catalog.equivalents.rules import EventKind
from services.catalog.products import store as products
from services.catalog.seed.files import told
from services.catalog.specifications import store as specifications
from services.chassis import clock
from services.chassis.values import seed_id


def load(session: Session, new: list[dict[str, Any]]) -> int:
    loaded = 0
    for one in new:
        uuid = seed_id(f"equivalent:{one['name']}")
        if store.exists(session, uuid):
            continue
        product = products.find(session, one["product"])
        version = specifications.find_version(session, one["specification"], one["specification_version"])
        assert product
        assert version
        recorded_at = datetime.fromisoformat(one["recorded_at"])
        kept = store.add(
            session,
            store.Equivalent(
                uuid=uuid,
                product_id=product.id,
                specification_version_id=version.id,
                requirements=one["requirements"],
                scheme=one["scheme"],
                issuer=one["issuer"],
                issuer_country=one["issuer_country"],
                reference=one["reference"],
                valid_from_on=date.fromisoformat(one["valid_from_on"]),
                valid_to_on=date.fromisoformat(one["valid_to_on"]),
                reason=one["reason"],
                evidence=[one["evidence"]],
                recorded_at=recorded_at,
                organisation_number=one["recorded_by"],
                client=one["client"],
            ),
            clock.on(recorded_at),
        )
        for event in one["then"]:
            decided_at = datetime.fromisoformat(event["recorded_at"])
            store.record(
                session,
                kept,
                EventKind(event["kind"]),
                organisation=event["by"],
                client=event["client"],
                now=decided_at,
                today=clock.on(decided_at),
                reason=event["reason"],
            )
        loaded += 1
    return told(session, "equivalent.seed", "/equivalents", loaded)
