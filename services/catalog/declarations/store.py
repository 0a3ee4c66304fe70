"""Declarations as they are kept, with their answers; the declaration itself stands with the products."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.declarations.rules import Answer
from services.catalog.products.store import Declaration
from services.chassis.db import choice
from services.chassis.problems import Conflict, NotFound


class DeclarationAnswer(Table, table=True):
    """What is declared of one requirement."""

    __tablename__ = "declaration_answer"
    declaration_id: int = Field(foreign_key="declaration.id", primary_key=True)
    requirement_id: int = Field(foreign_key="requirement.id", primary_key=True, index=True)
    answer: Answer = Field(sa_type=choice(Answer))
    comment: str | None = Field(default=None, max_length=2000)


class DeclarationNotFound(NotFound):
    """The product has no declaration with this id."""


class AlreadyDeclared(Conflict):
    """The product has a declaration against this version already; withdraw it first."""


_SHOWN = """
    SELECT d.id AS key, d.uuid AS id, s.slug AS specification, v.label AS version, d.declared_on, d.organisation_number,
           d.withdrawn_on, d.withdrawn_reason
      FROM declaration d
      JOIN specificationversion v ON v.id = d.specification_version_id
      JOIN specification s ON s.id = v.specification_id
     WHERE d.product_id = :product
"""
_ONE = sa.text(f"{_SHOWN} AND d.uuid = :uuid")
_PAGE = sa.text(f"{_SHOWN} AND (CAST(:after AS uuid) IS NULL OR d.uuid > :after) ORDER BY d.uuid LIMIT :rows")
_ANSWERS = sa.text(
    """
    SELECT a.declaration_id, q.code AS requirement, q.obligation, a.answer, a.comment
      FROM declaration_answer a JOIN requirement q ON q.id = a.requirement_id
     WHERE a.declaration_id = ANY(:keys) ORDER BY q.code
    """
)


def add(session: Session, declaration: Declaration, answers: Sequence[DeclarationAnswer]) -> None:
    session.add(declaration)
    try:
        session.flush()
    except IntegrityError:
        raise AlreadyDeclared(pointer="#/version") from None
    for one in answers:
        one.declaration_id = declaration.id
    session.add_all(answers)
    session.flush()


def shown(session: Session, product_id: int, uuid: UUID) -> sa.Row[Any]:
    found = session.execute(_ONE, {"product": product_id, "uuid": uuid}).one_or_none()
    if found is None:
        raise DeclarationNotFound(f"No declaration has the id {uuid}.")
    return found


def page(session: Session, product_id: int, after: list[Any] | None, limit: int) -> Sequence[sa.Row[Any]]:
    values = {"product": product_id, "after": after[0] if after else None, "rows": limit + 1}
    return session.execute(_PAGE, values).all()


def answers(session: Session, keys: Sequence[int]) -> dict[int, list[sa.Row[Any]]]:
    """Each declaration's answers, by the requirement's id."""
    found: dict[int, list[sa.Row[Any]]] = {key: [] for key in keys}
    for row in session.execute(_ANSWERS, {"keys": list(keys)}):
        found[row.declaration_id].append(row)
    return found


def locked(session: Session, product_id: int, uuid: UUID) -> Declaration:
    query = select(Declaration).where(col(Declaration.product_id) == product_id, col(Declaration.uuid) == uuid)
    found = session.exec(query.with_for_update()).one_or_none()
    if found is None:
        raise DeclarationNotFound(f"No declaration has the id {uuid}.")
    return found
