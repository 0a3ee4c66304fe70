"""How an adoption moves, who may say what about it, and who may see it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.catalog.organisations import rules as organisations
from services.catalog.organisations.rules import Kind
from services.chassis.problems import Conflict, Forbidden, Invalid, Problem

CONFIRM_WITHIN = timedelta(days=90)
"""How long a claim stands before it is stale."""
STALE_AFTER = timedelta(days=365)
MUNICIPAL_KINDS = frozenset({Kind.MUNICIPALITY, Kind.COUNTY, Kind.CO_OPERATION, Kind.JOINT_UNIT})


class Status(StrEnum):
    PLANNED = "planned"
    PILOT = "pilot"
    IN_USE = "in_use"
    PHASING_OUT = "phasing_out"
    ENDED = "ended"


USING = frozenset({Status.PILOT, Status.IN_USE, Status.PHASING_OUT})
"""Counted as users."""


class Environment(StrEnum):
    PRODUCTION = "production"
    TEST = "test"
    TRAINING = "training"


class Claim(StrEnum):
    CLAIMED = "claimed"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"


class Step(StrEnum):
    REGISTER = "register"
    PILOT = "pilot"
    START = "start"
    PHASE_OUT = "phase_out"
    END = "end"
    CONFIRM = "confirm"
    DISPUTE = "dispute"
    WITHDRAW = "withdraw"


MOVES: dict[tuple[Status, Step], Status] = {
    (Status.PLANNED, Step.PILOT): Status.PILOT,
    (Status.PLANNED, Step.START): Status.IN_USE,
    (Status.PLANNED, Step.END): Status.ENDED,
    (Status.PILOT, Step.START): Status.IN_USE,
    (Status.PILOT, Step.END): Status.ENDED,
    (Status.IN_USE, Step.PHASE_OUT): Status.PHASING_OUT,
    (Status.IN_USE, Step.END): Status.ENDED,
    (Status.PHASING_OUT, Step.START): Status.IN_USE,
    (Status.PHASING_OUT, Step.END): Status.ENDED,
}
CLAIMS: dict[tuple[Claim, Step], Claim] = {
    (Claim.CLAIMED, Step.CONFIRM): Claim.CONFIRMED,
    (Claim.CLAIMED, Step.DISPUTE): Claim.DISPUTED,
    (Claim.CONFIRMED, Step.CONFIRM): Claim.CONFIRMED,
    (Claim.CONFIRMED, Step.DISPUTE): Claim.DISPUTED,
    (Claim.DISPUTED, Step.CONFIRM): Claim.CONFIRMED,
}
MUST_SAY_WHY = frozenset({Step.DISPUTE})


class LandscapeHidden(Forbidden):
    """What public bodies use is seen by public bodies only.

    Whoever asks must be registered as municipality, county, co-operation, joint unit or state agency, and must not be a
    supplier. A vendor that acts on a public body's behalf sees what that body itself has registered, and no more.
    """


class ContractHidden(Forbidden):
    """Contracts are seen by municipal bodies only."""


class MayNotRegister(Forbidden):
    """You may not say that this organisation uses this.

    A public body registers its own adoptions; a member those of a co-operation that has no organisation number; a
    supplier claims that its own product is used; an editor claims what a source says.
    """


class NotYours(Forbidden):
    """Only the organisation itself may do this."""


class ClaimantConfirms(Forbidden):
    """Who claimed it cannot confirm it."""


class AllocationAwaited(Conflict):
    """The organisation has been split, and its successors have not said who carries this on."""


class StepImpossible(Conflict):
    """This step does not follow from where the adoption stands."""


class ConfirmFirst(Conflict):
    """It is only claimed; confirm or dispute it first."""


class EffectiveInFuture(Invalid):
    """A step is recorded when it has happened; what is planned has a planned start."""


class EffectiveBeforeLast(Invalid):
    """A step cannot take effect before the one before it."""


class BackDatedWithoutReason(Invalid):
    """What took effect before today must say why it is recorded so late."""


class StepReasonMissing(Invalid):
    """This step needs a reason."""


class SourceMissing(Invalid):
    """A claim about another organisation must say where it comes from."""


class ThingAmbiguous(Invalid):
    """An adoption is of exactly one thing: a component, a product, or a system that the catalogue does not have."""


class PlannedStartMisplaced(Invalid):
    """Only what is planned has a planned start."""


class ContractOfAnother(Invalid):
    """Only the organisation itself tells of its contract."""


class VersionOfNothing(Invalid):
    """A version belongs to a component or a product of the catalogue."""


def may_see(kinds: Iterable[str]) -> bool:
    """Whether an organisation of these kinds may see others' adoptions, and how many there are. A supplier never,
    whatever else it is."""
    return organisations.is_public_body(kinds)


def may_see_contracts(kinds: Collection[str]) -> bool:
    """Prices and terms are for those who buy for municipalities; not for the state, and never for a supplier."""
    return may_see(kinds) and bool(MUNICIPAL_KINDS & set(kinds))


class Sight(StrEnum):
    """How much of all adoptions a caller sees."""

    WITH_CONTRACTS = "with_contracts"
    WITHOUT_CONTRACTS = "without_contracts"
    OWN = "own"
    CLAIMS = "claims"


def sight(kinds: Collection[str], *, through: Collection[str] | None) -> Sight:
    """`through`: the kinds of the vendor that acts on the organisation's behalf; None when it acts itself. A vendor
    that is unknown has none, and then it is no public body."""
    if not may_see(kinds):
        return Sight.CLAIMS
    if through is not None and not may_see(through):
        return Sight.OWN
    return Sight.WITH_CONTRACTS if may_see_contracts(kinds) else Sight.WITHOUT_CONTRACTS


@dataclass(frozen=True)
class Standing:
    """Where an adoption stands before a step."""

    status: Status
    status_since_on: date
    claim: Claim


def check_step(step: Step, standing: Standing, *, effective_on: date, today: date, reason: str | None) -> list[Problem]:
    found: list[Problem] = []
    if step in (Step.CONFIRM, Step.DISPUTE):
        if (standing.claim, step) not in CLAIMS:
            found.append(StepImpossible(f"It is {standing.claim}; {step} is not possible."))
        if effective_on != today:
            found.append(EffectiveInFuture("A word is given today.", pointer="#/effective_on"))
    else:
        if standing.claim is not Claim.CONFIRMED:
            found.append(ConfirmFirst(f"It is {standing.claim}."))
        if (standing.status, step) not in MOVES:
            found.append(StepImpossible(f"It is {standing.status}; {step} is not possible."))
        elif effective_on < standing.status_since_on:
            found.append(
                EffectiveBeforeLast(
                    f"It is {standing.status} since {standing.status_since_on}.", pointer="#/effective_on"
                )
            )
    found += dated(effective_on, today, reason)
    if step in MUST_SAY_WHY and not reason:
        found.append(StepReasonMissing(f"Say why, to {step} it.", pointer="#/reason"))
    return found


def dated(effective_on: date, today: date, reason: str | None) -> list[Problem]:
    if effective_on > today:
        return [EffectiveInFuture(f"{effective_on} is after today, {today}.", pointer="#/effective_on")]
    if effective_on < today and not reason:
        return [BackDatedWithoutReason(f"{effective_on} is before today, {today}.", pointer="#/reason")]
    return []


def check_new(
    *,
    component: object,
    product: object,
    system: object,
    version: str | None,
    status: Status,
    effective_on: date,
    planned_start_on: date | None,
    today: date,
    source: str | None,
    reason: str | None,
) -> list[Problem]:
    """The source of what began before today is reason enough to record it now."""
    found: list[Problem] = []
    if sum(one is not None for one in (component, product, system)) != 1:
        found.append(ThingAmbiguous("Name a component, a product or a system_in_source.", pointer="#/component"))
    if version is not None and component is None and product is None:
        found.append(VersionOfNothing(pointer="#/version"))
    if planned_start_on is not None and status is not Status.PLANNED:
        found.append(PlannedStartMisplaced(f"It is {status}.", pointer="#/planned_start_on"))
    return found + dated(effective_on, today, reason or source)


def stale(claim: Claim, today: date, *, confirm_by_on: date | None, last_confirmed_on: date | None) -> bool:
    """Whether nobody has said for too long that it is so. A claim that is not confirmed in time is stale; it never
    becomes true by waiting."""
    if claim is Claim.CONFIRMED:
        return last_confirmed_on is None or last_confirmed_on + STALE_AFTER < today
    return confirm_by_on is None or confirm_by_on < today


@dataclass(frozen=True)
class Registrar:
    """Who says that an organisation uses a thing, and what they are to both."""

    is_the_organisation: bool
    is_public_body: bool
    is_member_of_numberless_co_operation: bool
    supplies_the_product: bool
    is_editor: bool


def check_registrar(who: Registrar, *, source: str | None, contract: bool) -> tuple[Claim, list[Problem]]:
    """→ what its word is worth: the organisation's own is confirmed, anybody else's a claim"""
    if who.is_the_organisation:
        return Claim.CONFIRMED, [] if who.is_public_body else [MayNotRegister("You are no public body.")]
    if not (who.is_member_of_numberless_co_operation or who.supplies_the_product or who.is_editor):
        return Claim.CLAIMED, [MayNotRegister()]
    found: list[Problem] = []
    if source is None:
        found.append(SourceMissing(pointer="#/source"))
    if contract:
        found.append(ContractOfAnother(pointer="#/contract"))
    return Claim.CLAIMED, found


def check_actor(
    step: Step, *, stands_for_it: bool, decided: bool, speaks_for_co_operation: bool, claimant: bool
) -> list[Problem]:
    """Who may take a step. A co-operation without an organisation number has no token of its own: a member speaks for
    it, and confirms what another member has claimed."""
    if step is Step.WITHDRAW:
        return [] if claimant else [NotYours("Only who claimed it can withdraw the claim.")]
    if stands_for_it:
        return [] if decided else [AllocationAwaited("See POST /adoptions/{id}/allocate.")]
    if not speaks_for_co_operation:
        return [NotYours()]
    return [ClaimantConfirms()] if claimant and step is Step.CONFIRM else []
