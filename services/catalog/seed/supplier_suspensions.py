"""A fictional supplier that is suspended from the scheme."""

from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from services.catalog.organisations import store as organisations
from services.catalog.organisations.rules import Kind
from services.catalog.seed.files import told
from services.catalog.supplier_suspensions import store
from services.catalog.supplier_suspensions.rules import EventKind
from services.chassis import clock
from services.chassis.values import seed_id


def load(session: Session, new: dict[str, Any]) -> int:
    known = organisations.ids_by_number(session)
    missing = [one for one in new["suppliers"] if one["organisation_number"] not in known]
    for one in missing:
        supplier = organisations.new(
            one["name"],
            [Kind.SUPPLIER],
            organisation_number=one["organisation_number"],
            uuid=seed_id(f"organisation:{one['organisation_number']}"),
            fictional=True,
        )
        known[one["organisation_number"]] = organisations.add(session, supplier).id
    loaded = 0
    for one in new["supplier_suspensions"]:
        uuid = seed_id(f"supplier-suspension:{one['organisation_number']}")
        if store.exists(session, uuid):
            continue
        recorded_at, effective_on = datetime.fromisoformat(one["recorded_at"]), date.fromisoformat(one["effective_on"])
        decision = {
            "effective_on": effective_on,
            "recorded_at": recorded_at,
            "reason": one["reason"],
            "organisation_number": one["decided_by"],
            "client": one["client"],
        }
        suspension = store.SupplierSuspension(uuid=uuid, holder_id=known[one["organisation_number"]], **decision)
        session.add(suspension)
        session.flush()
        back_dated = effective_on < clock.on(recorded_at)
        session.add(
            store.SuspensionEvent(
                suspension_id=suspension.id, kind=EventKind.SUSPENDED, back_dated=back_dated, **decision
            )
        )
        loaded += 1
    return told(session, "supplier-suspension.seed", "/supplier-suspensions", loaded)
