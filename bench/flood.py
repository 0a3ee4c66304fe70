"""`python -m bench.flood`: many more call-offs than there is room for, through two processes, some sent twice, some
cancelled; afterwards every krone is accounted for. The letters wait: no worker takes the processors from the services.
"""

import argparse
import asyncio
import threading
import time
from contextlib import closing

import httpx
import psycopg

from bench.ordering import token
from bench.world import SECOND_PORT, World, serving, started
from services.agreements.ledger import store as ledger
from services.chassis import db
from tests.e2e import flood

AGREEMENTS = 50
NOTHING = ("over a ceiling", "øre adrift", "lost or doubled")
"""What there must be none of; `flood.accounted` fails otherwise."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.flood", description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000, help="altogether")
    parser.add_argument("--at-once", type=int, nargs="*", default=[64, 256], help="in flight; a run for each")
    given = parser.parse_args()
    rows = []
    for at_once in given.at_once:
        with (
            started() as world,
            serving(world, ["sandbox", "catalog", "agreements"], None),
            serving(world, ["agreements"], None, AGREEMENTS_PORT=str(SECOND_PORT)),
        ):
            rows.append(_pour(world, given.orders // len(given.at_once), at_once))
    heads = ("In flight", "orders", "per s", "requests per s", "placed", "refused (409)", "cancelled", *NOTHING)
    print(f"\n| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    print("\n".join(rows))


def _pour(world: World, orders: int, at_once: int) -> str:
    urls = [world.run.url("agreements"), f"http://{world.run.host}:{SECOND_PORT}"]
    with psycopg.connect(world.urls["agreements"], autocommit=True) as database:
        flood.fields(database, AGREEMENTS, orders)
        done = threading.Event()
        telling = threading.Thread(target=_tell, args=(world, done), daemon=True)
        telling.start()
        began = time.monotonic()
        poured = asyncio.run(
            flood.pour(
                urls,
                lambda buyer: {"Authorization": f"Bearer {token(world, buyer)}"},
                agreements=AGREEMENTS,
                orders=orders,
                at_once=at_once,
            )
        )
        seconds = time.monotonic() - began
        done.set()
        telling.join()
        flood.accounted(database, poured)
    with closing(db.Database(world.urls["agreements"])) as agreements, agreements.reading() as reader:
        assert ledger.unproven(reader) == []
    said = poured.statuses
    assert sum(said.values()) == orders
    print(f"{orders:,} orders in {seconds:.0f} s: all accounted for", flush=True)
    return (
        f"| {at_once} | {orders:,} | {orders / seconds:.0f} | {_requests(world) / seconds:.0f} | {said[201]:,} "
        f"| {said[409]:,} | {len(poured.cancelled):,} | 0 | 0 | 0 |"
    )


def _requests(world: World) -> float:
    """What both processes have answered under `/call-offs`, by their own metrics."""
    total = 0.0
    for port in (world.run.agreements_port, SECOND_PORT):
        for line in httpx.get(f"http://{world.run.host}:{port}/metrics").text.splitlines():
            if line.startswith("http_requests_total{") and '"/call-offs' in line:
                total += float(line.rpartition(" ")[2])
    return total


def _tell(world: World, done: threading.Event) -> None:
    with psycopg.connect(world.urls["agreements"], autocommit=True) as database:
        while not done.wait(15):
            row = database.execute("SELECT count(*) FROM calloff WHERE framework LIKE 'flom-%'").fetchone()
            print(f"  {row[0] if row else 0:,} placed", flush=True)


if __name__ == "__main__":
    main()
