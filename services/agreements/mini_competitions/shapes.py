"""A mini-competition on the wire: it stands in the routes of several concepts in one shape."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, Field
from sqlmodel import Session

from services.agreements.calloffs.shapes import NewLine, Wanted
from services.agreements.criteria.rules import FORMULAS, Formula, Kind, Tie, criterion
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import Scope
from services.agreements.mini_competitions import rules, store
from services.chassis.values import In, Instant, Money, Out, Slug, Text, TextOut

Points = Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=6)]


class NewCriterion(In):
    """An award criterion, or a must that is met or not."""

    code: Annotated[Slug, Field(examples=["pris"])]
    kind: Kind
    title: Text | None = None
    weight: Annotated[Decimal, Field(gt=0, le=100, max_digits=6, decimal_places=3)] | None = Field(
        default=None, description="Price and quality sum to exactly 100; a must has none", examples=["60"]
    )
    formula: Formula | None = Field(default=None, description="How points are given; a must has none")
    scale_max: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="The highest mark that an evaluator gives; for quality", examples=[None]
    )
    points_per_krone: Points | None = Field(
        default=None, description="For `fixed_points_per_krone`: what a krone takes off", examples=[None]
    )
    requirement: str | None = Field(
        default=None, min_length=1, max_length=80, description="The requirement in the specification that it is about"
    )
    answer: bool = Field(default=True, description="Whether a bid answers it in words; of price it never does")

    def kept(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_none=True) | {"answer": self.answer and self.kind is not Kind.PRICE}


class NewEvaluator(In):
    """Somebody who judges the bids, by role: never a person's name."""

    code: Annotated[Slug, Field(examples=["fag"])]
    title: Text


class NewTerms(In):
    """All that is announced. It is frozen when it is published; what changes after that is an amendment."""

    title: Text | None = Field(default=None, description="Left out: the need's")
    description: Text | None = Field(default=None, description="Left out: the need's, where one is named")
    need: UUID | None = Field(default=None, description="The need in the catalogue that it meets", examples=[None])
    specification: Slug | None = Field(
        default=None, description="The requirement specification in the catalogue that bids answer", examples=[None]
    )
    specification_version: str | None = Field(default=None, min_length=1, max_length=40, examples=[None])
    lines: list[NewLine] = Field(min_length=1, max_length=200)
    needed_on: date = Field(description="When it must be delivered")
    reference: str | None = Field(default=None, min_length=1, max_length=200, description="Your own reference")
    criteria: list[NewCriterion] = Field(min_length=1, max_length=50)
    tie_rule: list[Tie] = Field(
        min_length=1, max_length=4, description="What decides between equal bids, in turn; the last leaves no tie"
    )
    above_price_list: bool = Field(
        default=False, description="Whether bids may be above the price lists; only where the lot has announced it"
    )
    questions_until: AwareDatetime | None = Field(
        default=None, description="When questions end; left out: at the deadline"
    )
    deadline: AwareDatetime = Field(description="A bid at this instant, by the service's clock, is too late")
    standstill_days: int = Field(
        default=0, ge=0, le=60, description="Calendar days between the award's announcement and the call-off"
    )
    evaluators: list[NewEvaluator] = Field(default=[], max_length=20)

    def checked(self) -> rules.Terms:
        return rules.Terms(
            tuple(criterion(one.kept()) for one in self.criteria),
            tuple(self.tie_rule),
            tuple(one.code for one in self.evaluators),
            self.questions_until,
            self.deadline,
        )

    def columns(self) -> dict[str, Any]:
        """What stands in the competition's row, but for the texts that may be the need's."""
        same = ("need", "specification", "specification_version", "needed_on", "reference", "above_price_list")
        return {
            **{name: getattr(self, name) for name in (*same, "questions_until", "deadline", "standstill_days")},
            "lines": [line.model_dump() for line in self.lines],
            "criteria": [one.kept() for one in self.criteria],
            "tie_rule": [one.value for one in self.tie_rule],
            "evaluators": [{"code": one.code, "title": one.title.kept()} for one in self.evaluators],
        }


class Criterion(Out):
    code: str
    kind: Kind
    title: TextOut | None
    weight: Decimal | None
    formula: Formula | None
    says: str | None = Field(description="The formula in words")
    relative: bool = Field(
        description="Whether a bid's points depend on the other bids, so that a worse losing bid may change who wins"
    )
    scale_max: int | None
    points_per_krone: Decimal | None
    requirement: str | None
    answer: bool


class Evaluator(Out):
    code: str
    title: TextOut


