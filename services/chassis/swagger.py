"""Swagger UI, with a login at the provider that the settings name.

The published contract is the same whatever the settings. What they add, a way to log in for each role, stands in the
page's own view of it (`/docs/openapi.json`) and nowhere else.
"""

import json
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import swagger_ui_bundle
from fastapi import Body, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from services.chassis import http
from services.chassis.auth import Gate, TokenMissing
from services.chassis.settings import Login, Role, ServiceSettings

_OWN = Path(__file__).parent / "swagger_page"
_PAGE, _REDIRECT, _FAREWELL = ((_OWN / f"{name}.html").read_text() for name in ("page", "redirect", "farewell"))
EMPLOYER, RESOURCE = "ansattporten:orgno", "ansattporten:altinn:resource"
FORM = "application/x-www-form-urlencoded"
LONGEST_GRANT = 10_000


def add(app: FastAPI, title: str, settings: ServiceSettings) -> None:
    login = settings.login
    app.mount("/docs/assets", StaticFiles(directory=str(swagger_ui_bundle.swagger_ui_path)), name="docs-assets")
    app.mount("/docs/page", StaticFiles(directory=_OWN), name="docs-page")

    @app.get("/docs", include_in_schema=False)
    async def page() -> HTMLResponse:
        told = escape(json.dumps(_told(login, settings) if login else None))
        html = _PAGE.replace("{title}", escape(title)).replace("{login}", told)
        return HTMLResponse(html, headers=_policy(_of_page(login)))

    @app.get("/docs/openapi.json", include_in_schema=False)
    async def shown() -> JSONResponse:
        return JSONResponse(view(app.openapi(), settings))

    @app.get("/docs/oauth2-redirect", include_in_schema=False)
    async def redirect() -> HTMLResponse:
        return HTMLResponse(_REDIRECT, headers=_policy({"script-src": ["'self'"]}))

    @app.get("/docs/farewell", include_in_schema=False)
    async def farewell() -> HTMLResponse:
        """Opened in a frame of another service's page, where somebody logs out."""
        others = _origins(login.pages.values()) if login else []
        return HTMLResponse(_FAREWELL, headers=_policy({"script-src": ["'self'"], "frame-ancestors": others}))

    @app.get("/docs/caller", include_in_schema=False)
    def caller(request: Request) -> dict[str, Any]:
        """Whom this service takes the sender of a token to be."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise TokenMissing("Send Authorization: Bearer <access token>.").with_header("WWW-Authenticate", "Bearer")
        gate: Gate = app.state.gate
        found = gate.remembered(token) or gate.verify(token, fetching=True)
        assert found
        return {"organisation": found.organisation, "roles": sorted(found.roles), "scopes": sorted(found.scopes)}

    if login and login.relayed:

        @app.post("/docs/token", include_in_schema=False)
        def relay(form: Annotated[bytes, Body(media_type=FORM, max_length=LONGEST_GRANT)]) -> JSONResponse:
            """The code on its way to the provider, and its answer as it is."""
            where = urlsplit(login.token_url)
            with http.new_client(f"{where.scheme}://{where.netloc}") as client:
                status, answer = http.Neighbour("The login provider", client).write(
                    "POST", where.path, content=form, headers={"Content-Type": FORM}
                )
            return JSONResponse(answer, status, headers={"Cache-Control": "no-store"})


def view(contract: dict[str, Any], settings: ServiceSettings) -> dict[str, Any]:
    """The contract with a login for every role that the service has something for. Each goes with every operation that
    takes a token: whether the role may is the service's to say, and not the page's."""
    login = settings.login
    if login is None:
        return contract
    needed = {
        scope
        for _, operation in _operations(contract)
        for requirement in operation.get("security", [])
        for scopes in requirement.values()
        for scope in scopes
    }
    offered = [role for role in settings.roles if role.resources and needed & set(role.scopes)]
    logins: list[dict[str, list[str]]] = [{role.role: []} for role in offered]
    components = contract.get("components", {})
    schemes = {role.role: _scheme(role, login, settings.scope_prefix) for role in offered}
    paths: dict[str, dict[str, Any]] = {path: dict(item) for path, item in contract["paths"].items()}
    for (path, method), operation in _operations(contract):
        if "security" in operation:
            paths[path][method] = {**operation, "security": [*operation["security"], *logins]}
    ways = {**schemes, **components.get("securitySchemes", {})}
    return {**contract, "paths": paths, "components": {**components, "securitySchemes": ways}}


def _operations(contract: dict[str, Any]) -> Iterable[tuple[tuple[str, str], dict[str, Any]]]:
    for path, item in contract["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, dict):
                yield (path, method), operation


def _scheme(role: Role, login: Login, prefix: str) -> dict[str, Any]:
    return {
        "type": "oauth2",
        "description": f"Log in as **{role.role.replace('_', ' ')}** and choose the organisation that you act for. "
        f"It must have given you `{role.resources[0]}`.",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": login.authorization_url,
                "tokenUrl": "/docs/token" if login.relayed else login.token_url,
                "scopes": {f"{prefix}:{scope}": "" for scope in role.scopes},
            }
        },
    }


def _told(login: Login, settings: ServiceSettings) -> dict[str, Any]:
    """What the page's script needs to know."""
    return {
        "issuer": login.issuer,
        "client": login.client,
        "scopes": sorted({f"{settings.scope_prefix}:{scope}" for role in settings.roles for scope in role.scopes}),
        "logout": login.logout_url,
        "pages": login.pages,
        "asks": {"acr_values": login.acr_values, "ui_locales": login.ui_locales},
        "roles": {role.role: _details(role) for role in settings.roles if role.resources},
    }


def _details(role: Role) -> str:
    """`authorization_details` (RFC 9396). Who represents nobody would be refused here, so the provider is told to."""
    resource = role.resources[0]
    named = {} if resource == EMPLOYER else {"resource": resource}
    actions = {"actions": role.actions} if role.actions and named else {}
    kind = RESOURCE if named else EMPLOYER
    return json.dumps([{"type": kind, **named, **actions, "representation_is_required": True}])


def _of_page(login: Login | None) -> dict[str, list[str]]:
    asked = [login.token_url] if login and not login.relayed else []
    return {
        "script-src": ["'self'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'", *_origins(asked)],
        "frame-src": _origins(login.pages.values()) if login else [],
    }


def _policy(allowed: dict[str, list[str]]) -> dict[str, str]:
    closed: dict[str, list[str]] = {
        name: [] for name in ("default-src", "base-uri", "form-action", "frame-ancestors", "frame-src")
    }
    rules = (" ".join([name, *(sources or ["'none'"])]) for name, sources in (closed | allowed).items())
    return {
        "Content-Security-Policy": "; ".join(rules),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }


def _origins(addresses: Iterable[str]) -> list[str]:
    found = (urlsplit(address) for address in addresses)
    return list(dict.fromkeys(f"{one.scheme}://{one.netloc}" for one in found))
