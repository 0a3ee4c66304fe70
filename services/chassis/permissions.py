"""Who may do what, as one table: operation by operation, which scopes open it and how one must stand to the thing.

The gate asks the table for the scopes, the contract's texts are made of it, and a test tries every cell. Which
relations there are, a service says itself (a `StrEnum` whose values read as words). Whether a caller stands so is
decided by the query that finds the thing, and what the table says of that is tried over HTTP. An app whose routes and
table differ does not start.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from fastapi import APIRouter
from fastapi.routing import APIRoute

from services.chassis import auth

ANY_TOKEN = ""
"""The scope of a grant that needs none: any token that names an organisation is enough."""


class TableDiffers(Exception):
    """The permissions and the routes do not name the same operations."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Who has the scope may, if they stand in one of the relations to the thing (none named: however they stand), and
    in none of those that bar them."""

    scope: str
    relations: tuple[StrEnum, ...]
    barred: tuple[StrEnum, ...] = ()

    def barring(self, *relations: StrEnum) -> Self:
        return replace(self, barred=relations)

    @property
    def unconditional(self) -> bool:
        return not self.relations and not self.barred

    def covers(self, scopes: Iterable[str], relation: StrEnum | None) -> bool:
        """Whoever sent no token stands in no relation that is known."""
        if self.scope and self.scope not in scopes:
            return False
        return relation not in self.barred and (not self.relations or relation in self.relations)


def may(scope: str, *relations: StrEnum) -> Grant:
    """`may("letters.read", Relation.SENDER)`"""
    return Grant(scope, relations)


@dataclass(frozen=True, slots=True)
class Row:
    """One operation. Any of its grants opens it."""

    grants: tuple[Grant, ...]
    token: bool
    """Whether one is needed. Where it is not, one that is sent must hold all the same."""
    otherwise: int
    """The status for who has the scope and not the relation. 404 hides that the thing is there at all."""
    but: Mapping[str, int]
    """The relations, and the scopes, with another status."""
    also: str
    """What the contract has to say besides, in one sentence or two."""

    @property
    def scopes(self) -> tuple[str, ...]:
        """Any one of them opens it; none: no scope is needed."""
        named = tuple(dict.fromkeys(one.scope for one in self.grants))
        return () if ANY_TOKEN in named else named

    @property
    def for_everybody(self) -> bool:
        return any(not one.scope and one.unconditional for one in self.grants)

    def refusal(self, scopes: Iterable[str] | None, relation: StrEnum) -> int | None:
        """The status for a caller with these scopes (None: without a token), or None who is let in."""
        if scopes is None:
            if self.token:
                return 401
            return None if any(one.covers((), None) for one in self.grants) else self.otherwise
        held = set(scopes)
        if any(one.covers(held, relation) for one in self.grants):
            return None
        if self.scopes and held.isdisjoint(self.scopes) and self.token:
            return 403
        return next((self.but[one] for one in (relation, *held) if one in self.but), self.otherwise)


def only(*grants: Grant, otherwise: int = 404, but: Mapping[str, int] | None = None, also: str = "") -> Row:
    """With a token: whoever one of the grants covers."""
    return Row(grants, token=True, otherwise=otherwise, but=but or {}, also=also)


def anyone(*grants: Grant, otherwise: int = 404, but: Mapping[str, int] | None = None, also: str = "") -> Row:
    """Without a token too. With grants, it is not there for whom none of them covers."""
    return Row(grants or (may(ANY_TOKEN),), token=False, otherwise=otherwise, but=but or {}, also=also)


@dataclass(frozen=True, slots=True)
class Property:
    """A field that is not for everybody who gets the thing, or that no request may hold."""

    name: str
    """`<schema>.<field>` as in the contract."""
    read_by: tuple[Grant, ...] = ()
    """Null to all others. Empty: it is for everybody who gets the thing."""
    when: str = ""
    """Under which condition that is so, in words; empty: always."""
    shown_by: str = ""
    """An operation whose example shows it, as `GET /letters/{id}`."""
    written_by: str = ""
    """What changes it, in words, when no request may hold it."""

    def shown_to(self, scopes: Iterable[str] | None, relation: StrEnum) -> bool:
        """To whom the operation lets in, with these scopes (None: without a token)."""
        if scopes is None:
            return any(one.covers((), None) for one in self.read_by)
        held = set(scopes)
        return any(one.covers(held, relation) for one in self.read_by)


@dataclass(frozen=True, slots=True)
class Table:
    """A service's permissions. `roles` tells for each scope who usually holds it, in words."""

    rows: Mapping[str, Row]
    """By method and path, as `GET /letters/{id}`."""
    roles: Mapping[str, tuple[str, ...]]
    properties: tuple[Property, ...] = ()

    def opened_by(self, routers: Sequence[APIRouter]) -> dict[str, tuple[str, ...]]:
        """The scopes of each route, by its unique id. Every operation has a row, every row an operation, and where a
        token is needed the route asks for the caller."""
        routes = {key(route): route for router in routers for route in router.routes if isinstance(route, APIRoute)}
        missing, idle = sorted(routes.keys() - self.rows.keys()), sorted(self.rows.keys() - routes.keys())
        if missing or idle:
            raise TableDiffers(
                f"Without a row: {', '.join(missing) or 'none'}. Without an operation: {', '.join(idle) or 'none'}."
            )
        unasked = [
            name for name, route in routes.items() if self.rows[name].token != (auth.asked_of(route) == "caller")
        ]
        if unasked:
            raise TableDiffers(f"The route and its row disagree whether a token is needed: {', '.join(unasked)}.")
        return {route.unique_id: self.rows[name].scopes for name, route in routes.items()}

    def told(self, row: Row) -> str:
        """A row as a sentence or two."""
        if row.for_everybody:
            who = "any organisation with a token" if row.token else "everybody, also without a token"
        else:
            who = "; ".join(self._grant(one) for one in row.grants)
        refused = "" if all(one.unconditional for one in row.grants) else f" {_refused(row)}"
        return f"Who may: {who}.{refused}{' ' if row.also else ''}{row.also}"

    def _grant(self, grant: Grant) -> str:
        holders = ", ".join(self.roles.get(grant.scope, ())) or "a machine client"
        who = f"{holders} (`{grant.scope}`)" if grant.scope else ""
        if grant.relations:
            who = f"{who} as {_one_of(grant.relations)}" if who else _one_of(grant.relations)
        return f"{who}, not as {_one_of(grant.barred)}" if grant.barred else who

    def told_of(self, one: Property) -> str:
        """Who reads a field and what writes it, as a sentence or two."""
        told = []
        if one.read_by:
            who = "; ".join(self._grant(grant) for grant in one.read_by)
            told.append(
                f"{one.when.capitalize() + ', who' if one.when else 'Who'} reads it: {who}; null to all others."
            )
        if one.written_by:
            told.append(f"No request holds it; it changes by {one.written_by}.")
        return " ".join(told)

    def page(self) -> str:
        """The whole table in Markdown, for whoever looks after the access."""
        lines = ["| Operation | Who may |", "|---|---|"]
        lines += [f"| `{name}` | {self.told(row).removeprefix('Who may: ')} |" for name, row in self.rows.items()]
        if self.properties:
            lines += ["", "| Field | Who reads or writes it |", "|---|---|"]
            lines += [f"| `{one.name}` | {self.told_of(one)} |" for one in self.properties]
        return "\n".join(lines) + "\n"

    def render(self, document: dict[str, Any]) -> None:
        """Into the contract: who may, the scopes that open each operation (any one of them), and the fields."""
        for path, item in document.get("paths", {}).items():
            for method, operation in item.items():
                row = self.rows[f"{method.upper()} {path}"]
                operation["description"] = f"{operation.get('description', '')}\n\n{self.told(row)}".lstrip()
                if row.token:
                    operation["security"] = [{"token": [scope]} for scope in row.scopes] or [{"token": []}]
                elif "security" in operation:
                    operation["security"] = [{}, {"token": []}]
        schemas = document.get("components", {}).get("schemas", {})
        for one in self.properties:
            schema, field = one.name.split(".")
            told = schemas.get(schema, {}).get("properties", {}).get(field)
            if told is None:
                raise TableDiffers(f"The contract has no field {one.name}.")
            told["description"] = f"{told.get('description', '')} {self.told_of(one)}".lstrip()


def key(route: APIRoute) -> str:
    method = ",".join(sorted(route.methods or ()))
    return f"{method} {route.path}"


def _one_of(relations: Sequence[StrEnum]) -> str:
    *most, last = (one.value for one in relations)
    return f"{', '.join(most)} or {last}" if most else last


def _refused(row: Row) -> str:
    return "; ".join([f"Others: {row.otherwise}", *(f"{one}: {status}" for one, status in row.but.items())]) + "."
