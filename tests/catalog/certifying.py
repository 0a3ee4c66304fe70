"""What happens to certificates, for tests that look at what follows from it."""

from datetime import date, datetime
from typing import Any

from services.catalog.certificates import store
from services.catalog.certificates.rules import EventKind, SubjectKind
from services.chassis import clock
from services.chassis.db import Database

BODY = "100000040"


def happen(
    database: Database, number: str, kind: EventKind, on: date | None = None, at: datetime | None = None, **more: Any
) -> int:
    """Something happens to a certificate, today if no day is given. → the event's key"""
    now = clock.now()
    with database.writing() as session:
        store.lock(session, number)
        event = store.record(
            session,
            store.by_number(session, number).id,
            kind,
            effective_on=on or clock.on(now),
            recorded_at=at or now,
            today=clock.on(now),
            reason="Prøve",
            organisation=BODY,
            client="test",
            **more,
        )
        return event.id


def granted(database: Database, like: str, from_on: date, to_on: date, *, conditions: Any = (), **changed: Any) -> str:
    """Another certificate with the subject and specification of one that there is. → its number"""
    now = clock.now()
    with database.writing() as session:
        model = session.get_one(store.Certificate, store.by_number(session, like).id)
        values = {
            "number": "",
            "product_id": model.product_id,
            "holder_id": model.holder_id,
            "subject_kind": SubjectKind.PRODUCT,
            "specification_version_id": model.specification_version_id,
            "delivery_forms": model.delivery_forms,
            "valid_from_on": from_on,
            "valid_to_on": to_on,
            "decided_by": BODY,
        }
        made = store.grant(
            session,
            store.Certificate(**values | changed),
            [],
            recorded_at=now,
            today=clock.on(now),
            reason="Prøve",
            client="test",
            conditions=conditions,
        )
        return made.number
