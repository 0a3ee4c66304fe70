"""A small service about nothing, built on the chassis as any other is."""

from collections.abc import Iterator
from typing import Annotated

import psycopg
import pytest
import sqlalchemy as sa
from fastapi import Depends, FastAPI, Request, Response
from fastapi.testclient import TestClient

from services.chassis import audit, feed, idempotency
from services.chassis.app import new_app, new_router
from services.chassis.auth import CallerDep
from services.chassis.db import DatabaseDep, ReaderDep, SessionDep
from services.chassis.idempotency import KeyHeader, Once
from services.chassis.permissions import Table, anyone, may, only
from services.chassis.problems import Conflict, Invalid, refuse
from services.chassis.settings import ServiceSettings
from services.chassis.values import In, Money, OrganisationNumber, Text
from tests.conftest import NewDatabase
from tests.issuer import Issuer

ORGANISATION = "964983291"


class TooMuch(Conflict):
    """It is too much.

    More than this line explains it.
    """


class TooOdd(Invalid):
    """It is too odd."""


class NewThing(In):
    name: Text
    price: Money
    owner: OrganisationNumber


router = new_router("/things", "Things")


@router.post("", status_code=201)
def make(new: NewThing, caller: CallerDep, session: SessionDep) -> dict[str, str]:
    refuse(
        [
            *([TooMuch("Ten at most.", left="10.00")] if new.price > 10 else []),
            *([TooOdd("Even øre only.", pointer="#/price")] if new.price * 100 % 2 else []),
        ]
    )
    audit.record(session, caller, "thing.make", "/things/1", price=str(new.price))
    feed.tell(session, "thing.made", "/things/1", caller.organisation)
    return {"owner": new.owner}


@router.get("/{id}")
def read(id: int, reader: ReaderDep) -> int:
    return int(reader.execute(sa.select(sa.literal(id))).scalar_one())


@router.get("/break/{number}")
async def crash(number: str) -> None:
    raise RuntimeError(f"cannot go on with {number}")


@router.get("/slow/{seconds}")
def slow(seconds: float, reader: ReaderDep) -> str:
    reader.execute(sa.text("SELECT pg_sleep(:seconds)"), {"seconds": seconds})
    return "done"


async def _once(request: Request, caller: CallerDep, key: KeyHeader = None) -> Once:
    return await idempotency.once(request, caller, "things.once", key)


@router.post("/once", status_code=201)
def make_once(
    new: NewThing, caller: CallerDep, once: Annotated[Once, Depends(_once)], database: DatabaseDep
) -> Response:
    once.look_up(database)
    with database.writing() as session:
        once.claim(session)
        feed.tell(session, "thing.made", "/things/1", caller.organisation)
        refuse([TooMuch("Ten at most.")] if new.price > 10 else [])
        count = session.execute(sa.text("SELECT count(*) FROM event")).scalar_one()
        session.execute(sa.text("SELECT pg_sleep(0.2)"))
        return once.keep(session, b'{"number": %d}' % count, status=201, location="/things/1")


PERMISSIONS = Table(
    {
        "POST /things": only(may("things.write")),
        "POST /things/once": only(may("things.write")),
        "GET /things/{id}": anyone(),
        "GET /things/break/{number}": anyone(),
        "GET /things/slow/{seconds}": anyone(),
    },
    roles={"things.write": ("writer",)},
)


def build(url: str, issuer: Issuer, **settings: object) -> FastAPI:
    from services.chassis.db import Database

    given = ServiceSettings.model_validate({"database_url": url, "port": 1, "issuers": [issuer.trusted()], **settings})
    return new_app(
        "Things",
        section="agreements",
        description="",
        version="1",
        settings=given,
        database=Database(url),
        routers=[router],
        permissions=PERMISSIONS,
    )


@pytest.fixture
def url(new_database: NewDatabase) -> str:
    """The agreements database holds all that the chassis keeps."""
    return new_database("agreements")


@pytest.fixture
def app(url: str, issuer: Issuer) -> FastAPI:
    return build(url, issuer)


@pytest.fixture
def api(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


@pytest.fixture
def rows(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
