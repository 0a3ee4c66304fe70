"""Where an appeal stands, who takes part in it, and from which day its outcome works.

After forvaltningsloven chapter VI: a late appeal can be heard for a reason (§ 31), whoever decided first may dismiss or
stay (§§ 33, 42); here somebody else has to, but for the stay.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.catalog.certificates.rules import EventKind as CertificateEventKind
from services.chassis.problems import Conflict, Forbidden, Invalid, Problem


class TargetKind(StrEnum):
    """What is appealed against."""

    DECISION = "decision"
    CERTIFICATE_EVENT = "certificate_event"
    SUPPLIER_SUSPENSION = "supplier_suspension"


class State(StrEnum):
    SUBMITTED = "submitted"
    UNDER_REVIEW = "under_review"
    DISMISSED = "dismissed"
    UPHELD = "upheld"
    PARTLY_UPHELD = "partly_upheld"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    BEGIN_REVIEW = "begin-review"
    DISMISS = "dismiss"
    UPHOLD = "uphold"
    PARTLY_UPHOLD = "partly-uphold"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    STAY = "stay"
    END_STAY = "end-stay"


class EventKind(StrEnum):
    SUBMITTED = "submitted"
    REVIEW_BEGUN = "review_begun"
    DISMISSED = "dismissed"
    UPHELD = "upheld"
    PARTLY_UPHELD = "partly_upheld"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    STAYED = "stayed"
    STAY_ENDED = "stay_ended"


class Ground(StrEnum):
    """Why an appeal is not looked into."""

    LATE = "late"
    INADMISSIBLE = "inadmissible"


IN_PROGRESS = (State.SUBMITTED, State.UNDER_REVIEW)
MOVES = {
    (State.SUBMITTED, Step.BEGIN_REVIEW): State.UNDER_REVIEW,
    (State.UNDER_REVIEW, Step.UPHOLD): State.UPHELD,
    (State.UNDER_REVIEW, Step.PARTLY_UPHOLD): State.PARTLY_UPHELD,
    (State.UNDER_REVIEW, Step.REJECT): State.REJECTED,
    **{(state, Step.DISMISS): State.DISMISSED for state in IN_PROGRESS},
    **{(state, Step.WITHDRAW): State.WITHDRAWN for state in IN_PROGRESS},
    **{(state, step): state for state in IN_PROGRESS for step in (Step.STAY, Step.END_STAY)},
}
EVENTS = {
    Step.BEGIN_REVIEW: EventKind.REVIEW_BEGUN,
    Step.DISMISS: EventKind.DISMISSED,
    Step.UPHOLD: EventKind.UPHELD,
    Step.PARTLY_UPHOLD: EventKind.PARTLY_UPHELD,
    Step.REJECT: EventKind.REJECTED,
    Step.WITHDRAW: EventKind.WITHDRAWN,
    Step.STAY: EventKind.STAYED,
    Step.END_STAY: EventKind.STAY_ENDED,
}
_STEPS = {kind: step for step, kind in EVENTS.items()}
ANSWERS = frozenset({Step.DISMISS, Step.UPHOLD, Step.PARTLY_UPHOLD, Step.REJECT})
"""What somebody else than whoever decided first answers an appeal with."""
OUTCOMES = frozenset({State.UPHELD, State.PARTLY_UPHELD, State.REJECTED})
"""What is public about an appeal against something public."""
AGAINST_HOLDER = frozenset(
    {CertificateEventKind.SUSPENDED, CertificateEventKind.WITHDRAWN, CertificateEventKind.SCOPE_REDUCED}
)
"""The events of a certificate that can go against its holder."""


class AppealStepRefused(Conflict):
    """The appeal cannot take this step from where it stands."""


class AlreadyStayed(Conflict):
    """What is appealed against is stayed already."""


class NotStayed(Conflict):
    """What is appealed against is not stayed."""


class NothingToStay(Conflict):
    """What is appealed against has no effect that could be stayed.

    Only events of a certificate and a supplier's suspension have.
    """


class NotAppealable(Invalid):
    """This is nothing that goes against the holder, or it follows from something else that can be appealed against."""


class NotAParty(Forbidden):
    """Only the one that it went against appeals."""


class AppealBodyInterested(Forbidden):
    """Your organisation has an interest in what is certified, and takes no part in the appeal."""


class SameDecisionMaker(Forbidden):
    """Somebody else than whoever decided first answers the appeal."""


class NotLate(Conflict):
    """The appeal came in time."""


class LateWithoutReason(Invalid):
    """To hear an appeal that came late needs a reason."""


class AnnulledTooEarly(Invalid):
    """Nothing is annulled from before it was decided, or before it took effect."""


class StayTooEarly(Invalid):
    """A stay begins today or later, and ends no earlier than it began."""


@dataclass(frozen=True)
class Target:
    """What is appealed against, as far as rules ask: the days it was decided and takes effect, by whom, and who is
    interested. `party`: whether the caller is the one that it went against."""

    kind: TargetKind
    decided_on: date
    effective_on: date
    organisation: str
    client: str | None
    interested: Collection[str]
    party: bool


@dataclass(frozen=True)
class Stands:
    state: State
    stayed_from_on: date | None


def standing(events: Iterable[tuple[EventKind, date]]) -> Stands:
    """`events`: kind and the day it takes effect, in the order recorded; the first is the submission."""
    state, stayed_from_on = State.SUBMITTED, None
    for kind, effective_on in events:
        if kind in _STEPS:
            state = MOVES[state, _STEPS[kind]]
        if kind is EventKind.STAYED:
            stayed_from_on = effective_on
        elif kind is EventKind.STAY_ENDED:
            stayed_from_on = None
    return Stands(state, stayed_from_on)


def late(submitted_on: date, due_on: date) -> bool:
    """The last day itself is in time."""
    return submitted_on > due_on


def check_appeal(target: Target) -> list[Problem]:
    return [] if target.party else [NotAParty()]


def check_step(
    stands: Stands, step: Step, target: Target, *, organisation: str, client: str, by_another_organisation: bool
) -> list[Problem]:
    """`by_another_organisation`: the scheme wants another organisation, not just another person, to answer."""
    found: list[Problem] = []
    if step is Step.WITHDRAW:
        if not target.party:
            found.append(NotAParty())
    elif organisation in target.interested:
        found.append(AppealBodyInterested())
    if step in ANSWERS:
        if client == target.client:
            found.append(SameDecisionMaker("Another client has to."))
        elif by_another_organisation and organisation == target.organisation:
            found.append(SameDecisionMaker("The scheme wants another organisation to."))
    if (stands.state, step) not in MOVES:
        return [*found, AppealStepRefused(f"Cannot {step} an appeal that is {stands.state}.", state=stands.state)]
    if step is Step.STAY:
        if target.kind is TargetKind.DECISION:
            found.append(NothingToStay())
        elif stands.stayed_from_on:
            found.append(AlreadyStayed(f"From {stands.stayed_from_on}."))
    if step is Step.END_STAY and not stands.stayed_from_on:
        found.append(NotStayed())
    return found


def check_hearing(is_late: bool, reason: str | None) -> list[Problem]:
    return [LateWithoutReason(pointer="#/reason")] if is_late and not reason else []


def check_ground(ground: Ground, is_late: bool) -> list[Problem]:
    return [NotLate(pointer="#/ground")] if ground is Ground.LATE and not is_late else []


def check_annulment(from_on: date, target: Target) -> list[Problem]:
    earliest = min(target.decided_on, target.effective_on)
    if from_on >= earliest:
        return []
    return [AnnulledTooEarly(f"The earliest day is {earliest}.", pointer="#/annulled_from_on")]


def check_stay(effective_on: date, today: date, stayed_from_on: date | None = None) -> list[Problem]:
    """`stayed_from_on`: for its end, when it began."""
    earliest = max(today, stayed_from_on or today)
    return [] if effective_on >= earliest else [StayTooEarly(f"From {earliest}.", pointer="#/effective_on")]
