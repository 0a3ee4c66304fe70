"""Tokens about others than the client's own organisation: system users, consents, persons, customers."""

import logging
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.chassis.auth import Gate
from services.chassis.settings import IssuerKind, TrustedIssuer
from services.chassis.values import new_id, seed_id
from tests.sandbox.running import RunningSandbox
from tests.sandbox.test_maskinporten_refuses import assert_refused
from tests.sandbox.test_maskinporten_tokens import opened

BRONNOY = "964983291"
VEFSN = "844824122"
SUPPLIER = "100000016"
OTHER_SUPPLIER = "100000024"
READ = "samvirke:agreements.read"
PERSON = "12837532157"
AUTHORITY = "iso6523-actorid-upis"


def claims_of(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    return opened(response.json()["access_token"])[1]


def party(number: str) -> dict[str, str]:
    return {"authority": AUTHORITY, "ID": f"0192:{number}"}


def approve(sandbox: RunningSandbox, customer: str, vendor: str = SUPPLIER, **more: Any) -> httpx.Response:
    body = {"client_id": str(seed_id(f"client:{vendor}")), "system": "sak", "customer": customer, **more}
    return sandbox.http.post(f"{sandbox.control_url}/_sandbox/altinn/system-users", json=body)


def for_system_user(sandbox: RunningSandbox, customer: str, vendor: str = SUPPLIER, **more: Any) -> httpx.Response:
    detail = {"type": "urn:altinn:systemuser", "systemuser_org": party(customer), **more}
    return sandbox.grant(vendor, READ, authorization_details=[detail])


def test_a_system_users_token_names_the_customer_in_its_details_and_the_vendor_as_consumer(
    own_sandbox: RunningSandbox,
) -> None:
    approved = approve(own_sandbox, BRONNOY)
    assert approved.status_code == 201

    claims = claims_of(for_system_user(own_sandbox, BRONNOY))

    assert claims["authorization_details"] == [
        {
            "type": "urn:altinn:systemuser",
            "systemuser_org": party(BRONNOY),
            "systemuser_id": [approved.json()["id"]],
            "system_id": f"{SUPPLIER}_sak",
        }
    ]
    assert claims["consumer"] == party(SUPPLIER)
    assert "supplier" not in claims
    assert claims["scope"] == READ
    trusted = TrustedIssuer(
        issuer=own_sandbox.issuer, kind=IssuerKind.MACHINE, jwks_url=f"{own_sandbox.maskinporten_url}/jwk"
    )
    token = for_system_user(own_sandbox, BRONNOY).json()["access_token"]
    caller = Gate([trusted], scope_prefix="samvirke").verify(token, fetching=True)
    assert caller
    assert (caller.organisation, caller.supplier) == (BRONNOY, SUPPLIER)


def test_a_reference_that_the_vendor_set_must_be_named(own_sandbox: RunningSandbox) -> None:
    approve(own_sandbox, BRONNOY, external_ref="avdeling-7").raise_for_status()

    unnamed = for_system_user(own_sandbox, BRONNOY)
    named = claims_of(for_system_user(own_sandbox, BRONNOY, externalRef="avdeling-7"))

    assert_refused(unnamed, "invalid_altinn_customer_configuration", "MP-303")
    assert "externalRef" not in named["authorization_details"][0]


def test_a_system_user_is_its_customers_and_its_clients_alone(own_sandbox: RunningSandbox) -> None:
    approve(own_sandbox, BRONNOY).raise_for_status()

    for response in (for_system_user(own_sandbox, VEFSN), for_system_user(own_sandbox, BRONNOY, OTHER_SUPPLIER)):
        assert_refused(response, "invalid_altinn_customer_configuration", "MP-303")


def test_a_removed_system_user_gets_no_more_tokens(own_sandbox: RunningSandbox) -> None:
    id = approve(own_sandbox, BRONNOY).json()["id"]
    assert approve(own_sandbox, BRONNOY).json()["type"] == "/problems/system-user-exists"
    url = f"{own_sandbox.control_url}/_sandbox/altinn/system-users/{id}"

    assert [own_sandbox.http.delete(url).status_code for _ in range(2)] == [204, 404]

    assert_refused(for_system_user(own_sandbox, BRONNOY), "invalid_altinn_customer_configuration", "MP-303")


def test_nobody_is_a_system_user_of_a_client_that_is_not_there(sandbox: RunningSandbox) -> None:
    assert approve(sandbox, BRONNOY, client_id=str(new_id())).status_code == 404


def test_a_system_users_token_needs_the_scope_as_well(sandbox: RunningSandbox) -> None:
    detail = {"type": "urn:altinn:systemuser", "systemuser_org": party(BRONNOY)}

    response = sandbox.grant(SUPPLIER, "samvirke:catalog.admin", authorization_details=[detail])

    assert_refused(response, "invalid_scope", "MP-200")


GIVERS = [f"urn:altinn:person:identifier-no:{PERSON}", f"urn:altinn:organization:identifier-no:{BRONNOY}"]


def give(sandbox: RunningSandbox, giver: str, receiver: str = SUPPLIER, **more: Any) -> str:
    body = {"giver": giver, "receiver": receiver, **more}
    answer = sandbox.http.post(f"{sandbox.control_url}/_sandbox/altinn/consents", json=body)
    assert answer.status_code == 201, answer.text
    assert giver not in answer.text
    return str(answer.json()["id"])


def by_consent(sandbox: RunningSandbox, id: str, giver: str, client: str = SUPPLIER, **claims: Any) -> httpx.Response:
    detail = {"type": "urn:altinn:consent", "id": id, "from": giver}
    return sandbox.grant(client, READ, authorization_details=[detail], **claims)


@pytest.mark.parametrize("giver", GIVERS)
def test_a_consents_token_tells_all_of_it(sandbox: RunningSandbox, giver: str) -> None:
    resource = {"type": "urn:altinn:resource", "value": "inntekt"}
    rights = [{"action": ["consent"], "resource": [resource], "metadata": {"inntektsaar": "2026"}}]
    id = give(sandbox, giver, rights=rights)

    (told,) = claims_of(by_consent(sandbox, id, giver))["authorization_details"]

    assert set(told) == {"type", "id", "from", "to", "consented", "validTo", "consentRights"}
    assert (told["id"], told["from"], told["to"]) == (id, giver, party(SUPPLIER))
    assert told["consentRights"] == rights
    assert told["consented"] < told["validTo"]
    assert told["consented"].endswith("+00:00")


def test_rights_without_metadata_have_none(sandbox: RunningSandbox) -> None:
    id = give(sandbox, GIVERS[0])

    (told,) = claims_of(by_consent(sandbox, id, GIVERS[0]))["authorization_details"]

    assert all(set(right) == {"action", "resource"} for right in told["consentRights"])


def test_a_consent_to_the_customer_serves_its_supplier(own_sandbox: RunningSandbox) -> None:
    delegation = {"consumer": BRONNOY, "supplier": SUPPLIER, "scope": READ}
    own_sandbox.http.post(f"{own_sandbox.control_url}/_sandbox/maskinporten/delegations", json=delegation)
    to_customer, to_supplier = give(own_sandbox, GIVERS[0], BRONNOY), give(own_sandbox, GIVERS[0], SUPPLIER)

    claims = claims_of(by_consent(own_sandbox, to_customer, GIVERS[0], consumer_org=BRONNOY))

    assert (claims["consumer"], claims["supplier"]) == (party(BRONNOY), party(SUPPLIER))
    assert claims["authorization_details"][0]["to"] == party(BRONNOY)
    refused = by_consent(own_sandbox, to_supplier, GIVERS[0], consumer_org=BRONNOY)
    assert_refused(refused, "invalid_altinn_customer_configuration", "MP-303")


def test_a_consent_that_does_not_fit_is_as_if_there_were_none(sandbox: RunningSandbox) -> None:
    right = give(sandbox, GIVERS[0])
    expired = give(sandbox, GIVERS[0], valid_seconds=0)
    revoked = give(sandbox, GIVERS[0])
    url = f"{sandbox.control_url}/_sandbox/altinn/consents/{revoked}/revoke"
    assert [sandbox.http.post(url).status_code for _ in range(2)] == [204, 204]
    asked = [
        by_consent(sandbox, str(new_id()), GIVERS[0]),
        by_consent(sandbox, right, GIVERS[1]),
        by_consent(sandbox, right, GIVERS[0], client=OTHER_SUPPLIER),
        by_consent(sandbox, expired, GIVERS[0]),
        by_consent(sandbox, revoked, GIVERS[0]),
    ]

    descriptions = {one.json()["error_description"].partition(" (trace_id")[0] for one in asked}

    for refused in asked:
        assert_refused(refused, "invalid_altinn_customer_configuration", "MP-303")
    assert len(descriptions) == 1


@pytest.mark.parametrize("giver", ["urn:altinn:person:identifier-no:12037532157", PERSON, "urn:altinn:party:7", ""])
def test_a_consent_is_given_by_a_synthetic_person_or_an_organisation(sandbox: RunningSandbox, giver: str) -> None:
    body = {"giver": giver, "receiver": SUPPLIER}

    refused = sandbox.http.post(f"{sandbox.control_url}/_sandbox/altinn/consents", json=body)

    assert refused.status_code == 422
    assert not giver or giver not in refused.text
    unknown = f"{sandbox.control_url}/_sandbox/altinn/consents/{new_id()}/revoke"
    assert sandbox.http.post(unknown).status_code == 404


def test_a_token_may_be_for_one_person_only(sandbox: RunningSandbox) -> None:
    claims = claims_of(sandbox.grant(BRONNOY, READ, pid=PERSON))

    assert claims["pid"] == PERSON
    assert "sub" not in claims


def test_a_personal_number_reaches_no_log(sandbox: RunningSandbox, caplog: pytest.LogCaptureFixture) -> None:
    """The sandbox runs in this process, so that all that it logs is seen."""
    caplog.set_level(logging.DEBUG)
    id = give(sandbox, GIVERS[0])

    claims_of(sandbox.grant(BRONNOY, READ, pid=PERSON))
    claims_of(by_consent(sandbox, id, GIVERS[0]))
    sandbox.grant(BRONNOY, "no:such", pid=PERSON)
    by_consent(sandbox, str(new_id()), GIVERS[0])

    assert "refused: 400 invalid_scope MP-200" in caplog.text
    assert PERSON not in caplog.text


def test_every_token_has_a_jti_of_its_own(sandbox: RunningSandbox) -> None:
    first, second = (claims_of(sandbox.grant(BRONNOY, READ)) for _ in range(2))

    assert UUID(first["jti"]) != UUID(second["jti"])
