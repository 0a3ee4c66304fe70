"""What ID-porten refuses, and in which words: each case with its status, its error and where it is told."""

import base64
import hmac
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from tests.sandbox.logins import (
    ASSERTION_TYPE,
    BJORK,
    KEY,
    Party,
    browser,
    claims_of,
    registered,
    representing,
    told,
)
from tests.sandbox.running import RunningSandbox


@pytest.fixture
def party(sandbox: RunningSandbox) -> Party:
    return registered(sandbox, "idporten")


@pytest.fixture
def keyed(sandbox: RunningSandbox) -> Party:
    """A client with private_key_jwt."""
    return registered(sandbox, "idporten", "private_key_jwt")


@pytest.fixture
def at() -> Iterator[httpx.Client]:
    with browser() as one:
        yield one


def refusal(response: httpx.Response) -> tuple[int, str, str]:
    body = response.json()
    assert set(body) == {"error", "error_description"}
    assert response.headers["cache-control"] == "no-store"
    return response.status_code, body["error"], body["error_description"]


# What is shown to the user, as one does not know where to send her


@pytest.mark.parametrize(
    ("changed", "status", "error", "why"),
    [
        ({"client_id": "nobody"}, 401, "invalid_client", "Unknown client_id"),
        ({"client_id": None}, 401, "invalid_client", "Unknown client_id"),
        ({"redirect_uri": None}, 400, "invalid_request", "redirect_uri is missing"),
        ({"redirect_uri": "http://127.0.0.1:3000/callback/"}, 400, "invalid_request", "compared exactly"),
        ({"redirect_uri": "http://127.0.0.1:3000/callback?x=1"}, 400, "invalid_request", "compared exactly"),
        ({"redirect_uri": "http://localhost:3000/callback"}, 400, "invalid_request", "compared exactly"),
        ({"state": ["a", "b"]}, 400, "invalid_request", "state stands more than once"),
    ],
)
def test_an_error_before_the_address_is_known_is_shown_on_a_page(
    party: Party, at: httpx.Client, changed: dict[str, Any], status: int, error: str, why: str
) -> None:
    page = party.authorize(at, **changed)

    assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert f"<strong>{error}</strong>" in page.text
    assert why in page.text


# What the client is told through the browser


