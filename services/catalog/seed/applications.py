"""Fictional specifications for suppliers and advisers, profiles, and applications that have come as far as they say."""

from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from services.catalog.applications import store as applications
from services.catalog.applications.rules import Step
from services.catalog.applications.store import Application
from services.catalog.organisations import store as organisations
from services.catalog.products import store as products
from services.catalog.profiles import store as profiles
from services.catalog.schemes.rules import SubjectKind
from services.catalog.seed.files import told
from services.catalog.specifications import store as specifications
from services.chassis.auth import Caller
from services.chassis.settings import IssuerKind
from services.chassis.values import seed_id

DATA_EXCHANGE = "velferdsteknologi-datautveksling"
APPLICANT, BODY, ASSESSOR = "fiktiv-soker", "100000040", "fiktiv-vurderer"


def load_profiles(session: Session, new: list[dict[str, Any]]) -> int:
    loaded = 0
    for one in new:
        version = specifications.find_version(session, one["specification"], one["version"])
        assert version
        if one["slug"] not in profiles.slugs(session, version.id):
            profiles.put(session, version.id, one["slug"], one["name"], one["requirements"])
            loaded += 1
    return told(session, "specification.seed", "/specifications", loaded)


def load(session: Session, new: list[dict[str, Any]]) -> int:
    known = set(session.exec(select(Application.uuid)))
    owners = organisations.ids_by_number(session)
    missing = [one for one in new if seed_id(f"certification-application:{one['name']}") not in known]
    for one in missing:
        version = specifications.find_version(session, one.get("specification", DATA_EXCHANGE), "1.0")
        assert version
        product = products.find(session, one["product"]) if "product" in one else None
        row = Application(
            uuid=seed_id(f"certification-application:{one['name']}"),
            subject_kind=SubjectKind(one.get("subject_kind", "product")),
            applicant_id=owners[one["applicant"]],
            product_id=product.id if product else None,
            role=one.get("role"),
            specification_version_id=version.id,
            profile=one.get("profile"),
            delivery_forms=one.get("delivery_forms", []),
            note=one.get("note"),
            created_at=datetime.fromisoformat(one["created_at"]),
            client=APPLICANT,
        )
        applications.add(session, row)
        for step, at, reason in one["steps"]:
            assesses = Step(step) is Step.REQUEST_INFORMATION
            applications.take(
                session,
                row,
                Step(step),
                caller=acting(BODY, ASSESSOR) if assesses else acting(one["applicant"], APPLICANT),
                at=datetime.fromisoformat(at),
                reason=reason,
            )
    return told(session, "certification-application.seed", "/certification-applications", len(missing))


def acting(organisation: str, client: str, *scopes: str) -> Caller:
    """Somebody fictional who does something."""
    return Caller(organisation, frozenset(scopes), client, IssuerKind.MACHINE)
