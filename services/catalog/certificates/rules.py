"""What a certificate is worth on a day: one pure function of everything that has happened to it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from services.catalog.certificate_scopes.rules import Scope as Scope  # others ask for these here
from services.catalog.certificate_scopes.rules import Validity as Validity
from services.catalog.certificate_scopes.rules import check_change as check_change
from services.catalog.certificate_scopes.rules import check_scope as check_scope
from services.catalog.certificate_scopes.rules import scope_of
from services.catalog.schemes.rules import SubjectKind as SubjectKind
from services.chassis.problems import Conflict, Forbidden, Problem


class Status(StrEnum):
    VALID = "valid"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"
    RELINQUISHED = "relinquished"
    RELINQUISHED_UNDER_INVESTIGATION = "relinquished_under_investigation"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"


class Remark(StrEnum):
    """What a reader has to know besides the status."""

    WITH_CONDITIONS = "with_conditions"
    WITH_DISPENSATION = "with_dispensation"
    WITH_NON_CONFORMITY = "with_non_conformity"
    EXPIRES_SOON = "expires_soon"
    NOT_RECENTLY_VERIFIED = "not_recently_verified"
    SPECIFICATION_WARNED = "specification_warned"
    SPECIFICATION_ENDED = "specification_ended"
    SPECIFICATION_SUPERSEDED = "specification_superseded"


class Step(StrEnum):
    SUSPEND = "suspend"
    RESTORE = "restore"
    WITHDRAW = "withdraw"
    RELINQUISH = "relinquish"
    EXTEND = "extend"
    REDUCE = "reduce"
    CARRY_OVER = "carry_over"
    RENEW = "renew"
    SUPERSEDE = "supersede"


class EventKind(StrEnum):
    GRANTED = "granted"
    SUSPENDED = "suspended"
    RESTORED = "restored"
    WITHDRAWN = "withdrawn"
    RELINQUISHED = "relinquished"
    SCOPE_EXTENDED = "scope_extended"
    SCOPE_REDUCED = "scope_reduced"
    CARRIED_OVER = "carried_over"
    RENEWED = "renewed"
    SUPERSEDED = "superseded"
    CONDITION_MET = "condition_met"
    CONDITION_OVERDUE = "condition_overdue"
    """That somebody noticed; the suspension follows from the condition itself."""
    INVESTIGATION_OPENED = "investigation_opened"
    INVESTIGATION_CLOSED = "investigation_closed"
    STAYED = "stayed"
    STAY_ENDED = "stay_ended"
    ANNULLED = "annulled"


MOVES = {
    (Status.VALID, Step.SUSPEND): Status.SUSPENDED,
    (Status.SUSPENDED, Step.SUSPEND): Status.SUSPENDED,  # on a further ground
    (Status.NOT_YET_VALID, Step.SUSPEND): Status.NOT_YET_VALID,  # suspended when it begins
    (Status.SUSPENDED, Step.RESTORE): Status.VALID,
    (Status.NOT_YET_VALID, Step.RESTORE): Status.NOT_YET_VALID,
    (Status.VALID, Step.WITHDRAW): Status.WITHDRAWN,
    (Status.SUSPENDED, Step.WITHDRAW): Status.WITHDRAWN,
    (Status.NOT_YET_VALID, Step.WITHDRAW): Status.WITHDRAWN,
    (Status.VALID, Step.RELINQUISH): Status.RELINQUISHED,
    (Status.NOT_YET_VALID, Step.RELINQUISH): Status.RELINQUISHED,
    (Status.VALID, Step.EXTEND): Status.VALID,
    (Status.VALID, Step.REDUCE): Status.VALID,
    (Status.SUSPENDED, Step.REDUCE): Status.SUSPENDED,
    (Status.VALID, Step.CARRY_OVER): Status.VALID,
    (Status.VALID, Step.RENEW): Status.VALID,
    (Status.EXPIRED, Step.RENEW): Status.VALID,
    (Status.VALID, Step.SUPERSEDE): Status.SUPERSEDED,
    (Status.SUSPENDED, Step.SUPERSEDE): Status.SUPERSEDED,
}
EVENTS = {
    Step.SUSPEND: EventKind.SUSPENDED,
    Step.RESTORE: EventKind.RESTORED,
    Step.WITHDRAW: EventKind.WITHDRAWN,
    Step.RELINQUISH: EventKind.RELINQUISHED,
    Step.EXTEND: EventKind.SCOPE_EXTENDED,
    Step.REDUCE: EventKind.SCOPE_REDUCED,
    Step.CARRY_OVER: EventKind.CARRIED_OVER,
    Step.RENEW: EventKind.RENEWED,
    Step.SUPERSEDE: EventKind.SUPERSEDED,
}
_STEPS = {kind: step for step, kind in EVENTS.items()}
REVISING = frozenset({EventKind.SCOPE_EXTENDED, EventKind.SCOPE_REDUCED, EventKind.CARRIED_OVER, EventKind.RENEWED})
"""What makes a new revision of the certificate, under the same number."""
FINAL = frozenset({Status.WITHDRAWN, Status.RELINQUISHED, Status.RELINQUISHED_UNDER_INVESTIGATION, Status.SUPERSEDED})
"""What no step leads out of."""


class Outcome(StrEnum):
    MET = "met"
    PARTLY = "partly"
    NOT_MET = "not_met"
    NOT_RELEVANT = "not_relevant"
    NOT_TESTED = "not_tested"


class Assurance(StrEnum):
    """Who says so. The two are never shown as the same."""

    SELF_DECLARED = "self_declared"
    THIRD_PARTY = "third_party"


class ConditionKind(StrEnum):
    CONDITION = "condition"
    DISPENSATION = "dispensation"


class StepRefused(Conflict):
    """The certificate cannot take this step from its status on that day."""


class GroundOpen(Conflict):
    """The certificate is suspended on this ground already."""


class GroundNotOpen(Conflict):
    """The certificate is not suspended on this ground."""


class ConditionOpen(Conflict):
    """The condition that the certificate is suspended for is not met yet."""


class DecisionOnOwnProduct(Forbidden):
    """A supplier does not decide on its own product."""


class DecisionOnOwnComponent(Forbidden):
    """The owner of a component that a product is offered for does not decide on its certificate."""


class CertificateNotYours(Forbidden):
    """Only its holder does this with a certificate."""


@dataclass(frozen=True)
class Event:
    """`ground`: of a suspension and its lifting, None for the certificate's own. `target_id`: the event that is stayed
    or annulled. `detail`: the scope after a revision, the new last day after a renewal, the condition that is met."""

    kind: EventKind
    effective_on: date
    recorded_at: datetime
    id: int = 0
    ground: str | None = None
    target_id: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Condition:
    """What has to be in place by the end of a day: a condition of the grant, or a must requirement dispensed with."""

    key: str
    kind: ConditionKind
    due_on: date
    recorded_at: datetime

    @property
    def ground(self) -> str:
        return f"condition:{self.key}"


@dataclass(frozen=True)
class Tested:
    """A must requirement's result: of several the one recorded last counts."""

    requirement: str
    outcome: Outcome
    tested_on: date | None
    lifetime_days: int | None
    recorded_at: datetime


