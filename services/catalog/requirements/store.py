"""Requirements as they are kept, and which version of a specification contains which."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.requirements import rules
from services.catalog.requirements.rules import Method, Obligation
from services.catalog.standards import store as standards
from services.chassis.db import JSON, choice
from services.chassis.problems import Problem


class Requirement(Table, table=True):
    """A requirement belongs to the specification, so its id (`code`) can never come to mean something else; versions
    contain it."""

    __table_args__ = (sa.UniqueConstraint("specification_id", "code"),)
    id: int = Field(default=None, primary_key=True)
    specification_id: int = Field(foreign_key="specification.id")
    code: str = Field(max_length=40)
    obligation: Obligation = Field(sa_type=choice(Obligation))
    text: dict[str, str] = Field(sa_type=JSON)
    verification: dict[str, str] | None = Field(default=None, sa_type=JSON)
    method: Method | None = Field(default=None, sa_type=choice(Method))
    applies_to: dict[str, str] | None = Field(default=None, sa_type=JSON)
    comment: dict[str, str] | None = Field(default=None, sa_type=JSON)
    standard: str | None = Field(default=None, max_length=80)
    clause: str | None = Field(default=None, max_length=80)
    replaces: str | None = Field(default=None, max_length=40)


class Contained(Table, table=True):
    """A version contains a requirement, in this place. `upstream_id`: the requirement of the followed specification
    that it stands for, and the hash of what that one said."""

    __tablename__ = "specificationversion_requirement"
    version_id: int = Field(foreign_key="specificationversion.id", primary_key=True)
    requirement_id: int = Field(foreign_key="requirement.id", primary_key=True, index=True)
    place: int
    upstream_id: int | None = Field(default=None, foreign_key="requirement.id", index=True)
    upstream_sha256: str | None = Field(default=None, max_length=64)


class Left(Table, table=True):
    """Why a version leaves out a requirement of the version that it follows."""

    __tablename__ = "specificationversion_left"
    version_id: int = Field(foreign_key="specificationversion.id", primary_key=True)
    upstream_id: int = Field(foreign_key="requirement.id", primary_key=True, index=True)
    reason: str = Field(max_length=2000)


@dataclass(frozen=True)
class Content:
    """A requirement in a version."""

    id: int
    code: str
    says: rules.Requirement
    upstream_id: int | None
    upstream: str | None
    """The id of the requirement that it stands for in the specification that is followed."""
    upstream_sha256: str | None

    @property
    def obligation(self) -> Obligation:
        return self.says.obligation


@dataclass(frozen=True)
class Stand:
    """What a version is to contain: a requirement, and which of the followed specification's it stands for."""

    says: rules.Requirement
    upstream_id: int | None = None
    upstream_sha256: str | None = None


def contents(session: Session, version_ids: Collection[int]) -> dict[int, list[Content]]:
    """Each version's requirements in their order."""
    upstream = aliased(Requirement)
    stood: Any = (col(Contained.version_id), col(Contained.upstream_id), col(Contained.upstream_sha256))
    query = (
        sa.select(Requirement, *stood, col(upstream.code).label("upstream"))
        .join(Contained, col(Contained.requirement_id) == col(Requirement.id))
        .outerjoin(upstream, col(Contained.upstream_id) == col(upstream.id))
        .where(col(Contained.version_id).in_(version_ids))
        .order_by(col(Contained.version_id), col(Contained.place))
    )
    found: dict[int, list[Content]] = defaultdict(list)
    for row in session.execute(query):
        one = row.Requirement
        found[row.version_id].append(
            Content(one.id, one.code, says(one), row.upstream_id, row.upstream, row.upstream_sha256)
        )
    return found


def requirements(session: Session, version_id: int) -> list[Content]:
    """A version's requirements in their order."""
    return contents(session, [version_id])[version_id]


def says(row: Requirement) -> rules.Requirement:
    return rules.Requirement(
        row.code,
        Obligation(row.obligation),
        row.text,
        row.verification,
        Method(row.method) if row.method else None,
        row.applies_to,
        row.comment,
        (row.standard, row.clause) if row.standard and row.clause else None,
        row.replaces,
    )


def check_clauses(
    session: Session, wanted: Sequence[rules.Requirement], pointer: Callable[[int], str]
) -> list[Problem]:
    """Of the clauses that are named, those that the register of standards does not have."""
    named = {one.clause for one in wanted if one.clause}
    known = standards.clause_ids(session, named) if named else {}
    return rules.check_clauses(wanted, known.keys(), pointer)


def left(session: Session, version_id: int) -> dict[int, str]:
    """Internal key of what the version leaves out of the one that it follows → why, where that was told."""
    return {row.upstream_id: row.reason for row in session.exec(select(Left).where(col(Left.version_id) == version_id))}


def settled(session: Session, specification_id: int, *, but: int) -> dict[str, rules.Requirement]:
    """What the ids mean that other versions than the draft `but` contain."""
    elsewhere = select(Contained.requirement_id).where(col(Contained.version_id) != but)
    query = select(Requirement).where(
        col(Requirement.specification_id) == specification_id, col(Requirement.id).in_(elsewhere)
    )
    return {row.code: says(row) for row in session.exec(query)}


def codes(session: Session, specification_id: int) -> dict[str, Requirement]:
    """Every requirement that the specification has had, by its id."""
    query = select(Requirement).where(col(Requirement.specification_id) == specification_id)
    return {row.code: row for row in session.exec(query)}


def put(session: Session, specification_id: int, version_id: int, stands: Sequence[Stand]) -> None:
    """Let a draft contain exactly these, in this order."""
    rows = codes(session, specification_id)
    for one in stands:
        values = _columns(one.says)
        row = rows.get(one.says.id)
        if row is None:
            row = rows[one.says.id] = Requirement(specification_id=specification_id, code=one.says.id, **values)
            session.add(row)
        elif says(row) != one.says:
            row.sqlmodel_update({**values, "replaces": one.says.replaces or row.replaces})
    session.flush()
    session.execute(sa.delete(Contained).where(col(Contained.version_id) == version_id))
    if stands:
        session.execute(
            sa.insert(Contained),
            [
                {
                    "version_id": version_id,
                    "requirement_id": rows[one.says.id].id,
                    "place": place,
                    "upstream_id": one.upstream_id,
                    "upstream_sha256": one.upstream_sha256,
                }
                for place, one in enumerate(stands)
            ],
        )


def _columns(one: rules.Requirement) -> dict[str, Any]:
    standard, clause = one.clause or (None, None)
    return {**one.content(), "replaces": one.replaces, "standard": standard, "clause": clause}


def leave(session: Session, version_id: int, reasons: Mapping[int, str]) -> None:
    """Keep why a version leaves out what it does; `reasons` are all there are."""
    session.execute(sa.delete(Left).where(col(Left.version_id) == version_id))
    if reasons:
        session.execute(
            sa.insert(Left),
            [{"version_id": version_id, "upstream_id": one, "reason": why} for one, why in reasons.items()],
        )
