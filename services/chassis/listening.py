"""Hearing what PostgreSQL notifies, and knowing when one does not: for what a process remembers of the database."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context
from typing import Any

from services.chassis.db import Database

SURE_SECONDS = 0.8
"""How long after a look at the database nothing can have happened unheard: a dead connection does not tell."""
LOOK_SECONDS = 0.3
PAUSE_SECONDS = 0.5

_log = logging.getLogger("listening")


class Listener:
    """One connection that listens on a channel. `heard` is called with each payload, `anew` when a connection begins:
    what happened before it was not heard, so that nothing remembered from before holds. `look` is asked on that
    connection a few times a second; PostgreSQL delivers what was notified until then before it answers.

    It starts when it is first asked. What was committed by this same process counts as heard only after a look, so that
    whoever has the answer to a change never reads what was before it; another process's is heard within milliseconds.
    """

    def __init__(
        self,
        database: Database,
        channel: str,
        *,
        heard: Callable[[str], None],
        anew: Callable[[], None],
        look: Callable[[Any], Awaitable[None]],
    ) -> None:
        self._database, self._channel = database, channel
        self._heard, self._anew, self._look = heard, anew, look
        self._loop = asyncio.get_running_loop()
        self._looking = asyncio.Lock()
        self._connection: Any = None
        self._running: asyncio.Task[None] | None = None
        self._sure_until = 0.0
        self._seen = -1

    def is_sure(self) -> bool:
        """Whether everything that was committed, by this process until now and by others, has been heard."""
        return self._seen == self._database.written and self._loop.time() < self._sure_until

    async def sure(self) -> bool:
        """The same, after a look where that is what it takes. When False, only the database itself can tell."""
        if self.is_sure():
            return True
        if self._running is None:
            self._running = asyncio.create_task(self._run(), context=Context())  # it is no part of this request
        if self._connection is None:
            return False
        async with self._looking:  # many wait for one look
            return self.is_sure() or await self._looked()

    async def close(self) -> None:
        if self._running:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
        if self._connection is not None:
            with suppress(Exception):
                await self._connection.close(timeout=2)
        self._lose()

    async def _run(self) -> None:
        while True:
            try:
                connection = await self._database.connect()
                connection.add_termination_listener(self._ended)
                await connection.add_listener(self._channel, self._told)
                self._anew()
                self._connection = connection
            except Exception as error:
                _log.warning("cannot listen on %s: %s", self._channel, error)
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            while self._connection is connection:
                async with self._looking:
                    await self._looked()
                await asyncio.sleep(LOOK_SECONDS)

    async def _looked(self) -> bool:
        connection, began, written = self._connection, self._loop.time(), self._database.written
        if connection is None:
            return False
        try:
            async with asyncio.timeout(SURE_SECONDS):
                await self._look(connection)
        except Exception as error:  # whatever it is: what is not heard is asked of the database
            _log.warning("lost the connection that listens on %s: %s", self._channel, error)
            self._lose()
            return False
        if self._connection is not connection:
            return False
        self._seen, self._sure_until = written, began + SURE_SECONDS
        return self.is_sure()

    def _told(self, connection: Any, pid: int, channel: str, payload: str) -> None:
        self._heard(payload)

    def _ended(self, connection: Any) -> None:
        if connection is self._connection:
            self._lose()

    def _lose(self) -> None:
        connection, self._connection, self._sure_until = self._connection, None, 0.0
        if connection is not None and not connection.is_closed():
            connection.terminate()