@pytest.mark.parametrize(
    ("changed", "error", "why"),
    [
        ({"response_type": "token"}, "unsupported_response_type", "Must be code"),
        ({"response_type": "code id_token"}, "unsupported_response_type", "Must be code"),
        ({"response_type": None}, "unsupported_response_type", "Must be code"),
        ({"response_mode": "fragment"}, "invalid_request", "response_mode 'fragment' is not one of"),
        ({"scope": "profile"}, "invalid_scope", "openid is missing"),
        ({"scope": None}, "invalid_scope", "openid is missing"),
        ({"scope": "openid a:b"}, "invalid_scope", "Client has not been registered with scope a:b"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request", "code_challenge is missing"),
        ({"code_challenge_method": "plain"}, "invalid_request", "code_challenge_method must be S256"),
        ({"code_challenge_method": None}, "invalid_request", "code_challenge_method must be S256"),
        ({"code_challenge": "a" * 43 + "="}, "invalid_request", "without padding"),
        ({"code_challenge": "a" * 42}, "invalid_request", "43 characters"),
        ({"state": None}, "invalid_request", "state is missing"),
        ({"nonce": None}, "invalid_request", "nonce is missing"),
        ({"nonce": "n" * 2001}, "invalid_request", "at most 2000"),
        ({"nonce": ["a", "b"]}, "invalid_request", "nonce stands more than once"),
        ({"acr_values": "substantial"}, "invalid_request", "acr_values"),
        ({"prompt": "none login"}, "invalid_request", "or none alone"),
        ({"prompt": "select_account"}, "invalid_request", "prompt must be"),
        ({"prompt": "none"}, "login_required", "must log in"),
        ({"max_age": "-1"}, "invalid_request", "max_age must be seconds"),
        ({"request": "e30.e30.x"}, "request_not_supported", "not supported"),
        ({"dpop_jkt": "short"}, "invalid_request", "dpop_jkt"),
        ({"authorization_details": representing()}, "invalid_authorization_details", "Unknown"),
        ({"login_hint": f"testid:{BJORK}"}, "invalid_request", "login_hint must be"),
        ({"login_hint": f"testid:{BJORK}_high"}, "invalid_request", "login_hint must be"),
        ({"login_hint": "testid:12037532157_idporten-loa-high"}, "invalid_request", "synthetic"),
        ({"login_hint": "testid:12837532158_idporten-loa-high"}, "invalid_request", "synthetic"),
    ],
)
def test_an_error_is_sent_back_with_iss_and_state(
    party: Party, at: httpx.Client, changed: dict[str, Any], error: str, why: str
) -> None:
    answer = told(party.authorize(at, **changed))

    assert answer["error"] == error
    assert why in answer["error_description"]
    assert answer["iss"] == party.issuer
    assert answer.get("state") == (None if "state" in changed else "s=t+a/t&e")
    assert BJORK not in str(answer)


@pytest.mark.parametrize("missing", ["state", "code_challenge"])
def test_a_public_client_is_never_let_off_state_and_pkce(
    sandbox: RunningSandbox, at: httpx.Client, missing: str
) -> None:
    public = registered(sandbox, "idporten", "none", pkce_required=False, state_and_nonce_required=False)
    without = {missing: None, "code_challenge_method": None} if missing == "code_challenge" else {missing: None}

    answer = told(public.authorize(at, **without))

    assert answer["error_description"] == f"{missing} is missing"


# Codes


def test_a_code_is_good_once_and_its_tokens_are_revoked_when_it_comes_again(party: Party) -> None:
    code = party.code()
    first = party.redeem(code).json()

    again = refusal(party.redeem(code))

    assert again == (400, "invalid_grant", "The code is unknown or used before")
    assert party.userinfo(first["access_token"]).status_code == 401
    assert party.post("/token/introspect", {"token": first["access_token"]}).json() == {"active": False}
    assert refusal(party.refresh(first["refresh_token"])) == (400, "invalid_grant", "The login is revoked")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"redirect_uri": "http://127.0.0.1:3000/callback?fixed=1"}, "redirect_uri is not the one of the"),
        ({"redirect_uri": None}, "redirect_uri is not the one of the"),
        ({"code_verifier": "w" * 43}, "code_verifier does not match"),
        ({"code_verifier": "short"}, "code_verifier does not match"),
        ({"code_verifier": None}, "code_verifier does not match"),
    ],
)
def test_a_code_with_something_wrong_beside_it_is_refused(party: Party, changed: dict[str, Any], why: str) -> None:
    status, error, description = refusal(party.redeem(party.code(), **changed))

    assert (status, error) == (400, "invalid_grant")
    assert why in description


def test_an_unknown_code_is_refused(party: Party) -> None:
    assert refusal(party.redeem("unknown")) == (400, "invalid_grant", "The code is unknown or used before")


def test_a_code_is_used_up_by_a_wrong_attempt(party: Party) -> None:
    code = party.code()
    party.redeem(code, code_verifier="w" * 43)

    assert refusal(party.redeem(code))[2] == "The code is unknown or used before"


def test_a_verifier_without_a_challenge_before_is_refused(sandbox: RunningSandbox) -> None:
    client = registered(sandbox, "idporten", pkce_required=False)
    code = client.code(code_challenge=None, code_challenge_method=None)

    assert refusal(client.redeem(code))[2] == "code_verifier was sent, but no code_challenge before"


def test_another_clients_code_is_refused_and_stays_good(sandbox: RunningSandbox, party: Party) -> None:
    other = registered(sandbox, "idporten")
    code = party.code()

    assert refusal(other.redeem(code, code_verifier=party.verifier))[1] == "invalid_grant"
    assert party.redeem(code).status_code == 200


