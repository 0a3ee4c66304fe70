"""An operation's published example as a request."""

import json
import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Example:
    """What an operation's example sends, and who sends it."""

    organisation: str | None
    path: str
    query: dict[str, Any]
    headers: dict[str, str]
    content: bytes | None


def of(told: dict[str, Any], path: str) -> Example:
    """`told` is the operation as the contract has it, `path` its path with parameters in braces."""
    shown = told["x-example"]
    values = {one["name"]: of_parameter(one) for one in told.get("parameters", []) if one["in"] == "path"}
    headers = dict(shown["headers"])
    content: bytes | None = None
    for media_type, body in told.get("requestBody", {}).get("content", {}).items():
        if "example" in body:
            text = json.dumps(body["example"]) if media_type.endswith("json") else body["example"]
            content, headers["Content-Type"] = text.encode(), media_type
            break
    filled = re.sub(r"{(\w+)}", lambda name: values[name[1]], path)
    return Example(shown.get("organisation"), filled, shown["query"], headers, content)


def of_parameter(parameter: dict[str, Any]) -> str:
    found = parameter.get("examples") or parameter["schema"].get("examples") or [parameter.get("example")]
    return str(found[0])


def scopes(told: dict[str, Any]) -> list[str]:
    """All that the operation's security requirements name; any one of them is enough."""
    return [scope for requirement in told.get("security", []) for scope in requirement.get("token", [])]
