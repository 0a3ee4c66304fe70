"""Authlib, the most used OAuth library of Python, takes the sandbox for Maskinporten, ID-porten and Ansattporten; and a
service logs its users in with Authlib's Starlette client."""

import json
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from services.chassis.values import seed_id
from tests.clients.conftest import PYTHON, Program
from tests.sandbox.logins import ALSTAHAUG, BJORK, BRONNOY, CALLBACK, KEY, ROGN, Party, registered, representing
from tests.sandbox.running import RunningSandbox

READ = "samvirke:agreements.read"
ADMINISTER = "idporten:dcr.read"


def log_in(python: Program, party: Party, *, number: str = BJORK, parameters: Any = None, **more: Any) -> Any:
    asked = {
        "issuer": party.issuer,
        "clientId": party.client_id,
        "method": party.method,
        "secret": party.secret,
        "jwk": KEY.as_dict(private=True),
        "redirectUri": CALLBACK,
        "scope": "openid profile",
        "parameters": {"login_hint": party.hint(number)} | (parameters or {}),
    }
    return python("login.py", **asked | more)


@pytest.mark.parametrize("provider", ["idporten", "ansattporten"])
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt"])
def test_it_logs_in_with_pkce_and_renews(python: Program, sandbox: RunningSandbox, provider: str, method: str) -> None:
    got = log_in(python, registered(sandbox, provider, method))

    assert {"code_challenge", "code_challenge_method", "nonce", "state"} <= set(got["asked"])
    assert got["claims"]["pid"] == got["userinfo"]["pid"] == got["renewedClaims"]["pid"] == BJORK
    assert got["claims"]["sub"] == got["userinfo"]["sub"] == got["renewedClaims"]["sub"]
    assert got["renewed"]["access_token"] != got["answer"]["access_token"]
    assert got["renewed"]["refresh_token"] != got["answer"]["refresh_token"]


def test_a_public_client_logs_in_and_does_not_renew(python: Program, sandbox: RunningSandbox) -> None:
    got = log_in(python, registered(sandbox, "idporten", "none"))

    assert got["claims"]["pid"] == BJORK
    assert "refresh_token" not in got["answer"]


def test_it_asks_whom_one_acts_for(python: Program, sandbox: RunningSandbox) -> None:
    party = registered(sandbox, "ansattporten", "private_key_jwt")
    wish = {"authorization_details": representing(), "acr_values": "high"}
    hint = {"login_hint": party.hint(ROGN, "high")}
    got = log_in(python, party, parameters=wish | hint)

    (told,) = got["claims"]["authorization_details"]
    assert [one["orgno"]["ID"] for one in told["authorized_parties"]] == [f"0192:{ALSTAHAUG}"]
    assert got["claims"]["acr"] == "high"
    assert got["renewed"]["authorization_details"] == [told]


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"exp": None}, "JWT is expired"),
        ({"aud": "the token endpoint"}, "Invalid JWT claim aud"),
    ],
)
def test_its_own_defaults_for_an_assertion_are_refused(
    python: Program, sandbox: RunningSandbox, claims: dict[str, Any], says: str
) -> None:
    party = registered(sandbox, "idporten", "private_key_jwt")

    got = log_in(python, party, claims=claims)

    assert got["error"] == "invalid_client"
    assert says in got["description"]


def ask(python: Program, sandbox: RunningSandbox, scope: str = ADMINISTER, **more: Any) -> Any:
    asked = {
        "issuer": sandbox.issuer,
        "clientId": str(seed_id(f"client:{BRONNOY}")),
        "jwk": json.loads((sandbox.keys_folder / f"{BRONNOY}.json").read_text()),
        "scope": scope,
        "service": f"{sandbox.self_service_url}/clients",
        "claims": {},
        "expiresIn": 100,
        "forgetsJti": True,
    }
    return python("maskinporten.py", **asked | more)


def test_it_gets_tokens_by_grants_and_calls_a_service(python: Program, sandbox: RunningSandbox) -> None:
    got = ask(python, sandbox, claims={"resource": "https://api.example/"})

    assert got["answer"]["expires_in"] == 120
    assert got["payload"]["consumer"]["ID"] == f"0192:{BRONNOY}"
    assert got["payload"]["aud"] == "https://api.example/"
    assert "typ" not in got["header"]
    assert got["status"] == 200
    assert got["second"]["access_token"] != got["answer"]["access_token"]


