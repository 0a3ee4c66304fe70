"""Puts a contract to the test: makes requests that it allows, and looks at whether the answers are what it says."""

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Err, Ok
from schemathesis.specs.openapi import checks

from services.catalog.conformance_runs.rules import MOST_FAILURES, Finding, Limits, Reason
from services.catalog.conformance_runs.wire import Stopped, Unanswered, Wire

Request = Case[Any]
"""A request that the contract allows, as schemathesis makes it."""
SEED = 20_261_126
"""The same requests for everybody who is tested against the same contract."""
MOST_OPERATIONS = 500
MOST_SILENT = 3
"""So many operations that never answer, and the run stops."""
SHRINKING = 4
"""So many times the requests of an operation, at most, with those that look for a smaller example."""
LONGEST_CURL, LONGEST_DETAIL = 2000, 600
NAMED_HEADERS = frozenset({"accept", "content-type", "authorization"})
"""OpenAPI ignores parameters of these names."""
USER_AGENT = "samvirke-conformance/1"
CHECKS = (
    (schemathesis.checks.not_a_server_error, Finding.SERVER_ERROR),
    (checks.status_code_conformance, Finding.UNDOCUMENTED_STATUS),
    (checks.content_type_conformance, Finding.UNDOCUMENTED_CONTENT_TYPE),
    (checks.response_headers_conformance, Finding.HEADER_NOT_AS_DESCRIBED),
    (checks.response_schema_conformance, Finding.BODY_NOT_AS_DESCRIBED),
)
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef", "operationRef")
_ELSEWHERE = ("externalValue", "$schema", "$id", "jsonSchemaDialect")


class Enough(BaseException):
    """This operation is done. Not an Exception, so that Hypothesis does not take it for a failure."""


@dataclass
class Failure:
    """One way in which an operation failed, with the smallest request that showed it."""

    finding: Finding
    operation: str
    detail: str
    curl: str
    status: int | None
    seen: int = 0


@dataclass
class Operation:
    """What was tried of one operation."""

    name: str
    cases: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    silent: bool = False
    accepted: Mapping[str, Any] | None = None
    skipped: str | None = None


def alone(document: Any) -> Any:
    """A contract without anything that could be fetched from elsewhere. What it refers to must stand in it."""
    if isinstance(document, dict):
        for name in _REFERENCES:
            target = document.get(name)
            if isinstance(target, str) and not target.startswith("#"):
                raise Stopped(Reason.CONTRACT_UNUSABLE, f"it refers to {target[:200]}")
        return {
            name: alone(value)
            for name, value in document.items()
            if name not in _ELSEWHERE or not isinstance(value, str)
        }
    return [alone(one) for one in document] if isinstance(document, list) else document


