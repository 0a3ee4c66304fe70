"""How an accession lives, who may accede, on what basis, and for whom an acceded organisation orders."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from services.agreements.frameworks.rules import State as AgreementState
from services.chassis.problems import Conflict, Forbidden, Invalid, Problem


class State(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    ACTIVE = "active"
    LEAVING = "leaving"
    ENDED = "ended"


class Event(StrEnum):
    SUBMIT = "submit"
    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    START = "start"
    GIVE_NOTICE = "give_notice"
    REVOKE_NOTICE = "revoke_notice"
    END = "end"


MOVES = {
    (State.DRAFT, Event.SUBMIT): State.SUBMITTED,
    (State.DRAFT, Event.WITHDRAW): State.WITHDRAWN,
    (State.SUBMITTED, Event.APPROVE): State.APPROVED,
    (State.SUBMITTED, Event.REJECT): State.REJECTED,
    (State.SUBMITTED, Event.WITHDRAW): State.WITHDRAWN,
    (State.APPROVED, Event.START): State.ACTIVE,
    (State.APPROVED, Event.WITHDRAW): State.WITHDRAWN,
    (State.ACTIVE, Event.GIVE_NOTICE): State.LEAVING,
    (State.ACTIVE, Event.END): State.ENDED,
    (State.LEAVING, Event.REVOKE_NOTICE): State.ACTIVE,
    (State.LEAVING, Event.END): State.ENDED,
}
TERMINAL = frozenset({State.REJECTED, State.WITHDRAWN, State.ENDED})
OPEN = frozenset({State.ACTIVE, State.LEAVING})
"""In these it may order, from its first day to its last."""
STARTED = OPEN | {State.ENDED}
"""Only in these is its first day more than a wish or a plan."""
REASONED = frozenset({Event.REJECT, Event.END})
"""What the framework owner does only with a reason."""
JOINABLE = frozenset(
    {AgreementState.ANNOUNCED, AgreementState.STANDSTILL, AgreementState.ACTIVE, AgreementState.SUSPENDED}
)
"""In these an agreement takes accessions: its list is closed, and it has not come to an end."""
OVER = frozenset({AgreementState.EXPIRED, AgreementState.TERMINATED, AgreementState.CLOSED, AgreementState.CANCELLED})
"""An agreement that has ended ends its accessions."""
NOT_OVER = frozenset(AgreementState) - OVER


class Basis(StrEnum):
    """On what ground it orders: for itself, as a legal person for its members, as host for those it lists."""

    OWN = "own"
    LEGAL_PERSON = "legal_person"
    HOST = "host"


MEMBER = frozenset({"recorded", "confirmed"})
"""Who is a member, by the catalogue's names; whoever has only inherited it is not one yet."""
CO_OPERATION, SUPPLIER = "co_operation", "supplier"
"""Kinds of organisation, by the catalogue's names."""
HOST_MUNICIPALITY = "host_municipality"
REPEALED = frozenset({"section_27", "joint_municipality"})
"""Forms of the act of 1992 that the act of 2018 does not know. One is never read as a task partnership (KO) or a
political council: its members must decide that (kommuneloven 2018 ch. 18 and 19)."""


class MoveRefused(Conflict):
    """The accession cannot take this step from its current state."""


class NotAcceding(Forbidden):
    """Only the organisation that accedes may take this step."""


class NotOnAnnouncedList(Forbidden):
    """Only a contracting authority that the notice names can accede.

    Whoever was not clearly identified in the notice cannot join later (C-216/17, KOFA 2015/65).
    """


class AgreementTakesNoAccessions(Conflict):
    """The framework agreement takes no accessions in its current state."""


class AccessionWindowClosed(Conflict):
    """The framework agreement's window for accessions is closed."""


class DecisionMissing(Invalid):
    """An accession needs the acceding organisation's own decision: its reference and its day."""


class DecisionInFuture(Invalid):
    """The decision has not been made yet."""


class NotContractingAuthority(Forbidden):
    """The catalogue knows this organisation as a supplier only."""


class CoOperationMissing(Invalid):
    """This basis needs the co-operation, by its name in the catalogue."""


class CoOperationUnknown(Invalid):
    """The catalogue has no co-operation with this name."""


class NotThisCoOperation(Forbidden):
    """The organisation is not the one that could order on this basis."""


class CoOperationCannotSign(Conflict):
    """The co-operation cannot accede on this basis.

    A co-operation orders for members as a legal person, or its host municipality does for those it lists. A looser
    network cannot sign.
    """


