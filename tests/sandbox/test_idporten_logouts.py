"""Logout: where the browser is sent, which clients are told and how, and which tokens die."""

import html
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest

from tests.sandbox.logins import AFTER_LOGOUT, BJORK, CALLBACK, Party, browser, claims_of, opened, registered, told
from tests.sandbox.running import RunningSandbox


@pytest.fixture
def party(sandbox: RunningSandbox) -> Party:
    return registered(sandbox, "idporten")


@pytest.fixture
def at() -> Iterator[httpx.Client]:
    with browser() as one:
        yield one


@dataclass
class Listener:
    """A client's server that takes back-channel logouts."""

    url: str
    status: int = 200
    got: list[str] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            found.got += parse_qs(body)["logout_token"]
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Listener(f"http://127.0.0.1:{server.server_port}/backchannel")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def test_one_is_sent_back_with_the_state_and_is_logged_out(party: Party, at: httpx.Client) -> None:
    hint = party.tokens(at)["id_token"]

    sent = party.log_out(at, id_token_hint=hint, post_logout_redirect_uri=AFTER_LOGOUT, state="a=b&c d")

    assert sent.status_code == 302
    assert sent.headers["location"].startswith(f"{AFTER_LOGOUT}?")
    assert dict(parse_qsl(urlsplit(sent.headers["location"]).query)) == {"state": "a=b&c d"}
    assert told(party.authorize(at, prompt="none"))["error"] == "login_required"


def test_the_client_may_be_named_instead_and_the_form_be_posted(party: Party, at: httpx.Client) -> None:
    party.tokens(at)

    sent = at.post(f"{party.url}/logout", data={"client_id": party.client_id, "post_logout_redirect_uri": AFTER_LOGOUT})

    assert (sent.status_code, sent.headers["location"]) == (302, AFTER_LOGOUT)


def test_an_expired_id_token_will_do_as_a_hint(own_sandbox: RunningSandbox, at: httpx.Client) -> None:
    party = registered(own_sandbox, "idporten")
    hint = party.tokens(at)["id_token"]
    own_sandbox.pass_login_time(1000)

    assert party.log_out(at, id_token_hint=hint, post_logout_redirect_uri=AFTER_LOGOUT).status_code == 302


def test_without_a_hint_one_is_logged_out_and_sent_nowhere(party: Party, at: httpx.Client) -> None:
    party.tokens(at)

    page = party.log_out(at, post_logout_redirect_uri=AFTER_LOGOUT, ui_locales="en")

    assert page.status_code == 200
    assert "You are logged out" in page.text
    assert AFTER_LOGOUT not in page.text
    assert told(party.authorize(at, prompt="none"))["error"] == "login_required"


def test_without_a_session_there_is_an_error_page(party: Party, at: httpx.Client) -> None:
    page = party.log_out(at, client_id=party.client_id, post_logout_redirect_uri=AFTER_LOGOUT)

    assert page.status_code == 400
    assert "Du er ikke logget inn" in page.text


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"post_logout_redirect_uri": f"{AFTER_LOGOUT}/"}, "post_logout_redirect_uri is not one of those"),
        ({"state": "blå"}, "state must be printable ASCII"),
        ({"client_id": "nobody"}, "Unknown client_id"),
        ({"id_token_hint": "nonsense"}, "id_token_hint is not a signed JWT"),
    ],
)
def test_a_logout_with_something_wrong_is_shown_and_ends_nothing(
    party: Party, at: httpx.Client, values: dict[str, str], why: str
) -> None:
    party.tokens(at)

    page = party.log_out(at, **{"client_id": party.client_id} | values)

    assert page.status_code == 400
    assert why in page.text
    assert "code" in told(party.authorize(at, prompt="none"))


def test_a_hint_of_another_client_or_provider_is_refused(
    sandbox: RunningSandbox, party: Party, at: httpx.Client
) -> None:
    mine = party.tokens(at)["id_token"]
    theirs = registered(sandbox, "ansattporten").tokens()["id_token"]

    other = registered(sandbox, "idporten")
    assert party.log_out(at, client_id=other.client_id, id_token_hint=mine).status_code == 400
    assert "signed with no key of ours" in party.log_out(at, id_token_hint=theirs).text


