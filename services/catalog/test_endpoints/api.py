"""Test endpoints over HTTP."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.addresses import rules as addresses
from services.catalog.applications import store as applications
from services.catalog.certificates import store as certificates
from services.catalog.products import store as products
from services.catalog.schemes.shapes import is_body
from services.catalog.settings import Settings
from services.catalog.test_endpoints import rules, store
from services.catalog.test_endpoints.rules import State, Step
from services.chassis import audit, changes, clock, feed, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Problem, refuse
from services.chassis.values import In, Instant, Out, Slug, seed_id

router = new_router("/test-endpoints", "Conformance tests")

SUPPLIER, LABORATORY = "100000016", "100000059"
SEEDED, PROPOSED = str(seed_id("test-endpoint:fjordvakt")), str(seed_id("test-endpoint:proposed"))
EndpointId = Annotated[UUID, Path(description="The endpoint's id", examples=[SEEDED])]
ProposedId = Annotated[UUID, Path(description="The endpoint's id", examples=[PROPOSED])]


class NewEndpoint(In):
    product: Slug = Field(examples=["fjordvakt-alarm"])
    application: UUID | None = Field(default=None, description="The application that it is for, if there is one yet")
    base_url: str = Field(
        max_length=addresses.LONGEST_URL,
        description="Where the interface's paths begin: https, a host by its name, a port only where the installation "
        "lists it, no user, query or fragment",
        examples=["https://test.fjordvakt.example/api"],
    )
    headers: dict[str, str] = Field(
        default={},
        max_length=rules.MOST_HEADERS,
        description="Sent with every request, such as a tenant of the test environment. Never a secret: what looks "
        "like one is refused, and a test environment must do without login while it is tested",
        examples=[{"X-Test-Tenant": "fiktiv-kommune"}],
    )


class Reason(In):
    reason: str = Field(min_length=1, max_length=2000)


class Note(In):
    reason: str | None = Field(default=None, min_length=1, max_length=2000)


class EndpointEvent(Out):
    step: Step
    state: State
    recorded_at: Instant
    reason: str | None
    organisation_number: str = Field(description="Who decided")


class Endpoint(Out):
    """Where a product's interface is tested, and what was decided about its host."""

    id: UUID
    product: str
    application: UUID | None
    base_url: str
    host: str = Field(description="What is on the list of hosts for this product while the endpoint is approved")
    headers: dict[str, str]
    state: State
    organisation_number: str = Field(description="Who proposed it")
    registered_at: Instant
    events: list[EndpointEvent] = Field(description="Oldest first")


class Filters(In):
    product: list[Slug] = Field(default=[], max_length=50, description="Only of these products")
    state: list[State] = Field(default=[], max_length=4, description="Only in one of these states")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("", summary="List test endpoints", openapi_extra=example(organisation=SUPPLIER))
def list_endpoints(
    filters: Annotated[Filters, Query()],
    caller: CallerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
    today: TodayDep,
) -> paging.Page[Endpoint]:
    """A supplier sees those of its own products; whoever assesses or decides sees all. By id."""
    rows = store.page(
        reader,
        paging.start(filters.after, UUID),
        filters.limit,
        products=filters.product,
        states=filters.state,
        suppliers=None if is_body(caller) else products.keys_of_supplier(reader, caller.organisation, today),
    )
    events = store.events(reader, [row.id for row in rows])
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row.uuid),
        lambda row: _one(row, events[row.id]),
    )


@router.get("/{id}", summary="Read a test endpoint", openapi_extra=example(organisation=SUPPLIER))
def read(id: EndpointId, caller: CallerDep, reader: ReaderDep, response: Response, today: TodayDep) -> Endpoint:
    """One endpoint with what was decided about it, for its supplier and whoever assesses or decides."""
    store.seen(reader, id, caller.organisation, today, body=is_body(caller))
    return _shown(reader, id, response)


@router.post(
    "",
    status_code=201,
    summary="Propose a test endpoint",
    openapi_extra=example(
        organisation=SUPPLIER,
        body={
            "product": "fjordvakt-alarm",
            "base_url": "https://ny-test.fjordvakt.example/api",
            "headers": {"X-Test-Tenant": "fiktiv-kommune"},
        },
    ),
)
def propose(
    new: NewEndpoint, caller: CallerDep, session: SessionDep, request: Request, response: Response, today: TodayDep
) -> Endpoint:
    """For the product's supplier. Nothing is called until an assessor of another organisation has approved the host;
    when it is called, the name must lead to addresses on the open Internet only, and a redirect is never followed."""
    product = products.by_slug(session, new.product)
    if not store.is_supplier(session, product.supplier_id, caller.organisation, today):
        raise rules.NotItsSupplier
    found, target = _reached(new.base_url, _settings(request))
    application_id = None
    if new.application:
        application = applications.seen(session, new.application, caller, today)
        application_id = application.id
        if application.product_id != product.id:
            found.append(rules.ApplicationOfAnotherProduct(pointer="#/application"))
    refuse([*found, *rules.check_headers(new.headers)])
    assert target
    endpoint = store.add(
        session,
        store.Endpoint(
            product_id=product.id,
            application_id=application_id,
            base_url=target.url,
            host=target.host,
            headers=new.headers,
            organisation_number=caller.organisation,
            client=caller.client,
            registered_at=clock.now(),
        ),
    )
    response.headers["Location"] = endpoint.path
    audit.record(session, caller, "test-endpoint.propose", endpoint.path, product=new.product, base_url=target.url)
    _tell(session, endpoint, new.product, "proposed", caller.organisation)
    return _shown(session, endpoint.uuid, response)


