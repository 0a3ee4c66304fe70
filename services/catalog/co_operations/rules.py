"""What forms there are, who is a member on a day, and what may be said about it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from services.catalog.organisations.rules import Relation, Step
from services.catalog.periods.rules import Life
from services.chassis.problems import Conflict, Invalid, Problem

ACT_1992, ACT_2018 = "kommuneloven 1992", "kommuneloven 2018"


class Form(StrEnum):
    """How municipalities work together, in the words of their time. A form of the act of 1992 is never translated to
    one of the act of 2018: that takes a decision by the members."""

    SECTION_27 = "section_27"
    JOINT_MUNICIPALITY = "joint_municipality"
    HOST_MUNICIPALITY = "host_municipality"
    POLITICAL_COUNCIL = "political_council"
    TASK_PARTNERSHIP = "task_partnership"
    INTERMUNICIPAL_COMPANY = "intermunicipal_company"
    LIMITED_COMPANY = "limited_company"
    COOPERATIVE = "cooperative"
    ASSOCIATION = "association"
    AGREEMENTS = "agreements"
    OTHER = "other"


LAWS: Mapping[Form, tuple[str, ...]] = {
    Form.SECTION_27: (f"{ACT_1992} § 27",),
    Form.JOINT_MUNICIPALITY: (f"{ACT_1992} § 28-2 A",),
    Form.HOST_MUNICIPALITY: (f"{ACT_1992} § 28-1 b", f"{ACT_1992} § 28-1 c", f"{ACT_2018} ch. 20"),
    Form.POLITICAL_COUNCIL: (f"{ACT_2018} ch. 18",),
    Form.TASK_PARTNERSHIP: (f"{ACT_2018} ch. 19",),
    Form.INTERMUNICIPAL_COMPANY: ("IKS-loven 1999",),
    Form.LIMITED_COMPANY: ("aksjeloven 1997",),
    Form.COOPERATIVE: ("samvirkelova 2007",),
    Form.ASSOCIATION: (),
    Form.AGREEMENTS: (),
    Form.OTHER: (),
}
"""Under which law each form can stand. A source that names none leaves it open."""

LEGAL_PERSON: Mapping[Form, bool | None] = {
    Form.SECTION_27: None,
    Form.JOINT_MUNICIPALITY: True,
    Form.HOST_MUNICIPALITY: False,
    Form.POLITICAL_COUNCIL: None,
    Form.TASK_PARTNERSHIP: None,
    Form.INTERMUNICIPAL_COMPANY: True,
    Form.LIMITED_COMPANY: True,
    Form.COOPERATIVE: True,
    Form.ASSOCIATION: None,
    Form.AGREEMENTS: False,
    Form.OTHER: None,
}
"""Whether a form is a legal person; None: its agreement or statutes say."""


class MemberWord(StrEnum):
    """What those who take part are called."""

    OWNER = "owner"
    PARTICIPANT = "participant"
    CO_OPERATING_MUNICIPALITY = "co_operating_municipality"
    MEMBER = "member"
    PARTY = "party"


_WORDS = {
    Form.INTERMUNICIPAL_COMPANY: MemberWord.OWNER,
    Form.LIMITED_COMPANY: MemberWord.OWNER,
    Form.SECTION_27: MemberWord.PARTICIPANT,
    Form.JOINT_MUNICIPALITY: MemberWord.PARTICIPANT,
    Form.POLITICAL_COUNCIL: MemberWord.PARTICIPANT,
    Form.TASK_PARTNERSHIP: MemberWord.PARTICIPANT,
    Form.HOST_MUNICIPALITY: MemberWord.CO_OPERATING_MUNICIPALITY,
    Form.COOPERATIVE: MemberWord.MEMBER,
    Form.ASSOCIATION: MemberWord.MEMBER,
    Form.AGREEMENTS: MemberWord.PARTY,
    Form.OTHER: MemberWord.PARTY,
}


class OrdersAs(StrEnum):
    """On what ground a co-operation can order for its members: as a legal person, or its host for those listed."""

    LEGAL_PERSON = "legal_person"
    HOST = "host"


class Status(StrEnum):
    """What an organisation is to a co-operation on a day."""

    RECORDED = "recorded"
    CONFIRMED = "confirmed"
    INHERITED_UNCONFIRMED = "inherited_unconfirmed"
    AWAITING_ALLOCATION = "awaiting_allocation"


MEMBERS = frozenset({Status.RECORDED, Status.CONFIRMED})
"""Who is a member; the other two perhaps become one."""
_STRENGTH = list(reversed(Status))


class Answer(StrEnum):
    CONFIRM = "confirm"
    DECLINE = "decline"


class StateTaken(Conflict):
    """The co-operation's state on this day is recorded already."""


