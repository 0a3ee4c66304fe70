"""What the agreements service does later: deliver letters through integration and hear what became of them, and hear
from the catalogue what becomes of certificates."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from uuid import UUID

import procrastinate
import sqlalchemy as sa
from sqlmodel import Session

from services.agreements.accessions import store as accessions
from services.agreements.awards import placing as awards
from services.agreements.awards import store as announced
from services.agreements.calloff_steps import store as calloff_steps
from services.agreements.calloffs import letter, placing, store
from services.agreements.calloffs.rules import TERMINAL
from services.agreements.capacities import store as capacities
from services.agreements.catalog_client import Catalog
from services.agreements.certificate_notices import rules as certificate_notices
from services.agreements.certificate_notices import store as notices
from services.agreements.competition_letters import rules as competition_letter_rules
from services.agreements.competition_letters import store as competition_letters
from services.agreements.competition_papers import document
from services.agreements.competition_papers import store as competition_papers
from services.agreements.competition_steps import store as competition_steps
from services.agreements.complaints import store as complaints
from services.agreements.db import FEED_CURSOR
from services.agreements.deliveries import store as deliveries
from services.agreements.framework_steps import store as framework_steps
from services.agreements.frameworks import store as frameworks
from services.agreements.integration_client import Integration, LetterRefused, ReplyNews
from services.agreements.letter_replies import store as letter_replies
from services.agreements.letters import rules as letter_rules
from services.agreements.letters import store as sent
from services.agreements.order_changes import store as order_changes
from services.agreements.places import store as places
from services.agreements.proofs import store as proofs
from services.agreements.releases import store as releases
from services.agreements.settings import Settings
from services.chassis import clock, jobs
from services.chassis.db import Database
from services.chassis.http import Neighbour, new_client
from services.chassis.tokens import MachineToken

INTEGRATION, CATALOG = "integration", "catalog"
"""What their feeds are called here."""
ATTEMPTS, LONGEST_WAIT_SECONDS = 10_000, 60.0
"""About a week: an order must not be lost because a neighbour is down over a weekend."""
LOOK_SECONDS = 15.0
"""Between two looks at what follows from the calendar."""
PROOF_SECONDS = 600.0
"""Between two looks at whether the day's proof of the ledger has been made."""
_log = logging.getLogger("letters")
_ledger_log = logging.getLogger("ledger")


class _Retry(jobs.Backoff):
    """A letter that is refused stays refused; everything else is tried again."""

    def get_retry_decision(
        self, *, exception: BaseException, job: procrastinate.jobs.Job
    ) -> procrastinate.RetryDecision | None:
        if isinstance(exception, LetterRefused):
            about = job.task_kwargs.get("call_off") or job.task_kwargs.get("reference")
            _log.error("letter of %s is refused by integration: %s", about, exception)
            return None
        return super().get_retry_decision(exception=exception, job=job)


