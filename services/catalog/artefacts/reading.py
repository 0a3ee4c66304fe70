"""Reads JSON and YAML from strangers, bounded in depth and size, each key once and nothing but data; and writes down
what is found."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import yaml

from services.catalog.artefacts import rules
from services.catalog.artefacts.rules import Finding, Format

LONGEST_DETAIL = 300
MOST_MERGED = 10_000
"""Entries of one YAML mapping at most when `<<` has brought its own."""


class Found(Exception):
    """Something that makes further reading useless."""

    def __init__(self, detail: str, *, unsafe: bool = False, line: int | None = None, pointer: str | None = None):
        self.finding = Finding(detail[:LONGEST_DETAIL], pointer, line)
        self.unsafe = unsafe


class Report:
    """What is told of one document."""

    def __init__(self) -> None:
        self.format: Format | None = None
        self.specification_version: str | None = None
        self.title: str | None = None
        self.complete = True
        self.external: list[str] = []
        self.findings: list[Finding] = []
        self.unsafe = False
        self.document: Any = None

    def add(self, detail: str, pointer: str | None = None, line: int | None = None) -> None:
        if len(self.findings) < rules.MOST_FINDINGS:
            one = Finding(detail[:LONGEST_DETAIL], pointer, line)
            if one not in self.findings:
                self.findings.append(one)

    def written(self) -> bytes:
        told = {
            "format": self.format,
            "specification_version": self.specification_version,
            "title": self.title,
            "complete": self.complete,
            "external_references": self.external,
            "findings": [asdict(one) for one in self.findings],
            "unsafe": self.unsafe,
        }
        kept = self.format is Format.OPENAPI and not self.findings
        document = json.dumps(self.document, ensure_ascii=False, separators=(",", ":")) if kept else ""
        return f"{json.dumps(told)}\n{document}".encode()


def check_values(document: Any) -> None:
    """Bounded in depth and in number, with what YAML's aliases repeat counted each time; no text that cannot be
    kept."""
    sizes: dict[int, tuple[int, int]] = {}

    def measured(value: Any, depth: int) -> tuple[int, int]:
        """→ (values, levels)"""
        if depth > rules.DEEPEST:
            raise Found(f"It is nested more than {rules.DEEPEST} levels deep.", unsafe=True)
        if isinstance(value, str) and ("\0" in value or any("\ud800" <= one <= "\udfff" for one in value)):
            raise Found("A text holds a NUL or half a surrogate pair.")
        if not isinstance(value, dict | list):
            return 1, 0
        if id(value) not in sizes:
            count, levels = 1, 0
            for below in [*value.keys(), *value.values()] if isinstance(value, dict) else value:
                here = measured(below, depth + 1)
                count, levels = count + here[0], max(levels, here[1])
            sizes[id(value)] = count, levels + 1
        found = sizes[id(value)]
        if found[0] > rules.MOST_VALUES or depth + found[1] > rules.DEEPEST:
            raise Found(
                f"It holds more than {rules.MOST_VALUES} values or {rules.DEEPEST} levels, with its aliases written "
                "out.",
                unsafe=True,
            )
        return found

    measured(document, 0)


def read_json(text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise Found(f"{name!r} stands twice in one object.")
            found[name] = value
        return found

    def no_number(name: str) -> Any:
        raise Found(f"{name} is no number in JSON.")

    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=no_number)
    except json.JSONDecodeError as error:
        raise Found(f"It is not JSON: {error.msg}.", line=error.lineno) from error
    except ValueError as error:
        raise Found(f"It is not JSON: {error}.") from error
    except RecursionError:
        raise Found(f"It is nested more than {rules.DEEPEST} levels deep.", unsafe=True) from None


def read_yaml(text: str) -> tuple[Any, Callable[[str], int | None]]:
    """As YAML 1.2's core schema reads it: only true and false are truth values, a date stays text, and keys are text.
    → (the document, on which line the value at a pointer begins)"""

    class Loader(yaml.CSafeLoader):  # type: ignore[misc]  # PyYAML has no types
        yaml_implicit_resolvers: Mapping[str, Any] = {}

        def flatten_mapping(self, node: Any) -> None:
            super().flatten_mapping(node)
            if len(node.value) > MOST_MERGED:
                raise Found(f"`<<` makes a mapping of more than {MOST_MERGED} entries.", unsafe=True)

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:
            own = set()
            for key, _ in node.value:
                if key.id == "scalar" and key.tag != "tag:yaml.org,2002:merge" and key.value in own:
                    raise Found(f"{key.value!r} stands twice in one mapping.", line=key.start_mark.line + 1)
                own.add(key.value if key.id == "scalar" else id(key))
            found = super().construct_mapping(node, deep=True)
            return {self._name(key, node): value for key, value in found.items()}

        @staticmethod
        def _name(key: object, node: Any) -> str:
            if isinstance(key, str):
                return key
            if isinstance(key, bool) or key is None:
                return {True: "true", False: "false", None: "null"}[key]
            if isinstance(key, int | float):
                return str(key)
            raise Found("A key is no text.", line=node.start_mark.line + 1)

    for tag, pattern, first in _CORE_SCHEMA:
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))
    Loader.add_constructor("tag:yaml.org,2002:map", Loader.construct_yaml_map)
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > rules.DEEPEST:
                raise Found(f"It is nested more than {rules.DEEPEST} levels deep.", unsafe=True)
        return yaml.load(text, Loader=Loader), lambda pointer: _line(yaml.compose(text, Loader=Loader), pointer)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise Found(f"It is not YAML: {error.problem}.", line=mark.line + 1 if mark else None) from error
    except (yaml.YAMLError, ValueError) as error:
        raise Found(f"It is not YAML: {error}.") from error


_CORE_SCHEMA = (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"^[-+]?[0-9]{1,100}$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?$", "-+0123456789."),
    ("merge", r"^<<$", "<"),
)


def _line(node: Any, pointer: str) -> int | None:
    """The line on which the value at `pointer` begins."""
    for step in pointer[2:].split("/") if pointer != "#" else ():
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(node.value, list) and node.id == "mapping":
            node = next((value for key, value in node.value if key.value == name), None)
        elif node.id == "sequence" and name.isdecimal() and int(name) < len(node.value):
            node = node.value[int(name)]
        else:
            node = None
        if node is None:
            return None
    return int(node.start_mark.line) + 1
