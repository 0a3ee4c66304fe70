"""`python -m bench.tokens`: the token endpoint beside two others that sign with the same kind of key, and what a token
that a service has met before costs it.

Core 0 has the measured process alone; core 1 has PostgreSQL and wrk. All three sign RS256 with a key of 2048 bits. Ours
verifies a grant that was signed for this one request, makes sure that its client is registered as it remembers it, and
writes down durably that the grant is used; oauth2-mock-server validates nothing, and oidc-provider compares a client's
secret. Medians of rounds in shuffled order; an answer that was not 2xx voids a figure. How the time of one token is
shared out is measured in this process, on the measured core, with as many at a time as the load has.
On a machine that is busy with other things the grants are too old before they are sent, and the figures void.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bench import ordering, peers
from bench.load import CONNECTIONS, Round, wrk
from bench.world import MEASURED, OTHERS, World, await_ready, cpu_seconds, serving, started
from services.chassis import db, tokens
from services.chassis.clock import now
from services.chassis.values import seed_id
from services.integration.sandbox.maskinporten import rules, signatures, store

WARM_UP_SECONDS = 2
MOST_A_SECOND = 1_500
"""Grants are signed for as many: more than any machine has given so far."""
PARTS = 300
OTHER_PEERS = {
    "oauth2-mock-server": (
        "mock_server.mjs",
        18111,
        "grant_type=client_credentials&scope=katalog:les",
        "≥ 1.2",
    ),
    "oidc-provider": (
        "oidc_provider.mjs",
        18112,
        "client_id=kommune-0301&client_secret=hemmelig-hemmelig-hemmelig-123456"
        "&grant_type=client_credentials&scope=katalog:les",
        "≥ 0.6",
    ),
}
FORM = 'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/x-www-form-urlencoded"\n'
LIMIT_PORT = 18099


@dataclass
class Measured:
    """One of those that are compared. `lua` is made anew for every round."""

    name: str
    url: str
    lua: Callable[[], str]
    pid: int
    aim: str = ""
    rounds: list[Round] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Milliseconds of the processor for one answer, for each round."""

    def measure(self, seconds: int) -> None:
        script = self.lua()
        before = cpu_seconds(self.pid)
        one = wrk(self.url, seconds, script)
        self.cpu.append((cpu_seconds(self.pid) - before) * 1000 / max(one.per_second * seconds, 1))
        self.rounds.append(one)

    @property
    def per_second(self) -> float:
        return statistics.median(one.per_second for one in self.rounds)

    @property
    def milliseconds(self) -> float:
        return statistics.median(self.cpu)

    @property
    def refused(self) -> int:
        return sum(one.refused for one in self.rounds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.tokens", description=__doc__)
    parser.add_argument("--seconds", type=int, default=4, help="length of a round; grants live twenty seconds")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    os.sched_setaffinity(0, {OTHERS})
    with started() as world:
        with serving(world, ["sandbox"], MEASURED) as (process,), ExitStack() as others:
            ours = Measured(
                "ours",
                f"{world.run.url('maskinporten')}/token",
                lambda: FORM + _bodies(_grants(world, given.seconds * MOST_A_SECOND)),
                process.pid,
            )
            all_of_them = [ours, *(others.enter_context(_peer(name)) for name in OTHER_PEERS)]
            _in_turn(all_of_them, given.rounds, given.seconds)
        shares = _shares(world)
        with _limit(world) as (bare, cached):
            _in_turn([bare, cached], given.rounds, given.seconds)
    _print(all_of_them, shares, [bare, cached])


def _grants(world: World, number: int) -> list[str]:
    """Signed just before they are used, as they live shortly: from the future, as far as a clock may be off, they are
    good for twenty seconds."""
    client, scope = str(seed_id(f"client:{ordering.BRONNOY}")), f"{world.run.scope_prefix}:agreements.read"
    key = tokens.read_key(world.run.data / "keys" / f"{ordering.BRONNOY}.json")
    begins = int(time.time()) + rules.SKEW_SECONDS - 1
    times = {"iat": begins, "exp": begins + rules.LONGEST_SECONDS}
    return [tokens.assertion(key, issuer=world.run.issuer, client=client, scope=scope, **times) for _ in range(number)]


def _bodies(grants: list[str]) -> str:
    """Each is sent once; whoever is so fast that they do not last is told by refused answers."""
    lines = ",\n".join(f'"{one}"' for one in grants)
    return (
        f"local grants = {{\n{lines}\n}}\nlocal n = 0\nfunction request()\n  n = n + 1\n"
        f"  return wrk.format(nil, nil, nil, 'grant_type={tokens.GRANT}&assertion=' .. (grants[n] or grants[1]))\nend\n"
    )


def _in_turn(all_of_them: list[Measured], rounds: int, seconds: int) -> None:
    for one in all_of_them:
        one.measure(WARM_UP_SECONDS)
        one.rounds.clear()
        one.cpu.clear()
    for _ in range(rounds):
        for one in random.sample(all_of_them, len(all_of_them)):
            print(f"measuring: {one.name}", flush=True)
            one.measure(seconds)


@contextmanager
def _peer(name: str) -> Iterator[Measured]:
    """An npm package on the measured core."""
    program, port, body, aim = OTHER_PEERS[name]
    process = subprocess.Popen(
        ["node", peers.node_modules() / program],
        env=os.environ | {"PORT": str(port), "ALG": "RS256"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {MEASURED}),
    )
    try:
        url = f"http://127.0.0.1:{port}"
        await_ready(f"{url}/.well-known/openid-configuration")
        yield Measured(name, f"{url}/token", lambda: f"{FORM}wrk.body = '{body}'\n", process.pid, aim)
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def _limit(world: World) -> Iterator[tuple[Measured, Measured]]:
    """A bare route, and the same behind the services' gate with a token that it has met before."""
    with serving(world, ["sandbox"], OTHERS):
        token = ordering.token(world, ordering.BRONNOY)
        body = Path(world.run.data / "limit.json")
        body.write_text(json.dumps({"life": "for example"}))
        command = "bench.limit:app --host 127.0.0.1 --no-access-log --log-level warning --timeout-keep-alive 75"
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", *command.split(), "--port", str(LIMIT_PORT)],
            env=os.environ | {"LIMIT_BODY": str(body), "LIMIT_ISSUERS": world.values["CATALOG_ISSUERS"]},
            cwd=db.PROJECT,
            preexec_fn=lambda: os.sched_setaffinity(0, {MEASURED}),
        )
        try:
            url = f"http://127.0.0.1:{LIMIT_PORT}"
            await_ready(f"{url}/limit")
            header = f'wrk.headers["Authorization"] = "Bearer {token}"\n'
            httpx.get(f"{url}/known", headers={"Authorization": f"Bearer {token}"}).raise_for_status()
            yield (
                Measured("bare route", f"{url}/limit", lambda: "", process.pid),
                Measured("with a cached token", f"{url}/known", lambda: header, process.pid, "≥ 0.70"),
            )
        finally:
            process.terminate()
            process.wait(30)


