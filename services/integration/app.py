"""The integration service, put together."""

from collections.abc import Iterator

from fastapi import FastAPI
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from services.chassis import feed, jobs
from services.chassis.app import new_app
from services.chassis.db import Database, DatabaseAway
from services.integration.attempts import store as attempts
from services.integration.dispatches import api as dispatches
from services.integration.dispatches import store
from services.integration.dispatches.rules import State
from services.integration.settings import Settings

DESCRIPTION = """\
The way out to national services. Letters go through SvarUT (KS): hand one in with a reference of your own, and read
here, or in the feed `/events`, what becomes of it.

**Once:** a letter is handed over to SvarUT once, also when a connection breaks or a machine stops in the middle. **Who
you are** comes from the token; you see your own organisation's letters only. **Errors** are problems (RFC 9457): `type`
is stable, `errors[]` holds every rule that failed. **Repeats** are safe with `Idempotency-Key`.
"""
TABLES = (store.Dispatch, attempts.Attempt)
"""Known to the migrations by being imported here."""


class Letters(Collector):
    """How many letters are where, asked when somebody looks. Those in `failed` wait for an administrator."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily("dispatches", "Letters by state", labels=["state"])
        yield GaugeMetricFamily("dispatch_jobs", "Jobs by status", labels=["status"])

    def collect(self) -> Iterator[GaugeMetricFamily]:
        by_state, by_status = self.describe()
        try:
            with self._database.reading() as reader:
                found, waiting = store.counts(reader), jobs.waiting(reader)
        except DatabaseAway:
            return
        for state in State:
            by_state.add_metric([state], found.get(state, 0))
        for status, number in waiting.items():
            by_status.add_metric([status], number)
        yield by_state
        yield by_status


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or Settings()
    database = Database(settings.database_url, connections=settings.database_connections)
    app = new_app(
        "Samvirke: integration",
        section="integration",
        description=DESCRIPTION,
        version="1.0.0",
        settings=settings,
        database=database,
        routers=[
            dispatches.router,
            feed.new_events_router("dispatch.read", dispatches.BRONNOY, "urn:samvirke:integration"),
        ],
    )
    app.state.registry.register(Letters(database))
    return app