class FormUnreadable(Invalid):
    """The organisational form cannot be read."""


class LawUnfit(Invalid):
    """The form does not stand under this law."""


class LegalPersonContradicted(Invalid):
    """The form itself decides whether it is a legal person."""


class SlugReserved(Invalid):
    """This name in addresses is in use by the service itself."""


class StateInFuture(Invalid):
    """What is recorded of a co-operation is recorded of a day that has been."""


class MemberUnknown(Invalid):
    """No organisation has this id."""


class MemberRepeated(Invalid):
    """A member is named twice."""


class MemberNotExisting(Invalid):
    """A member did not exist on that day."""


class HostNotMember(Invalid):
    """The host is not among the members."""


class HostWithoutHostForm(Invalid):
    """Only a host co-operation has a host."""


@dataclass(frozen=True)
class Unit:
    """One of a co-operation's units. `law` only where the source names it; `legal_person` only where it is known."""

    form: Form
    law: str | None = None
    legal_person: bool | None = None


@dataclass(frozen=True)
class Membership:
    """One organisation's place in a co-operation on a day."""

    organisation_id: int
    status: Status
    predecessors: tuple[int, ...]
    """The recorded members whose place it takes; empty when it is recorded itself."""


@dataclass(frozen=True)
class Answers:
    """What has been said of one co-operation's inherited memberships, as it stands on a day."""

    own: Mapping[int, Answer] = field(default_factory=dict)
    """Organisation → its last answer."""
    allocated: Mapping[int, frozenset[int]] = field(default_factory=dict)
    """An organisation that was split → who carries its membership on, as all have confirmed."""


_FORMS = (
    (re.compile(r"§ 27\b.*"), Form.SECTION_27, f"{ACT_1992} § 27"),
    (re.compile(r"Vertskommune \(§ 28-1b\)"), Form.HOST_MUNICIPALITY, f"{ACT_1992} § 28-1 b"),
    (re.compile(r"Vertskommune|vertskommunesamarbeid"), Form.HOST_MUNICIPALITY, None),
    (re.compile(r"Samkommune"), Form.JOINT_MUNICIPALITY, None),
    (re.compile(r"IKS"), Form.INTERMUNICIPAL_COMPANY, None),
    (re.compile(r"AS|aksjeselskap\b.*"), Form.LIMITED_COMPANY, None),
    (re.compile(r"Samarbeidsavtaler|samarbeidsavtale"), Form.AGREEMENTS, None),
    (re.compile(r"driftssamarbeid|felles avdeling|innkjøpssamarbeid|løsere samarbeid\b.*"), Form.OTHER, None),
)


def units(form_in_source: str) -> list[Unit]:
    """The source joins a co-operation's units with «og»; what stands in a looser form is one unit."""
    if form_in_source.startswith("løsere samarbeid"):
        return [_unit(form_in_source)]
    return [_unit(part) for part in form_in_source.split(" og ")]


def _unit(part: str) -> Unit:
    for pattern, form, law in _FORMS:
        if pattern.fullmatch(part):
            return Unit(form, law, LEGAL_PERSON[form])
    raise FormUnreadable(f"{part!r} is no form that we know.")


def word(units: Sequence[Unit]) -> MemberWord:
    """What those who take part are called, after the first unit's form."""
    return _WORDS[units[0].form] if units else MemberWord.PARTY


def orders_as(units: Sequence[Unit], *, host_known: bool) -> OrdersAs | None:
    """On what ground it could order for its members; a looser network cannot sign, nor a host that nobody names."""
    if any(unit.legal_person for unit in units):
        return OrdersAs.LEGAL_PERSON
    if host_known and any(unit.form is Form.HOST_MUNICIPALITY for unit in units):
        return OrdersAs.HOST
    return None


