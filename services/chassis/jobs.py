"""Work for later: a job row written in the same transaction as the change that causes it, done by a worker.

procrastinate keeps the jobs in PostgreSQL. What it does not do by itself: take up jobs whose worker was killed.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import procrastinate
import sqlalchemy as sa
from procrastinate import schema
from procrastinate.jobs import Job
from sqlmodel import Session

from services.chassis.db import Database

HEARTBEAT_SECONDS = 2.0
STALLED_AFTER_SECONDS = 8.0
TABLES = "procrastinate_"
"""procrastinate's own tables; the services' migrations create them and leave them alone."""

_log = logging.getLogger("jobs")

_DEFER = sa.text(
    "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW('default', :task, :priority, NULL, NULL, CAST(:args AS jsonb), "
    "clock_timestamp() + make_interval(secs => :seconds))]::procrastinate_job_to_defer_v1[])"
).bindparams(sa.bindparam("args", type_=sa.JSON))
_DEFER_NOW = sa.text(
    "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW('default', :task, :priority, NULL, NULL, CAST(:args AS jsonb), "
    "NULL)]::procrastinate_job_to_defer_v1[])"
).bindparams(sa.bindparam("args", type_=sa.JSON))


class Backoff(procrastinate.BaseRetryStrategy):
    """Try again after 1, 2, 4 … seconds, at most `longest` apart, `attempts` times in all; then the job is failed."""

    def __init__(self, *, attempts: int, longest: float) -> None:
        self.attempts, self.longest = attempts, longest

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> procrastinate.RetryDecision | None:
        if job.attempts + 1 >= self.attempts:
            return None
        wait = min(2.0**job.attempts, self.longest)
        return procrastinate.RetryDecision(retry_in={"milliseconds": int(wait * 1000)})


def defer(session: Session, task: str, *, in_seconds: float = 0, priority: int = 0, **args: Any) -> None:
    """Enqueue a job in the caller's transaction: it exists if, and only if, the change does. Of those that are due, the
    highest priority comes first, and of equal ones the oldest."""
    told = {"task": task, "args": args, "priority": priority}
    if in_seconds:
        session.execute(_DEFER, told | {"seconds": in_seconds})
    else:
        session.execute(_DEFER_NOW, told)


def waiting(session: Session) -> dict[str, int]:
    """How many jobs are in each state."""
    rows = session.execute(sa.text("SELECT status::text, count(*) FROM procrastinate_jobs GROUP BY status"))
    return {str(status): int(count) for status, count in rows}


def create_tables_sql() -> str:
    """For a migration: procrastinate's schema."""
    return schema.SchemaManager.get_schema()


DROP_TABLES_SQL = """
DO $$
DECLARE found record;
BEGIN
    FOR found IN SELECT tablename FROM pg_tables
                 WHERE schemaname = current_schema() AND tablename LIKE 'procrastinate\\_%' LOOP
        EXECUTE format('DROP TABLE %I CASCADE', found.tablename);
    END LOOP;
    FOR found IN SELECT p.oid::regprocedure AS signature FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                 WHERE n.nspname = current_schema() AND p.proname LIKE 'procrastinate\\_%' LOOP
        EXECUTE format('DROP FUNCTION %s CASCADE', found.signature);
    END LOOP;
    FOR found IN SELECT t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
                 WHERE n.nspname = current_schema() AND t.typname LIKE 'procrastinate\\_%' LOOP
        EXECUTE format('DROP TYPE IF EXISTS %I CASCADE', found.typname);
    END LOOP;
END $$;
"""


def new_app(database: Database) -> procrastinate.App:
    """A procrastinate application on a service's own database; its tasks are added by the service's `jobs.py`."""
    url = database.url.replace("postgresql+psycopg://", "postgresql://", 1)
    return procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url, min_size=1, max_size=4))


async def work(
    app: procrastinate.App,
    *,
    concurrency: int,
    every: Sequence[tuple[float, Callable[[], object]]] = (),
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Run until SIGTERM or SIGINT, finishing what is in hand. `every` is done beside the jobs: (seconds, what)."""
    async with app.open_async():
        stopping = asyncio.Event()
        loops = [asyncio.create_task(_repeat(seconds, what, stopping)) for seconds, what in every]
        loops.append(asyncio.create_task(_take_up_stalled(app, stopping)))
        ready()
        try:
            await app.run_worker_async(
                concurrency=concurrency,
                fetch_job_polling_interval=1.0,
                update_heartbeat_interval=HEARTBEAT_SECONDS,
                stalled_worker_timeout=STALLED_AFTER_SECONDS,
                shutdown_graceful_timeout=20,
            )
        finally:
            stopping.set()  # and not cancel: what is in hand is finished before the database is let go
            await asyncio.gather(*loops)


async def _repeat(seconds: float, what: Callable[[], object], stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        try:
            await asyncio.to_thread(what)
        except Exception:
            _log.exception("%s failed and will be tried again", getattr(what, "__qualname__", what))
        await _pause(seconds, stopping)


async def _take_up_stalled(app: procrastinate.App, stopping: asyncio.Event) -> None:
    """Give back to the queue what a killed worker had in hand."""
    while not stopping.is_set():
        try:
            stalled = await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_SECONDS)
            for job in stalled:
                _log.warning("job %s (%s) lost its worker and is taken up again", job.id, job.task_name)
                await app.job_manager.retry_job(job)
        except Exception:
            _log.exception("stalled jobs could not be looked for")
        await _pause(HEARTBEAT_SECONDS, stopping)


async def _pause(seconds: float, stopping: asyncio.Event) -> None:
    """Sleep, but not longer than until the worker is asked to stop."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)
