"""Cost splits over HTTP: computed and kept, compared before choosing, and the models of real co-operations."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import ConfigDict, Field
from sqlmodel import Session

from services.agreements.catalog_client import Catalog, CatalogDep
from services.agreements.cost_splits import rules, shapes, store
from services.agreements.cost_splits.shapes import CostKey, SignedMoney
from services.chassis import audit, paging
from services.chassis.app import new_router
from services.chassis.auth import CallerDep, ViewerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, DryRunDep, ReaderDep
from services.chassis.problems import refuse
from services.chassis.values import In, Instant, Money, Out, seed_id

router = new_router("/cost-splits", "Cost sharing")


BRONNOY = "964983291"
SEEDED = Path(description="The cost split's id", examples=[str(seed_id("cost-split:brannmur"))])
HELGELAND = [{"organisation_number": number} for number in (BRONNOY, "938712441", "844824122")]

MEMBERS = Field(min_length=1, max_length=400, description="Who shares, each once; the order does not matter")
POPULATIONS_ON = Field(
    default=None, description="Inhabitants as the catalogue knew them on this day; today when left out"
)


class NewGrant(In):
    """Money from somebody who is no member."""

    contributor: str = Field(min_length=1, max_length=200, examples=["Statsforvalteren i Nordland"])
    amount: Money
    use: rules.GrantUse = Field(
        description="`reduces` what the members split, or stands `beside` what they contribute and is split by nobody"
    )


class NewCostSplit(In):
    """What is shared, by whom and by which key."""

    purpose: str = Field(min_length=1, max_length=200, examples=["Felles brannmur 2027"])
    key: CostKey
    members: list[shapes.NewMember] = MEMBERS
    amount: SignedMoney | None = Field(
        default=None,
        description="What is shared, negative for a credit. Left out: the key's rates produce it; a key without "
        "rates needs it",
    )
    amount_basis: rules.Basis = Field(description="Whether all amounts here are without or with VAT")
    grants: list[NewGrant] = Field(default=[], max_length=20)
    populations_on: date | None = POPULATIONS_ON


class KeyToCompare(In):
    label: str = Field(min_length=1, max_length=80, examples=["30/70"])
    key: CostKey


class NewComparison(In):
    """The same members and amount under several keys."""

    keys: list[KeyToCompare] = Field(min_length=2, max_length=10, description="The others are seen by the first")
    members: list[shapes.NewMember] = MEMBERS
    amount: SignedMoney | None = Field(default=None, description="What is shared, by every key that is given")
    amount_basis: rules.Basis = Field(description="Whether all amounts here are without or with VAT")
    grants: list[NewGrant] = Field(default=[], max_length=20)
    populations_on: date | None = POPULATIONS_ON


class Sums(Out):
    """NOK, with or without VAT as `amount_basis` says."""

    amount: SignedMoney = Field(description="What is shared: `reduced_by` and `contributions`")
    produced: bool = Field(description="Whether the key's rates produced the amount")
    reduced_by: Money = Field(description="Grants that the members need not pay")
    contributions: SignedMoney = Field(description="What the members pay together: exactly the sum of their shares")
    beside: Money = Field(description="Grants that stand beside the contributions")
    financed: SignedMoney = Field(description="All of it together, with every grant")


class CostSplitSummary(Sums):
    """A cost split in a list."""

    id: UUID
    purpose: str
    key: CostKey
    amount_basis: rules.Basis
    populations_on: date
    created_at: Instant


class CostSplit(CostSplitSummary):
    """A cost split as it was computed, each figure explained."""

    organisation_number: str = Field(description="Who computed it")
    grants: list[NewGrant]
    shares: list[shapes.Share] = Field(description="By organisation number")


class Effect(StrEnum):
    PAYS_LESS = "pays_less"
    PAYS_MORE = "pays_more"
    SAME = "same"


class UnderKey(Out):
    label: str
    amount: SignedMoney
    difference: SignedMoney = Field(description="To what it pays by the first key")
    effect: Effect


class Compared(shapes.Counted):
    """One member under every key."""

    amounts: list[UnderKey] = Field(description="In the order of the keys")


class ComparedKey(Sums):
    label: str
    key: CostKey


class Comparison(Out):
    amount_basis: rules.Basis
    populations_on: date
    keys: list[ComparedKey]
    members: list[Compared] = Field(description="By organisation number")


class CostModel(Out):
    """How a real co-operation shares its costs, or a proposal to, as the source tells it. NOK."""

    id: str = Field(examples=["KOST-02"])
    co_operation: str
    year: int | None
    established_year: int | None
    form: str | None = Field(description="Its organisational form, in the source's words")
    members: str | None = Field(description="How many, in the source's words")
    fixed: str | None = Field(description="From each municipality, in the source's words")
    per_inhabitant: str | None = Field(description="For each inhabitant, in the source's words")
    external: Money | None = Field(description="From outside")
    external_contributor: str | None
    other_financing: str | None
    project_financing: str | None
    source: str
    key: CostKey | None = Field(description="Ready to use as `key`; null where the source gives none that is exact")
    grants: list[NewGrant] = Field(description="Ready to use as `grants` with the key")
    not_computed_because: str | None = Field(description="Why there is no key")


class CostModels(Out):
    items: list[CostModel]


class Filters(In):
    model_config = ConfigDict(extra="forbid")

    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("/models", summary="List real cost-sharing models", openapi_extra=example())
def list_models(viewer: ViewerDep, reader: ReaderDep) -> CostModels:
    """How nine co-operations, proposals and schemes are paid for, with their source. Those that the source tells
    exactly carry a key and grants that can be sent to `POST /cost-splits` as they are. Open to everybody."""
    return CostModels(items=[_model(row) for row in store.models(reader)])


@router.post(
    "",
    status_code=201,
    summary="Compute and keep a cost split",
    openapi_extra=example(
        organisation=BRONNOY,
        body={
            "purpose": "Felles brannmur 2027",
            "key": {"kind": "weighted", "equal_percent": "30"},
            "members": HELGELAND,
            "amount": "100000.00",
            "amount_basis": "excl_vat",
        },
    ),
)
def compute(
    new: NewCostSplit,
    caller: CallerDep,
    catalog: CatalogDep,
    database: DatabaseDep,
    dry_run: DryRunDep,
    today: TodayDep,
    response: Response,
) -> CostSplit:
    """Who pays what, exact to the øre: whole øre by each exact share, the øre that are left to the largest fractions,
    equal ones by organisation number. Every figure is explained and kept with the populations that it rests on.

    The keys `equal`, `population`, `weighted` and `percentages` **split** the `amount`. The keys with rates (`fixed`,
    `per_inhabitant`, `fixed_and_per_inhabitant`) **produce** the contributions when no amount is given, and split one
    in proportion to them when it is. A grant either `reduces` what is split, or stands `beside` the contributions.

    A member that the catalogue does not know on that day, or has no population of, is refused by name, all at once:
    give its population with day and source yourself. It is marked as given."""
    on = new.populations_on or today
    counted = _settled(catalog, new.members, {"#/key": new.key}, on)
    split = _split(new.key, counted, new.amount, new.grants)
    with database.writing(rehearsed=dry_run) as session:
        row = store.add(
            session,
            store.CostSplit(
                organisation=caller.organisation,
                purpose=new.purpose,
                key=new.key.model_dump(mode="json"),
                amount_given=new.amount,
                amount_basis=new.amount_basis,
                grants=[grant.model_dump(mode="json") for grant in new.grants],
                populations_on=on,
            ),
            counted,
            split,
        )
        response.headers["Location"] = path = f"/cost-splits/{row.uuid}"
        audit.record(session, caller, "cost_split.compute", path, new=new.model_dump(mode="json"))
        return _shown(session, row)


@router.post(
    "/compare",
    summary="Compare cost keys side by side",
    openapi_extra=example(
        organisation=BRONNOY,
        body={
            "keys": [
                {"label": "Likt", "key": {"kind": "equal"}},
                {"label": "Etter innbyggere", "key": {"kind": "population"}},
                {"label": "30/70", "key": {"kind": "weighted", "equal_percent": "30"}},
            ],
            "members": HELGELAND,
            "amount": "100000.00",
            "amount_basis": "excl_vat",
        },
    ),
)
def compare(new: NewComparison, caller: CallerDep, catalog: CatalogDep, today: TodayDep) -> Comparison:
    """What each member would pay by each key, and who gains and loses against the first. Nothing is kept. With an
    `amount` every key splits it; without, every key must have rates."""
    on = new.populations_on or today
    keys = {f"#/keys/{place}/key": one.key for place, one in enumerate(new.keys)}
    counted = _settled(catalog, new.members, keys, on)
    splits = [_split(one.key, counted, new.amount, new.grants) for one in new.keys]
    by_member = {share.number: [share] for share in splits[0].shares}
    for split in splits[1:]:
        for share in split.shares:
            by_member[share.number].append(share)
    return Comparison(
        amount_basis=new.amount_basis,
        populations_on=on,
        keys=[
            ComparedKey(**_sums(split), label=one.label, key=one.key)
            for one, split in zip(new.keys, splits, strict=True)
        ],
        members=[
            Compared(
                **shapes.counted(member),
                amounts=[
                    _under(one.label, share.amount, by_member[member.number][0].amount)
                    for one, share in zip(new.keys, by_member[member.number], strict=True)
                ],
            )
            for member in sorted(counted, key=lambda one: one.number)
        ],
    )


@router.get("", summary="List your cost splits", openapi_extra=example(organisation=BRONNOY))
def list_splits(
    filters: Annotated[Filters, Query()], caller: CallerDep, reader: ReaderDep, request: Request, response: Response
) -> paging.Page[CostSplitSummary]:
    """Those that your organisation has computed, newest first."""
    (after,) = paging.start(filters.after, UUID) or (None,)
    rows = store.page(reader, caller.organisation, after, filters.limit)
    members = store.members(reader, [row.id or 0 for row in rows])
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(str(row.uuid)),
        lambda row: CostSplitSummary(**_summary(row, store.split(row, members[row.id]))),
    )


@router.get("/{id}", summary="Read a cost split", openapi_extra=example(organisation=BRONNOY))
def read(id: Annotated[UUID, SEEDED], caller: CallerDep, reader: ReaderDep) -> CostSplit:
    """One of your own, with what it rests on: the populations as they were counted then, whatever the catalogue says
    today."""
    return _shown(reader, store.by_uuid(reader, id, caller.organisation))


def _settled(
    catalog: Catalog, asked: Sequence[shapes.NewMember], keys: dict[str, CostKey], on: date
) -> list[rules.Counted]:
    """The members with their populations; refuses everything that keeps a key from being used on them."""
    known = catalog.counted([one.organisation_number for one in asked], on)
    counted, problems = rules.settle(
        {pointer: shapes.key(key) for pointer, key in keys.items()}, [one.asked() for one in asked], known
    )
    refuse(problems)
    return counted


def _split(
    key: CostKey, counted: Sequence[rules.Counted], amount: Decimal | None, new: Sequence[NewGrant]
) -> rules.Split:
    members, grants = [one.member for one in counted], [rules.Grant(one.amount, one.use) for one in new]
    refuse(rules.check_amount(shapes.key(key), amount, grants, members))
    return rules.split(shapes.key(key), members, amount, grants)


def _shown(session: Session, row: store.CostSplit) -> CostSplit:
    assert row.id
    counted = {one.number: one for one in store.members(session, [row.id])[row.id]}
    split = store.split(row, list(counted.values()))
    return CostSplit(
        **_summary(row, split),
        organisation_number=row.organisation,
        grants=[NewGrant.model_validate(grant) for grant in row.grants],
        shares=[shapes.share(one, counted[one.number]) for one in split.shares],
    )


def _summary(row: store.CostSplit, split: rules.Split) -> dict[str, Any]:
    return {
        "id": row.uuid,
        "purpose": row.purpose,
        "key": row.key,
        "amount_basis": row.amount_basis,
        "populations_on": row.populations_on,
        "created_at": row.created_at,
        **_sums(split),
    }


def _sums(split: rules.Split) -> dict[str, Any]:
    return {name: getattr(split, name) for name in Sums.model_fields}


def _under(label: str, amount: Decimal, first: Decimal) -> UnderKey:
    difference = amount - first
    effect = Effect.PAYS_LESS if difference < 0 else Effect.PAYS_MORE if difference > 0 else Effect.SAME
    return UnderKey(label=label, amount=amount, difference=difference, effect=effect)


def _model(row: store.CostModel) -> CostModel:
    key, why_not = rules.ready_key(row.fixed, row.per_inhabitant)
    grants = []
    if key and row.external:
        contributor = row.external_contributor or row.co_operation
        grants = [NewGrant(contributor=contributor, amount=row.external, use=rules.GrantUse.BESIDE)]
    return CostModel.model_validate(
        {
            **row.model_dump(exclude={"code"}),
            "id": row.code,
            "key": key,
            "grants": grants,
            "not_computed_because": why_not,
        }
    )