def memberships(
    recorded: Sequence[int],
    steps: Mapping[int, Sequence[Step]],
    lives: Mapping[int, Life],
    answers: Answers,
    on: date,
) -> list[Membership]:
    """Who is a member on a day, each organisation once, by its strongest claim. A recorded member is one while it
    exists. Then its successor inherits unconfirmed, until it answers; after a split all successors wait, until an
    allocation that they have all confirmed names who carries on."""
    status: dict[int, Status] = {}
    inherits: dict[int, list[int]] = {}
    seen: set[tuple[int, int, Status]] = set()
    waiting = [(one, one, Status.RECORDED) for one in recorded]
    while waiting:
        origin, here, standing = waiting.pop(0)
        if (origin, here, standing) in seen:
            continue
        seen.add((origin, here, standing))
        if standing is Status.INHERITED_UNCONFIRMED and here in answers.own:
            if answers.own[here] is Answer.DECLINE:
                continue
            standing = Status.CONFIRMED
        if lives[here].includes(on):
            status[here] = max(status.get(here, standing), standing, key=_STRENGTH.index)
            if origin != here and origin not in inherits.setdefault(here, []):
                inherits[here].append(origin)
            continue
        waiting += [(origin, *onward) for onward in _onward(here, standing, steps.get(here, ()), answers, on)]
    own = set(recorded)
    return [
        Membership(one, standing, () if one in own else tuple(inherits.get(one, ())))
        for one, standing in status.items()
    ]


def _onward(here: int, standing: Status, steps: Sequence[Step], answers: Answers, on: date) -> list[tuple[int, Status]]:
    found = []
    for step in steps:
        if step.effective_on > on:
            continue
        if step.kind is Relation.SPLIT and here in answers.allocated:
            if step.successor in answers.allocated[here]:
                found.append((step.successor, Status.CONFIRMED))
        elif step.kind is Relation.SPLIT or standing is Status.AWAITING_ALLOCATION:
            found.append((step.successor, Status.AWAITING_ALLOCATION))
        elif step.kind is Relation.CONTINUED:
            found.append((step.successor, standing))
        else:
            found.append((step.successor, Status.INHERITED_UNCONFIRMED))
    return found


def check_state(
    *,
    as_of_on: date,
    units: Sequence[Unit],
    members: Sequence[tuple[int | None, Life | None]] | None,
    host: int | None,
    host_named: bool,
    today: date,
) -> list[Problem]:
    """`members`: (key, life) in the order they were named; None for an id that nobody has. None: not known."""
    found: list[Problem] = []
    if as_of_on > today:
        found.append(StateInFuture(f"{as_of_on} is after today.", pointer="#/as_of_on"))
    for place, unit in enumerate(units):
        if unit.law is not None and unit.law not in LAWS[unit.form]:
            known = "; ".join(LAWS[unit.form]) or "none in particular"
            found.append(LawUnfit(f"{unit.form.value} stands under: {known}.", pointer=f"#/units/{place}/law"))
        decided = LEGAL_PERSON[unit.form]
        if decided is not None and unit.legal_person is not None and unit.legal_person is not decided:
            found.append(LegalPersonContradicted(unit.form.value, pointer=f"#/units/{place}/legal_person"))
    keys = [key for key, _ in members or ()]
    for place, (key, life) in enumerate(members or ()):
        if key is None or life is None:
            found.append(MemberUnknown(pointer=f"#/members/{place}"))
        elif key in keys[:place]:
            found.append(MemberRepeated(pointer=f"#/members/{place}"))
        elif not life.includes(as_of_on):
            found.append(MemberNotExisting(f"It did not exist on {as_of_on}.", pointer=f"#/members/{place}"))
    if host_named:
        if not any(unit.form is Form.HOST_MUNICIPALITY for unit in units):
            found.append(HostWithoutHostForm(pointer="#/host"))
        if host is None:
            found.append(MemberUnknown(pointer="#/host"))
        elif members is not None and host not in keys:
            found.append(HostNotMember(pointer="#/host"))
    return found
