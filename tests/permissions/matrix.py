"""Every cell of a service's table, tried: each operation by each role and each relation, over HTTP."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.chassis.permissions import Property, Table
from services.settings import ROLES
from tests import examples
from tests.issuer import Issuer

Cast = dict[StrEnum, str]
"""Who stands so to the thing of an operation's example, by organisation number."""
HIDDEN = (401, 403, 404)
WHOLE = "WHOLE_MATRIX" in os.environ
"""`make matrix`: also what is the same whoever asks."""
LIVES = 3600
"""A trial's token, in seconds: one is made for each organisation and role, and used everywhere."""


@dataclass(frozen=True)
class Trial:
    role: str
    scopes: tuple[str, ...] | None
    """None: without a token."""
    relation: StrEnum
    organisation: str


class Matrix:
    def __init__(self, client: TestClient, issuer: Issuer, table: Table) -> None:
        assert isinstance(client.app, FastAPI)
        self.app, self.client, self.issuer, self.table = client.app, client, issuer, table
        self.document = client.app.openapi()
        self.tokens: dict[tuple[str, tuple[str, ...]], str] = {}
        named = {scope for row in table.rows.values() for scope in row.scopes}
        self.roles: dict[str, tuple[str, ...] | None] = {
            "open": None,
            "a machine without scopes": (),
            **{f"a machine with {scope}": (scope,) for scope in sorted(named)},
            **{role: scopes for role, _, scopes in ROLES},
        }

    def trials(self, operation: str, cast: Cast) -> list[Trial]:
        """Every role in every relation. Unless the whole matrix is wanted, only what can differ: each role once; where
        it is asked who calls, each other relation besides, with no scope and with each that opens the operation (a
        refusal for want of it knows nothing of the thing yet)."""
        row, roles = self.table.rows[operation], self.roles.items()
        # First whom the table lets in for it: whoever gets past a gate that is too wide gets all the way.
        first = next((one for one in cast.items() if row.refusal(row.scopes, one[0]) is None), next(iter(cast.items())))
        others = [one for one in cast.items() if one != first]
        once = [Trial(role, scopes, *first) for role, scopes in roles]
        if "security" not in self.told(operation) and not WHOLE:
            return once
        if not WHOLE:
            opened = [(scopes, role) for role, scopes in roles if scopes is not None]
            different = {scopes: role for scopes, role in reversed(opened) if not scopes or {*scopes} & {*row.scopes}}
            roles = {role: scopes for scopes, role in different.items()}.items()
        return once + [Trial(role, scopes, *one) for role, scopes in roles for one in others]

    def told(self, operation: str) -> dict[str, Any]:
        method, path = operation.split()
        found: dict[str, Any] = self.document["paths"][path][method.lower()]
        return found

    def deviations(self, operation: str, cast: Cast) -> list[str]:
        """What answered otherwise than the table says; nothing is kept of what is tried."""
        trials, row = self.trials(operation, cast), self.table.rows[operation]
        found = []
        for trial, answer in zip(trials, self._answers(operation, self._bearers(trials)), strict=True):
            expected = row.refusal(trial.scopes, trial.relation)
            as_told = answer.status_code == expected if expected else answer.status_code not in HIDDEN
            if not as_told or answer.status_code >= 500:
                said = answer.json()["type"] if answer.status_code >= 400 else ""
                found.append(
                    f"{trial.role} as {trial.relation} ({trial.organisation}): {expected or 'let in'} by the table, "
                    f"answered {answer.status_code} {said}"
                )
        return found

    def opens(self, monkeypatch: pytest.MonkeyPatch, operation: str, *scopes: str) -> None:
        """Let the gate take these scopes for an operation."""
        monkeypatch.setitem(self.app.state.opened_by, self.told(operation)["operationId"], scopes)

    def shown_otherwise(self, one: Property, cast: Cast) -> list[str]:
        """Who is shown a field that the table says is not theirs to read, or not shown one that is."""
        row = self.table.rows[one.shown_by]
        trials = [
            Trial(role, scopes, relation, organisation)
            for role, scopes in self.roles.items()
            for relation, organisation in cast.items()
            if row.refusal(scopes, relation) is None
        ]
        field, found = one.name.partition(".")[2], []
        for trial, answer in zip(trials, self._answers(one.shown_by, self._bearers(trials)), strict=True):
            values = list(_values(answer.json(), field))
            assert values, f"{one.shown_by} does not show {field}: {answer.text}"
            expected = one.shown_to(trial.scopes, trial.relation)
            if (None not in values) != expected:
                found.append(f"{trial.role} as {trial.relation} ({trial.organisation}): {field} is {values}")
        return found

    def takes_too_much(self, operation: str) -> list[str]:
        """Fields that only steps write, and that this operation takes all the same."""
        fields = sorted({one.name.partition(".")[2] for one in self.table.properties if one.written_by})
        example = examples.of(self.told(operation), operation.split()[1])
        is_json = example.headers.get("Content-Type", "").endswith("json")
        body = json.loads(example.content) if example.content and is_json else None
        if not isinstance(body, dict) or not example.organisation:
            return []
        sender = self._bearer(example.organisation, self.table.rows[operation].scopes)
        sent = json.dumps(body | dict.fromkeys(fields, "x")).encode()
        (answer,) = self._answers(operation, [sender], sent)
        refused = {one["pointer"] for one in answer.json().get("errors", [])}
        return [field for field in fields if f"#/{field}" not in refused]

    def _answers(
        self, operation: str, bearers: list[dict[str, str]], content: bytes | None = None
    ) -> list[httpx.Response]:
        portal = self.client.portal
        assert portal
        return portal.call(self._tried, operation, bearers, content)

    async def _tried(
        self, operation: str, bearers: list[dict[str, str]], content: bytes | None = None
    ) -> list[httpx.Response]:
        method, path = operation.split()
        told = self.told(operation)
        example = examples.of(told, path)
        rehearsable = any(one["name"] == "dry_run" for one in told.get("parameters", []))
        query = example.query | ({"dry_run": "true"} if rehearsable else {})
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as asking:
            return [
                await asking.request(
                    method,
                    example.path,
                    params=query,
                    headers=example.headers | bearer,
                    content=content or example.content,
                )
                for bearer in bearers
            ]

    def _bearers(self, trials: list[Trial]) -> list[dict[str, str]]:
        return [{} if one.scopes is None else self._bearer(one.organisation, one.scopes) for one in trials]

    def _bearer(self, organisation: str, scopes: tuple[str, ...]) -> dict[str, str]:
        if (organisation, scopes) not in self.tokens:
            expires = int(time.time()) + LIVES
            self.tokens[organisation, scopes] = self.issuer.token(organisation, *scopes, exp=expires)
        return {"Authorization": f"Bearer {self.tokens[organisation, scopes]}"}


def _values(answer: Any, field: str) -> Iterator[Any]:
    """Every value that an answer has under this name."""
    if isinstance(answer, dict):
        for name, value in answer.items():
            if name == field:
                yield value
            yield from _values(value, field)
    elif isinstance(answer, list):
        for one in answer:
            yield from _values(one, field)
