"""Recalls as they are kept: opened with the list of those who are to be told, who are told in batches afterwards.

The list is drawn up once, in the transaction that opens the recall, so that it does not change while it is worked
through. A notice and its event are written together, once for each organisation: a worker that is killed leaves only
whole batches, and whoever takes its place goes on with the rest.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlmodel import Field, Session, col, select

from services.catalog.adoptions import store as adoptions
from services.catalog.adoptions.rules import USING, Claim
from services.catalog.adoptions.store import HERE
from services.catalog.certificates import rules as certification
from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import Status, SubjectKind
from services.catalog.certificates.store import Certificate
from services.catalog.db import Table
from services.catalog.holdings import store as holdings
from services.catalog.organisations import store as organisations
from services.catalog.organisations.store import Organisation
from services.catalog.products.store import Product
from services.catalog.recall_notices import store as notices
from services.catalog.recalls import rules
from services.catalog.recalls.rules import State, Step, Told, Use
from services.chassis import audit, clock, feed, jobs
from services.chassis.auth import Caller
from services.chassis.db import INSTANT, choice
from services.chassis.problems import NotFound
from services.chassis.values import new_id

BATCH = 50
"""Organisations told in one transaction."""


class Recall(Table, table=True):
    """`recipient_ids`: who is told, in this order. `told_at` and `end_told_at`: when the last of them had been."""

    __table_args__ = (
        sa.Index("ix_recall_certificate_id_uuid", "certificate_id", "uuid"),
        sa.Index("ix_recall_state_uuid", "state", "uuid"),
        sa.Index("ix_recall_open", "certificate_id", unique=True, postgresql_where=sa.text("state = 'open'")),
        sa.Index(
            "ix_recall_waiting",
            "certificate_id",
            "id",
            postgresql_where=sa.text("told_at IS NULL OR (state = 'ended' AND end_told_at IS NULL)"),
        ),
    )
    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    certificate_id: int = Field(foreign_key="certificate.id")
    event_id: int = Field(foreign_key="certificate_event.id", unique=True)
    status: Status = Field(sa_type=choice(Status))
    effective_on: date
    opened_at: datetime = Field(sa_type=INSTANT)
    recipient_ids: list[int] = Field(sa_type=ARRAY(sa.Integer))
    unreachable: int
    state: State = Field(default=State.OPEN, sa_type=choice(State))
    closing_event_id: int | None = Field(default=None, foreign_key="certificate_event.id")
    closed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    ended_on: date | None = None
    told_at: datetime | None = Field(default=None, sa_type=INSTANT)
    end_told_at: datetime | None = Field(default=None, sa_type=INSTANT)

    @property
    def path(self) -> str:
        return f"/recalls/{self.uuid}"


class RecallProgress(Table, table=True):
    """The last event of a certificate that has been considered. Its row is locked by whoever considers the next."""

    __tablename__ = "recall_progress"
    certificate_id: int = Field(
        primary_key=True, foreign_key="certificate.id", sa_column_kwargs={"autoincrement": False}
    )
    event_id: int


class RecallNotFound(NotFound):
    """No recall has this id."""


NewId = Callable[[], UUID]
NoticeId = Callable[[Organisation], UUID]
"""What an organisation's notice is called; the seed data have names of their own."""


# ---- Opening and ending


def consider(session: Session, certificate_id: int, now: datetime, *, name: NewId = new_id) -> None:
    """Look at what has happened to a certificate since the last time, event by event, in the order in which it was
    recorded: whichever job comes first does so for all of them. Each recall is opened, replaced or ended once."""
    first = insert(RecallProgress).values(certificate_id=certificate_id, event_id=0).on_conflict_do_nothing()
    session.execute(first)
    here = select(RecallProgress).where(col(RecallProgress.certificate_id) == certificate_id).with_for_update()
    progress = session.exec(here).one()
    history = certificates.histories(session, [certificate_id])[certificate_id]
    news = [event for event in history.events if event.id > progress.event_id]
    if not news:
        return
    certificate = session.get_one(Certificate, certificate_id)
    for event in news:
        so_far = replace(history, events=[one for one in history.events if one.id <= event.id])
        _take(session, certificate, so_far, event, now, name)
    progress.event_id = news[-1].id
    session.flush()


def _take(
    session: Session,
    certificate: Certificate,
    history: certification.History,
    event: certification.Event,
    now: datetime,
    name: NewId,
) -> None:
    standing = session.exec(
        select(Recall).where(col(Recall.certificate_id) == certificate.id, col(Recall.state) == State.OPEN)
    ).one_or_none()
    # What is to begin later is told now; what is lifted before that day is lifted for that day.
    day = max(event.effective_on, standing.effective_on) if standing else event.effective_on
    known_at = max(now, *(one.recorded_at for one in history.events))
    stands = certification.standing(history, day, known_at)
    means = rules.told(standing.status if standing else None, stands.status if stands else None)
    if means is None:
        return
    assert stands
    if standing:
        _close(session, standing, Step.REPLACE if means is Told.OPENED else Step.END, certificate, stands.status, event)
    if means is Told.OPENED:
        _open(session, certificate, stands, event, now, name)