@pytest.mark.parametrize(
    ("more", "error", "says"),
    [
        ({"expiresIn": 3600}, "invalid_request", "at most 120 seconds"),
        ({"forgetsJti": False}, "invalid_grant", "used before"),
        ({"scope": "samvirke:unknown"}, "invalid_scope", "samvirke:unknown"),
        ({"claims": {"consumer_org": ALSTAHAUG}, "scope": READ}, "forbidden", "has not delegated"),
    ],
)
def test_it_is_told_why_a_grant_is_refused(
    python: Program, sandbox: RunningSandbox, more: dict[str, Any], error: str, says: str
) -> None:
    got = ask(python, sandbox, **more)

    assert got["error"] == error
    assert says in got["description"]


@dataclass
class Service:
    """A program with a login of its own, and its clients at both providers."""

    url: str
    parties: dict[str, Party]


@pytest.fixture
def service(python: Program, sandbox: RunningSandbox) -> Iterator[Service]:
    """It listens from the beginning; who asks before it is ready waits. `python` sees to it that it can be run."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        scopes = ["openid", "profile", READ]
        parties = {
            name: registered(sandbox, name, redirect_uris=[f"{url}/callback/{name}"], scopes=scopes)
            for name in ("idporten", "ansattporten")
        }
        asked = {
            "socket": listening.fileno(),
            "sessionKey": "a key for tests",
            "scope": " ".join(scopes),
            "providers": {
                name: {"issuer": one.issuer, "clientId": one.client_id, "secret": one.secret}
                for name, one in parties.items()
            },
        }
        command = [PYTHON, PYTHON.parents[2] / "service.py"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, pass_fds=[listening.fileno()])
        assert process.stdin
        process.stdin.write(json.dumps(asked))
        process.stdin.close()
        yield Service(url, parties)
        process.terminate()
        process.wait(30)


def test_a_service_logs_its_users_in_and_knows_who_they_are(service: Service) -> None:
    with httpx.Client(timeout=20, follow_redirects=True) as at:
        assert at.get(f"{service.url}/me").json() == {}

        hint = service.parties["idporten"].hint(BJORK, "idporten-loa-high")
        asked = {"acr_values": "idporten-loa-high", "login_hint": hint}
        came = at.get(f"{service.url}/login/idporten", params=asked)

        assert [one.status_code for one in came.history] == [302, 302, 303]
        assert str(came.url) == f"{service.url}/me"
        person = came.json()["person"]
        assert (person["pid"], person["acr"]) == (BJORK, "idporten-loa-high")
        assert came.json()["scopes"] == f"openid profile {READ}"

    with httpx.Client(timeout=20, follow_redirects=True) as at:
        hint = service.parties["ansattporten"].hint(BJORK, "high", acts_for=BRONNOY)
        asked = {"acr_values": "high", "login_hint": hint, "authorization_details": representing()}
        came = at.get(f"{service.url}/login/ansattporten", params=asked)

        person = came.json()["person"]
        assert (person["pid"], person["acr"]) == (BJORK, "high")
        (told,) = person["authorization_details"]
        assert [one["orgno"]["ID"] for one in told["authorized_parties"]] == [f"0192:{BRONNOY}"]
        assert at.get(f"{service.url}/me").json()["person"] == person


def test_a_service_tells_a_user_who_could_not_be_logged_in(service: Service, sandbox: RunningSandbox) -> None:
    with httpx.Client(timeout=20, follow_redirects=True) as at:
        refused = at.get(f"{service.url}/login/idporten", params={"prompt": "none"})
        assert (refused.status_code, refused.json()["error"]) == (401, "login_required")

        sandbox.fault(stand_in="idporten", kind="changed_json", path_prefix="/token", changes={"id_token": "a.b.c"})
        spoilt = at.get(f"{service.url}/login/idporten", params={"login_hint": service.parties["idporten"].hint()})
        assert (spoilt.status_code, spoilt.json()) == (401, {"error": "the id_token does not hold"})
        assert at.get(f"{service.url}/me").json() == {}
