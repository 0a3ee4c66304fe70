"""The neighbours that a service asks, behind it as real apps."""

from collections.abc import Callable
from contextlib import ExitStack

from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.agreements.catalog_client import Catalog
from services.agreements.integration_client import Integration
from services.chassis import db
from services.chassis.http import Neighbour
from services.integration.enhetsregisteret_client import Register
from services.integration.sandbox import app as sandbox
from services.integration.sandbox.settings import Settings as SandboxSettings
from tests.conftest import serving
from tests.issuer import Issuer


def give(
    service: str,
    apps: Callable[[str], FastAPI],
    database: Callable[[str], str],
    open_ones: ExitStack,
    issuer: Issuer,
) -> FastAPI:
    """→ the service's app, which asks the catalogue, integration or Enhetsregisteret's stand-in; `database` gives the
    URL of a neighbour's."""
    app = apps(service)
    if service == "agreements":
        catalog = open_ones.enter_context(serving(apps("catalog"), database("catalog")))
        app.state.catalog = Catalog(Neighbour("The catalogue", catalog))
        integration = open_ones.enter_context(serving(apps("integration"), database("integration")))
        integration.headers.update(issuer.bearer("100000008", "dispatch.read"))
        app.state.integration = Integration(Neighbour("Integration", integration))
    if service == "integration":
        registered = db.Database(database("sandbox"))
        open_ones.callback(registered.close)
        stand_in = sandbox.stand_in(
            SandboxSettings(database_url=registered.url), "enhetsregisteret", database=registered
        )
        asked = open_ones.enter_context(TestClient(stand_in))
        app.state.register = Register(Neighbour("Enhetsregisteret", asked))
    return app