class CoverageMissing(Invalid):
    """On this basis the municipalities that are ordered for are listed."""


class CoverageUnfit(Invalid):
    """Who accedes for itself orders for nobody else."""


class CoveredRepeated(Invalid):
    """An organisation is listed twice."""


class CoveredNotOnAnnouncedList(Invalid):
    """Only who is named in the notice can be ordered for.

    A host or a legal person brings nobody under the agreement whom the notice does not identify (C-216/17).
    """


class CoveredNotMember(Invalid):
    """Only a member of the co-operation can be ordered for."""


class CoverageDayInvalid(Invalid):
    """A change of who is ordered for takes effect today or later."""


class StartDayInvalid(Invalid):
    """An accession begins today or later, within the framework agreement's period."""


class NoticeRunOut(Conflict):
    """The notice has run out: the accession's last day has passed."""


@dataclass(frozen=True)
class Terms:
    """What a framework agreement says of accessions. No first day: the window is closed; days are inclusive."""

    state: AgreementState
    starts_on: date
    ends_on: date
    from_on: date | None
    to_on: date | None
    notice_days: int


@dataclass(frozen=True)
class Unit:
    """One of a co-operation's units, by the catalogue's names."""

    form: str
    legal_person: bool | None


@dataclass(frozen=True)
class CoOperation:
    """What the catalogue says of a co-operation. `perhaps`: who has inherited a membership and not confirmed it."""

    id: UUID
    name: str
    units: tuple[Unit, ...]
    host: UUID | None
    members: frozenset[UUID]
    perhaps: frozenset[UUID]


@dataclass(frozen=True)
class Party:
    """An organisation as the catalogue knows it."""

    id: UUID
    number: str
    name: str
    kinds: frozenset[str] = frozenset()


def after(state: State, event: Event) -> State:
    try:
        return MOVES[state, event]
    except KeyError:
        raise MoveRefused(f"Cannot {event} an accession that is {state}.") from None


def check_named(number: str, named: bool) -> list[Problem]:
    """Whoever the announced list does not name is refused, whatever else is in order."""
    return [] if named else [NotOnAnnouncedList(f"{number} is not among the participants that the notice names.")]


def check_open(terms: Terms) -> list[Problem]:
    if terms.state in JOINABLE:
        return []
    return [AgreementTakesNoAccessions(f"It is {terms.state}.")]


def check_submission(terms: Terms, reference: str | None, decided_on: date | None, today: date) -> list[Problem]:
    """What `submit` needs beside a lawful basis (`check_basis`) and a place on the announced list."""
    found = check_open(terms)
    if terms.from_on is None:
        found.append(AccessionWindowClosed("No window has been announced."))
    elif today < terms.from_on or (terms.to_on is not None and today > terms.to_on):
        ends = terms.to_on.isoformat() if terms.to_on else None
        found.append(
            AccessionWindowClosed(
                f"It is open from {terms.from_on}" + (f" to {ends}." if ends else "."),
                from_on=terms.from_on.isoformat(),
                to_on=ends,
            )
        )
    if not reference:
        found.append(DecisionMissing("Its reference, such as a case number.", pointer="#/decision_reference"))
    if decided_on is None:
        found.append(DecisionMissing("The day it was made.", pointer="#/decided_on"))
    elif decided_on > today:
        found.append(DecisionInFuture(f"{decided_on} is after today.", pointer="#/decided_on"))
    return found


def check_basis(basis: Basis, party: Party, named: str | None, found: CoOperation | None) -> list[Problem]:
    """May `party` accede on this basis? `named` is the co-operation it names, `found` what the catalogue says of it."""
    itself = basis is Basis.OWN and CO_OPERATION not in party.kinds
    if itself:
        if party.kinds == {SUPPLIER}:
            return [NotContractingAuthority(f"{party.name}.")]
        return [CoverageUnfit("It names no co-operation either.", pointer="#/co_operation")] if named else []
    if named is None:
        return [CoOperationMissing(pointer="#/co_operation")]
    if found is None:
        return [CoOperationUnknown(f"{named!r} is not there.", pointer="#/co_operation")]
    return _check_host(party, found) if basis is Basis.HOST else _check_legal_person(party, found)


