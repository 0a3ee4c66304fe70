"""What results are taken over from: a supplier's declaration in force, and the versions that an application is for."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlmodel import Session, col, select

from services.catalog.applications import store as applications
from services.catalog.applications.store import Application
from services.catalog.declarations import store as declarations
from services.catalog.declarations.rules import Answer
from services.catalog.products.rules import order_key
from services.catalog.products.store import Declaration


@dataclass(frozen=True)
class Declared:
    """A declaration in force, with its answers by the requirement's id."""

    uuid: UUID
    declared_on: date
    organisation_number: str
    answers: dict[str, tuple[Answer, str | None]]


def declaration(session: Session, application: Application) -> Declared | None:
    """What the supplier declares of the application's product against the version that it is held to."""
    query = select(Declaration).where(
        col(Declaration.product_id) == application.product_id,
        col(Declaration.specification_version_id) == application.specification_version_id,
        col(Declaration.withdrawn_on).is_(None),
    )
    found = session.exec(query).one_or_none()
    if found is None:
        return None
    answers = {
        one.requirement: (Answer(one.answer), one.comment)
        for one in declarations.answers(session, [found.id])[found.id]
    }
    return Declared(found.uuid, found.declared_on, found.organisation_number, answers)


def covers(application: Application, version: str) -> bool:
    """Whether an application is for a version of its product."""
    return applications.scope(application).versions.include(order_key(version))