class MiniCompetition(Out):
    """A mini-competition. Amounts in NOK without VAT."""

    id: UUID
    number: str = Field(examples=["MK-2026-000001"])
    framework_agreement: str
    lot: str
    state: rules.State
    version: int = Field(description="Grows with every amendment")
    bids_from_version: int = Field(description="A bid given on an earlier version does not answer this one")
    buyer_organisation_number: str
    buyer_name: str
    title: TextOut
    description: TextOut | None
    need: UUID | None
    specification: str | None
    specification_version: str | None
    lines: list[Wanted]
    needed_on: date
    reference: str | None = Field(description="The buyer's own; null for others")
    criteria: list[Criterion]
    relative: bool = Field(description="Whether some formula looks at the other bids")
    tie_rule: list[Tie]
    lot_seed: str | None = Field(description="Drawn at publication; decides a tie that is decided by lot")
    above_price_list: bool
    questions_until: Instant | None
    deadline: Instant
    standstill_days: int
    evaluators: list[Evaluator]
    value_excl_vat: Money | None = Field(
        description="The basket at the price lists' dearest, at publication: it decided the method, and is the "
        "ceiling of price formulas. Null before it, and for suppliers where one of the prices is a business secret"
    )
    room_left_excl_vat: Money | None = Field(
        description="The least that agreement, lot and buyer leave under their ceilings just now; the award needs that "
        "room. Null: nothing limits it"
    )
    public_key: str | None = Field(
        description="X25519, in hexadecimal: what bids are sealed to. Null before publication"
    )
    drafted_at: Instant
    published_at: Instant | None
    opened_at: Instant | None
    call_off: UUID | None = Field(description="What the award became; for the buyer and the framework owner")


class ListedPrice(Out):
    """An item on the supplier's price list as it was at publication."""

    item: str
    unit_price_excl_vat: Money
    vat_percent: Decimal
    product: str | None
    price_list_version: int


class Invited(Out):
    """A supplier that the lot made the competition invite."""

    supplier_organisation_number: str
    supplier_name: str
    rank: int
    invited_at: Instant
    prices: list[ListedPrice] | None = Field(description="For the supplier itself; null for all others")


class Happened(Out):
    event: str = Field(description="An event of the state table, or `draft` or `change`", examples=["publish"])
    state: rules.State = Field(description="The state after it")
    organisation: str | None = Field(description="Who took it; null: the service itself, by its clock")
    reason: str | None
    detail: dict[str, Any] | None = Field(description="What an amendment changed")
    recorded_at: Instant


def of(session: Session, row: store.MiniCompetition, viewer: str) -> MiniCompetition:
    """As it stands, for one who may see it."""
    return shown(session, [row], viewer)[0]


def shown(session: Session, rows: Sequence[store.MiniCompetition], viewer: str) -> list[MiniCompetition]:
    left = {
        scope: ledger.room(session, scope, list({_subjects(row)[scope] for row in rows}))
        for scope in (Scope.FRAMEWORK_AGREEMENT, Scope.LOT, Scope.BUYER)
    }
    return [_shown(row, viewer, left) for row in rows]


def _subjects(row: store.MiniCompetition) -> dict[Scope, int]:
    return {Scope.FRAMEWORK_AGREEMENT: row.framework_id, Scope.LOT: row.lot_id, Scope.BUYER: row.participant_id}


def _shown(
    row: store.MiniCompetition, viewer: str, rooms: Mapping[Scope, Mapping[int, ledger.Room]]
) -> MiniCompetition:
    left = [rooms[scope][subject].left for scope, subject in _subjects(row).items()]
    criteria = [_criterion(one) for one in row.criteria]
    return MiniCompetition(
        id=row.uuid,
        number=row.number,
        framework_agreement=row.framework,
        lot=row.lot,
        state=row.state,
        version=row.version,
        bids_from_version=row.bids_from_version,
        buyer_organisation_number=row.buyer,
        buyer_name=row.buyer_name,
        title=row.title,
        description=row.description,
        need=row.need,
        specification=row.specification,
        specification_version=row.specification_version,
        lines=[Wanted.model_validate(one, from_attributes=False) for one in row.lines],
        needed_on=row.needed_on,
        reference=row.reference if viewer == row.buyer else None,
        criteria=criteria,
        relative=any(one.relative for one in criteria),
        tie_rule=[Tie(one) for one in row.tie_rule],
        lot_seed=row.lot_seed,
        above_price_list=row.above_price_list,
        questions_until=row.questions_until,
        deadline=row.deadline,
        standstill_days=row.standstill_days,
        evaluators=[Evaluator.model_validate(one, from_attributes=False) for one in row.evaluators],
        value_excl_vat=None if row.value_secret and viewer not in (row.buyer, row.owner) else row.value,
        room_left_excl_vat=min((one for one in left if one is not None), default=None),
        public_key=row.public_key.hex() if row.public_key else None,
        drafted_at=row.drafted_at,
        published_at=row.published_at,
        opened_at=row.opened_at,
        call_off=row.call_off if viewer in (row.buyer, row.owner) else None,
    )


def _criterion(kept: Mapping[str, Any]) -> Criterion:
    announced = criterion(kept)
    meaning = FORMULAS[announced.formula] if announced.formula else None
    return Criterion(
        code=announced.code,
        kind=announced.kind,
        title=kept.get("title"),
        weight=announced.weight,
        formula=announced.formula,
        says=meaning.says if meaning else None,
        relative=bool(meaning and meaning.relative),
        scale_max=kept.get("scale_max"),
        points_per_krone=announced.points_per_krone,
        requirement=kept.get("requirement"),
        answer=kept["answer"],
    )


def invited(one: store.Invitation, viewer: str) -> Invited:
    prices = [
        ListedPrice(
            item=line.item,
            unit_price_excl_vat=line.unit_price,
            vat_percent=line.vat_percent,
            product=line.product,
            price_list_version=line.version,
        )
        for line in store.listed(one).values()
    ]
    return Invited(
        supplier_organisation_number=one.supplier,
        supplier_name=one.supplier_name,
        rank=one.rank,
        invited_at=one.invited_at,
        prices=prices if viewer == one.supplier else None,
    )
