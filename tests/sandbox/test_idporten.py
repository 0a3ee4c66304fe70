"""ID-porten in the sandbox: what it publishes, and a login from the request to the tokens, in the observed shapes."""

import pytest

from tests.sandbox.logins import Party, browser, claims_of, opened, registered, told
from tests.sandbox.running import RunningSandbox

METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]


@pytest.fixture
def party(sandbox: RunningSandbox) -> Party:
    return registered(sandbox, "idporten")


@pytest.mark.parametrize("method", METHODS)
def test_a_client_gets_tokens_by_each_method_of_authentication(sandbox: RunningSandbox, method: str) -> None:
    client = registered(sandbox, "idporten", method)

    answer = client.tokens()

    assert client.verified(answer["id_token"])["aud"] == client.client_id
    assert claims_of(answer["access_token"])["client_amr"] == method
    assert ("refresh_token" in answer) == (method != "none")


def test_a_headless_login_is_answered_at_once_with_code_iss_and_state(party: Party) -> None:
    with browser() as at:
        answer = told(party.authorize(at, login_hint=party.hint()))

    assert set(answer) == {"code", "iss", "state"}
    assert answer["iss"] == party.issuer
    assert answer["state"] == "s=t+a/t&e"
    assert opened(party.redeem(answer["code"]).json()["id_token"])[0]["alg"] == "RS256"
