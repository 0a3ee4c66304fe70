"""When equivalent evidence may be recorded and confirmed, and what it is on a day."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

import pycountry

from services.chassis.problems import Conflict, Forbidden, Invalid, Problem


class Status(StrEnum):
    """Derived: what was decided, and for what is confirmed its own first and last day."""

    RECORDED = "recorded"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    REVOKED = "revoked"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"


class Step(StrEnum):
    CONFIRM = "confirm"
    REJECT = "reject"
    REVOKE = "revoke"


class EventKind(StrEnum):
    RECORDED = "recorded"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    REVOKED = "revoked"


MOVES = {
    (Status.RECORDED, Step.CONFIRM): Status.CONFIRMED,
    (Status.RECORDED, Step.REJECT): Status.REJECTED,
    (Status.CONFIRMED, Step.REVOKE): Status.REVOKED,
    (Status.NOT_YET_VALID, Step.REVOKE): Status.REVOKED,
}
EVENTS = {Step.CONFIRM: EventKind.CONFIRMED, Step.REJECT: EventKind.REJECTED, Step.REVOKE: EventKind.REVOKED}
_STEPS = {kind: step for step, kind in EVENTS.items()}


class EquivalentProductUnknown(Invalid):
    """The product is not in the catalogue."""


class EquivalentVersionUnknown(Invalid):
    """The specification has no such version."""


class EquivalentRequirementUnknown(Invalid):
    """The specification's version has no such requirement."""


class EquivalentRequirementRepeated(Invalid):
    """A requirement stands twice."""


class IssuerCountryUnknown(Invalid):
    """Not a country of ISO 3166-1."""


class EquivalentPeriodInvalid(Invalid):
    """The other scheme's certificate ends before it begins."""


class EquivalentRunOut(Conflict):
    """The other scheme's certificate is no longer valid."""


class EvidenceFileUnknown(Invalid):
    """No evidence file has this id and this hash, or it has been withdrawn."""


class InterestedInProduct(Forbidden):
    """The supplier, and the owner of a component that the product is offered for, take no part in judging it."""


class ConfirmedByRecorder(Forbidden):
    """Equivalent evidence is confirmed or rejected by another person than recorded it."""


class EquivalentStepRefused(Conflict):
    """The evidence cannot take this step from its state."""


@dataclass(frozen=True)
class Event:
    kind: EventKind
    effective_on: date


@dataclass(frozen=True)
class Validity:
    """The other scheme's certificate's first and last day."""

    from_on: date
    to_on: date


@dataclass(frozen=True)
class File:
    """A piece of evidence that names a file: the id, the hash said to be its, and the hash that it has; None: there is
    no such file any more."""

    place: int
    uuid: UUID
    said: str
    is_: str | None


def status_on(events: Iterable[Event], validity: Validity, on: date) -> Status | None:
    """What the evidence is on a day; None before it was recorded. `events` in the order recorded."""
    state: Status | None = None
    for event in events:
        if event.effective_on > on:
            break
        if event.kind is EventKind.RECORDED:
            state = Status.RECORDED
        elif state is not None:
            state = MOVES.get((state, _STEPS[event.kind]), state)
    if state is not Status.CONFIRMED:
        return state
    if on < validity.from_on:
        return Status.NOT_YET_VALID
    return Status.EXPIRED if on > validity.to_on else state


def check_new(
    *,
    interested: Collection[str],
    caller: str,
    country: str,
    validity: Validity,
    today: date,
    asked: Sequence[str] | None,
    known: Collection[str],
    files: Iterable[File],
) -> list[Problem]:
    """`asked`: the requirements that it is about, None: all; `known`: those of the version."""
    found: list[Problem] = []
    if caller in interested:
        found.append(InterestedInProduct())
    if not country.isupper() or pycountry.countries.get(alpha_2=country) is None:
        found.append(IssuerCountryUnknown(country, pointer="#/issuer_country"))
    if validity.to_on < validity.from_on:
        found.append(EquivalentPeriodInvalid(pointer="#/valid_to_on"))
    if validity.to_on < today:
        found.append(EquivalentRunOut(f"It was valid to {validity.to_on}.", pointer="#/valid_to_on"))
    seen: set[str] = set()
    for place, code in enumerate(asked or ()):
        if code not in known:
            found.append(EquivalentRequirementUnknown(code, pointer=f"#/requirements/{place}"))
        elif code in seen:
            found.append(EquivalentRequirementRepeated(code, pointer=f"#/requirements/{place}"))
        seen.add(code)
    found += [
        EvidenceFileUnknown(str(file.uuid), pointer=f"#/evidence/{file.place}/file")
        for file in files
        if file.said != file.is_
    ]
    return found


def check_step(
    events: Sequence[Event],
    validity: Validity,
    step: Step,
    today: date,
    *,
    interested: Collection[str],
    caller: str,
    client: str,
    recorded_by: str,
) -> list[Problem]:
    """`client` and `recorded_by`: persons, by the clients of their tokens. Whoever confirmed may also revoke."""
    found: list[Problem] = []
    if caller in interested:
        found.append(InterestedInProduct())
    if step is not Step.REVOKE and client == recorded_by:
        found.append(ConfirmedByRecorder())
    state = status_on(events, validity, today)
    if state is None or (state, step) not in MOVES:
        found.append(EquivalentStepRefused(f"Cannot {step} evidence that is {state}.", state=state))
    elif step is Step.CONFIRM and validity.to_on < today:
        found.append(EquivalentRunOut(f"It was valid to {validity.to_on}.", state=state))
    return found