class Trial:
    def __init__(self, document: Mapping[str, Any], base_url: str, wire: Wire, limits: Limits, headers: dict[str, str]):
        self._wire, self._limits, self._base_url = wire, limits, base_url
        self._headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers}
        self._until = monotonic() + limits.own_seconds
        self._calls = 0
        self._stopped: str | None = None
        self._failures: dict[str, Failure] = {}
        self._raised: dict[str, type[Exception]] = {}
        self._operations: list[Operation] = []
        try:
            self._schema = schemathesis.openapi.from_dict(alone(document))
            found = list(self._schema.get_all_operations())
        except MemoryError:
            raise
        except Exception as error:
            raise Stopped(Reason.CONTRACT_UNUSABLE, f"{type(error).__name__}: {error}"[:LONGEST_DETAIL]) from error
        if broken := [one.err() for one in found if isinstance(one, Err)]:
            raise Stopped(Reason.CONTRACT_UNUSABLE, str(broken[0])[:LONGEST_DETAIL])
        self._found = [one.ok() for one in found if isinstance(one, Ok)]
        if len(self._found) > MOST_OPERATIONS:
            raise Stopped(Reason.CONTRACT_UNUSABLE, f"it has more than {MOST_OPERATIONS} operations")

    def run(self) -> dict[str, Any]:
        """Each operation in turn. → the report"""
        for operation in self._found:
            tried = Operation(str(operation.label))
            self._operations.append(tried)
            if self._stopped or sum(one.silent for one in self._operations) >= MOST_SILENT:
                self._stopped = self._stopped or "it does not answer"
                continue
            self._try(operation, tried)
        if self._wire.answered and not any(300 > code >= 200 for one in self._operations for code in one.answers):
            self._note(Finding.NOTHING_SHOWN, "", "no operation succeeded once", "", None)
        return self._report()

    def _try(self, operation: Any, tried: Operation) -> None:
        limits = self._limits
        here = min(limits.cases_per_operation, max(1, limits.cases // len(self._found)))
        most = self._calls + here * SHRINKING

        @hypothesis.seed(SEED)
        @hypothesis.settings(
            max_examples=here,
            deadline=None,
            database=None,
            report_multiple_bugs=True,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        )
        @hypothesis.given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
        def each(case: Request) -> None:
            if self._calls >= most:
                raise Enough
            self._attempt(case, tried)

        try:
            for case in _examples(operation):
                self._attempt(case, tried, raising=False)
            each()
        except Enough:
            pass
        except hypothesis.errors.HypothesisException as error:
            # Not to be told apart from here: an answer that changes from one time to the next, or a schema for which
            # no value exists. The first has been noted, the second leaves the operation without a case.
            tried.skipped = None if tried.cases else f"{type(error).__name__}: {error}"[:LONGEST_DETAIL]
        except MemoryError:
            raise
        except Exception as error:
            if not any(isinstance(error, kind) for kind in (*self._raised.values(), ExceptionGroup)):
                tried.skipped = f"{type(error).__name__}: {error}"[:LONGEST_DETAIL]
        self._try_without(operation, tried)

    def _attempt(self, case: Request, tried: Operation, *, raising: bool = True) -> None:
        request = case.as_transport_kwargs(base_url=self._base_url)
        request["headers"] = {**request["headers"], **self._headers}
        request["headers"].pop("X-Schemathesis-TestCaseId", None)
        answer = self._call(request, tried)
        if answer is None:
            raise Enough
        noted = list(self._look(case, request, answer, tried))
        if not noted and 200 <= answer.status_code < 300 and tried.accepted is None:
            tried.accepted = request
        if noted and raising:
            # A type of its own for each way to fail, by which Hypothesis keeps them apart and shrinks each.
            raise self._raised.setdefault(noted[0], type("Failed", (Exception,), {}))

    def _call(self, request: Mapping[str, Any], tried: Operation) -> requests.Response | None:
        if monotonic() > self._until:
            self._stopped = "time"
            raise Enough
        self._calls += 1
        tried.cases += 1
        try:
            answer = self._wire.call(request)
        except Unanswered as none:
            tried.silent = none.finding is Finding.NO_ANSWER
            self._note(none.finding, tried.name, none.detail, curl(request), None)
            return None
        tried.answers[answer.status_code] += 1
        return answer

    def _look(
        self, case: Request, request: Mapping[str, Any], answer: requests.Response, tried: Operation
    ) -> Iterator[str]:
        """→ the keys of what is wrong with an answer"""
        status = answer.status_code
        location = answer.headers.get("Location")
        described = {str(code).upper() for code in case.operation.responses.status_codes}
        if 300 <= status < 400 and location and not described & {str(status), "3XX", "DEFAULT"}:
            detail = f"{status} leads to {location[:200]}, which is not followed"
            yield self._note(Finding.REDIRECT, tried.name, detail, curl(request), status)
            return
        for check, finding in CHECKS:
            try:
                case.validate_response(answer, checks=[check])
            except FailureGroup as group:
                for one in group.exceptions:
                    detail = f"{one.title}: {one.message}" if one.message else one.title
                    where = str(getattr(one, "schema_path", ""))
                    yield self._note(finding, tried.name, detail, curl(request), status, where)

    def _try_without(self, operation: Any, tried: Operation) -> None:
        """What is required is missed when it is not there: a request that succeeded is sent again without it."""
        if tried.accepted is None or self._stopped:
            return
        for place, parts in (("headers", operation.headers), ("params", operation.query)):
            for one in parts:
                if not one.is_required or (place == "headers" and one.name.lower() in NAMED_HEADERS):
                    continue
                request = dict(tried.accepted)
                request[place] = {
                    name: value for name, value in request[place].items() if name.lower() != one.name.lower()
                }
                kind = "header" if place == "headers" else "query parameter"
                try:
                    answer = self._call(request, tried)
                except Enough:
                    return
                if answer is None:
                    return
                if 200 <= answer.status_code < 300:
                    detail = f"{answer.status_code} without the required {kind} {one.name}"
                    found = Finding.REQUIRED_PARAMETER_IGNORED
                    self._note(found, tried.name, detail, curl(request), answer.status_code, one.name)

    def _note(
        self, finding: Finding, operation: str, detail: str, curl: str, status: int | None, where: str = ""
    ) -> str:
        key = f"{finding}|{operation}|{status}|{where}"
        new = Failure(finding, operation, _clean(detail)[:LONGEST_DETAIL], _clean(curl)[:LONGEST_CURL], status)
        kept = self._failures.get(key)
        if kept is None or len(new.curl) < len(kept.curl):
            new.seen = kept.seen if kept else 0
            self._failures[key] = kept = new
        kept.seen += 1
        return key

    def _report(self) -> dict[str, Any]:
        order = list(Finding)
        failures = sorted(self._failures.values(), key=lambda one: (order.index(one.finding), one.operation))
        return {
            "tool": "schemathesis",
            "tool_version": schemathesis.__version__,
            "seed": SEED,
            "stopped": self._stopped,
            "cases": self._calls,
            "operations": [
                {
                    "operation": one.name,
                    "cases": one.cases,
                    "answers": {str(code): count for code, count in sorted(one.answers.items())},
                    "succeeded": any(200 <= code < 300 for code in one.answers),
                    "skipped": one.skipped,
                }
                for one in self._operations
            ],
            "failures": [
                {
                    "finding": one.finding,
                    "operation": one.operation or None,
                    "detail": one.detail,
                    "status": one.status,
                    "seen": one.seen,
                    "example": one.curl or None,
                }
                for one in failures[:MOST_FAILURES]
            ],
            "failures_left_out": max(0, len(failures) - MOST_FAILURES),
            "connections": self._wire.connections,
            "bytes_received": self._wire.bytes_received,
        }


def _examples(operation: Any) -> Iterator[Request]:
    """Requests that the contract itself gives as examples: whoever wrote it knows what exists."""
    for strategy in operation.get_strategies_from_examples():
        yield from _first(strategy)


def _first(strategy: Any) -> list[Request]:
    kept: list[Request] = []

    @hypothesis.seed(SEED)
    @hypothesis.settings(
        max_examples=1, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
    )
    @hypothesis.given(case=strategy)
    def one(case: Request) -> None:
        kept.append(case)

    one()
    return kept[:1]


def curl(request: Mapping[str, Any]) -> str:
    """A request as a command that can be repeated. No secret stands in it, as none is ever sent."""
    prepared = requests.Request(**request).prepare()
    left_out = {"accept-encoding", "content-length", "connection"}
    parts = ["curl", "-X", str(prepared.method)]
    for name, value in prepared.headers.items():
        if name.lower() not in left_out:
            shown = value.decode("latin-1") if isinstance(value, bytes) else str(value)
            parts += ["-H", f"{name}: {shown}"]
    if prepared.body:
        body = prepared.body if isinstance(prepared.body, bytes) else str(prepared.body).encode()
        parts += ["-d", body.decode("utf-8", "replace")]
    return shlex.join([*parts, str(prepared.url)])


def _clean(text: str) -> str:
    """What a stranger's answer holds can be text that nobody can keep."""
    return text.replace("\0", "␀").encode("utf-8", "replace").decode()