class Letters:
    """Makes and delivers letters, and follows integration's feed."""

    def __init__(self, database: Database, integration: Integration, catalog: Catalog, public_url: str) -> None:
        self._database = database
        self._integration = integration
        self._catalog = catalog
        self._public_url = public_url

    def deliver(self, call_off: str, kind: str, version: int = 1) -> None:
        """Make the letter once, in the language of the municipality that it comes from or goes to, then hand it over;
        as often as needed, always the same bytes by the same reference."""
        with self._database.reading() as reader:
            row, kept, lines = store.for_letter(reader, UUID(call_off), kind, version)
            complaint = complaints.by_letter(reader, kept.call_off_id, kind)
            change = order_changes.by_letter(reader, kept.call_off_id, kind)
            notice = notices.by_letter(reader, kept.call_off_id, kind)
        if kept.dispatch_id:
            return
        pdf, language = kept.pdf, kept.language or "nb"
        if pdf is None:
            language = self._language(row.buyer)
            wish = letter.Wish(order_changes.priced(change), change.needed_on, change.reason) if change else None
            matter = letter.Matter(complaint, wish, notice)
            made = letter.pdf(row, lines, kind, matter, language=language, public_url=self._public_url)
            with self._database.writing() as session:
                pdf, language = sent.keep_pdf(session, kept, made, language)
        try:
            dispatch = self._integration.send(
                reference=kept.reference,
                recipient=kept.recipient,
                name=kept.recipient_name,
                title=letter.title(row, kind, language),
                filename=f"{row.number}-{kind}.pdf",
                pdf=pdf,
                urgent=letter_rules.about(kind) in letter_rules.URGENT,
            )
        except LetterRefused:
            with self._database.writing() as session:
                sent.refused(session, kept.reference)
            raise
        with self._database.writing() as session:
            sent.handed_over(session, kept.reference, dispatch.id)

    def deliver_of_competition(self, reference: str) -> None:
        """The same for a letter of a mini-competition."""
        with self._database.reading() as reader:
            kept = competition_letters.by_reference(reader, reference)
            assert kept
            if kept.dispatch_id:
                return
            paper = competition_papers.letter(reader, kept)
        pdf, language = kept.pdf, kept.language
        if pdf is None or language is None:
            language = self._language(paper.competition.buyer.number)
            made = document.pdf(paper, language=language, public_url=self._public_url)
            with self._database.writing() as session:
                pdf, language = competition_letters.keep_pdf(session, reference, made, language)
        try:
            dispatch = self._integration.send(
                reference=reference,
                recipient=kept.recipient,
                name=kept.recipient_name,
                title=document.title(paper.kind, paper.competition.number, language),
                filename=f"{paper.competition.number}-{kept.kind}.pdf",
                pdf=pdf,
                urgent=kept.kind in competition_letter_rules.URGENT,
            )
        except LetterRefused:
            with self._database.writing() as session:
                competition_letters.refused(session, reference)
            raise
        with self._database.writing() as session:
            competition_letters.handed_over(session, reference, dispatch.id)
            if kept.kind is competition_letter_rules.Kind.AWARD:
                announced.begin(session, kept.competition_id)

    def _language(self, buyer: str) -> str:
        """While the catalogue cannot say which, the letter waits: it is made once."""
        found = self._catalog.organisation(buyer)
        return letter_rules.language(found.language_form if found else None)

    def follow(self) -> None:
        """Read the feed to its end; each page and the place it was read to are kept together."""
        while self._follow_page():
            continue

    def _follow_page(self) -> bool:
        position = _position(self._database, INTEGRATION)
        told, next_position = self._integration.news(position)
        if next_position == position:
            return False
        with self._database.writing() as session:
            for news, at in told:
                if isinstance(news, ReplyNews):
                    _hear_reply(session, news)
                    continue
                letter = sent.heard(
                    session,
                    news.reference,
                    status=news.status,
                    version=news.version,
                    external_id=news.external_id,
                    at=datetime.fromisoformat(at),
                    event=news.event,
                    detail=news.detail,
                    occurred_at=news.occurred_at,
                )
                if letter and letter.version == news.version and letter.consequence:
                    calloff_steps.letter_undelivered(session, letter, news.detail)
                if letter is None:
                    competition_letters.heard(
                        session,
                        news.reference,
                        status=news.status,
                        version=news.version,
                        external_id=news.external_id,
                        at=datetime.fromisoformat(at),
                        detail=news.detail,
                    )
            _read_to(session, INTEGRATION, next_position)
        return True


def _hear_reply(session: Session, news: ReplyNews) -> None:
    if news.reference:
        letter_replies.heard(
            session,
            reply_id=news.id,
            reference=news.reference,
            sender_name=news.sender_name,
            sender_number=news.sender_organisation_number,
            title=news.title,
            documents=news.documents,
            received_at=news.received_at,
        )


class Certificates:
    """Follows the catalogue's feed, and tells the open call-offs what happens to the certificates they rely on."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database = database
        self._catalog = catalog

    def follow(self) -> None:
        """Read the feed to its end; each page's notices and the place it was read to are kept together, so that news
        is neither lost nor told twice."""
        while self._follow_page():
            continue

    def _follow_page(self) -> bool:
        position = _position(self._database, CATALOG)
        told, next_position = self._catalog.news(position)
        if next_position <= position:
            return False
        with self._database.writing() as session:
            for news in told:
                if news.kind in certificate_notices.TOLD and news.product:
                    notices.tell(
                        session,
                        position=news.position,
                        certificate=news.number,
                        product=news.product,
                        specification=news.specification,
                        kind=news.kind,
                        status=news.status,
                        effective_on=news.effective_on,
                        recorded_at=news.recorded_at,
                        ended=TERMINAL,
                    )
            _read_to(session, CATALOG, next_position)
        return True


class Days:
    """What follows from the calendar alone: looked at again and again, as a worker may have been away at midnight."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def look(self) -> None:
        """Agreements expire, accessions begin and end on their days; what a posting could not exhaust is exhausted, and
        who follows the feed is warned of estimates that are used up."""
        with self._database.writing() as session:
            framework_steps.expire_due(session, clock.today())
            frameworks.exhaust_due(session)
        with self._database.writing() as session:
            capacities.warn_due(session)
        with self._database.writing() as session:
            today = clock.today()
            accessions.start_due(session, today)
            accessions.end_due(session, today)
        with self._database.writing() as session:
            places.reinstate_due(session, clock.today())
        competition_steps.due(self._database)


