"""What may be decided on an application, by whom, and what becomes of a decision afterwards."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.catalog.certificates.rules import Outcome as Found
from services.catalog.schemes import rules as schemes
from services.catalog.schemes.rules import Terms
from services.chassis.problems import Conflict, Forbidden, Invalid, Problem


class Outcome(StrEnum):
    GRANTED = "granted"
    GRANTED_WITH_CONDITIONS = "granted_with_conditions"
    REFUSED = "refused"


class Status(StrEnum):
    IN_FORCE = "in_force"
    APPEALED = "appealed"
    UPHELD = "upheld"
    """It stands after an appeal."""
    ANNULLED = "annulled"


class Step(StrEnum):
    APPEAL = "appeal"
    UPHOLD = "uphold"
    DISMISS = "dismiss"
    """The appeal is not looked into: too late, not allowed, or taken back."""
    ANNUL = "annul"


class EventKind(StrEnum):
    MADE = "made"
    APPEALED = "appealed"
    UPHELD = "upheld"
    DISMISSED = "dismissed"
    ANNULLED = "annulled"


MOVES = {
    (Status.IN_FORCE, Step.APPEAL): Status.APPEALED,
    (Status.APPEALED, Step.UPHOLD): Status.UPHELD,
    (Status.APPEALED, Step.DISMISS): Status.IN_FORCE,
    (Status.APPEALED, Step.ANNUL): Status.ANNULLED,
    (Status.IN_FORCE, Step.ANNUL): Status.ANNULLED,
    (Status.UPHELD, Step.ANNUL): Status.ANNULLED,
}
EVENTS = {
    Step.APPEAL: EventKind.APPEALED,
    Step.UPHOLD: EventKind.UPHELD,
    Step.DISMISS: EventKind.DISMISSED,
    Step.ANNUL: EventKind.ANNULLED,
}
STEPS = {kind: step for step, kind in EVENTS.items()}
CLOSED = frozenset({EventKind.APPEALED, EventKind.DISMISSED})
"""What is shown to the parties only."""


class DecisionStepRefused(Conflict):
    """The decision cannot take this step from the state it is in."""


class AssessorDecides(Forbidden):
    """Whoever assessed does not decide (four eyes)."""


class DecisionMakerInterested(Forbidden):
    """Whoever has an interest in it does not decide: the applicant, what it came from, the component's owner."""


class MustNotMet(Invalid):
    """A must requirement is not met.

    Each must be met, or be not relevant for a stated reason, or be dispensed with, or be named by a condition of a
    grant with conditions; a share of them is not enough. A result that is older than its lifetime counts as not tested.
    """


class ConditionsMissing(Invalid):
    """A grant with conditions names a condition."""


class ConditionsMisplaced(Invalid):
    """Only a grant with conditions has conditions, and a refusal has no dispensations either."""


class ConditionUnknown(Invalid):
    """The application is not held to this requirement."""


class RequirementRepeated(Invalid):
    """A requirement is dispensed with, or has a condition, twice."""


class DispensationNeedless(Invalid):
    """Only must requirements can be dispensed with."""


class ConditionDayInvalid(Invalid):
    """What has to be in place by a day has it within the certificate's time, and not before today."""


class ValidityMissing(Invalid):
    """A grant has a first and a last day."""


class ValidityMisplaced(Invalid):
    """A refusal has no days of validity, and an extension keeps the certificate's last."""


class ValidityInvalid(Invalid):
    """The certificate ends before it begins."""


class ValidityTooLong(Invalid):
    """The certificate lasts longer than the scheme allows."""


class SpecificationNotInForce(Invalid):
    """The specification's version is not in force on the day that the certificate begins."""


class DeliveryFormNotOffered(Invalid):
    """The product is no longer offered in this form."""


@dataclass(frozen=True)
class Required:
    """A requirement that the application is held to."""

    code: str
    must: bool


@dataclass(frozen=True)
class Result:
    """The newest result of a requirement."""

    outcome: Found
    reason: str | None = None
    tested_on: date | None = None
    lifetime_days: int | None = None


@dataclass(frozen=True)
class Condition:
    """Something to be in place by the end of a day; `requirement` None: something else than a requirement."""

    requirement: str | None
    due_on: date
    text: str = ""
    """What, or why not yet."""


@dataclass(frozen=True)
class Decision:
    """What is decided."""

    outcome: Outcome
    valid_from_on: date | None
    valid_to_on: date | None
    conditions: Sequence[Condition] = ()
    dispensations: Sequence[Condition] = ()


@dataclass(frozen=True)
class Facts:
    """What it is decided on. `assessors`: the clients that assessed; `results` by requirement; `in_force`: whether the
    version is, on the day that the certificate begins; `keeps_to_on`: of an extension, the certificate's last day."""

    assessors: Collection[str]
    interested: Collection[str]
    requirements: Sequence[Required]
    results: Mapping[str, Result]
    delivery_forms: Sequence[str]
    offered_forms: Collection[str]
    in_force: bool
    terms: Terms
    today: date
    keeps_to_on: date | None = None


def after(status: Status, step: Step) -> Status:
    """The state after a step; refused where it cannot be taken."""
    if (status, step) not in MOVES:
        raise DecisionStepRefused(f"Cannot {step} a decision that is {status}.", state=status)
    return MOVES[status, step]


