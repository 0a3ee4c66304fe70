"""The catalogue service, put together."""

from datetime import timedelta

from fastapi import FastAPI
from sqlmodel import Session

from services.catalog.adopted_results import api as adopted_results
from services.catalog.adopters import api as adopters
from services.catalog.adoption_steps import api as adoption_steps
from services.catalog.adoptions import api as adoptions
from services.catalog.allocations import api as allocations
from services.catalog.amendments import api as amendments
from services.catalog.appeal_steps import api as appeal_steps
from services.catalog.appeals import api as appeals
from services.catalog.application_steps import api as application_steps
from services.catalog.applications import api as applications
from services.catalog.artefacts import api as artefacts
from services.catalog.assessment_results import api as assessment_results
from services.catalog.assessments import api as assessments
from services.catalog.bindings import api as bindings
from services.catalog.certificate_pages import api as certificate_pages
from services.catalog.certificate_steps import api as certificate_steps
from services.catalog.certificates import api as certificates
from services.catalog.certification_results import api as certification_results
from services.catalog.co_operations import api as co_operations
from services.catalog.comparisons import api as comparisons
from services.catalog.components import api as components
from services.catalog.confirmations import api as confirmations
from services.catalog.conformance_runs import api as conformance_runs
from services.catalog.consumers import api as consumers
from services.catalog.contract_endings import api as contract_endings
from services.catalog.contract_gaps import api as contract_gaps
from services.catalog.corrections import api as corrections
from services.catalog.credentials import api as credentials
from services.catalog.decisions import api as decisions
from services.catalog.declarations import api as declarations
from services.catalog.delegations import api as delegations
from services.catalog.dependencies import api as dependencies
from services.catalog.derivations import api as derivations
from services.catalog.documents import api as documents
from services.catalog.drafts import api as drafts
from services.catalog.equivalents import api as equivalents
from services.catalog.evidence_files import api as evidence_files
from services.catalog.grants import api as grants
from services.catalog.hits import api as hits
from services.catalog.integrity_flags import api as integrity_flags
from services.catalog.interface_versions import api as interface_versions
from services.catalog.interfaces import api as interfaces
from services.catalog.joinings import api as joinings
from services.catalog.joint_verifications import api as joint_verifications
from services.catalog.landscapes import api as landscapes
from services.catalog.matches import api as matches
from services.catalog.memberships import api as memberships
from services.catalog.needs import api as needs
from services.catalog.neighbours import api as neighbours
from services.catalog.non_conformities import api as non_conformities
from services.catalog.organisations import api as organisations
from services.catalog.organisations import store as kept_organisations
from services.catalog.packs import api as packs
from services.catalog.partners import api as partners
from services.catalog.permissions import PERMISSIONS
from services.catalog.product_versions import api as product_versions
from services.catalog.products import api as products
from services.catalog.profiles import api as profiles
from services.catalog.recall_notices import api as recall_notices
from services.catalog.recalls import api as recalls
from services.catalog.register_checks import api as register_checks
from services.catalog.registrations import api as registrations
from services.catalog.releases import api as releases
from services.catalog.repositories import api as repositories
from services.catalog.roll_ups import api as roll_ups
from services.catalog.schemes import api as schemes
from services.catalog.scores import api as scores
from services.catalog.settings import Settings
from services.catalog.signing_keys.store import keyring
from services.catalog.specification_versions import api as specification_versions
from services.catalog.specifications import api as specifications
from services.catalog.standards import api as standards
from services.catalog.status_lists import api as status_lists
from services.catalog.status_lists.store import Lists
from services.catalog.steps import api as steps
from services.catalog.stewards import api as stewards
from services.catalog.successions import api as successions
from services.catalog.supplier_suspensions import api as supplier_suspensions
from services.catalog.take_overs import api as take_overs
from services.catalog.test_endpoints import api as test_endpoints
from services.catalog.test_reports import api as test_reports
from services.catalog.testers import api as testers
from services.catalog.verifications import api as verifications
from services.chassis import feed, trail
from services.chassis.app import new_app
from services.chassis.auth import Caller
from services.chassis.db import Database

