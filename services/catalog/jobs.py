"""What the catalogue does later, and what it looks at from time to time."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import httpx

from services.catalog.certificates.store import RECALL_TASK
from services.catalog.conformance_runs import bounds
from services.catalog.conformance_runs import store as conformance_runs
from services.catalog.conformance_runs.rules import OPEN, Limits
from services.catalog.corrections import store as corrections
from services.catalog.expiry_warnings import store as expiry_warnings
from services.catalog.integration_client import Integration
from services.catalog.recalls import store as recalls
from services.catalog.register_checks import store as register_checks
from services.catalog.register_checks.rules import Outcome
from services.catalog.settings import Settings
from services.chassis import clock, jobs
from services.chassis.db import Database
from services.chassis.http import Neighbour, new_client
from services.chassis.problems import NeighbourAway, NeighbourNonsense
from services.chassis.tokens import GrantRefused, MachineToken

ATTEMPTS, LONGEST_WAIT_SECONDS = 10_000, 60.0
"""About a week: a notice must not be lost because the database is down over a weekend."""
LOOK_SECONDS = 60.0
"""Between two looks at what the calendar alone makes due."""

CONFORMANCE_AGAIN_SECONDS = 3.0
"""Until a conformance run looks again whether it is its turn."""
EXPIRY_SECONDS = 3600.0
"""Between two looks at which certificates end soon, which is a matter of days."""
CHECK_SECONDS = 15.0
"""Between two looks at which suppliers are to be checked against Enhetsregisteret."""
CHECKED_AT_ONCE = 50
_log = logging.getLogger("register checks")


class Recalls:
    """Tells those who use a product what becomes of its certificate."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def recall(self, certificate: int, event: int) -> None:
        """Whatever is to be told of the certificate, batch by batch: what another worker left when it was killed as
        well. `event` is why the job is there."""
        with self._database.writing() as session:
            recalls.consider(session, certificate, clock.now())
        while self._tell(certificate):
            continue

    def look_again(self) -> None:
        """Whoever has begun to use something meanwhile is told of its recall too."""
        after: int | None = 0
        while after is not None:
            with self._database.writing() as session:
                after = recalls.look_again(session, after, clock.now())

    def _tell(self, certificate: int) -> bool:
        with self._database.writing() as session:
            return recalls.tell(session, certificate, clock.now())


class Expiries:
    """Tells which certificates end soon."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def warn(self) -> None:
        after: int | None = 0
        while after is not None:
            now = clock.now()
            with self._database.writing() as session:
                _, after = expiry_warnings.warn(session, now, clock.on(now), after=after)


class Overdue:
    """Writes down what is past its day."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def notice(self) -> None:
        """In batches, each a transaction, until there is no more."""
        while self._some():
            continue

    def _some(self) -> int:
        now = clock.now()
        with self._database.writing() as session:
            return corrections.notice(session, now, clock.on(now))


