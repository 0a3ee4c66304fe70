"""Swagger UI and its login: what the page is told by the settings, what it may do, and whom a token speaks for."""

import json
import re
from collections.abc import Iterator
from html import unescape
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import ValidationError

from services.chassis import contract
from services.chassis.settings import Environment, IssuerKind, ServiceSettings
from tests.chassis.conftest import build
from tests.chassis.forging import ORGANISATION
from tests.chassis.test_persons import RESOURCE, ROLES, login
from tests.issuer import Issuer

PROVIDER = "https://login.example"
ASKS = [{"type": "ansattporten:altinn:resource", "resource": f"{RESOURCE}-write", "representation_is_required": True}]


def named(issuer: Issuer, **changed: Any) -> dict[str, Any]:
    return {
        "issuer": issuer.trusted(IssuerKind.EMPLOYEE).issuer,
        "client": "the-client",
        "authorization_url": f"{PROVIDER}/authorize",
        "token_url": f"{PROVIDER}/token",
        "logout_url": f"{PROVIDER}/logout",
        "pages": {"Things": "https://things.example/docs", "Others": "https://others.example/docs"},
    } | changed


def app_with(url: str, issuer: Issuer, **changed: Any) -> FastAPI:
    trusted = issuer.trusted(IssuerKind.EMPLOYEE)
    return build(url, issuer, issuers=[trusted], roles=ROLES, login=named(issuer, **changed))


@pytest.fixture
def api(url: str, issuer: Issuer) -> Iterator[TestClient]:
    with TestClient(app_with(url, issuer)) as client:
        yield client


def policy(api: TestClient, path: str) -> dict[str, str]:
    rules = api.get(path).headers["content-security-policy"].split("; ")
    return {name: sources for name, _, sources in (rule.partition(" ") for rule in rules)}


def test_the_published_contract_is_the_same_whatever_the_settings(url: str, issuer: Issuer) -> None:
    assert contract.text(app_with(url, issuer)) == contract.text(build(url, issuer))


def test_the_page_sees_a_login_for_each_role_that_has_something_to_do_here(api: TestClient) -> None:
    published, shown = (api.get(path).json() for path in ("/openapi.json", "/docs/openapi.json"))
    ways = shown["components"]["securitySchemes"]
    assert list(ways) == ["writer", "token"], "the readers' scope is of no use here, and machines do not log in"
    assert ways["token"] == published["components"]["securitySchemes"]["token"]
    assert ways["writer"]["flows"]["authorizationCode"] == {
        "authorizationUrl": f"{PROVIDER}/authorize",
        "tokenUrl": f"{PROVIDER}/token",
        "scopes": {"samvirke:things.write": "", "samvirke:things.read": ""},
    }
    for path, item in published["paths"].items():
        for method, operation in item.items():
            now = shown["paths"][path][method]
            added: list[dict[str, list[str]]] = [{"writer": []}] if "security" in operation else []
            assert now.get("security", []) == operation.get("security", []) + added
            assert {**now, "security": None} == {**operation, "security": None}


def test_the_page_is_told_what_to_ask_the_provider_for(api: TestClient) -> None:
    (told,) = re.findall(r'data-login="([^"]*)"', api.get("/docs").text)
    login = json.loads(unescape(told))
    assert (login["client"], login["asks"]) == ("the-client", {"acr_values": "substantial", "ui_locales": "nb"})
    assert json.loads(login["roles"]["writer"]) == ASKS
    assert json.loads(login["roles"]["signer"]) == [ASKS[0] | {"actions": ["sign"]}]
    assert "machine" not in login["roles"]


def test_the_page_runs_its_own_scripts_and_speaks_with_the_provider_only(api: TestClient) -> None:
    rules = policy(api, "/docs")
    assert (rules["default-src"], rules["script-src"]) == ("'none'", "'self'")
    assert rules["connect-src"] == f"'self' {PROVIDER}"
    assert rules["frame-src"] == "https://things.example https://others.example"
    assert (rules["frame-ancestors"], rules["form-action"], rules["base-uri"]) == ("'none'",) * 3
    page = api.get("/docs").text
    assert not re.findall(r"<script>|<script [^>]*>[^<]|\son\w+=|style=", page)
    for script in re.findall(r'src="([^"]+)"', page + api.get("/docs/oauth2-redirect").text):
        assert api.get(script).status_code == 200


