"""openid-client, the most used OpenID client of Node, takes the sandbox for ID-porten and Ansattporten; and the login
pages in a real browser."""

from typing import Any

import httpx
import pytest

from tests.clients.conftest import Node
from tests.sandbox.logins import (
    AFTER_LOGOUT,
    ALSTAHAUG,
    BJORK,
    CALLBACK,
    KEY,
    ROGN,
    Party,
    registered,
    representing,
)
from tests.sandbox.running import RunningSandbox

METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]


def log_in(node: Node, party: Party, *, number: str = BJORK, **more: Any) -> dict[str, Any]:
    parameters = {"login_hint": party.hint(number)} | more.pop("parameters", {})
    asked = {
        "issuer": party.issuer,
        "clientId": party.client_id,
        "method": party.method,
        "secret": party.secret,
        "jwk": KEY.as_dict(private=True),
        "redirectUri": CALLBACK,
        "afterLogout": AFTER_LOGOUT,
        "scope": "openid profile",
        "parameters": parameters,
    }
    return node("login.mjs", **asked | more)


@pytest.mark.parametrize("provider", ["idporten", "ansattporten"])
@pytest.mark.parametrize("method", METHODS)
def test_it_logs_in_by_each_method_and_uses_everything_that_a_login_gives(
    node: Node, sandbox: RunningSandbox, provider: str, method: str
) -> None:
    got = log_in(node, registered(sandbox, provider, method))

    assert got["claims"]["pid"] == got["userinfo"]["pid"] == BJORK
    assert got["answer"]["token_type"] == "bearer"
    assert got["loggedOut"] == f"{AFTER_LOGOUT}?state=the+end"
    if method != "none":
        assert got["renewed"]["access_token"] != got["answer"]["access_token"]
        assert got["shown"]["active"] is True
        assert got["after"] == {"active": False}


@pytest.mark.parametrize("method", METHODS)
def test_it_pushes_its_request_and_binds_its_tokens_to_a_key(node: Node, sandbox: RunningSandbox, method: str) -> None:
    got = log_in(node, registered(sandbox, "idporten", method), par=True, dpop=True)

    assert got["parameters"] == ["client_id", "request_uri"]
    assert got["answer"]["token_type"] == "dpop"
    assert got["userinfo"]["pid"] == BJORK


def test_it_asks_whom_one_acts_for(node: Node, sandbox: RunningSandbox) -> None:
    party = registered(sandbox, "ansattporten", "private_key_jwt")
    got = log_in(node, party, number=ROGN, par=True, parameters={"authorization_details": representing()})

    (told,) = got["answer"]["authorization_details"]
    assert [one["orgno"]["ID"] for one in told["authorized_parties"]] == [f"0192:{ALSTAHAUG}"]
    assert got["claims"]["authorization_details"] == [told]
    assert got["renewed"]["authorization_details"] == [told]


def test_it_reads_a_signed_response(node: Node, sandbox: RunningSandbox) -> None:
    assert log_in(node, registered(sandbox, "idporten"), jarm=True)["claims"]["pid"] == BJORK


def test_it_is_told_why_a_request_is_refused(node: Node, sandbox: RunningSandbox) -> None:
    party = registered(sandbox, "idporten")

    pushed = log_in(node, party, par=True, scope="openid a:b")
    sent = log_in(node, party, scope="openid a:b")

    assert (pushed["status"], pushed["error"]) == (400, "invalid_scope")
    assert sent == {
        "error": "invalid_scope",
        "description": "Invalid scope. Client has not been registered with scope a:b",
    }


@pytest.fixture
def pages(sandbox: RunningSandbox) -> dict[str, tuple[str, dict[str, str]]]:
    """Each page's address, and the cookie of the browser that may see it."""
    party = registered(sandbox, "ansattporten")

    def page(**changed: Any) -> tuple[str, dict[str, str]]:
        with httpx.Client() as at:
            sent = party.authorize(at, **changed)
            cookies = "; ".join(f"{name}={value}" for name, value in at.cookies.items())
        address = sent.headers.get("location", str(sent.url))
        return address, {"Cookie": cookies}

    return {
        "person": page(acr_values="substantial high entraid"),
        "organisation": page(login_hint=party.hint(), authorization_details=representing()),
        "organisations": page(
            login_hint=party.hint(), authorization_details=representing(), prompt="login", ui_locales="nn"
        ),
        "error": page(redirect_uri="http://elsewhere.example/"),
        "logout": (f"{party.url}/logout", {}),
    }


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (320, True)])
def test_everybody_can_use_the_login_pages(
    browser: Node, pages: dict[str, tuple[str, dict[str, str]]], width: int, dark: bool
) -> None:
    for name, (url, headers) in pages.items():
        seen = browser(url=url, headers=headers, width=width, dark=dark)

        assert (name, seen["violations"]) == (name, [])
        assert seen["scrollWidth"] <= width
        assert seen["headings"] == [1]
        assert seen["lang"] == ("nn" if name == "organisations" else "nb")
        origin = "/".join(url.split("/")[:3])
        assert not [one for one in seen["requests"] if not one.startswith(origin)]