@router.post(
    "/{id}/approve", summary="Approve a test endpoint's host", openapi_extra=example(organisation=LABORATORY, body={})
)
def approve(
    id: ProposedId,
    new: Note,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: TodayDep,
    if_match: changes.IfMatch = None,
) -> Endpoint:
    """From now on the worker may call this host to test this product. For an assessor whose organisation neither
    supplies the product nor owns a component that it is offered for."""
    row = store.seen(session, id, caller.organisation, today, body=True)
    refuse(rules.check_decider(caller.organisation, certificates.interested(session, row.product_id, today)))
    return _take(session, row, Step.APPROVE, new.reason, caller, if_match, response)


@router.post(
    "/{id}/refuse",
    summary="Refuse a test endpoint's host",
    openapi_extra=example(organisation=LABORATORY, body={"reason": "Verten tilhører ikke leverandøren (fiktivt)"}),
)
def refuse_it(
    id: ProposedId,
    new: Reason,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: TodayDep,
    if_match: changes.IfMatch = None,
) -> Endpoint:
    """The host is not called, or not any more. For whoever could have approved it."""
    row = store.seen(session, id, caller.organisation, today, body=True)
    refuse(rules.check_decider(caller.organisation, certificates.interested(session, row.product_id, today)))
    return _take(session, row, Step.REFUSE, new.reason, caller, if_match, response)


@router.post(
    "/{id}/withdraw",
    summary="Withdraw a test endpoint",
    openapi_extra=example(organisation=SUPPLIER, body={"reason": "Testmiljøet er lagt ned (fiktivt)"}),
)
def withdraw(
    id: EndpointId,
    new: Note,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: TodayDep,
    if_match: changes.IfMatch = None,
) -> Endpoint:
    """For the product's supplier. The host is not called any more; a run that has begun goes on to its end."""
    row = store.seen(session, id, caller.organisation, today, body=False)
    return _take(session, row, Step.WITHDRAW, new.reason, caller, if_match, response)


def _reached(url: str, settings: Settings) -> tuple[list[Problem], addresses.Target | None]:
    """→ (what is wrong with it, where it leads)"""
    try:
        target = addresses.parse(url)
    except addresses.UrlUnusable as unusable:
        return [unusable], None
    found = addresses.check(
        target,
        ports=settings.conformance_ports,
        plain_http=settings.conformance_plain_http,
        exempts=settings.conformance_exempts,
    )
    return found, target


def _take(
    session: Session, row: Any, step: Step, reason: str | None, caller: Caller, if_match: str | None, response: Response
) -> Endpoint:
    endpoint = store.locked(session, row.uuid)
    changes.require_match(if_match, endpoint.revision, needed=False)
    state = rules.after(State(endpoint.state), step)
    event = store.EndpointEvent(
        endpoint_id=endpoint.id,
        step=step,
        state=state,
        recorded_at=clock.now(),
        reason=reason,
        organisation_number=caller.organisation,
        client=caller.client,
    )
    store.record(session, endpoint, event)
    audit.record(session, caller, f"test-endpoint.{step}", endpoint.path, reason=reason)
    _tell(session, endpoint, row.product, state, endpoint.organisation_number)
    return _shown(session, row.uuid, response)


def _tell(session: Session, endpoint: store.Endpoint, product: str, what: str, organisation: str) -> None:
    feed.tell(session, f"test-endpoint.{what}", endpoint.path, organisation, product=product)


def _settings(request: Request) -> Settings:
    found = request.app.state.settings
    assert isinstance(found, Settings)
    return found


def _shown(session: Session, uuid: UUID, response: Response) -> Endpoint:
    row = store.shown(session, uuid)
    response.headers["ETag"] = changes.etag(row.revision)
    return _one(row, store.events(session, [row.id])[row.id])


def _one(row: Any, events: Sequence[store.EndpointEvent]) -> Endpoint:
    return Endpoint.model_validate(
        {**row._asdict(), "id": row.uuid, "events": [EndpointEvent.model_validate(one) for one in events]}
    )
