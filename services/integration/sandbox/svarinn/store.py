"""What waits for a receiving system: SvarUT's own letters. Kept besides are what receivers tell of letters that they
could not take, and what is wrong with those that control has put there."""

import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.chassis.db import INSTANT, JSON, choice
from services.integration.sandbox.db import Table
from services.integration.sandbox.enterprise_certificates import store as authority
from services.integration.sandbox.envelopes import sealing
from services.integration.sandbox.receiving_systems import rules as systems_rules
from services.integration.sandbox.receiving_systems import store as systems
from services.integration.sandbox.receiving_systems.store import ReceivingSystem
from services.integration.sandbox.svarinn import rules
from services.integration.sandbox.svarinn.rules import Spoilt
from services.integration.sandbox.svarut import store as svarut
from services.integration.sandbox.svarut.rules import Described, Kind, Part, Status
from services.integration.sandbox.svarut.store import Letter
from services.integration.sandbox.svarut_time.store import Clock

MAY_WAIT = (Status.MOTTATT, Status.AKSEPTERT, Status.KLAR_FOR_MOTTAK)
BOMB_BYTES = 64 * 1024 * 1024
LAST_BLOCK_BUT_ONE = 5 * 2 + 18 + 1
"""Bytes before an envelope's end: five end-of-contents, a piece of one block, and the last byte of the one before."""


class Oddity(Table, table=True):
    """What is unusual about a letter that control has put into the queue."""

    __tablename__ = "svarinn_oddity"

    letter: int = Field(primary_key=True, foreign_key="svarut_letter.id")
    listed: dict[str, Any] = Field(sa_type=JSON, description="Merged into what v1 lists of it")
    spoilt: Spoilt | None = Field(default=None, sa_type=choice(Spoilt))


class Failure(Table, table=True):
    """That a receiver could not take a letter (mottakFeilet), as the sender may read it."""

    __tablename__ = "svarinn_failure"

    id: int | None = Field(default=None, primary_key=True)
    letter: int = Field(foreign_key="svarut_letter.id", index=True)
    message: str
    permanent: bool
    told_at: datetime = Field(sa_type=INSTANT)


