"""What integration does later: hand letters over to SvarUT, once each, and follow what becomes of them."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from uuid import UUID

import procrastinate
from procrastinate.jobs import Job

from services.chassis import clock, jobs
from services.chassis.db import Database
from services.chassis.http import Neighbour, new_client
from services.chassis.problems import NeighbourAway, NeighbourNonsense
from services.chassis.tokens import MachineToken
from services.chassis.values import new_id
from services.integration import svarut_client
from services.integration.accounts import store as accounts
from services.integration.accounts.rules import Reason
from services.integration.attempts import rules, store
from services.integration.attempts.rules import Answer, Verdict
from services.integration.attempts.store import Claim
from services.integration.concerns import store as concerns
from services.integration.dispatches import store as dispatches
from services.integration.dispatches.rules import Address, Event
from services.integration.enhetsregisteret_client import Register
from services.integration.lookups import rules as look_up
from services.integration.lookups import store as lookups
from services.integration.reading_deadlines import rules as reading_deadlines
from services.integration.reading_deadlines import store as unread
from services.integration.replies.fetching import new_receiving
from services.integration.settings import Settings
from services.integration.svarinn_client import SvarInn
from services.integration.svarut_client import File, Letter, Streamed, SvarUt

LEASE_SECONDS, RENEW_SECONDS = 10.0, 2.5
"""A lost worker's letters are free again after the first; a living one renews by the second."""
BATCH = 100
LOOK_SECONDS = 15.0
"""Between two looks at whether an account at SvarInn is due."""
LONGEST_PAUSE_SECONDS = 60.0
HOLD_SECONDS = 5.0
"""While the account pauses a worker keeps the letter that it has taken for so long, rather than go through the whole
queue in vain."""
TRIAL_SECONDS = 30.0
MEND_SECONDS = 60.0
MENDED = 1_000
NotMigrated = svarut_client.NotMigrated
_log = logging.getLogger("letters")


class Later(Exception):
    """Not an error: do this job again after so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:.1f} s")
        self.seconds = seconds


class _Again(procrastinate.BaseRetryStrategy):
    """A letter's job ends with the letter's own state, never by the number of its runs."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> procrastinate.RetryDecision:
        if isinstance(exception, Later):
            seconds = exception.seconds
        else:
            seconds = min(2.0 ** min(job.attempts, 6), LONGEST_PAUSE_SECONDS)
            _log.error("dispatch %s: tried again", job.task_kwargs.get("dispatch"), exc_info=exception)
        return procrastinate.RetryDecision(retry_in={"milliseconds": int(seconds * 1000)})


