"""The login providers are what their settings say and never a real one, and tell no personal number to the log."""

import logging

import httpx
import pytest
from pydantic import ValidationError

from services.integration.sandbox.persons import rules
from services.integration.sandbox.settings import Settings
from tests.sandbox.logins import ASSERTION_TYPE, BJORK, browser, registered, told
from tests.sandbox.running import RunningSandbox

SILENCED = ("httpx", "httpcore", "uvicorn.access")
"""By every service (chassis.log); here the first two are the tests' own browser."""
NOWHERE = "postgresql://127.0.0.1/none"


def test_everything_about_a_provider_is_set_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "SANDBOX_DATABASE_URL": NOWHERE,
        "SANDBOX_HOST": "127.0.0.2",
        "SANDBOX_IDPORTEN_PORT": "9092",
        "SANDBOX_ANSATTPORTEN_ISSUER": "http://127.0.0.3:9093",
        "SANDBOX_ANSATTPORTEN_PUBLIC_URL": "http://127.0.0.4:9093",
        "SANDBOX_ANSATTPORTEN_INTERNAL_URL": "http://sandbox:8093",
        "SANDBOX_LOGIN_CALLBACKS": '["http://127.0.0.1:9001/docs/oauth2-redirect"]',
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    settings = Settings()

    assert settings.of_provider("idporten") == ("http://127.0.0.2:9092",) * 3
    assert settings.of_provider("ansattporten") == (
        "http://127.0.0.3:9093",
        "http://127.0.0.4:9093",
        "http://sandbox:8093",
    )
    assert settings.ports == [8090, 8091, 9092, 8093, 8094, 8096, 8097]
    assert settings.login_callbacks == ["http://127.0.0.1:9001/docs/oauth2-redirect"]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"idporten_issuer": "https://idporten.no"}, "must be on this machine"),
        ({"ansattporten_issuer": "https://test.ansattporten.no"}, "must be on this machine"),
        ({"idporten_public_url": "https://login.idporten.no"}, "must be on this machine"),
        ({"idporten_internal_url": "https://test.idporten.no"}, "a name without a domain"),
        ({"idporten_issuer": "http://127.0.0.1:8092/"}, "no slash at its end"),
        ({"idporten_port": 8093}, "a port of its own"),
    ],
)
def test_it_refuses_to_be_a_real_provider(given: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Settings(database_url=NOWHERE, **given)  # type: ignore[arg-type]  # settings of several types


@pytest.mark.parametrize(
    "number",
    [
        "12837532157",
        "28876895937",
        "47906701517",  # a D-number
        "19855497924",
    ],
)
def test_numbers_made_for_tests_are_let_in(number: str) -> None:
    assert rules.is_synthetic(number)


@pytest.mark.parametrize(
    "number",
    [
        "12037532157",  # March, so perhaps somebody's
        "12837532158",
        "32837532157",  # no such day
        "12937532157",  # no such month
        "1283753215",
        "128375321577",
        "",
        "١٢٨٣٧٥٣٢١٥٧",
    ],
)
def test_all_other_numbers_are_not(number: str) -> None:
    assert not rules.is_synthetic(number)


def test_numbers_as_they_will_be_from_2032_on_are_let_in() -> None:
    weights, second = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)

    def rest(number: str, by: tuple[int, ...]) -> int:
        return sum(int(digit) * weight for digit, weight in zip(number, by, strict=False)) % 11

    all_of_a_day = (f"1283753{one:04}" for one in range(10_000))
    right = [one for one in all_of_a_day if rest(one, second) == 0]

    assert {rest(one, weights) for one in right if rules.is_synthetic(one)} == {0, 1, 2, 3}
    assert not [one for one in right if rest(one, weights) > 3 and rules.is_synthetic(one)]


def test_the_number_is_in_no_log_line_no_metric_and_no_error(
    sandbox: RunningSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    party = registered(sandbox, "idporten", "private_key_jwt")
    wrong = "12037532157"
    with caplog.at_level(logging.DEBUG), browser() as at:
        answer = party.tokens(at)
        party.userinfo(answer["access_token"])
        refused = told(party.authorize(at, login_hint=f"testid:{wrong}_idporten-loa-high"))
        page = at.get(party.authorize(at, prompt="login").headers["location"])
        again = at.post(str(page.url), data={"person": "", "number": wrong, "acr": "idporten-loa-high"})
        party.push(login_hint=f"testid:{wrong}_idporten-loa-high")
        party.post("/token", {"client_assertion": "x", "client_assertion_type": ASSERTION_TYPE, "code": BJORK})
        party.log_out(at)

    ours = [one.getMessage() + str(one.__dict__) for one in caplog.records if not one.name.startswith(SILENCED)]
    for number in (BJORK, wrong):
        assert not [line for line in ours if number in line]
        assert number not in str(refused)
        assert number not in again.text
        assert number not in httpx.get(f"{sandbox.control_url}/metrics").text
