"""The sandbox, put together: one process, a port for each stand-in, and one for control."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from services.chassis.app import new_app
from services.chassis.db import Database
from services.chassis.observe import Observe
from services.integration.sandbox import logins, posting
from services.integration.sandbox.clients import api as clients
from services.integration.sandbox.consents import api as consents
from services.integration.sandbox.delegations import api as delegations
from services.integration.sandbox.enhetsregisteret import api as enhetsregisteret
from services.integration.sandbox.enterprise_certificates import api as certificates
from services.integration.sandbox.faults import api as faults
from services.integration.sandbox.faults.rules import StandIn
from services.integration.sandbox.faults.store import Register
from services.integration.sandbox.maskinporten import api as maskinporten
from services.integration.sandbox.providers import store as providers
from services.integration.sandbox.providers.rules import ProviderName
from services.integration.sandbox.receiving_systems import api as receiving_systems
from services.integration.sandbox.scopes import api as scopes
from services.integration.sandbox.self_service import api as self_service
from services.integration.sandbox.settings import Settings
from services.integration.sandbox.svarinn import api as svarinn
from services.integration.sandbox.svarut_time.store import Clock
from services.integration.sandbox.system_users import api as system_users

DESCRIPTION = """\
Control of the sandbox: stand-ins for Maskinporten, its self-service, ID-porten, Ansattporten, SvarUT and
Enhetsregisteret that speak their real protocols on ports of their own. Here is what Digdir, Altinn and KS do behind
them, and faults that strike the callers on the wire. Never in production.
"""
LOGINS = {StandIn.IDPORTEN: ProviderName.IDPORTEN, StandIn.ANSATTPORTEN: ProviderName.ANSATTPORTEN}


class Ports:
    """Sends a request to whoever lives on the port it came to, so that the national paths stay as they are."""

    def __init__(self, control: ASGIApp, on_ports: dict[int, ASGIApp]) -> None:
        self._control, self._on_ports = control, on_ports

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._control(scope, receive, send)
            return
        _, port = scope.get("server") or ("", None)
        app = self._on_ports.get(port) if port else None
        await (app or _nobody)(scope, receive, send)


async def _nobody(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("No stand-in lives on this port.\n", 421)(scope, receive, send)


def create_app(settings: Settings | None = None) -> ASGIApp:
    settings = settings or Settings()
    database = Database(settings.database_url, connections=settings.database_connections)
    register, clock = Register(), Clock(database, timedelta(seconds=settings.svarut_step_seconds))
    login_clock = providers.Clock()
    control = new_app(
        "Samvirke: sandbox",
        section="sandbox",
        description=DESCRIPTION,
        version="1.0.0",
        settings=settings.of_control(),
        database=database,
        routers=[
            faults.router,
            faults.scenarios,
            maskinporten.router,
            clients.router,
            scopes.router,
            certificates.router,
            delegations.router,
            system_users.router,
            consents.router,
            *logins.CONTROL,
            receiving_systems.router,
            svarinn.router,
            *posting.CONTROL,
            enhetsregisteret.router,
        ],
        audited=False,
    )
    control.state.faults, control.state.clock = register, clock
    control.state.sandbox, control.state.login_clock = settings, login_clock
    ports = {
        StandIn.MASKINPORTEN: settings.maskinporten_port,
        StandIn.IDPORTEN: settings.idporten_port,
        StandIn.ANSATTPORTEN: settings.ansattporten_port,
        StandIn.SELF_SERVICE: settings.self_service_port,
        StandIn.SVARUT: settings.svarut_port,
        StandIn.ENHETSREGISTERET: settings.enhetsregisteret_port,
    }
    on_ports: dict[int, ASGIApp] = {settings.control_port: control}
    for one, port in ports.items():
        app: ASGIApp = stand_in(settings, one, database=database, clock=clock, login_clock=login_clock)
        if one in LOGINS:
            app = logins.for_browsers(app)
        # Faults stand outermost, as only there they meet the connection itself.
        on_ports[port] = faults.Faulty(Observe(app, CollectorRegistry()), one, register)
    return Ports(control, on_ports)


def _fiks(app: FastAPI) -> None:
    """SvarUT and SvarInn live on one host."""
    posting.speak_nationally(app)
    svarinn.speak_nationally(app)


@asynccontextmanager
async def _alone(app: FastAPI) -> AsyncIterator[None]:
    """What control does for all of them together."""
    await app.state.database.open_hot()
    yield
    await app.state.database.close_hot()


def stand_in(
    settings: Settings,
    name: str,
    *,
    database: Database | None = None,
    clock: Clock | None = None,
    login_clock: providers.Clock | None = None,
) -> FastAPI:
    """One stand-in alone, with its national paths and errors."""
    app = FastAPI(
        openapi_url=None,
        redirect_slashes=False,
        max_body_size=posting.LARGEST_BODY,
        lifespan=_alone,
        # `Observe` tells and counts; looking for OpenTelemetry's providers takes a fiftieth of a token.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.sandbox = settings
    app.state.database = database or Database(settings.database_url, connections=settings.database_connections)
    app.state.clock = clock or Clock(app.state.database, timedelta(seconds=settings.svarut_step_seconds))
    app.state.login_clock = login_clock or providers.Clock()
    speakers: dict[StandIn, Callable[[FastAPI], None]] = {
        StandIn.MASKINPORTEN: maskinporten.speak_nationally,
        StandIn.SELF_SERVICE: self_service.speak_nationally,
        StandIn.SVARUT: _fiks,
        StandIn.ENHETSREGISTERET: enhetsregisteret.speak_nationally,
        **{one: partial(logins.speak_nationally, name=provider) for one, provider in LOGINS.items()},
    }
    speakers[StandIn(name)](app)
    return app