def test_a_code_expires_after_a_minute(own_sandbox: RunningSandbox) -> None:
    party = registered(own_sandbox, "idporten")
    code = party.code()
    own_sandbox.pass_login_time(61)

    assert refusal(party.redeem(code)) == (400, "invalid_grant", "The code is expired")


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"code": "x"}, 400, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        ({"grant_type": "authorization_code", "code": ["a", "b"]}, 400, "invalid_request"),
    ],
)
def test_a_token_request_must_say_what_it_brings(party: Party, form: dict[str, Any], status: int, error: str) -> None:
    assert refusal(party.post("/token", form))[:2] == (status, error)


def test_a_token_request_that_is_no_form_is_refused(party: Party) -> None:
    answer = httpx.post(f"{party.url}/token", json={"grant_type": "authorization_code"})

    assert refusal(answer)[:2] == (400, "invalid_request")
    assert refusal(httpx.get(f"{party.url}/token"))[:2] == (405, "invalid_request")
    assert refusal(httpx.get(f"{party.url}/nowhere"))[:2] == (404, "invalid_request")


# Pushed requests


def short(party: Party, uri: str, **more: str) -> dict[str, str]:
    return {"client_id": party.client_id, "request_uri": uri} | more


def test_a_pushed_request_is_good_once(party: Party, at: httpx.Client) -> None:
    uri = party.push(login_hint=party.hint()).json()["request_uri"]
    told(at.get(f"{party.url}/authorize", params=short(party, uri)))

    again = at.get(f"{party.url}/authorize", params=short(party, uri))

    assert again.status_code == 400
    assert "<strong>invalid_request_uri</strong>" in again.text


def test_a_pushed_request_expires_after_two_minutes(own_sandbox: RunningSandbox, at: httpx.Client) -> None:
    party = registered(own_sandbox, "idporten")
    uri = party.push(login_hint=party.hint()).json()["request_uri"]
    own_sandbox.pass_login_time(121)

    assert "invalid_request_uri" in at.get(f"{party.url}/authorize", params=short(party, uri)).text


def test_another_clients_pushed_request_is_refused_and_stays_good(
    sandbox: RunningSandbox, party: Party, at: httpx.Client
) -> None:
    uri = party.push(login_hint=party.hint()).json()["request_uri"]
    other = registered(sandbox, "idporten")

    assert "invalid_request_uri" in at.get(f"{party.url}/authorize", params=short(other, uri)).text
    assert told(at.get(f"{party.url}/authorize", params=short(party, uri)))["code"]


def test_nothing_may_stand_beside_a_request_uri(party: Party, at: httpx.Client) -> None:
    uri = party.push(login_hint=party.hint()).json()["request_uri"]

    page = at.get(f"{party.url}/authorize", params=short(party, uri, scope="openid", state="x"))

    assert page.status_code == 400
    assert "only client_id may stand, and not scope, state" in page.text
    assert told(at.get(f"{party.url}/authorize", params=short(party, uri)))["code"], "it was not used up"


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"redirect_uri": "http://elsewhere.example/"}, 400, "invalid_request"),
        ({"scope": "openid a:b"}, 400, "invalid_scope"),
        ({"code_challenge_method": "plain"}, 400, "invalid_request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, 400, "invalid_request"),
        ({"authorization_details": representing()}, 400, "invalid_authorization_details"),
    ],
)
def test_a_request_that_could_not_be_met_cannot_be_pushed(
    party: Party, changed: dict[str, Any], status: int, error: str
) -> None:
    assert refusal(party.push(**changed))[:2] == (status, error)


def test_pushing_needs_client_authentication(party: Party) -> None:
    answer = httpx.post(f"{party.url}/par", data=party.asks())

    assert refusal(answer)[:2] == (401, "invalid_client")


# Client authentication


