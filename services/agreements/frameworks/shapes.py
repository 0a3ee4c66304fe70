"""Framework agreements as they stand on the wire, in the routes of several concepts."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlmodel import Session

from services.agreements.frameworks import rules, store
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import Scope
from services.agreements.price_terms.rules import DEFAULT, Bounds
from services.agreements.price_terms.shapes import Factor, IndexClause, NewIndexClause
from services.chassis.values import In, Money, OrganisationNumber, Out, Slug, Text, TextOut


class Quantity(In):
    """The most units of one item."""

    item: Annotated[Slug, Field(description="As it will stand on the price lists", examples=["alarm"])]
    maximum: int = Field(ge=0, le=1_000_000_000, description="In the item's unit; 0 allows none")


Quantities = Annotated[
    list[Quantity],
    Field(default=[], max_length=200, description="Maximum quantities; an item that is not named has none"),
]


class Band(In):
    """From this value of a call-off on, its supplier is found by this method."""

    from_excl_vat: Money = Field(description="The first band begins at 0.00, each further one above the one before")
    method: rules.Method


class Named(In):
    """An announced condition or ground."""

    code: Annotated[Slug, Field(examples=["integrasjon"])]
    text: Text


class NewLot(In):
    slug: Annotated[Slug, Field(examples=["alarmer"])]
    title: Text
    kind: rules.LotKind = Field(default=rules.LotKind.PRODUCTS, description="What it is about")
    ceiling_excl_vat: Money | None = Field(
        default=None, description="Its own maximum; null is none beside the agreement's, 0.00 allows nothing"
    )
    quantities: Quantities
    bands: list[Band] = Field(
        default=[],
        max_length=20,
        description="How the supplier of a call-off is found, by its value without VAT; needed when it is announced",
    )
    conditions: list[Named] = Field(
        default=[], max_length=50, description="Objective conditions, where a band is a documented choice by them"
    )
    specification: Slug | None = Field(
        default=None, description="Products must be certified against this specification of the catalogue's"
    )
    specification_version: str | None = Field(
        default=None,
        min_length=1,
        max_length=40,
        description="In this version; it is announced with it",
    )
    delivery_obligation: bool = Field(
        default=True, description="Whether a supplier may decline an order on the announced grounds only"
    )
    decline_grounds: list[Named] = Field(default=[], max_length=50, description="None: it may never decline")
    delivery_days_after_end: int = Field(
        default=180, ge=0, le=3650, description="Calendar days after the agreement's end within which to deliver"
    )
    split_window_days: int = Field(
        default=365,
        ge=0,
        le=1500,
        description="A buyer's call-offs within so many days count together when the band is found; 0: each alone",
    )
    competition_may_exceed_price_list: bool = Field(
        default=False, description="Whether bids in a mini-competition may be above the suppliers' price lists"
    )
    index_clause: NewIndexClause | None = Field(default=None, description="Null: prices follow no index")
    lowest_factor: Factor = Field(default=DEFAULT.lowest, description="How low a price may come, of the first one")
    highest_factor: Factor = Field(default=DEFAULT.highest, description="How high")

    def maximum(self) -> rules.Maximum:
        return rules.Maximum(self.ceiling_excl_vat, pairs(self.quantities))


class NewParticipant(In):
    """Who is entitled to call off, and for how much at most where that is announced."""

    organisation_number: OrganisationNumber
    ceiling_excl_vat: Money | None = Field(default=None, description="Its own maximum; null is none of its own")
    quantities: Quantities

    def maximum(self) -> rules.Maximum:
        return rules.Maximum(self.ceiling_excl_vat, pairs(self.quantities))


class NewTerms(In):
    """All that a notice says of a framework agreement. A draft may lack what only the announcement needs."""

    title: Text
    role: rules.Role = Field(default=rules.Role.FRAMEWORK_OWNER, description="As what your organisation makes it")
    manager: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="The unit or role that manages it; never a person",
    )
    manager_contact: str | None = Field(
        default=None, min_length=1, max_length=200, description="That unit's shared address or telephone number"
    )
    contract_kind: rules.ContractKind = rules.ContractKind.GOODS_SERVICES
    notice_reference: str | None = Field(
        default=None, min_length=1, max_length=80, description="The notice in Doffin or TED"
    )
    cpv: list[Annotated[str, Field(pattern=r"^\d{8}(-\d)?$")]] = Field(
        default=[], max_length=20, description="Common Procurement Vocabulary codes, eight digits"
    )
    starts_on: date
    ends_on: date = Field(
        description="The last day on which a call-off can be placed, before any option for extension is used"
    )
    extensions: list[date] = Field(
        default=[],
        max_length=10,
        description="Options for extension: the last day with each, in the order in which they are used. They count "
        "within the four years",
    )
    period_rationale: str | None = Field(
        default=None, min_length=3, max_length=2000, description="Why it is longer than four years"
    )
    estimate_excl_vat: Money | None = Field(
        default=None, description="Announced estimate over all participants and options; warns, never stops"
    )
    ceiling_excl_vat: Money | None = Field(
        default=None, description="Announced maximum value; stops (C-23/20). Null only where quantities are the maximum"
    )
    quantities: Quantities
    approval_limit_excl_vat: Money = Field(
        description="A call-off up to this value is sent at once; above it a spending authority approves first"
    )
    accession_from_on: date | None = Field(default=None, description="First day on which a participant can accede")
    accession_to_on: date | None = Field(default=None, description="The last")
    accession_notice_days: int = Field(default=90, ge=0, le=1500, description="Calendar days of notice for leaving")
    response_days: int = Field(default=5, ge=1, le=90, description="Calendar days that a supplier has to answer")
    reservation_days: int = Field(
        default=14, ge=1, le=365, description="Calendar days that room is held for a call-off that is not sent"
    )
    lots: list[NewLot] = Field(min_length=1, max_length=50)
    participants: list[NewParticipant] = Field(
        default=[], max_length=500, description="Who is entitled to call off, as the notice names them"
    )

    def checked(self) -> rules.Terms:
        """What the rules look at."""
        return rules.Terms(
            period=rules.Period(self.starts_on, self.ends_on, self.period_rationale, tuple(self.extensions)),
            notice_reference=self.notice_reference,
            cpv=tuple(self.cpv),
            estimate=self.estimate_excl_vat,
            maximum=self.maximum(),
            accession_from_on=self.accession_from_on,
            accession_to_on=self.accession_to_on,
            lots=tuple(
                rules.LotTerms(
                    slug=lot.slug,
                    maximum=lot.maximum(),
                    bands=tuple(rules.Band(band.from_excl_vat, band.method) for band in lot.bands),
                    conditions=tuple(one.code for one in lot.conditions),
                    specification=lot.specification,
                    specification_version=lot.specification_version,
                    delivery_obligation=lot.delivery_obligation,
                    grounds=tuple(one.code for one in lot.decline_grounds),
                    bounds=Bounds(lot.lowest_factor, lot.highest_factor),
                )
                for lot in self.lots
            ),
            participants=tuple((one.organisation_number, one.maximum()) for one in self.participants),
        )

    def maximum(self) -> rules.Maximum:
        return rules.Maximum(self.ceiling_excl_vat, pairs(self.quantities))


class NewFrameworkAgreement(NewTerms):
    slug: Annotated[Slug, Field(description="Its name in addresses, for ever")]


class Room(Out):
    """What is taken and left under a ceiling. NOK without VAT; a ceiling that is null does not limit."""

    ceiling_excl_vat: Money | None
    reserved_excl_vat: Money = Field(description="Ordered and not yet accepted")
    posted_excl_vat: Money = Field(description="Accepted")
    left_excl_vat: Money | None


class Party(Out):
    organisation_id: UUID
    organisation_number: str
    name: str = Field(description="As it was when the agreement was made")


class QuantityOut(Out):
    item: str
    maximum: int


class Participant(Party):
    """An entitled buyer, with its own announced maximum."""

    ceiling_excl_vat: Money | None = Field(description="Null: no maximum of its own")
    quantities: list[QuantityOut]


class BandOut(Out):
    from_excl_vat: Money
    method: rules.Method


class NamedOut(Out):
    code: str
    text: TextOut


class Lot(Out):
    slug: str
    title: TextOut
    kind: rules.LotKind
    bands: list[BandOut] = Field(description="How a supplier is found, by the call-off's value without VAT")
    conditions: list[NamedOut]
    specification: str | None
    specification_version: str | None
    delivery_obligation: bool
    decline_grounds: list[NamedOut]
    delivery_days_after_end: int
    split_window_days: int
    competition_may_exceed_price_list: bool
    index_clause: IndexClause | None
    lowest_factor: Decimal = Field(description="How low a price may come, as a factor of the first price list's")
    highest_factor: Decimal
    quantities: list[QuantityOut]
    room: Room


class Summary(Out):
    """A framework agreement in a list."""

    slug: str
    title: TextOut
    state: rules.State
    owner: Party
    role: rules.Role
    starts_on: date
    ends_on: date
    announced_on: date | None = Field(description="Null: not announced, and seen by its owner only")
    notice_reference: str | None
    cpv: list[str]


class FrameworkAgreement(Summary):
    """A framework agreement, whole."""

    manager: str | None = Field(description="The unit or role that manages it")
    manager_contact: str | None
    contract_kind: rules.ContractKind
    extensions: list[date] = Field(description="Announced options for extension, those that are used included")
    period_rationale: str | None
    estimate_excl_vat: Money | None
    approval_limit_excl_vat: Money
    accession_from_on: date | None
    accession_to_on: date | None
    accession_notice_days: int
    response_days: int
    reservation_days: int
    quantities: list[QuantityOut]
    room: Room
    lots: list[Lot]
    participants: list[Participant]


SCALARS = (
    *("role", "manager", "manager_contact", "contract_kind", "notice_reference", "cpv", "starts_on", "ends_on"),
    *("period_rationale", "accession_from_on", "accession_to_on", "accession_notice_days", "response_days"),
    *("reservation_days", "extensions"),
)
"""Fields that are the same on the wire, in the table and in the answer."""
LOT_SCALARS = (
    *("slug", "kind", "specification", "specification_version", "delivery_obligation", "delivery_days_after_end"),
    *("split_window_days", "competition_may_exceed_price_list", "lowest_factor", "highest_factor"),
)


def pairs(quantities: Sequence[Quantity]) -> tuple[tuple[str, int], ...]:
    return tuple((one.item, one.maximum) for one in quantities)


def columns(terms: NewTerms) -> dict[str, Any]:
    """The terms that stand in the agreement's own row."""
    return {
        **{name: getattr(terms, name) for name in SCALARS},
        "title": terms.title.kept(),
        "estimate": terms.estimate_excl_vat,
        "approval_limit": terms.approval_limit_excl_vat,
    }


