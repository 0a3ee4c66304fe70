"""Versions of interfaces over HTTP."""

from datetime import date
from typing import Annotated, Any

from fastapi import Path, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.interface_versions import rules, store
from services.catalog.interfaces import rules as interface_rules
from services.catalog.interfaces import store as interfaces
from services.catalog.interfaces.rules import Status
from services.catalog.organisations import store as organisations
from services.chassis import audit, changes, clock, feed, paging, view
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Instant, Out, Text, TextOut
from services.chassis.view import ViewDep

router = new_router("/interfaces/{slug}/versions", "Interfaces")

EDITOR = "100000008"
InterfaceSlug = Annotated[
    str, Path(description="The interface's name in addresses", examples=["velferdsteknologi-varsler"])
]
Label = Annotated[str, Path(description="The version's label", examples=["2.0"])]
DraftLabel = Annotated[str, Path(description="The version's label", examples=["3.0"])]
VersionLabel = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,39}$",
        description="As its owner writes it; says nothing of order",
        examples=["3.1"],
    ),
]


class NewInterfaceVersion(In):
    version: VersionLabel
    notes: Text | None = Field(default=None, description="What is new in it")


class NewStep(In):
    effective_on: date | None = Field(
        default=None, description="The day from which it holds, today when left out; a day to come is allowed"
    )
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="Needed for `deprecate` and `withdraw`, and for everything that took effect before today",
    )
    replaced_by: VersionLabel | None = Field(default=None, description="The version to move to, when this one ends")


class VersionEvent(Out):
    """A step of the version's life."""

    step: rules.Step
    status: Status = Field(description="The state that it leads to")
    effective_on: date
    recorded_at: Instant
    reason: str | None
    organisation: str = Field(description="Who decided, by organisation number")


class InterfaceVersion(Out):
    """One version of an interface. A draft can still change; what is published stays as it is."""

    interface: str
    version: str
    status: Status = Field(description="On the day that was asked for")
    notes: TextOut | None
    replaced_by: str | None = Field(description="The version to move to")
    registered_at: Instant
    events: list[VersionEvent] = Field(description="In the order in which they were recorded, also what is to come")


@router.get(
    "",
    summary="List an interface's versions",
    response_model=paging.Page[InterfaceVersion],
    openapi_extra=example(),
)
def list_versions(
    slug: InterfaceSlug,
    reader: ReaderDep,
    request: Request,
    response: Response,
    seen: ViewDep,
    today: TodayDep,
    after: paging.After = None,
    limit: paging.Limit = paging.DEFAULT,
) -> Any:
    """In the order in which they were registered, with the states of today."""
    interface = interfaces.by_slug(reader, slug)
    rows = store.page(reader, interface.id, paging.start(after, int), limit)
    names = store.labels(reader, interface.id)
    events = store.events(reader, [row.id for row in rows])
    page = paging.page(
        request,
        response,
        rows,
        limit,
        lambda row: paging.cursor(row.id),
        lambda row: _one(slug, row, names, events[row.id], today),
    )
    return view.answer(seen, page, response)


@router.get(
    "/{version}", summary="Read an interface's version", response_model=InterfaceVersion, openapi_extra=example()
)
def read(
    slug: InterfaceSlug,
    version: Label,
    reader: ReaderDep,
    response: Response,
    seen: ViewDep,
    today: TodayDep,
    on: date | None = None,
) -> Any:
    """One version with everything that happened to it; `on` asks for its state on another day. Its description in a
    machine's language stands under `/artefact`, those who use it under `/impact`."""
    interface, row = store.of(reader, slug, version)
    return view.answer(seen, _shown(reader, interface, row, on or today, response), response)