def test_a_client_must_use_the_method_that_it_is_registered_with(sandbox: RunningSandbox) -> None:
    basic, post, public = (
        registered(sandbox, "idporten", method) for method in ("client_secret_basic", "client_secret_post", "none")
    )
    sent = {"grant_type": "authorization_code", "code": "x"}

    by_post = httpx.post(
        f"{basic.url}/token", data=sent | {"client_id": basic.client_id, "client_secret": basic.secret or ""}
    )
    by_basic = httpx.post(f"{post.url}/token", data=sent, auth=(post.client_id, post.secret or ""))
    bare = httpx.post(f"{post.url}/token", data=sent | {"client_id": post.client_id})
    with_secret = httpx.post(f"{public.url}/token", data=sent | {"client_id": public.client_id, "client_secret": "x"})

    assert refusal(by_post) == (
        401, "invalid_client", "The client is registered with client_secret_basic, and used client_secret_post",
    )  # fmt: skip
    assert refusal(by_basic)[2] == "The client is registered with client_secret_post, and used client_secret_basic"
    assert refusal(bare)[2] == "The client is registered with client_secret_post, and used none"
    assert refusal(with_secret)[2] == "The client is registered with none, and used client_secret_post"
    assert by_post.headers["www-authenticate"] == f'Basic realm="{basic.issuer}"'


def test_a_wrong_secret_is_refused(party: Party) -> None:
    party.secret = "guessed"

    assert refusal(party.redeem("x")) == (401, "invalid_client", "Client authentication failed. Wrong client secret")


def test_a_client_may_authenticate_itself_in_one_way_only(party: Party) -> None:
    answer = party.post("/token", {"grant_type": "authorization_code", "client_secret": party.secret})

    assert refusal(answer)[:2] == (400, "invalid_request")


def test_an_authorization_header_that_cannot_be_read_is_refused(party: Party) -> None:
    for header in ("Basic x", "Basic", "Basic /w==", "Basic eHg="):
        answer = httpx.post(f"{party.url}/token", data={"grant_type": "x"}, headers={"Authorization": header})
        assert refusal(answer)[:2] == (401, "invalid_client")


def test_secrets_and_keys_grow_old(own_sandbox: RunningSandbox) -> None:
    secret, key = (registered(own_sandbox, "idporten", method) for method in ("client_secret_post", "private_key_jwt"))
    own_sandbox.pass_login_time(361 * 86_400)
    assert refusal(secret.redeem("x"))[2] == "Client authentication failed. The secret is older than 360 days"
    own_sandbox.pass_login_time(5 * 86_400)
    assert refusal(key.redeem("x"))[2] == "Invalid assertion. Expired key"


OTHER_KEY = RSAKey.generate_key(2048, {"kid": "the-clients-key"}, private=True)


@pytest.mark.parametrize(
    ("signing", "why"),
    [
        ({"aud": "{issuer}/token"}, "Must be the one value {issuer}"),
        ({"aud": "{issuer}/"}, "Must be the one value {issuer}"),
        ({"aud": ["{issuer}", "{issuer}/token"]}, "Must be the one value {issuer}"),
        ({"aud": None}, "Must be the one value {issuer}"),
        ({"iss": "another"}, "iss and sub must be the client_id"),
        ({"sub": None}, "iss and sub must be the client_id"),
        ({"jti": None}, "No jti"),
        ({"exp": None}, "JWT is expired"),
        ({"exp": -1}, "JWT is expired"),
        ({"exp": 121}, "at most 120 seconds after iat"),
        ({"iat": 30, "exp": 60}, "Issue time is after now"),
        ({"nbf": 60}, "not valid yet"),
        ({"header": {"kid": None}}, "No key identifier (kid) provided"),
        ({"header": {"kid": "another"}}, "Unknown key identifier (kid)"),
        ({"header": {"typ": "at+jwt"}}, "another kind of token"),
        ({"header": {"alg": "RS512"}}, "Algorithm must be RS256"),
        ({"key": OTHER_KEY}, "Invalid JWT signature"),
    ],
)
def test_an_assertion_with_something_wrong_is_refused(keyed: Party, signing: dict[str, Any], why: str) -> None:
    issued = claims_of(keyed.assertion())["iat"]

    def right(value: Any) -> Any:
        if isinstance(value, int):
            return issued + value
        if isinstance(value, list):
            return [right(one) for one in value]
        return value.format(issuer=keyed.issuer) if isinstance(value, str) else value

    signed = keyed.assertion(**{name: right(value) for name, value in signing.items()})
    answer = keyed.post("/token", {"grant_type": "authorization_code", "code": "x", "client_assertion": signed})

    status, error, description = refusal(answer)
    assert (status, error) == (401, "invalid_client")
    assert why.format(issuer=keyed.issuer) in description


