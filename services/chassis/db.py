"""One request is one transaction, committed before the answer leaves."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import orjson
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from fastapi import Depends, Query, Request
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session

from services.chassis.problems import Malformed, Unavailable

NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
PROJECT = Path(__file__).parents[2]

SETTINGS = {"timezone": "UTC", "statement_timeout": "10s", "lock_timeout": "5s"}
HOT_SETTINGS = SETTINGS | {"plan_cache_mode": "force_generic_plan"}  # planning costs as much as running them
OPTIONS = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
JSON = JSONB(none_as_null=True)
INSTANT = sa.DateTime(timezone=True)
MONEY = sa.Numeric(14, 2)


_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError,
)
"""asyncpg's errors for a connection that is gone, a server that stops or starts, a statement that took too long."""


class DatabaseAway(Unavailable):
    """The database is away or too busy."""


class ValueUnusable(Malformed):
    """A value in the request cannot be kept or looked for.

    For example text with a NUL character, which PostgreSQL has no place for.
    """


class Row(asyncpg.Record):  # type: ignore[misc]  # asyncpg has no types
    """A row whose columns are attributes, as SQLAlchemy's are."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


def choice(values: type[StrEnum]) -> sa.Enum:
    """A column that holds the enum's values as text, so that adding one needs no ALTER TYPE."""
    return sa.Enum(values, native_enum=False, length=40, values_callable=lambda enum: [m.value for m in enum])


def adopt(metadata: sa.MetaData, *tables: sa.Table) -> None:
    """Let a service's own metadata include the chassis's tables, so that its migrations create them."""
    for table in tables:
        table.to_metadata(metadata)


class Database:
    """A service's connections. Sessions write; readers are autocommit and hold no transaction open."""

    def __init__(self, url: str, *, connections: int = 8) -> None:
        self.url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.engine = sa.create_engine(
            self.url,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=2,
            pool_pre_ping=False,
            connect_args={
                "connect_timeout": 2,
                "options": OPTIONS,
            },
        )
        self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._writes = itertools.count(1)
        self.written = 0
        """Another number whenever this process has committed something, before that is answered."""

    @contextmanager
    def writing(self, *, rehearsed: bool = False) -> Iterator[Session]:
        """One transaction: everything in it is committed at the end, or nothing; a rehearsal never is."""
        with _told(), Session(self.engine, expire_on_commit=False) as session, session.begin() as transaction:
            yield session
            if rehearsed:
                session.flush()
                session.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))
                transaction.rollback()
        self.written = next(self._writes)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with _told(), Session(self._autocommit, expire_on_commit=False, autoflush=False) as session:
            yield session

    async def hot(self, statement: str, *values: object) -> list[Any]:
        """The rows of a measured hot read, on the event loop's own autocommit connections: neither thread nor session,
        which cost more than such a query. Placeholders are asyncpg's, `$1`; rows have the columns' names. asyncpg,
        because a component by its name comes 1.5 times as often through it as through psycopg's own pool; with its few
        connections in a list, because asyncpg's pool makes two tasks for each query, a quarter of what it costs."""
        try:
            async with asyncio.timeout(2):
                await self._hot_free.acquire()
        except TimeoutError as error:
            raise DatabaseAway("All connections are in use.", retry_after=1) from error
        try:
            connection = await self._connected()
            try:
                rows: list[Any] = await connection.fetch(statement, *values)
            except asyncpg.DataError as error:
                raise ValueUnusable from error
            except BaseException:  # given up half-way, or worse: not to be used again
                connection.terminate()
                raise
            finally:
                if not connection.is_closed():
                    self._hot_idle.append(connection)
        except (TimeoutError, OSError, *_AWAY) as error:
            raise DatabaseAway from error
        finally:
            self._hot_free.release()
        return rows

    async def _connected(self) -> Any:
        while self._hot_idle:
            connection = self._hot_idle.pop()
            if not connection.is_closed():  # the server may have cut it meanwhile
                return connection
        return await self.connect()

    async def connect(self) -> Any:
        """An asyncpg connection of the caller's own, to be closed by it."""
        connection = await asyncpg.connect(
            self.url.replace("postgresql+psycopg://", "postgresql://", 1),
            server_settings=HOT_SETTINGS,
            timeout=2,
            record_class=Row,
        )
        for kind in ("json", "jsonb"):
            await connection.set_type_codec(kind, encoder=orjson.dumps, decoder=orjson.loads, schema="pg_catalog")
        return connection

    async def open_hot(self) -> None:
        """On the event loop that will use it. Connections are made when they are needed, so that a service starts
        without its database."""
        self._hot_idle: list[Any] = []
        self._hot_free = asyncio.Semaphore(4)

    async def close_hot(self) -> None:
        for connection in self._hot_idle:
            await connection.close(timeout=2)

    def revision(self) -> str | None:
        """Which migration the database stands at."""
        with self.reading() as session:
            return session.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def _told() -> Iterator[None]:
    """A database that is gone, full or locked is a 503, and a value that it cannot hold a 400; neither is a crash."""
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseAway("All connections are in use.", retry_after=1) from error
    except OperationalError as error:
        raise DatabaseAway from error
    except DataError as error:
        raise ValueUnusable from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise DatabaseAway from error
        raise


def migrations(section: str) -> Config:
    """Alembic's configuration for one database, wherever the process was started."""
    return Config(PROJECT / "alembic.ini", ini_section=section)


def head(section: str) -> str | None:
    """The newest migration that this code knows for a database."""
    return ScriptDirectory.from_config(migrations(section)).get_current_head()


def database(request: Request) -> Database:
    found = request.app.state.database
    assert isinstance(found, Database)
    return found


async def _dry_run(
    request: Request,
    dry_run: Annotated[
        bool,
        Query(
            description="Try it only: everything is looked at and every finding told, the answer is what it would have "
            "been (with 200 and the header `Dry-Run: true`), and nothing is kept"
        ),
    ] = False,
) -> bool:
    request.state.dry_run = dry_run  # `chassis.observe` marks the answer
    return dry_run


DryRunDep = Annotated[bool, Depends(_dry_run)]
"""For a write that opens its own transaction: `database.writing(rehearsed=dry_run)`."""


def _session(request: Request, dry_run: DryRunDep) -> Iterator[Session]:
    with database(request).writing(rehearsed=dry_run) as session:
        yield session


def _transaction(request: Request) -> Iterator[Session]:
    with database(request).writing() as session:
        yield session


def _reader(request: Request) -> Iterator[Session]:
    with database(request).reading() as session:
        yield session


# scope="function" commits before the response is sent. The default scope commits after it, so that a failed commit
# would already have been answered 201.
SessionDep = Annotated[Session, Depends(_session, scope="function")]
"""A transaction; its connection is taken at the first query, so a route asks its neighbours before that. With
`?dry_run=true` it is rolled back at the end."""
TransactionDep = Annotated[Session, Depends(_transaction, scope="function")]
"""The same without a dry run: for stand-ins of services that have none, and reads that write down how far they came."""
ReaderDep = Annotated[Session, Depends(_reader, scope="function")]
"""Autocommit reads, for a GET: no BEGIN, no ROLLBACK."""


async def _database(request: Request) -> Database:
    return database(request)


DatabaseDep = Annotated[Database, Depends(_database)]
"""For a route that reads, then asks a neighbour, then writes: it holds no connection while it waits."""
