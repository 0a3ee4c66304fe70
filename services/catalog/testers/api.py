"""Testers over HTTP."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.organisations import store as organisations
from services.catalog.testers import rules, signatures, store
from services.catalog.testers.rules import State, Step
from services.chassis import audit, changes, clock, feed, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Instant, OrganisationNumber, Out, seed_id

router = new_router("/testers", "Certification")

LABORATORY, BODY = "100000059", "100000040"
SEEDED = {name: str(seed_id(f"tester:{name}")) for name in ("laboratory", "new", "old")}
TesterId = Annotated[UUID, Path(description="The tester's id", examples=[SEEDED["laboratory"]])]
NewTesterId = Annotated[UUID, Path(description="The tester's id", examples=[SEEDED["new"]])]
OldTesterId = Annotated[UUID, Path(description="The tester's id", examples=[SEEDED["old"]])]


class NewTester(In):
    tool: str = Field(min_length=1, max_length=200, description="What the tool is called", examples=["Testbenk"])
    key: dict[str, Any] = Field(
        max_length=10, description="Its public key as JWK (RFC 7517): Ed25519 (OKP), or P-256 (EC) for ES256"
    )
    valid_from_on: date = Field(description="The first day whose signatures are taken")
    valid_to_on: date = Field(description="The last one")


class NewStep(In):
    reason: str | None = Field(default=None, min_length=1, max_length=2000)


class NewReasonedStep(In):
    reason: str = Field(min_length=1, max_length=2000)


class TesterEvent(Out):
    kind: rules.EventKind
    recorded_at: Instant
    organisation_number: str = Field(description="Who did it")
    reason: str | None


class TesterSummary(Out):
    """A test tool with the key that it signs with."""

    id: UUID = Field(description="A report names it as `iss`")
    organisation_number: str | None = Field(description="Whose it is")
    organisation_name: str
    tool: str
    key: dict[str, str] = Field(description="The public key as JWK")
    key_id: str = Field(description="The key's thumbprint (RFC 7638, SHA-256); a signature names it as `kid`")
    valid_from_on: date
    valid_to_on: date = Field(description="The last day")
    state: State


class Tester(TesterSummary):
    """A test tool with what became of it."""

    events: list[TesterEvent] = Field(description="Oldest first")


class Filters(In):
    state: State | None = Field(default=None, description="Only those in this state")
    organisation: OrganisationNumber | None = Field(default=None, description="Only this organisation's")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("", summary="List testers", openapi_extra=example(query={"state": "approved"}))
def list_testers(
    filters: Annotated[Filters, Query()], reader: ReaderDep, request: Request, response: Response
) -> paging.Page[TesterSummary]:
    """Every test tool that was ever registered, by id, with its public key: so anybody can look over a signed
    report."""
    rows = store.page(
        reader,
        paging.start(filters.after, UUID),
        filters.limit,
        state=filters.state,
        organisation=filters.organisation,
    )
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row.uuid),
        lambda row: TesterSummary.model_validate(_fields(row)),
    )


@router.get("/{id}", summary="Read about a tester", openapi_extra=example())
def read(id: TesterId, reader: ReaderDep, response: Response) -> Tester:
    """One test tool, its public key, and who registered, approved or revoked it."""
    return _shown(reader, store.by_uuid(reader, id), response)


@router.post(
    "",
    status_code=201,
    summary="Register a test tool's key",
    openapi_extra=example(
        organisation=LABORATORY,
        body={
            "tool": "Testbenk for varsler (fiktiv)",
            "key": {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
            "valid_from_on": "2026-01-01",
            "valid_to_on": "2028-12-31",
        },
    ),
)
def register(new: NewTester, caller: CallerDep, session: SessionDep, response: Response) -> Tester:
    """For your own organisation. Signed reports are taken once somebody who decides on certification has approved it.
    The private part of the key stays with you; send only the public one. A new key is a new tester."""
    key, found = rules.key(new.key)
    if key and not signatures.is_key(key.jwk):
        found.append(rules.KeyUnusable("It is no point of its curve.", pointer="#/key"))
    refuse(found + rules.check_period(new.valid_from_on, new.valid_to_on))
    assert key
    acting = organisations.of_caller(session, caller.organisation)
    added = store.Tester(
        organisation_id=acting.id,
        tool=new.tool,
        jwk=dict(key.jwk),
        key_id=key.id,
        valid_from_on=new.valid_from_on,
        valid_to_on=new.valid_to_on,
    )
    store.add(session, added)
    response.headers["Location"] = path = f"/testers/{added.uuid}"
    _record(session, added.id, caller, rules.EventKind.REGISTERED, None)
    audit.record(session, caller, "tester.register", path, new=new.model_dump(mode="json"))
    feed.tell(session, "tester.registered", path, None, key_id=key.id)
    return _shown(session, store.by_uuid(session, added.uuid), response)


@router.post(
    "/{id}/approve",
    summary="Approve a tester",
    operation_id="tester_approve",
    openapi_extra=example(organisation=BODY, body={"reason": "Nøkkelen er bekreftet over telefon (fiktivt)"}),
)
def approve(
    id: NewTesterId,
    new: NewStep,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Tester:
    """Registered → approved, by whoever decides on certification, through another client than the one that registered
    it. From now on the reports that it signs are taken."""
    return _take(session, id, Step.APPROVE, new.reason, caller, response, today, if_match)


@router.post(
    "/{id}/reject",
    summary="Reject a tester",
    operation_id="tester_reject",
    openapi_extra=example(organisation=BODY, body={"reason": "Nøkkelen er ikke bekreftet (fiktivt)"}),
)
def reject(
    id: NewTesterId,
    new: NewReasonedStep,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Tester:
    """Registered → rejected, with the reason, by whoever decides on certification."""
    return _take(session, id, Step.REJECT, new.reason, caller, response, today, if_match)


@router.post(
    "/{id}/revoke",
    summary="Revoke a tester",
    operation_id="tester_revoke",
    openapi_extra=example(organisation=LABORATORY, body={"reason": "Nøkkelen kan være på avveie (fiktivt)"}),
)
def revoke(
    id: OldTesterId,
    new: NewReasonedStep,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Tester:
    """To revoked, for ever, by its own organisation or by whoever decides on certification: the key is not to be
    trusted. No report of it is taken or adopted any more; what was adopted before stays, and can be asked about."""
    return _take(session, id, Step.REVOKE, new.reason, caller, response, today, if_match)


def _take(
    session: Session,
    id: UUID,
    step: Step,
    reason: str | None,
    caller: Caller,
    response: Response,
    today: date,
    if_match: str | None,
) -> Tester:
    store.lock(session, id)
    kept = store.by_uuid(session, id)
    changes.require_match(if_match, kept.events, needed=False)
    own = caller.organisation in _numbers(session, kept, today)
    refuse(
        rules.check_step(
            kept.state,
            step,
            client=caller.client,
            registered_by=kept.registered_by,
            own=own,
            decides=caller.may("certification.decide"),
        )
    )
    kind = rules.EventKind(rules.MOVES[kept.state, step].value)
    _record(session, kept.id, caller, kind, reason)
    path = f"/testers/{id}"
    audit.record(session, caller, f"tester.{step}", path, reason=reason)
    feed.tell(session, f"tester.{kind}", path, None, key_id=kept.key_id)
    return _shown(session, store.by_uuid(session, id), response)


def _numbers(session: Session, kept: store.Kept, today: date) -> set[str | None]:
    """Its organisation's number, and of whoever that has become."""
    heirs = organisations.resolve(session, [kept.organisation_id], today)[kept.organisation_id]
    known = organisations.by_ids(session, {one for one, _ in heirs})
    return {kept.organisation, *(one.organisation_number for one in known.values())}


def _record(session: Session, tester_id: int, caller: Caller, kind: rules.EventKind, reason: str | None) -> None:
    store.record(
        session,
        store.TesterEvent(
            tester_id=tester_id,
            kind=kind,
            recorded_at=clock.now(),
            organisation_number=caller.organisation,
            client=caller.client,
            reason=reason,
        ),
    )


def _fields(row: store.Kept) -> dict[str, Any]:
    return {**row.__dict__, "id": row.uuid, "organisation_number": row.organisation, "key": row.jwk}


def _shown(session: Session, kept: store.Kept, response: Response) -> Tester:
    response.headers["ETag"] = changes.etag(kept.events)
    return Tester.model_validate({**_fields(kept), "events": store.history(session, kept.id)})