SOURCE = "urn:samvirke:catalog"
DESCRIPTION = """\
The catalogue of what municipalities share: components and their interfaces, the standards that bind, the requirement
specifications that products are certified against, the products and their certificates, who uses what, and what
municipalities need. `GET /search` finds all of it.

**Reading is open**, but for what public bodies use, with which contracts: that is seen by public bodies only, with a
token. `POST /verify` answers whether a product is certified on a day. **Writing** needs a token; the
organisation that acts is the one in the token. **Names** sort as Norwegian does. **Texts** come in the languages they
exist in (`nb`, `nn`, `en`, `se`). **Dates** are days in Europe/Oslo, instants (`…_at`) are UTC. **Lists** come in
pages: give `next` back as `after`. **Changes** start from what was read (`If-Match` with its `ETag`), name only what
they change (merge-patch), and can be tried first (`?dry_run=true`). **Fields** and one language can be asked for
(`?fields=`, `?language=`), and most things as of a day (`?on=`). **What happens** is told by `GET /events`.
**Errors** are problems (RFC 9457): `type` is stable, `errors[]` holds every rule that failed. What is
marked «fiktiv» or `fictional` is made up, to try the system with; everything else is real.
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or Settings()
    app = new_app(
        "Samvirke: catalogue",
        section="catalog",
        description=DESCRIPTION,
        version="3.1.0",
        settings=settings,
        database=Database(settings.database_url, connections=settings.database_connections),
        alongside=[verifications.remembering],
        permissions=PERMISSIONS,
        routers=[  # the hot ones first: a request looks through the routes in order
            verifications.router,
            joint_verifications.router,
            status_lists.router,
            components.router,
            stewards.router,
            steps.router,
            scores.router,
            repositories.router,
            repositories.lookup_router,
            releases.router,
            dependencies.router,
            interfaces.router,
            artefacts.router,
            comparisons.router,
            consumers.router,  # before the versions, whose steps would take its place
            interface_versions.router,
            standards.router,
            bindings.router,
            certificates.router,
            credentials.router,
            credentials.keys_router,
            certificate_steps.router,
            non_conformities.router,
            corrections.router,
            appeals.router,
            appeal_steps.router,
            integrity_flags.router,
            certificate_pages.router,
            supplier_suspensions.router,
            equivalents.router,
            organisations.router,
            register_checks.router,
            successions.router,
            roll_ups.router,
            co_operations.router,
            memberships.router,
            products.router,
            product_versions.router,
            declarations.router,
            documents.router,
            take_overs.router,
            contract_endings.router,  # before the adoptions, as whose id it would be read
            adoptions.router,
            registrations.router,
            allocations.router,  # before the steps, for one of which it would be taken
            adoption_steps.router,
            adopters.router,
            confirmations.router,
            landscapes.router,
            contract_gaps.router,
            recalls.router,
            recall_notices.router,
            neighbours.router,
            needs.router,
            joinings.router,
            matches.router,
            test_endpoints.router,
            conformance_runs.router,
            partners.router,
            specifications.router,
            specification_versions.router,
            drafts.router,
            amendments.router,
            derivations.router,
            packs.router,
            profiles.router,
            schemes.router,
            evidence_files.router,
            testers.router,
            delegations.router,
            test_reports.router,
            assessments.router,
            assessment_results.router,
            adopted_results.router,
            certification_results.router,
            applications.router,
            application_steps.router,
            decisions.router,
            grants.router,
            hits.router,
            feed.new_open_events_router(SOURCE, "Samvirke: news of the catalogue"),
            trail.new_audit_router(_sees_all_changes, "100000008", "/components"),
        ],
    )
    app.state.keyring = keyring(settings)
    app.state.status_lists = Lists(
        app.state.keyring, settings.public_url, lives=timedelta(hours=settings.status_list_hours)
    )
    return app


def _sees_all_changes(reader: Session, caller: Caller) -> bool:
    """What public bodies use stands in the trail as well, so an editor who sees all of it must be one."""
    return caller.may("catalog.admin") and kept_organisations.is_public_body(reader, caller.organisation)
