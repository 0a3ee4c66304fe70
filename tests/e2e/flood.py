"""Many more call-offs than there is room for, from many at once, on many agreements, through several processes; some
sent twice, some cancelled. Afterwards every krone is accounted for."""

import asyncio
import itertools
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx
import psycopg

BUYERS = ("964983291", "938712441", "844824122")
PRICE = Decimal("1000.10")
MOST = 10
"""Of the one item that a call-off asks for."""
RENEWED_SECONDS = 45.0
FEW = 4

_FIELDS = """
WITH made AS (
    INSERT INTO frameworkagreement (slug, title, owner_id, owner_number, owner_name, state, notice_reference, cpv,
        starts_on, ends_on, estimate, approval_limit, created_at, role, contract_kind, accession_notice_days,
        response_days, reservation_days, estimate_told, revision, extensions, announced_on)
    SELECT 'flom-' || n, title, owner_id, owner_number, owner_name, 'active', notice_reference, cpv, starts_on, ends_on,
           estimate, %(approval_limit)s, created_at, role, contract_kind, accession_notice_days, response_days,
           reservation_days, estimate_told, revision, '{}', starts_on
      FROM frameworkagreement, generate_series(1, %(number)s) n WHERE slug = 'ra-2026-velferdsteknologi'
    RETURNING id, slug
), lots AS (
    INSERT INTO lot (framework_id, slug, title, kind, bands, conditions, delivery_obligation, decline_grounds,
                     delivery_days_after_end, split_window_days, lowest_factor, highest_factor)
    SELECT id, 'alt', '{"nb": "Alt (fiktiv)"}', 'products', '[{"from_excl_vat": "0.00", "method": "ranking"}]', '[]',
           true, '[]', 180, 0, 0.9, 1.1 FROM made RETURNING id, framework_id
), places AS (
    INSERT INTO place SELECT (jsonb_populate_record(NULL::place, to_jsonb(p) || jsonb_build_object(
           'id', nextval('place_id_seq'), 'uuid', gen_random_uuid(), 'lot_id', l.id))).*
      FROM lots l, (SELECT * FROM place WHERE number = '100000016' ORDER BY id LIMIT 1) p RETURNING id, lot_id
), prices AS (
    INSERT INTO price SELECT (jsonb_populate_record(NULL::price, to_jsonb(p) || jsonb_build_object(
           'id', nextval('price_id_seq'), 'place_id', s.id, 'item', 'ting', 'unit_price', CAST(%(price)s AS numeric),
           'product', NULL))).*
      FROM places s, (SELECT * FROM price ORDER BY id LIMIT 1) p RETURNING id
), named AS (
    INSERT INTO participant (framework_id, organisation_id, number, name)
    SELECT m.id, p.organisation_id, p.number, p.name
      FROM made m, participant p JOIN frameworkagreement f ON f.id = p.framework_id
     WHERE f.slug = 'ra-2026-velferdsteknologi' AND p.number = ANY(%(buyers)s)
    RETURNING id, framework_id, number, name
), acceded AS (
    INSERT INTO accession (uuid, framework_id, participant_id, number, name, basis, state, binding, starts_on,
                           created_at)
    SELECT gen_random_uuid(), framework_id, id, number, name, 'own', 'active', false, '2026-01-01', now() FROM named
    RETURNING id
)
INSERT INTO balance (scope, subject_id, item, ceiling, reserved, posted)
SELECT 'framework_agreement', id, '', CAST(%(room)s AS numeric), 0, 0 FROM made
 UNION ALL SELECT 'framework_agreement', id, 'ting', %(things)s, 0, 0 FROM made
 UNION ALL SELECT 'lot', id, '', %(room)s * 0.98, 0, 0 FROM lots
 UNION ALL SELECT 'supplier', id, '', %(room)s * 0.96, 0, 0 FROM places
 UNION ALL SELECT 'buyer', id, '', %(room)s * 0.5, 0, 0 FROM named
"""


@dataclass
class Flood:
    """What was answered."""

    statuses: Counter[int] = field(default_factory=Counter)
    placed: dict[str, Decimal] = field(default_factory=dict)
    """Call-offs by id with their value."""
    cancelled: set[str] = field(default_factory=set)
    different: int = 0
    """Repeats that got another answer than the first."""


def fields(database: psycopg.Connection, number: int, orders: int, *, approval_limit: int = 900_000_000) -> None:
    """Agreements with room, at every level, for half of what will be asked for. Above the limit an order is reserved
    and waits, below it is sent at once, which makes a letter. PostgreSQL is told of them: else it reads whole tables
    for each question until it finds out itself."""
    asked = Decimal(orders) / number * (MOST + 1) / 2
    database.execute(
        _FIELDS,
        {
            "number": number,
            "price": PRICE,
            "approval_limit": approval_limit,
            "buyers": list(BUYERS),
            "room": (asked * PRICE / 2).quantize(Decimal("0.01")),
            "things": int(asked / 2),
        },
    )
    database.execute("ANALYZE")