class Post:
    """Hands letters over and follows them. No transaction is open while SvarUT is asked. Another way to a recipient
    than SvarUT (Altinn) is another object with `send`, `find`, `statuses` and `trouble`, chosen by a dispatch's
    channel."""

    def __init__(
        self, database: Database, svarut: SvarUt, settings: Settings, register: Register | None = None
    ) -> None:
        """`register`: whoever tells where unread letters are printed to, when their sender has not said."""
        self._database, self._svarut, self._settings, self._register = database, svarut, settings, register
        self._leases: set[UUID] = set()
        self._lock = threading.Lock()
        self._standing = accounts.Standing()

    def send_letter(self, dispatch: str) -> None:
        """Hand one letter over, if it is queued and nobody else does. Raises Later as long as it stays queued."""
        self._must_be_open()
        lease = new_id()
        with self._holding(lease):
            try:
                with self._database.writing() as session:
                    claim = store.claim(session, UUID(dispatch), lease, LEASE_SECONDS)
            except store.HeldByAnother as held:
                raise Later(held.seconds + 0.1) from held
            if claim and (claim.begun or self._may_send_again(claim)):
                self._send(claim)

    def renew(self) -> None:
        """Keep what this worker has in hand."""
        with self._lock:
            leases = list(self._leases)
        if leases:
            with self._database.writing() as session:
                store.renew(session, leases, LEASE_SECONDS)

    def refresh_status(self) -> None:
        """Ask SvarUT about every letter that may still move, and take the steps that its answers mean."""
        after_id = 0
        while True:
            with self._database.reading() as reader:
                rows = dispatches.followed(reader, after_id, BATCH)
            if not rows:
                return
            after_id = rows[-1].id
            told = self._svarut.statuses([row.external_id for row in rows])
            if isinstance(told, Answer):
                _log.warning("SvarUT does not tell how %s letters are: %s", len(rows), told.message)
                return
            said = {one.id: one for one in told}
            with self._database.writing() as session:
                for row in rows:
                    if one := said.get(row.external_id):
                        news = dispatches.hear(session, row.uuid, one.id, one.status, one.changed_at)
                        if news.unknown:
                            _log.warning("SvarUT has a status that we do not know: %s", one.status)

    def look_for_unread(self) -> None:
        """What follows for letters that nobody has read in time, once SvarUT has confirmed that nobody has."""
        settings, now = self._settings, clock.now()
        with self._database.reading() as reader:
            rows = unread.offered(reader, now - timedelta(hours=settings.reading_hours), BATCH)
        rows = [row for row in rows if reading_deadlines.ends_at(row.offered_at, settings.reading_hours) <= now]
        if not rows:
            return
        told = self._svarut.statuses([row.external_id for row in rows])
        if isinstance(told, Answer):
            _log.warning("SvarUT does not tell whether %s letters are read: %s", len(rows), told.message)
            return
        said = {one.id: one for one in told}
        for row in rows:
            try:
                address = self._address(row.recipient_number)
            except (NeighbourAway, NeighbourNonsense) as error:  # its turn comes again
                _log.warning("nobody tells where the unread dispatch %s is printed to: %s", row.uuid, error.detail)
                continue
            with self._database.writing() as session:
                if one := said.get(row.external_id):
                    dispatches.hear(session, row.uuid, one.id, one.status, one.changed_at)
                unread.passed(session, row.uuid, row.external_id, address)

    def _address(self, number: str) -> Address | None:
        """Where the register says that letters on paper reach an organisation."""
        if self._register is None:
            return None
        with self._database.reading() as reader:
            known = lookups.kept(reader, number)
        if known is None or known.outdated or not look_up.is_fresh(known.standing, known.fetched_at, clock.now()):
            answer = self._register.entity(number)
            with self._database.writing() as session:
                lookups.keep(session, answer, clock.now())
        with self._database.reading() as reader:
            there = lookups.address(reader, number)
        return Address(there.lines, there.postcode, there.place, there.country) if there and there.place else None

    def mend(self) -> None:
        """Letters whose job is gone get one."""
        with self._database.writing() as session:
            stuck = concerns.mend(session, MENDED)
        for uuid in stuck:
            _log.error("dispatch %s had no job and has one again", uuid)

    def _must_be_open(self) -> None:
        """Raises Later while the account pauses. When the pause is over, one worker tries whether SvarUT answers."""
        konto = self._settings.svarut_konto
        with self._database.reading() as reader:
            self._standing = accounts.standing(reader, konto)
        if not self._standing.paused:
            return
        if self._standing.seconds > 0:
            time.sleep(min(self._standing.seconds, HOLD_SECONDS))
            raise Later(max(self._standing.seconds - HOLD_SECONDS, 0.0))
        with self._database.writing() as session:
            mine = accounts.take_trial(session, konto, TRIAL_SECONDS)
        if not mine:
            raise Later(1.0)
        if trouble := self._svarut.trouble():
            self._account_failed(trouble)
            raise Later(0.0)
        self._account_worked()

    def _account_failed(self, answer: Answer) -> None:
        """SvarUT, or Maskinporten, did not do what it has to do for any letter."""
        misconfigured = rules.verdict(answer) is Verdict.CONFIGURATION
        reason = Reason.CONFIGURATION if misconfigured else Reason.OUTAGE
        with self._database.writing() as session:
            paused = accounts.failed(
                session,
                self._settings.svarut_konto,
                reason,
                answer.message or reason,
                longest=self._settings.svarut_longest_pause_seconds,
                configuration=self._settings.svarut_configuration_wait_seconds,
            )
        if paused is not None:
            _log.error("no letter is sent for %.1f s (%s): %s", paused, reason, answer.message)

    def _account_worked(self) -> None:
        if self._standing.failures or self._standing.paused:
            with self._database.writing() as session:
                accounts.worked(session, self._settings.svarut_konto)

    def _may_send_again(self, claim: Claim) -> bool:
        """SvarUT may have the letter: look for it. True when it certainly has not."""
        found = self._find(claim)
        if isinstance(found, Answer):
            self._looked_in_vain(claim, found)
        elif found:
            self._handed_over(claim, claim.number, found, "Found at SvarUT by its reference.")
        elif claim.last is Verdict.DUPLICATE and claim.since >= self._settings.svarut_settle_seconds:
            told = "SvarUT says that it was sent before, and has no letter with its reference."
            with self._database.writing() as session:
                store.finish(session, claim, claim.number, Verdict.REFUSED, detail=told)
            self._end(claim, Event.REJECT, told)
        else:
            return self._not_found(claim)
        return False

    def _not_found(self, claim: Claim) -> bool:
        """The look-up does not show a letter that SvarUT may have. True when it is to be sent again."""
        settings, failures = self._settings, claim.row.failures
        settle = max(
            settings.svarut_settle_seconds,
            rules.wait_after_failure(failures, settings.svarut_longest_wait_seconds),
        )
        waiting = claim.since < settle or claim.decided
        step = rules.next_after_no_hit(
            claim.last,
            rules.LookUp.UNTRIED if waiting else self._tried_look_up(claim),
            since=claim.since,
            settle=settle,
            patience=settings.svarut_look_up_seconds,
            decided=claim.decided,
        )
        match step:
            case rules.Next.LOOK:
                self._put_back(claim, rules.look_again_in(claim.since, settle))
            case rules.Next.GIVE_UP:
                told = (
                    f"Nobody knows whether SvarUT has it: its attempt ended without an answer, and for "
                    f"{claim.since:.0f} s SvarUT's look-up has shown neither it nor any letter sent later. It is not "
                    "sent again by itself."
                )
                self._end(claim, Event.UNDELIVERED, told)
                return False
        if failures < settings.svarut_attempts:
            return True
        self._end(claim, Event.UNDELIVERED, f"Given up after {failures} attempts; SvarUT does not have it.")
        return False

    def _tried_look_up(self, claim: Claim) -> rules.LookUp:
        """How far the look-up has come since this letter's attempt."""
        assert claim.ended_at
        settled = claim.ended_at + timedelta(seconds=self._settings.svarut_settle_seconds)
        with self._database.reading() as reader:
            taken = store.taken(reader, settled)
        if taken is None:
            return rules.LookUp.UNTRIED
        reference, external_id, later = taken
        found = self._svarut.find(reference)
        if isinstance(found, Answer) or external_id not in found:
            return rules.LookUp.LAGS
        return rules.LookUp.CAUGHT_UP if later else rules.LookUp.UNTRIED

    def _send(self, claim: Claim) -> None:
        row, number = claim.row, claim.number + 1
        if not claim.begun:
            with self._database.writing() as session:
                if not store.begin(session, claim):
                    raise Later(1.0)
        answer = self._svarut.send(self._letter(row))
        verdict = rules.verdict(answer)
        if verdict is Verdict.SENT and answer.id:
            self._handed_over(claim, number, answer.id, None)
            self._account_worked()
            return
        told = answer.message or verdict.value
        with self._database.writing() as session:
            store.finish(session, claim, number, verdict, detail=told)
        _log.warning("dispatch %s, attempt %s: %s (%s)", row.uuid, number, verdict, told)
        if verdict in (Verdict.REFUSED, Verdict.DUPLICATE):
            self._account_worked()  # it is there, and knows us
        else:
            self._account_failed(answer)
        match verdict:
            case Verdict.REFUSED:
                self._end(claim, Event.REJECT, told)
            case Verdict.CONFIGURATION:
                self._put_back(claim, 0.0, told)
            case Verdict.DUPLICATE:
                self._put_back(claim, 0.0)
            case Verdict.UNCERTAIN | Verdict.DENIED:
                self._failed(claim, told, in_the_dark=True)
            case _:
                self._failed(claim, told)

    def _letter(self, row: dispatches.Dispatch) -> Letter:
        assert row.id
        with self._database.reading() as reader:
            found = store.documents(reader, row.id)
        files = [
            File(
                one.filename,
                one.media_type,
                one.content
                if one.content is not None
                else Streamed(one.size, partial(store.pieces, self._database, row.id, one.position, one.size)),
            )
            for one in found
        ]
        address = Address(**row.address) if row.address else None
        return Letter(
            row.external_reference,
            row.title,
            row.recipient_number,
            row.recipient_name,
            files,
            row.channel,
            address,
        )

    def _find(self, claim: Claim) -> str | Answer | None:
        found = self._svarut.find(claim.row.external_reference)
        if isinstance(found, Answer):
            return found
        new = [one for one in found if one not in claim.known]
        if len(new) > 1:
            _log.error("dispatch %s: SvarUT has it %s times: %s", claim.row.uuid, len(new), ", ".join(new))
        return new[0] if new else None

    def _looked_in_vain(self, claim: Claim, answer: Answer) -> None:
        told = f"SvarUT cannot say whether it has the letter: {answer.message}"
        self._account_failed(answer)
        if rules.verdict(answer) is Verdict.CONFIGURATION:
            self._put_back(claim, 0.0, told)
        self._failed(claim, told)

    def _handed_over(self, claim: Claim, number: int, external_id: str, detail: str | None) -> None:
        with self._database.writing() as session:
            kept = store.hand_over(session, claim, number, external_id, detail=detail)
        level = logging.INFO if kept else logging.ERROR
        _log.log(level, "dispatch %s is SvarUT's %s", claim.row.uuid, external_id)

    def _failed(self, claim: Claim, told: str, *, in_the_dark: bool = False) -> None:
        """Count a failure. A letter that SvarUT may have is not given up before it was looked for."""
        failures, settings = claim.row.failures + 1, self._settings
        if failures >= settings.svarut_attempts and not in_the_dark:
            self._end(claim, Event.UNDELIVERED, f"Given up after {failures} attempts. The last: {told}")
            return
        with self._database.writing() as session:
            store.fail(session, claim, Event.ATTEMPT_FAILED, told)
        if in_the_dark:
            raise Later(rules.look_again_in(0.0, settings.svarut_settle_seconds))
        raise Later(rules.wait_after_failure(failures, settings.svarut_longest_wait_seconds))

    def _end(self, claim: Claim, event: Event, told: str) -> None:
        with self._database.writing() as session:
            store.fail(session, claim, event, told)
        _log.error("dispatch %s has failed: %s", claim.row.uuid, told)

    def _put_back(self, claim: Claim, seconds: float, detail: str | None = None) -> None:
        with self._database.writing() as session:
            store.put_back(session, claim, detail=detail)
        raise Later(seconds)

    @contextmanager
    def _holding(self, lease: UUID) -> Iterator[None]:
        with self._lock:
            self._leases.add(lease)
        try:
            yield
        finally:
            with self._lock:
                self._leases.discard(lease)


