"""Which choices a call-off has had, and who may know all of them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from services.agreements.calloffs import store as calloffs
from services.agreements.calloffs.rules import Event
from services.agreements.frameworks.store import FrameworkAgreement


@dataclass(frozen=True)
class Chosen:
    """A supplier that was asked, in one version of the call-off, for `net` NOK without VAT. `ended_by` is None for the
    one that stands."""

    version: int
    supplier: str
    supplier_name: str
    net: Decimal
    ended_by: Event | None
    choice: dict[str, Any]


def seen(session: Session, uuid: UUID, organisation: str) -> tuple[calloffs.CallOff, bool]:
    """A call-off, and whether all that its choices rested on may be seen: by its buyer, those that pay it and the
    framework owner. Its supplier sees what concerns itself; for all others there is no such call-off."""
    query = (
        select(calloffs.CallOff)
        .join(FrameworkAgreement, col(FrameworkAgreement.id) == col(calloffs.CallOff.framework_id))
        .where(col(calloffs.CallOff.uuid) == uuid, col(FrameworkAgreement.owner_number) == organisation)
    )
    owned = session.exec(query).one_or_none()
    if owned:
        return owned, True
    row = calloffs.by_uuid(session, uuid, organisation)
    return row, row.supplier != organisation


def choices(session: Session, row: calloffs.CallOff) -> list[Chosen]:
    """Of every version, oldest first; the last is the one that stands."""
    ended = [
        Chosen(one.version, one.supplier, one.supplier_name, one.net, one.ended_by, one.choice)
        for one in calloffs.versions(session, row.id or 0)
    ]
    return [*ended, Chosen(row.version, row.supplier, row.supplier_name, row.net, None, row.choice)]
