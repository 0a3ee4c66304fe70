"""What of a framework agreement or a call-off is open, and how its state reads in OCDS 1.1.5. Amounts stay Decimals,
NOK without VAT, until they are written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from services.agreements.calloffs.rules import State as CallOffState
from services.agreements.frameworks.rules import Band, Method
from services.agreements.frameworks.rules import State as AgreementState
from services.agreements.places.rules import PlaceState

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


AGREEMENT: Mapping[AgreementState, Stage | None] = {
    AgreementState.DRAFT: None,
    AgreementState.ANNOUNCED: Stage("active", "cancelled"),
    AgreementState.STANDSTILL: Stage("complete", "pending"),
    AgreementState.ACTIVE: Stage("complete", "active", "active"),
    AgreementState.SUSPENDED: Stage("complete", "active", "active"),
    AgreementState.EXHAUSTED: Stage("complete", "active", "active"),
    AgreementState.EXPIRED: Stage("complete", "active", "terminated"),
    AgreementState.TERMINATED: Stage("complete", "active", "terminated"),
    AgreementState.CLOSED: Stage("complete", "active", "terminated"),
    AgreementState.CANCELLED: Stage("cancelled", "cancelled"),
}
"""The award of one that is only announced was taken back (`reopen_evaluation`); one that never awarded has none."""
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
LEFT = {PlaceState.WITHDRAWN, PlaceState.TERMINATED, PlaceState.ENDED}


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
class Lot:
    slug: str
    title: Mapping[str, str]
    bands: tuple[Band, ...]
    maximum: Decimal | None


@dataclass(frozen=True)
class Place:
    id: str
    lot: str
    supplier: Party
    rank: int
    state: PlaceState
    left_at: datetime | None
    """When it was withdrawn or terminated."""


@dataclass(frozen=True)
class Agreement:
    """What an announced framework agreement tells. `awarded_at` and `activated_at` are the last time that it was."""

    slug: str
    title: Mapping[str, str]
    state: AgreementState
    owner: Party
    participants: tuple[Party, ...]
    cpv: tuple[str, ...]
    starts_on: date
    ends_on: date
    extensions: tuple[date, ...]
    period_rationale: str | None
    estimate: Decimal | None
    maximum: Decimal | None
    lots: tuple[Lot, ...]
    places: tuple[Place, ...]
    awarded_at: datetime | None
    activated_at: datetime | None


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


def agreement(told: Agreement) -> Content | None:
    """The first stage: a process with several buyers, which call-offs refer to. None: it is not open."""
    stage = AGREEMENT[told.state]
    if stage is None:
        return None
    roles: dict[Party, list[str]] = {told.owner: ["procuringEntity"]}
    for one in told.participants:
        roles.setdefault(one, []).append("buyer")
    awarded = [place for place in told.places if told.awarded_at]
    for place in awarded:
        roles.setdefault(place.supplier, []).append("supplier")
    content: Content = {"parties": _parties(roles), "tender": _tender(told, stage)}
    if awarded:
        content["awards"] = [_award(told, place, stage) for place in awarded]
    held = [place for place in awarded if not _left_before_the_start(told, place)]
    if stage.contract and held:
        content["contracts"] = [
            {
                "id": place.id,
                "awardID": place.id,
                "status": "terminated" if place.state in LEFT else stage.contract,
                "period": _period(told.starts_on, told.ends_on),
                "dateSigned": told.activated_at,
            }
            for place in held
        ]
    return content


def _tender(told: Agreement, stage: Stage) -> Content:
    period = _period(told.starts_on, told.ends_on, told.extensions)
    framework: Content = {
        "method": _reopening(band.method for lot in told.lots for band in lot.bands),
        "maximumParticipants": max((_seats(told, lot) for lot in told.lots), default=0) or None,
        "periodRationale": told.period_rationale or None,
        "buyerCategories": "Oppdragsgiverne som kunngjøringen nevner",
        "value": _value(told.maximum),
        "estimatedValue": _value(told.estimate),
        "period": period,
    }
    return _filled(
        {
            "id": told.slug,
            "title": said(told.title),
            "status": stage.tender,
            "procuringEntity": told.owner.reference(),
            "items": [
                {"id": code, "classification": {"scheme": "CPV", "id": code.partition("-")[0]}} for code in told.cpv
            ],
            "contractPeriod": period,
            "techniques": {"hasFrameworkAgreement": True, "frameworkAgreement": _filled(framework)},
            "lots": [_lot(told, lot, stage) for lot in told.lots],
        }
    )


def _lot(told: Agreement, lot: Lot, stage: Stage) -> Content:
    framework: Content = {
        "method": _reopening(band.method for band in lot.bands),
        "maximumParticipants": _seats(told, lot) or None,
        "value": _value(lot.maximum),
    }
    return _filled(
        {
            "id": lot.slug,
            "title": said(lot.title),
            "status": stage.tender,
            "techniques": {"hasFrameworkAgreement": True, "frameworkAgreement": _filled(framework)},
        }
    )


def _seats(told: Agreement, lot: Lot) -> int:
    """How many suppliers have got a place, once that is told."""
    return sum(place.lot == lot.slug for place in told.places) if told.awarded_at else 0


def _reopening(methods: Iterable[Method]) -> str | None:
    """The technique extension's closed list: whether call-offs are competed for."""
    competed = {method is Method.MINI_COMPETITION for method in methods}
    if len(competed) == 2:
        return "withAndWithoutReopeningCompetition"
    return _REOPENING[competed.pop()] if competed else None


