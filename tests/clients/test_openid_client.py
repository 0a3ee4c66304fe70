"""openid-client, the most used OpenID client of Node, takes the sandbox for Maskinporten."""

import json
from typing import Any

import pytest

from services.chassis.values import seed_id
from tests.clients.conftest import Node
from tests.sandbox.running import RunningSandbox

BRONNOY = "964983291"
SUPPLIER = "100000016"


def ask(
    node: Node, sandbox: RunningSandbox, name: str, scope: str, *, metadata: str = "oauth2", **claims: Any
) -> dict[str, Any]:
    return node(
        "maskinporten.mjs",
        issuer=sandbox.issuer,
        metadata=metadata,
        clientId=str(seed_id(f"client:{name}")),
        jwk=json.loads((sandbox.keys_folder / f"{name}.json").read_text()),
        scope=scope,
        claims=claims,
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


def test_it_is_told_why_a_grant_is_refused(node: Node, sandbox: RunningSandbox) -> None:
    refused = ask(node, sandbox, BRONNOY, "samvirke:agreements.order", aud=f"{sandbox.issuer}token")

    assert (refused["status"], refused["error"]) == (400, "invalid_grant")
    assert f"Must be the one value {sandbox.issuer}" in refused["description"]
