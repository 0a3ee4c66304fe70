"""The catalogue's seed data: real organisations, co-operations and components, and a fictional part that says so."""

from collections.abc import Callable, Iterator

from sqlmodel import Session

from services.catalog.seed import (
    adoptions,
    applications,
    assessments,
    certificates,
    co_operations,
    components,
    conformance,
    decisions,
    equivalents,
    index,
    interfaces,
    needs,
    organisations,
    products,
    recalls,
    specifications,
    standards,
    supplier_suspensions,
    surveillance,
    testing,
)
from services.catalog.seed.files import fictional
from services.chassis.db import Database


def load(database: Database, *, tell: Callable[[str], None], made_up: bool = True) -> None:
    """Load what is not there yet; a second time changes nothing. Without what is made up only the real rows."""
    with database.writing() as session:
        for what, loaded in _loaded(session, made_up=made_up):
            if loaded:
                tell(f"{loaded} {what}")


def _loaded(session: Session, *, made_up: bool) -> Iterator[tuple[str, int]]:
    """What is loaded, and how many, one after the other."""
    yield "organisations", organisations.load(session, made_up=made_up)
    yield "states of co-operations", co_operations.load(session, made_up=made_up)
    yield "components, standards, reports and projects", components.load(session)
    if made_up:
        yield "fictional components", components.load_fictional(session)
    yield "standards", standards.load(session)
    yield "standards of 2011", standards.load_2011(session)
    if made_up:
        yield from _certified(session)
    yield "projects of Helgeland 2018 and 2019", needs.load(session)
    if made_up:
        yield "fictional needs", needs.load_fictional(session, fictional("needs.json")["needs"])
    yield "adoptions that a report of 2019 names", adoptions.load(session)
    if made_up:
        yield "fictional adoptions", adoptions.load_fictional(session, fictional("adoptions.json")["adoptions"])
        yield "recall of a fictional certificate", recalls.load(session)  # after who uses what
    yield "entries of the search", index.load(session)  # the last one: it finds what the others loaded
    yield "counts of who uses what", adoptions.count(session)  # after the entries that keep them


def _certified(session: Session) -> Iterator[tuple[str, int]]:
    """All that is made up about specifications, products and their certificates."""
    catalogue, required, certified = (
        fictional(name) for name in ("catalogue.json", "specifications.json", "certification.json")
    )
    yield "fictional interfaces", interfaces.load(session, fictional("interfaces.json")["interfaces"])
    yield "fictional requirement specifications", specifications.load(session, catalogue["specifications"])
    yield "versions that came later", specifications.load_further_versions(session, required["further_versions"])
    yield "derived specifications", specifications.load_derived(session, required["derived"])
    yield "of them for suppliers and advisers", specifications.load(session, certified["specifications"])
    yield "profiles", applications.load_profiles(session, certified["profiles"])
    yield "fictional products", products.load(session, catalogue["products"])
    yield "more of the fictional products", products.load_more(session, fictional("products.json"))
    yield "fictional certificates", certificates.load(session, catalogue["certificates"])
    yield "more of them", certificates.load(session, fictional("certificates.json")["certificates"])
    yield (
        "fictional suspensions, appeals and non-conformities",
        surveillance.load(session, fictional("surveillance.json")),
    )
    yield (
        "fictional suspensions of suppliers",
        supplier_suspensions.load(session, fictional("supplier_suspensions.json")),
    )
    yield "fictional equivalent evidence", equivalents.load(session, fictional("equivalents.json")["equivalents"])
    yield "fictional applications for certification", applications.load(session, certified["applications"])
    yield "fictional test tools, reports and evidence", testing.load(session, fictional("testing.json"))
    yield "fictional assessments", assessments.load(session, fictional("testing.json")["assessments"])
    yield "fictional decisions on them", decisions.load(session, certified["decisions"], certified["decided_by"])
    yield "fictional test endpoints and conformance runs", conformance.load(session, fictional("conformance.json"))