@dataclass(frozen=True)
class Told:
    """What happened to the version of the specification: warned, ended, or succeeded by a newer one."""

    remark: Remark
    effective_on: date
    recorded_at: datetime


@dataclass(frozen=True)
class History:
    """All that decides what a certificate is worth. Validity and scope are those of the grant."""

    events: Sequence[Event]
    validity: Validity
    scope: Scope = field(default_factory=Scope)
    conditions: Sequence[Condition] = ()
    results: Sequence[Tested] = ()
    timeline: Sequence[Told] = ()
    soon_days: int = 90
    """How long before its last day a certificate expires soon."""


@dataclass(frozen=True)
class Standing:
    """What a certificate is on a day. `revision` grows with every change of scope or period and is never used twice."""

    status: Status
    remarks: tuple[Remark, ...]
    scope: Scope
    validity: Validity
    revision: int
    grounds: frozenset[str | None]
    """What it is suspended for."""
    investigations: frozenset[str]
    """What is being looked into."""


def status_on(history: History, on: date, known_at: datetime) -> Status | None:
    """A certificate's status on a day, as it was known at an instant; None when it was not yet granted by then."""
    folded = _folded(history, on, known_at)
    return folded.seen(on) if folded else None


def standing(history: History, on: date, known_at: datetime) -> Standing | None:
    """What a certificate is worth on a day, as it was known at an instant; None when it was not yet granted by then.

    Expiry follows from the day alone and beats a suspension; a withdrawal is final. A condition that is not met by its
    day suspends from the next. A step that a back-dated one has made meaningless is passed over; one that is stayed or
    annulled has no effect meanwhile. What was recorded after `known_at` never counts.
    """
    folded = _folded(history, on, known_at)
    if folded is None:
        return None
    return Standing(
        folded.seen(on),
        tuple(_remarks(history, folded, on, known_at)),
        folded.scope,
        folded.validity,
        folded.revision,
        frozenset(folded.grounds),
        frozenset(folded.investigations),
    )


