"""openid-client, the most used OpenID client of Node, takes the sandbox for Maskinporten."""

import json
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from services.chassis.values import seed_id
from tests.clients.conftest import Node
from tests.sandbox.running import RunningSandbox

BRONNOY = "964983291"
SUPPLIER = "100000016"
BERGEN = "964338531"
"""A municipality that has registered no key."""


def ask(
    node: Node,
    sandbox: RunningSandbox,
    name: str,
    scope: str,
    *,
    metadata: str = "oauth2",
    jwk: dict[str, Any] | None = None,
    x5c: list[str] | None = None,
    **claims: Any,
) -> dict[str, Any]:
    return node(
        "maskinporten.mjs",
        issuer=sandbox.issuer,
        metadata=metadata,
        clientId=str(seed_id(f"client:{name}")),
        jwk=jwk or json.loads((sandbox.keys_folder / f"{name}.json").read_text()),
        scope=scope,
        claims=claims,
        x5c=x5c,
    )


@pytest.mark.parametrize("metadata", ["oauth2", "oidc"])
def test_it_finds_its_way_by_either_metadata_and_gets_a_token(
    node: Node, sandbox: RunningSandbox, metadata: str
) -> None:
    got = ask(node, sandbox, BRONNOY, "samvirke:agreements.order", metadata=metadata)

    assert got["answer"]["expires_in"] == 120
    assert got["payload"]["consumer"] == {"authority": "iso6523-actorid-upis", "ID": f"0192:{BRONNOY}"}
    assert "typ" not in got["protectedHeader"]


def test_a_supplier_gets_a_token_for_its_customer(node: Node, sandbox: RunningSandbox) -> None:
    scope = "samvirke:catalog.write"
    refused = ask(node, sandbox, SUPPLIER, scope, consumer_org=BRONNOY)
    sandbox.http.post(
        f"{sandbox.control_url}/_sandbox/maskinporten/delegations",
        json={"consumer": BRONNOY, "supplier": SUPPLIER, "scope": scope},
    ).raise_for_status()

    got = ask(node, sandbox, SUPPLIER, scope, consumer_org=BRONNOY)

    assert (refused["status"], refused["error"]) == (403, "forbidden")
    assert got["payload"]["consumer"]["ID"] == f"0192:{BRONNOY}"
    assert got["payload"]["supplier"]["ID"] == f"0192:{SUPPLIER}"


def test_it_gets_a_token_for_a_system_user(node: Node, sandbox: RunningSandbox) -> None:
    customer = {"authority": "iso6523-actorid-upis", "ID": f"0192:{BRONNOY}"}
    approved = sandbox.http.post(
        f"{sandbox.control_url}/_sandbox/altinn/system-users",
        json={"client_id": str(seed_id(f"client:{SUPPLIER}")), "system": "sak", "customer": BRONNOY},
    ).json()
    details = [{"type": "urn:altinn:systemuser", "systemuser_org": customer}]

    got = ask(node, sandbox, SUPPLIER, "samvirke:agreements.read", authorization_details=details)

    assert got["payload"]["authorization_details"] == [
        details[0] | {"systemuser_id": [approved["id"]], "system_id": f"{SUPPLIER}_sak"}
    ]
    assert got["payload"]["consumer"]["ID"] == f"0192:{SUPPLIER}"


def test_it_gets_a_token_for_a_consent(node: Node, sandbox: RunningSandbox) -> None:
    giver = "urn:altinn:person:identifier-no:12837532157"
    given = sandbox.http.post(
        f"{sandbox.control_url}/_sandbox/altinn/consents", json={"giver": giver, "receiver": SUPPLIER}
    ).json()
    details = [{"type": "urn:altinn:consent", "id": given["id"], "from": giver}]

    got = ask(node, sandbox, SUPPLIER, "samvirke:agreements.read", authorization_details=details)

    (told,) = got["payload"]["authorization_details"]
    assert (told["from"], told["to"]["ID"]) == (giver, f"0192:{SUPPLIER}")


@pytest.mark.parametrize("resource", ["https://api.example/", ["https://api.example/"]])
def test_it_gets_a_token_for_one_service_and_one_person(
    node: Node, sandbox: RunningSandbox, resource: str | list[str]
) -> None:
    got = ask(node, sandbox, BRONNOY, "samvirke:agreements.read", resource=resource, pid="12837532157")

    assert got["payload"]["aud"] == resource
    assert got["payload"]["pid"] == "12837532157"


def test_it_proves_itself_by_an_enterprise_certificate(node: Node, sandbox: RunningSandbox) -> None:
    key = RSAKey.generate_key(2048, private=True)
    x5c = sandbox.certificate(BERGEN, key)["x5c"]
    jwk = key.as_dict(private=True)

    got = ask(node, sandbox, BERGEN, "samvirke:agreements.read", jwk=dict(jwk), x5c=x5c)

    assert got["payload"]["client_amr"] == "virksomhetssertifikat"
    assert got["payload"]["consumer"]["ID"] == f"0192:{BERGEN}"


def test_it_notices_that_the_metadata_name_another_issuer(node: Node, sandbox: RunningSandbox) -> None:
    sandbox.http.post(f"{sandbox.control_url}/_sandbox/scenarios/wrong-issuer-in-metadata").raise_for_status()

    with pytest.raises(AssertionError, match="OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED"):
        ask(node, sandbox, BRONNOY, "samvirke:agreements.read")


@pytest.mark.parametrize(
    ("scenario", "code"),
    [
        ("expired-tokens", "ERR_JWT_EXPIRED"),
        ("forged-signature", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"),
        ("unknown-kid", "ERR_JWKS_NO_MATCHING_KEY"),
        ("wrong-issuer-in-tokens", "ERR_JWT_CLAIM_VALIDATION_FAILED"),
        ("html-instead-of-a-token", "OAUTH_RESPONSE_IS_NOT_JSON"),
    ],
)
def test_it_notices_a_bad_day(node: Node, sandbox: RunningSandbox, scenario: str, code: str) -> None:
    sandbox.http.post(f"{sandbox.control_url}/_sandbox/scenarios/{scenario}").raise_for_status()

    with pytest.raises(AssertionError, match=code):
        ask(node, sandbox, BRONNOY, "samvirke:agreements.read")


def test_it_is_told_why_a_grant_is_refused(node: Node, sandbox: RunningSandbox) -> None:
    refused = ask(node, sandbox, BRONNOY, "samvirke:agreements.order", aud=f"{sandbox.issuer}token")

    assert (refused["status"], refused["error"]) == (400, "invalid_grant")
    assert f"Must be the one value {sandbox.issuer}" in refused["description"]
