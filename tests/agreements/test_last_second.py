"""Two hundred bids from twenty suppliers at the last second, through two processes: each is in or out by one clock."""

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from threading import Lock

import httpx
import psycopg
import pytest

from services.agreements.mini_competitions.api import TERMS
from services.chassis import db
from tests.agreements.conftest import BRONNOY
from tests.conftest import NewDatabase
from tests.e2e.system import free_ports
from tests.issuer import Issuer

COMPETITIONS, SUPPLIERS = 10, 20
LAST = 100
"""So many have been answered when the deadline falls."""
LOT = ("ra-2026-driftsplattform", "radgivning")
NEW = {"framework_agreement": LOT[0], "lot": LOT[1], **TERMS}
BID = {
    "lines": [{"item": "radgivertime", "unit_price_excl_vat": "1100.00"}],
    "answers": [{"criterion": code, "text": "Fiktivt svar"} for code in ("kvalitet", "referanser")],
}
SEATS = """
WITH seat AS (
    INSERT INTO place (uuid, lot_id, organisation_id, number, name, rank, state, turns, lowest_factor, highest_factor)
    SELECT gen_random_uuid(), s.lot_id, p.organisation_id, p.number, p.name,
           100 + row_number() OVER (ORDER BY p.number), 'active', 0, s.lowest_factor, s.highest_factor
      FROM place s JOIN lot l ON l.id = s.lot_id
      JOIN frameworkagreement f ON f.id = l.framework_id AND f.slug = %(agreement)s
      JOIN participant p ON p.framework_id =
           (SELECT id FROM frameworkagreement WHERE slug = 'ra-2026-velferdsteknologi')
     WHERE l.slug = %(lot)s AND s.rank = 1 AND p.number <> %(buyer)s RETURNING id, lot_id
), priced AS (
    INSERT INTO price (place_id, version, valid_from_on, item, name, unit, unit_price, vat_percent)
    SELECT seat.id, 1, r.valid_from_on, r.item, r.name, r.unit, r.unit_price, r.vat_percent
      FROM seat JOIN place s ON s.lot_id = seat.lot_id AND s.rank = 1 JOIN price r ON r.place_id = s.id
)
INSERT INTO balance (scope, subject_id, item, reserved, posted) SELECT 'supplier', id, '', 0, 0 FROM seat
"""
"""More suppliers than the seed data has: they are municipalities, as nobody else has a number that is somebody's."""


@pytest.fixture
def url(new_database: NewDatabase) -> str:
    return new_database("agreements", seeded=True)


@pytest.fixture
def processes(url: str, issuer: Issuer, sealing_file: Path) -> Iterator[list[str]]:
    """Two processes of the service on one database, as behind a balancer. → their URLs"""
    given = {
        "AGREEMENTS_DATABASE_URL": url,
        "AGREEMENTS_ISSUERS": json.dumps([issuer.trusted().model_dump(mode="json")]),
        "AGREEMENTS_SEALING_KEY_FILE": str(sealing_file),
    }
    urls = [f"http://127.0.0.1:{port}" for port in free_ports(2)]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "services", "serve", "agreements"],
            env=os.environ | given | {"AGREEMENTS_PORT": one.rpartition(":")[2]},
            cwd=db.PROJECT,
            stdout=subprocess.DEVNULL,
        )
        for one in urls
    ]
    try:
        for one in urls:
            assert answers(f"{one}/health/ready")
        yield urls
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(60)


def answers(url: str) -> bool:
    for _ in range(1200):
        try:
            return httpx.get(url).status_code == 200
        except httpx.TransportError:
            time.sleep(0.1)
    return False


@pytest.fixture
def suppliers(url: str) -> list[str]:
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(SEATS, {"agreement": LOT[0], "lot": LOT[1], "buyer": BRONNOY})
        found = database.execute(
            "SELECT p.number FROM place p JOIN lot l ON l.id = p.lot_id JOIN frameworkagreement f ON f.id = "
            "l.framework_id WHERE f.slug = %s AND l.slug = %s ORDER BY p.rank LIMIT %s",
            [*LOT, SUPPLIERS],
        ).fetchall()
    return [number for (number,) in found]


def deadline_falls(database: psycopg.Connection, ids: list[str]) -> None:
    """As it does by itself, but now: whoever holds a competition is waited for."""
    with database.transaction():
        database.execute("SELECT 1 FROM minicompetition WHERE uuid = ANY(%s) ORDER BY id FOR UPDATE", [ids])
        database.execute("UPDATE minicompetition SET deadline = clock_timestamp() WHERE uuid = ANY(%s)", [ids])