class Proofs:
    """Adds the ledger up, once a day."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self) -> None:
        with self._database.writing() as session:
            drifts = proofs.due(session, clock.today())
        for one in drifts:
            _ledger_log.error("the ledger does not add up: %s", one)


class Steps:
    """Takes the steps of call-offs that nobody takes by hand."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database = database
        self._catalog = catalog

    def next_supplier(self, call_off: str) -> None:
        verifying = partial(placing.verifying, self._catalog.verify)
        calloff_steps.next_supplier(self._database, verifying, UUID(call_off), clock.today())

    def check_delivery(self, delivery: str) -> None:
        verifying = partial(placing.verifying, self._catalog.verify)
        deliveries.check_again(self._database, verifying, UUID(delivery))

    def due(self) -> None:
        calloff_steps.due(self._database, clock.today())
        awards.due(self._database, partial(placing.verifying, self._catalog.verify), clock.today())


def _position(database: Database, source: str) -> int:
    with database.reading() as reader:
        query = sa.select(FEED_CURSOR.c.position).where(FEED_CURSOR.c.source == source)
        return reader.execute(query).scalar() or 0


def _read_to(session: Session, source: str, position: int) -> None:
    session.execute(
        sa.text(
            "INSERT INTO feed_cursor (source, position) VALUES (:source, :position) ON CONFLICT (source) "
            "DO UPDATE SET position = greatest(feed_cursor.position, excluded.position), read_at = now()"
        ),
        {"source": source, "position": position},
    )


async def work(settings: Settings | None = None, *, ready: Callable[[], None] = lambda: None) -> None:
    """The worker process: runs until it is told to stop, and finishes what it has in hand."""
    settings = settings or Settings()
    database = Database(settings.database_url, connections=settings.workers + 2)
    token = MachineToken(
        issuer=settings.maskinporten_issuer,
        token_url=settings.maskinporten_token_url,
        client=settings.client,
        key_file=settings.key_file,
        scope=f"{settings.scope_prefix}:dispatch.write {settings.scope_prefix}:dispatch.read",
    )
    with (
        new_client(settings.integration_url, auth=token) as integration,
        new_client(settings.catalog_url) as catalog,
    ):
        asked = Catalog(Neighbour("The catalogue", catalog))
        letters = Letters(database, Integration(Neighbour("Integration", integration)), asked, settings.public_url)
        certificates = Certificates(database, asked)
        steps = Steps(database, asked)
        app = jobs.new_app(database)
        app.task(name=sent.TASK, queue="default", retry=_Retry(attempts=ATTEMPTS, longest=LONGEST_WAIT_SECONDS))(
            letters.deliver
        )
        app.task(
            name=competition_letters.TASK,
            queue="default",
            retry=_Retry(attempts=ATTEMPTS, longest=LONGEST_WAIT_SECONDS),
        )(letters.deliver_of_competition)
        app.task(
            name=calloff_steps.NEXT_TASK,
            queue="default",
            retry=jobs.Backoff(attempts=ATTEMPTS, longest=LONGEST_WAIT_SECONDS),
        )(steps.next_supplier)
        app.task(
            name=deliveries.CHECK_TASK,
            queue="default",
            retry=jobs.Backoff(attempts=ATTEMPTS, longest=LONGEST_WAIT_SECONDS),
        )(steps.check_delivery)
        await jobs.work(
            app,
            concurrency=settings.workers,
            every=[
                (settings.follow_seconds, letters.follow),
                (settings.follow_seconds, certificates.follow),
                (settings.follow_seconds, partial(releases.publish_all, database, settings.ocid_prefix)),
                (LOOK_SECONDS, Days(database).look),
                (LOOK_SECONDS, steps.due),
                (PROOF_SECONDS, Proofs(database).due),
            ],
            ready=ready,
        )
    database.close()