@router.post(
    "",
    status_code=201,
    summary="Register a version of an interface",
    openapi_extra=example(
        organisation=EDITOR, body={"version": "3.1", "notes": {"nb": "Varsler kan kvitteres samlet. Fiktiv."}}
    ),
)
def register(
    slug: InterfaceSlug, new: NewInterfaceVersion, caller: CallerDep, session: SessionDep, response: Response
) -> InterfaceVersion:
    """A draft, for the interface's owner and for editors. Put its artefact, then publish it."""
    acting = organisations.of_caller(session, caller.organisation)
    interface = interfaces.to_change(session, slug)
    refuse(interface_rules.check_keeper(interface.owner_id, acting.id, editor=caller.may("catalog.admin")))
    now = clock.now()
    row = store.add(
        session,
        store.InterfaceVersion(
            interface_id=interface.id,
            label=new.version,
            notes=new.notes.kept() if new.notes else None,
            registered_at=now,
        ),
    )
    interfaces.index(session, slug, clock.on(now))
    response.headers["Location"] = path = f"/interfaces/{slug}/versions/{new.version}"
    audit.record(
        session, caller, "interface_version.register", path, new=new.model_dump(mode="json", exclude_none=True)
    )
    feed.tell(session, "interface_version.registered", path, None)
    return _shown(session, interface, row, clock.on(now), response)


@router.post(
    "/{version}/{step}",
    summary="Publish, deprecate or withdraw a version",
    openapi_extra=example(organisation=EDITOR, body={"effective_on": "2027-03-01"}),
)
def take(
    slug: InterfaceSlug,
    version: DraftLabel,
    step: Annotated[rules.Step, Path(description="What happens to it", examples=["publish"])],
    new: NewStep,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: TodayDep,
    if_match: changes.IfMatch = None,
) -> InterfaceVersion:
    """`publish`: a draft becomes current, and its artefact final. `deprecate`: consumers are to move on, `replaced_by`
    says whereto. `withdraw`: it is no more. Each holds from its day; several are decided in the order in which they
    take effect. For the interface's owner and for editors."""
    acting = organisations.of_caller(session, caller.organisation)
    interface, row = store.of(session, slug, version, lock=True)
    refuse(interface_rules.check_keeper(interface.owner_id, acting.id, editor=caller.may("catalog.admin")))
    changes.require_match(if_match, row.revision, needed=False)
    effective_on = new.effective_on or today
    successor = next(
        (key for key, label in store.labels(session, interface.id).items() if label == new.replaced_by), None
    )
    history = store.history(store.events(session, [row.id])[row.id])
    found = rules.check(
        history,
        step,
        effective_on=effective_on,
        today=today,
        reason=new.reason,
        replaced=None if successor == row.id else successor is not None,
    )
    if new.replaced_by and successor is None:
        found.append(rules.SuccessorUnknown(f"There is no version {new.replaced_by!r}.", pointer="#/replaced_by"))
    refuse(found)
    status = rules.MOVES[rules.last(history), step]
    store.record(
        session,
        store.Event(
            version_id=row.id,
            step=step,
            status=status,
            effective_on=effective_on,
            recorded_at=clock.now(),
            reason=new.reason,
            organisation=caller.organisation,
        ),
    )
    row.replaced_by_id = successor or row.replaced_by_id
    row.revision += 1
    interfaces.index(session, slug, today)
    path = f"/interfaces/{slug}/versions/{version}"
    told = {"effective_on": effective_on.isoformat(), "replaced_by": new.replaced_by}
    audit.record(session, caller, f"interface_version.{step}", path, reason=new.reason, **told)
    feed.tell(session, f"interface_version.{rules.EVENTS[step]}", path, None, **told)
    return _shown(session, interface, row, today, response)


def _shown(
    session: Session, interface: interfaces.Interface, row: store.InterfaceVersion, on: date, response: Response
) -> InterfaceVersion:
    response.headers["ETag"] = changes.etag(row.revision)
    names = store.labels(session, interface.id) if row.replaced_by_id else {}
    return _one(interface.slug, row, names, store.events(session, [row.id])[row.id], on)


def _one(
    slug: str, row: store.InterfaceVersion, names: dict[int, str], events: list[store.Event], on: date
) -> InterfaceVersion:
    return InterfaceVersion(
        interface=slug,
        version=row.label,
        status=rules.status_on(store.history(events), on),
        notes=row.notes,
        replaced_by=names[row.replaced_by_id] if row.replaced_by_id else None,
        registered_at=row.registered_at,
        events=[VersionEvent.model_validate(one) for one in events],
    )
