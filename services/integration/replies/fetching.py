"""Fetches what waits at SvarInn: list, download, decrypt, check, keep, and only then acknowledge. No transaction is
open while SvarInn is asked. Whatever is done twice is done once: a letter is known by SvarUT's id of it."""

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID

from services.chassis.db import Database, DatabaseAway
from services.integration.replies import archives, envelope, rules, store
from services.integration.replies.envelope import Key
from services.integration.replies.rules import DownloadFailed, Limits, Listed, NoLongerThere, State, SvarInnAway
from services.integration.settings import Settings

LEASE_SECONDS = 120.0
"""A lost worker's account is free again after it; renewed for each letter. Two workers at once would only do the same
work twice."""
FULL_LIST = 200
FAILED_IN_A_ROW = 2
"""So many downloads that fail one after the other are an outage."""
_log = logging.getLogger("replies")


class SvarInn(Protocol):
    """What is asked of SvarInn; raises what `rules` calls the ways in which it goes wrong."""

    user: str

    def listed(self) -> list[Listed]: ...

    def download(self, letter: Listed, target: Path, largest: int) -> str: ...

    def acknowledge(self, id: UUID) -> None: ...

    def fail(self, id: UUID, message: str, *, permanent: bool) -> None: ...


@dataclass(frozen=True)
class Mailbox:
    """An account at SvarInn with its key, and whose its letters are when nothing else tells."""

    svarinn: SvarInn
    key: Key
    organisation: str


class Receiving:
    """Looks at each account when it is due."""

    def __init__(
        self,
        database: Database,
        mailboxes: Sequence[Mailbox],
        *,
        every_seconds: float,
        attempts: int,
        hashes: bool,
        limits: Limits,
    ) -> None:
        self._database, self._mailboxes, self._limits = database, mailboxes, limits
        self._every, self._attempts, self._hashes = every_seconds, attempts, hashes

    def fetch_replies(self) -> None:
        """One look at every account that is due. One that cannot be looked at does not keep the others waiting."""
        for one in self._mailboxes:
            user = one.svarinn.user
            with self._database.writing() as session:
                due = store.claim(session, user, LEASE_SECONDS)
            if not due:
                continue
            try:
                full = self._look(one)
            except SvarInnAway as away:
                with self._database.writing() as session:
                    failures = store.look_failed(session, user, str(away), self._every)
                _log.warning("SvarInn account %s, %s looks in vain: %s", user, failures, away)
            else:
                with self._database.writing() as session:
                    store.looked(session, user, 0.0 if full else self._every)

    def _look(self, box: Mailbox) -> bool:
        """→ whether the list was full of what could be taken, so that more may wait"""
        envelope.check(box.key)
        self._tell_all(box)
        try:
            listed = box.svarinn.listed()
        except (DownloadFailed, NoLongerThere) as error:
            raise SvarInnAway(str(error)) from error
        with self._database.writing() as session:
            rows = store.note(session, box.svarinn.user, box.organisation, listed)
            store.link_late(session, box.svarinn.user)
        letters = {one.id: one for one in listed}
        waiting = {row.uuid: letters[row.external_id] for row in rows if row.state is State.WAITING}
        failed = taken = 0
        for uuid in rules.in_order([(row.uuid, row.failures) for row in rows if row.uuid in waiting]):
            with self._database.writing() as session:
                store.renew(session, box.svarinn.user, LEASE_SECONDS)
            try:
                self._take(box, uuid, waiting[uuid])
                failed, taken = 0, taken + 1
            except DownloadFailed as error:
                failed += 1
                with self._database.writing() as session:
                    store.put_off(session, uuid, str(error), self._attempts)
                if failed >= FAILED_IN_A_ROW:
                    raise SvarInnAway(str(error)) from error
            except SvarInnAway as away:
                with self._database.writing() as session:
                    store.put_off(session, uuid, str(away), None)
                raise
            self._tell_all(box)
        return len(listed) >= FULL_LIST and taken > 0

    def _take(self, box: Mailbox, uuid: UUID, letter: Listed) -> None:
        """Download, decrypt and keep one letter; what is wrong with it alone ends with it."""
        try:
            with tempfile.TemporaryDirectory(prefix="samvirke-reply-") as name:
                sealed, content = Path(name) / "sealed", Path(name) / "content"
                media_type = box.svarinn.download(letter, sealed, self._limits.envelope)
                envelope.opened(sealed, content, box.key)
                sealed.unlink()
                documents = archives.documents(content, media_type, letter, self._limits, hashes=self._hashes)
                with self._database.writing() as session:
                    kept = store.receive(session, uuid, documents)
            if kept:
                _log.info("reply %s is kept; SvarUT's %s", uuid, letter.id)
        except (rules.Unreadable, NoLongerThere) as why:
            _log.warning("reply %s cannot be read: %s", uuid, why)
            with self._database.writing() as session:
                store.fail(session, uuid, str(why))
        except (SvarInnAway, DownloadFailed, DatabaseAway):
            raise
        except Exception as error:  # whatever a stranger has thought of: the others are not kept waiting
            _log.exception("reply %s could not be taken", uuid)
            with self._database.writing() as session:
                store.put_off(session, uuid, f"Unexpected: {type(error).__name__}", self._attempts)

    def _tell_all(self, box: Mailbox) -> None:
        """Tell SvarInn what it does not know: that we have a letter, or that we could not take it."""
        with self._database.reading() as reader:
            rows = store.untold(reader, box.svarinn.user)
        for row in rows:
            try:
                match row.state:
                    case State.RECEIVED:
                        box.svarinn.acknowledge(row.external_id)
                    case State.FAILED:
                        box.svarinn.fail(row.external_id, row.detail or "", permanent=False)
                    case _:
                        box.svarinn.fail(row.external_id, row.detail or "", permanent=True)
            except NoLongerThere:
                _log.info("reply %s (%s): SvarInn does not have it any more", row.uuid, row.state)
            except DownloadFailed as error:
                _log.warning("reply %s (%s): SvarInn was not told: %s", row.uuid, row.state, error)
                continue
            with self._database.writing() as session:
                store.told(session, row.uuid, row.state)


def new_receiving(database: Database, settings: Settings, accounts: Sequence[SvarInn]) -> Receiving:
    """Fetches replies for our accounts at SvarInn, given in the settings' order."""
    return Receiving(
        database,
        [
            Mailbox(account, Key(one.certificate_file, one.key_file), one.organisation)
            for one, account in zip(settings.svarinn_accounts, accounts, strict=True)
        ],
        every_seconds=settings.svarinn_every_seconds,
        attempts=settings.svarinn_attempts,
        hashes=settings.svarinn_check_hashes,
        limits=Limits(
            envelope=settings.svarinn_largest_bytes,
            unpacked=2 * settings.svarinn_largest_bytes,
            document=settings.svarinn_largest_bytes,
        ),
    )
