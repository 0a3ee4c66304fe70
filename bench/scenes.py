"""What is measured: each operation with its request, its neighbours, and its limit."""

import json
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

import httpx

from bench import load_catalogue, load_certificates, ordering, peers, words
from bench.load import CONNECTIONS, Round, wrk
from bench.world import World

FEW = 4
"""Clients of what costs a query of its own: with more, one measures how long they queue."""


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
    catalogue: bool = True
    """Whether the catalogue must have the size that it is designed for."""


def enlarge(urls: dict[str, str]) -> None:
    """Fill the catalogue to the size that it is designed for."""
    began = time.monotonic()
    loaded = load_catalogue.load(urls["catalog"])
    told = ", ".join(f"{number:,} {what}" for what, number in loaded.items())
    print(f"loaded: {told}, in {time.monotonic() - began:.0f} s", flush=True)


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


def _call_off(agreements: int) -> Callable[[World], Asked]:
    def prepare(world: World) -> Asked:
        ordering.prepare(world, agreements)
        with httpx.Client(base_url=world.run.url("agreements")) as http:
            answer = ordering.place(world, http).raise_for_status()
        return Asked(str(answer.url), answer.content, lambda: ordering.lua(world, agreements))

    return prepare


def _ordering(agreements: int) -> Scene:
    return Scene(
        f"place a call-off, {agreements} agreement{'s' if agreements > 1 else ''}",
        "agreements",
        _call_off(agreements),
        "≥ 0.25, p99 ≤ 10 × p50",
        helpers=["catalog", "sandbox"],
        limit=ordering.same_statements(agreements),
        beside=f"pgbench, same statements, {ordering.CLIENTS} clients (service: {CONNECTIONS})",
        catalogue=False,
    )


JSON = {"Content-Type": "application/json"}


def _post(body: str, headers: dict[str, str]) -> str:
    lines = ['wrk.method = "POST"', f"wrk.body = [==[{body}]==]", 'wrk.headers["Content-Type"] = "application/json"']
    lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items()]
    return "\n".join(lines) + "\n"


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
    "call-off": _ordering(1),
    "call-off-100": _ordering(100),
}
