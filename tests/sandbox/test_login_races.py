"""Two workers on one database: what is good once is good once, whoever asks first."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import NewDatabase
from tests.sandbox.logins import ASSERTION_TYPE, CALLBACK, Party, registered
from tests.sandbox.running import RunningSandbox, running_sandbox

TIMES, AT_A_TIME = 1000, 32
ISSUER = "http://127.0.0.1:18092"


@pytest.fixture(scope="module")
def workers(shared_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RunningSandbox]]:
    """Two sandboxes with the same database and issuer, as two workers of one."""
    url, keys = shared_database("sandbox"), Path(tmp_path_factory.mktemp("workers")) / "keys"
    with ExitStack() as running:
        yield [running.enter_context(running_sandbox(url, keys, idporten_issuer=ISSUER)) for _ in range(2)]


def all_at_once(workers: list[RunningSandbox], ask: Callable[[httpx.Client, str], httpx.Response]) -> Counter[Any]:
    """What 1,000 askers at both workers are answered. → how often each status and error"""
    with httpx.Client(timeout=30) as http, ThreadPoolExecutor(AT_A_TIME) as pool:
        answers = pool.map(lambda turn: ask(http, workers[turn % 2].idporten_url), range(TIMES))
        return Counter((one.status_code, _error(one)) for one in answers)


def _error(answer: httpx.Response) -> str | None:
    found: str | None = answer.json().get("error") if "json" in answer.headers.get("content-type", "") else None
    return found


@pytest.fixture(scope="module")
def party(workers: list[RunningSandbox]) -> Party:
    return registered(workers[0], "idporten", "client_secret_post")


def form(party: Party, **more: str) -> dict[str, str]:
    return {"client_id": party.client_id, "client_secret": party.secret or "", **more}


def test_one_code_gives_tokens_once(workers: list[RunningSandbox], party: Party) -> None:
    sent = form(
        party,
        grant_type="authorization_code",
        code=party.code(),
        redirect_uri=CALLBACK,
        code_verifier=party.verifier,
    )

    assert all_at_once(workers, lambda http, url: http.post(f"{url}/token", data=sent)) == {
        (200, None): 1,
        (400, "invalid_grant"): TIMES - 1,
    }


def test_one_refresh_token_is_renewed_once(workers: list[RunningSandbox], party: Party) -> None:
    sent = form(party, grant_type="refresh_token", refresh_token=party.tokens()["refresh_token"])

    assert all_at_once(workers, lambda http, url: http.post(f"{url}/token", data=sent)) == {
        (200, None): 1,
        (400, "invalid_grant"): TIMES - 1,
    }


def test_one_pushed_request_leads_to_one_login(workers: list[RunningSandbox], party: Party) -> None:
    uri = party.push(login_hint=party.hint()).json()["request_uri"]
    sent = {"client_id": party.client_id, "request_uri": uri}

    got = all_at_once(workers, lambda http, url: http.get(f"{url}/authorize", params=sent, headers={"Cookie": ""}))

    assert {status: times for (status, _), times in got.items()} == {302: 1, 400: TIMES - 1}


def test_one_assertion_authenticates_once(workers: list[RunningSandbox]) -> None:
    keyed = registered(workers[1], "idporten", "private_key_jwt")
    sent = {
        "client_id": keyed.client_id,
        "client_assertion": keyed.assertion(),
        "client_assertion_type": ASSERTION_TYPE,
        "token": "nonsense",
    }

    assert all_at_once(workers, lambda http, url: http.post(f"{url}/token/revoke", data=sent)) == {
        (200, None): 1,
        (401, "invalid_client"): TIMES - 1,
    }