class Changes:
    """Follows what changes in Enhetsregisteret, for the organisations that have been looked up."""

    def __init__(self, database: Database, register: Register) -> None:
        self._database, self._register = database, register

    def follow(self) -> None:
        """Read the updates to their end, then ask anew about those of ours that have changed."""
        while self._follow_page():
            continue
        with self._database.reading() as reader:
            numbers = lookups.outdated(reader, BATCH)
        for number in numbers:
            answer = self._register.entity(number)
            with self._database.writing() as session:
                lookups.keep(session, answer, clock.now())

    def _follow_page(self) -> bool:
        with self._database.reading() as reader:
            position = lookups.position(reader)
        told = self._register.changed(position)
        if not told:
            return False
        with self._database.writing() as session:
            lookups.read_to(session, {number for _, number in told}, told[-1][0], clock.now())
        return True


def migrate_account(settings: Settings, api_url: str, user: str, password: str) -> dict[str, str]:
    """Make an integration of an account that letters went from by SvarUT's REST v1. → our settings for it, by name.
    Raises svarut_client.NotMigrated."""
    made = svarut_client.migrate(api_url, user=user, password=password, token=_token(settings).current())
    return {
        "INTEGRATION_SVARUT_KONTO": str(made.konto),
        "INTEGRATION_SVARUT_INTEGRATION_ID": str(made.integration_id),
        "INTEGRATION_SVARUT_INTEGRATION_PASSWORD": made.password,
    }


