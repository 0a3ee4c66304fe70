"""Letters of mini-competitions as they are kept: a round of them for what is told, one to each recipient, made once."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.agreements.competition_letters import rules
from services.agreements.competition_letters.rules import Kind
from services.agreements.db import Table
from services.chassis import feed, jobs
from services.chassis.db import INSTANT, choice
from services.chassis.problems import NotFound

REFUSED = "refused"
TASK = "deliver_competition_letter"


class Competition(Protocol):
    """What is asked of a mini-competition here."""

    id: int | None
    uuid: UUID


class CompetitionLetter(Table, table=True):
    """A letter about a mini-competition: made once, sent as it is, and what became of it."""

    __tablename__ = "competition_letter"
    __table_args__ = (sa.UniqueConstraint("competition_id", "kind", "round", "recipient"),)
    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    competition_id: int = Field(foreign_key="minicompetition.id")
    kind: Kind = Field(sa_type=choice(Kind))
    round: int
    """1 for what is told the first time, as the first amendment."""
    recipient: str = Field(max_length=9)
    recipient_name: str = Field(max_length=200)
    reference: str = Field(unique=True, max_length=100)
    told_at: datetime = Field(sa_type=INSTANT)
    """What is told is what was so then."""
    pdf: bytes | None = None
    language: str | None = Field(default=None, max_length=2)
    sha256: str | None = Field(default=None, max_length=64)
    dispatch_id: UUID | None = None
    handed_over_at: datetime | None = Field(default=None, sa_type=INSTANT)
    status: str | None = Field(default=None, max_length=40)
    external_id: str | None = Field(default=None, max_length=80)
    version: int = 0
    detail: str | None = Field(default=None, max_length=2000)
    received_at: datetime | None = Field(default=None, sa_type=INSTANT)

    @property
    def consequence(self) -> str | None:
        return rules.consequence(self.kind, self.status)


class CompetitionLetterUnknown(NotFound):
    """The mini-competition has no letter with this reference that you may read."""


class CompetitionLetterNotMade(NotFound):
    """The letter has not been made yet."""


_INVITED = sa.text("SELECT supplier, supplier_name FROM invitation WHERE competition_id = :id ORDER BY rank, id")
_BIDDERS = sa.text(
    "SELECT supplier, supplier_name FROM bid b WHERE competition_id = :id "
    "AND EXISTS (SELECT 1 FROM openedbid o WHERE o.bid_id = b.id) ORDER BY b.id"
)
_ROUND = sa.text(
    "SELECT coalesce(max(round), 0) + 1 FROM competition_letter WHERE competition_id = :id AND kind = :kind"
)
_CLOCK = sa.text("SELECT clock_timestamp()")
_BUYER = sa.text("SELECT uuid, number, buyer FROM minicompetition WHERE id = :id")


def tell(session: Session, competition: Competition, kind: Kind | str) -> int:
    """A round of letters about what has just happened to a competition, which is locked: one to everybody who is
    invited, or to each bidder, made and delivered by jobs. → to how many; none while it is a draft"""
    kind, key = Kind(kind), {"id": competition.id}
    session.flush()
    recipients = session.execute(_BIDDERS if kind in rules.TO_BIDDERS else _INVITED, key).all()
    number = session.execute(_ROUND, key | {"kind": kind.value}).scalar_one()
    at = session.execute(_CLOCK).scalar_one()
    letters = [
        CompetitionLetter(
            competition_id=competition.id or 0,
            kind=kind,
            round=number,
            recipient=to.supplier,
            recipient_name=to.supplier_name,
            reference=reference(competition.uuid, kind, to.supplier, number),
            told_at=at,
        )
        for to in recipients
    ]
    session.add_all(letters)
    session.flush()
    for letter in letters:
        jobs.defer(session, TASK, reference=letter.reference)
    return len(letters)


def of(session: Session, competition_id: int, recipient: str | None = None) -> Sequence[CompetitionLetter]:
    """A competition's letters without their documents, oldest first; only those to one recipient where it is given."""
    query = select(CompetitionLetter).where(col(CompetitionLetter.competition_id) == competition_id)
    if recipient:
        query = query.where(col(CompetitionLetter.recipient) == recipient)
    query = query.options(sa.orm.defer(CompetitionLetter.pdf))  # type: ignore[arg-type]  # a column
    return session.exec(query.order_by(col(CompetitionLetter.id))).all()


