"""What changed between two OpenAPI documents, and whether it breaks a consumer.

A change is breaking when a consumer that keeps to `from` can send something that `to` refuses, or get something that
`from` did not promise. Looked at are operations, their parameters, request bodies and successful responses with their
media types and schemas, and security. What a request no longer names (a parameter, a property) counts as breaking, as
services refuse or drop it; what a response has besides never does, as consumers must leave alone what they do not know.
Not looked at: servers, headers, callbacks, links, encodings, the bodies of errors, texts and examples.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeGuard

from services.chassis.problems import Conflict

MOST_CHANGES = 1_000
MOST_STEPS = 200_000
"""Pairs of schemas that are compared at most; then the comparison says that it is not complete."""
DEEPEST = 60
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
LOWER_BOUNDS = ("minimum", "minLength", "minItems", "minProperties")
UPPER_BOUNDS = ("maximum", "maxLength", "maxItems", "maxProperties")
OTHER_CONSTRAINTS = (
    "format",
    "pattern",
    "multipleOf",
    "uniqueItems",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "prefixItems",
    "patternProperties",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
)
"""Compared as they are written: that one comes narrows, that one goes widens, another one does both."""


class NotComparable(Conflict):
    """Only versions that are both described by OpenAPI can be compared."""


class Code(StrEnum):
    """What kind of change it is."""

    OPERATION_REMOVED = "operation_removed"
    OPERATION_ADDED = "operation_added"
    OPERATION_DEPRECATED = "operation_deprecated"
    SECURITY_TIGHTENED = "security_tightened"
    SECURITY_RELAXED = "security_relaxed"
    PARAMETER_REMOVED = "parameter_removed"
    PARAMETER_ADDED = "parameter_added"
    REQUEST_BODY_REMOVED = "request_body_removed"
    REQUEST_BODY_ADDED = "request_body_added"
    RESPONSE_REMOVED = "response_removed"
    RESPONSE_ADDED = "response_added"
    MEDIA_TYPE_REMOVED = "media_type_removed"
    MEDIA_TYPE_ADDED = "media_type_added"
    PROPERTY_REMOVED = "property_removed"
    PROPERTY_ADDED = "property_added"
    BECAME_REQUIRED = "became_required"
    BECAME_OPTIONAL = "became_optional"
    TYPE_CHANGED = "type_changed"
    VALUES_CHANGED = "values_changed"
    CONSTRAINT_CHANGED = "constraint_changed"
    ALTERNATIVE_REMOVED = "alternative_removed"
    ALTERNATIVE_ADDED = "alternative_added"
    REFERENCE_CHANGED = "reference_changed"


class Direction(StrEnum):
    REQUEST = "request"
    RESPONSE = "response"


@dataclass(frozen=True)
class Change:
    code: Code
    breaking: bool
    operation: str
    """Method and path, as the older version writes it where both have it."""
    where: str
    """Which part of the operation; the operation itself when empty."""
    detail: str


@dataclass
class Comparison:
    changes: list[Change] = field(default_factory=list)
    complete: bool = True
    """False when it was too much, or too deep, to look at all of it."""

    @property
    def breaking(self) -> bool:
        return any(one.breaking for one in self.changes)


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Comparison:
    return _Comparer(old, new).run()


@dataclass(frozen=True)
class _Operation:
    name: str
    path: str
    item: Mapping[str, Any]
    content: Mapping[str, Any]


class _Comparer:
    def __init__(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self.old, self.new = old, new
        self.result = Comparison()
        self.steps = 0
        self.operation = ""
        self.seen: set[tuple[int, int, Direction]] = set()

    def run(self) -> Comparison:
        before, after = _operations(self.old), _operations(self.new)
        for key in [*before, *(key for key in after if key not in before)]:
            self.operation = (before.get(key) or after[key]).name
            if key not in after:
                self.tell(Code.OPERATION_REMOVED, True, "", "The operation is gone.")
            elif key not in before:
                self.tell(Code.OPERATION_ADDED, False, "", "The operation is new.")
            else:
                self.seen.clear()
                self.both(before[key], after[key])
        return self.result

    def tell(self, code: Code, breaking: bool, where: str, detail: str) -> None:
        if len(self.result.changes) < MOST_CHANGES:
            self.result.changes.append(Change(code, breaking, self.operation, where, detail[:500]))
        else:
            self.result.complete = False

    def both(self, old: _Operation, new: _Operation) -> None:
        if new.content.get("deprecated") and not old.content.get("deprecated"):
            self.tell(Code.OPERATION_DEPRECATED, False, "", "The operation is deprecated.")
        self.security(old, new)
        self.parameters(_parameters(self.old, old), _parameters(self.new, new))
        self.request_body(
            _resolved(self.old, old.content.get("requestBody")), _resolved(self.new, new.content.get("requestBody"))
        )
        self.responses(old.content.get("responses") or {}, new.content.get("responses") or {})

    def security(self, old: _Operation, new: _Operation) -> None:
        before, after = _alternatives(self.old, old), _alternatives(self.new, new)
        if before == after:
            return
        tightened = any(not any(there <= here for there in after) for here in before)
        code = Code.SECURITY_TIGHTENED if tightened else Code.SECURITY_RELAXED
        self.tell(code, tightened, "security", "Other schemes or scopes let one in.")

    def parameters(self, old: Mapping[tuple[str, str], Any], new: Mapping[tuple[str, str], Any]) -> None:
        for key, parameter in old.items():
            where = f"{parameter.get('in')} parameter {parameter.get('name')}"
            there = new.get(key)
            if there is None:
                self.tell(Code.PARAMETER_REMOVED, True, where, "The parameter is gone.")
                continue
            self.needed(bool(parameter.get("required")), bool(there.get("required")), Direction.REQUEST, where)
            self.schemas(_schema(parameter), _schema(there), Direction.REQUEST, where, 0)
        for key, parameter in new.items():
            if key not in old:
                required = bool(parameter.get("required"))
                where = f"{parameter.get('in')} parameter {parameter.get('name')}"
                self.tell(Code.PARAMETER_ADDED, required, where, "It is required." if required else "It is optional.")

    def request_body(self, old: Any, new: Any) -> None:
        where = "request body"
        if old is None and new is None:
            return
        if new is None:
            self.tell(Code.REQUEST_BODY_REMOVED, True, where, "A body is no longer taken.")
        elif old is None:
            required = bool(new.get("required"))
            detail = "It is required." if required else "It is optional."
            self.tell(Code.REQUEST_BODY_ADDED, required, where, detail)
        else:
            self.needed(bool(old.get("required")), bool(new.get("required")), Direction.REQUEST, where)
            self.content(old, new, Direction.REQUEST, where)

    def responses(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        for status, response in old.items():
            there = new.get(status, new.get(f"{status[:1]}XX"))
            success = status.startswith("2") or status == "default"
            if there is None:
                self.tell(Code.RESPONSE_REMOVED, success, f"response {status}", "The response is gone.")
            elif success:
                before, after = _resolved(self.old, response), _resolved(self.new, there)
                self.content(before or {}, after or {}, Direction.RESPONSE, f"response {status}")
        for status in new:
            if status not in old:
                self.tell(Code.RESPONSE_ADDED, False, f"response {status}", "The response is new.")

    def content(self, old: Mapping[str, Any], new: Mapping[str, Any], direction: Direction, where: str) -> None:
        before, after = old.get("content") or {}, new.get("content") or {}
        for media_type, shape in before.items():
            here = f"{where} {media_type}"
            if media_type not in after:
                self.tell(Code.MEDIA_TYPE_REMOVED, True, here, "The media type is gone.")
            else:
                self.schemas(shape.get("schema", {}), after[media_type].get("schema", {}), direction, here, 0)
        for media_type in after:
            if media_type not in before:
                self.tell(Code.MEDIA_TYPE_ADDED, False, f"{where} {media_type}", "The media type is new.")

    def needed(self, old: bool, new: bool, direction: Direction, where: str) -> None:
        if new and not old:
            self.tell(Code.BECAME_REQUIRED, direction is Direction.REQUEST, where, "It was optional.")
        elif old and not new:
            self.tell(Code.BECAME_OPTIONAL, direction is Direction.RESPONSE, where, "It was required.")

    def changed(
        self, code: Code, direction: Direction, where: str, detail: str, *, narrows: bool, widens: bool
    ) -> None:
        breaking = narrows if direction is Direction.REQUEST else widens
        self.tell(code, breaking, where, detail)

    def schemas(self, old: Any, new: Any, direction: Direction, where: str, depth: int) -> None:
        old, new = _resolved(self.old, _written(old)), _resolved(self.new, _written(new))
        pair = (id(old), id(new), direction)
        if pair in self.seen:
            return
        self.seen.add(pair)
        self.steps += 1
        if self.steps > MOST_STEPS or depth > DEEPEST:
            self.result.complete = False
            return
        if "$ref" in old or "$ref" in new:
            if old.get("$ref") != new.get("$ref"):
                self.tell(Code.REFERENCE_CHANGED, True, where, "It leads to another document, which is not looked at.")
            return
        old, new = self.whole(self.old, old), self.whole(self.new, new)
        if self.steps > MOST_STEPS:
            self.result.complete = False
            return
        self.types(old, new, direction, where)
        self.constraints(old, new, direction, where)
        self.alternatives(old, new, direction, where, depth)
        self.properties(old, new, direction, where, depth)
        if "items" in old and "items" in new:
            self.schemas(old["items"], new["items"], direction, f"{where}/items", depth + 1)

    def whole(
        self, document: Mapping[str, Any], schema: Mapping[str, Any], within: frozenset[int] = frozenset()
    ) -> Mapping[str, Any]:
        """A schema with everything that `allOf` brings; what stands within itself brings nothing more."""
        self.steps += 1
        if "allOf" not in schema or id(schema) in within or self.steps > MOST_STEPS or len(within) > DEEPEST:
            return schema
        whole = {name: value for name, value in schema.items() if name != "allOf"}
        whole["properties"], whole["required"] = (
            dict(schema.get("properties") or {}),
            list(schema.get("required") or ()),
        )
        for part in schema["allOf"]:
            brought = self.whole(document, _resolved(document, _written(part)), within | {id(schema)})
            for name, value in brought.items():
                if name == "properties":
                    whole["properties"] = {**value, **whole["properties"]}
                elif name == "required":
                    whole["required"] += value
                else:
                    whole.setdefault(name, value)
        return whole

    def types(self, old: Mapping[str, Any], new: Mapping[str, Any], direction: Direction, where: str) -> None:
        before, after = _types(old), _types(new)
        if before != after:
            detail = f"{_listed(before)} → {_listed(after)}"
            narrows, widens = not _covers(after, before), not _covers(before, after)
            self.changed(Code.TYPE_CHANGED, direction, where, detail, narrows=narrows, widens=widens)
        values, others = _values(old), _values(new)
        if values != others:
            gone = None if others is None else sorted((values or set()) - others)
            come = None if values is None else sorted((others or set()) - values)
            self.changed(
                Code.VALUES_CHANGED,
                direction,
                where,
                f"Gone: {', '.join(gone or []) or 'none'}. New: {', '.join(come or []) or 'none'}.",
                narrows=others is not None and (values is None or bool(gone)),
                widens=values is not None and (others is None or bool(come)),
            )

    def constraints(self, old: Mapping[str, Any], new: Mapping[str, Any], direction: Direction, where: str) -> None:
        for name in (*LOWER_BOUNDS, *UPPER_BOUNDS, *OTHER_CONSTRAINTS):
            before, after = old.get(name), new.get(name)
            if _text(before) == _text(after):
                continue
            narrows, widens = after is not None, before is not None
            if name not in OTHER_CONSTRAINTS and _is_number(before) and _is_number(after):
                narrows = (after > before) == (name in LOWER_BOUNDS)
                widens = not narrows
            detail = f"{name}: {_text(before)} → {_text(after)}"
            self.changed(Code.CONSTRAINT_CHANGED, direction, where, detail, narrows=narrows, widens=widens)

    def alternatives(
        self, old: Mapping[str, Any], new: Mapping[str, Any], direction: Direction, where: str, depth: int
    ) -> None:
        for name in ("oneOf", "anyOf"):
            before = {_text(one): one for one in old.get(name) or ()}
            after = {_text(one): one for one in new.get(name) or ()}
            for key, one in before.items():
                if key in after:  # the same reference may lead to what has changed
                    self.schemas(one, after[key], direction, f"{where}/{name}", depth + 1)
                else:
                    self.changed(
                        Code.ALTERNATIVE_REMOVED, direction, f"{where}/{name}", key, narrows=True, widens=not after
                    )
            for key in after:
                if key not in before:
                    self.changed(
                        Code.ALTERNATIVE_ADDED, direction, f"{where}/{name}", key, narrows=not before, widens=True
                    )

    def properties(
        self, old: Mapping[str, Any], new: Mapping[str, Any], direction: Direction, where: str, depth: int
    ) -> None:
        before, after = _properties(self.old, old, direction), _properties(self.new, new, direction)
        needed, needed_now = set(old.get("required") or ()), set(new.get("required") or ())
        for name, schema in before.items():
            here = f"{where}/{name}"
            if name not in after:
                self.tell(Code.PROPERTY_REMOVED, True, here, "The property is gone.")
            else:
                self.needed(name in needed, name in needed_now, direction, here)
                self.schemas(schema, after[name], direction, here, depth + 1)
        for name in after:
            if name not in before:
                required = name in needed_now
                breaking = required and direction is Direction.REQUEST
                detail = "It is required." if required else "It is optional."
                self.tell(Code.PROPERTY_ADDED, breaking, f"{where}/{name}", detail)
        others, others_now = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if isinstance(others, dict) and isinstance(others_now, dict):
            self.schemas(others, others_now, direction, f"{where}/*", depth + 1)
        elif direction is Direction.REQUEST and _text(others) != _text(others_now):
            narrows = others_now is False or isinstance(others_now, dict)
            detail = f"additionalProperties: {_text(others)} → {_text(others_now)}"
            self.tell(Code.CONSTRAINT_CHANGED, narrows and others is not False, where, detail)


def _operations(document: Mapping[str, Any]) -> dict[tuple[str, str], _Operation]:
    """Whatever a path calls its parameters, it is the same path."""
    found: dict[tuple[str, str], _Operation] = {}
    for path, named in (document.get("paths") or {}).items():
        item = _resolved(document, named) or {}
        for method in METHODS:
            if isinstance(item.get(method), dict):
                key = (re.sub(r"\{[^}]*\}", "{}", path), method)
                found[key] = _Operation(f"{method.upper()} {path}", path, item, item[method])
    return found


def _parameters(document: Mapping[str, Any], operation: _Operation) -> dict[tuple[str, str], Mapping[str, Any]]:
    """By place and name; those in the path by their order there."""
    places = {name: str(place) for place, name in enumerate(re.findall(r"\{([^}]*)\}", operation.path))}
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for one in [*(operation.item.get("parameters") or ()), *(operation.content.get("parameters") or ())]:
        parameter = _resolved(document, one) or {}
        place, name = str(parameter.get("in", parameter.get("$ref"))), str(parameter.get("name", ""))
        if place == "header":
            name = name.lower()
        found[place, places.get(name, name) if place == "path" else name] = parameter
    return found


def _alternatives(document: Mapping[str, Any], operation: _Operation) -> set[frozenset[str]]:
    """Each way to be let in, as the schemes and scopes that it needs; the empty one needs nothing."""
    needed = operation.content.get("security", document.get("security")) or [{}]
    return {
        frozenset(f"{scheme} {scope}".strip() for scheme, scopes in one.items() for scope in ("", *scopes))
        for one in needed
    }


def _schema(parameter: Mapping[str, Any]) -> Any:
    if "schema" in parameter:
        return parameter["schema"]
    return next((one.get("schema", {}) for one in (parameter.get("content") or {}).values()), {})


def _resolved(document: Mapping[str, Any], node: Any) -> Any:
    """What a reference leads to; one that leads out of the document stays as it is."""
    for _ in range(50):
        target = node.get("$ref") if isinstance(node, dict) else None
        if not isinstance(target, str) or not target.startswith("#/"):
            return node
        node = document
        for step in target[2:].split("/"):
            name = step.replace("%7B", "{").replace("%7D", "}").replace("~1", "/").replace("~0", "~")
            if isinstance(node, list) and name.isdecimal() and int(name) < len(node):
                node = node[int(name)]
            else:
                node = node.get(name) if isinstance(node, Mapping) else None
        if node is None:
            return {}
    return {}


_ANYTHING: dict[str, Any] = {}
_NOTHING: dict[str, Any] = {"not": {}}


def _written(schema: Any) -> Any:
    """A schema that is only true or false, written out."""
    if isinstance(schema, dict):
        return schema
    return _NOTHING if schema is False else _ANYTHING


def _properties(document: Mapping[str, Any], schema: Mapping[str, Any], direction: Direction) -> dict[str, Any]:
    """Without those that are only for the other direction."""
    hidden = "readOnly" if direction is Direction.REQUEST else "writeOnly"
    named = (schema.get("properties") or {}).items()
    return {name: one for name, one in named if not _written(_resolved(document, _written(one))).get(hidden)}


def _types(schema: Mapping[str, Any]) -> frozenset[str] | None:
    """None: any."""
    named = schema.get("type")
    if named is None:
        return None
    types = {named} if isinstance(named, str) else set(named)
    return frozenset(types | {"null"} if schema.get("nullable") else types)


def _covers(wide: frozenset[str] | None, narrow: frozenset[str] | None) -> bool:
    """Whether every value of `narrow` is one of `wide`; an integer is a number."""
    if wide is None or narrow is None:
        return wide is None
    return narrow <= (wide | {"integer"} if "number" in wide else wide)


def _values(schema: Mapping[str, Any]) -> set[str] | None:
    if "const" in schema:
        return {_text(schema["const"])}
    return {_text(one) for one in schema["enum"]} if isinstance(schema.get("enum"), list) else None


def _listed(types: frozenset[str] | None) -> str:
    return " or ".join(sorted(types)) if types is not None else "anything"


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def breaking_first(changes: list[Change]) -> Iterator[Change]:
    yield from (one for one in changes if one.breaking)
    yield from (one for one in changes if not one.breaking)
