"""What of a framework agreement is open, and how its state reads in OCDS 1.1.5: the first stage, a process with several
buyers, which call-offs refer to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from services.agreements.contracting_processes.rules import (
    Content,
    Party,
    Stage,
    filled,
    parties,
    period,
    said,
    value,
)
from services.agreements.frameworks.rules import Band, Method
from services.agreements.frameworks.rules import State as AgreementState
from services.agreements.places.rules import PlaceState

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
LEFT = {PlaceState.WITHDRAWN, PlaceState.TERMINATED, PlaceState.ENDED}


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
    content: Content = {"parties": parties(roles), "tender": _tender(told, stage)}
    if awarded:
        content["awards"] = [_award(told, place, stage) for place in awarded]
    held = [place for place in awarded if not _left_before_the_start(told, place)]
    if stage.contract and held:
        content["contracts"] = [
            {
                "id": place.id,
                "awardID": place.id,
                "status": "terminated" if place.state in LEFT else stage.contract,
                "period": period(told.starts_on, told.ends_on),
                "dateSigned": told.activated_at,
            }
            for place in held
        ]
    return content


def _tender(told: Agreement, stage: Stage) -> Content:
    runs = period(told.starts_on, told.ends_on, told.extensions)
    framework: Content = {
        "method": _reopening(band.method for lot in told.lots for band in lot.bands),
        "maximumParticipants": max((_seats(told, lot) for lot in told.lots), default=0) or None,
        "periodRationale": told.period_rationale or None,
        "buyerCategories": "Oppdragsgiverne som kunngjøringen nevner",
        "value": value(told.maximum),
        "estimatedValue": value(told.estimate),
        "period": runs,
    }
    return filled(
        {
            "id": told.slug,
            "title": said(told.title),
            "status": stage.tender,
            "procuringEntity": told.owner.reference(),
            "items": [
                {"id": code, "classification": {"scheme": "CPV", "id": code.partition("-")[0]}} for code in told.cpv
            ],
            "contractPeriod": runs,
            "techniques": {"hasFrameworkAgreement": True, "frameworkAgreement": filled(framework)},
            "lots": [_lot(told, lot, stage) for lot in told.lots],
        }
    )


def _lot(told: Agreement, lot: Lot, stage: Stage) -> Content:
    framework: Content = {
        "method": _reopening(band.method for band in lot.bands),
        "maximumParticipants": _seats(told, lot) or None,
        "value": value(lot.maximum),
    }
    return filled(
        {
            "id": lot.slug,
            "title": said(lot.title),
            "status": stage.tender,
            "techniques": {"hasFrameworkAgreement": True, "frameworkAgreement": filled(framework)},
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