@dataclass(frozen=True)
class Waiting:
    """A letter that waits for a receiving system."""

    key: int
    id: UUID
    title: str
    recipient_name: str
    recipient_number: str
    sender_name: str | None
    sender_number: str | None
    external_reference: str | None
    received_at: datetime
    waiting_since: datetime
    forsendelse: dict[str, Any]
    documents: tuple[dict[str, Any], ...]
    oddity: Oddity | None

    def files(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """(the file, how the letter describes it)"""
        described = self.forsendelse.get("dokumenter") or []
        for number, file in enumerate(self.documents):
            yield file, described[number] if number < len(described) else {}

    def media_type(self) -> str:
        """Of what is in the envelope."""
        if self.oddity and self.oddity.spoilt is Spoilt.BOMB:
            return rules.ZIP
        return rules.media_type([one["media_type"] for one in self.documents])


def waiting(session: Session, system: ReceivingSystem, clock: Clock, id: UUID | None = None) -> list[Waiting]:
    """The letters that wait for a system, oldest first and as many as one list holds; or the one with this id. None
    without a certificate."""
    organisations = systems.organisations(session, system.id or 0) if system.certificate else []
    filters = systems.filters(session, organisations)
    here = col(Letter.id)
    query = (
        select(Letter)
        .where(
            col(Letter.kind) == Kind.ORGANISATION,
            col(Letter.recipient_number).in_(organisations),
            col(Letter.status).in_(MAY_WAIT),
        )
        .order_by(here)
    )
    rows = session.exec(query.where(col(Letter.letter_id) == id) if id else query).all() if organisations else []
    those = [row for row in rows if systems_rules.taker(filters, *_routed_by(row)) == system.id]
    by_now = {one.id: one for one in svarut.by_ids(session, [row.letter_id for row in those], clock)}
    ready = [row for row in those if by_now[row.letter_id].status is Status.KLAR_FOR_MOTTAK][: rules.LONGEST_LIST]
    oddities = {
        one.letter: one
        for one in session.exec(select(Oddity).where(col(Oddity.letter).in_([row.id for row in ready]))).all()
    }
    return [
        Waiting(
            key=row.id or 0,
            id=row.letter_id,
            title=row.title,
            recipient_name=row.recipient_name,
            recipient_number=row.recipient_number or "",
            sender_name=row.sender_name,
            sender_number=row.sender_number,
            external_reference=row.external_reference,
            received_at=row.received_at,
            waiting_since=by_now[row.letter_id].changed_at,
            forsendelse=row.forsendelse or {},
            documents=by_now[row.letter_id].documents,
            oddity=oddities.get(row.id or 0),
        )
        for row in ready
    ]


def _routed_by(row: Letter) -> tuple[str, str | None, int]:
    told = row.forsendelse or {}
    level = 4 if told.get("sikkerhetsniva") == "HOYESTE" else 3
    return row.recipient_number or "", told.get("forsendelsestype"), level


def one(session: Session, system: ReceivingSystem, clock: Clock, id: UUID) -> Waiting:
    found = waiting(session, system, clock, id)
    if not found:
        raise rules.LetterNotWaiting
    return found[0]


def received(session: Session, system: ReceivingSystem, clock: Clock, id: UUID) -> None:
    """The receiver has the letter: it leaves the list, and its sender sees it read."""
    _locked(session, id)
    one(session, system, clock, id)
    svarut.bring_to(session, id, Status.LEST, clock)


def failed(session: Session, system: ReceivingSystem, clock: Clock, id: UUID, message: str, permanent: bool) -> None:
    """The receiver could not take it. For now: told to the sender, and it stays. For good: it goes to Altinn."""
    _locked(session, id)
    letter = one(session, system, clock, id)
    session.add(Failure(letter=letter.key, message=message, permanent=permanent, told_at=clock.now(session)))
    if permanent:
        svarut.bring_to(session, id, Status.VARSLET, clock)


def _locked(session: Session, id: UUID) -> None:
    session.execute(sa.select(col(Letter.id)).where(col(Letter.letter_id) == id).with_for_update())


def failures(session: Session, id: UUID) -> list[Failure]:
    """What receivers told of a letter, oldest first."""
    query = select(Failure).join(Letter, col(Failure.letter) == col(Letter.id)).where(col(Letter.letter_id) == id)
    return list(session.exec(query.order_by(col(Failure.id))).all())


def put(
    session: Session,
    *,
    recipient: tuple[str, str],
    sender: tuple[str, str],
    konto: UUID,
    title: str,
    external_reference: str | None,
    forsendelse: dict[str, Any],
    files: list[tuple[str, str, bytes]],
    listed: dict[str, Any],
    spoilt: Spoilt | None,
    at_once: bool,
    now: datetime,
) -> UUID:
    """A letter of another organisation, as if it had come through SvarUT; `recipient` and `sender` are (number, name).
    At once it waits already."""
    id = svarut.add(
        session,
        konto=konto,
        kind=Kind.ORGANISATION,
        title=title,
        name=recipient[1],
        number=recipient[0],
        external_reference=external_reference,
        described=[Described(name, media_type) for name, media_type, _ in files],
        parts=[Part(name, content) for name, _, content in files],
        now=now,
        forsendelse=forsendelse,
        sender_number=sender[0],
        sender_name=sender[1],
    )
    here = col(Letter.letter_id) == id
    if at_once:
        session.execute(sa.update(Letter).where(here).values(status=Status.KLAR_FOR_MOTTAK))
    if listed or spoilt:
        key = session.execute(sa.select(col(Letter.id)).where(here)).scalar_one()
        session.add(Oddity(letter=key, listed=listed, spoilt=spoilt))
    return id


def envelope(session: Session, letter: Waiting, certificate: str) -> bytes:
    """The letter's documents, encrypted: one PDF as it is, all else as an archive in the documents' order."""
    spoilt = letter.oddity.spoilt if letter.oddity else None
    with tempfile.TemporaryDirectory(prefix="samvirke-") as name:
        content, sealed = Path(name) / "content", Path(name) / "sealed"
        if letter.media_type() == rules.PDF:
            content.write_bytes(svarut.content(session, letter.id, 1)[2])
        else:
            _archive(session, letter, content, bomb=spoilt is Spoilt.BOMB)
        if spoilt in (Spoilt.NO_ARCHIVE, Spoilt.OTHER_CONTENT):
            whole = bytearray(content.read_bytes())
            whole[:4] = b"" if spoilt is Spoilt.NO_ARCHIVE else whole[:4]
            whole[-20] ^= 1
            content.write_bytes(whole)
        if spoilt is Spoilt.OTHER_CERTIFICATE:
            certificate = session.get_one(authority.Authority, authority.ROOT).certificate
        sealing.sealed(content, sealed, certificate)
        whole = bytearray(sealed.read_bytes())
    if spoilt is Spoilt.CHANGED_BYTE:
        whole[-LAST_BLOCK_BUT_ONE] ^= 1  # the padding in the last block does not come out right
    return bytes(whole[: len(whole) // 2] if spoilt is Spoilt.CUT else whole)


def _archive(session: Session, letter: Waiting, file: Path, *, bomb: bool) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for position, document in enumerate(letter.documents, start=1):
            with archive.open(document["filename"], "w", force_zip64=True) as entry:
                entry.write(svarut.content(session, letter.id, position)[2])
                for _ in range(BOMB_BYTES // 1024**2 if bomb else 0):
                    entry.write(bytes(1024**2))