def status_after(events: Collection[EventKind]) -> Status:
    """The state that events lead to, in their order."""
    status = Status.IN_FORCE
    for event in events:
        if event is not EventKind.MADE:
            status = after(status, STEPS[event])
    return status


def counting(result: Result | None, on: date) -> Found:
    """What a result is worth on a day: one that is older than its lifetime counts as not tested, as does none."""
    if result is None:
        return Found.NOT_TESTED
    if result.tested_on is not None and result.lifetime_days is not None:
        last = result.tested_on + timedelta(days=result.lifetime_days)
        if on > last:
            return Found.NOT_TESTED
    return result.outcome


def check_eyes(client: str, organisation: str, facts: Facts) -> list[Problem]:
    """The decision-maker is another person than any assessor, and of none of the organisations with an interest."""
    found: list[Problem] = []
    if client in facts.assessors:
        found.append(AssessorDecides("Another client has to decide."))
    if organisation in facts.interested:
        found.append(DecisionMakerInterested(f"{organisation} has an interest in it."))
    return found


def check(decision: Decision, facts: Facts) -> list[Problem]:
    """Every reason why this cannot be decided. A refusal can always be, whatever was found."""
    if decision.outcome is Outcome.REFUSED:
        return _check_refusal(decision)
    found = _check_validity(decision, facts)
    found += [
        DeliveryFormNotOffered(form, pointer="#/outcome")
        for form in facts.delivery_forms
        if form not in facts.offered_forms
    ]
    found += _check_conditions(decision, facts)
    return found + _check_musts(decision, facts)


def _check_refusal(decision: Decision) -> list[Problem]:
    found: list[Problem] = []
    for name in ("valid_from_on", "valid_to_on"):
        if getattr(decision, name) is not None:
            found.append(ValidityMisplaced(pointer=f"#/{name}"))
    for name in ("conditions", "dispensations"):
        if getattr(decision, name):
            found.append(ConditionsMisplaced(pointer=f"#/{name}"))
    return found


def _check_validity(decision: Decision, facts: Facts) -> list[Problem]:
    begins, ends = decision.valid_from_on, facts.keeps_to_on or decision.valid_to_on
    found: list[Problem] = []
    if facts.keeps_to_on and decision.valid_to_on:
        found.append(ValidityMisplaced(f"It keeps {facts.keeps_to_on}.", pointer="#/valid_to_on"))
    if begins is None or ends is None:
        missing = {"valid_from_on": begins, "valid_to_on": ends}
        return found + [ValidityMissing(pointer=f"#/{name}") for name, day in missing.items() if day is None]
    if ends < begins:
        found.append(ValidityInvalid(pointer="#/valid_to_on"))
    longest = schemes.longest_to(begins, facts.terms)
    if ends > longest:
        found.append(ValidityTooLong(f"At the latest {longest}.", pointer="#/valid_to_on"))
    if not facts.in_force:
        found.append(SpecificationNotInForce(f"Not on {begins}.", pointer="#/valid_from_on"))
    return found


def _check_conditions(decision: Decision, facts: Facts) -> list[Problem]:
    found: list[Problem] = []
    conditional = decision.outcome is Outcome.GRANTED_WITH_CONDITIONS
    if conditional and not decision.conditions:
        found.append(ConditionsMissing(pointer="#/conditions"))
    if decision.conditions and not conditional:
        found.append(ConditionsMisplaced(pointer="#/conditions"))
    known = {one.code: one.must for one in facts.requirements}
    dispensed: set[str] = set()
    for name, several in (("conditions", decision.conditions), ("dispensations", decision.dispensations)):
        for place, one in enumerate(several):
            pointer = f"#/{name}/{place}"
            day = f"{pointer}/{'due_on' if name == 'conditions' else 'until_on'}"
            if not _within(one.due_on, decision, facts):
                found.append(ConditionDayInvalid(str(one.due_on), pointer=day))
            if one.requirement is None:
                continue
            if one.requirement not in known:
                found.append(ConditionUnknown(f"Not {one.requirement!r}.", pointer=f"{pointer}/requirement"))
            elif name == "dispensations" and not known[one.requirement]:
                found.append(DispensationNeedless(f"{one.requirement} is none.", pointer=f"{pointer}/requirement"))
            if one.requirement in dispensed and name == "dispensations":
                found.append(RequirementRepeated(one.requirement, pointer=f"{pointer}/requirement"))
            if name == "dispensations":
                dispensed.add(one.requirement)
    return found


def _within(day: date, decision: Decision, facts: Facts) -> bool:
    begins, ends = decision.valid_from_on or day, facts.keeps_to_on or decision.valid_to_on or day
    return max(begins, facts.today) <= day <= ends


def _check_musts(decision: Decision, facts: Facts) -> list[Problem]:
    excused = {one.requirement for one in decision.dispensations}
    if decision.outcome is Outcome.GRANTED_WITH_CONDITIONS:
        excused |= {one.requirement for one in decision.conditions}
    found: list[Problem] = []
    for one in facts.requirements:
        if not one.must or one.code in excused:
            continue
        result = facts.results.get(one.code)
        worth = counting(result, facts.today)
        if worth is Found.MET or (worth is Found.NOT_RELEVANT and result is not None and result.reason):
            continue
        outdated = result is not None and worth is not result.outcome
        detail = f"{one.code} is {worth}" + (", since its result is too old." if outdated else ".")
        found.append(MustNotMet(detail, pointer="#/outcome", requirement=one.code))
    return found
