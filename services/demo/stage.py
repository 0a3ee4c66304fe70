"""Whoever acts in a story, each with a token of its own, and what they do, told in one line each."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from services import access
from services.chassis import clock
from services.chassis.values import new_id
from services.demo.calls import Stopped, awaited, call
from services.settings import RunSettings

SEEN = ("received", "accepted", "notified", "in_print", "read", "printed")
"""States of a letter that SvarUT has taken."""


@dataclass(frozen=True)
class Party:
    name: str
    number: str
    scopes: tuple[str, ...]


_BUYER = ("agreements.read", "agreements.order", "agreements.approve")
_SUPPLIER = ("agreements.read", "agreements.supply")
OWNER = Party("The joint unit", "100000008", ("agreements.read", "agreements.manage"))
BRONNOY, OSLO = Party("Brønnøy kommune", "964983291", _BUYER), Party("Oslo kommune", "958935420", _BUYER)
HAVORN = Party("Havørn", "100000032", _SUPPLIER)
FJORDVAKT, NORDLYS = Party("Fjordvakt", "100000016", _SUPPLIER), Party("Nordlys", "100000024", _SUPPLIER)
NAMES = {one.number: one.name for one in (OWNER, BRONNOY, OSLO, HAVORN, FJORDVAKT, NORDLYS)}


@dataclass(frozen=True)
class Stage:
    """The running services, and the tokens of those who act."""

    run: RunSettings
    http: httpx.Client
    _tokens: dict[str, tuple[datetime, str]] = field(default_factory=dict)

    def ask(self, who: Party | None, path: str, **query: str) -> Any:
        """Read, without a word; as nobody what is open to all."""
        url = f"{self.run.url('agreements')}{path}"
        headers = self._headers(who) if who else {}
        return call(self.http, "GET", url, 200, headers=headers, params=query, quiet=True)

    def document(self, who: Party | None, path: str, **query: str) -> bytes:
        """What is no JSON, as it comes."""
        answer = self.http.get(
            f"{self.run.url('agreements')}{path}", headers=self._headers(who) if who else {}, params=query
        )
        must(answer.status_code == 200, f"{path} answered {answer.status_code}: {answer.text}")
        return answer.content

    def act(
        self, who: Party, path: str, body: Any = None, *, does: str, expected: int = 200, method: str = "POST"
    ) -> Any:
        """One act, told in a line: who does what, and the state after it or why it is refused."""
        url = f"{self.run.url('agreements')}{path}"
        headers = self._headers(who) | {"Idempotency-Key": f"demo-{new_id()}"}
        found = call(self.http, method, url, expected, headers=headers, json=body or {}, quiet=True)
        after = f"refused: {found['title']}" if expected >= 400 else str(found.get("state", "so it is"))
        print(f"   {who.name} {does} → {after}")
        return found

    def order(self, id: str) -> Any:
        """A call-off as its buyer reads it."""
        return self.ask(BRONNOY, f"/call-offs/{id}")

    def reached(self, id: str, what: str, *states: str) -> Any:
        """The order as soon as it is in one of these states."""

        def look() -> Any:
            found = self.order(id)
            return found if found["state"] in states else None

        return awaited(what, look)

    def letter(self, id: str, kind: str, to: Party) -> dict[str, Any]:
        """Wait until SvarUT has an order's newest letter of a kind to somebody, and tell where it is."""

        def look() -> dict[str, Any] | None:
            letters = [one for one in self.order(id)["letters"] if one["kind"].startswith(kind)]
            mine = [one for one in letters if one["recipient"] == to.number]
            return mine[-1] if mine and mine[-1]["status"] in SEEN and mine[-1]["external_id"] else None

        found: dict[str, Any] = awaited(f"the letter «{kind}» to {to.name}", look)
        print(f"   … the letter «{found['kind']}» to {to.name} is {found['status']} as SvarUT's {found['external_id']}")
        return found

    def letters(self, competition: str, kind: str) -> list[Any]:
        """Wait until SvarUT has every letter of a kind about a mini-competition, and tell where they are."""

        def look() -> list[Any] | None:
            found = [one for one in self.ask(BRONNOY, f"{competition}/letters")["items"] if one["kind"] == kind]
            return found if found and all(one["status"] in SEEN and one["external_id"] for one in found) else None

        found: list[Any] = awaited(f"the letters «{kind}»", look)
        for one in found:
            must(len(self.in_svarut(one["reference"])) == 1, f"the letter {one['reference']} is not there once.")
            print(f"   … the letter «{kind}» to {NAMES[one['recipient']]} is {one['status']} in SvarUT")
        return found

    def in_svarut(self, reference: str) -> list[Any]:
        """What the sandbox's SvarUT has by a letter's reference."""
        url, asked = f"{self.run.url('control')}/_sandbox/svarut/letters", {"external_reference": reference}
        found: list[Any] = call(self.http, "GET", url, 200, params=asked, quiet=True)["items"]
        return found

    def _headers(self, who: Party) -> dict[str, str]:
        since, token = self._tokens.get(who.number, (None, ""))
        if since is None or clock.now() - since > timedelta(minutes=1):  # it lives two
            token = access.token(self.run, who.number, *who.scopes)
            self._tokens[who.number] = (clock.now(), token)
        return {"Authorization": f"Bearer {token}"}


def must(holds: bool, otherwise: str) -> None:
    """What a story promises; told as one plain sentence when it is not so."""
    if not holds:
        raise Stopped(otherwise)
