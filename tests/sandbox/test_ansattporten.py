"""Ansattporten in the sandbox: who logs in, and which organisation she acts for."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.sandbox.logins import (
    ALSTAHAUG,
    BJORK,
    BRONNOY,
    BUYING,
    JOINT_UNIT,
    NOBODY,
    ROGN,
    Party,
    browser,
    claims_of,
    field_of,
    registered,
    representing,
    told,
)
from tests.sandbox.running import RunningSandbox

EMPLOYER = json.dumps([{"type": "ansattporten:orgno"}])


@pytest.fixture
def party(sandbox: RunningSandbox) -> Party:
    return registered(sandbox, "ansattporten")


@pytest.fixture
def at() -> Iterator[httpx.Client]:
    with browser() as one:
        yield one


def choice_of(party: Party, at: httpx.Client, number: str = BJORK, **changed: Any) -> httpx.Response:
    """Log in on the page, and come to the page where one chooses an organisation."""
    page = at.get(party.authorize(at, **{"authorization_details": representing()} | changed).headers["location"])
    sent = at.post(str(page.url), data={"person": "", "number": number, "acr": field_of(page, "acr")[0]})
    assert sent.status_code == 303, sent.text
    return at.get(sent.headers["location"])


def details(party: Party, answer: dict[str, str]) -> Any:
    """What the tokens say about representation: the same in all three places."""
    tokens = party.redeem(answer["code"]).json()
    inside = [claims_of(tokens[name])["authorization_details"] for name in ("id_token", "access_token")]
    assert inside == [tokens["authorization_details"]] * 2
    return tokens["authorization_details"]


def organisations(told_of: Any) -> list[str]:
    (one,) = told_of
    return [party["orgno"]["ID"] for party in one["authorized_parties"]]


def test_discovery_tells_its_own_levels_and_kinds_of_details(sandbox: RunningSandbox) -> None:
    found = httpx.get(f"{sandbox.ansattporten_url}/.well-known/openid-configuration").json()

    assert found["issuer"] == sandbox.ansattporten_url
    assert found["acr_values_supported"] == ["entraid", "substantial", "high"]
    assert found["authorization_details_types_supported"] == ["ansattporten:altinn:resource", "ansattporten:orgno"]


def test_its_keys_are_its_own(sandbox: RunningSandbox) -> None:
    kids = [
        httpx.get(f"{url}/jwks.json").json()["keys"][0]["kid"]
        for url in (sandbox.idporten_url, sandbox.ansattporten_url)
    ]

    assert kids[0] != kids[1]


def test_a_login_without_representation_says_nothing_of_it(party: Party) -> None:
    answer = party.tokens()

    assert "authorization_details" not in answer
    assert "authorization_details" not in claims_of(answer["id_token"])
    assert claims_of(answer["id_token"])["acr"] == "substantial"
    assert claims_of(answer["id_token"])["pid"] == BJORK


def test_the_organisation_that_was_chosen_stands_in_all_tokens(party: Party, at: httpx.Client) -> None:
    page = choice_of(party, at)
    assert field_of(page, "organisation") == [BRONNOY, JOINT_UNIT]
    assert 'type="radio"' in page.text

    answer = told(at.post(str(page.url), data={"organisation": BRONNOY}))

    assert details(party, answer) == [
        {
            "type": "ansattporten:altinn:resource",
            "resource": BUYING,
            "resource_name": "samvirke-innkjop",
            "authorized_parties": [
                {
                    "orgno": {"authority": "iso6523-actorid-upis", "ID": f"0192:{BRONNOY}"},
                    "resource": "samvirke-innkjop",
                    "actions": ["read", "write"],
                    "name": "Brønnøy",
                    "unit_type": "KOMM",
                }
            ],
        }
    ]


def test_one_who_acts_as_herself_has_no_authorized_parties(party: Party, at: httpx.Client) -> None:
    page = choice_of(party, at)

    answer = told(at.post(str(page.url), data={"organisation": BRONNOY, "self": "self"}))

    assert details(party, answer) == [{"type": "ansattporten:altinn:resource"}]


def test_one_who_represents_nobody_is_not_asked(party: Party, at: httpx.Client) -> None:
    answer = told(party.authorize(at, login_hint=party.hint(NOBODY), authorization_details=representing()))

    assert details(party, answer) == [{"type": "ansattporten:altinn:resource"}]


@pytest.mark.parametrize("required", [True, "true"])
def test_one_who_must_represent_somebody_and_does_not_is_shown_why(
    party: Party, at: httpx.Client, required: object
) -> None:
    wish = representing(representation_is_required=required)

    page = party.authorize(at, login_hint=party.hint(NOBODY), authorization_details=wish)

    assert page.status_code == 403
    assert "location" not in page.headers
    assert "krever at du representerer en virksomhet" in page.text


def test_one_who_must_represent_somebody_cannot_act_as_herself(party: Party, at: httpx.Client) -> None:
    wish = representing(representation_is_required=True)
    page = choice_of(party, at, authorization_details=wish)

    assert 'name="self"' not in page.text
    assert at.post(str(page.url), data={"self": "self"}).status_code == 400
    itself = party.authorize(at, login_hint=party.hint(acts_for="self"), authorization_details=wish)
    assert itself.status_code == 403


def test_several_organisations_can_be_chosen_where_that_is_allowed(party: Party, at: httpx.Client) -> None:
    page = choice_of(party, at, authorization_details=representing(allow_multiple_organizations="true"))
    assert 'type="checkbox"' in page.text

    answer = told(at.post(str(page.url), data={"organisation": [BRONNOY, JOINT_UNIT]}))

    assert organisations(details(party, answer)) == [f"0192:{BRONNOY}", f"0192:{JOINT_UNIT}"]


@pytest.mark.parametrize("picked", [{}, {"organisation": ALSTAHAUG}, {"organisation": [BRONNOY, JOINT_UNIT]}])
def test_a_choice_that_is_not_open_is_asked_for_again(party: Party, at: httpx.Client, picked: dict[str, Any]) -> None:
    page = choice_of(party, at)

    again = at.post(str(page.url), data={"x": "y"} | picked)

    assert again.status_code == 400
    assert "Velg en virksomhet." in again.text
    assert at.post(str(page.url), data={"organisation": BRONNOY}).status_code == 302


def test_a_choice_is_good_once_and_can_be_cancelled(party: Party, at: httpx.Client) -> None:
    page = choice_of(party, at)
    at.post(str(page.url), data={"organisation": BRONNOY})
    assert at.post(str(page.url), data={"organisation": BRONNOY}).status_code == 400

    cancelled = str(party.authorize(at, authorization_details=representing()).headers["location"])
    answer = told(at.post(cancelled.replace("/organisation", "/cancel"), data={"x": "y"}))
    assert answer["error"] == "access_denied"
    assert at.get(cancelled).status_code == 400


def test_the_same_client_can_switch_organisation_without_a_new_login(party: Party, at: httpx.Client) -> None:
    page = choice_of(party, at)
    first = party.redeem(told(at.post(str(page.url), data={"organisation": BRONNOY}))["code"]).json()

    page = at.get(party.authorize(at, authorization_details=representing()).headers["location"])
    second = party.redeem(told(at.post(str(page.url), data={"organisation": JOINT_UNIT}))["code"]).json()

    assert organisations(second["authorization_details"]) == [f"0192:{JOINT_UNIT}"]
    assert claims_of(first["id_token"])["auth_time"] == claims_of(second["id_token"])["auth_time"]
    asked = party.authorize(at, prompt="none", authorization_details=representing())
    assert told(asked)["error"] == "interaction_required"


def test_another_client_of_the_same_browser_is_not_logged_in(
    sandbox: RunningSandbox, party: Party, at: httpx.Client
) -> None:
    other = registered(sandbox, "ansattporten")
    party.tokens(at)

    assert "code" in told(party.authorize(at, prompt="none"))
    assert told(other.authorize(at, prompt="none"))["error"] == "login_required"


def test_a_renewed_token_acts_for_the_same_organisation(party: Party, at: httpx.Client) -> None:
    first = party.tokens(at, login_hint=party.hint(ROGN), authorization_details=representing())
    second = party.refresh(first["refresh_token"]).json()

    assert organisations(first["authorization_details"]) == [f"0192:{ALSTAHAUG}"]
    assert second["authorization_details"] == first["authorization_details"]
    assert claims_of(second["access_token"])["authorization_details"] == first["authorization_details"]


@pytest.mark.parametrize(
    ("number", "acts_for", "more", "expected"),
    [
        (ROGN, None, {}, [ALSTAHAUG]),
        (BJORK, BRONNOY, {}, [BRONNOY]),
        (BJORK, JOINT_UNIT, {}, [JOINT_UNIT]),
        (BJORK, None, {"allow_multiple_organizations": True}, [BRONNOY, JOINT_UNIT]),
        (BJORK, JOINT_UNIT, {"actions": "write"}, [JOINT_UNIT]),
        (BJORK, BRONNOY, {"actions": ["read", "write"]}, [BRONNOY]),
        (BJORK, BRONNOY, {"organizationform": "enterprise", "allow_deleted_organizations": "false"}, [BRONNOY]),
    ],
)
def test_a_headless_login_acts_for_whom_its_hint_says(
    party: Party, number: str, acts_for: str | None, more: dict[str, Any], expected: list[str]
) -> None:
    hint = party.hint(number, acts_for=acts_for)
    answer = party.tokens(login_hint=hint, authorization_details=representing(**more))

    assert organisations(answer["authorization_details"]) == [f"0192:{one}" for one in expected]


@pytest.mark.parametrize(
    "more", [{"actions": ["sign"]}, {"organizationform": "business"}, {"resource": "urn:altinn:resource:other"}]
)
def test_only_what_is_asked_for_is_open(party: Party, more: dict[str, Any]) -> None:
    answer = party.tokens(login_hint=party.hint(), authorization_details=representing(**more))

    assert answer["authorization_details"] == [{"type": "ansattporten:altinn:resource"}]


def test_a_headless_login_without_a_choice_is_asked_on_the_page(party: Party, at: httpx.Client) -> None:
    sent = party.authorize(at, login_hint=party.hint(), authorization_details=representing())

    assert sent.headers["location"].endswith("/organisation")


def test_a_headless_login_for_somebody_elses_organisation_is_refused(party: Party, at: httpx.Client) -> None:
    hint = party.hint(acts_for=ALSTAHAUG)

    assert party.authorize(at, login_hint=hint, authorization_details=representing()).status_code == 403


def test_a_sub_unit_can_be_asked_for(sandbox: RunningSandbox, party: Party) -> None:
    number = "04918321433"
    whom = [
        {
            "resource": "vaktrom",
            "organisation": "974760673",
            "name": "Vaktrommet",
            "unit_type": "BEDR",
            "rights": ["read"],
        },
        {"resource": "vaktrom", "organisation": BRONNOY, "name": "Brønnøy", "rights": ["read"]},
    ]
    sandbox.http.post(
        f"{sandbox.control_url}/_sandbox/logins/persons",
        json={
            "personal_number": number,
            "name": "Fiktiv Selje",
            "email": "person2@samvirke.example",
            "represents": whom,
        },
    ).raise_for_status()
    resource = "urn:altinn:resource:vaktrom"

    for form, expected in (("business", "974760673"), ("enterprise", BRONNOY)):
        wish = representing(resource=resource, organizationform=form)
        answer = party.tokens(login_hint=party.hint(number), authorization_details=wish)
        assert organisations(answer["authorization_details"]) == [f"0192:{expected}"]


def test_an_employee_logs_in_by_entra_and_acts_for_her_employer(party: Party) -> None:
    hint = party.hint(ROGN, acr="entraid")
    answer = party.tokens(login_hint=hint, acr_values="substantial entraid", authorization_details=EMPLOYER)

    assert answer["authorization_details"] == [
        {
            "type": "ansattporten:orgno",
            "authorized_parties": [
                {
                    "orgno": {"authority": "iso6523-actorid-upis", "ID": f"0192:{ALSTAHAUG}"},
                    "name": "Alstahaug",
                    "rights": ["read", "write"],
                }
            ],
        }
    ]
    identity, access = claims_of(answer["id_token"]), claims_of(answer["access_token"])
    assert (identity["acr"], identity["amr"]) == ("entraid", ["entraid_pwd", "entraid_mfa"])
    assert identity["email"] == "person3@samvirke.example"
    assert (identity["given_name"], identity["family_name"]) == ("Fiktiv", "Rogn")
    assert "pid" not in identity | access
    assert access["sub"] == identity["sub"]
    assert ROGN not in json.dumps(identity | access)
    assert party.userinfo(answer["access_token"]).json() == {
        "sub": identity["sub"],
        "email": "person3@samvirke.example",
        "locale": "nb",
    }


def test_one_who_has_no_employer_here_cannot_log_in_by_entra(party: Party, at: httpx.Client) -> None:
    page = at.get(party.authorize(at, acr_values="entraid").headers["location"])
    form = {"person": "", "number": NOBODY, "acr": "entraid"}

    assert at.post(str(page.url), data=form).status_code == 400
    refused = party.authorize(at, acr_values="entraid", login_hint=party.hint(NOBODY, acr="entraid"))
    assert told(refused)["error"] == "invalid_request"


def test_a_login_by_entra_meets_only_a_request_that_names_it(party: Party, at: httpx.Client) -> None:
    party.tokens(at, login_hint=party.hint(acr="entraid"), acr_values="entraid")

    assert "code" in told(party.authorize(at, acr_values="substantial entraid", prompt="none"))
    assert told(party.authorize(at, acr_values="substantial", prompt="none"))["error"] == "login_required"
    refused = party.authorize(at, acr_values="high", login_hint=party.hint(acr="entraid"))
    assert told(refused)["error"] == "unmet_authentication_requirements"


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ("{}", "array of one object"),
        ("nonsense", "not JSON"),
        ("[]", "array of one object"),
        ('["x"]', "array of one object"),
        (f"[{representing()[1:-1]}, {EMPLOYER[1:-1]}]", "one type per request"),
        (representing(type="ansattporten:altinn:service"), "Unknown authorization_details type"),
        (representing(type="idporten:fullmakt"), "Unknown authorization_details type"),
        (representing(colour="blue"), "Unknown authorization_details fields: colour"),
        (json.dumps([{"type": "ansattporten:orgno", "resource": BUYING}]), "fields: resource"),
        (representing(resource=None), "resource must be urn:altinn:resource:<id>"),
        (representing(resource="samvirke-innkjop"), "resource must be urn:altinn:resource:<id>"),
        (representing(actions=[1]), "actions must be texts"),
        (representing(organizationform="club"), "organizationform must be one of"),
        (representing(representation_is_required="yes"), "must be true or false"),
    ],
)
def test_details_that_cannot_be_used_are_refused(party: Party, at: httpx.Client, wish: str, why: str) -> None:
    answer = told(party.authorize(at, authorization_details=wish))

    assert answer["error"] == "invalid_authorization_details"
    assert why in answer["error_description"]


@pytest.mark.parametrize(
    ("wish", "acr"), [(representing(), "entraid"), (EMPLOYER, "substantial"), (EMPLOYER, "high substantial")]
)
def test_each_kind_of_details_has_its_way_to_log_in(party: Party, at: httpx.Client, wish: str, acr: str) -> None:
    answer = told(party.authorize(at, authorization_details=wish, acr_values=acr))

    assert answer["error"] == "invalid_request"
    assert "is for another way to log in" in answer["error_description"]


@pytest.mark.parametrize("missing", ["state", "nonce", "code_challenge"])
def test_state_nonce_and_pkce_are_mandatory_for_all_clients(
    sandbox: RunningSandbox, at: httpx.Client, missing: str
) -> None:
    lax = registered(sandbox, "ansattporten", state_and_nonce_required=False, pkce_required=False)
    bare = {missing: None} | ({"code_challenge_method": None} if missing == "code_challenge" else {})

    assert told(lax.authorize(at, **bare))["error_description"] == f"{missing} is missing"


def test_details_can_be_pushed(party: Party, at: httpx.Client) -> None:
    pushed = party.push(login_hint=party.hint(ROGN), authorization_details=representing()).json()["request_uri"]

    answer = told(at.get(f"{party.url}/authorize", params={"client_id": party.client_id, "request_uri": pushed}))

    assert organisations(details(party, answer)) == [f"0192:{ALSTAHAUG}"]