def _token(settings: Settings) -> MachineToken:
    return MachineToken(
        issuer=settings.maskinporten_issuer,
        token_url=settings.maskinporten_token_url,
        client=settings.client,
        key_file=settings.key_file,
        scope=settings.svarut_scope,
    )


def new_svarut(settings: Settings) -> SvarUt:
    """Our account at SvarUT; one more connection than letters at a time, for the statuses."""
    return SvarUt(
        settings.svarut_url,
        konto=settings.svarut_konto,
        integration_id=settings.svarut_integration_id,
        password=settings.svarut_integration_password.get_secret_value(),
        token=_token(settings),
        read_seconds=settings.svarut_read_seconds,
        connections=settings.workers + 1,
    )


def new_svarinn(settings: Settings) -> list[SvarInn]:
    return [
        SvarInn(one.url or settings.svarinn_url, user=one.user, password=one.password.get_secret_value())
        for one in settings.svarinn_accounts
    ]


async def work(settings: Settings | None = None, *, ready: Callable[[], None] = lambda: None) -> None:
    """The worker process: runs until it is told to stop, and finishes what it has in hand."""
    settings = settings or Settings()
    # A thread for each letter, one for the leases, one for the statuses, one for the replies, one for the register: a
    # slow SvarUT must not keep leases from being renewed.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(settings.workers + 5))
    database = Database(settings.database_url, connections=settings.workers + 4)
    svarut, svarinn = new_svarut(settings), new_svarinn(settings)
    register = new_client(settings.enhetsregisteret_url)
    asked = Register(Neighbour("Enhetsregisteret", register))
    changes, receiving = Changes(database, asked), new_receiving(database, settings, svarinn)
    post = Post(database, svarut, settings, asked)
    app = jobs.new_app(database)
    app.task(name=dispatches.SEND_TASK, queue="default", retry=_Again())(post.send_letter)
    try:
        await jobs.work(
            app,
            concurrency=settings.workers,
            every=[
                (RENEW_SECONDS, post.renew),
                (settings.status_every_seconds, post.refresh_status),
                (settings.status_every_seconds, post.look_for_unread),
                (MEND_SECONDS, post.mend),
                (min(LOOK_SECONDS, settings.svarinn_every_seconds), receiving.fetch_replies),
                (settings.register_every_seconds, changes.follow),
            ],
            ready=ready,
        )
    finally:
        for account in svarinn:
            account.close()
        svarut.close()
        register.close()
        database.close()
