"""How a signed report is read, which ones are taken, and what of them is shown to whom."""

import base64
import binascii
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.catalog.certificates.rules import Outcome
from services.chassis.problems import Conflict, Forbidden, Invalid, MediaTypeUnsupported, Problem, TooLarge

LARGEST = 256 * 1024
"""Bytes of a report at most."""
MOST_RESULTS = 500
MEDIA_TYPE = "application/jose"
AHEAD = timedelta(seconds=60)
"""How far a tester's clock may be ahead of ours."""
_OUTCOMES = frozenset(Outcome)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HEADER = frozenset({"alg", "kid", "typ", "cty"})
_CLAIMS = frozenset(
    {
        *("iss", "jti", "iat", "sub", "version", "specification", "specification_version"),
        *("tool", "tool_version", "results"),
    }
)
_RESULT = frozenset({"requirement", "outcome", "reason", "log_sha256", "ran_on"})
_LENGTHS = {
    **{"sub": 80, "version": 40, "specification": 80, "specification_version": 40},
    **{"tool": 200, "tool_version": 80},
}


class State(StrEnum):
    TAKEN = "taken"
    """Everything in it is met, so nobody needs to look at it."""
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    REJECTED = "rejected"


class Step(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"


class EventKind(StrEnum):
    APPROVED = "approved"
    REJECTED = "rejected"


MOVES = {
    (State.AWAITING_APPROVAL, Step.APPROVE): State.APPROVED,
    (State.AWAITING_APPROVAL, Step.REJECT): State.REJECTED,
}


class ReportMediaTypeUnknown(MediaTypeUnsupported):
    """A signed report is sent as application/jose."""


class ReportTooLarge(TooLarge):
    """A signed report is at most 256 kB."""


class ReportUnreadable(Invalid):
    """The body is not a compact JWS (RFC 7515) with a JSON object in it."""


class ReportAlgorithmRefused(Invalid):
    """The signature algorithm is not the one of the tester's key."""


class ReportKeyUnknown(Invalid):
    """The report is signed with a key that no tester has registered."""


class ReportForged(Invalid):
    """The signature does not hold."""


class ReportIncomplete(Invalid):
    """A claim of the report is missing, unknown or cannot be used."""


class ReportFromAnother(Invalid):
    """The report names another tester than the one whose key it is signed with."""


class ReportFromFuture(Invalid):
    """The report, or a test in it, is of a time that has not come."""


class TesterNotInForce(Conflict):
    """The tester's signatures are not taken."""


class DelegationMissing(Forbidden):
    """The product's supplier has not let this tester report about it."""


class NotYourReport(Forbidden):
    """A report is sent in by the tester's organisation or by the product's supplier."""


class ReportReplayed(Conflict):
    """This report has been filed already."""


class ReportSubjectUnknown(Invalid):
    """The report is about something that is not in the catalogue."""


class ReportRequirementUnknown(Invalid):
    """The specification's version has no such requirement."""


class ReportResultRepeated(Invalid):
    """A requirement has two results in one report."""


class ReportReasonMissing(Invalid):
    """What is not simply met needs a reason."""


class ReportStepRefused(Conflict):
    """The report cannot take this step from the state it is in."""


class ReportFourEyes(Forbidden):
    """Neither the tester's organisation nor whoever has an interest in the product looks over a report."""


@dataclass(frozen=True)
class Signed:
    """The parts of a compact JWS; nothing in it is proven yet."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    covered: bytes
    """What the signature is over."""
    signature: bytes


@dataclass(frozen=True)
class Result:
    requirement: str
    outcome: Outcome
    reason: str | None
    log_sha256: str | None
    ran_on: date


@dataclass(frozen=True)
class Report:
    """A report whose claims can be used."""

    tester: UUID
    id: UUID
    issued_at: datetime
    product: str
    version: str
    specification: str
    specification_version: str
    tool: str
    tool_version: str | None
    results: Sequence[Result]


def opened(body: bytes) -> Signed:
    """A compact JWS taken apart (RFC 7515 7.1)."""
    parts = body.strip().split(b".")
    if len(parts) != 3:
        raise ReportUnreadable("It has three parts with dots between.")
    header, claims = (_object(part) for part in parts[:2])
    if "crit" in header or not header.keys() <= _HEADER:
        raise ReportUnreadable(f"Its header holds nothing but {', '.join(sorted(_HEADER))}.")
    return Signed(header, claims, parts[0] + b"." + parts[1], _decoded(parts[2]))


def _object(part: bytes) -> Mapping[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise ReportUnreadable("A name stands twice in one object.")
        return dict(pairs)

    try:
        found = json.loads(_decoded(part), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise ReportUnreadable("A part of it is not JSON.") from error
    if not isinstance(found, dict):
        raise ReportUnreadable("A part of it is not a JSON object.")
    return found


def _decoded(part: bytes) -> bytes:
    try:
        if b"=" in part:
            raise ValueError("base64url in a JWS has no padding")
        return base64.b64decode(part + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ReportUnreadable("A part of it is not base64url.") from error


def report(claims: Mapping[str, Any]) -> tuple[Report | None, list[Problem]]:
    """The report that proven claims make, or everything that is wrong with them."""
    found: list[Problem] = [
        ReportIncomplete(f"What is {name[:40]!r}?", pointer=f"#/{name[:40]}")
        for name in sorted(claims.keys() - _CLAIMS)
    ]
    ids = {name: _uuid(claims.get(name)) for name in ("iss", "jti")}
    found += [ReportIncomplete(f"{name} is a UUID.", pointer=f"#/{name}") for name, id in ids.items() if id is None]
    issued_at = _instant(claims.get("iat"))
    if issued_at is None:
        found.append(ReportIncomplete("iat is a number of seconds since 1970.", pointer="#/iat"))
    texts = {name: _text(claims.get(name), longest) for name, longest in _LENGTHS.items()}
    found += [
        ReportIncomplete(f"{name} is a text of at most {_LENGTHS[name]} characters.", pointer=f"#/{name}")
        for name, text in texts.items()
        if text is None and not (name == "tool_version" and claims.get(name) is None)
    ]
    told = claims.get("results")
    if not isinstance(told, list) or not 1 <= len(told) <= MOST_RESULTS:
        found.append(ReportIncomplete(f"results is a list of 1–{MOST_RESULTS}.", pointer="#/results"))
        told = []
    results = []
    for place, one in enumerate(told):
        result, wrong = _result(one, f"#/results/{place}")
        found += wrong
        if result:
            results.append(result)
    if found:
        return None, found
    assert ids["iss"] is not None and ids["jti"] is not None and issued_at is not None  # noqa: PT018  # all were looked at
    return (
        Report(
            tester=ids["iss"],
            id=ids["jti"],
            issued_at=issued_at,
            product=texts["sub"] or "",
            version=texts["version"] or "",
            specification=texts["specification"] or "",
            specification_version=texts["specification_version"] or "",
            tool=texts["tool"] or "",
            tool_version=texts["tool_version"],
            results=results,
        ),
        [],
    )


def _result(told: Any, pointer: str) -> tuple[Result | None, list[Problem]]:
    if not isinstance(told, dict):
        return None, [ReportIncomplete("A result is an object.", pointer=pointer)]
    found: list[Problem] = [
        ReportIncomplete(f"What is {name[:40]!r}?", pointer=f"{pointer}/{name[:40]}")
        for name in sorted(told.keys() - _RESULT)
    ]
    requirement = _text(told.get("requirement"), 40)
    if requirement is None:
        found.append(ReportIncomplete("requirement is its id.", pointer=f"{pointer}/requirement"))
    reason = _text(told.get("reason"), 2000)
    if told.get("reason") is not None and reason is None:
        found.append(ReportIncomplete("reason is a text.", pointer=f"{pointer}/reason"))
    outcome = told.get("outcome")
    if not isinstance(outcome, str) or outcome not in _OUTCOMES:
        found.append(ReportIncomplete(f"outcome is one of {', '.join(Outcome)}.", pointer=f"{pointer}/outcome"))
    elif outcome != Outcome.MET and not reason:
        found.append(ReportReasonMissing(requirement, pointer=f"{pointer}/reason"))
    log = told.get("log_sha256")
    if log is not None and not (isinstance(log, str) and _SHA256.fullmatch(log)):
        found.append(ReportIncomplete("log_sha256 is a hash in hexadecimal.", pointer=f"{pointer}/log_sha256"))
    ran_on = _day(told.get("ran_on"))
    if ran_on is None:
        found.append(ReportIncomplete("ran_on is a date.", pointer=f"{pointer}/ran_on"))
    if found or requirement is None or ran_on is None:
        return None, found
    return Result(requirement, Outcome(str(outcome)), reason, log, ran_on), []


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) and len(value) == 36 else None
    except ValueError:
        return None


def _instant(value: object) -> datetime | None:
    """RFC 7519's NumericDate."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        return None
    return datetime.fromtimestamp(value, UTC)


def _text(value: object, longest: int) -> str | None:
    good = isinstance(value, str) and 0 < len(value.strip()) <= len(value) <= longest
    return str(value) if good and all(one.isprintable() or one in "\n\t" for one in str(value)) else None


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        return None


def check_times(report: Report, *, now: datetime, today: date) -> list[Problem]:
    found: list[Problem] = []
    if report.issued_at > now + AHEAD:
        found.append(ReportFromFuture(pointer="#/iat"))
    found += [
        ReportFromFuture(str(one.ran_on), pointer=f"#/results/{place}/ran_on")
        for place, one in enumerate(report.results)
        if one.ran_on > today
    ]
    return found


def check_requirements(results: Iterable[Result], known: Collection[str]) -> list[Problem]:
    found: list[Problem] = []
    seen: set[str] = set()
    for place, one in enumerate(results):
        pointer = f"#/results/{place}/requirement"
        if one.requirement not in known:
            found.append(ReportRequirementUnknown(one.requirement, pointer=pointer))
        elif one.requirement in seen:
            found.append(ReportResultRepeated(one.requirement, pointer=pointer))
        seen.add(one.requirement)
    return found


def first_state(outcomes: Iterable[Outcome]) -> State:
    return State.TAKEN if all(one is Outcome.MET for one in outcomes) else State.AWAITING_APPROVAL


def check_step(state: State, step: Step, *, interested: bool) -> list[Problem]:
    found: list[Problem] = []
    if interested:
        found.append(ReportFourEyes())
    if (state, step) not in MOVES:
        found.append(ReportStepRefused(f"Cannot {step} a report that is {state}.", state=state))
    return found


def shows(outcome: Outcome, state: State, *, party: bool) -> bool:
    """Whether a result is shown to someone. What is met stands for itself; the rest when a person has looked at it."""
    return party or outcome is Outcome.MET or state is State.APPROVED


def told(state: State, *, party: bool) -> State:
    """The state that someone is told of. That a report waits, or was rejected, says that something in it is not met."""
    return state if party or state is State.APPROVED else State.TAKEN


def counts(outcome: Outcome, state: State) -> bool | None:
    """Whether a result can be adopted by an assessment: None while nobody has looked at it."""
    if outcome is Outcome.MET or state is State.APPROVED:
        return True
    return None if state is State.AWAITING_APPROVAL else False