async def pour(
    urls: Sequence[str],
    bearer: Callable[[str], dict[str, str]],
    *,
    agreements: int,
    orders: int,
    at_once: int,
    repeats: tuple[int, int] = (1, 2),
    cancelling: float = 0.1,
    seed: int = 1,
) -> Flood:
    """`bearer` gives a buyer's headers, with a token that lives two minutes. Each order is sent by a key of its own
    `repeats` times at once, through any of the `urls`."""
    chance, flood, gate = random.Random(seed), Flood(), asyncio.Semaphore(at_once)
    plans = [
        (chance.choice(BUYERS), chance.randint(1, agreements), chance.randint(1, MOST), chance.randint(*repeats))
        for _ in range(orders)
    ]
    doors = itertools.cycle(urls)
    known: dict[str, tuple[float, dict[str, str]]] = {}

    def headers(buyer: str) -> dict[str, str]:
        if buyer not in known or time.monotonic() - known[buyer][0] > RENEWED_SECONDS:
            known[buyer] = (time.monotonic(), bearer(buyer))
        return known[buyer][1]

    async with AsyncExitStack() as alive:
        # One pool looks through all its connections for every request: many small ones take a third of the time.
        few = httpx.Limits(max_connections=FEW, max_keepalive_connections=FEW)
        pools = [httpx.AsyncClient(timeout=120, limits=few, verify=False) for _ in range(-(-at_once // FEW))]
        turns = itertools.cycle([await alive.enter_async_context(pool) for pool in pools])

        async def answered(url: str, buyer: str, body: dict[str, Any], **own: str) -> httpx.Response:
            """As a careful buyer does it: whoever does not answer, or is too busy, is asked the same again."""
            while True:
                with suppress(httpx.TransportError):
                    async with gate:
                        answer = await next(turns).post(url, json=body, headers=headers(buyer) | own)
                    if answer.status_code != 503 and "request-in-progress" not in answer.text:
                        return answer
                await asyncio.sleep(0.2)

        async def once(buyer: str, body: dict[str, Any], key: str, url: str) -> httpx.Response:
            return await answered(f"{url}/call-offs", buyer, body, **{"Idempotency-Key": key})

        async def one(buyer: str, place: int, quantity: int, times: int) -> None:
            body = {
                "framework_agreement": f"flom-{place}",
                "lot": "alt",
                "lines": [{"item": "ting", "quantity": quantity}],
                "needed_on": "2029-06-01",
            }
            key = uuid.uuid4().hex
            answers = await asyncio.gather(*(once(buyer, body, key, next(doors)) for _ in range(times)))
            good = [answer for answer in answers if answer.status_code == 201]
            flood.statuses.update([max(answer.status_code for answer in answers) if not good else 201])
            flood.different += len({answer.content for answer in good}) > 1
            if good:
                made = good[0].json()
                flood.placed[made["id"]] = Decimal(made["amount_excl_vat"])
                if chance.random() < cancelling:
                    path = f"{next(doors)}/call-offs/{made['id']}/cancel"
                    gone = await answered(path, buyer, {})
                    if gone.status_code == 200 or gone.json().get("state") == "cancelled":
                        flood.cancelled.add(made["id"])

        await asyncio.gather(*(one(*plan) for plan in plans))
    return flood


def accounted(database: psycopg.Connection, flood: Flood) -> None:
    """No ceiling exceeded at any level, not an øre adrift, nothing acknowledged lost, nothing done twice."""
    assert flood.different == 0
    assert set(flood.statuses) <= {201, 409}, flood.statuses
    over = database.execute("SELECT * FROM balance WHERE reserved + posted > ceiling OR reserved < 0").fetchall()
    assert not over, over
    kept = dict(_rows(database, "SELECT CAST(uuid AS text), reserved FROM calloff WHERE framework LIKE 'flom-%'"))
    assert set(kept) == set(flood.placed), "what was acknowledged is kept, and nothing else"
    standing = {id: value for id, value in flood.placed.items() if id not in flood.cancelled}
    assert {id: value for id, value in kept.items() if value} == standing
    entries = "SELECT coalesce(sum(e.reserved + e.posted), 0) FROM entry e JOIN frameworkagreement f "
    (total,) = _rows(database, entries + "ON f.id = e.framework_id WHERE f.slug LIKE 'flom-%'")
    assert total[0] == sum(standing.values())
    for scope in ("framework_agreement", "lot", "supplier", "buyer"):
        (summed,) = _rows(database, _BALANCES[scope])
        assert summed[0] == total[0], scope


_BALANCES = {
    scope: f"SELECT sum(b.reserved + b.posted) FROM balance b WHERE b.scope = '{scope}' AND b.item = '' "
    f"AND b.subject_id IN (SELECT {subject})"
    for scope, subject in {
        "framework_agreement": "id FROM frameworkagreement WHERE slug LIKE 'flom-%'",
        "lot": "l.id FROM lot l JOIN frameworkagreement f ON f.id = l.framework_id WHERE f.slug LIKE 'flom-%'",
        "supplier": "p.id FROM place p JOIN lot l ON l.id = p.lot_id JOIN frameworkagreement f "
        "ON f.id = l.framework_id WHERE f.slug LIKE 'flom-%'",
        "buyer": "p.id FROM participant p JOIN frameworkagreement f ON f.id = p.framework_id "
        "WHERE f.slug LIKE 'flom-%'",
    }.items()
}


def _rows(database: psycopg.Connection, statement: str) -> Iterable[tuple[Any, ...]]:
    return database.execute(statement.encode()).fetchall()