def by_reference(session: Session, reference: str) -> CompetitionLetter | None:
    query = select(CompetitionLetter).where(col(CompetitionLetter.reference) == reference)
    return session.exec(query).one_or_none()


def told_at(session: Session, competition_id: int, kind: Kind = Kind.AWARD) -> datetime | None:
    """When the last letter of the newest round was handed over to be delivered; None while one of them has not been,
    or there is none. A standstill period is counted from it."""
    newest = sa.select(sa.func.max(col(CompetitionLetter.round))).where(
        col(CompetitionLetter.competition_id) == competition_id, col(CompetitionLetter.kind) == kind
    )
    query = sa.select(col(CompetitionLetter.handed_over_at)).where(
        col(CompetitionLetter.competition_id) == competition_id,
        col(CompetitionLetter.kind) == kind,
        col(CompetitionLetter.round) == newest.scalar_subquery(),
    )
    instants = session.execute(query).scalars().all()
    given = [one for one in instants if one is not None]
    return max(given) if given and len(given) == len(instants) else None


def keep_pdf(session: Session, reference: str, made: bytes, language: str) -> tuple[bytes, str]:
    """Keep a letter's document, unless another worker was first; → the one that counts, and its language."""
    where = col(CompetitionLetter.reference) == reference
    session.execute(
        sa.update(CompetitionLetter)
        .where(where, col(CompetitionLetter.pdf).is_(None))
        .values(pdf=made, language=language, sha256=hashlib.sha256(made).hexdigest())
    )
    kept = session.execute(sa.select(col(CompetitionLetter.pdf), col(CompetitionLetter.language)).where(where)).one()
    return bytes(kept.pdf), kept.language or language


def handed_over(session: Session, reference: str, dispatch_id: UUID) -> None:
    session.execute(
        sa.update(CompetitionLetter)
        .where(col(CompetitionLetter.reference) == reference)
        .values(
            dispatch_id=dispatch_id,
            handed_over_at=sa.func.coalesce(col(CompetitionLetter.handed_over_at), sa.func.clock_timestamp()),
        )
    )


def refused(session: Session, reference: str) -> None:
    """Integration will never take the letter: the competition shows it."""
    letter = by_reference(session, reference)
    assert letter
    letter.status = REFUSED
    _undelivered(session, letter, None)


def heard(
    session: Session,
    reference: str,
    *,
    status: str,
    version: int,
    external_id: str | None,
    at: datetime,
    detail: str | None = None,
) -> None:
    """What the feed says of a letter, if it is one of ours; older news than we have changes nothing."""
    query = select(CompetitionLetter).where(
        col(CompetitionLetter.reference) == reference, col(CompetitionLetter.version) < version
    )
    letter = session.exec(query.with_for_update()).one_or_none()
    if letter is None:
        return
    letter.status, letter.version, letter.detail = status, version, detail and detail[:2000]
    letter.external_id = external_id or letter.external_id
    if status == "received":
        letter.received_at = letter.received_at or at
    if letter.consequence:
        _undelivered(session, letter, detail)


def reference(competition: UUID, kind: Kind, recipient: str, number: int) -> str:
    """What the letter is called everywhere on its way: ours, integration's, SvarUT's."""
    return f"mini-competition-{competition}-{kind}-{recipient}" + (f"-{number}" if number > 1 else "")


def _undelivered(session: Session, letter: CompetitionLetter, detail: str | None) -> None:
    """Tell the buyer that a letter does not come to its recipient unless somebody does something."""
    row = session.execute(_BUYER, {"id": letter.competition_id}).one()
    feed.tell(
        session,
        "mini_competition.letter_undelivered",
        f"/mini-competitions/{row.uuid}",
        row.buyer,
        id=str(row.uuid),
        number=row.number,
        kind=letter.kind.value,
        reference=letter.reference,
        recipient=letter.recipient,
        status=letter.status,
        detail=detail,
        consequence=letter.consequence,
    )