def _check_host(party: Party, found: CoOperation) -> list[Problem]:
    if not any(unit.form == HOST_MUNICIPALITY for unit in found.units):
        told = f"{found.name} is not a host co-operation ({_forms(found)})."
        return [CoOperationCannotSign(told, form=_forms(found))]
    if found.host is None:
        return [CoOperationCannotSign(f"The catalogue does not know who hosts {found.name}.", form=_forms(found))]
    if found.host != party.id:
        return [NotThisCoOperation(f"{party.name} does not host {found.name}.")]
    return []


def _check_legal_person(party: Party, found: CoOperation) -> list[Problem]:
    if found.id != party.id:
        return [NotThisCoOperation(f"{party.name} is not {found.name}.")]
    persons = [unit.form for unit in found.units if unit.legal_person]
    if any(form not in REPEALED for form in persons):
        return []
    why = (
        "its form is of the act of 1992, and only its members can decide on one of 2018"
        if persons
        else "it is not recorded as a legal person"
    )
    return [CoOperationCannotSign(f"{found.name} ({_forms(found)}): {why}.", form=_forms(found))]


def _forms(found: CoOperation) -> str:
    return ", ".join(unit.form for unit in found.units)


def check_coverage(
    basis: Basis, party: Party, covered: Sequence[Party], found: CoOperation | None, named_in_notice: Collection[UUID]
) -> list[Problem]:
    """Who is ordered for: each on the announced list itself, each a member of the co-operation that says so."""
    if basis is Basis.OWN:
        return [CoverageUnfit(pointer="#/covered")] if covered else []
    if not covered:
        return [CoverageMissing(pointer="#/covered")]
    problems: list[Problem] = []
    for place, one in enumerate(covered):
        where = f"#/covered/{place}"
        if one in covered[:place]:
            problems.append(CoveredRepeated(f"{one.name}.", pointer=where))
            continue
        if one.id not in named_in_notice:
            problems.append(CoveredNotOnAnnouncedList(f"{one.name}.", pointer=where))
        if found and one.id != party.id and one.id not in found.members:
            why = "has inherited the membership and not confirmed it" if one.id in found.perhaps else "is no member"
            problems.append(CoveredNotMember(f"{one.name} {why} of {found.name}.", pointer=where))
    return problems


def check_coverage_open(basis: Basis, state: State) -> list[Problem]:
    """Whether the list of those ordered for can be changed at all."""
    found: list[Problem] = []
    if basis is Basis.OWN:
        found.append(CoverageUnfit())
    if state in TERMINAL:
        found.append(MoveRefused(f"An accession that is {state} orders for nobody."))
    return found


def check_coverage_day(from_on: date | None, to_on: date | None, today: date) -> list[Problem]:
    """A first day or a last one, today or later: what was ordered for somebody before stands."""
    if from_on is not None and to_on is not None:
        return [CoverageDayInvalid("Give a first day or a last one, not both.", pointer="#/to_on")]
    found: list[Problem] = []
    for name, day in (("from_on", from_on), ("to_on", to_on)):
        if day is not None and day < today:
            found.append(CoverageDayInvalid(f"{day} has passed.", pointer=f"#/{name}"))
    return found


def first_day(terms: Terms, wanted: date | None, today: date) -> date:
    """When an approved accession begins: as wanted, never before the agreement does."""
    return max(wanted or today, today, terms.starts_on)


def check_first_day(terms: Terms, day: date, today: date) -> list[Problem]:
    if max(today, terms.starts_on) <= day <= terms.ends_on:
        return []
    return [StartDayInvalid(f"Between {max(today, terms.starts_on)} and {terms.ends_on}.", pointer="#/starts_on")]


def last_day(terms: Terms, *, binding: bool, today: date) -> date:
    """When a notice given today runs out: after the announced calendar days for an optional accession, with the
    agreement for a binding one, unless its owner releases it before (`end`). Never after the agreement's end."""
    if binding:
        return terms.ends_on
    return min(today + timedelta(days=terms.notice_days), terms.ends_on)


def check_revocation(ends_on: date | None, today: date) -> list[Problem]:
    if ends_on is not None and ends_on < today:
        return [NoticeRunOut(f"It ended on {ends_on}.")]
    return []


def covers(
    basis: Basis, own: tuple[UUID, str, str], listed: Mapping[str, tuple[UUID, str]]
) -> dict[str, tuple[UUID, str]]:
    """Whom it orders for, by number: a host for itself and those it lists, a legal person for those it lists.
    `own` is its id, number and name."""
    id, number, name = own
    itself = {} if basis is Basis.LEGAL_PERSON else {number: (id, name)}
    return itself | dict(listed)
