"""The catalogue's seed data: real organisations, co-operations and components, and a fictional part that says so."""

from collections.abc import Callable

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


def load(database: Database, *, tell: Callable[[str], None]) -> None:
    """Load what is not there yet; a second time changes nothing."""
    made_up = fictional("catalogue.json")
    required = fictional("specifications.json")
    certified = fictional("certification.json")
    with database.writing() as session:
        for what, loaded in (
            ("organisations", organisations.load(session)),
            ("states of co-operations", co_operations.load(session)),
            ("components, standards, reports and projects", components.load(session)),
            ("fictional components", components.load_fictional(session)),
            ("standards", standards.load(session)),
            ("standards of 2011", standards.load_2011(session)),
            ("fictional interfaces", interfaces.load(session, fictional("interfaces.json")["interfaces"])),
            ("fictional requirement specifications", specifications.load(session, made_up["specifications"])),
            ("versions that came later", specifications.load_further_versions(session, required["further_versions"])),
            ("derived specifications", specifications.load_derived(session, required["derived"])),
            ("of them for suppliers and advisers", specifications.load(session, certified["specifications"])),
            ("profiles", applications.load_profiles(session, certified["profiles"])),
            ("fictional products", products.load(session, made_up["products"])),
            ("more of the fictional products", products.load_more(session, fictional("products.json"))),
            ("fictional certificates", certificates.load(session, made_up["certificates"])),
            ("more of them", certificates.load(session, fictional("certificates.json")["certificates"])),
            (
                "fictional suspensions, appeals and non-conformities",
                surveillance.load(session, fictional("surveillance.json")),
            ),
            (
                "fictional suspensions of suppliers",
                supplier_suspensions.load(session, fictional("supplier_suspensions.json")),
            ),
            ("fictional equivalent evidence", equivalents.load(session, fictional("equivalents.json")["equivalents"])),
            ("fictional applications for certification", applications.load(session, certified["applications"])),
            ("fictional test tools, reports and evidence", testing.load(session, fictional("testing.json"))),
            ("fictional assessments", assessments.load(session, fictional("testing.json")["assessments"])),
            ("fictional decisions on them", decisions.load(session, certified["decisions"], certified["decided_by"])),
            ("fictional test endpoints and conformance runs", conformance.load(session, fictional("conformance.json"))),
            ("projects of Helgeland 2018 and 2019", needs.load(session)),
            ("fictional needs", needs.load_fictional(session, fictional("needs.json")["needs"])),
            ("adoptions that a report of 2019 names", adoptions.load(session)),
            ("fictional adoptions", adoptions.load_fictional(session, fictional("adoptions.json")["adoptions"])),
            ("recall of a fictional certificate", recalls.load(session)),  # after who uses what
            ("entries of the search", index.load(session)),  # the last one: it finds what the others loaded
            ("counts of who uses what", adoptions.count(session)),  # after the entries that keep them
        ):
            if loaded:
                tell(f"{loaded} {what}")
