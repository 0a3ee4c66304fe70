"""The agreements service, put together."""

import httpx
from fastapi import FastAPI

from services.agreements.acceptances import api as acceptances
from services.agreements.accession_steps import api as accession_steps
from services.agreements.accessions import api as accessions
from services.agreements.agreement_changes import api as agreement_changes
from services.agreements.awards import api as awards
from services.agreements.bids import api as bids
from services.agreements.calloff_steps import api as calloff_steps
from services.agreements.calloffs import api as calloffs
from services.agreements.capacities import api as capacities
from services.agreements.catalog_client import Catalog
from services.agreements.change_previews import api as change_previews
from services.agreements.competition_papers import api as competition_papers
from services.agreements.competition_steps import api as competition_steps
from services.agreements.cost_splits import api as cost_splits
from services.agreements.data_dictionaries import api as data_dictionaries
from services.agreements.deliveries import api as deliveries
from services.agreements.entries import api as entries
from services.agreements.evaluations import api as evaluations
from services.agreements.explanations import api as explanations
from services.agreements.fees import api as fees
from services.agreements.forecasts import api as forecasts
from services.agreements.framework_steps import api as framework_steps
from services.agreements.frameworks import api as frameworks
from services.agreements.integration_client import Integration
from services.agreements.letter_copies import api as letter_copies
from services.agreements.mini_competitions import api as mini_competitions
from services.agreements.openings import api as openings
from services.agreements.order_amendments import api as order_amendments
from services.agreements.order_answers import api as order_answers
from services.agreements.order_changes import api as order_changes
from services.agreements.order_messages import api as order_messages
from services.agreements.outside_buys import api as outside_buys
from services.agreements.part_bills import api as part_bills
from services.agreements.permissions import PERMISSIONS
from services.agreements.places import api as places
from services.agreements.price_lists import api as price_lists
from services.agreements.proofs import api as proofs
from services.agreements.questions import api as questions
from services.agreements.quotes import api as quotes
from services.agreements.releases import api as releases
from services.agreements.sales_reports import api as sales_reports
from services.agreements.savings import api as savings
from services.agreements.sealing.store import new_key
from services.agreements.settings import Settings
from services.agreements.spend_exports import api as spend_exports
from services.agreements.spendings import api as spendings
from services.agreements.thresholds import api as thresholds
from services.chassis import feed
from services.chassis.app import new_app
from services.chassis.db import Database
from services.chassis.http import Neighbour, new_client
from services.chassis.settings import Environment
from services.chassis.tokens import MachineToken

DESCRIPTION = """\
Framework agreements that municipalities share, and the call-offs they place on them. A call-off finds its supplier by
the announced ranking, asks the catalogue whether the product is certified, reserves its value under the ceiling, and
sends the order letter through the integration service.

**Money** is text with two decimals, in NOK; the name says whether it is with or without VAT. **Who you are** comes
from the token: a municipality sees its own call-offs, a supplier those sent to it. **Errors** are problems (RFC 9457):
`type` is stable, `errors[]` holds every rule that failed. **Repeats** are safe with `Idempotency-Key`.
"""


def create_app(settings: Settings | None = None, *, catalog: httpx.Client | None = None) -> FastAPI:
    """`catalog` is the way to the catalogue when it is not a network's."""
    settings = settings or Settings()
    client = catalog or new_client(settings.catalog_url)
    token = MachineToken(
        issuer=settings.maskinporten_issuer,
        token_url=settings.maskinporten_token_url,
        client=settings.client,
        key_file=settings.key_file,
        scope=f"{settings.scope_prefix}:dispatch.read",
    )
    integration = new_client(settings.integration_url, auth=token)
    app = new_app(
        "Samvirke: agreements",
        section="agreements",
        description=DESCRIPTION,
        version="2.3.0",
        settings=settings,
        database=Database(settings.database_url, connections=settings.database_connections),
        permissions=PERMISSIONS,
        discreet=mini_competitions.router.prefix,
        routers=[
            calloffs.router,
            quotes.router,
            competition_papers.router,
            letter_copies.router,
            calloff_steps.router,
            order_changes.router,
            order_messages.router,
            order_answers.router,
            order_amendments.router,
            deliveries.router,
            acceptances.router,
            explanations.router,
            frameworks.router,
            framework_steps.router,
            thresholds.router,
            capacities.router,
            places.router,
            places.supplier_router,
            price_lists.router,
            agreement_changes.router,
            change_previews.router,
            accessions.router,
            accession_steps.router,
            fees.router,
            part_bills.router,
            cost_splits.router,
            entries.router,
            spendings.router,
            proofs.router,
            mini_competitions.router,
            competition_steps.router,
            questions.router,
            bids.router,
            openings.router,
            forecasts.router,
            sales_reports.router,
            savings.router,
            outside_buys.router,
            spend_exports.router,
            data_dictionaries.router,
            releases.router,
            releases.call_offs_router,
            evaluations.router,
            awards.router,
            feed.new_events_router("964983291", "urn:samvirke:agreements"),
        ],
        closing=[integration.close, *([client.close] if catalog is None else [])],
    )
    app.state.catalog = Catalog(Neighbour("The catalogue", client))
    app.state.sealing_key = new_key(settings)
    if settings.env is Environment.PRODUCTION:
        app.state.sealing_key.must_be_there()
    app.state.integration = Integration(Neighbour("Integration", integration))
    return app
