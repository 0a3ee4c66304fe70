"""Everything that the search finds, from the concepts that know it."""

from collections.abc import Iterator
from datetime import date
from itertools import chain

from sqlmodel import Session

from services.catalog.co_operations import store as co_operations
from services.catalog.components import store as components
from services.catalog.interfaces import store as interfaces
from services.catalog.needs import store as needs
from services.catalog.organisations import store as organisations
from services.catalog.products import store as products
from services.catalog.search import store as search
from services.catalog.search.rules import Entry
from services.catalog.specifications import store as specifications
from services.catalog.standards import store as standards
from services.chassis import clock


def everything(session: Session, today: date) -> Iterator[Entry]:
    return chain(
        components.entries(session),
        interfaces.entries(session, today),
        standards.entries(session, today),
        organisations.entries(session),
        co_operations.entries(session),
        specifications.entries(session, today),
        products.entries(session, today),
        needs.entries(session, today),
    )


def load(session: Session) -> int:
    """Let the search find what it does not find yet."""
    session.flush()
    return search.fill(session, everything(session, clock.today()))


def anew(session: Session) -> int:
    """All entries as they are now; what is gone is forgotten."""
    return search.rebuild(session, everything(session, clock.today()))
