"""What the catalogue does later, and what it looks at from time to time."""

from collections.abc import Callable, Sequence
from typing import Any

from services.catalog.settings import Settings
from services.chassis import jobs
from services.chassis.db import Database

ATTEMPTS, LONGEST_WAIT_SECONDS = 10_000, 60.0
"""About a week: a notice must not be lost because the database is down over a weekend."""
LOOK_SECONDS = 60.0
"""Between two looks at what the calendar alone makes due."""


def tasks(database: Database, settings: Settings) -> dict[str, Callable[..., Any]]:
    """Each kind of job by its name; a job may be done twice, and then changes nothing."""
    return {}


def looks(database: Database, settings: Settings) -> Sequence[tuple[float, Callable[[], object]]]:
    """What is looked at beside the jobs: every how many seconds, and what. Each writes what it finds exactly once."""
    return []


async def work(settings: Settings | None = None, *, ready: Callable[[], None] = lambda: None) -> None:
    """The worker process: runs until it is told to stop, and finishes what it has in hand."""
    settings = settings or Settings()
    database = Database(settings.database_url, connections=settings.workers + 2)
    app = jobs.new_app(database)
    for name, do in tasks(database, settings).items():
        retry = jobs.Backoff(attempts=ATTEMPTS, longest=LONGEST_WAIT_SECONDS)
        app.task(name=name, queue="default", retry=retry)(do)
    await jobs.work(app, concurrency=settings.workers, every=looks(database, settings), ready=ready)
    database.close()
