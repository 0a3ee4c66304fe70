"""Certificate notices as they are kept: only ever added, once for each call-off and piece of news."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col, select

from services.agreements.certificate_notices import rules
from services.agreements.db import Table
from services.agreements.letters import store as letters
from services.chassis import audit, feed
from services.chassis.db import INSTANT
from services.chassis.values import new_id

CLOCKS_DIFFER = timedelta(minutes=1)
"""What the catalogue recorded so long before a call-off was placed was in the answer that the call-off relied on.
Clocks of two services differ, so news of the last minute before is told as well: too often rather than never."""


class CertificateNotice(Table, table=True):
    __tablename__ = "certificate_notice"
    __table_args__ = (sa.UniqueConstraint("call_off_id", "position"),)
    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    call_off_id: int = Field(foreign_key="calloff.id", sa_type=sa.BigInteger)
    position: int = Field(sa_type=sa.BigInteger)
    certificate: str = Field(max_length=20)
    product: str = Field(max_length=80)
    kind: str = Field(max_length=40)
    status: str | None = Field(default=None, max_length=40)
    effective_on: date
    relied_on: bool
    recorded_at: datetime = Field(sa_type=INSTANT)
    told_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs={"server_default": sa.func.clock_timestamp()})


_CONCERNED = sa.text(
    """
    SELECT c.id, c.uuid, c.number, c.version, c.buyer, c.buyer_name, f.owner_number AS owner,
           c.choice @> jsonb_build_object('certification',
               jsonb_build_array(jsonb_build_object('certificate', CAST(:certificate AS text)))) AS relied_on,
           EXISTS (SELECT 1 FROM certificate_notice n
                    WHERE n.call_off_id = c.id AND n.certificate = :certificate) AS told_before,
           EXISTS (SELECT 1 FROM letter t WHERE t.call_off_id = c.id AND t.kind = :order) AS ordered
      FROM calloff c JOIN frameworkagreement f ON f.id = c.framework_id
     WHERE c.id IN (SELECT l.call_off_id FROM calloffline l WHERE l.product = :product)
       AND c.state <> ALL(:ended)
       AND c.placed_at <= :placed_by
       AND (c.specification IS NULL OR CAST(:specification AS text) IS NULL OR c.specification = :specification)
     ORDER BY c.id
    """
)


def tell(
    session: Session,
    *,
    position: int,
    certificate: str,
    product: str,
    specification: str | None,
    kind: str,
    status: str | None,
    effective_on: date,
    recorded_at: datetime,
    ended: Collection[str],
) -> int:
    """Tell the open call-offs of the product, that is all whose state is not one of `ended`: a notice, a letter to its
    buyer if the order's own letter is made or under way, news for the buyer and the agreement's owner, and a row in the
    audit trail, unless it has been told before. Against another specification than the call-off demands a certificate
    does not matter to it. → how many were told"""
    rows = session.execute(
        _CONCERNED,
        {
            "certificate": certificate,
            "product": product,
            "specification": specification,
            "ended": list(ended),
            "order": letters.ORDER,
            "placed_by": recorded_at + CLOCKS_DIFFER,
        },
    ).all()
    number = 0
    for row in rows:
        if rules.told(kind, told_before=row.told_before) and _add(
            session,
            call_off_id=row.id,
            position=position,
            certificate=certificate,
            product=product,
            kind=kind,
            status=status,
            effective_on=effective_on,
            relied_on=row.relied_on,
            recorded_at=recorded_at,
        ):
            number += 1
            said = {
                "certificate": certificate,
                "product": product,
                "kind": kind,
                "status": status,
                "effective_on": effective_on.isoformat(),
                "relied_on": row.relied_on,
            }
            path = f"/call-offs/{row.uuid}"
            audit.record(session, None, "call_off.certificate_notice", path, **said)
            for organisation in dict.fromkeys((row.buyer, row.owner)):
                feed.tell(
                    session,
                    "call_off.certificate_notice",
                    path,
                    organisation,
                    id=str(row.uuid),
                    number=row.number,
                    **said,
                )
            if row.ordered:
                letter = _letter_kind(kind, len(of(session, [row.id])[row.id]))
                letters.send(session, row.id, row.uuid, row.version, letter, row.buyer, row.buyer_name)
    return number


def _add(session: Session, **values: object) -> bool:
    """Whether it was not there yet."""
    new = insert(CertificateNotice).values(uuid=new_id(), **values).on_conflict_do_nothing()
    return session.execute(new.returning(col(CertificateNotice.id))).first() is not None


@dataclass(frozen=True)
class Told:
    """A notice, and the organisation number of the agreement's owner, who tells of it."""

    notice: CertificateNotice
    owner: str


def by_letter(session: Session, call_off_id: int, kind: str) -> Told | None:
    """The notice that a letter tells of; None when the letter is about something else."""
    told = enumerate(of(session, [call_off_id]).get(call_off_id, []), 1)
    found = next((one for place, one in told if _letter_kind(one.kind, place) == kind), None)
    if found is None:
        return None
    owner = session.execute(_OWNER, {"call_off": call_off_id}).scalar_one()
    return Told(found, owner)


_OWNER = sa.text(
    "SELECT f.owner_number FROM calloff c JOIN frameworkagreement f ON f.id = c.framework_id WHERE c.id = :call_off"
)


def _letter_kind(kind: str, place: int) -> str:
    """What the letter of a call-off's first, second … notice is called."""
    name = letters.RECALL if kind in rules.TAKEN_AWAY else letters.RECALL_ENDED
    return name if place == 1 else f"{name}-{place}"


def of(session: Session, call_off_ids: Sequence[int]) -> dict[int, list[CertificateNotice]]:
    """Each call-off's notices, oldest first."""
    found: dict[int, list[CertificateNotice]] = {}
    query = select(CertificateNotice).where(col(CertificateNotice.call_off_id).in_(call_off_ids))
    for notice in session.exec(query.order_by(col(CertificateNotice.position))):
        found.setdefault(notice.call_off_id, []).append(notice)
    return found
