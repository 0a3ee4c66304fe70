"""How the system starts, moves and stops; other addresses, issuers, keys and scopes are a matter of the environment."""

import base64
import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from services.chassis import db
from tests.e2e.system import BRONNOY, PORTS, System, free_ports

BJORK = "12837532157"
OF_THE_SANDBOX = {"INTEGRATION_ID": "INTEGRATION", "INTEGRATION_PASSWORD": "PASSWORD"}
"""What the settings of an account at SvarUT are called at the other end."""


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services", "run"],
        env=os.environ | environment,
        cwd=db.PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def logged_in(system: System, provider: str, **asked: str) -> dict[str, Any]:
    """The tokens of Fiktiv Bjørk, who logs in without a page, by the sandbox's client for Swagger UI."""
    url, back = system.url(provider), f"{system.url('agreements')}/docs/oauth2-redirect"
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    client = {"client_id": "felles-swagger-ui", "redirect_uri": back}
    pkce = {"code_challenge": challenge, "code_challenge_method": "S256"}
    request = {"response_type": "code", "state": "s", "nonce": "n", "scope": "openid felles:agreements.read"}
    sent = httpx.get(f"{url}/authorize", params={**client, **pkce, **request, **asked})
    code = parse_qs(urlsplit(sent.headers["location"]).query)["code"][0]
    grant = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    found: dict[str, Any] = httpx.post(f"{url}/token", data={**client, **grant}).raise_for_status().json()
    return found


def issuer_of(token: str) -> str:
    return str(json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["iss"])


def check_logins(system: System, issuers: dict[str, str]) -> None:
    """An employee is let in for whom she acts for; a person is known, and acts for nobody."""
    call_offs = f"{system.url('agreements')}/call-offs"
    buying = [{"type": "ansattporten:altinn:resource", "resource": "urn:altinn:resource:felles-innkjop"}]
    scope = "openid felles:agreements.read felles:agreements.order"
    asked = {"authorization_details": json.dumps(buying), "scope": scope}
    employee = logged_in(system, "ansattporten", login_hint=f"testid:{BJORK}_substantial_{BRONNOY}", **asked)
    person = logged_in(system, "idporten", login_hint=f"testid:{BJORK}_idporten-loa-substantial")
    for tokens, provider, status in ((employee, "ansattporten", 200), (person, "idporten", 403)):
        assert issuer_of(tokens["access_token"]) == issuers[provider]
        answer = httpx.get(call_offs, headers={"Authorization": f"Bearer {tokens['access_token']}"})
        assert answer.status_code == status, answer.text
    page = unescape(httpx.get(f"{system.url('agreements')}/docs").text)
    assert issuers["ansattporten"] in page
    assert '"client": "felles-swagger-ui"' in page
    assert f'"logout": "{system.url("ansattporten")}/logout"' in page


def test_elsewhere_with_other_names_and_keys_by_environment_alone() -> None:
    host = "127.0.0.7"
    ports = free_ports(len(PORTS), host)
    given = {f"{name}_port": str(port) for name, port in zip(PORTS, ports, strict=True)}
    issuer = f"http://localhost:{given['maskinporten_port']}/tokens/"
    issuers = {name: f"http://localhost:{given[f'{name}_port']}/{name}" for name in ("idporten", "ansattporten")}
    others = {f"{name}_issuer": one for name, one in issuers.items()}
    elsewhere = System(host=host, scope_prefix="felles", maskinporten_issuer=issuer, **others, **given)
    for name in ("KONTO", "INTEGRATION_ID", "INTEGRATION_PASSWORD"):  # the account at SvarUT, on both sides
        account = str(uuid4())
        elsewhere.environment[f"INTEGRATION_SVARUT_{name}"] = account
        elsewhere.environment[f"SANDBOX_SVARUT_{OF_THE_SANDBOX.get(name, name)}"] = account
    with elsewhere as system:
        check_logins(system, issuers)
        headers = system.bearer("agreements.read")
        answer = httpx.get(f"{system.url('agreements')}/call-offs", headers=headers)
        assert answer.status_code == 200, answer.text
        other = httpx.get(f"{system.url('agreements')}/call-offs", headers={"Authorization": "Bearer x.y.z"})
        assert other.status_code == 401
        demo = subprocess.run(
            [sys.executable, "-m", "services", "demo", "order"],
            env=system.environment,
            cwd=db.PROJECT,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert demo.returncode == 0, f"{demo.stdout}\n{demo.stderr}\n{system.logs()}"
        keys = system.folder / "d" / "keys"
        placed = httpx.get(f"{system.url('agreements')}/call-offs", headers=headers).json()["items"]
        assert system.stop() == 0
    assert oct(keys.stat().st_mode & 0o777) == "0o700"
    assert {oct(path.stat().st_mode & 0o777) for path in keys.rglob("*") if path.is_file()} == {"0o600"}
    with system:  # a second start takes up the same data
        headers = system.bearer("agreements.read")
        again = httpx.get(f"{system.url('agreements')}/call-offs", headers=headers).json()["items"]
        assert [one["id"] for one in again] == [one["id"] for one in placed]
    system.remove()


def test_a_taken_port_is_told_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = start(SAMVIRKE_CATALOG_PORT=port, SAMVIRKE_DATA=str(tmp_path / "d"))
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert f"Port {port}" in ended.stderr
    assert "SAMVIRKE_CATALOG_PORT" in ended.stderr


@pytest.mark.parametrize("broken", ["a file where the folder should be", "a cluster that is none"])
def test_a_broken_data_folder_is_told_in_one_sentence(tmp_path: Path, broken: str) -> None:
    tmp_path.chmod(0o755)
    data = tmp_path / "d"
    if broken.startswith("a file"):
        data.write_text("")
    else:
        (data / "pg").mkdir(parents=True)
        (data / "pg" / "PG_VERSION").write_text("18\n")
    free = free_ports(len(PORTS))
    ports = {f"SAMVIRKE_{name.upper()}_PORT": str(port) for name, port in zip(PORTS, free, strict=True)}
    ended = start(SAMVIRKE_DATA=str(data), **ports)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert "data folder" in ended.stderr


def test_production_refuses_what_is_only_for_trying_out(tmp_path: Path) -> None:
    ended = start(SAMVIRKE_ENV="production", SAMVIRKE_DATA=str(tmp_path / "d"))
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert "production" in ended.stderr
