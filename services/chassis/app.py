"""One way to build a FastAPI application, so that every service answers alike."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from services.chassis import audit, db, problems, swagger
from services.chassis.auth import Gate
from services.chassis.db import Database
from services.chassis.idempotency import Replay
from services.chassis.observe import Observe
from services.chassis.permissions import Table
from services.chassis.problems import Invalid, Malformed, NotFound, Problem, Unavailable
from services.chassis.settings import ServiceSettings

LARGEST_BODY = 20 * 1024 * 1024
SEAL_SECONDS = 2.0


class ProblemResponse(JSONResponse):
    media_type = "application/problem+json"


class ProblemBody(BaseModel):
    """A problem (RFC 9457)."""

    type: str = Field(description="Stable and resolvable on this service", examples=["/problems/not-found"])
    title: str
    status: int
    detail: str | None = None
    errors: list[dict[str, Any]] | None = Field(
        default=None, description="Every rule that failed: each with its own type, detail and JSON pointer"
    )


class InvalidRequest(Invalid):
    """The request is not valid."""


class NotJson(Malformed):
    """The request body is not JSON."""


class BehindMigrations(Unavailable):
    """The database is not at this version's migration."""


def new_router(prefix: str, tag: str) -> APIRouter:
    """A concept's routes. Documenting `default` keeps FastAPI from publishing a 422 shape that we never send."""
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        responses={
            "default": {
                "description": "A problem (RFC 9457)",
                "content": {"application/problem+json": {"schema": ProblemBody.model_json_schema()}},
            }
        },
    )


class Service(FastAPI):
    """Its contract says who may do what."""

    def __init__(self, permissions: Table | None, **given: Any) -> None:
        super().__init__(**given)
        self.permissions = permissions

    def openapi(self) -> dict[str, Any]:
        told = self.openapi_schema is None
        document = super().openapi()
        if told and self.permissions:
            self.permissions.render(document)
        return document


def new_app(
    title: str,
    *,
    section: str,
    description: str,
    version: str,
    settings: ServiceSettings,
    database: Database,
    routers: Sequence[APIRouter],
    closing: Sequence[Callable[[], None]] = (),
    alongside: Sequence[Callable[[FastAPI], AbstractAsyncContextManager[None]]] = (),
    audited: bool = True,
    permissions: Table | None = None,
    discreet: str | None = None,
) -> FastAPI:
    """`section` is the database's name in alembic.ini; `closing` is called when the service stops; what is `alongside`
    lives on the event loop as long as the service does; `audited` when it keeps an audit trail, which it then seals.
    `permissions` has a row for each operation, or the app is not built. Requests under the path `discreet` are counted
    together (`observe.Observe`), as metrics are open to everybody."""
    registry = CollectorRegistry()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        kept: Database = app.state.database
        await kept.open_hot()
        stopping = asyncio.Event()
        sealing = asyncio.create_task(_seal(kept, stopping)) if audited else None
        async with AsyncExitStack() as living:
            for one in alongside:
                await living.enter_async_context(one(app))
            yield
        stopping.set()
        if sealing:
            await sealing
        await kept.close_hot()
        for close in closing:
            close()
        kept.close()

    app = Service(
        permissions,
        title=title,
        version=version,
        description=description,
        lifespan=lifespan,
        max_body_size=LARGEST_BODY,
        docs_url=None,
        redoc_url=None,
        middleware=[Middleware(Observe, registry=registry, discreet=discreet)],
        license_info={"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
    )
    app.state.database = database
    app.state.settings = settings
    app.state.registry = registry  # for what a service wants to have measured besides
    app.state.gate = Gate(
        settings.issuers, scope_prefix=settings.scope_prefix, audience=settings.audience, rules=settings
    )
    app.state.opened_by = permissions.opened_by(routers) if permissions else {}
    for router in routers:
        # Not include_router: a request would look through nested routers, at half the speed of one flat list.
        app.router.routes.extend(router.routes)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(Replay, _replay)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    _add_operations(app, section, registry)
    swagger.add(app, title, settings)
    return app


async def _seal(database: Database, stopping: asyncio.Event) -> None:
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), SEAL_SECONDS)
        if stopping.is_set():
            return
        try:
            await asyncio.to_thread(audit.seal, database)
        except Exception:
            logging.getLogger("audit").exception("the audit trail could not be sealed and will be tried again")


def _add_operations(app: FastAPI, section: str, registry: CollectorRegistry) -> None:
    newest = db.head(section)

    @app.get("/health/live", include_in_schema=False)
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @app.get("/health/ready", include_in_schema=False)
    def ready() -> dict[str, str | None]:
        found = app.state.database.revision()
        if found != newest:
            raise BehindMigrations(f"It is at {found}, and {newest} is needed.")
        return {"status": "ready", "migration": found}

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return PlainTextResponse(generate_latest(registry), media_type="text/plain; version=0.0.4")

    @app.get("/problems/{slug}", include_in_schema=False)
    async def explain(slug: str) -> dict[str, Any]:
        kinds = [kind for kind in problems.known() if kind.slug() == slug]
        if not kinds:
            raise NotFound(f"No problem is called {slug!r}.")
        # The same refusal of several things is one problem; each says it in its own words.
        about = " ".join(dict.fromkeys(" ".join((kind.__doc__ or "").split()) for kind in kinds))
        return {"type": kinds[0].type(), "title": kinds[0].title(), "status": kinds[0].status, "about": about}


def _problem(request: Request, exc: Exception) -> ProblemResponse:
    assert isinstance(exc, Problem)
    return ProblemResponse(exc.body(), exc.status, exc.headers)


def _replay(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, Replay)
    return exc.response


def _invalid(request: Request, exc: Exception) -> ProblemResponse:
    assert isinstance(exc, RequestValidationError)
    errors = exc.errors()
    if any(error["type"] == "json_invalid" for error in errors):
        return _problem(request, NotJson("The body cannot be read as JSON."))
    problem = InvalidRequest(f"{len(errors)} of the request's values cannot be used.")
    problem.members["errors"] = [
        {
            "type": InvalidRequest.type(),
            "pointer": _pointer(error["loc"]),
            "detail": error["msg"].removeprefix("Value error, "),
        }
        for error in errors
    ]
    return _problem(request, problem)


def _pointer(location: Sequence[str | int]) -> str:
    """`("body", "lines", 0, "quantity")` → `#/lines/0/quantity`; a query value → `?limit`; a header → its name."""
    where, *path = location
    if where == "body":
        return "#/" + "/".join(str(step).replace("~", "~0").replace("/", "~1") for step in path)
    return f"{'?' if where == 'query' else ''}{'/'.join(map(str, path))}"


def _http(request: Request, exc: Exception) -> ProblemResponse:
    assert isinstance(exc, HTTPException)
    body = {"type": "about:blank", "title": HTTPStatus(exc.status_code).phrase, "status": exc.status_code}
    return ProblemResponse(body, exc.status_code, dict(exc.headers or {}))