def persistent(http: httpx.Client, url: str, body: object, headers: dict[str, str]) -> httpx.Response:
    """A service that is too busy (503) is asked again."""
    for _ in range(60):
        answer = http.post(url, json=body, headers=headers)
        if answer.status_code != 503:
            break
        time.sleep(0.2)
    return answer


def test_of_two_hundred_bids_each_is_in_or_out_and_none_is_half(
    url: str, processes: list[str], suppliers: list[str], issuer: Issuer
) -> None:
    expires = int(time.time()) + 3600
    tokens = {one: issuer.token(one, "agreements.supply", exp=expires) for one in suppliers}
    bearers = {one: {"Authorization": f"Bearer {token}"} for one, token in tokens.items()}
    token = issuer.token(BRONNOY, "agreements.order", "agreements.read", exp=expires)
    buyer = {"Authorization": f"Bearer {token}"}
    turns = itertools.cycle(processes)
    with (
        httpx.Client(timeout=60, limits=httpx.Limits(max_connections=32)) as http,
        psycopg.connect(url, autocommit=True) as database,
        ThreadPoolExecutor(32) as pool,
    ):
        ids = []
        for _ in range(COMPETITIONS):
            drafted = http.post(f"{processes[0]}/mini-competitions", json=NEW, headers=buyer)
            assert drafted.status_code == 201, drafted.text
            ids.append(drafted.json()["id"])
            published = http.post(f"{processes[0]}/mini-competitions/{ids[-1]}/publish", json={}, headers=buyer)
            assert published.status_code == 200, published.text
        pairs = [(id, supplier) for supplier in suppliers for id in ids]
        assert len(pairs) == 200

        def drafted_bid(pair: tuple[str, str]) -> str:
            id, supplier = pair
            made = persistent(http, f"{next(turns)}/mini-competitions/{id}/bids", BID, bearers[supplier])
            assert made.status_code == 201, made.text
            return str(made.json()["id"])

        bids = list(pool.map(drafted_bid, pairs))
        answered, lock = itertools.count(1), Lock()

        def submitted(place: int) -> httpx.Response:
            (id, supplier), bid = pairs[place], bids[place]
            where = f"{processes[place % 2]}/mini-competitions/{id}/bids/{bid}/submit"
            answer = persistent(http, where, {}, bearers[supplier])
            with lock:
                last = next(answered) == LAST
            if last:
                deadline_falls(database, ids)
            return answer

        answers = list(pool.map(submitted, range(len(pairs))))
        for answer in answers:
            assert answer.status_code == 200 or answer.json()["type"] == "/problems/bid-too-late", answer.text
        taken = {bid for bid, answer in zip(bids, answers, strict=True) if answer.status_code == 200}
        assert LAST <= len(taken) < len(bids)
        opened = list(
            pool.map(
                lambda id: persistent(http, f"{next(turns)}/mini-competitions/{id}/open-bids", {}, buyer),
                [*ids, *ids],
            )
        )
        assert sorted(one.status_code for one in opened) == [200] * COMPETITIONS + [409] * COMPETITIONS, "once each"
        recorded: set[str] = set()
        for id in ids:
            record = http.get(f"{processes[0]}/mini-competitions/{id}/opening", headers=buyer).json()
            deadline = datetime.fromisoformat(record["deadline"])
            assert all(datetime.fromisoformat(one["submitted_at"]) <= deadline for one in record["bids"])
            recorded |= {one["bid"] for one in record["bids"]}
        assert recorded == taken
        rows = database.execute(
            "SELECT b.state, count(*), count(*) FILTER (WHERE b.submitted_at < c.deadline), count(o.bid_id), "
            "count(*) FILTER (WHERE EXISTS (SELECT 1 FROM bidevent e WHERE e.bid_id = b.id AND e.event = 'submit')) "
            "FROM bid b JOIN minicompetition c ON c.id = b.competition_id LEFT JOIN openedbid o ON o.bid_id = b.id "
            "WHERE c.uuid = ANY(%s) GROUP BY b.state ORDER BY b.state",
            [ids],
        ).fetchall()
        late = len(bids) - len(taken)
        assert rows == [("opened", len(taken), len(taken), len(taken), len(taken)), ("withdrawn", late, 0, 0, 0)]
