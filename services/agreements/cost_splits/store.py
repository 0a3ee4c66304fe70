"""Cost splits as they were computed, with everything they rest on, and the models that real co-operations use."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import Field, Session, col, select

from services.agreements.cost_splits import rules
from services.agreements.cost_splits.rules import Basis
from services.agreements.db import Table
from services.chassis.clock import now
from services.chassis.db import INSTANT, JSON, MONEY, choice
from services.chassis.problems import NotFound
from services.chassis.values import new_id


class CostSplit(Table, table=True):
    """One computed split. It is never edited: another question is another split."""

    id: int | None = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    organisation: str = Field(max_length=9, index=True)
    purpose: str = Field(max_length=200)
    key: dict[str, Any] = Field(sa_type=JSON)
    """As on the wire; see `rules.key`."""
    amount_given: Decimal | None = Field(default=None, sa_type=MONEY)
    """NOK; null where the key's rates produced the amount."""
    amount_basis: Basis = Field(sa_type=choice(Basis))
    grants: list[dict[str, str]] = Field(sa_type=JSON)
    """`[{"contributor", "amount", "use"}]`."""
    populations_on: date
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class CostShare(Table, table=True):
    """A member of a split: the population it was counted with, and what it pays in NOK."""

    cost_split_id: int = Field(primary_key=True, foreign_key="costsplit.id")
    number: str = Field(primary_key=True, max_length=9)
    organisation_id: UUID
    name: str = Field(max_length=200)
    population: int | None = None
    population_on: date | None = None
    population_source: str | None = Field(default=None, max_length=200)
    """Given with the request, from this source; null: the catalogue's."""
    amount: Decimal = Field(sa_type=MONEY)


class CostModel(Table, table=True):
    """How a real co-operation shares its costs, or a proposal to, in the words of its source. Amounts in NOK."""

    code: str = Field(primary_key=True, max_length=20)
    co_operation: str = Field(max_length=200)
    year: int | None = None
    established_year: int | None = None
    form: str | None = Field(default=None, max_length=200)
    members: str | None = Field(default=None, max_length=200)
    fixed: str | None = Field(default=None, max_length=80)
    per_inhabitant: str | None = Field(default=None, max_length=80)
    external: Decimal | None = Field(default=None, sa_type=MONEY)
    external_contributor: str | None = Field(default=None, max_length=200)
    other_financing: str | None = Field(default=None, max_length=500)
    project_financing: str | None = Field(default=None, max_length=500)
    source: str = Field(max_length=200)


class CostSplitNotFound(NotFound):
    """No cost split of yours has this id."""


def add(session: Session, row: CostSplit, members: Sequence[rules.Counted], split: rules.Split) -> CostSplit:
    """Keep a split with the shares of all its members."""
    session.add(row)
    session.flush()
    assert row.id
    shares = {share.number: share.amount for share in split.shares}
    session.add_all(
        CostShare(
            cost_split_id=row.id,
            number=one.number,
            organisation_id=one.organisation_id,
            name=one.name,
            population=one.population,
            population_on=one.population_on,
            population_source=one.given_source,
            amount=shares[one.number],
        )
        for one in members
    )
    session.flush()
    return row


def by_uuid(session: Session, uuid: UUID, organisation: str) -> CostSplit:
    query = select(CostSplit).where(col(CostSplit.uuid) == uuid, col(CostSplit.organisation) == organisation)
    found = session.exec(query).one_or_none()
    if found is None:
        raise CostSplitNotFound(f"You have no cost split {uuid}.")
    return found


def members(session: Session, ids: Sequence[int]) -> dict[int, list[rules.Counted]]:
    """Each split's members, as they were counted, by organisation number."""
    found: dict[int, list[rules.Counted]] = {one: [] for one in ids}
    query = select(CostShare).where(col(CostShare.cost_split_id).in_(ids)).order_by(col(CostShare.number))
    for row in session.exec(query):
        found[row.cost_split_id].append(
            rules.Counted(
                row.number, row.organisation_id, row.name, row.population, row.population_on, row.population_source
            )
        )
    return found


def page(session: Session, organisation: str, after: UUID | None, limit: int) -> Sequence[CostSplit]:
    """An organisation's own, newest first; limit + 1 rows."""
    query = select(CostSplit).where(col(CostSplit.organisation) == organisation)
    if after:
        query = query.where(col(CostSplit.uuid) < after)
    return session.exec(query.order_by(col(CostSplit.uuid).desc()).limit(limit + 1)).all()


def grants(row: CostSplit) -> list[rules.Grant]:
    return [rules.Grant(Decimal(one["amount"]), rules.GrantUse(one["use"])) for one in row.grants]


def split(row: CostSplit, counted: Sequence[rules.Counted]) -> rules.Split:
    """The split once more, from what is kept of it: the same as when it was made."""
    return rules.split(rules.key(row.key), [one.member for one in counted], row.amount_given, grants(row))


def models(session: Session) -> Sequence[CostModel]:
    return session.exec(select(CostModel).order_by(col(CostModel.code))).all()


def load_models(session: Session, lines: Sequence[Mapping[str, str]]) -> int:
    """Keep the models of `data/cost_sharing_models.csv` that are not there yet. → how many"""
    known = set(session.exec(select(CostModel.code)))
    new = [line for line in lines if line["model_id"] not in known]
    session.add_all(
        CostModel(
            code=line["model_id"],
            co_operation=line["cooperation"],
            year=int(line["year"]) if line["year"] else None,
            established_year=int(line["established_year"]) if line["established_year"] else None,
            form=line["organisational_form"] or None,
            members=line["member_count"] or None,
            fixed=line["fixed_per_municipality_nok"] or None,
            per_inhabitant=line["per_inhabitant_nok"] or None,
            external=Decimal(line["external_contribution_nok"]) if line["external_contribution_nok"] else None,
            external_contributor=line["external_contributor"] or None,
            other_financing=line["other_financing"] or None,
            project_financing=line["project_financing"] or None,
            source=line["source"],
        )
        for line in new
    )
    session.flush()
    return len(new)