def put_parts(session: Session, framework_id: int, terms: NewTerms, parties: Mapping[str, tuple[UUID, str]]) -> None:
    """Ceilings, lots and participants; `parties`: each participant's id and name, by number."""
    store.open_balances(session, Scope.FRAMEWORK_AGREEMENT, framework_id, terms.maximum())
    for new in terms.lots:
        lot = store.Lot(
            framework_id=framework_id,
            title=new.title.kept(),
            bands=[band.model_dump(mode="json") for band in new.bands],
            conditions=[{"code": one.code, "text": one.text.kept()} for one in new.conditions],
            decline_grounds=[{"code": one.code, "text": one.text.kept()} for one in new.decline_grounds],
            index_clause=new.index_clause.model_dump(mode="json") if new.index_clause else None,
            **{name: getattr(new, name) for name in LOT_SCALARS},
        )
        store.add_part(session, Scope.LOT, lot, new.maximum())
    for one in terms.participants:
        id, name = parties[one.organisation_number]
        participant = store.Participant(
            framework_id=framework_id, organisation_id=id, number=one.organisation_number, name=name
        )
        store.add_part(session, Scope.BUYER, participant, one.maximum())


def terms(shown: FrameworkAgreement) -> NewTerms:
    """What would have to be sent to make an agreement like this one."""
    whole = shown.model_dump(mode="json")
    for part in (whole, *whole["lots"]):
        part["ceiling_excl_vat"] = part["room"]["ceiling_excl_vat"]
    fields = {"": NewTerms.model_fields, "lots": NewLot.model_fields, "participants": NewParticipant.model_fields}
    for name in ("lots", "participants"):
        whole[name] = [{key: one[key] for key in fields[name]} for one in whole[name]]
    return NewTerms.model_validate({key: whole[key] for key in fields[""]})


