"""The integration service's seed data: a few fictional letters of Brønnøy, kept as any others are."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, select

from services.chassis.db import Database
from services.chassis.values import seed_id
from services.integration.accounts import store as accounts
from services.integration.dispatches import store
from services.integration.dispatches.rules import Event, State
from services.integration.dispatches.shapes import BRONNOY, EXAMPLE_PDF
from services.integration.replies import rules as reply_rules
from services.integration.replies import store as replies
from services.integration.replies.rules import Listed

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


JOINT_UNIT = "100000008"
REPLIES = {
    "eksempel-svar-1": (BRONNOY, "Svar på eksempelbrev (fiktivt)", "eksempel-brev-1", None),
    "eksempel-svar-2": (BRONNOY, "Eksempelsvar som kan hentes igjen (fiktivt)", None, "It is for another key."),
    "eksempel-svar-3": (BRONNOY, "Eksempelsvar som kan gis opp (fiktivt)", None, "It is for another key."),
    "eksempel-svar-4": (JOINT_UNIT, "Svar på bestilling (fiktivt)", None, None),
}
"""By name: whose it is, title, which letter it answers, and why it cannot be read. The last one answers an order's
letter in the seed of agreements."""


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
        for name, (organisation, title, answers, why) in REPLIES.items() if made_up else ():
            if _add_reply(session, name, organisation, title, answers, why):
                tell(f"reply {name}: {why or 'received'}")


def _add_reply(
    session: Session, name: str, organisation: str, title: str, answers: str | None, why: str | None
) -> bool:
    external_id = seed_id(f"svarinn:{name}")
    if session.exec(select(col(replies.Reply.id)).where(col(replies.Reply.external_id) == external_id)).first():
        return False
    listed = Listed(
        id=external_id,
        title=title,
        download_url="",
        sent_at=SENT_AT + timedelta(days=1),
        recipient_number=organisation,
        sender_name="Fjordvakt Velferd AS (fiktiv)",
        sender_number="100000016",
        answers_to=seed_id(f"svarut:{answers}") if answers else None,
    )
    (row,) = replies.note(session, "samvirke", organisation, [listed], uuids={external_id: seed_id(f"reply:{name}")})
    if why:
        replies.fail(session, row.uuid, why)
    else:
        document = reply_rules.document(None, "svar.pdf", 1, EXAMPLE_PDF, hashes=False)
        replies.receive(session, row.uuid, [replace(document, media_type="application/pdf")])
    replies.told(session, row.uuid, row.state)
    return True
