"""Integration's worker, which dies at a named point: `python -m tests.integration.dying --at sent --after 20`.

It is killed (SIGKILL, by itself) in the moment when it comes to the point for the so-manieth time: nothing is tidied
up, as when a machine stops. `--without-look-up` is the worker as one would write it first: it sends again whatever it
has no answer to."""

import argparse
import asyncio
import itertools
import os
import signal
from collections.abc import Callable
from typing import Any

from services.chassis import log
from services.integration import jobs
from services.integration.attempts import store
from services.integration.settings import Settings
from services.integration.svarut_client import SvarUt, _Body

POINTS: dict[str, tuple[Any, str]] = {
    "claimed": (store, "claim"),
    "begun": (jobs.Post, "_letter"),
    "half sent": (_Body, "headers"),
    "sent": (SvarUt, "send"),
    "noted": (store, "hand_over"),
    "handed over": (jobs.Post, "_handed_over"),
    "looked up": (SvarUt, "find"),
    "look-up tried": (jobs.Post, "_tried_look_up"),
    "failure noted": (store, "fail"),
    "put back": (store, "put_back"),
    "told of": (SvarUt, "statuses"),
    "done": (jobs.Post, "send_letter"),
}
"""Each is right after a function: what it did has happened, what follows has not. «claimed», «noted», «failure noted»
and «put back» are inside transactions that are then never committed."""


def arm(point: str, after: int) -> None:
    owner, name = POINTS[point]
    original: Callable[..., Any] = getattr(owner, name)
    passes = itertools.count(1)

    def armed(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        if next(passes) >= after:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, armed)


def arm_body(after: int) -> None:
    """In the middle of a letter: its first bytes are on the way, the last are not."""
    original, passes = _Body.__iter__, itertools.count(1)

    def armed(self: _Body) -> Any:
        dies = next(passes) >= after
        for number, piece in enumerate(original(self)):
            if dies and number == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            yield piece

    _Body.__iter__ = armed  # type: ignore[method-assign]  # that is what dies here


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--at", choices=POINTS)
    parser.add_argument("--after", type=int, default=1)
    parser.add_argument("--without-look-up", action="store_true")
    given = parser.parse_args()
    if given.at == "half sent":
        arm_body(given.after)
    elif given.at:
        arm(given.at, given.after)
    if given.without_look_up:
        jobs.Post._may_send_again = lambda self, claim: True  # type: ignore[method-assign]  # that is what is naive here
    log.to_stdout("integration-worker", "ERROR")
    asyncio.run(jobs.work(Settings()))