@dataclass
class _Folded:
    """What has become of a certificate so far, event by event."""

    validity: Validity
    scope: Scope
    final: Status | None = None
    grounds: set[str | None] = field(default_factory=set)
    investigations: set[str] = field(default_factory=set)
    met: set[str] = field(default_factory=set)
    revision: int = 1

    def seen(self, on: date) -> Status:
        if self.final:
            return self.final
        if on < self.validity.from_on:
            return Status.NOT_YET_VALID
        if on > self.validity.to_on:
            return Status.EXPIRED
        return Status.SUSPENDED if self.grounds else Status.VALID

    def take(self, event: Event, revisions: Mapping[int, int]) -> None:
        if event.kind is EventKind.INVESTIGATION_OPENED:
            self.investigations.add(event.ground or "")
        elif event.kind is EventKind.INVESTIGATION_CLOSED:
            self.investigations.discard(event.ground or "")
        elif event.kind is EventKind.CONDITION_MET:
            self.met.add(event.detail["condition"])
        elif event.kind is EventKind.RESTORED and event.ground and self.seen(event.effective_on) is Status.EXPIRED:
            self.grounds.discard(event.ground)  # for a renewal; it stays expired
        elif event.kind in _STEPS and (self.seen(event.effective_on), _STEPS[event.kind]) in MOVES:
            self._step(event)
            self.revision = revisions.get(event.id, self.revision)

    def _step(self, event: Event) -> None:
        match event.kind:
            case EventKind.SUSPENDED:
                self.grounds.add(event.ground)
            case EventKind.RESTORED:
                self.grounds.discard(event.ground)
            case EventKind.WITHDRAWN:
                self.final = Status.WITHDRAWN
            case EventKind.RELINQUISHED:
                looked_into = Status.RELINQUISHED_UNDER_INVESTIGATION
                self.final = looked_into if self.investigations else Status.RELINQUISHED
            case EventKind.SUPERSEDED:
                self.final = Status.SUPERSEDED
            case EventKind.RENEWED:
                if event.effective_on > self.validity.to_on:  # a new decision on one that had expired
                    self.grounds = {one for one in self.grounds if one and not one.startswith("condition:")}
                self.validity = Validity(self.validity.from_on, date.fromisoformat(event.detail["valid_to_on"]))
            case _:
                self.scope = scope_of(event.detail)


def _folded(history: History, on: date, known_at: datetime) -> _Folded | None:
    known = [event for event in history.events if event.recorded_at <= known_at]
    if not any(event.kind is EventKind.GRANTED for event in known):
        return None
    inert = _without_effect(known, on)
    happened = [event for event in known if event.effective_on <= on and event.id not in inert]
    overdue = [
        Event(EventKind.SUSPENDED, after, one.recorded_at, ground=one.ground)
        for one in history.conditions
        if one.recorded_at <= known_at
        and (after := one.due_on + timedelta(days=1)) <= on
        and not _met_in_time(one, happened)
    ]
    folded = _Folded(history.validity, history.scope)
    revisions = {event.id: place for place, event in enumerate(_revising(history.events), start=2)}
    # On one day what follows from a condition comes first, so that what was decided that day has the last word.
    for event in sorted([*overdue, *happened], key=lambda one: (one.effective_on, one.recorded_at, one.id)):
        folded.take(event, revisions)
    return folded


def _revising(events: Iterable[Event]) -> list[Event]:
    return sorted(
        (event for event in events if event.kind in REVISING), key=lambda event: (event.recorded_at, event.id)
    )


def _met_in_time(condition: Condition, happened: Iterable[Event]) -> bool:
    return any(
        event.kind is EventKind.CONDITION_MET
        and event.detail["condition"] == condition.key
        and event.effective_on <= condition.due_on
        for event in happened
    )


