"""What recipients have done about signing, and the letters that bring what they signed."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col

from services.chassis.clock import OSLO
from services.chassis.db import INSTANT, choice
from services.integration.sandbox.db import Table
from services.integration.sandbox.signings import rules
from services.integration.sandbox.signings.rules import Step
from services.integration.sandbox.submissions import placing
from services.integration.sandbox.submissions.rules import Submission
from services.integration.sandbox.svarut import store as letters
from services.integration.sandbox.svarut.rules import Kind, Part
from services.integration.sandbox.svarut_accounts import store as accounts
from services.integration.sandbox.svarut_time.store import Clock


class SvarutSigning(Table, table=True):
    """One step that a recipient has taken."""

    __tablename__ = "svarut_signing"

    id: int | None = Field(default=None, primary_key=True)
    letter: UUID = Field(foreign_key="svarut_letter.letter_id", index=True)
    step: Step = Field(sa_type=choice(Step))
    text: str = Field(max_length=300)
    at: datetime = Field(sa_type=INSTANT)


def history(session: Session, id: UUID, clock: Clock) -> list[tuple[Step, str, datetime]]:
    """Oldest first; empty when there is nothing to sign."""
    letter, told = letters.one(session, id, clock), letters.forsendelse(session, id)
    signing = told.get("signering")
    if not signing:
        return []
    expires = datetime.fromisoformat(signing["signeringUtloper"])
    registered = (
        f"Signeringsoppdrag av type {signing['signaturType']} registrert og utløper {expires.astimezone(OSLO):%d.%m.%Y}"
    )
    rows = session.execute(
        sa.select(col(SvarutSigning.step), col(SvarutSigning.text), col(SvarutSigning.at))
        .where(col(SvarutSigning.letter) == id)
        .order_by(col(SvarutSigning.id))
    )
    log = [(Step.REGISTERED, registered, letter.received_at), *((row.step, row.text, row.at) for row in rows)]
    if log[-1][0] not in rules.ENDS:
        end = rules.end_by_itself(letter.status, letter.changed_at, expires, clock.now(session))
        if end is Step.REJECTED:
            log.append((end, "Forsendelsen er avvist, og kan ikke signeres.", letter.changed_at))
        elif end:
            log.append((end, "Fristen for å signere har gått ut.", expires))
    return log


def start(session: Session, id: UUID, clock: Clock) -> None:
    """The recipient looks at what is to be signed; once is enough."""
    if _open(session, id, clock)[-1][0] is Step.REGISTERED:
        _add(session, id, Step.STARTED, "Mottaker starter signeringsoppdraget.", clock)


def refuse(session: Session, id: UUID, clock: Clock) -> None:
    """Nothing goes back to the sender, who sees it here alone."""
    start(session, id, clock)
    _add(session, id, Step.REFUSED, "Mottaker har avvist signeringsoppdraget.", clock)


def sign(session: Session, id: UUID, clock: Clock) -> UUID:
    """→ the id of the letter that brings the signed document to whoever answers are sent to"""
    start(session, id, clock)
    told = letters.forsendelse(session, id)
    number = next(place for place, one in enumerate(told["dokumenter"], start=1) if one.get("skalSigneres"))
    filename, media_type, content = letters.content(session, id, number)
    account = accounts.of_konto(session, letters.konto_of(session, id))
    answer: dict[str, Any] = {
        "tittel": f"Signert: {told['tittel']}"[:1000],
        "mottaker": {name: told["svarSendesTil"][name] for name in ("navn", "digitalId")},
        "avgivendeSystem": "SvarUt",
        "svarPaForsendelseId": str(id),
        "forsendelsestype": rules.SIGNED_TYPE,
        "dokumenter": [{"filnavn": filename, "mimeType": media_type}],
    }
    submission = Submission(Kind.ORGANISATION, answer, [Part(filename, content)])
    made = placing.place(session, clock, account, submission)
    text = f"Mottaker har fullført signeringsoppdraget og svar er sendt tilbake til avsender. Referanse: {made}"
    _add(session, id, Step.COMPLETED, text, clock)
    return made


def _open(session: Session, id: UUID, clock: Clock) -> list[tuple[Step, str, datetime]]:
    """The history of a signing that has not ended, of a letter that nobody else changes meanwhile."""
    letters.lock(session, id)
    log = history(session, id, clock)
    if not log or log[-1][0] in rules.ENDS:
        raise rules.NothingToSign(f"Forsendelsen {id} kan ikke signeres.")
    return log


def _add(session: Session, id: UUID, step: Step, text: str, clock: Clock) -> None:
    session.add(SvarutSigning(letter=id, step=step, text=text, at=clock.now(session)))
    session.flush()