def test_only_the_other_services_pages_may_say_farewell_in_a_frame(api: TestClient) -> None:
    assert policy(api, "/docs/farewell")["frame-ancestors"] == "https://things.example https://others.example"
    assert policy(api, "/docs/oauth2-redirect")["frame-ancestors"] == "'none'"


def test_without_a_login_tokens_are_pasted(url: str, issuer: Issuer) -> None:
    with TestClient(build(url, issuer)) as api:
        assert api.get("/docs/openapi.json").json() == api.get("/openapi.json").json()
        assert 'data-login="null"' in api.get("/docs").text
        assert policy(api, "/docs/farewell")["frame-ancestors"] == "'none'"
        assert api.post("/docs/token", content="a=b").status_code == 404


def test_the_service_says_whom_it_takes_a_token_to_speak_for(api: TestClient, issuer: Issuer) -> None:
    token = login(issuer, "things.write", "things.read")
    told = api.get("/docs/caller", headers={"Authorization": f"Bearer {token}"})
    assert told.json() == {
        "organisation": ORGANISATION,
        "roles": ["reader", "writer"],
        "scopes": ["things.read", "things.write"],
    }
    alone = login(issuer, "things.write", authorization_details=[{"type": "ansattporten:altinn:resource"}])
    refused = api.get("/docs/caller", headers={"Authorization": f"Bearer {alone}"})
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/represents-nobody")
    assert api.get("/docs/caller").json()["type"] == "/problems/token-missing"


class Provider(BaseHTTPRequestHandler):
    """A token endpoint that answers no script of another origin."""

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["content-length"])).decode()
        status = 400 if "wrong" in form else 200
        answer = json.dumps({"path": self.path, "form": form, "type": self.headers["content-type"]}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


def test_a_code_can_go_to_the_provider_through_the_service(url: str, issuer: Issuer) -> None:
    with HTTPServer(("127.0.0.1", 0), Provider) as provider:
        Thread(target=provider.serve_forever, daemon=True).start()
        token_url = f"http://127.0.0.1:{provider.server_port}/oauth/token"
        with TestClient(app_with(url, issuer, token_url=token_url, relayed=True)) as api:
            way = api.get("/docs/openapi.json").json()["components"]["securitySchemes"]["writer"]
            assert way["flows"]["authorizationCode"]["tokenUrl"] == "/docs/token"
            assert policy(api, "/docs")["connect-src"] == "'self'"
            form = {"code": "æ b", "grant_type": "authorization_code"}
            answer = api.post("/docs/token", data=form)
            sent = {"path": "/oauth/token", "form": "code=%C3%A6+b&grant_type=authorization_code"}
            assert answer.json() == sent | {"type": "application/x-www-form-urlencoded"}
            assert api.post("/docs/token", data={"code": "wrong"}).status_code == 400
            assert api.post("/docs/token", data={"code": "x" * 10_000}).status_code == 422
            provider.shutdown()
    with TestClient(app_with(url, issuer, token_url=token_url, relayed=True)) as api:
        assert api.post("/docs/token", data={"code": "x"}).status_code == 503


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"issuer": "https://another.example"}, "the login's issuer is not trusted"),
        ({"token_url": "http://login.example/token"}, "plain http"),
        ({"client": ""}, "client"),
    ],
)
def test_a_login_that_leads_nowhere_is_refused_at_start(issuer: Issuer, changed: dict[str, Any], why: str) -> None:
    trusted = {"issuer": "https://login.example", "kind": "employee", "jwks_url": "https://login.example/jwks.json"}
    given: dict[str, Any] = {
        "database_url": "postgresql://127.0.0.1/none",
        "port": 1,
        "SAMVIRKE_ENV": Environment.PRODUCTION,
        "reference_key": "a" * 40,
        "issuers": [trusted],
        "login": named(issuer) | {"issuer": "https://login.example"},
    }
    ServiceSettings(**given)
    with pytest.raises(ValidationError, match=why):
        ServiceSettings(**given | {"login": given["login"] | changed})
