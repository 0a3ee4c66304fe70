"""Self-service by its own paths: organisations make scopes, give access, register clients and keys, and get tokens."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from services.chassis.tokens import GRANT
from services.chassis.values import new_id, seed_id
from tests.sandbox.running import RunningSandbox
from tests.sandbox.test_maskinporten_refuses import assert_refused
from tests.sandbox.test_maskinporten_tokens import opened

OWNER = "100000008"
"""The joint unit, to which the prefix samvirke is handed out."""
BRONNOY = "964983291"
ALSTAHAUG = "938712441"
BERGEN = "964338531"
SUPPLIER = "100000016"
Call = Callable[..., httpx.Response]


@pytest.fixture
def call(sandbox: RunningSandbox) -> Call:
    return caller(sandbox)


def caller(sandbox: RunningSandbox, prefix: str = "") -> Call:
    """`call(method, path, by=organisation, with_scopes="idporten:…", json=…)` with a token for just these scopes"""

    def call(method: str, path: str, by: str | None = None, with_scopes: str = "", **more: Any) -> httpx.Response:
        headers = sandbox.bearer(by, *with_scopes.split()) if by else {}
        return sandbox.http.request(method, f"{sandbox.self_service_url}{prefix}{path}", headers=headers, **more)

    return call


def scopes(call: Call, method: str, path: str = "/scopes", by: str = OWNER, **more: Any) -> httpx.Response:
    return call(method, path, by, "idporten:scopes.write", **more)


def clients(call: Call, method: str, path: str = "/clients", by: str = BRONNOY, **more: Any) -> httpx.Response:
    return call(method, path, by, "idporten:dcr.write", **more)


def new_name() -> str:
    return f"test-{new_id().hex[-12:]}"


def new_scope(call: Call, **more: Any) -> dict[str, Any]:
    body = {"prefix": "samvirke", "subscope": new_name(), "description": "Til prøve"} | more
    made = scopes(call, "POST", json=body)
    assert made.status_code == 200, made.text
    return dict(made.json())


def new_client(call: Call, by: str = BRONNOY, **more: Any) -> dict[str, Any]:
    body = {
        "integration_type": "maskinporten",
        "client_name": "Sak",
        "description": "Et fagsystem",
        "token_endpoint_auth_method": "private_key_jwt",
        "grant_types": [GRANT],
        "scopes": ["samvirke:agreements.read"],
    }
    made = clients(call, "POST", by=by, json=body | more)
    assert made.status_code == 200, made.text
    return dict(made.json())


def new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": str(new_id()), "use": "sig", "alg": "RS256"}, private=True)


def grant(sandbox: RunningSandbox, client_id: str, key: RSAKey, *wanted: str, **claims: Any) -> httpx.Response:
    right = sandbox.claims(BRONNOY, *wanted, iss=client_id, **claims)
    return sandbox.ask(jwt.encode({"alg": "RS256", "kid": str(key.kid)}, right, key, default_type=None))


def assert_told(response: httpx.Response, status: int, error: str, says: str = "") -> None:
    assert response.status_code == status, response.text
    assert set(response.json()) == {"error", "error_description"}
    assert response.json()["error"] == error
    assert says in response.json()["error_description"]


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_a_whole_chain_from_a_new_scope_to_a_token(sandbox: RunningSandbox, prefix: str) -> None:
    call, key = caller(sandbox, prefix), new_key()
    name = new_scope(call)["name"]
    given = scopes(call, "PUT", f"/scopes/access/{BRONNOY}", params={"scope": name})
    client = new_client(call, scopes=[name])["client_id"]
    registered = clients(call, "POST", f"/clients/{client}/jwks", json={"keys": [key.as_dict(private=False)]})

    answer = grant(sandbox, client, key, name)

    assert given.json() | {"created": "", "last_updated": ""} == {
        "scope": name,
        "state": "APPROVED",
        "consumer_orgno": BRONNOY,
        "owner_orgno": OWNER,
        "created": "",
        "last_updated": "",
    }
    assert [one["kid"] for one in registered.json()["keys"]] == [key.kid]
    assert answer.status_code == 200, answer.text
    claims = opened(answer.json()["access_token"])[1]
    assert (claims["client_id"], claims["scope"]) == (client, name)
    assert claims["consumer"]["ID"] == f"0192:{BRONNOY}"


def test_a_scope_is_told_with_all_that_digdir_registers(call: Call) -> None:
    made = new_scope(call, subscope=f"{new_name()}/oppslag.read", at_max_age=300, visibility="PRIVATE")

    assert made["name"] == f"samvirke:{made['subscope']}"
    assert set(made) == {
        *("name", "prefix", "subscope", "description", "long_description", "active", "visibility", "owner_orgno"),
        *("accessible_for_all", "at_max_age", "authorization_max_lifetime", "delegation_source", "token_type"),
        *("allowed_integration_types", "requires_user_consent", "requires_user_authentication"),
        *("requires_pseudonymous_tokens", "created", "last_updated"),
    }
    assert made["owner_orgno"] == OWNER
    assert made["created"][-6:] in ("+01:00", "+02:00")
    assert scopes(call, "GET", params={"scope": made["name"]}).json() == made


def test_a_scope_that_was_deactivated_is_activated_by_a_change_and_not_by_making_it_again(call: Call) -> None:
    made = new_scope(call)
    name = {"scope": made["name"]}

    assert scopes(call, "DELETE", params=name).json()["active"] is False
    assert made["name"] not in {one["name"] for one in scopes(call, "GET").json()}
    assert made["name"] in {one["name"] for one in scopes(call, "GET", params={"inactive": "true"}).json()}
    again = scopes(call, "POST", json=made)
    assert_told(again, 409, "conflict", "exists")
    changed = scopes(call, "PUT", params=name, json=made | {"description": "Ny", "active": True})
    assert (changed.json()["active"], changed.json()["description"]) == (True, "Ny")
    assert changed.json()["created"] == made["created"]


def test_everybody_sees_the_public_scopes_and_nobody_the_others(call: Call) -> None:
    public, private = new_scope(call), new_scope(call, visibility="PRIVATE")

    shown = {one["name"]: one for one in call("GET", "/scopes/all").json()}

    assert shown[public["name"]] == public
    assert private["name"] not in shown
    assert {"ks:fiks", "idporten:dcr.write", "samvirke:agreements.order"} <= set(shown)


def test_the_source_of_delegations_is_told_to_everybody(sandbox: RunningSandbox, call: Call) -> None:
    (source,) = call("GET", "/delegationsources").json()

    assert (source["name"], source["issuer"]) == ("altinn", sandbox.settings.delegation_source)
    assert new_scope(call, delegation_source=source["issuer"])["delegation_source"] == source["issuer"]
    assert new_scope(call, delegation_source="")["delegation_source"] is None
    wrong = {"prefix": "samvirke", "subscope": new_name(), "description": "x", "delegation_source": "https://x/"}
    assert_told(scopes(call, "POST", json=wrong), 400, "bad_request", source["issuer"])


def test_access_that_is_taken_away_is_denied_and_can_be_given_again(sandbox: RunningSandbox, call: Call) -> None:
    name, key = new_scope(call)["name"], new_key()
    asked, path = {"scope": name}, f"/scopes/access/{BRONNOY}"
    scopes(call, "PUT", path, params=asked).raise_for_status()
    client = new_client(call, scopes=[name])["client_id"]
    clients(call, "POST", f"/clients/{client}/jwks", json={"keys": [key.as_dict(private=False)]}).raise_for_status()

    taken = scopes(call, "DELETE", path, params=asked).json()

    assert taken["state"] == "DENIED"
    assert_refused(grant(sandbox, client, key, name), "forbidden", "MP-250", status=403)
    assert scopes(call, "GET", "/scopes/access", params=asked).json() == []
    assert scopes(call, "GET", "/scopes/access", params=asked | {"inactive": "true"}).json() == [taken]
    assert scopes(call, "PUT", path, params=asked).json()["state"] == "APPROVED"
    assert grant(sandbox, client, key, name).status_code == 200
    assert_told(scopes(call, "DELETE", f"/scopes/access/{BERGEN}", params=asked), 404, "not_found")


def test_an_organisation_sees_what_it_was_given(call: Call) -> None:
    name = new_scope(call)["name"]
    scopes(call, "PUT", f"/scopes/access/{BRONNOY}", params={"scope": name}).raise_for_status()

    mine = {one["scope"]: one for one in clients(call, "GET", "/scopes/access/all").json()}

    assert (mine[name]["state"], mine[name]["owner_orgno"]) == ("APPROVED", OWNER)
    assert {one["consumer_orgno"] for one in mine.values()} == {BRONNOY}


def test_a_scope_for_all_and_a_short_lived_one(sandbox: RunningSandbox, call: Call) -> None:
    name, key = new_scope(call, accessible_for_all=True, at_max_age=30)["name"], new_key()
    client = new_client(call, scopes=[name], access_token_lifetime=600)["client_id"]
    clients(call, "POST", f"/clients/{client}/jwks", json={"keys": [key.as_dict(private=False)]}).raise_for_status()

    answer = grant(sandbox, client, key, name).json()

    assert answer["expires_in"] == 30
    claims = opened(answer["access_token"])[1]
    assert claims["exp"] - claims["iat"] == 30


@pytest.mark.parametrize(("seconds", "lives"), [(0, 120), (30, 30), (600, 600)])
def test_a_clients_tokens_live_as_long_as_it_wants(
    sandbox: RunningSandbox, call: Call, seconds: int, lives: int
) -> None:
    key = new_key()
    client = new_client(call, access_token_lifetime=seconds)["client_id"]
    clients(call, "POST", f"/clients/{client}/jwks", json={"keys": [key.as_dict(private=False)]}).raise_for_status()

    assert grant(sandbox, client, key, "samvirke:agreements.read").json()["expires_in"] == lives


def test_a_client_is_read_changed_and_deactivated(sandbox: RunningSandbox, call: Call) -> None:
    made = new_client(call)
    path = f"/clients/{made['client_id']}"
    key = new_key()
    clients(call, "PUT", f"{path}/jwks", json={"keys": [key.as_dict(private=False)]}).raise_for_status()

    assert clients(call, "GET", path).json() == made
    assert made in clients(call, "GET").json()
    changed = clients(call, "PUT", path, json=made | {"client_name": "Arkiv", "scopes": ["samvirke:dispatch.write"]})
    assert changed.json()["client_name"] == "Arkiv"
    assert_refused(grant(sandbox, made["client_id"], key, "samvirke:agreements.read"), "invalid_scope", "MP-200")
    assert grant(sandbox, made["client_id"], key, "samvirke:dispatch.write").status_code == 200
    assert clients(call, "DELETE", path).status_code == 204
    assert_refused(grant(sandbox, made["client_id"], key, "samvirke:dispatch.write"), "invalid_grant", "MP-100")
    assert made["client_id"] not in {one["client_id"] for one in clients(call, "GET").json()}
    left = {one["client_id"]: one for one in clients(call, "GET", params={"inactive": "true"}).json()}
    assert left[made["client_id"]]["active"] is False


def test_keys_are_replaced_all_at_once(sandbox: RunningSandbox, call: Call) -> None:
    client, old, new = new_client(call)["client_id"], new_key(), new_key()
    path, read = f"/clients/{client}/jwks", "samvirke:agreements.read"

    def put(*keys: RSAKey) -> list[str]:
        answer = clients(call, "POST", path, json={"keys": [one.as_dict(private=False) for one in keys]})
        return sorted(one["kid"] for one in answer.json()["keys"])

    assert put(old) == [old.kid]
    assert put(old, new) == sorted([str(old.kid), str(new.kid)])
    assert [grant(sandbox, client, one, read).status_code for one in (old, new)] == [200, 200]
    assert put(new) == [new.kid]
    assert_refused(grant(sandbox, client, old, read), "invalid_grant", says="Unknown key identifier")
    shown = clients(call, "GET", path).json()
    assert set(shown) == {"keys", "created", "last_updated"}
    assert set(shown["keys"][0]) == {"kty", "kid", "n", "e", "use"}
    assert put() == []


def test_a_key_that_is_sent_again_is_no_younger(own_sandbox: RunningSandbox) -> None:
    call, key = caller(own_sandbox), new_key()
    client = new_client(call)["client_id"]
    body = {"keys": [key.as_dict(private=False)]}
    clients(call, "POST", f"/clients/{client}/jwks", json=body).raise_for_status()
    with psycopg.connect(own_sandbox.settings.database_url) as connection:
        aged = "UPDATE maskinporten_client_key SET registered_at = registered_at - interval '366 days' WHERE kid = %s"
        connection.execute(aged, [key.kid])

    clients(call, "POST", f"/clients/{client}/jwks", json=body).raise_for_status()

    refused = grant(own_sandbox, client, key, "samvirke:agreements.read")
    assert_refused(refused, "invalid_grant", "MP-121")


def test_keys_that_cannot_be_registered(sandbox: RunningSandbox, call: Call) -> None:
    path, key = f"/clients/{new_client(call)['client_id']}/jwks", new_key().as_dict(private=False)
    wrong: list[tuple[list[Any], str]] = [
        ([new_key().as_dict(private=True)], "private key"),
        ([key, key], "same kid"),
        ([sandbox.key(BRONNOY).as_dict(private=False)], "Another client has"),
        ([key | {"kid": f"{key['kid']}-{number}"} for number in range(6)], "at most 5"),
        ([{"kty": "EC", "kid": "x"}], "RSA"),
    ]

    for keys, says in wrong:
        assert_told(clients(call, "POST", path, json={"keys": keys}), 400, "bad_request", says)
    assert_told(clients(call, "POST", path, json=[key]), 400, "bad_request", "the body")
    assert clients(call, "GET", path).json()["keys"] == []


def test_of_many_who_register_one_kid_one_succeeds(sandbox: RunningSandbox, call: Call) -> None:
    ids = [new_client(call)["client_id"] for _ in range(8)]
    body, headers = {"keys": [new_key().as_dict(private=False)]}, sandbox.bearer(BRONNOY, "idporten:dcr.write")

    def register(id: str) -> int:
        url = f"{sandbox.self_service_url}/clients/{id}/jwks"
        return sandbox.http.post(url, headers=headers, json=body).status_code

    with ThreadPoolExecutor(8) as several:
        assert sorted(several.map(register, ids)) == [200] + [400] * 7


def test_a_supplier_registers_a_client_for_its_customer(sandbox: RunningSandbox, call: Call) -> None:
    body = {"client_name": "Sak", "client_orgno": BRONNOY, "scopes": ["samvirke:agreements.read"]}
    key = new_key()

    made = call("POST", "/clients", SUPPLIER, "idporten:dcr.supplier", json=body).json()

    assert (made["client_orgno"], made["supplier_orgno"]) == (BRONNOY, SUPPLIER)
    path = f"/clients/{made['client_id']}/jwks"
    jwks = {"keys": [key.as_dict(private=False)]}
    call("POST", path, SUPPLIER, "idporten:dcr.supplier", json=jwks).raise_for_status()
    claims = opened(grant(sandbox, made["client_id"], key, "samvirke:agreements.read").json()["access_token"])[1]
    assert claims["consumer"]["ID"] == f"0192:{BRONNOY}"
    assert claims["supplier"]["ID"] == f"0192:{SUPPLIER}"
    assert "delegation_source" not in claims
    refused = call("POST", "/clients", SUPPLIER, "idporten:dcr.write", json=body)
    assert_told(refused, 403, "forbidden", "idporten:dcr.supplier")
    assert made in clients(call, "GET").json(), "its owner sees it, too"


def test_a_suppliers_certificate_proves_the_client_it_made(sandbox: RunningSandbox, call: Call) -> None:
    body = {"client_name": "Sak", "client_orgno": BERGEN, "scopes": ["samvirke:agreements.read"]}
    made = call("POST", "/clients", SUPPLIER, "idporten:dcr.supplier", json=body).json()
    key = new_key()
    x5c = sandbox.certificate(SUPPLIER, key)["x5c"]

    claims = sandbox.claims(BERGEN, "samvirke:agreements.read", iss=made["client_id"])
    answer = sandbox.ask(jwt.encode({"alg": "RS256", "x5c": x5c}, claims, key, default_type=None))

    assert opened(answer.json()["access_token"])[1]["client_amr"] == "virksomhetssertifikat"


def test_a_sub_client_gets_tokens_for_its_customer(sandbox: RunningSandbox, call: Call) -> None:
    key, read = new_key(), "samvirke:agreements.read"
    client = new_client(call, by=SUPPLIER)["client_id"]
    own, path = {"by": SUPPLIER}, f"/clients/{client}"
    jwks = {"keys": [key.as_dict(private=False)]}
    clients(call, "POST", f"{path}/jwks", **own, json=jwks).raise_for_status()
    body = {"onbehalfof": "bronnoy_kommune", "orgno": BRONNOY, "name": "Brønnøy kommune"}

    made = clients(call, "POST", f"{path}/onbehalfof", **own, json=body)

    assert made.status_code == 200, made.text
    claims = opened(grant(sandbox, client, key, read, iss_onbehalfof="bronnoy_kommune").json()["access_token"])[1]
    assert claims["consumer"]["ID"] == f"0192:{BRONNOY}"
    assert claims["supplier"]["ID"] == f"0192:{SUPPLIER}"
    assert "delegation_source" not in claims
    assert_told(clients(call, "POST", f"{path}/onbehalfof", **own, json=body), 409, "conflict")
    assert clients(call, "GET", path, **own).json()["onbehalfof"] == [made.json()]
    assert clients(call, "GET", f"{path}/onbehalfof", **own).json() == [made.json()]
    one = f"{path}/onbehalfof/bronnoy_kommune"
    moved = clients(call, "PUT", one, **own, json=body | {"orgno": ALSTAHAUG, "name": "Alstahaug"})
    assert moved.json()["orgno"] == ALSTAHAUG
    renamed = clients(call, "PUT", one, **own, json=body | {"onbehalfof": "other"})
    assert_told(renamed, 400, "bad_request", "keeps its name")
    removed = clients(call, "DELETE", one, **own)
    assert (removed.status_code, removed.content) == (200, b"")
    refused = grant(sandbox, client, key, read, iss_onbehalfof="bronnoy_kommune")
    assert_refused(refused, "invalid_request", "MP-011", says="iss_onbehalfof")
    assert_told(clients(call, "DELETE", one, **own), 404, "not_found")


def test_a_customer_without_the_scope_cannot_be_acted_for(sandbox: RunningSandbox, call: Call) -> None:
    key, apply = new_key(), "samvirke:certification.apply"
    client = new_client(call, by=SUPPLIER, scopes=[apply])["client_id"]
    jwks = {"keys": [key.as_dict(private=False)]}
    clients(call, "POST", f"/clients/{client}/jwks", by=SUPPLIER, json=jwks).raise_for_status()
    body = {"onbehalfof": "b", "orgno": BRONNOY, "name": "Brønnøy"}
    clients(call, "POST", f"/clients/{client}/onbehalfof", by=SUPPLIER, json=body).raise_for_status()

    refused = grant(sandbox, client, key, apply, iss_onbehalfof="b")

    assert_refused(refused, "forbidden", "MP-250", status=403, says=f"Consumer {BRONNOY}")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"scopes": ["no:such"]}, "no:such"),
        ({"scopes": ["ks:fiks"]}, "ks:fiks"),
        ({"integration_type": "idporten"}, "the body"),
        ({"token_endpoint_auth_method": "none"}, "the body"),
        ({"grant_types": ["client_credentials"]}, "the body"),
        ({"client_name": ""}, "client_name"),
        ({"client_orgno": "123456789"}, "client_orgno"),
    ],
)
def test_a_client_that_cannot_be_registered(call: Call, changed: dict[str, Any], says: str) -> None:
    body = {"integration_type": "maskinporten", "client_name": "x", "scopes": []} | changed

    assert_told(clients(call, "POST", json=body), 400, "bad_request", says)


def test_a_scope_that_customers_may_delegate_can_be_had_by_any_supplier(call: Call) -> None:
    """Self-service never gives the supplier access itself; its customer does, in Altinn."""
    assert new_client(call, by=SUPPLIER, scopes=["samvirke:agreements.order"])["scopes"] == [
        "samvirke:agreements.order"
    ]


def test_a_scope_that_is_not_active_or_for_logins_only_cannot_be_registered(call: Call) -> None:
    inactive = new_scope(call, accessible_for_all=True)["name"]
    scopes(call, "DELETE", params={"scope": inactive}).raise_for_status()
    for_logins = new_scope(call, accessible_for_all=True, allowed_integration_types=["api_klient"])["name"]

    for name in (inactive, for_logins):
        assert_told(clients(call, "POST", json={"client_name": "x", "scopes": [name]}), 400, "bad_request", name)


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"prefix": "ks"}, 403, "forbidden"),
        ({"prefix": "handed-to-nobody"}, 403, "forbidden"),
        ({"subscope": "with space"}, 400, "bad_request"),
        ({"subscope": ""}, 400, "bad_request"),
        ({"description": ""}, 400, "bad_request"),
        ({"at_max_age": -1}, 400, "bad_request"),
        ({"visibility": "SECRET"}, 400, "bad_request"),
    ],
)
def test_a_scope_that_cannot_be_made(call: Call, changed: dict[str, Any], status: int, error: str) -> None:
    body = {"prefix": "samvirke", "subscope": new_name(), "description": "x"} | changed

    assert_told(scopes(call, "POST", json=body), status, error)


def test_a_prefix_is_handed_out_to_one_organisation(sandbox: RunningSandbox, call: Call) -> None:
    prefix = new_name()
    url = f"{sandbox.control_url}/_sandbox/maskinporten/prefixes"
    body = {"prefix": prefix, "organisation_number": BRONNOY}
    new = {"prefix": prefix, "subscope": "x.read", "description": "x"}

    assert [sandbox.http.post(url, json=body).status_code for _ in range(2)] == [204, 204]
    other = sandbox.http.post(url, json=body | {"organisation_number": BERGEN})

    assert (other.status_code, other.json()["type"]) == (409, "/problems/prefix-taken")
    assert scopes(call, "POST", by=BRONNOY, json=new).json()["owner_orgno"] == BRONNOY
    assert_told(scopes(call, "POST", by=ALSTAHAUG, json=new), 403, "forbidden", prefix)
    own_number = {"prefix": BRONNOY, "subscope": new_name(), "description": "x"}
    assert scopes(call, "POST", by=BRONNOY, json=own_number).status_code == 200
    assert_told(scopes(call, "POST", by=ALSTAHAUG, json=own_number | {"subscope": "y"}), 403, "forbidden")


def test_another_organisations_things_are_forbidden(sandbox: RunningSandbox, call: Call) -> None:
    name, client = {"scope": "samvirke:agreements.read"}, f"/clients/{seed_id(f'client:{ALSTAHAUG}')}"
    change = {"description": "x"}
    answers = [
        scopes(call, "GET", by=BRONNOY, params=name),
        scopes(call, "PUT", by=BRONNOY, params=name, json=change),
        scopes(call, "DELETE", by=BRONNOY, params=name),
        scopes(call, "GET", "/scopes/access", by=BRONNOY, params=name),
        scopes(call, "PUT", f"/scopes/access/{BRONNOY}", by=BRONNOY, params=name),
        scopes(call, "DELETE", f"/scopes/access/{ALSTAHAUG}", by=BRONNOY, params=name),
        clients(call, "GET", client),
        clients(call, "PUT", client, json={"client_name": "x"}),
        clients(call, "DELETE", client),
        clients(call, "GET", f"{client}/jwks"),
        clients(call, "POST", f"{client}/jwks", json={"keys": []}),
        clients(call, "GET", f"{client}/onbehalfof"),
        clients(call, "POST", f"{client}/onbehalfof", json={"onbehalfof": "x", "orgno": BRONNOY, "name": "x"}),
    ]

    for answer in answers:
        assert_told(answer, 403, "forbidden", "another organisation")
    assert sandbox.grant(ALSTAHAUG, "samvirke:agreements.read").status_code == 200, "nothing happened"


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/scopes", "idporten:dcr.write"),
        ("GET", "/scopes", "idporten:dcr.write"),
        ("GET", "/clients", "idporten:scopes.write"),
        ("POST", "/clients", "idporten:dcr.read"),
        ("POST", "/clients", "idporten:dcr.modify"),
        ("GET", "/scopes/access/all", "samvirke:agreements.read"),
    ],
)
def test_a_token_without_the_scope_of_administration(call: Call, method: str, path: str, scope: str) -> None:
    body = {"prefix": "x", "subscope": "x", "description": "x", "client_name": "x"}

    assert_told(call(method, path, BRONNOY, scope, json=body), 403, "forbidden", "idporten:")


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer x", "Bearer e30.e30.x", "Basic eDp5"])
def test_nobody_administers_without_a_token(sandbox: RunningSandbox, authorization: str) -> None:
    answer = sandbox.http.get(f"{sandbox.self_service_url}/clients", headers={"Authorization": authorization})

    assert_told(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_what_is_not_there_is_told_in_the_same_words(call: Call) -> None:
    assert_told(call("GET", "/nothing"), 404, "not_found")
    assert_told(call("PATCH", "/clients"), 405, "method_not_allowed")
    assert_told(clients(call, "GET", f"/clients/{new_id()}"), 404, "not_found")
    assert_told(scopes(call, "GET", params={"scope": "no:such"}), 404, "not_found")
    bad_number = scopes(call, "PUT", "/scopes/access/123456789", params={"scope": "samvirke:agreements.read"})
    assert_told(bad_number, 400, "bad_request", "orgno")
    assert_told(
        clients(
            call,
            "PUT",
            f"/clients/{seed_id(f'client:{BRONNOY}')}",
            json={
                "client_name": "x",
                "client_orgno": ALSTAHAUG,
            },
        ),
        400,
        "bad_request",
        "stays with its organisation",
    )
