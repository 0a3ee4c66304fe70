"""A worker that tells of recalls as one would at first: the event in one transaction, that it was sent in the next.
What a test of recalls must catch. A program of its own: `python -m tests.catalog.naive_recall`."""

import asyncio
from functools import partial

from sqlmodel import col, select

from services.catalog.certificates.store import Certificate
from services.catalog.organisations import store as organisations
from services.catalog.recall_notices import store as notices
from services.catalog.recalls import store as recalls
from services.catalog.settings import Settings
from services.chassis import clock, feed, jobs
from services.chassis.db import Database
from services.chassis.values import new_id


def recall(database: Database, certificate: int, event: int) -> None:
    with database.writing() as session:
        recalls.consider(session, certificate, clock.now())
    with database.reading() as reader:
        opened = reader.exec(select(recalls.Recall).where(col(recalls.Recall.certificate_id) == certificate)).one()
        number = reader.get_one(Certificate, certificate).number
    while True:
        with database.reading() as reader:
            left = notices.not_told(reader, opened.id, opened.recipient_ids, recalls.BATCH)
            known = organisations.by_ids(reader, left)
        if not left:
            return
        with database.writing() as session:
            for id in left:
                feed.tell(session, "recall.notified", opened.path, known[id].organisation_number, certificate=number)
        with database.writing() as session:
            notices.add(session, opened.id, [(id, new_id()) for id in left], clock.now())


async def work() -> None:
    settings = Settings()
    database = Database(settings.database_url)
    app = jobs.new_app(database)
    app.task(name="catalog.recall", queue="default", retry=jobs.Backoff(attempts=100, longest=1))(
        partial(recall, database)
    )
    await jobs.work(app, concurrency=1)


if __name__ == "__main__":
    asyncio.run(work())