def test_an_assertion_without_a_signature_is_refused(keyed: Party) -> None:
    head = "eyJhbGciOiJub25lIiwia2lkIjoidGhlLWNsaWVudHMta2V5In0"
    bare = f"{head}.{keyed.assertion().split('.')[1]}."
    for assertion in (bare, "nonsense", "a.b.c"):
        answer = keyed.post("/token", {"grant_type": "x", "client_assertion": assertion})
        assert refusal(answer)[:2] == (401, "invalid_client")


def test_an_assertion_signed_with_the_public_key_as_a_secret_is_refused(keyed: Party) -> None:
    _, claims, _ = keyed.assertion().split(".")
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"the-clients-key"}').rstrip(b"=").decode()
    mark = hmac.digest(KEY.as_pem(private=False), f"{head}.{claims}".encode(), "sha256")
    signed = f"{head}.{claims}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"

    answer = keyed.post("/token", {"grant_type": "x", "client_assertion": signed})

    assert refusal(answer) == (401, "invalid_client", "Invalid assertion. Algorithm must be RS256")


def test_an_assertion_may_live_120_seconds_and_is_good_once(keyed: Party) -> None:
    issued = claims_of(keyed.assertion())["iat"]
    signed = keyed.assertion(iat=issued, exp=issued + 120)

    assert keyed.redeem(keyed.code(), client_assertion=signed).status_code == 200
    assert refusal(keyed.redeem(keyed.code(), client_assertion=signed)) == (
        401, "invalid_client", "Invalid assertion. It is used before",
    )  # fmt: skip


def test_client_id_must_come_with_the_assertion(keyed: Party) -> None:
    answer = keyed.post("/token", {"grant_type": "authorization_code", "client_id": None})

    assert refusal(answer)[2] == "client_id must be sent in the body together with client_assertion"
    other = keyed.post("/token", {"grant_type": "x", "client_assertion_type": "urn:x"})
    assert refusal(other) == (400, "invalid_request", f"client_assertion_type must be {ASSERTION_TYPE}")


def test_another_clients_key_is_refused(sandbox: RunningSandbox, keyed: Party) -> None:
    other = registered(sandbox, "idporten", "private_key_jwt")

    answer = keyed.post("/token", {"grant_type": "x", "client_assertion": other.assertion()})

    assert refusal(answer)[2] == "Invalid assertion. iss and sub must be the client_id"


# Refresh, userinfo, introspection, revocation


def test_a_refresh_token_that_comes_again_revokes_the_whole_login(party: Party) -> None:
    first = party.tokens()
    second = party.refresh(first["refresh_token"]).json()

    again = refusal(party.refresh(first["refresh_token"]))

    assert again == (400, "invalid_grant", "The refresh token is used before; the login is revoked")
    assert refusal(party.refresh(second["refresh_token"])) == (400, "invalid_grant", "The login is revoked")
    assert party.userinfo(second["access_token"]).status_code == 401


def test_a_refresh_token_is_good_only_with_its_client_and_its_scopes(sandbox: RunningSandbox, party: Party) -> None:
    token = party.tokens()["refresh_token"]
    other = registered(sandbox, "idporten")

    assert refusal(other.refresh(token)) == (400, "invalid_grant", "The refresh token is unknown")
    wider = party.refresh(token, scope="openid samvirke:agreements.order")
    assert refusal(wider)[:2] == (400, "invalid_scope")
    assert party.refresh(token).status_code == 200, "neither used it up"


def test_a_public_client_cannot_refresh(sandbox: RunningSandbox) -> None:
    public = registered(sandbox, "idporten", "none")

    assert refusal(public.refresh("x"))[:2] == (400, "unauthorized_client")


