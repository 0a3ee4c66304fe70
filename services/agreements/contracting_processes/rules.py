"""What of a call-off or a mini-competition is open, and how its state reads in OCDS 1.1.5. Amounts stay Decimals,
NOK without VAT, until they are written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from services.agreements.calloffs.rules import State as CallOffState
from services.agreements.frameworks.rules import Method
from services.agreements.mini_competitions.rules import State as CompetitionState

SCHEME = "NO-BRC"
"""Enhetsregisteret, by org-id.guide."""
OSLO = ZoneInfo("Europe/Oslo")
Content = dict[str, Any]


@dataclass(frozen=True)
class Stage:
    """How a state reads. None: there is no such section."""

    tender: str | None = None
    award: str | None = None
    contract: str | None = None


CALL_OFF: Mapping[CallOffState, Stage | None] = {
    CallOffState.DRAFT: None,
    CallOffState.RESERVED: None,
    CallOffState.APPROVED: None,
    CallOffState.SENT: Stage(award="pending"),
    CallOffState.ACKNOWLEDGED: Stage(award="pending"),
    CallOffState.CHANGE_PROPOSED: Stage(award="pending"),
    CallOffState.DECLINED: Stage(award="unsuccessful"),
    CallOffState.FAILED: Stage(award="unsuccessful"),
    CallOffState.CANCELLED: Stage(award="cancelled", contract="cancelled"),
    CallOffState.CONFIRMED: Stage(award="active", contract="active"),
    CallOffState.CHANGE_REQUESTED: Stage(award="active", contract="active"),
    CallOffState.IN_DELIVERY: Stage(award="active", contract="active"),
    CallOffState.DELIVERED: Stage(award="active", contract="active"),
    CallOffState.DISPUTED: Stage(award="active", contract="active"),
    CallOffState.ACCEPTED: Stage(award="active", contract="active"),
    CallOffState.CLOSED: Stage(award="active", contract="terminated"),
}
"""Of the supplier that is asked now; None: none is, and whoever was asked before did not deliver. A cancelled call-off
has a contract when it was confirmed."""
COMPETITION: Mapping[CompetitionState, Stage | None] = {
    CompetitionState.DRAFT: None,
    CompetitionState.OPEN: Stage("active"),
    CompetitionState.SEALED: Stage("active"),
    CompetitionState.EVALUATION: Stage("active"),
    CompetitionState.AWARD_NOTIFIED: Stage("active"),
    CompetitionState.AWARDED: Stage("complete"),
    CompetitionState.CANCELLED: Stage("cancelled"),
    CompetitionState.UNSUCCESSFUL: Stage("unsuccessful"),
}
"""An award that is only announced can be taken back; the award that is told is the order's."""


@dataclass(frozen=True)
class Party:
    number: str
    name: str

    @property
    def id(self) -> str:
        return f"{SCHEME}-{self.number}"

    def reference(self) -> dict[str, str]:
        return {"id": self.id, "name": self.name}


@dataclass(frozen=True)
class Line:
    """`secret`: its unit price is a business secret, and so is the quantity, which it could be computed from."""

    item: str
    name: Mapping[str, str]
    unit: str
    quantity: int
    unit_price: Decimal
    secret: bool


@dataclass(frozen=True)
class Asked:
    """A supplier that an order was sent to: which version of the call-off, and when."""

    version: int
    supplier: Party
    at: datetime
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class CallOff:
    """What a call-off tells of itself. `lines` are those of `version`, as it stands now."""

    number: str
    lot: str
    framework: str
    """The framework agreement's ocid."""
    state: CallOffState
    method: Method
    buyer: Party
    version: int
    lines: tuple[Line, ...]
    asked: tuple[Asked, ...]
    asked_now: bool
    """Whether the last of them is the one that is asked now; not when it declined and the next is only reserved at."""
    confirmed_at: datetime | None = None
    changed: tuple[tuple[int, datetime], ...] = ()
    """Versions that ended as a change of a confirmed order was accepted, and when."""
    payers: Mapping[Party, Mapping[int, Decimal]] = field(default_factory=dict)
    """Of a joint call-off: what each bears of each version."""


@dataclass(frozen=True)
class Competition:
    """What a mini-competition tells. `lines` have no price."""

    number: str
    title: Mapping[str, str]
    lot: str
    framework: str
    """The framework agreement's ocid."""
    state: CompetitionState
    buyer: Party
    lines: tuple[Line, ...]
    weights: tuple[tuple[Mapping[str, str], str], ...]
    """What is weighed, and how much of a hundred."""
    published_at: datetime
    deadline: datetime
    questions_until: datetime | None
    amended: tuple[datetime, ...] = ()
    bidders: tuple[Party, ...] = ()
    """Whose bids were opened; nobody until the award is final."""


def call_off(told: CallOff) -> dict[str, Content]:
    """Its processes, by who bears them: one with the buyer (the key is empty), or of a joint call-off one for each
    paying municipality (by number), as a process has exactly one buyer. Empty: it is not open, as it was never sent."""
    if not told.asked:
        return {}
    if not told.payers:
        values = {one.version: _net(one.lines) for one in told.asked} | {told.version: _net(told.lines)}
        return {"": _process(told, told.buyer, values)}
    return {payer.number: _process(told, payer, values) for payer, values in told.payers.items()}


def _process(told: CallOff, buyer: Party, values: Mapping[int, Decimal]) -> Content:
    roles: dict[Party, list[str]] = {buyer: ["buyer"]}
    roles.setdefault(told.buyer, []).append("procuringEntity")
    tender: Content = {
        "id": told.number,
        "competitive": False,
        "procuringEntity": told.buyer.reference(),
        "procurementMethodDetails": told.method.value,
    }
    return _second_stage(told.framework, told.lot, buyer, roles, tender, told, values)


