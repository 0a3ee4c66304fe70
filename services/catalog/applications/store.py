"""Applications as they are kept: what is asked for, the requirements it was frozen to, and the steps it took."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, Session, col, select

from services.catalog.applications import rules
from services.catalog.applications.rules import EventKind, Status, Step
from services.catalog.certificates import store as certificates
from services.catalog.db import Table
from services.catalog.organisations import store as organisations
from services.catalog.products import store as products
from services.catalog.profiles import store as profiles
from services.catalog.requirements import store as kept_requirements
from services.catalog.requirements.store import Content
from services.catalog.schemes import store as schemes
from services.catalog.schemes.rules import SubjectKind
from services.catalog.specifications import store as specifications
from services.chassis import audit, clock, feed
from services.chassis.auth import Caller
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import NotFound
from services.chassis.values import new_id


class Application(Table, table=True):
    """`applicant_id`: the organisation that asked; its heirs stand in its place. `renews`, `extends`: a certificate's
    number. `status` is that of the newest event, so that one can ask by it."""

    __table_args__ = (
        sa.CheckConstraint("(subject_kind = 'product') = (product_id IS NOT NULL)", name="product"),
        sa.CheckConstraint("(subject_kind = 'adviser') = (role IS NOT NULL)", name="role"),
        sa.Index("ix_application_status_uuid", "status", "uuid"),
        sa.Index("ix_application_applicant_id_uuid", "applicant_id", "uuid"),
    )
    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    subject_kind: SubjectKind = Field(sa_type=choice(SubjectKind))
    applicant_id: int = Field(foreign_key="organisation.id")
    product_id: int | None = Field(default=None, foreign_key="product.id", index=True)
    role: str | None = Field(default=None, max_length=80)
    specification_version_id: int = Field(foreign_key="specificationversion.id", index=True)
    profile: str | None = Field(default=None, max_length=80)
    versions: list[str] | None = Field(default=None, sa_type=ARRAY(sa.String(40)))
    version_from: str | None = Field(default=None, max_length=40)
    version_to: str | None = Field(default=None, max_length=40)
    delivery_forms: list[str] = Field(sa_type=ARRAY(sa.String(40)))
    renews: str | None = Field(default=None, max_length=20)
    extends: str | None = Field(default=None, max_length=20)
    note: str | None = Field(default=None, max_length=5000)
    status: Status = Field(default=Status.DRAFT, sa_type=choice(Status))
    revision: int = Field(default=1)
    created_at: datetime = Field(sa_type=INSTANT)
    client: str = Field(max_length=200)

    @property
    def path(self) -> str:
        return f"/certification-applications/{self.uuid}"


class ApplicationEvent(Table, table=True):
    """A step that an application took. `due_on`: the last day for whoever's turn it then was, by the scheme as it was.
    `links`: what the step led to. A trigger keeps it from ever being changed."""

    __tablename__ = "application_event"
    id: int = Field(default=None, primary_key=True)
    application_id: int = Field(foreign_key="application.id", index=True)
    kind: EventKind = Field(sa_type=choice(EventKind))
    recorded_at: datetime = Field(sa_type=INSTANT)
    reason: str | None = Field(default=None, max_length=5000)
    due_on: date | None = None
    links: dict[str, str] | None = Field(default=None, sa_type=JSON)
    organisation_number: str = Field(max_length=9)
    client: str = Field(max_length=200)


class ApplicationRequirement(Table, table=True):
    """A requirement that the application is held to, whatever becomes of the specification. A trigger keeps it."""

    __tablename__ = "application_requirement"
    application_id: int = Field(foreign_key="application.id", primary_key=True)
    requirement_id: int = Field(foreign_key="requirement.id", primary_key=True, index=True)
    place: int


class ApplicationNotFound(NotFound):
    """No application has this id, or it is not yours to see."""


# ---- Looking


def find(session: Session, uuid: UUID) -> Application | None:
    return session.exec(select(Application).where(col(Application.uuid) == uuid)).one_or_none()


def by_uuid(session: Session, uuid: UUID) -> Application:
    found = find(session, uuid)
    if found is None:
        raise ApplicationNotFound(f"No application has the id {uuid}.")
    return found


def by_id(session: Session, id: int) -> Application:
    return session.get_one(Application, id)


def by_ids(session: Session, ids: Collection[int]) -> dict[int, Application]:
    return {row.id: row for row in session.exec(select(Application).where(col(Application.id).in_(ids)))}


def locked(session: Session, uuid: UUID) -> Application:
    """The application's row until the transaction ends: its steps wait for each other."""
    query = select(Application).where(col(Application.uuid) == uuid)
    found = session.exec(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise ApplicationNotFound(f"No application has the id {uuid}.")
    return found


def status(session: Session, application_id: int) -> Status:
    return Status(session.exec(select(Application.status).where(col(Application.id) == application_id)).one())


def seen(session: Session, uuid: UUID, caller: Caller, today: date, *, changing: bool = False) -> Application:
    """The application, for whoever may see it; others learn nothing of it. `changing`: locked."""
    found = by_uuid(session, uuid)
    if not visible(session, found, caller, today):
        raise ApplicationNotFound(f"No application has the id {uuid}.")
    return locked(session, uuid) if changing else found


def visible(session: Session, application: Application, caller: Caller, today: date) -> bool:
    """To its applicant, and once it is submitted to whoever assesses or decides."""
    if is_applicant(session, application, caller.organisation, today):
        return True
    return Status(application.status) is not Status.DRAFT and handles(caller)


def handles(caller: Caller) -> bool:
    return caller.may("certification.assess") or caller.may("certification.decide")


def is_applicant(session: Session, application: Application, number: str, today: date) -> bool:
    """`number`: an organisation number; the applicant's own, or that of its heir."""
    return application.applicant_id in applicant_ids(session, number, today)


def applicant_ids(session: Session, number: str, today: date) -> set[int]:
    """The internal keys of an organisation and of all that have become the same as it."""
    own = organisations.by_organisation_number(session, number)
    if own is None:
        return set()
    resolved = organisations.resolve(session, list(organisations.steps_before(session, [own])), today)
    return {own} | {id for id, found in resolved.items() if own in {heir for heir, _ in found}}


def interested(session: Session, application: Application, today: date) -> frozenset[str]:
    """The numbers of whoever has an interest in it: the applicant with its heirs, and what it came from; for a product
    also the owners of the components that it is offered for."""
    ids = {application.applicant_id}
    ids |= {heir for heir, _ in organisations.resolve(session, ids, today)[application.applicant_id]}
    ids |= set(organisations.steps_before(session, ids))
    found = organisations.by_ids(session, ids)
    own = frozenset(one.organisation_number for one in found.values() if one.organisation_number)
    if application.product_id is None:
        return own
    return own | certificates.interested(session, application.product_id, today)


def assessors(session: Session, application_id: int) -> frozenset[tuple[str, str]]:
    """(organisation number, client) of whoever began the assessment or recommended."""
    query = sa.select(col(ApplicationEvent.organisation_number), col(ApplicationEvent.client)).where(
        col(ApplicationEvent.application_id) == application_id, col(ApplicationEvent.kind).in_(rules.ASSESSING)
    )
    return frozenset((row.organisation_number, row.client) for row in session.execute(query))


def product_of(session: Session, application: Application) -> str | None:
    """The product's name in addresses."""
    if application.product_id is None:
        return None
    query = select(products.Product.slug).where(col(products.Product.id) == application.product_id)
    return session.exec(query).one()


def requirements(session: Session, application_id: int) -> list[Content]:
    """What the application is held to, frozen when it was first submitted; nothing before that."""
    query = (
        sa.select(kept_requirements.Requirement)
        .join(
            ApplicationRequirement,
            col(ApplicationRequirement.requirement_id) == col(kept_requirements.Requirement.id),
        )
        .where(col(ApplicationRequirement.application_id) == application_id)
        .order_by(col(ApplicationRequirement.place))
    )
    return [
        Content(row.id, row.code, kept_requirements.says(row), None, None, None)
        for row in session.execute(query).scalars()
    ]


def events(session: Session, ids: Collection[int]) -> dict[int, list[ApplicationEvent]]:
    """What happened to each application, in the order in which it was recorded."""
    query = select(ApplicationEvent).where(col(ApplicationEvent.application_id).in_(ids))
    found: dict[int, list[ApplicationEvent]] = defaultdict(list)
    for one in session.exec(query.order_by(col(ApplicationEvent.id))):
        found[one.application_id].append(one)
    return found


def page(
    session: Session,
    after: list[Any] | None,
    limit: int,
    *,
    own: Collection[int],
    everyones: bool,
    status: Sequence[Status] = (),
    subject_kind: SubjectKind | None = None,
    product: str | None = None,
) -> Sequence[Application]:
    """By id, limit + 1 rows: those of the applicants in `own`; with `everyones` also all others that are no drafts."""
    query = select(Application).order_by(col(Application.uuid)).limit(limit + 1)
    mine = col(Application.applicant_id).in_(own)
    query = query.where(mine | (col(Application.status) != Status.DRAFT) if everyones else mine)
    if after:
        query = query.where(col(Application.uuid) > after[0])
    if status:
        query = query.where(col(Application.status).in_(status))
    if subject_kind:
        query = query.where(col(Application.subject_kind) == subject_kind)
    if product:
        chosen = select(products.Product.id).where(col(products.Product.slug) == product)
        query = query.where(col(Application.product_id).in_(chosen))
    return session.exec(query).all()


# ---- Keeping; the rules have been looked at


def add(session: Session, application: Application) -> None:
    session.add(application)
    session.flush()


def take(
    session: Session,
    application: Application,
    step: Step,
    *,
    caller: Caller,
    at: datetime,
    reason: str | None = None,
    links: Mapping[str, str] | None = None,
) -> ApplicationEvent:
    """Let a locked application take a step, on the record. `links`: what it led to, `assessment`, `decision` or
    `certificate` → path. Its applicant is told by the feed; nobody else, since applications are not public."""
    before = Status(application.status)
    now = rules.after(before, step)
    terms = schemes.terms(session, SubjectKind(application.subject_kind))
    event = ApplicationEvent(
        application_id=application.id,
        kind=rules.EVENTS[step],
        recorded_at=at,
        reason=reason,
        due_on=rules.due_on(now, clock.on(at), terms),
        links=dict(links) if links else None,
        organisation_number=caller.organisation,
        client=caller.client,
    )
    session.add(event)
    application.status = now
    application.revision += 1
    if step is Step.SUBMIT and before is Status.DRAFT:
        _freeze(session, application)
    session.flush()
    told = {"status": now.value, "due_on": event.due_on and event.due_on.isoformat()}
    audit.record(session, caller, f"certification-application.{step}", application.path, **told, reason=reason)
    feed.tell(
        session,
        f"certification-application.{event.kind}",
        application.path,
        organisations.by_ids(session, [application.applicant_id])[application.applicant_id].organisation_number,
        **told,
        links=event.links or {},
    )
    return event


def _freeze(session: Session, application: Application) -> None:
    version = application.specification_version_id
    if application.profile:
        held = profiles.requirement_ids(session, version, application.profile)
    else:
        held = [one.id for one in kept_requirements.requirements(session, version)]
    rows = [{"application_id": application.id, "requirement_id": id, "place": place} for place, id in enumerate(held)]
    session.execute(sa.insert(ApplicationRequirement), rows)


def pending(session: Session, application: Application) -> Sequence[Application]:
    """The applicant's other applications that are under way; whoever asks waits for others who do, so that of two that
    are alike one sees the other."""
    query = sa.select(col(organisations.Organisation.id)).where(
        col(organisations.Organisation.id) == application.applicant_id
    )
    session.execute(query.with_for_update(key_share=True))
    others = select(Application).where(
        col(Application.applicant_id) == application.applicant_id, col(Application.status).in_(rules.PENDING)
    )
    return [one for one in session.exec(others) if one.id != application.id]


def sought(application: Application, product: str | None) -> rules.Sought:
    """What the rules look at; `product`: its name in addresses."""
    return rules.Sought(
        SubjectKind(application.subject_kind),
        product,
        application.role,
        application.versions,
        application.version_from,
        application.version_to,
        application.delivery_forms,
        application.profile,
        application.renews,
        application.extends,
    )


def facts(
    session: Session,
    application: Application,
    version: specifications.Version,
    today: date,
    *,
    suspended: bool = False,
) -> rules.Facts:
    """What the catalogue says today about what an application refers to."""
    forms: Collection[str] = ()
    labels: dict[str, tuple[str, date | None]] = {}
    if application.product_id is not None:
        forms = session.get_one(products.Product, application.product_id).delivery_forms
        here = products.ProductVersion
        query = sa.select(col(here.label), col(here.order_key), col(here.end_of_life_on))
        rows = session.execute(query.where(col(here.product_id) == application.product_id))
        labels = {row.label: (row.order_key, row.end_of_life_on) for row in rows}
    named = [one for one in (application.renews, application.extends) if one]
    return rules.Facts(
        certifies=specifications.certifies(session, version.specification_id),
        in_force=version.timeline.in_force(today),
        profiles=profiles.slugs(session, version.id),
        offered_forms=forms,
        product_versions=labels,
        certificates=_of_the_same(session, application, named, today) if named else (),
        suspended=suspended,
        today=today,
    )


def _of_the_same(session: Session, application: Application, numbers: Sequence[str], today: date) -> set[str]:
    """Of these certificates those that are for the same product or firm, version and profile."""
    here = certificates.Certificate
    query = select(here).where(
        col(here.number).in_(numbers),
        col(here.subject_kind) == application.subject_kind,
        col(here.specification_version_id) == application.specification_version_id,
    )
    heirs = {application.applicant_id}
    heirs |= set(organisations.steps_before(session, heirs))
    return {
        one.number
        for one in session.exec(query)
        if (one.profile, one.role, one.product_id) == (application.profile, application.role, application.product_id)
        and (one.product_id is not None or one.holder_id in heirs)
    }


def scope(application: Application) -> rules.Scope:
    key = products.order_key
    return rules.Scope(
        application.product_id,
        application.role,
        application.specification_version_id,
        application.profile,
        rules.Versions(
            frozenset(map(key, application.versions)) if application.versions is not None else None,
            key(application.version_from) if application.version_from else None,
            key(application.version_to) if application.version_to else None,
        ),
        frozenset(application.delivery_forms),
    )