def _open(
    session: Session,
    certificate: Certificate,
    stands: certification.Standing,
    event: certification.Event,
    now: datetime,
    name: NewId,
) -> None:
    found = _audience(session, certificate, stands.scope, clock.on(now))
    recall = Recall(
        uuid=name(),
        certificate_id=certificate.id,
        event_id=event.id,
        status=stands.status,
        effective_on=event.effective_on,
        opened_at=now,
        recipient_ids=list(found.organisations),
        unreachable=found.unreachable,
    )
    session.add(recall)
    session.flush()
    said = {"certificate": certificate.number, "status": recall.status, "effective_on": event.effective_on.isoformat()}
    # Neither names nor numbers of those who use it: that is for public bodies.
    audit.record(session, None, "recall.open", recall.path, **said)
    feed.tell(session, "recall.opened", recall.path, None, **said)


def _close(
    session: Session,
    recall: Recall,
    step: Step,
    certificate: Certificate,
    status: Status,
    event: certification.Event,
) -> None:
    recall.state = rules.MOVES[recall.state, step]
    recall.closing_event_id = event.id
    recall.closed_at = event.recorded_at
    recall.ended_on = event.effective_on if step is Step.END else None
    session.flush()
    said = {"certificate": certificate.number, "status": status, "effective_on": event.effective_on.isoformat()}
    audit.record(session, None, f"recall.{step}", recall.path, **said)
    feed.tell(session, f"recall.{recall.state}", recall.path, None, **said)


def look_again(session: Session, after: int, now: datetime) -> int | None:
    """Whoever has said since that they use what an open recall is about is told as well. Looks at the next recall that
    all have been told of, by internal key. → its key; None when there is none left"""
    told = (col(Recall.state) == State.OPEN, col(Recall.told_at).is_not(None), col(Recall.id) > after)
    recall = session.exec(select(Recall).where(*told).order_by(col(Recall.id)).limit(1).with_for_update()).first()
    if recall is None:
        return None
    certificate = session.get_one(Certificate, recall.certificate_id)
    history = certificates.histories(session, [certificate.id])[certificate.id]
    known_at = max(now, *(one.recorded_at for one in history.events))
    stands = certification.standing(history, recall.effective_on, known_at)
    found = _audience(session, certificate, stands.scope if stands else history.scope, clock.on(now))
    if new := [one for one in found.organisations if one not in recall.recipient_ids]:
        recall.recipient_ids, recall.unreachable = [*recall.recipient_ids, *new], found.unreachable
        recall.told_at = None
        session.flush()
        audit.record(session, None, "recall.widen", recall.path, organisations=len(new))
        jobs.defer(session, certificates.RECALL_TASK, certificate=certificate.id, event=recall.event_id)
    return recall.id


def _audience(session: Session, certificate: Certificate, scope: certification.Scope, today: date) -> rules.Audience:
    """Of a product's certificate those that use it, of a supplier's those that use a product of its; by their own
    word, in whatever environment. An adviser has no users that the catalogue knows."""
    products: list[int] = []
    if certificate.product_id is not None:
        products = [certificate.product_id]
    elif certificate.subject_kind == SubjectKind.SUPPLIER:
        products = _products_of(session, certificate.holder_id, today)
    using = adoptions.selected(adoptions.Day(), today, products=products, status=USING, claims=[Claim.CONFIRMED])
    rows = session.execute(using.with_only_columns(HERE.id, HERE.organisation_id, HERE.version)).all()
    wanted = rules.concerned([Use(row.id, row.version) for row in rows], scope)
    held = holdings.holders(session, {row.id: row.organisation_id for row in rows if row.id in wanted}, today)
    members = holdings.members(session, {one for holding in held.values() for one in holding.organisations}, today)
    everyone = {one for holding in held.values() for one in holding.organisations}
    everyone |= {one for joined in members.values() for one in joined}
    known = organisations.by_ids(session, everyone)
    return rules.audience(held.values(), members, {one.id for one in known.values() if one.organisation_number})


def _products_of(session: Session, holder_id: int, today: date) -> list[int]:
    """What is supplied today by whoever stands in the holder's place."""
    rows = session.execute(sa.select(col(Product.id), col(Product.supplier_id))).all()
    heirs = organisations.resolve(session, {row.supplier_id for row in rows} | {holder_id}, today)
    own = {one for one, _ in heirs[holder_id]} or {holder_id}
    return [row.id for row in rows if own & ({one for one, _ in heirs[row.supplier_id]} or {row.supplier_id})]


# ---- Telling