def competition(told: Competition, order: CallOff | None) -> Content | None:
    """Its process, with the call-off that its award became once that is sent. None: it is not open, as it is a
    draft. Nothing is told of bids before the award is final: then who took part, and what the winner's order says."""
    stage = COMPETITION[told.state]
    if stage is None:
        return None
    roles: dict[Party, list[str]] = {told.buyer: ["buyer", "procuringEntity"]}
    for one in told.bidders:
        roles.setdefault(one, []).append("tenderer")
    asked = {"startDate": told.published_at}
    tender: Content = {
        "id": told.number,
        "title": said(told.title),
        "status": stage.tender,
        "competitive": True,
        "procuringEntity": told.buyer.reference(),
        "procurementMethodDetails": Method.MINI_COMPETITION.value,
        "items": _items(told.lines, Method.MINI_COMPETITION, joint=False),
        "awardCriteriaDetails": ", ".join(f"{said(title)} {weight}" for title, weight in told.weights),
        "tenderPeriod": asked | {"endDate": told.deadline},
        "enquiryPeriod": asked | {"endDate": told.questions_until or told.deadline},
    }
    if told.bidders:
        tender["numberOfTenderers"] = len(told.bidders)
        tender["tenderers"] = [one.reference() for one in told.bidders]
    if told.amended:
        tender["amendments"] = [{"id": str(number), "date": at} for number, at in enumerate(told.amended, 1)]
    values = {one.version: _net(one.lines) for one in order.asked} | {order.version: _net(order.lines)} if order else {}
    return _second_stage(told.framework, told.lot, told.buyer, roles, tender, order, values)


def _second_stage(
    framework: str,
    lot: str,
    buyer: Party,
    roles: dict[Party, list[str]],
    tender: Content,
    order: CallOff | None,
    values: Mapping[int, Decimal],
) -> Content:
    content: Content = {
        "relatedProcesses": [
            {
                "id": "1",
                "relationship": ["framework"],
                "scheme": "ocid",
                "identifier": framework,
                "relatedLots": [lot],
            }
        ],
        "parties": [],
        "buyer": buyer.reference(),
        "tender": tender,
    }
    if order and order.asked:
        for one in order.asked:
            roles.setdefault(one.supplier, []).append("supplier")
        content |= _ordered(order, values)
    return content | {"parties": parties(roles)}


def _ordered(told: CallOff, values: Mapping[int, Decimal]) -> Content:
    """An award for each supplier that the order was sent to, and the contract with the one that confirmed."""
    joint = bool(told.payers)
    stage = (CALL_OFF[told.state] if told.asked_now else None) or Stage(award="unsuccessful")
    last = told.asked[-1]
    awards = [
        {
            "id": f"{told.number}-{one.version}",
            "status": stage.award if one is last else "unsuccessful",
            "date": one.at,
            "value": value(values[one.version]),
            "suppliers": [one.supplier.reference()],
            "items": _items(one.lines, told.method, joint),
        }
        for one in told.asked
    ]
    if not (stage.contract and told.confirmed_at):
        return {"awards": awards}
    still = {line.item for line in told.lines}
    contract: Content = {
        "id": told.number,
        "awardID": f"{told.number}-{last.version}",
        "status": stage.contract,
        "dateSigned": told.confirmed_at,
        "value": value(values[told.version]),
        "items": [
            *_items(told.lines, told.method, joint),
            # Whoever merges releases keeps an item until it is told that nothing of it is left.
            *({"id": line.item, "quantity": 0} for line in last.lines if line.item not in still and not joint),
        ],
    }
    if told.changed:
        contract["amendments"] = [{"id": str(version), "date": at} for version, at in told.changed]
    return {"awards": awards, "contracts": [contract]}


def _items(lines: Sequence[Line], method: Method, joint: bool) -> list[Content]:
    """What was bid in a competition is told as a whole only, and what one municipality bears is a part of the value and
    not of the units."""
    items: list[Content] = []
    for line in lines:
        item: Content = {"id": line.item, "description": said(line.name)}
        if not (line.secret or joint):
            unit: Content = {"name": line.unit}
            if method is not Method.MINI_COMPETITION:
                unit["value"] = value(line.unit_price)
            item |= {"quantity": line.quantity, "unit": unit}
        items.append(item)
    return items


def said(text: Mapping[str, str]) -> str:
    """In bokmål, or the first language that there is."""
    return next(text[language] for language in ("nb", "nn", "en", "se") if text.get(language))


def parties(roles: Mapping[Party, Sequence[str]]) -> list[Content]:
    return [
        {
            "id": one.id,
            "name": one.name,
            "identifier": {"scheme": SCHEME, "id": one.number, "legalName": one.name},
            "roles": list(dict.fromkeys(held)),
        }
        for one, held in sorted(roles.items(), key=lambda pair: pair[0].number)
    ]


def period(starts_on: date, ends_on: date, extensions: Sequence[date] = ()) -> Content:
    """From the first moment of the first day to the last second of the last, in Norway."""
    period = {
        "startDate": datetime.combine(starts_on, time.min, OSLO),
        "endDate": datetime.combine(ends_on, time(23, 59, 59), OSLO),
    }
    if extensions:
        period["maxExtentDate"] = datetime.combine(max(extensions), time(23, 59, 59), OSLO)
    return period


def value(amount: Decimal | None) -> Content | None:
    return None if amount is None else {"amount": amount, "currency": "NOK"}


def _net(lines: Sequence[Line]) -> Decimal:
    return sum((line.unit_price * line.quantity for line in lines), Decimal("0.00"))


def filled(content: Content) -> Content:
    return {name: value for name, value in content.items() if value is not None}
