"""What has to be looked at before an application takes a step."""

from datetime import date
from uuid import UUID

from sqlmodel import Session

from services.catalog.applications import rules
from services.catalog.applications import store as applications
from services.catalog.products import store as products
from services.catalog.products.store import Product
from services.catalog.specifications import store as specifications
from services.catalog.supplier_suspensions import store as supplier_suspensions
from services.chassis.auth import Caller
from services.chassis.problems import refuse


def own(session: Session, uuid: UUID, caller: Caller, today: date) -> applications.Application:
    """The applicant's own application, locked; to everyone else there is none."""
    row = applications.locked(session, uuid)
    if not applications.is_applicant(session, row, caller.organisation, today):
        raise applications.ApplicationNotFound(f"No application of yours has the id {uuid}.")
    return row


def check_submission(session: Session, row: applications.Application, today: date) -> None:
    """Refuse one that cannot be submitted today, for every reason there is. Of two that are alike and are submitted at
    once the second sees the first."""
    others = applications.pending(session, row)  # first: it locks, and a suspension waits for that too
    suspended = supplier_suspensions.is_suspended(session, row.applicant_id, today, deciding=True)
    version = specifications.version_by_id(session, row.specification_version_id)
    sought = applications.sought(row, applications.product_of(session, row))
    found = rules.check_submission(sought, applications.facts(session, row, version, today, suspended=suspended))
    if row.product_id is not None:
        product = session.get_one(Product, row.product_id)
        of_today = {one.id for one in products.suppliers(session, [product.supplier_id], today)[product.supplier_id]}
        before = {product.supplier_id, *of_today}
        if row.applicant_id not in before:
            found.insert(0, rules.NotYourProduct("It is another supplier's now."))
    scope = applications.scope(row)
    found += [
        rules.ApplicationRepeated(f"See {one.path}.", application=one.path)
        for one in others
        if applications.scope(one).meets(scope)
    ]
    refuse(found)