def test_the_page_has_a_frame_for_every_client_of_the_session_the_initiator_too(
    sandbox: RunningSandbox, at: httpx.Client
) -> None:
    parties = [
        registered(sandbox, "idporten", frontchannel_logout_uri=f"http://127.0.0.1:{port}/out?x=1")
        for port in (3001, 3002)
    ]
    silent, stranger = (
        registered(sandbox, "idporten"),
        registered(sandbox, "idporten", frontchannel_logout_uri="http://127.0.0.1:3003/out"),
    )
    tokens = [one.tokens(at, login_hint=None if one is not parties[0] else one.hint()) for one in [*parties, silent]]
    stranger.tokens()

    page = parties[0].log_out(
        at, id_token_hint=tokens[0]["id_token"], post_logout_redirect_uri=AFTER_LOGOUT, state="back"
    )

    frames = [urlsplit(html.unescape(one)) for one in re.findall(r'<iframe src="([^"]+)"', page.text)]
    assert [one.netloc for one in frames] == ["127.0.0.1:3001", "127.0.0.1:3002"]
    sid = claims_of(tokens[0]["id_token"])["sid"]
    for one in frames:
        assert dict(parse_qsl(one.query)) == {"x": "1", "iss": parties[0].issuer, "sid": sid}
    assert f'href="{AFTER_LOGOUT}?state=back"' in page.text
    assert "frame-src http://127.0.0.1:3001 http://127.0.0.1:3002;" in page.headers["content-security-policy"]


def test_a_clients_server_is_told_before_the_browser_is(
    sandbox: RunningSandbox, at: httpx.Client, listener: Listener
) -> None:
    origin = listener.url.removesuffix("/backchannel")
    quiet = registered(sandbox, "idporten")
    loud = registered(
        sandbox, "idporten", redirect_uris=[CALLBACK, f"{origin}/callback"], backchannel_logout_uri=listener.url
    )
    quiet.tokens(at)
    mine = claims_of(loud.tokens(at, login_hint=None)["id_token"])

    quiet.log_out(at, client_id=quiet.client_id)

    (letter,) = listener.got
    header, claims = opened(letter)
    assert header["typ"] == "logout+jwt"
    assert loud.verified(letter) == claims
    assert set(claims) == {"iss", "aud", "sub", "iat", "exp", "jti", "sid", "events"}
    assert (claims["iss"], claims["aud"]) == (loud.issuer, loud.client_id)
    assert (claims["sub"], claims["sid"]) == (mine["sub"], mine["sid"])
    assert claims["exp"] - claims["iat"] == 300
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert BJORK not in str(claims)


@pytest.mark.parametrize("broken", [True, False])
def test_a_clients_server_that_does_not_take_it_is_tried_once_and_holds_nobody_up(
    sandbox: RunningSandbox, at: httpx.Client, listener: Listener, broken: bool
) -> None:
    listener.status = 500
    address = listener.url if broken else "http://127.0.0.1:1/away"
    loud = registered(sandbox, "idporten", backchannel_logout_uri=address)
    loud.tokens(at)

    sent = loud.log_out(at, client_id=loud.client_id, post_logout_redirect_uri=AFTER_LOGOUT)

    assert sent.status_code == 302
    assert len(listener.got) == int(broken)


def test_a_logout_kills_tokens_for_logging_in_and_leaves_those_for_an_api(party: Party, at: httpx.Client) -> None:
    login = party.tokens(at)
    api = party.tokens(at, login_hint=None, scope="openid profile samvirke:agreements.order")

    party.log_out(at, client_id=party.client_id)

    assert party.userinfo(login["access_token"]).status_code == 401
    assert party.refresh(login["refresh_token"]).json()["error"] == "invalid_grant"
    assert party.userinfo(api["access_token"]).status_code == 200
    assert party.refresh(api["refresh_token"]).status_code == 200


def test_at_ansattporten_a_client_ends_its_own_session_only(sandbox: RunningSandbox, at: httpx.Client) -> None:
    one, other = (registered(sandbox, "ansattporten") for _ in range(2))
    one.tokens(at)
    other.tokens(at)

    one.log_out(at, client_id=one.client_id)

    assert told(one.authorize(at, prompt="none"))["error"] == "login_required"
    assert "code" in told(other.authorize(at, prompt="none"))
    assert other.log_out(at).status_code == 200
    assert told(other.authorize(at, prompt="none"))["error"] == "login_required"


def test_another_person_in_the_same_browser_begins_another_session(sandbox: RunningSandbox, at: httpx.Client) -> None:
    party = registered(sandbox, "idporten", frontchannel_logout_uri="http://127.0.0.1:3001/out")
    first = claims_of(party.tokens(at)["id_token"])
    raised = claims_of(party.tokens(at, login_hint=party.hint(acr="idporten-loa-high"))["id_token"])
    other = claims_of(party.tokens(at, login_hint=party.hint("23869040584"))["id_token"])

    assert first["sid"] == raised["sid"] != other["sid"]
