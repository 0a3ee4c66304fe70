"""A login provider put together: its national routes, and every error as OAuth writes it."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from services.chassis.problems import Problem
from services.integration.sandbox.authorizations import api as authorizations
from services.integration.sandbox.login_tokens import api as login_tokens
from services.integration.sandbox.logouts import api as logouts
from services.integration.sandbox.persons import api as persons
from services.integration.sandbox.providers import api as providers
from services.integration.sandbox.providers import store
from services.integration.sandbox.providers.rules import ClientUnproven, LoginRefused, ProviderName
from services.integration.sandbox.relying_parties import api as relying_parties

OF_THE_FRAMEWORK = (400, 404, 405, 413, 415, 422)
CONTROL = (persons.router, providers.router, relying_parties.router)
"""Persons first: their path is not a provider's."""


def speak_nationally(app: FastAPI, name: ProviderName) -> None:
    app.state.provider = store.provider(app.state.sandbox, name)
    for routes in (login_tokens.national, authorizations.national, providers.national, logouts.national):
        app.router.routes.extend(routes.routes)
    app.add_exception_handler(Problem, _problem)
    for status in OF_THE_FRAMEWORK:
        app.add_exception_handler(status, _http)
    app.add_exception_handler(Exception, _unexpected)


def for_browsers(app: ASGIApp) -> ASGIApp:
    """Scripts of any page may ask, such as Swagger UI; outermost, so that errors can be read by them as well."""
    return CORSMiddleware(
        app,
        allow_origins=["*"],
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type", "dpop", "x-requested-with"],
        expose_headers=["www-authenticate"],
    )


def _problem(request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, Problem)
    otherwise = "temporarily_unavailable" if exc.status == 503 else "invalid_request"
    error = exc.oauth_error if isinstance(exc, LoginRefused) else otherwise
    headers = {**exc.headers}
    if isinstance(exc, ClientUnproven):
        headers["WWW-Authenticate"] = f'Basic realm="{request.app.state.provider.issuer}"'
    return _error(exc.status, error, exc.detail or exc.title(), headers)


def _http(request: Request, exc: Any) -> JSONResponse:
    return _error(exc.status_code, "invalid_request", str(exc.detail), dict(exc.headers or {}))


def _unexpected(request: Request, exc: Exception) -> JSONResponse:
    return _error(500, "server_error", "Unexpected error", {})


def _error(status: int, error: str, description: str, headers: dict[str, str]) -> JSONResponse:
    return JSONResponse(
        {"error": error, "error_description": description}, status, headers={"Cache-Control": "no-store"} | headers
    )
