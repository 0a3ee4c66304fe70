"""Test endpoints as they are kept, with what was decided about each."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.applications import store as applications  # noqa: F401  # the worker needs the tables referred to
from services.catalog.db import Table
from services.catalog.products import store as products
from services.catalog.test_endpoints import rules
from services.catalog.test_endpoints.rules import State, Step
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.values import new_id


class Endpoint(Table, table=True):
    """`state` is that of the newest event, so that one can ask by it."""

    __tablename__ = "test_endpoint"
    __table_args__ = (
        sa.Index(
            "ix_test_endpoint_once",
            "product_id",
            "base_url",
            unique=True,
            postgresql_where=sa.text("state IN ('proposed', 'approved')"),
        ),
        sa.Index("ix_test_endpoint_state_uuid", "state", "uuid"),
        sa.Index("ix_test_endpoint_product_id_uuid", "product_id", "uuid"),
    )
    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    product_id: int = Field(foreign_key="product.id")
    application_id: int | None = Field(default=None, foreign_key="application.id", index=True)
    base_url: str = Field(max_length=500)
    host: str = Field(max_length=253)
    headers: dict[str, str] = Field(sa_type=JSON)
    state: State = Field(default=State.PROPOSED, sa_type=choice(State))
    organisation_number: str = Field(max_length=9)
    client: str = Field(max_length=200)
    registered_at: datetime = Field(sa_type=INSTANT)
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})

    @property
    def path(self) -> str:
        return f"/test-endpoints/{self.uuid}"


class EndpointEvent(Table, table=True):
    """What was decided. A trigger keeps it from ever being changed."""

    __tablename__ = "test_endpoint_event"
    id: int = Field(default=None, primary_key=True)
    endpoint_id: int = Field(foreign_key="test_endpoint.id", index=True)
    step: Step = Field(sa_type=choice(Step))
    state: State = Field(sa_type=choice(State))
    recorded_at: datetime = Field(sa_type=INSTANT)
    reason: str | None = Field(default=None, max_length=2000)
    organisation_number: str = Field(max_length=9)
    client: str = Field(max_length=200)


_SHOWN = """
    SELECT e.id, e.uuid, e.product_id, p.slug AS product, p.supplier_id, a.uuid AS application, e.base_url, e.host,
           e.headers, e.state, e.organisation_number, e.registered_at, e.revision
      FROM test_endpoint e
      JOIN product p ON p.id = e.product_id
      LEFT JOIN application a ON a.id = e.application_id
"""
_ONE = sa.text(f"{_SHOWN} WHERE e.uuid = :uuid")
# What a caller may not see is left out before the page is cut, so that a page's length tells nothing of it.
_PAGE = sa.text(
    f"""{_SHOWN}
     WHERE (CAST(:after AS uuid) IS NULL OR e.uuid > :after)
       AND (CAST(:products AS text[]) IS NULL OR p.slug = ANY(:products))
       AND (CAST(:states AS text[]) IS NULL OR e.state = ANY(:states))
       AND (CAST(:suppliers AS integer[]) IS NULL OR p.supplier_id = ANY(:suppliers))
     ORDER BY e.uuid LIMIT :rows
    """  # put together from our own constants only
)


def add(session: Session, endpoint: Endpoint) -> Endpoint:
    session.add(endpoint)
    try:
        session.flush()
    except IntegrityError:
        raise rules.EndpointTaken(pointer="#/base_url") from None
    return endpoint


def find(session: Session, uuid: UUID) -> Endpoint | None:
    return session.exec(select(Endpoint).where(col(Endpoint.uuid) == uuid)).one_or_none()


def locked(session: Session, uuid: UUID) -> Endpoint:
    """The endpoint's row until the transaction ends; the caller has been let in before."""
    query = select(Endpoint).where(col(Endpoint.uuid) == uuid).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one()


def shown(session: Session, uuid: UUID) -> sa.Row[Any]:
    found = session.execute(_ONE, {"uuid": uuid}).one_or_none()
    if found is None:
        raise unknown(uuid)
    return found


def seen(session: Session, uuid: UUID, organisation: str, today: date, *, body: bool) -> sa.Row[Any]:
    """An endpoint, for its product's supplier and for whoever assesses or decides (`body`)."""
    found = shown(session, uuid)
    if not body and not is_supplier(session, found.supplier_id, organisation, today):
        raise unknown(uuid)
    return found


def unknown(uuid: UUID) -> rules.EndpointNotFound:
    """The same for what does not exist and what the caller may not know of."""
    return rules.EndpointNotFound(f"No test endpoint has the id {uuid}.")


def is_supplier(session: Session, supplier_id: int, organisation: str, today: date) -> bool:
    """Whether an organisation is a product's supplier as it is today."""
    heirs = products.suppliers(session, [supplier_id], today)[supplier_id]
    return organisation in {one.organisation_number for one in heirs}


def page(
    session: Session,
    after: list[Any] | None,
    limit: int,
    *,
    products: Sequence[str] | None,
    states: Sequence[State] | None,
    suppliers: Sequence[int] | None,
) -> Sequence[sa.Row[Any]]:
    """By id, limit + 1 rows. `suppliers`: internal keys of whose they are; None for all."""
    values = {
        "after": after[0] if after else None,
        "products": list(products) if products else None,
        "states": list(states) if states else None,
        "suppliers": None if suppliers is None else list(suppliers),
        "rows": limit + 1,
    }
    return session.execute(_PAGE, values).all()


def approved_hosts(session: Session, product_id: int) -> list[str]:
    """The list of hosts that may be called to test a product."""
    query = select(Endpoint.host).where(col(Endpoint.product_id) == product_id, col(Endpoint.state) == State.APPROVED)
    return sorted(set(session.exec(query)))


def record(session: Session, endpoint: Endpoint, event: EndpointEvent) -> None:
    """The endpoint's row is locked."""
    session.add(event)
    endpoint.state = event.state
    endpoint.revision += 1
    session.flush()


def events(session: Session, ids: Collection[int]) -> dict[int, list[EndpointEvent]]:
    """What was decided about each, in the order in which it was recorded."""
    found: dict[int, list[EndpointEvent]] = defaultdict(list)
    query = select(EndpointEvent).where(col(EndpointEvent.endpoint_id).in_(ids)).order_by(col(EndpointEvent.id))
    for one in session.exec(query):
        found[one.endpoint_id].append(one)
    return found