def _shares(world: World) -> dict[str, float]:
    """Milliseconds of the processor that each part of one token takes, by the functions of the service itself."""
    os.sched_setaffinity(0, {MEASURED})
    try:
        return asyncio.run(_parts(world))
    finally:
        os.sched_setaffinity(0, {OTHERS})


async def _parts(world: World) -> dict[str, float]:
    database = db.Database(world.urls["sandbox"])
    await database.open_hot()
    signed = _grants(world, PARTS)
    grants = [rules.read(*store.parts(one)) for one in signed]
    instant = now()
    desk = store.Grants(database)
    known = await desk.ask(grants[0], instant)
    assert known
    assert known.client.key
    assert known.signing_kid
    key, public = await store.signer(database, known.signing_kid), signatures.public(known.client.key)
    assert key
    claims = rules.claims(grants[0], known.client, None, by=rules.BY_KEY, issuer="", now=0, seconds=120, jti="j" * 36)

    async def sign(place: int) -> None:
        signatures.sign(key, {"kid": known.signing_kid, "alg": "RS256"}, claims)

    async def verify(place: int) -> None:
        signatures.check(signed[place], grants[place].algorithm, public)

    async def ask(place: int) -> None:
        await desk.use_up(grants[place], signed[place], known, instant)

    shares = {"signing": await _each(sign), "verifying": await _each(verify), "asking the database": await _each(ask)}
    await database.close_hot()
    database.close()
    return shares


async def _each(of: Callable[[int], Awaitable[Any]]) -> float:
    """As many at a time as the load sends."""
    before = time.process_time()
    for first in range(0, PARTS, CONNECTIONS):
        await asyncio.gather(*(of(place) for place in range(first, min(first + CONNECTIONS, PARTS))))
    return (time.process_time() - before) * 1000 / PARTS


def _print(tokens: list[Measured], shares: dict[str, float], limits: list[Measured]) -> None:
    ours, *others = tokens
    bare, cached = limits
    print(
        f"\nCore {MEASURED}: the measured process. Core {OTHERS}: PostgreSQL and wrk. Load {os.getloadavg()[0]:.1f}.\n"
    )
    heads = ("Who", "per s", "ours / it", "aim", "ms of processor", "p50 ms", "p99 ms", "spread")
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for one, ratio in [(ours, None), *((it, ours.per_second / it.per_second) for it in others)]:
        _row(one, ratio, void=one.refused or ours.refused)
    _row(bare, None, void=bare.refused)
    _row(cached, cached.per_second / bare.per_second, void=bare.refused + cached.refused)
    rest = ours.milliseconds - sum(shares.values())
    told = ", ".join(f"{what} {ms / ours.milliseconds:.0%}" for what, ms in (shares | {"all else": rest}).items())
    print(f"\nOf the processor's time for one token: {told}.")


def _row(one: Measured, ratio: float | None, void: int) -> None:
    rates = [each.per_second for each in one.rounds]
    spread = (max(rates) - min(rates)) / one.per_second / 2
    p50, p99 = (statistics.median(getattr(each, name) for each in one.rounds) for name in ("p50_ms", "p99_ms"))
    shown = f"VOID ({void} refused)" if void else "" if ratio is None else f"{ratio:.2f}"
    print(
        f"| {one.name} | {one.per_second:,.0f} | {shown} | {one.aim} | {one.milliseconds:.2f} "
        f"| {p50:.1f} | {p99:.1f} | ±{spread:.0%} |"
    )


if __name__ == "__main__":
    main()
