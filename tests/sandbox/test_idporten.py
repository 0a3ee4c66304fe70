"""ID-porten in the sandbox: what it publishes, and a login from the request to the tokens, in the observed shapes."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.conftest import NewDatabase
from tests.sandbox.logins import (
    BJORK,
    BRONNOY,
    CALLBACK,
    NOBODY,
    ROGN,
    Party,
    browser,
    claims_of,
    field_of,
    opened,
    registered,
    told,
)
from tests.sandbox.running import RunningSandbox, running_sandbox

METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]
HIGH, SUBSTANTIAL, LOW = "idporten-loa-high", "idporten-loa-substantial", "idporten-loa-low"


@pytest.fixture
def party(sandbox: RunningSandbox) -> Party:
    return registered(sandbox, "idporten")


@pytest.fixture
def at() -> Iterator[httpx.Client]:
    with browser() as one:
        yield one


@pytest.mark.parametrize("form", ["openid-configuration", "oauth-authorization-server"])
def test_discovery_tells_what_the_real_one_tells(sandbox: RunningSandbox, form: str) -> None:
    found = httpx.get(f"{sandbox.idporten_url}/.well-known/{form}").json()

    issuer = sandbox.idporten_url
    assert found["issuer"] == issuer == sandbox.settings.idporten_issuer
    assert {name: found[name] for name in found if name.endswith(("_endpoint", "_uri"))} == {
        "authorization_endpoint": f"{issuer}/authorize",
        "pushed_authorization_request_endpoint": f"{issuer}/par",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks.json",
        "end_session_endpoint": f"{issuer}/logout",
        "introspection_endpoint": f"{issuer}/token/introspect",
        "revocation_endpoint": f"{issuer}/token/revoke",
    }
    assert found["token_endpoint_auth_methods_supported"] == sorted(METHODS)
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["response_modes_supported"] == ["query", "form_post", "query.jwt", "form_post.jwt"]
    assert found["authorization_response_iss_parameter_supported"] is True
    assert found["frontchannel_logout_session_supported"] is True
    assert found["backchannel_logout_session_supported"] is True
    assert {LOW, SUBSTANTIAL, HIGH, "selfregistered-email"} <= set(found["acr_values_supported"])
    assert "registration_endpoint" not in found
    assert "authorization_details_types_supported" not in found


def test_the_keys_carry_certificates_and_no_private_part(sandbox: RunningSandbox) -> None:
    (key,) = httpx.get(f"{sandbox.idporten_url}/jwks.json").json()["keys"]
    certificate = x509.load_der_x509_certificate(base64.b64decode(key["x5c"][0]))

    assert set(key) == {"kty", "use", "kid", "alg", "n", "e", "x5c"}
    shown = certificate.public_key()
    assert isinstance(shown, RSAPublicKey)
    assert shown.public_numbers().n == int.from_bytes(base64.urlsafe_b64decode(key["n"] + "=="))


@pytest.mark.parametrize("method", METHODS)
def test_a_client_gets_tokens_by_each_method_of_authentication(sandbox: RunningSandbox, method: str) -> None:
    client = registered(sandbox, "idporten", method)

    answer = client.tokens()

    assert client.verified(answer["id_token"])["aud"] == client.client_id
    assert claims_of(answer["access_token"])["client_amr"] == method
    assert ("refresh_token" in answer) == (method != "none")


@pytest.mark.parametrize("typ", [None, "JWT", "client-authentication+jwt"])
def test_a_client_assertion_may_say_what_it_is_in_three_ways(sandbox: RunningSandbox, typ: str | None) -> None:
    client = registered(sandbox, "idporten", "private_key_jwt")
    signed = client.assertion(header={"typ": typ})

    assert client.redeem(client.code(), client_assertion=signed).status_code == 200


def test_a_headless_login_is_answered_at_once_with_code_iss_and_state(party: Party, at: httpx.Client) -> None:
    answer = told(party.authorize(at, login_hint=party.hint()))

    assert set(answer) == {"code", "iss", "state"}
    assert answer["iss"] == party.issuer


@pytest.mark.parametrize("state", ["a=b+c&d e", '{"return": "/æøå?x=1"}', "MjAyNi0xMS0yOQ=="])
def test_the_state_comes_back_as_it_was(party: Party, at: httpx.Client, state: str) -> None:
    assert told(party.authorize(at, login_hint=party.hint(), state=state))["state"] == state


def test_a_redirect_uri_may_have_a_query_of_its_own(party: Party, at: httpx.Client) -> None:
    address = f"{CALLBACK}?fixed=1"
    answer = told(party.authorize(at, login_hint=party.hint(), redirect_uri=address))

    assert answer["fixed"] == "1"
    assert party.redeem(answer["code"], redirect_uri=address).status_code == 200


def test_the_token_response_holds_what_the_real_one_holds(party: Party) -> None:
    response = party.redeem(party.code())

    answer = response.json()
    assert response.headers["cache-control"] == "no-store"
    assert set(answer) == {
        "access_token", "id_token", "token_type", "expires_in", "scope", "refresh_token", "refresh_token_expires_in",
    }  # fmt: skip
    assert answer["token_type"] == "Bearer"
    assert answer["scope"] == "openid profile"
    assert (answer["expires_in"], answer["refresh_token_expires_in"]) == (120, 600)
    assert isinstance(answer["expires_in"], int)


def test_the_id_token_holds_what_the_real_one_holds_and_nothing_else(party: Party) -> None:
    answer = party.tokens()

    header, claims = opened(answer["id_token"])
    assert set(header) == {"kid", "alg"}
    assert set(claims) == {
        "sub", "amr", "iss", "pid", "locale", "nonce", "aud", "acr", "auth_time", "iat", "exp", "jti",
    }  # fmt: skip
    assert claims["pid"] == BJORK
    assert claims["amr"] == ["TestID"]
    assert claims["aud"] == party.client_id
    assert claims["acr"] == SUBSTANTIAL
    assert claims["nonce"] == "n0nce"
    assert claims["exp"] - claims["iat"] == 120
    assert claims["sub"] != BJORK


def test_the_access_token_holds_what_the_real_one_holds_and_nothing_else(party: Party) -> None:
    answer = party.tokens(scope="openid profile samvirke:agreements.order")

    header, claims = opened(answer["access_token"])
    assert set(header) == {"kid", "alg"}
    assert set(claims) == {
        "sub", "acr", "scope", "iss", "client_amr", "pid", "exp", "iat", "jti", "client_id", "consumer",
    }  # fmt: skip
    assert claims["sub"] == claims["pid"] == BJORK
    assert claims["scope"] == "openid profile samvirke:agreements.order"
    assert claims["client_id"] == party.client_id
    assert claims["consumer"] == {"authority": "iso6523-actorid-upis", "ID": f"0192:{BRONNOY}"}
    assert claims["exp"] - claims["iat"] == 120


def test_the_same_person_has_another_subject_at_another_client(sandbox: RunningSandbox, party: Party) -> None:
    other = registered(sandbox, "idporten")
    mine, again, theirs = (claims_of(one.tokens()["id_token"])["sub"] for one in (party, party, other))

    assert mine == again != theirs


def test_sid_stands_only_in_tokens_of_clients_that_are_told_of_logouts(sandbox: RunningSandbox, party: Party) -> None:
    told_of_it = registered(sandbox, "idporten", frontchannel_logout_uri="http://127.0.0.1:3000/out")

    assert "sid" not in claims_of(party.tokens()["id_token"])
    assert claims_of(told_of_it.tokens()["id_token"])["sid"]


@pytest.mark.parametrize(
    ("resource", "audience"),
    [("https://api.example/", "https://api.example/"), (["https://a.example/", "https://b.example/"],) * 2],
)
def test_a_resource_becomes_the_audience_of_the_access_token(party: Party, resource: object, audience: object) -> None:
    answer = party.tokens(resource=resource)

    assert claims_of(answer["access_token"])["aud"] == audience


def test_an_access_token_lives_as_long_as_its_client_is_registered_for(sandbox: RunningSandbox) -> None:
    answer = registered(sandbox, "idporten", access_token_seconds=3600).tokens()

    claims = claims_of(answer["access_token"])
    assert answer["expires_in"] == claims["exp"] - claims["iat"] == 3600


def test_a_client_may_be_let_off_pkce_state_and_nonce(sandbox: RunningSandbox, at: httpx.Client) -> None:
    client = registered(sandbox, "idporten", pkce_required=False, state_and_nonce_required=False)
    bare = dict.fromkeys(("code_challenge", "code_challenge_method", "state", "nonce"))
    answer = told(client.authorize(at, login_hint=client.hint(), **bare))

    tokens = client.redeem(answer["code"], code_verifier=None).json()

    assert "state" not in answer
    assert "nonce" not in claims_of(tokens["id_token"])


def test_anybody_with_a_synthetic_number_can_log_in(party: Party) -> None:
    assert claims_of(party.tokens(login_hint=party.hint(NOBODY))["id_token"])["pid"] == NOBODY


# Pushed requests


@pytest.mark.parametrize("method", METHODS)
def test_a_pushed_request_is_good_for_one_login(sandbox: RunningSandbox, at: httpx.Client, method: str) -> None:
    client = registered(sandbox, "idporten", method)
    pushed = client.push(login_hint=client.hint())

    assert pushed.status_code == 201
    assert set(pushed.json()) == {"request_uri", "expires_in"}
    assert pushed.json()["expires_in"] == 120
    short = {"client_id": client.client_id, "request_uri": pushed.json()["request_uri"]}
    answer = told(at.get(f"{client.url}/authorize", params=short))
    assert client.redeem(answer["code"]).status_code == 200


# Response modes


def test_a_response_can_come_by_form_post(party: Party, at: httpx.Client) -> None:
    page = party.authorize(at, login_hint=party.hint(), response_mode="form_post")

    assert f'action="{CALLBACK}"' in page.text
    (code,) = field_of(page, "code")
    assert field_of(page, "iss") == [party.issuer]
    assert party.redeem(code).status_code == 200
    policy = page.headers["content-security-policy"]
    assert "form-action 'self' http://127.0.0.1:3000;" in policy


@pytest.mark.parametrize("mode", ["query.jwt", "jwt", "form_post.jwt"])
def test_a_response_can_come_signed(party: Party, at: httpx.Client, mode: str) -> None:
    page = party.authorize(at, login_hint=party.hint(), response_mode=mode)

    signed = field_of(page, "response")[0] if mode == "form_post.jwt" else told(page)["response"]
    claims = party.verified(signed)
    assert set(claims) == {"iss", "aud", "exp", "code", "state"}
    assert (claims["iss"], claims["aud"]) == (party.issuer, party.client_id)
    assert party.redeem(claims["code"]).status_code == 200


def test_an_error_comes_signed_as_well(party: Party, at: httpx.Client) -> None:
    claims = party.verified(told(party.authorize(at, prompt="none", response_mode="query.jwt"))["response"])

    assert claims["error"] == "login_required"


# The page, single sign-on, step-up


def page_of(party: Party, at: httpx.Client, **changed: object) -> httpx.Response:
    """The login page that an authorization request leads to."""
    sent = party.authorize(at, **changed)
    assert sent.status_code == 303, sent.text
    return at.get(sent.headers["location"])


def log_in(at: httpx.Client, page: httpx.Response, **form: str) -> httpx.Response:
    return at.post(str(page.url), data={"person": "", "number": BJORK, "acr": SUBSTANTIAL} | form)


def test_a_person_is_picked_on_a_page(party: Party, at: httpx.Client) -> None:
    page = page_of(party, at)

    assert page.status_code == 200
    assert "Fiktiv Bjørk" in page.text
    assert BJORK not in page.text
    assert field_of(page, "acr") == [SUBSTANTIAL, HIGH]
    answer = told(log_in(at, page, person=field_of(page, "person")[0], number=""))
    assert claims_of(party.redeem(answer["code"]).json()["id_token"])["pid"] == BJORK


def test_a_number_can_be_typed_on_the_page(party: Party, at: httpx.Client) -> None:
    page = page_of(party, at)
    answer = told(log_in(at, page, person=field_of(page, "person")[0], number=NOBODY, acr=HIGH))

    claims = claims_of(party.redeem(answer["code"]).json()["id_token"])
    assert (claims["pid"], claims["acr"]) == (NOBODY, HIGH)


@pytest.mark.parametrize("number", ["12037532157", "12837532158", "1283753215", "", "abcdefghijk"])
def test_a_number_that_is_not_synthetic_is_not_taken_nor_repeated(party: Party, at: httpx.Client, number: str) -> None:
    page = page_of(party, at)
    again = log_in(at, page, number=number)

    assert again.status_code == 400
    assert "ikke et oppdiktet fødselsnummer" in again.text
    assert not number or number not in again.text
    assert log_in(at, page).status_code == 302, "the page is still good"


@pytest.mark.parametrize("person", ["0", "999999999", "12345678901", "x", "١"])
def test_a_person_who_is_not_there_is_not_logged_in(party: Party, at: httpx.Client, person: str) -> None:
    again = log_in(at, page_of(party, at), person=person, number="")

    assert again.status_code == 400
    assert "Personen kan ikke logge inn slik." in again.text


def test_a_level_below_what_was_asked_for_is_not_taken(party: Party, at: httpx.Client) -> None:
    assert log_in(at, page_of(party, at, acr_values=HIGH), acr=SUBSTANTIAL).status_code == 400


def test_a_page_is_good_once_and_in_one_browser_only(party: Party, at: httpx.Client) -> None:
    page = page_of(party, at)
    with browser() as other:
        assert other.get(str(page.url)).status_code == 400
        assert log_in(other, page).status_code == 400
    assert log_in(at, page).status_code == 302
    assert log_in(at, page).status_code == 400


def test_one_who_cancels_is_sent_back_with_an_error(party: Party, at: httpx.Client) -> None:
    page = page_of(party, at)

    answer = told(at.post(f"{page.url}/cancel", data={"acr": SUBSTANTIAL}))

    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "s=t+a/t&e", party.issuer)
    assert at.get(str(page.url)).status_code == 400


def test_another_client_of_the_same_browser_gets_the_same_login(
    sandbox: RunningSandbox, party: Party, at: httpx.Client
) -> None:
    other = registered(sandbox, "idporten")
    first = party.tokens(at)
    second = other.redeem(told(other.authorize(at, prompt="none"))["code"]).json()

    mine, theirs = claims_of(first["id_token"]), claims_of(second["id_token"])
    assert mine["pid"] == theirs["pid"]
    assert mine["auth_time"] == theirs["auth_time"]


def test_prompt_login_asks_again(party: Party, at: httpx.Client) -> None:
    party.tokens(at)

    assert page_of(party, at, prompt="login").status_code == 200


def test_a_higher_level_is_asked_for_again_and_a_lower_is_not(party: Party, at: httpx.Client) -> None:
    party.tokens(at)

    assert party.authorize(at, acr_values=LOW).status_code == 302
    assert told(party.authorize(at, acr_values=HIGH, prompt="none"))["error"] == "login_required"
    page = page_of(party, at, acr_values=HIGH)
    assert field_of(page, "acr") == [HIGH]
    raised = party.redeem(told(log_in(at, page, acr=HIGH))["code"]).json()
    assert claims_of(raised["id_token"])["acr"] == HIGH
    after = party.redeem(told(party.authorize(at, acr_values=HIGH, prompt="none"))["code"]).json()
    assert claims_of(after["id_token"])["acr"] == HIGH


@pytest.mark.parametrize(
    ("wanted", "acr", "reached"),
    [
        ("idporten-loa-low idporten-loa-high", SUBSTANTIAL, True),
        ("eidas-loa-substantial", SUBSTANTIAL, True),
        ("selfregistered-email", LOW, True),
        (HIGH, SUBSTANTIAL, False),
        ("eidas-loa-high", SUBSTANTIAL, False),
        (SUBSTANTIAL, LOW, False),
    ],
)
def test_levels_are_compared_by_their_order(
    party: Party, at: httpx.Client, wanted: str, acr: str, reached: bool
) -> None:
    answer = told(party.authorize(at, acr_values=wanted, login_hint=party.hint(acr=acr)))

    assert ("code" in answer) == reached
    assert answer.get("error") == (None if reached else "unmet_authentication_requirements")


def test_a_session_ends_when_it_was_not_used_for_half_an_hour(own_sandbox: RunningSandbox, at: httpx.Client) -> None:
    party = registered(own_sandbox, "idporten")
    party.tokens(at)
    own_sandbox.pass_login_time(1700)
    assert "code" in told(party.authorize(at, prompt="none"))
    own_sandbox.pass_login_time(1700)
    assert "code" in told(party.authorize(at, prompt="none"))
    own_sandbox.pass_login_time(1801)

    assert told(party.authorize(at, prompt="none"))["error"] == "login_required"


def test_a_session_ends_after_two_hours_however_much_it_is_used(own_sandbox: RunningSandbox, at: httpx.Client) -> None:
    party = registered(own_sandbox, "idporten")
    party.tokens(at)
    for _ in range(4):
        own_sandbox.pass_login_time(1790)
        assert "code" in told(party.authorize(at, prompt="none"))
    own_sandbox.pass_login_time(60)

    assert told(party.authorize(at, prompt="none"))["error"] == "login_required"


def test_a_login_that_is_older_than_max_age_is_asked_for_again(own_sandbox: RunningSandbox, at: httpx.Client) -> None:
    party = registered(own_sandbox, "idporten")
    party.tokens(at)
    own_sandbox.pass_login_time(500)

    assert "code" in told(party.authorize(at, max_age="600", prompt="none"))
    assert told(party.authorize(at, max_age="400", prompt="none"))["error"] == "login_required"


# The pages' language


def test_the_page_speaks_the_language_that_the_client_asks_for(party: Party, at: httpx.Client) -> None:
    for wanted, lang, heading in (
        ("nn", "nn", "Kven er du?"),
        ("en", "en", "Who are you?"),
        ("se nb", "nb", "Hvem er du?"),
        (None, "nb", "Hvem er du?"),
    ):
        page = page_of(party, at, ui_locales=wanted)
        assert f'<html lang="{lang}">' in page.text
        assert heading in page.text


def test_the_users_own_choice_of_language_overrides_the_clients(party: Party, at: httpx.Client) -> None:
    page = page_of(party, at, ui_locales="en")

    chosen = at.get(f"{page.url.copy_with(query=None)}?language=nn")

    assert '<html lang="nn">' in chosen.text
    assert '<html lang="nn">' in page_of(party, at, ui_locales="en").text
    answer = told(log_in(at, page))
    assert claims_of(party.redeem(answer["code"]).json()["id_token"])["locale"] == "nn"


def test_the_pages_take_nothing_from_elsewhere(party: Party, at: httpx.Client) -> None:
    page = page_of(party, at)

    assert not re.findall(r"(?:src|href)=\"https?:", page.text)
    assert page.headers["content-security-policy"].startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


# Refreshing, userinfo, introspection, revocation


def test_a_refresh_token_gives_new_tokens_of_the_same_login(party: Party) -> None:
    first = party.tokens()
    second = party.refresh(first["refresh_token"]).json()

    assert set(second) == set(first)
    assert second["refresh_token"] != first["refresh_token"]
    old, new = claims_of(first["id_token"]), claims_of(second["id_token"])
    assert "nonce" not in new
    assert {name: old[name] for name in ("sub", "pid", "acr", "auth_time", "aud", "iss")} == {
        name: new[name] for name in ("sub", "pid", "acr", "auth_time", "aud", "iss")
    }
    assert claims_of(second["access_token"])["jti"] != claims_of(first["access_token"])["jti"]


def test_a_renewed_token_may_have_fewer_scopes(party: Party) -> None:
    first = party.tokens()
    second = party.refresh(first["refresh_token"], scope="openid").json()

    assert second["scope"] == claims_of(second["access_token"])["scope"] == "openid"
    assert party.refresh(second["refresh_token"]).json()["scope"] == "openid profile"


def test_a_refresh_token_dies_when_it_is_not_used_and_a_login_after_two_hours(own_sandbox: RunningSandbox) -> None:
    party = registered(own_sandbox, "idporten")
    idle, used = party.tokens(), party.tokens()["refresh_token"]
    own_sandbox.pass_login_time(590)
    used = party.refresh(used).json()["refresh_token"]
    own_sandbox.pass_login_time(20)
    refused = party.refresh(idle["refresh_token"]).json()
    assert (refused["error"], refused["error_description"]) == ("invalid_grant", "The refresh token is expired")

    for _ in range(11):
        own_sandbox.pass_login_time(570)
        answer = party.refresh(used).json()
        used = answer["refresh_token"]
    assert 300 < answer["refresh_token_expires_in"] <= 320
    own_sandbox.pass_login_time(320)
    assert party.refresh(used).json()["error"] == "invalid_grant"


def test_userinfo_tells_who_logged_in(party: Party) -> None:
    answer = party.tokens()
    told_of = party.userinfo(answer["access_token"])

    assert told_of.status_code == 200
    assert told_of.json() == {"sub": claims_of(answer["id_token"])["sub"], "pid": BJORK, "locale": "nb"}


def test_introspection_shows_what_is_good(party: Party) -> None:
    token = party.tokens()["access_token"]
    shown = party.post("/token/introspect", {"token": token}).json()

    assert shown == {"active": True, **claims_of(token), "token_type": "Bearer"}
    assert isinstance(shown["exp"], int)
    assert party.post("/token/introspect", {"token": "nonsense"}).json() == {"active": False}


def test_a_revoked_access_token_is_inactive_and_its_login_lives_on(party: Party) -> None:
    answer = party.tokens()

    assert party.post("/token/revoke", {"token": answer["access_token"]}).status_code == 200

    assert party.post("/token/introspect", {"token": answer["access_token"]}).json() == {"active": False}
    assert party.userinfo(answer["access_token"]).status_code == 401
    assert party.refresh(answer["refresh_token"]).status_code == 200


def test_a_revoked_refresh_token_takes_its_login_with_it(party: Party) -> None:
    answer = party.tokens()

    hinted = {"token": answer["refresh_token"], "token_type_hint": "access_token"}
    assert party.post("/token/revoke", hinted).status_code == 200

    assert party.post("/token/introspect", {"token": answer["access_token"]}).json() == {"active": False}
    assert party.refresh(answer["refresh_token"]).json()["error"] == "invalid_grant"


def test_another_clients_token_is_not_revoked(sandbox: RunningSandbox, party: Party) -> None:
    answer = party.tokens()
    other = registered(sandbox, "idporten")

    for kind in ("access_token", "refresh_token"):
        assert other.post("/token/revoke", {"token": answer[kind]}).status_code == 200
    assert other.post("/token/revoke", {"token": "nonsense"}).status_code == 200

    assert party.userinfo(answer["access_token"]).status_code == 200
    assert party.refresh(answer["refresh_token"]).status_code == 200


# For browsers, keys, faults, and where things are


def test_scripts_of_any_page_may_ask_and_can_read_errors(party: Party) -> None:
    origin = {"Origin": "http://127.0.0.1:8001"}
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-requested-with,content-type"}

    preflight = httpx.options(f"{party.url}/token", headers=origin | asked)
    error = httpx.post(f"{party.url}/token", data={"grant_type": "x"}, headers=origin)
    keys = httpx.get(f"{party.url}/jwks.json", headers=origin)

    assert preflight.status_code == 200
    assert "x-requested-with" in preflight.headers["access-control-allow-headers"].lower()
    assert error.status_code == 401
    for response in (preflight, error, keys):
        assert response.headers["access-control-allow-origin"] == "*"


def test_tokens_of_the_old_and_the_new_key_hold_while_both_are_published(own_sandbox: RunningSandbox) -> None:
    party = registered(own_sandbox, "idporten")
    old = party.tokens()
    url = f"{own_sandbox.control_url}/_sandbox/logins/idporten/rotate"
    ahead = own_sandbox.http.post(url, json={"lead_seconds": 600}).json()["kid"]
    assert opened(party.tokens()["id_token"])[0]["kid"] == opened(old["id_token"])[0]["kid"]

    kid = own_sandbox.http.post(url, json={"lead_seconds": 0}).json()["kid"]
    new = party.tokens()

    assert opened(new["id_token"])[0]["kid"] == kid
    published = httpx.get(f"{party.url}/jwks.json").json()
    assert {key["kid"] for key in published["keys"]} == {kid, ahead, opened(old["id_token"])[0]["kid"]}
    for answer in (old, new):
        jwt.decode(answer["id_token"], KeySet.import_key_set(published), algorithms=["RS256"])
        assert party.userinfo(answer["access_token"]).status_code == 200
    retiring = own_sandbox.http.post(url, json={"lead_seconds": 0, "overlap_seconds": 0}).json()["kid"]
    left = {key["kid"] for key in httpx.get(f"{party.url}/jwks.json").json()["keys"]}
    assert retiring in left
    assert kid not in left


def test_the_login_providers_can_fail_on_the_wire(sandbox: RunningSandbox, party: Party) -> None:
    sandbox.fault(stand_in="idporten", kind="status", status=503, path_prefix="/jwks.json")
    sandbox.fault(stand_in="idporten", kind="wrong_content_type", path_prefix="/token")

    assert httpx.get(f"{party.url}/jwks.json").status_code == 503
    assert httpx.get(f"{party.url}/jwks.json").status_code == 200
    assert party.redeem(party.code()).headers["content-type"].startswith("text/html")


@pytest.fixture
def new_own(new_database: NewDatabase, keys_folder: Path) -> Iterator[RunningSandbox]:
    """With an issuer, a place for browsers and one for servers that all differ."""
    with running_sandbox(
        new_database("sandbox"),
        keys_folder,
        idporten_issuer="http://127.0.0.1:18092",
        idporten_public_url="http://127.0.0.9:18092",
        idporten_internal_url="http://sandbox:18092",
    ) as running:
        yield running


def test_browsers_and_servers_may_find_it_at_different_addresses(new_own: RunningSandbox) -> None:
    found = httpx.get(f"{new_own.idporten_url}/.well-known/openid-configuration").json()

    assert found["issuer"] == "http://127.0.0.1:18092"
    assert found["authorization_endpoint"] == "http://127.0.0.9:18092/authorize"
    assert found["end_session_endpoint"] == "http://127.0.0.9:18092/logout"
    assert found["token_endpoint"] == "http://sandbox:18092/token"
    assert found["jwks_uri"] == "http://sandbox:18092/jwks.json"
    party = registered(new_own, "idporten", "private_key_jwt")
    with browser() as at:
        assert party.authorize(at).headers["location"].startswith("http://127.0.0.9:18092/login/")
    answer = party.tokens()
    assert claims_of(answer["id_token"])["iss"] == "http://127.0.0.1:18092"


def test_the_seeded_client_of_swagger_ui_can_log_in(sandbox: RunningSandbox, at: httpx.Client) -> None:
    settings = sandbox.settings
    party = Party(
        sandbox, "idporten", "samvirke-swagger-ui", None, "none", sandbox.idporten_url, settings.idporten_issuer
    )
    address = settings.login_callbacks[0]
    scope = "openid profile samvirke:agreements.order"
    answer = told(party.authorize(at, login_hint=party.hint(ROGN), redirect_uri=address, scope=scope))

    tokens = party.redeem(answer["code"], redirect_uri=address).json()

    assert tokens["expires_in"] == 3600
    assert claims_of(tokens["access_token"])["scope"] == scope


def test_the_number_stands_in_no_address_but_the_hint_itself(party: Party, at: httpx.Client) -> None:
    page = page_of(party, at)
    sent = log_in(at, page)

    assert BJORK not in str(page.url)
    assert BJORK not in sent.headers["location"]
    assert BJORK not in json.dumps(dict(parse_qsl(urlsplit(sent.headers["location"]).query)))
