"""The life of a run, what can be found by one, and how much one may take."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from services.chassis.problems import Conflict, Invalid, NotFound, Problem

MOST_ATTEMPTS = 3
"""How often a run is begun, when its worker was lost each time before."""
MOST_FAILURES = 50
"""Failures that a report tells in full."""
LARGEST_REPORT = 512 * 1024
"""Bytes of a report at most."""


class State(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    ERROR = "error"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"


class Step(StrEnum):
    START = "start"
    FINISH = "finish"
    FAIL = "fail"
    TIME_OUT = "time_out"
    GIVE_UP = "give_up"
    CANCEL = "cancel"


MOVES = {
    (State.QUEUED, Step.START): State.RUNNING,
    (State.QUEUED, Step.CANCEL): State.CANCELLED,
    (State.RUNNING, Step.START): State.RUNNING,  # its worker was lost: begun again
    (State.RUNNING, Step.FINISH): State.FINISHED,
    (State.RUNNING, Step.FAIL): State.ERROR,
    (State.RUNNING, Step.TIME_OUT): State.TIMED_OUT,
    (State.RUNNING, Step.GIVE_UP): State.ERROR,
    (State.RUNNING, Step.CANCEL): State.CANCELLED,
}
OPEN = frozenset({State.QUEUED, State.RUNNING})


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"


class Reason(StrEnum):
    """Why a run came to no verdict. None of them says anything about the product."""

    ADDRESS_REFUSED = "address_refused"
    NAME_UNKNOWN = "name_unknown"
    UNREACHABLE = "unreachable"
    CONTRACT_UNUSABLE = "contract_unusable"
    TOO_MUCH_MEMORY = "too_much_memory"
    TOO_MUCH_PROCESSOR_TIME = "too_much_processor_time"
    TOO_MUCH_TIME = "too_much_time"
    BROKEN = "broken"
    ABANDONED = "abandoned"


class Finding(StrEnum):
    """What can be wrong with an answer, in the order in which they are told."""

    NOTHING_SHOWN = "nothing_shown"
    """No operation at all succeeded once."""
    SERVER_ERROR = "server_error"
    UNDOCUMENTED_STATUS = "undocumented_status"
    UNDOCUMENTED_CONTENT_TYPE = "undocumented_content_type"
    BODY_NOT_AS_DESCRIBED = "body_not_as_described"
    HEADER_NOT_AS_DESCRIBED = "header_not_as_described"
    REQUIRED_PARAMETER_IGNORED = "required_parameter_ignored"
    REDIRECT = "redirect"
    NO_ANSWER = "no_answer"
    ANSWER_TOO_LARGE = "answer_too_large"
    ANSWER_UNREADABLE = "answer_unreadable"


class RunNotFound(NotFound):
    """No conformance run has this id."""


class ReportMissing(NotFound):
    """The run has no report (yet)."""


class RunStepRefused(Conflict):
    """The run cannot take this step from its state."""


class RunAlreadyOpen(Conflict):
    """A run against this endpoint waits or runs already."""


class EndpointNotApproved(Conflict):
    """The endpoint's host is not approved for this product."""


class ContractUnsettled(Conflict):
    """Tested is against a version of an interface that is in force.

    A draft can still change, and one that is withdrawn is no more.
    """


class ContractMissing(Conflict):
    """This version of the interface has no OpenAPI document that stands for itself.

    References that lead out of the document are not followed, so what hangs on them cannot be tested.
    """


class RunVersionUnknown(Invalid):
    """The product has no version with this label."""


class RunSpecificationUnknown(Invalid):
    """No specification has this version."""


class RunRequirementUnknown(Invalid):
    """The version of the specification has no such requirement."""


@dataclass(frozen=True)
class Limits:
    """How much one run may take. The first three are held by the kernel, the others by the run itself."""

    wall_seconds: int
    cpu_seconds: int
    memory_bytes: int
    cases: int
    cases_per_operation: int
    answer_seconds: float
    answer_bytes: int

    @property
    def own_seconds(self) -> float:
        """When the run stops by itself, so that what it has found is told before it is ended."""
        return self.wall_seconds * 0.8


@dataclass(frozen=True)
class Outcome:
    """What became of a run: the step it takes, and what is known."""

    step: Step
    verdict: Verdict | None = None
    reason: Reason | None = None
    detail: str | None = None
    report: Mapping[str, Any] | None = None


def after(state: State, step: Step) -> State:
    following = MOVES.get((state, step))
    if following is None:
        raise RunStepRefused(f"Cannot {step} what is {state}.")
    return following


def check_begin(attempts: int) -> Step:
    """What to do with a run that a worker takes up and whose worker was lost so many times."""
    return Step.START if attempts < MOST_ATTEMPTS else Step.GIVE_UP


def check_contract(*, in_force: bool, openapi: bool, complete: bool) -> list[Problem]:
    found: list[Problem] = []
    if not in_force:
        found.append(ContractUnsettled(pointer="#/interface_version"))
    if not (openapi and complete):
        found.append(ContractMissing(pointer="#/interface_version"))
    return found


def judge(report: Mapping[str, Any]) -> Outcome:
    """The verdict on what a run has found. Passed is only who was called for every operation and never failed."""
    if report["failures"]:
        return Outcome(Step.FINISH, Verdict.FAILED, report=report)
    if report["stopped"]:
        return Outcome(Step.TIME_OUT, reason=Reason.TOO_MUCH_TIME, detail=report["stopped"], report=report)
    uncalled = [one["operation"] for one in report["operations"] if not one["cases"]]
    if uncalled or not report["operations"]:
        detail = f"no request can be made for {', '.join(uncalled[:10])}" if uncalled else "it has no operations"
        return Outcome(Step.FAIL, reason=Reason.CONTRACT_UNUSABLE, detail=detail, report=report)
    return Outcome(Step.FINISH, Verdict.PASSED, report=report)