_REOPENING = {True: "withReopeningCompetition", False: "withoutReopeningCompetition"}


def _award(told: Agreement, place: Place, stage: Stage) -> Content:
    return {
        "id": place.id,
        "status": "cancelled" if _left_before_the_start(told, place) else stage.award,
        "date": told.awarded_at,
        "suppliers": [place.supplier.reference()],
        "relatedLots": [place.lot],
        "rank": place.rank,
    }


def _left_before_the_start(told: Agreement, place: Place) -> bool:
    """Its supplier never had a contract."""
    return place.left_at is not None and (told.activated_at is None or place.left_at < told.activated_at)


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
    joint = bool(told.payers)
    roles: dict[Party, list[str]] = {buyer: ["buyer"]}
    roles.setdefault(told.buyer, []).append("procuringEntity")
    for one in told.asked:
        if "supplier" not in roles.setdefault(one.supplier, []):
            roles[one.supplier].append("supplier")
    stage = (CALL_OFF[told.state] if told.asked_now else None) or Stage(award="unsuccessful")
    last = told.asked[-1]
    content: Content = {
        "relatedProcesses": [
            {
                "id": "1",
                "relationship": ["framework"],
                "scheme": "ocid",
                "identifier": told.framework,
                "relatedLots": [told.lot],
            }
        ],
        "parties": _parties(roles),
        "buyer": buyer.reference(),
        "tender": {
            "id": told.number,
            "competitive": False,
            "procuringEntity": told.buyer.reference(),
            "procurementMethodDetails": told.method.value,
        },
        "awards": [
            {
                "id": f"{told.number}-{one.version}",
                "status": stage.award if one is last else "unsuccessful",
                "date": one.at,
                "value": _value(values[one.version]),
                "suppliers": [one.supplier.reference()],
                "items": _items(one.lines, told.method, joint),
            }
            for one in told.asked
        ],
    }
    if stage.contract and told.confirmed_at:
        still = {line.item for line in told.lines}
        contract: Content = {
            "id": told.number,
            "awardID": f"{told.number}-{last.version}",
            "status": stage.contract,
            "dateSigned": told.confirmed_at,
            "value": _value(values[told.version]),
            "items": [
                *_items(told.lines, told.method, joint),
                # Whoever merges releases keeps an item until it is told that nothing of it is left.
                *({"id": line.item, "quantity": 0} for line in last.lines if line.item not in still and not joint),
            ],
        }
        if told.changed:
            contract["amendments"] = [{"id": str(version), "date": at} for version, at in told.changed]
        content["contracts"] = [contract]
    return content


def _items(lines: Sequence[Line], method: Method, joint: bool) -> list[Content]:
    """What was bid in a competition is told as a whole only, and what one municipality bears is a part of the value and
    not of the units."""
    items: list[Content] = []
    for line in lines:
        item: Content = {"id": line.item, "description": said(line.name)}
        if not (line.secret or joint):
            unit: Content = {"name": line.unit}
            if method is not Method.MINI_COMPETITION:
                unit["value"] = _value(line.unit_price)
            item |= {"quantity": line.quantity, "unit": unit}
        items.append(item)
    return items


def said(text: Mapping[str, str]) -> str:
    """In bokmål, or the first language that there is."""
    return next(text[language] for language in ("nb", "nn", "en", "se") if text.get(language))


def _parties(roles: Mapping[Party, Sequence[str]]) -> list[Content]:
    return [
        {
            "id": one.id,
            "name": one.name,
            "identifier": {"scheme": SCHEME, "id": one.number, "legalName": one.name},
            "roles": list(dict.fromkeys(held)),
        }
        for one, held in sorted(roles.items(), key=lambda pair: pair[0].number)
    ]


def _period(starts_on: date, ends_on: date, extensions: Sequence[date] = ()) -> Content:
    """From the first moment of the first day to the last second of the last, in Norway."""
    period = {
        "startDate": datetime.combine(starts_on, time.min, OSLO),
        "endDate": datetime.combine(ends_on, time(23, 59, 59), OSLO),
    }
    if extensions:
        period["maxExtentDate"] = datetime.combine(max(extensions), time(23, 59, 59), OSLO)
    return period


def _value(amount: Decimal | None) -> Content | None:
    return None if amount is None else {"amount": amount, "currency": "NOK"}


def _net(lines: Sequence[Line]) -> Decimal:
    return sum((line.unit_price * line.quantity for line in lines), Decimal("0.00"))


def _filled(content: Content) -> Content:
    return {name: value for name, value in content.items() if value is not None}