class Conformance:
    """Tests suppliers' endpoints, each in a process of its own."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings
        self._turns = threading.BoundedSemaphore(settings.conformance_at_once)
        self._limits = Limits(
            wall_seconds=settings.conformance_wall_seconds,
            cpu_seconds=settings.conformance_cpu_seconds,
            memory_bytes=settings.conformance_memory_mb * 1024 * 1024,
            cases=settings.conformance_cases,
            cases_per_operation=settings.conformance_cases_per_operation,
            answer_seconds=settings.conformance_answer_seconds,
            answer_bytes=settings.conformance_answer_bytes,
        )

    def test(self, run: str) -> None:
        """Do a run. When it is not its turn, or another worker has it in hand, it comes again: other jobs do not wait
        behind it, and a run whose worker dies is taken up."""
        uuid = UUID(run)
        if not self._turns.acquire(blocking=False):
            return self._later(run)
        try:
            with conformance_runs.held(self._database, uuid) as alone:
                if not alone:
                    return self._later(run)
                self._test(uuid)
        finally:
            self._turns.release()

    def _test(self, uuid: UUID) -> None:
        with self._database.writing() as session:
            begun = conformance_runs.begin(session, uuid, clock.now())
        if begun is None:
            return
        attempt, told = begun
        authorities = self._settings.conformance_authorities
        job = bounds.Job(
            **told,
            limits=self._limits,
            exempts=self._settings.conformance_allowed_networks,
            name_server=self._settings.conformance_name_server,
            authorities=authorities.read_text() if authorities else None,
        )
        outcome, used = bounds.run(job, wanted=lambda: self._wanted(uuid))
        if outcome is not None:
            taken = asdict(used) | {"limits": asdict(self._limits)}
            with self._database.writing() as session:
                conformance_runs.finish(session, uuid, attempt, outcome, clock.now(), taken)

    def _wanted(self, uuid: UUID) -> bool:
        with self._database.reading() as session:
            return conformance_runs.state(session, uuid) in OPEN

    def _later(self, run: str) -> None:
        with self._database.writing() as session:
            jobs.defer(session, conformance_runs.TASK, in_seconds=CONFORMANCE_AGAIN_SECONDS, run=run)


class RegisterChecks:
    """Checks suppliers' numbers against Enhetsregisteret, through integration."""

    def __init__(self, database: Database, integration: Integration) -> None:
        self._database, self._integration = database, integration

    def look(self) -> None:
        """Those that are due. Nobody is asked in a transaction; who cannot be asked now is asked later."""
        with self._database.reading() as reader:
            due = register_checks.due(reader, clock.now(), CHECKED_AT_ONCE)
        for id, number in due:
            said = self._said(number)
            with self._database.writing() as session:
                register_checks.keep(session, id, number, said, clock.now())
            if said is None:
                return

    def _said(self, number: str) -> register_checks.Said | None:
        try:
            standing, name, said_at = self._integration.look_up(number)
            return register_checks.Said(Outcome(standing), name, said_at)
        except (NeighbourAway, NeighbourNonsense, GrantRefused, OSError, ValueError) as error:
            _log.warning("the number %s is not verified: %s", number, error)
            return None


def tasks(database: Database, settings: Settings) -> dict[str, Callable[..., Any]]:
    """Each kind of job by its name; a job may be done twice, and then changes nothing."""
    return {
        RECALL_TASK: Recalls(database).recall,
        conformance_runs.TASK: Conformance(database, settings).test,
    }


def looks(database: Database, settings: Settings) -> Sequence[tuple[float, Callable[[], object]]]:
    """What is looked at beside the jobs: every how many seconds, and what. Each writes what it finds exactly once."""
    return [
        (EXPIRY_SECONDS, Expiries(database).warn),
        (LOOK_SECONDS, Overdue(database).notice),
        (LOOK_SECONDS, Recalls(database).look_again),
    ]


def new_integration(settings: Settings) -> httpx.Client:
    """The way to integration, with a token of our own."""
    token = MachineToken(
        issuer=settings.maskinporten_issuer,
        token_url=settings.maskinporten_token_url,
        client=settings.client,
        key_file=settings.key_file,
        scope=f"{settings.scope_prefix}:dispatch.read",
    )
    return new_client(settings.integration_url, auth=token)


async def work(settings: Settings | None = None, *, ready: Callable[[], None] = lambda: None) -> None:
    """The worker process: runs until it is told to stop, and finishes what it has in hand."""
    settings = settings or Settings()
    database = Database(settings.database_url, connections=settings.workers + 2)
    app = jobs.new_app(database)
    for name, do in tasks(database, settings).items():
        retry = jobs.Backoff(attempts=ATTEMPTS, longest=LONGEST_WAIT_SECONDS)
        app.task(name=name, queue="default", retry=retry)(do)
    with new_integration(settings) as client:
        checks = RegisterChecks(database, Integration(Neighbour("Integration", client)))
        every = [*looks(database, settings), (CHECK_SECONDS, checks.look)]
        await jobs.work(app, concurrency=settings.workers, every=every, ready=ready)
    database.close()