def _without_effect(known: Sequence[Event], on: date) -> set[int]:
    """The events that are stayed on the day, or annulled by then."""
    inert: dict[int, bool] = {}
    annulled: set[int] = set()
    for event in sorted(known, key=lambda one: (one.effective_on, one.recorded_at, one.id)):
        if event.target_id is None or event.effective_on > on:
            continue
        if event.kind is EventKind.ANNULLED:
            annulled.add(event.target_id)
        else:
            inert[event.target_id] = event.kind is EventKind.STAYED
    return annulled | {id for id, stayed in inert.items() if stayed}


def _remarks(history: History, folded: _Folded, on: date, known_at: datetime) -> Iterable[Remark]:
    open_kinds = {
        one.kind
        for one in history.conditions
        if one.recorded_at <= known_at and on <= one.due_on and one.key not in folded.met
    }
    if folded.final is None:
        if ConditionKind.CONDITION in open_kinds:
            yield Remark.WITH_CONDITIONS
        if ConditionKind.DISPENSATION in open_kinds:
            yield Remark.WITH_DISPENSATION
    if folded.investigations:
        yield Remark.WITH_NON_CONFORMITY
    if folded.seen(on) in (Status.VALID, Status.SUSPENDED):
        if (folded.validity.to_on - on).days < history.soon_days:
            yield Remark.EXPIRES_SOON
        if any(not recently_verified(one, on) for one in newest(history.results, known_at)):
            yield Remark.NOT_RECENTLY_VERIFIED
    told = {one.remark for one in history.timeline if one.recorded_at <= known_at and one.effective_on <= on}
    yield from (remark for remark in Remark if remark in told)


def newest(results: Iterable[Tested], known_at: datetime) -> list[Tested]:
    """Of each requirement the result that was recorded last, as known at an instant."""
    counts: dict[str, Tested] = {}
    for one in results:
        if one.recorded_at <= known_at and (
            one.requirement not in counts or counts[one.requirement].recorded_at <= one.recorded_at
        ):
            counts[one.requirement] = one
    return list(counts.values())


def recently_verified(result: Tested, on: date) -> bool:
    """A pass lasts as long as its lifetime; without one it lasts as long as the certificate."""
    if result.outcome is not Outcome.MET or result.tested_on is None or result.lifetime_days is None:
        return True
    return on <= result.tested_on + timedelta(days=result.lifetime_days)


# ---- Taking a step


def check_step(
    history: History,
    step: Step,
    effective_on: date,
    now: datetime,
    *,
    holder: str | None,
    decided_by: str,
    interested: Collection[str] = (),
    ground: str | None = None,
) -> list[Problem]:
    """`holder`, `decided_by` and `interested` (`check_decider`): organisation numbers. A supplier only relinquishes and
    carries over."""
    found: list[Problem] = []
    holders_own = step in (Step.RELINQUISH, Step.CARRY_OVER)
    if holders_own and holder != decided_by:
        found.append(CertificateNotYours())
    if not holders_own:
        found += check_decider(decided_by, holder=holder, interested=interested)
    stands = standing(history, effective_on, now)
    status = stands.status if stands else None
    if stands is None or status is None or (status, step) not in MOVES:
        found.append(StepRefused(f"Cannot {step} a certificate that is {status} on {effective_on}.", state=status))
        return found
    if step is Step.SUSPEND and ground in stands.grounds:
        found.append(GroundOpen(state=status, pointer="#/ground"))
    if step is Step.RESTORE:
        if ground not in stands.grounds:
            found.append(GroundNotOpen(state=status, pointer="#/ground"))
        unmet = [one for one in history.conditions if one.ground == ground and one.key not in _met(history, now)]
        found += [ConditionOpen(one.key, pointer="#/ground") for one in unmet]
    return found


def check_decider(decided_by: str, *, holder: str | None, interested: Collection[str]) -> list[Problem]:
    """`interested`: the holder, and the owners of the components that the product is offered for."""
    if decided_by == holder:
        return [DecisionOnOwnProduct()]
    return [DecisionOnOwnComponent()] if decided_by in interested else []


def _met(history: History, now: datetime) -> set[str]:
    return {
        event.detail["condition"]
        for event in history.events
        if event.kind is EventKind.CONDITION_MET and event.recorded_at <= now
    }
