"""`python -m bench.repeats`: keys that are sent two to ten times at once through two processes, one of which is killed
halfway; afterwards each has happened once, and was answered alike."""

import argparse
import asyncio
import time
from contextlib import ExitStack

import psycopg

from bench.ordering import token
from bench.world import SECOND_PORT, serving, started
from tests.e2e import repeats


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.repeats", description=__doc__)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--at-once", type=int, default=64, help="requests in flight")
    given = parser.parse_args()
    with started() as world, ExitStack() as alive:
        alive.enter_context(serving(world, ["sandbox", "catalog"], None))
        (first,) = alive.enter_context(serving(world, ["agreements"], None))
        alive.enter_context(serving(world, ["agreements"], None, AGREEMENTS_PORT=str(SECOND_PORT)))

        def kill() -> None:
            first.kill()
            first.wait()
            alive.enter_context(serving(world, ["agreements"], None))
            print("  halfway: one process was killed, and started again", flush=True)

        with psycopg.connect(world.urls["agreements"], autocommit=True) as database:
            repeats.agreements(database)
            began = time.monotonic()
            sent = asyncio.run(
                repeats.send(
                    [world.run.url("agreements"), f"http://{world.run.host}:{SECOND_PORT}"],
                    lambda buyer: {"Authorization": f"Bearer {token(world, buyer)}"},
                    keys=given.keys,
                    repeats=range(2, 11),
                    at_once=given.at_once,
                    halfway=kill,
                )
            )
            seconds = time.monotonic() - began
            repeats.happened_once(database, sent)
    print(
        f"\n{given.keys:,} keys and {len(sent.answers) - given.keys:,} of the same at another organisation, "
        f"{sent.requests:,} requests in {seconds:.0f} s, {sent.cut_off} of them cut off by the kill and sent again: "
        f"{len(sent.made):,} effects, one answer to each, {len(sent.misused):,} other bodies refused (422)."
    )


if __name__ == "__main__":
    main()
