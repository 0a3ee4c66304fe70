"""Order messages as they are kept: each as it was first made, or as it came."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col, select

from services.agreements.calloffs import store as calloffs
from services.agreements.calloffs.store import CallOff
from services.agreements.db import Table
from services.agreements.frameworks.store import FrameworkAgreement
from services.agreements.order_changes import store as order_changes
from services.agreements.order_messages import rules
from services.agreements.ubl_messages.rules import Element, Profile, Transaction
from services.chassis import clock
from services.chassis.db import INSTANT, choice


class OrderMessage(Table, table=True):
    """A message about an event of a call-off, as its bytes went out or came in; never edited."""

    __table_args__ = (
        sa.Index(
            "uq_ordermessage_received",
            "call_off_id",
            "sender",
            "document_id",
            unique=True,
            postgresql_where=sa.text("received"),
        ),
    )
    call_off_id: int = Field(primary_key=True, foreign_key="calloff.id", sa_type=sa.BigInteger)
    sequence: int = Field(primary_key=True)
    """Of the event that it tells of."""
    profile: Profile = Field(primary_key=True, sa_type=choice(Profile))
    transaction: Transaction = Field(sa_type=choice(Transaction))
    document_id: str = Field(max_length=200)
    sender: str = Field(max_length=9)
    received: bool
    """It came in UBL; otherwise it was made here."""
    content: bytes
    sha256: str = Field(max_length=64)
    kept_at: datetime | None = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": sa.func.clock_timestamp()}
    )


_INSERT = insert(OrderMessage.__table__).on_conflict_do_nothing()  # type: ignore[attr-defined]  # SQLModel adds it


def thread(session: Session, row: CallOff) -> rules.Thread:
    """What has been told of a call-off to its suppliers, one after the other."""
    assert row.id
    happened = [
        rules.Happened(one.sequence, one.event, clock.on(one.recorded_at), one.reason, (one.detail or {}).get("change"))
        for one in calloffs.events(session, row, row.buyer)
    ]
    changes = {
        str(change.uuid): rules.Change(order_changes.priced(change), change.needed_on)
        for change, _, _ in order_changes.of(session, row, row.buyer)
    }
    response_days = session.get_one(FrameworkAgreement, row.framework_id).response_days
    came = {sequence: one.document_id for (sequence, _), one in kept(session, row.id).items() if one.received}
    return rules.thread(row.number, happened, _versions(session, row), changes, response_days, came)


def told(session: Session, row: CallOff) -> rules.Thread:
    """The same, of an order that its supplier has been told of."""
    found = thread(session, row)
    if found.order_id is None:
        raise rules.NotTold(f"It is {row.state}. {rules.untold(row.state, found)}")
    return found


def _versions(session: Session, row: CallOff) -> Mapping[int, rules.Ordered]:
    assert row.id
    lines = calloffs.lines_by_version(session, row.id)
    earlier = calloffs.versions(session, row.id)
    found = {one.version: (one.supplier, one.supplier_name, one.needed_on, one.choice) for one in earlier}
    found[row.version] = (row.supplier, row.supplier_name, row.needed_on, row.choice)
    return {
        version: rules.Ordered(
            contract=f"{row.framework}/{row.lot}",
            buyer=rules.Party(row.buyer, row.buyer_name),
            seller=rules.Party(supplier, name),
            reference=row.reference,
            needed_on=needed_on,
            lines=tuple(lines[version]),
            joint=row.cost_key is not None,
            specification=row.specification,
            quotation=f"{choice['competition']['number']}/{supplier}" if "competition" in choice else None,
        )
        for version, (supplier, name, needed_on, choice) in found.items()
    }


def kept(session: Session, call_off_id: int) -> dict[tuple[int, Profile], OrderMessage]:
    """By the event and the profile; without their bytes."""
    query = select(OrderMessage).where(col(OrderMessage.call_off_id) == call_off_id)
    found = session.exec(query.options(sa.orm.defer(OrderMessage.content)))  # type: ignore[arg-type]  # a column
    return {(one.sequence, one.profile): one for one in found}


def as_kept(session: Session, call_off_id: int, sequence: int, profile: Profile) -> bytes | None:
    query = select(col(OrderMessage.content)).where(
        col(OrderMessage.call_off_id) == call_off_id,
        col(OrderMessage.sequence) == sequence,
        col(OrderMessage.profile) == profile,
    )
    return session.execute(query).scalar_one_or_none()


def received(session: Session, call_off_id: int, sender: str, document_id: str) -> OrderMessage | None:
    """A message that came by this id of its sender's."""
    query = select(OrderMessage).where(
        col(OrderMessage.call_off_id) == call_off_id,
        col(OrderMessage.sender) == sender,
        col(OrderMessage.document_id) == document_id,
        col(OrderMessage.received),
    )
    return session.exec(query).one_or_none()


def has_come(session: Session, row: CallOff, sender: str, root: Element, content: bytes) -> bool:
    """Whether this very message has come before; another with its id is refused."""
    before = received(session, row.id or 0, sender, root.value("cbc:ID"))
    if before and before.content != content:
        raise rules.MessageIdUsed("Use a new id for a new message.")
    return before is not None


def keep(
    session: Session,
    call_off_id: int,
    sequence: int,
    profile: Profile,
    transaction: Transaction,
    document_id: str,
    sender: str,
    content: bytes,
    *,
    received: bool,
) -> bytes:
    """Unless another was first. → the bytes that count"""
    values = {
        "call_off_id": call_off_id,
        "sequence": sequence,
        "profile": profile,
        "transaction": transaction,
        "document_id": document_id,
        "sender": sender,
        "received": received,
        "content": content,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    session.execute(_INSERT, values)
    return as_kept(session, call_off_id, sequence, profile) or content