@pytest.mark.parametrize(
    ("authorization", "why"),
    [(None, "No access token"), ("Basic x", "No access token"), ("Bearer nonsense", "not a signed JWT")],
)
def test_userinfo_wants_an_access_token(party: Party, authorization: str | None, why: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = httpx.get(f"{party.url}/userinfo", headers=headers)

    assert refusal(answer)[:2] == (401, "invalid_token")
    assert why in refusal(answer)[2]
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


def test_userinfo_takes_no_id_token_and_wants_profile(party: Party) -> None:
    answer = party.tokens(scope="openid")

    without = party.userinfo(answer["access_token"])

    assert refusal(party.userinfo(answer["id_token"]))[:2] == (401, "invalid_token")
    assert refusal(without)[:2] == (403, "insufficient_scope")
    assert without.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="profile"'


def test_userinfo_takes_no_token_of_ansattporten(sandbox: RunningSandbox, party: Party) -> None:
    theirs = registered(sandbox, "ansattporten").tokens()

    assert refusal(party.userinfo(theirs["access_token"]))[:2] == (401, "invalid_token")


def test_an_expired_access_token_is_of_no_use(own_sandbox: RunningSandbox) -> None:
    party = registered(own_sandbox, "idporten")
    token = party.tokens()["access_token"]
    own_sandbox.pass_login_time(121)

    assert party.userinfo(token).status_code == 401
    assert party.post("/token/introspect", {"token": token}).json() == {"active": False}


def test_introspection_is_for_clients_that_are_registered_for_it(sandbox: RunningSandbox, party: Party) -> None:
    plain = registered(sandbox, "idporten", scopes=["openid", "profile"])
    token = party.tokens()["access_token"]

    assert refusal(plain.post("/token/introspect", {"token": token}))[:2] == (403, "insufficient_scope")
    assert refusal(party.post("/token/introspect", {}))[:2] == (400, "invalid_request")
    assert refusal(party.post("/token/revoke", {}))[:2] == (400, "invalid_request")
    bare = httpx.post(f"{party.url}/token/introspect", data={"token": token, "client_id": party.client_id})
    assert refusal(bare)[:2] == (401, "invalid_client")


# Registration


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "tls_client_auth"},
        {"method": "none", "may_refresh": True},
        {"redirect_uris": ["/callback"]},
        {"redirect_uris": ["http://127.0.0.1:3000/#here"]},
        {"backchannel_logout_uri": "http://elsewhere.example/out"},
        {"organisation": "123456789"},
        {"keys": [KEY.as_dict(private=True)]},
        {"scopes": ["two words"]},
    ],
)
def test_a_client_that_could_not_work_is_not_registered(sandbox: RunningSandbox, wrong: dict[str, Any]) -> None:
    client = {"organisation": "964983291", "name": "x", "method": "none", "redirect_uris": ["http://127.0.0.1:3000/"]}
    url = f"{sandbox.control_url}/_sandbox/logins/idporten/clients"

    assert sandbox.http.post(url, json=client | wrong).status_code == 422


def test_a_client_id_is_taken_once_and_clients_are_listed_without_secrets(sandbox: RunningSandbox) -> None:
    url = f"{sandbox.control_url}/_sandbox/logins/idporten/clients"
    client = {
        "client_id": "once-only",
        "organisation": "964983291",
        "name": "x",
        "method": "client_secret_post",
        "redirect_uris": ["http://127.0.0.1:3000/"],
    }

    assert sandbox.http.post(url, json=client).status_code == 201
    assert sandbox.http.post(url, json=client).status_code == 409
    listed = sandbox.http.get(url).json()["items"]
    assert [one["client_id"] for one in listed].count("once-only") == 1
    assert not [one for one in listed if "secret" in one or "client_secret" in one]


def test_a_real_number_cannot_be_added_as_a_test_person(sandbox: RunningSandbox) -> None:
    answer = sandbox.http.post(
        f"{sandbox.control_url}/_sandbox/logins/persons", json={"personal_number": "12037532157", "name": "x"}
    )

    assert answer.status_code == 422
    assert "12037532157" not in answer.text