def shown(session: Session, row: store.FrameworkAgreement) -> FrameworkAgreement:
    assert row.id
    lots, buyers = store.lots(session, row.id), store.participants(session, row.id)
    lot_ids, buyer_ids = [lot.id or 0 for lot in lots], [one.id or 0 for one in buyers]
    lot_room, buyer_room = ledger.room(session, Scope.LOT, lot_ids), ledger.room(session, Scope.BUYER, buyer_ids)
    lot_most, buyer_most = _quantities(session, Scope.LOT, lot_ids), _quantities(session, Scope.BUYER, buyer_ids)
    return FrameworkAgreement(
        **_summary(row),
        **{name: getattr(row, name) for name in SCALARS if name not in Summary.model_fields},
        estimate_excl_vat=row.estimate,
        approval_limit_excl_vat=row.approval_limit,
        quantities=_quantities(session, Scope.FRAMEWORK_AGREEMENT, [row.id])[row.id],
        room=room(ledger.room(session, Scope.FRAMEWORK_AGREEMENT, [row.id])[row.id]),
        lots=[
            Lot(
                **{name: getattr(lot, name) for name in LOT_SCALARS},
                title=lot.title,
                bands=[BandOut(from_excl_vat=band.from_value, method=band.method) for band in rules.bands(lot.bands)],
                conditions=[NamedOut(**one) for one in lot.conditions],
                decline_grounds=[NamedOut(**one) for one in lot.decline_grounds],
                index_clause=IndexClause.model_validate(lot.index_clause) if lot.index_clause else None,
                quantities=lot_most[lot.id or 0],
                room=room(lot_room[lot.id or 0]),
            )
            for lot in lots
        ],
        participants=[
            Participant(
                organisation_id=one.organisation_id,
                organisation_number=one.number,
                name=one.name,
                ceiling_excl_vat=buyer_room[one.id or 0].ceiling,
                quantities=buyer_most[one.id or 0],
            )
            for one in buyers
        ],
    )


def summary(row: store.FrameworkAgreement) -> Summary:
    return Summary(**_summary(row))


def room(kept: ledger.Room) -> Room:
    return Room(
        ceiling_excl_vat=kept.ceiling,
        reserved_excl_vat=kept.reserved,
        posted_excl_vat=kept.posted,
        left_excl_vat=kept.left,
    )


def _summary(row: store.FrameworkAgreement) -> dict[str, Any]:
    owner = Party(organisation_id=row.owner_id, organisation_number=row.owner_number, name=row.owner_name)
    names = ("slug", "title", "state", "role", "starts_on", "ends_on", "announced_on", "notice_reference", "cpv")
    return {"owner": owner, **{name: getattr(row, name) for name in names}}


def _quantities(session: Session, scope: Scope, subject_ids: Sequence[int]) -> dict[int, list[QuantityOut]]:
    found: dict[int, list[QuantityOut]] = {one: [] for one in subject_ids}
    for subject_id, item, maximum in store.quantities(session, scope, subject_ids):
        found[subject_id].append(QuantityOut(item=item, maximum=maximum))
    return found