def tell(
    session: Session, certificate_id: int, now: datetime, *, limit: int = BATCH, name: NoticeId | None = None
) -> bool:
    """Tell the next of those who are still to be told about a certificate's recalls, and of those that were told the
    next who are still to hear that it is over. → whether there may be more"""
    waiting = sa.or_(
        col(Recall.told_at).is_(None), sa.and_(col(Recall.state) == State.ENDED, col(Recall.end_told_at).is_(None))
    )
    query = select(Recall).where(col(Recall.certificate_id) == certificate_id, waiting).order_by(col(Recall.id))
    recall = session.exec(query.limit(1).with_for_update()).first()
    if recall is None:
        return False
    if recall.told_at is None:
        left = notices.not_told(session, recall.id, recall.recipient_ids, limit)
        _tell_opened(session, recall, left, now, name)
        if len(left) < limit:
            recall.told_at = now
    else:
        ended = notices.not_told_of_end(session, recall.id, limit)
        _tell_ended(session, recall, ended, now)
        if len(ended) < limit:
            recall.end_told_at = now
    session.flush()
    return True


def _tell_opened(session: Session, recall: Recall, ids: Sequence[int], now: datetime, name: NoticeId | None) -> None:
    known = organisations.by_ids(session, ids)
    added = notices.add(session, recall.id, [(id, name(known[id]) if name else new_id()) for id in ids], now)
    if added:
        audit.record(session, None, "recall.notify", recall.path, organisations=len(added))
    for organisation_id, uuid in added:
        _tell(session, "recall.notified", uuid, known[organisation_id], recall)


def _tell_ended(session: Session, recall: Recall, ended: Sequence[notices.RecallNotice], now: datetime) -> None:
    known = organisations.by_ids(session, {notice.organisation_id for notice in ended})
    for notice in ended:
        notice.end_told_at = now
        notice.revision += 1
        _tell(session, "recall.end_notified", notice.uuid, known[notice.organisation_id], recall)
    if ended:
        audit.record(session, None, "recall.notify_end", recall.path, organisations=len(ended))


def _tell(session: Session, type: str, notice: UUID, organisation: Organisation, recall: Recall) -> None:
    number = session.get_one(Certificate, recall.certificate_id).number
    feed.tell(
        session,
        type,
        f"/recall-notices/{notice}",
        organisation.organisation_number,
        recall=str(recall.uuid),
        certificate=number,
        status=recall.status,
        effective_on=recall.effective_on.isoformat(),
        ended_on=recall.ended_on.isoformat() if recall.ended_on else None,
    )


# ---- Reading

_SHOWN = """
    SELECT r.id, r.uuid, r.state, r.status, r.effective_on, r.opened_at, r.closed_at, r.ended_on, r.unreachable,
           cardinality(r.recipient_ids) AS organisations, c.number AS certificate, c.subject_kind, p.slug AS product,
           e.reason,
           (SELECT count(*) FROM recall_notice n WHERE n.recall_id = r.id) AS told,
           (SELECT count(*) FROM recall_notice n WHERE n.recall_id = r.id AND n.acknowledged_at IS NOT NULL)
               AS acknowledged
      FROM recall r
      JOIN certificate c ON c.id = r.certificate_id
      JOIN certificate_event e ON e.id = r.event_id
      LEFT JOIN product p ON p.id = c.product_id
"""
_ONE = sa.text(f"{_SHOWN} WHERE r.uuid = :uuid")
_PAGE = sa.text(
    f"""{_SHOWN}
     WHERE (CAST(:after AS uuid) IS NULL OR r.uuid < :after)
       AND (CAST(:state AS text) IS NULL OR r.state = :state)
       AND (CAST(:certificates AS text[]) IS NULL
            OR r.certificate_id IN (SELECT id FROM certificate WHERE number = ANY(:certificates)))
       AND (CAST(:products AS text[]) IS NULL
            OR r.certificate_id IN (SELECT k.id FROM certificate k JOIN product q ON q.id = k.product_id
                                     WHERE q.slug = ANY(:products)))
     ORDER BY r.uuid DESC LIMIT :rows
    """  # noqa: S608  # put together from our own constants only
)


def shown(session: Session, uuid: UUID) -> sa.Row[Any]:
    found = session.execute(_ONE, {"uuid": uuid}).one_or_none()
    if found is None:
        raise RecallNotFound(f"No recall {uuid}.")
    return found


def page(
    session: Session,
    after: UUID | None,
    limit: int,
    *,
    state: State | None,
    certificates: Sequence[str] | None,
    products: Sequence[str] | None,
) -> Sequence[sa.Row[Any]]:
    """Newest first, limit + 1 of them."""
    values: Mapping[str, Any] = {
        "after": after,
        "state": state,
        "certificates": list(certificates) if certificates else None,
        "products": list(products) if products else None,
        "rows": limit + 1,
    }
    return session.execute(_PAGE, values).all()


def may_see_numbers(session: Session, caller: Caller | None) -> bool:
    """How many use a thing is for public bodies, and for those that run the scheme."""
    if caller is None:
        return False
    if caller.may("certification.assess") or caller.may("certification.decide"):
        return True
    return adoptions.may_see(session, caller)
