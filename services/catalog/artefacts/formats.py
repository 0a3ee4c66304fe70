"""Reads OpenAPI, AsyncAPI and XSD documents, and finds what is wrong with them. Runs in a process of its own: document
on standard input, media type as argument, findings on standard output.

Looked at are, for OpenAPI 3.0–3.2, the official schema and then the rules between its parts (openapi-spec-validator);
for AsyncAPI 2.0–3.1 the official schema of its version; for XSD whether libxml2 can compile it. References inside the
document must lead somewhere. Those that lead out are listed and never followed, and what hangs on them is not judged.
"""

import json
import resource
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from services.catalog.artefacts import rules
from services.catalog.artefacts.reading import Found, Report, check_values, read_json, read_yaml
from services.catalog.artefacts.rules import Finding, Format, Syntax

MEMORY_BYTES = 1024 * 1024 * 1024
MOST_PARTS = 20_000
"""Parts of a schema at most, with what it is composed of."""
ASYNCAPI = Path(__file__).parent / "asyncapi"
_NOT_SCHEMAS = frozenset({"example", "default", "enum", "const", "value"})
"""Below these stand values, and what is called `$ref` there is none."""


def examine(content: bytes, media_type: str) -> Report:
    report, kind = Report(), rules.MEDIA_TYPES[media_type]
    try:
        if kind.syntax is Syntax.XML:
            report.format = Format.XSD
            from services.catalog.artefacts import xsd

            xsd.examine(report, content)
        else:
            _examine_document(report, content, kind)
    except Found as found:
        report.findings, report.unsafe = [found.finding], found.unsafe
    except RecursionError:
        report.findings, report.unsafe = [Finding("It is nested too deeply, or refers to itself.")], True
    return report


def _examine_document(report: Report, content: bytes, kind: rules.MediaType) -> None:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Found(f"It is not UTF-8: byte {error.start} cannot be read.") from error
    lines: Callable[[str], int | None] = lambda pointer: None  # noqa: E731
    if kind.syntax is Syntax.JSON:
        report.document = read_json(text)
    else:
        report.document, lines = read_yaml(text)
    check_values(report.document)
    if not isinstance(report.document, dict):
        raise Found("The document must be an object at its top.")
    named = [one for one in (Format.OPENAPI, Format.ASYNCAPI) if one in report.document]
    report.format = kind.format or (named[0] if len(named) == 1 else None)
    if report.format is None or report.format not in named:
        wanted = report.format or "openapi` or `asyncapi"
        old = " Swagger 2.0 is not OpenAPI 3." if "swagger" in report.document else ""
        raise Found(f"There is no `{wanted}` at its top that says which version it is written in.{old}")
    report.specification_version = str(report.document[report.format])
    info = report.document.get("info")
    report.title = str(info["title"])[:200] if isinstance(info, dict) and "title" in info else None
    references = list(_references(report.document, ""))
    report.external = rules.external(target for _, target in references)[: rules.MOST_FINDINGS]
    report.complete = not report.external
    if report.format is Format.OPENAPI:
        _check_openapi(report, references)
    else:
        _check_asyncapi(report, references)
    report.findings = [
        Finding(one.detail, one.pointer, lines(one.pointer) if one.pointer else None) for one in report.findings
    ]


def _check_openapi(report: Report, references: list[tuple[str, str]]) -> None:
    from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator, OpenAPIV32SpecValidator

    version = report.specification_version or ""
    validators = {"3.0": OpenAPIV30SpecValidator, "3.1": OpenAPIV31SpecValidator, "3.2": OpenAPIV32SpecValidator}
    kind = validators.get(version[:3]) if version[3:4] == "." else None
    if kind is None:
        raise Found(f"OpenAPI {version} is not known here; 3.0, 3.1 and 3.2 are.", pointer="#/openapi")

    class Offline(kind):  # type: ignore[misc, valid-type]  # which of them is known at run time
        resolver_handlers: Mapping[str, Any] = {}

    validator = Offline(report.document)
    _tell(report, validator.schema_validator.iter_errors(report.document))
    _check_references(report, references)
    if not report.findings:
        _check_composition(report.document)
    if not report.findings and report.complete:
        try:
            _tell(report, validator.root_validator(validator.schema_path))
        except RecursionError:
            raise
        except Exception as error:
            report.add(f"The rules between its parts cannot be looked at: {type(error).__name__}: {error}")


def _check_composition(document: dict[str, Any]) -> None:
    """A schema that is composed of others stands for all of theirs, so that few lines can make one without end."""
    schemas = document.get("components", {}).get("schemas", {})
    sizes: dict[str, int] = {}

    def size(schema: Any, within: frozenset[str]) -> int:
        if not isinstance(schema, dict):
            return 1
        total, name = 1, str(schema.get("$ref", "")).removeprefix("#/components/schemas/")
        if name in schemas and name not in within:
            if name not in sizes:
                sizes[name] = size(schemas[name], within | {name})
            total += sizes[name]
        for part in (*(schema.get(key, ()) for key in ("allOf", "anyOf", "oneOf")), [schema.get("items")]):
            total += sum(size(one, within) for one in part)
        if total > MOST_PARTS:
            raise Found(f"A schema is composed of more than {MOST_PARTS} parts.", unsafe=True)
        return total

    for name, schema in schemas.items():
        size(schema, frozenset({name}))


def _check_asyncapi(report: Report, references: list[tuple[str, str]]) -> None:
    import jsonschema
    import referencing

    version = report.specification_version or ""
    known = {path.stem: path for path in sorted(ASYNCAPI.glob("*.json"))}
    if version not in known:
        raise Found(f"AsyncAPI {version} is not known here; {', '.join(known)} are.", pointer="#/asyncapi")
    registry: referencing.Registry[Any] = referencing.Registry()  # without anything that could fetch
    schema = json.loads(known[version].read_text())
    _tell(report, jsonschema.Draft7Validator(schema, registry=registry).iter_errors(report.document))
    _check_references(report, references)


def _tell(report: Report, errors: Iterator[Any]) -> None:
    from jsonschema.exceptions import best_match

    for error in errors:
        if len(report.findings) >= rules.MOST_FINDINGS:
            return
        exact = best_match([error]) if getattr(error, "context", None) else error
        path = getattr(exact, "absolute_path", None) or ()
        report.add(str(exact.message), _pointer(path))


def _pointer(path: Any) -> str:
    return "#" + "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _references(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """→ (where it stands, where it leads)"""
    if isinstance(value, dict):
        target = value.get("$ref")
        if isinstance(target, str):
            yield f"#{pointer}", target
        for name, below in value.items():
            if name not in _NOT_SCHEMAS and not (name == "examples" and isinstance(below, list)):
                yield from _references(below, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for place, below in enumerate(value):
            yield from _references(below, f"{pointer}/{place}")


def _check_references(report: Report, references: list[tuple[str, str]]) -> None:
    from urllib.parse import unquote

    for pointer, target in references:
        if target != "#" and not target.startswith("#/"):
            continue
        here = report.document
        for step in unquote(target[2:]).split("/") if target != "#" else ():
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(here, dict) and name in here:
                here = here[name]
            elif isinstance(here, list) and name.isdecimal() and int(name) < len(here):
                here = here[int(name)]
            else:
                report.add(f"{target} leads nowhere.", f"{pointer}/$ref")
                break


def main() -> None:
    seconds = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    sys.stdout.buffer.write(examine(sys.stdin.buffer.read(), sys.argv[1]).written())


if __name__ == "__main__":
    main()
