"""What Maskinporten does on a bad day, by scenarios in files; each is met by a real client, and by our own services."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.chassis.auth import Gate, IssuerAway, TokenInvalid
from services.chassis.settings import IssuerKind, TrustedIssuer
from services.chassis.tokens import GrantRefused, MachineToken
from services.chassis.values import seed_id
from tests.conftest import NewDatabase
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.test_maskinporten_refuses import assert_refused
from tests.sandbox.test_maskinporten_tokens import opened

BRONNOY = "964983291"
READ = "samvirke:agreements.read"


def begin(sandbox: RunningSandbox, scenario: str) -> None:
    sandbox.http.post(f"{sandbox.control_url}/_sandbox/scenarios/{scenario}").raise_for_status()


def ask(sandbox: RunningSandbox) -> httpx.Response:
    return sandbox.grant(BRONNOY, READ)


def gate(sandbox: RunningSandbox) -> Gate:
    """As one of our services has just started: it remembers no keys."""
    jwks_url = f"{sandbox.maskinporten_url}/jwk"
    return Gate(
        [TrustedIssuer(issuer=sandbox.issuer, kind=IssuerKind.MACHINE, jwks_url=jwks_url)], scope_prefix="samvirke"
    )


def by_our_own_client(sandbox: RunningSandbox) -> httpx.Response:
    """A request with the token that our services fetch for themselves."""
    auth = MachineToken(
        issuer=sandbox.issuer,
        token_url=f"{sandbox.maskinporten_url}/token",
        client=str(seed_id(f"client:{BRONNOY}")),
        key_file=sandbox.keys_folder / f"{BRONNOY}.json",
        scope=READ,
    )
    return sandbox.http.get(f"{sandbox.maskinporten_url}/jwk", auth=auth)


def test_every_scenario_that_comes_with_the_sandbox_is_listed_and_can_be_arranged(sandbox: RunningSandbox) -> None:
    listed = sandbox.http.get(f"{sandbox.control_url}/_sandbox/scenarios").json()["items"]

    files = sorted(path.stem for path in sandbox.settings.scenarios_folder.glob("*.json"))
    assert [one["name"] for one in listed] == files
    assert len(files) == 35
    for one in listed:
        begin(sandbox, one["name"])
    waiting = sandbox.http.get(f"{sandbox.control_url}/_sandbox/faults").json()["items"]
    assert len(waiting) == sum(len(one["faults"]) for one in listed)
    fates = f"{sandbox.control_url}/_sandbox/svarut/fates"
    assert len(sandbox.http.get(fates).json()["items"]) == sum(len(one["fates"]) for one in listed) == 2
    sandbox.http.delete(fates).raise_for_status()


def test_a_service_that_is_down_is_no_refusal(sandbox: RunningSandbox) -> None:
    begin(sandbox, "maskinporten-is-down")

    answer = ask(sandbox)

    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    with pytest.raises(httpx.ConnectError, match="503"):
        by_our_own_client(sandbox)


def test_an_internal_error_passes(sandbox: RunningSandbox) -> None:
    begin(sandbox, "one-server-error")

    assert [ask(sandbox).status_code for _ in range(2)] == [500, 200]


def test_whoever_does_not_wait_for_a_slow_token_gives_up(sandbox: RunningSandbox) -> None:
    begin(sandbox, "slow-tokens")

    with pytest.raises(httpx.ReadTimeout):
        by_our_own_client(sandbox)


def test_a_grant_whose_answer_was_lost_is_used_up(sandbox: RunningSandbox) -> None:
    jti = str(seed_id("a grant whose answer was lost"))
    begin(sandbox, "connection-reset")

    for _ in range(2):  # before it was handled, and after
        with pytest.raises(httpx.TransportError):
            sandbox.grant(BRONNOY, READ, jti=jti)

    assert_refused(sandbox.grant(BRONNOY, READ, jti=jti), "invalid_grant", "MP-012")


@pytest.mark.parametrize(
    ("scenario", "content_type", "body"),
    [("empty-answer", "application/json", ""), ("html-instead-of-a-token", "text/html; charset=utf-8", "<!doctype")],
)
def test_an_answer_without_a_token_is_nonsense(
    sandbox: RunningSandbox, scenario: str, content_type: str, body: str
) -> None:
    begin(sandbox, scenario)
    begin(sandbox, scenario)

    answer = ask(sandbox)

    assert (answer.status_code, answer.headers["content-type"]) == (200, content_type)
    assert answer.text.startswith(body)
    assert bool(answer.text) == bool(body)
    with pytest.raises(httpx.RemoteProtocolError, match="nonsense"):
        by_our_own_client(sandbox)
    assert ask(sandbox).status_code == 200


def test_a_token_that_is_called_text_is_still_a_token(sandbox: RunningSandbox) -> None:
    begin(sandbox, "wrong-content-type")

    answer = ask(sandbox)

    assert answer.headers["content-type"] == "text/plain"
    assert gate(sandbox).verify(answer.json()["access_token"], fetching=True)


def test_a_life_that_is_told_as_text(sandbox: RunningSandbox) -> None:
    begin(sandbox, "expires-in-as-text")

    answer = ask(sandbox)

    assert answer.json()["expires_in"] == "120"
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert ask(sandbox).json()["expires_in"] == 120


@pytest.mark.parametrize(
    ("scenario", "why"),
    [
        ("expired-tokens", "has expired"),
        ("tokens-not-valid-yet", "not valid yet"),
        ("unknown-kid", "not one of the issuer's"),
        ("forged-signature", "signature does not hold"),
        ("wrong-issuer-in-tokens", "issuer is not trusted"),
        ("keys-rotated-away", "not one of the issuer's"),
    ],
)
def test_a_spoilt_token_is_refused_by_our_services(sandbox: RunningSandbox, scenario: str, why: str) -> None:
    begin(sandbox, scenario)
    spoilt = ask(sandbox)
    assert spoilt.status_code == 200

    with pytest.raises(TokenInvalid, match=why):
        gate(sandbox).verify(spoilt.json()["access_token"], fetching=True)

    sandbox.http.delete(f"{sandbox.control_url}/_sandbox/faults").raise_for_status()
    assert gate(sandbox).verify(ask(sandbox).json()["access_token"], fetching=True)


def test_times_of_a_spoilt_token_are_moved_together(sandbox: RunningSandbox) -> None:
    begin(sandbox, "expired-tokens")
    right = opened(sandbox.grant(BRONNOY, READ).json()["access_token"])[1]

    assert right["exp"] - right["iat"] == 120


def test_services_that_know_the_keys_live_on_when_their_page_is_down(sandbox: RunningSandbox) -> None:
    known = gate(sandbox)
    known.verify(ask(sandbox).json()["access_token"], fetching=True)
    begin(sandbox, "keys-down")
    token = ask(sandbox).json()["access_token"]

    assert known.verify(token, fetching=True)
    with pytest.raises(IssuerAway):
        gate(sandbox).verify(token, fetching=True)


@pytest.mark.parametrize(
    ("scenario", "says"),
    [("clock-ahead", "Issue time is too long ago"), ("clock-behind", "Issue time is after now")],
)
def test_a_clock_that_is_far_off_refuses_right_grants(sandbox: RunningSandbox, scenario: str, says: str) -> None:
    begin(sandbox, scenario)

    assert_refused(ask(sandbox), "invalid_grant", says=says)
    with pytest.raises(GrantRefused):
        by_our_own_client(sandbox)


def test_a_clock_that_is_slightly_off_is_borne(sandbox: RunningSandbox) -> None:
    begin(sandbox, "clock-slightly-ahead")
    answer = ask(sandbox)

    assert answer.status_code == 200
    claims = opened(answer.json()["access_token"])[1]
    sandbox.http.delete(f"{sandbox.control_url}/_sandbox/faults").raise_for_status()
    assert claims["iat"] > opened(ask(sandbox).json()["access_token"])[1]["iat"]
    assert gate(sandbox).verify(answer.json()["access_token"], fetching=True)


@pytest.mark.parametrize("form", ["oauth-authorization-server", "openid-configuration"])
def test_metadata_may_name_another_issuer(sandbox: RunningSandbox, form: str) -> None:
    begin(sandbox, "wrong-issuer-in-metadata")

    found = sandbox.http.get(f"{sandbox.maskinporten_url}/.well-known/{form}").json()

    assert found["issuer"] == "https://elsewhere.example/"
    assert found["token_endpoint"] == f"{sandbox.maskinporten_url}/token"


def test_own_scenarios_are_files_in_a_folder_of_ones_own(
    new_database: NewDatabase, keys_folder: Path, tmp_path: Path
) -> None:
    fault = {"stand_in": "maskinporten", "kind": "changed_json", "path_prefix": "/token", "changes": {"scope": None}}
    (tmp_path / "no-scope.json").write_text(json.dumps({"description": "No scope is told.", "faults": [fault]}))
    (tmp_path / "broken.json").write_text('{"description": "x", "faults": [{"kind": "explode"}]}')
    with running_sandbox(new_database("sandbox"), keys_folder, scenarios_folder=tmp_path) as own:
        url = f"{own.control_url}/_sandbox/scenarios"
        begin(own, "no-scope")

        assert "scope" not in ask(own).json()
        assert "scope" in ask(own).json()
        broken = own.http.post(f"{url}/broken")
        assert (broken.status_code, broken.json()["type"]) == (502, "/problems/scenario-unreadable")
        for missing in ("expired-tokens", "..%2Fno-scope", "%2e%2e"):
            assert own.http.post(f"{url}/{missing}").status_code == 404


def test_a_fault_changes_json_objects_only(sandbox: RunningSandbox) -> None:
    sandbox.fault(stand_in="self_service", kind="changed_json", changes={"x": 1}, times=2)

    listed = sandbox.http.get(f"{sandbox.self_service_url}/delegationsources").json()
    refused = sandbox.http.get(f"{sandbox.self_service_url}/clients").json()

    assert [one["name"] for one in listed] == ["altinn"]
    assert refused["x"] == 1


def test_a_fault_of_the_token_strikes_no_other_answer(sandbox: RunningSandbox) -> None:
    sandbox.fault(stand_in="maskinporten", kind="spoilt_token", changes={"consumer": {"ID": "0192:100000016"}})

    claims = opened(ask(sandbox).json()["access_token"])[1]

    assert claims["consumer"] == {"authority": "iso6523-actorid-upis", "ID": "0192:100000016"}
    assert claims["client_id"] == str(seed_id(f"client:{BRONNOY}"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "status", "status": 204},
        {"kind": "status", "status": 304},
        {"kind": "status", "status": 199},
        {"kind": "delay", "seconds": -1},
        {"kind": "hang", "seconds": 3601},
        {"kind": "changed_json", "changes": []},
        {"kind": "spoilt_token", "signed_by": "nobody"},
        {"kind": "spoilt_token", "stand_in": "svarut"},
        {"kind": "wrong_clock", "stand_in": "svarut"},
    ],
)
def test_a_fault_that_could_not_be_done_is_not_arranged(sandbox: RunningSandbox, wrong: dict[str, Any]) -> None:
    fault = {"stand_in": "maskinporten"} | wrong

    assert sandbox.http.post(f"{sandbox.control_url}/_sandbox/faults", json=fault).status_code == 422
