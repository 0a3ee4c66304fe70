"""The integration service, put together."""

from collections.abc import Iterator

from fastapi import FastAPI
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from services.chassis import feed, jobs
from services.chassis.app import new_app
from services.chassis.db import Database, DatabaseAway
from services.chassis.http import Neighbour, new_client
from services.integration.accounts import api as accounts_api
from services.integration.accounts import store as accounts
from services.integration.accounts.rules import Reason
from services.integration.attempts import store as attempts
from services.integration.cancellations import api as cancellations
from services.integration.concerns import api as concerns_api
from services.integration.concerns import store as concerns
from services.integration.dispatches import api as dispatches
from services.integration.dispatches import store
from services.integration.dispatches.rules import OPEN, State
from services.integration.dispatches.shapes import BRONNOY
from services.integration.enhetsregisteret_client import Register
from services.integration.lookups import api as lookups
from services.integration.permissions import PERMISSIONS
from services.integration.replies import api as replies
from services.integration.replies import rules as replies_rules
from services.integration.replies import store as replies_store
from services.integration.settings import Settings

DESCRIPTION = """\
The way out to national services. Letters go through SvarUT (KS): hand one in with a reference of your own, and read
here, or in the feed `/events`, what becomes of it. What recipients answer is fetched from SvarInn, and stands in
`/replies` with the letter that it answers.

**Once:** a letter is handed over to SvarUT once, also when a connection breaks or a machine stops in the middle. **Who
you are** comes from the token; you see your own organisation's letters only. **Errors** are problems (RFC 9457): `type`
is stable, `errors[]` holds every rule that failed. **Repeats** are safe with `Idempotency-Key`.
"""
TABLES = (store.Dispatch, attempts.Attempt, accounts.Account, replies_store.Reply)
"""Known to the migrations by being imported here."""
PROMPT_SECONDS = 10.0


class Letters(Collector):
    """How the letters fare, asked when somebody looks. Those in `failed` wait for an administrator."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily("dispatches", "Letters by state", labels=["state"])
        yield GaugeMetricFamily("dispatch_oldest_seconds", "Longest time in an open state", labels=["state"])
        yield GaugeMetricFamily("dispatch_concerns", "Letters that somebody should look at", labels=["kind"])
        yield GaugeMetricFamily("dispatch_jobs", "Jobs by status", labels=["status"])
        yield GaugeMetricFamily(
            "dispatch_handed_over",
            "Letters handed over in the last hour, by whether within 10 s",
            labels=["within_10_s"],
        )
        yield GaugeMetricFamily(
            "dispatch_accounts_paused", "Accounts from which nothing is sent now", labels=["reason"]
        )

    def collect(self) -> Iterator[GaugeMetricFamily]:
        states, ages, worries, by_status, handed, paused = families = list(self.describe())
        try:
            with self._database.reading() as reader:
                found, oldest = concerns.by_state(reader), concerns.oldest(reader)
                worrying, waiting = concerns.counts(reader), jobs.waiting(reader)
                every, soon = concerns.handed_over(reader, 60, PROMPT_SECONDS)
                reasons = [one.reason for one in accounts.every(reader) if one.paused_until]
        except DatabaseAway:
            return
        for state in State:
            states.add_metric([state], found.get(state, 0))
        for state in OPEN:
            ages.add_metric([state], oldest.get(state, 0))
        for kind, number in worrying.items():
            worries.add_metric([kind], number)
        for status, number in waiting.items():
            by_status.add_metric([status], number)
        handed.add_metric(["true"], soon)
        handed.add_metric(["false"], every - soon)
        for reason in Reason:
            paused.add_metric([reason], reasons.count(reason))
        yield from families


class Replies(Collector):
    """How many replies are where. Those in `failed` wait for an administrator."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily("replies", "Replies by state", labels=["state"])

    def collect(self) -> Iterator[GaugeMetricFamily]:
        (by_state,) = self.describe()
        try:
            with self._database.reading() as reader:
                found = replies_store.counts(reader)
        except DatabaseAway:
            return
        for state in replies_rules.State:
            by_state.add_metric([state], found.get(state, 0))
        yield by_state


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or Settings()
    database = Database(settings.database_url, connections=settings.database_connections)
    client = new_client(settings.enhetsregisteret_url)
    app = new_app(
        "Samvirke: integration",
        section="integration",
        description=DESCRIPTION,
        version="1.3.0",
        settings=settings,
        database=database,
        permissions=PERMISSIONS,
        routers=[
            dispatches.router,
            cancellations.router,
            concerns_api.router,
            accounts_api.router,
            replies.router,
            lookups.router,
            feed.new_events_router(BRONNOY, "urn:samvirke:integration"),
        ],
        closing=[client.close],
    )
    app.state.registry.register(Letters(database))
    app.state.registry.register(Replies(database))
    app.state.register = Register(Neighbour("Enhetsregisteret", client))
    return app
