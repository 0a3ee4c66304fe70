"""The integration service's seed data: a few fictional letters of Brønnøy, kept as any others are."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlmodel import col, select

from services.chassis.db import Database
from services.chassis.values import seed_id
from services.integration.accounts import store as accounts
from services.integration.dispatches import store
from services.integration.dispatches.rules import Event, State
from services.integration.dispatches.shapes import BRONNOY, EXAMPLE_PDF

SENT_AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
DELIVERED = (Event.HAND_OVER, Event.ACCEPT, Event.NOTIFY, Event.READ)
LETTERS = {
    "eksempel-brev-1": ("Eksempelbrev (fiktivt)", DELIVERED),
    "eksempel-brev-2": ("Eksempelbrev som kan prøves igjen (fiktivt)", (Event.REJECT,)),
    "eksempel-brev-3": ("Eksempelbrev som kan gis opp (fiktivt)", (Event.REJECT,)),
    "eksempel-brev-4": ("Eksempelbrev som kan sendes på annen måte (fiktivt)", (Event.REJECT,)),
    "eksempel-brev-5": ("Eksempelbrev som kan trekkes tilbake (fiktivt)", (Event.REJECT,)),
}
"""By reference: title, and what happened. Nothing of it reached SvarUT; the failed ones wait for an administrator."""


def load(database: Database, *, tell: Callable[[str], None], made_up: bool = True) -> None:
    """Load what is not there yet; a second time changes nothing. Nothing of it is real."""
    with database.writing() as session:
        if made_up:
            accounts.know(session, seed_id("svarut-konto"))
        for reference, (title, happened) in LETTERS.items() if made_up else ():
            id = seed_id(f"dispatch:{reference}")
            if session.exec(select(col(store.Dispatch.id)).where(col(store.Dispatch.uuid) == id)).first():
                continue
            letter = store.NewLetter(
                reference,
                "100000016",
                "Fjordvakt Velferd AS (fiktiv)",
                title,
                [("eksempelbrev.pdf", "application/pdf", EXAMPLE_PDF)],
            )
            row, _ = store.add(session, None, BRONNOY, letter, uuid=id)
            for step, event in enumerate(happened):
                if event is Event.HAND_OVER:
                    row.external_id = str(seed_id(f"svarut:{reference}"))
                told = "Ugyldig innhold (fiktivt eksempel)" if event is Event.REJECT else None
                store.move(session, None, row, event, detail=told, occurred_at=SENT_AT + timedelta(minutes=10 * step))
            if row.state is State.READ:
                row.external_status = "LEST"
            tell(f"dispatch {reference}: {row.state}")
