"""What Maskinporten must not accept, each with its own error, code and status."""

import base64
import hashlib
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from services.chassis.tokens import GRANT
from services.chassis.values import new_id, seed_id
from tests.sandbox.running import RunningSandbox

BRONNOY = "964983291"
VEFSN = "844824122"
BERGEN = "964338531"
"""A municipality that has registered no key."""
SUPPLIER = "100000016"
ORDER = "samvirke:agreements.order"


def assert_refused(
    response: httpx.Response, error: str, code: str | None = None, *, status: int = 400, says: str = ""
) -> None:
    body = response.json()
    assert (response.status_code, body["error"]) == (status, error), body
    assert says in body["error_description"]
    description, trace = body["error_description"].split(" (trace_id: ")
    assert description.endswith(".")
    assert len(trace) == 33
    assert body.get("error_uri", "").rpartition("/")[2] == (code or "")
    assert set(body) == {"error", "error_description", "error_uri"} if code else {"error", "error_description"}


def compact(header: dict[str, Any], claims: dict[str, Any], sign: Any = lambda signed: b"") -> str:
    """A JWS made by hand, as no library would let us make it."""
    parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in (header, claims)]
    signed = ".".join(parts)
    return f"{signed}.{base64.urlsafe_b64encode(sign(signed.encode())).rstrip(b'=').decode()}"


def test_no_signature_at_all(sandbox: RunningSandbox) -> None:
    unsigned = compact({"alg": "none", "kid": sandbox.key(BRONNOY).kid}, sandbox.claims(BRONNOY, ORDER))

    assert_refused(sandbox.ask(unsigned), "invalid_grant", "MP-124")


@pytest.mark.parametrize("form", ["pem", "der", "jwk"])
def test_the_public_key_used_as_a_shared_secret(sandbox: RunningSandbox, form: str) -> None:
    key = sandbox.key(BRONNOY)
    public = key.public_key
    secret = {
        "pem": public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        "der": public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        "jwk": json.dumps(key.as_dict(private=False)).encode(),
    }[form]
    forged = compact(
        {"alg": "HS256", "kid": key.kid},
        sandbox.claims(BRONNOY, ORDER),
        lambda signed: hmac.new(secret, signed, hashlib.sha256).digest(),
    )

    assert_refused(sandbox.ask(forged), "invalid_grant", "MP-124")


def test_an_algorithm_that_is_not_rsa(sandbox: RunningSandbox) -> None:
    key = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "kid": str(sandbox.key(BRONNOY).kid)}
    signed = jwt.encode(header, sandbox.claims(BRONNOY, ORDER), key, default_type=None)

    assert_refused(sandbox.ask(signed), "invalid_grant", "MP-124")


def test_a_probabilistic_rsa_signature(sandbox: RunningSandbox) -> None:
    assert_refused(sandbox.grant(BRONNOY, ORDER, header={"alg": "PS256"}), "invalid_grant", "MP-124")


def test_another_key_under_the_right_kid(sandbox: RunningSandbox) -> None:
    header = {"alg": "RS256", "kid": str(sandbox.key(BRONNOY).kid)}
    signed = jwt.encode(header, sandbox.claims(BRONNOY, ORDER), sandbox.key(VEFSN), default_type=None)

    assert_refused(sandbox.ask(signed), "invalid_grant", "MP-124")


def test_claims_changed_after_signing(sandbox: RunningSandbox) -> None:
    key = sandbox.key(BRONNOY)
    header = {"alg": "RS256", "kid": str(key.kid)}
    right = jwt.encode(header, sandbox.claims(BRONNOY, "samvirke:agreements.read"), key, default_type=None)
    changed = compact(header, sandbox.claims(BRONNOY, ORDER)).rpartition(".")[0] + "." + right.rpartition(".")[2]

    assert_refused(sandbox.ask(changed), "invalid_grant", "MP-124")


def test_an_extension_of_the_signature(sandbox: RunningSandbox) -> None:
    key = sandbox.key(BRONNOY).private_key
    assert key
    header = {"alg": "RS256", "kid": sandbox.key(BRONNOY).kid, "crit": ["sealed"], "sealed": True}
    signed = compact(header, sandbox.claims(BRONNOY, ORDER), lambda signed: key.sign(signed, PKCS1v15(), SHA256()))

    assert_refused(sandbox.ask(signed), "invalid_grant", "MP-124", says="crit")


def test_a_signature_in_another_base64(sandbox: RunningSandbox) -> None:
    signed, _, signature = jwt.encode(
        {"alg": "RS256", "kid": str(sandbox.key(BRONNOY).kid)},
        sandbox.claims(BRONNOY, ORDER),
        sandbox.key(BRONNOY),
        default_type=None,
    ).rpartition(".")
    standard = base64.b64encode(base64.urlsafe_b64decode(signature + "==")).decode()

    assert_refused(sandbox.ask(f"{signed}.{standard}"), "invalid_grant", "MP-124")


def test_a_grant_that_is_longer_than_any(sandbox: RunningSandbox) -> None:
    assert_refused(sandbox.grant(BRONNOY, ORDER, resource=["x" * 1000] * 130), "invalid_grant", "MP-124")


@pytest.mark.parametrize(
    ("kid", "says"),
    [
        ("no-such-key", "Unknown key identifier (kid) for client"),
        ("another's", "Unknown key identifier (kid) for client"),
        (None, "requires pre-registered jwk and no key identifier (kid) provided"),
        ("", "requires pre-registered jwk and no key identifier (kid) provided"),
    ],
)
def test_a_kid_that_is_not_the_clients(sandbox: RunningSandbox, kid: str | None, says: str) -> None:
    named = sandbox.key(VEFSN).kid if kid == "another's" else kid

    assert_refused(sandbox.grant(BRONNOY, ORDER, header={"kid": named}), "invalid_grant", says=says)


def test_a_key_brought_along_in_the_header_is_ignored(sandbox: RunningSandbox) -> None:
    own = RSAKey.generate_key(2048, {"kid": "mine"}, private=True)
    header = {"alg": "RS256", "kid": "mine", "jwk": own.as_dict(private=False)}
    signed = jwt.encode(header, sandbox.claims(BRONNOY, ORDER), own, default_type=None)

    assert_refused(sandbox.ask(signed), "invalid_grant", says="Unknown key identifier (kid) for client")


def test_a_key_older_than_a_year(own_sandbox: RunningSandbox) -> None:
    with psycopg.connect(own_sandbox.settings.database_url) as connection:
        connection.execute("UPDATE maskinporten_client_key SET registered_at = registered_at - interval '364 days'")
    assert own_sandbox.grant(BRONNOY, ORDER).status_code == 200
    with psycopg.connect(own_sandbox.settings.database_url) as connection:
        connection.execute("UPDATE maskinporten_client_key SET registered_at = registered_at - interval '2 days'")

    assert_refused(own_sandbox.grant(BRONNOY, ORDER), "invalid_grant", "MP-121", says="Expired key")


@pytest.mark.parametrize("client", ["01a20eb9-9342-762e-9187-a6f3994d9ecc", "not-a-uuid", None, 7])
def test_a_client_that_nobody_knows(sandbox: RunningSandbox, client: object) -> None:
    assert_refused(sandbox.grant(BRONNOY, ORDER, iss=client), "invalid_grant", "MP-100")


@pytest.mark.parametrize(
    "audience",
    [
        "{issuer}token",
        "{issuer without slash}",
        "https://maskinporten.no/",
        None,
        "",
        ["{issuer}", "https://elsewhere.example/"],
        ["{issuer}", "{issuer}"],
        [],
    ],
)
def test_an_audience_that_is_not_exactly_the_issuer(sandbox: RunningSandbox, audience: object) -> None:
    def filled(value: str) -> str:
        return value.replace("{issuer without slash}", sandbox.issuer[:-1]).replace("{issuer}", sandbox.issuer)

    wrong = [filled(one) for one in audience] if isinstance(audience, list) else audience and filled(str(audience))

    response = sandbox.grant(BRONNOY, ORDER, aud=wrong)

    assert_refused(response, "invalid_grant", "MP-110", says=f"Must be the one value {sandbox.issuer}")


def test_a_grant_that_lives_121_seconds(sandbox: RunningSandbox) -> None:
    issued = sandbox.claims(BRONNOY)["iat"]

    assert_refused(sandbox.grant(BRONNOY, ORDER, iat=issued, exp=issued + 121), "invalid_request", "MP-011", says="exp")


def test_a_grant_from_the_future(sandbox: RunningSandbox) -> None:
    issued = int(time.time()) + 13

    response = sandbox.grant(BRONNOY, ORDER, iat=issued, exp=issued + 100)

    assert_refused(response, "invalid_grant", says="Issue time is after now")


def test_a_grant_from_the_past(sandbox: RunningSandbox) -> None:
    issued = int(time.time()) - 11

    response = sandbox.grant(BRONNOY, ORDER, iat=issued, exp=issued + 100)

    assert_refused(response, "invalid_grant", says="Issue time is too long ago")


def test_a_grant_that_has_expired(sandbox: RunningSandbox) -> None:
    issued = int(time.time()) - 9

    assert_refused(sandbox.grant(BRONNOY, ORDER, iat=issued, exp=issued + 5), "invalid_grant", "MP-130")


@pytest.mark.parametrize("missing", ["iat", "exp", "scope"])
def test_a_claim_that_is_missing(sandbox: RunningSandbox, missing: str) -> None:
    assert_refused(sandbox.grant(BRONNOY, ORDER, **{missing: None}), "invalid_request", "MP-011", says=missing)


@pytest.mark.parametrize(
    "claims",
    [
        {"iat": "now"},
        {"exp": True},
        {"exp": 1e400},
        {"scope": " "},
        {"scope": [ORDER]},
        {"jti": 7},
        {"jti": ""},
        {"resource": 7},
        {"resource": []},
        {"resource": [7]},
        {"consumer_org": "12345678"},
        {"consumer_org": 964983291},
        {"pid": "12837532158"},
        {"pid": "12037532157"},
        {"pid": 12837532157},
        {"iss_onbehalfof": "someone"},
        {"iss_onbehalfof": 7},
        {"iss_onbehalfof": "someone", "consumer_org": VEFSN},
        {"authorization_details": "urn:altinn:systemuser"},
        {"authorization_details": ["urn:altinn:systemuser"]},
        {"authorization_details": {"type": "urn:altinn:systemuser"}},
    ],
)
def test_a_claim_that_cannot_be_used(sandbox: RunningSandbox, claims: dict[str, Any]) -> None:
    response = sandbox.grant(BRONNOY, ORDER, **claims)

    assert_refused(response, "invalid_request", "MP-011", says=next(iter(claims)))


def test_a_personal_number_is_not_repeated(sandbox: RunningSandbox) -> None:
    wrong = "12037532157"
    giver = f"urn:altinn:person:identifier-no:{wrong}"
    consent = {"type": "urn:altinn:consent", "id": str(new_id()), "from": giver}

    for claims in ({"pid": wrong}, {"authorization_details": [consent]}, {"authorization_details": [{wrong: wrong}]}):
        response = sandbox.grant(BRONNOY, ORDER, **claims)
        assert response.status_code == 400
        assert wrong not in response.text


SYSTEM_USER = {
    "type": "urn:altinn:systemuser",
    "systemuser_org": {"authority": "iso6523-actorid-upis", "ID": f"0192:{VEFSN}"},
}
CONSENT = {
    "type": "urn:altinn:consent",
    "id": "018f5e9c-7d2b-7c3a-9f00-000000000001",
    "from": "urn:altinn:person:identifier-no:12837532157",
}


@pytest.mark.parametrize(
    ("detail", "code", "says"),
    [
        ({"type": "urn:altinn:unknown"}, "MP-301", "type"),
        ({"type": 7}, "MP-301", "type"),
        ({"systemuser_org": SYSTEM_USER["systemuser_org"]}, "MP-301", "type"),
        (SYSTEM_USER | {"systemuser_id": ["x"]}, "MP-302", "field"),
        (CONSENT | {"to": VEFSN}, "MP-302", "field"),
        ({"type": "urn:altinn:systemuser"}, "MP-303", "systemuser_org"),
        (SYSTEM_USER | {"systemuser_org": f"0192:{VEFSN}"}, "MP-303", "systemuser_org"),
        (SYSTEM_USER | {"systemuser_org": {"authority": "x", "ID": f"0192:{VEFSN}"}}, "MP-303", "systemuser_org"),
        (
            SYSTEM_USER | {"systemuser_org": {"authority": "iso6523-actorid-upis", "ID": VEFSN}},
            "MP-303",
            "systemuser_org.ID",
        ),
        (SYSTEM_USER | {"externalRef": 7}, "MP-303", "externalRef"),
        (CONSENT | {"id": "7"}, "MP-303", "id"),
        (CONSENT | {"from": "urn:altinn:person:identifier-no:12037532157"}, "MP-303", "from"),
        (CONSENT | {"from": "12837532157"}, "MP-303", "from"),
        ({"type": "urn:altinn:consent", "id": CONSENT["id"]}, "MP-303", "from"),
    ],
)
def test_authorization_details_that_cannot_be_used(
    sandbox: RunningSandbox, detail: dict[str, Any], code: str, says: str
) -> None:
    response = sandbox.grant(BRONNOY, ORDER, authorization_details=[detail])

    assert_refused(response, "invalid_authorization_details", code, says=says)


def test_two_parties_in_one_grant(sandbox: RunningSandbox) -> None:
    response = sandbox.grant(BRONNOY, ORDER, authorization_details=[SYSTEM_USER, SYSTEM_USER])

    assert_refused(response, "invalid_authorization_details", "MP-303", says="one at a time")


@pytest.mark.parametrize("detail", [SYSTEM_USER, CONSENT], ids=lambda detail: str(detail["type"]))
def test_what_altinn_does_not_know(sandbox: RunningSandbox, detail: dict[str, Any]) -> None:
    response = sandbox.grant(BRONNOY, ORDER, authorization_details=[detail])

    assert_refused(response, "invalid_altinn_customer_configuration", "MP-303", says="Altinn knows no")


def test_a_grant_used_again(sandbox: RunningSandbox) -> None:
    jti = str(new_id())
    assert sandbox.grant(BRONNOY, ORDER, jti=jti).status_code == 200

    again = sandbox.grant(BRONNOY, "samvirke:agreements.read", jti=jti)

    assert_refused(again, "invalid_grant", "MP-012")
    assert sandbox.grant(VEFSN, ORDER, jti=jti).status_code == 200, "another client's jti is another"


def test_a_grant_without_jti_used_again(sandbox: RunningSandbox) -> None:
    key = sandbox.key(BRONNOY)
    claims = sandbox.claims(BRONNOY, ORDER, jti=None)
    signed = jwt.encode({"alg": "RS256", "kid": str(key.kid)}, claims, key, default_type=None)
    assert sandbox.ask(signed).status_code == 200

    assert_refused(sandbox.ask(signed), "invalid_grant", "MP-012")
    padded = signed[:-1] + chr(ord(signed[-1]) + 1)
    assert sandbox.ask(padded).status_code == 400, "the same signature written otherwise is the same grant"


def test_of_many_at_the_same_time_one_gets_a_token(sandbox: RunningSandbox) -> None:
    key = sandbox.key(BRONNOY)
    signed = jwt.encode({"alg": "RS256", "kid": str(key.kid)}, sandbox.claims(BRONNOY, ORDER), key, default_type=None)
    with ThreadPoolExecutor(8) as several:
        answers = list(several.map(lambda _: sandbox.ask(signed), range(16)))

    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 15
    for answer in answers:
        if answer.status_code != 200:
            assert_refused(answer, "invalid_grant", "MP-012")


def test_a_refused_grant_is_not_used_up(sandbox: RunningSandbox) -> None:
    jti = str(new_id())
    assert_refused(sandbox.grant(BRONNOY, "ks:fiks", jti=jti), "invalid_scope", "MP-200")

    assert sandbox.grant(BRONNOY, ORDER, jti=jti).status_code == 200


@pytest.mark.parametrize("scopes", [["ks:fiks"], [ORDER, "samvirke:catalog.admin"], ["no:such"]])
def test_a_scope_that_the_client_is_not_registered_with(sandbox: RunningSandbox, scopes: list[str]) -> None:
    assert_refused(sandbox.grant(BRONNOY, *scopes), "invalid_scope", "MP-200", says=scopes[-1])


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ("active = false", "invalid_scope", "MP-200"),
        ("allowed_integration_types = '{api_klient}'", "invalid_scope", "MP-201"),
    ],
)
def test_a_scope_that_maskinporten_does_not_give_out(
    own_sandbox: RunningSandbox, change: str, error: str, code: str
) -> None:
    with psycopg.connect(own_sandbox.settings.database_url) as connection:
        connection.execute(f"UPDATE maskinporten_scope SET {change} WHERE name = '{ORDER}'".encode())

    assert_refused(own_sandbox.grant(BRONNOY, ORDER), error, code, says=ORDER)


def test_a_client_that_was_deactivated(own_sandbox: RunningSandbox) -> None:
    with psycopg.connect(own_sandbox.settings.database_url) as connection:
        connection.execute("UPDATE maskinporten_client SET active = false")

    assert_refused(own_sandbox.grant(BRONNOY, ORDER), "invalid_grant", "MP-100")


def test_a_scope_that_the_organisation_was_not_granted(own_sandbox: RunningSandbox) -> None:
    with psycopg.connect(own_sandbox.settings.database_url) as connection:
        connection.execute("DELETE FROM maskinporten_scope_grant WHERE organisation = %s", [BRONNOY])

    response = own_sandbox.grant(BRONNOY, ORDER)

    assert_refused(response, "forbidden", "MP-250", status=403, says=f"Consumer {BRONNOY} has not been granted access")


def test_acting_for_a_customer_who_has_not_delegated(sandbox: RunningSandbox) -> None:
    response = sandbox.grant(SUPPLIER, "samvirke:agreements.read", consumer_org=VEFSN)

    assert_refused(
        response,
        "forbidden",
        "MP-251",
        status=403,
        says=f"Consumer {VEFSN} has not delegated access to the scope samvirke:agreements.read to supplier {SUPPLIER}",
    )


def test_acting_for_a_customer_who_does_not_have_the_scope(sandbox: RunningSandbox) -> None:
    response = sandbox.grant(SUPPLIER, "samvirke:certification.apply", consumer_org=VEFSN)

    assert_refused(response, "forbidden", "MP-250", status=403, says=f"Consumer {VEFSN}")


def test_acting_for_a_customer_with_a_scope_that_cannot_be_delegated(own_sandbox: RunningSandbox) -> None:
    scope = "samvirke:agreements.read"
    delegation = {"consumer": VEFSN, "supplier": SUPPLIER, "scope": scope}
    url = f"{own_sandbox.control_url}/_sandbox/maskinporten/delegations"
    assert own_sandbox.http.post(url, json=delegation).status_code == 201
    assert own_sandbox.grant(SUPPLIER, scope, consumer_org=VEFSN).status_code == 200
    with psycopg.connect(own_sandbox.settings.database_url) as connection:
        connection.execute("UPDATE maskinporten_scope SET delegation_source = NULL")

    refused = own_sandbox.grant(SUPPLIER, scope, consumer_org=VEFSN)

    assert_refused(refused, "forbidden", "MP-251", status=403)
    assert own_sandbox.http.post(url, json=delegation).json()["type"] == "/problems/not-delegable"


def test_a_delegation_that_was_taken_back(sandbox: RunningSandbox) -> None:
    scope = "samvirke:agreements.read"
    delegation = {"consumer": BRONNOY, "supplier": SUPPLIER, "scope": scope}
    url = f"{sandbox.control_url}/_sandbox/maskinporten/delegations"
    sandbox.http.post(url, json=delegation).raise_for_status()
    assert sandbox.grant(SUPPLIER, scope, consumer_org=BRONNOY).status_code == 200

    assert [sandbox.http.delete(url, params=delegation).status_code for _ in range(2)] == [204, 204]

    assert_refused(sandbox.grant(SUPPLIER, scope, consumer_org=BRONNOY), "forbidden", "MP-251", status=403)


def test_acting_for_oneself(sandbox: RunningSandbox) -> None:
    response = sandbox.grant(SUPPLIER, "samvirke:agreements.read", consumer_org=SUPPLIER)

    assert_refused(response, "invalid_request", says="The combination consumer_org in claim and delegation scope")


@pytest.mark.parametrize("sent", ["", "a.b", "a.b.c", "eyJ9.eyJ9.x", "\x00.\x00.\x00", "W10.W10.x"])
def test_an_assertion_that_is_no_jwt(sandbox: RunningSandbox, sent: str) -> None:
    assert_refused(sandbox.ask(sent), "invalid_request", "MP-011", says="Not a signed JWT")


@pytest.mark.parametrize("form", [{}, {"grant_type": "client_credentials"}, {"assertion": "a.b.c"}])
def test_another_kind_of_grant(sandbox: RunningSandbox, form: dict[str, str]) -> None:
    response = sandbox.http.post(f"{sandbox.maskinporten_url}/token", data=form)

    assert_refused(response, "unsupported_grant_type", says=GRANT)


def test_a_body_that_is_not_a_form(sandbox: RunningSandbox) -> None:
    response = sandbox.http.post(f"{sandbox.maskinporten_url}/token", json={"grant_type": GRANT, "assertion": "x"})

    assert_refused(response, "unsupported_grant_type")


def test_what_is_not_there_is_told_in_the_same_words(sandbox: RunningSandbox) -> None:
    assert_refused(sandbox.http.get(f"{sandbox.maskinporten_url}/token"), "invalid_request", status=405)
    assert_refused(sandbox.http.get(f"{sandbox.maskinporten_url}/jwks"), "invalid_request", status=404)


def test_a_client_without_a_key_registers_one_and_gets_a_token(sandbox: RunningSandbox) -> None:
    client = str(seed_id(f"client:{BERGEN}"))
    path = f"{sandbox.control_url}/_sandbox/maskinporten/clients/{client}/jwks"
    key = RSAKey.generate_key(2048, {"kid": str(new_id()), "use": "sig"}, private=True)

    private = sandbox.http.post(path, json=key.as_dict(private=True))
    public = sandbox.http.post(path, json=key.as_dict(private=False))
    again = sandbox.http.post(path, json=key.as_dict(private=False))
    signed = jwt.encode({"alg": "RS256", "kid": str(key.kid)}, sandbox.claims(BERGEN, ORDER), key, default_type=None)

    assert (private.status_code, private.json()["type"]) == (422, "/problems/key-unusable")
    assert "private" in private.json()["detail"]
    assert (public.status_code, public.json()) == (201, {"client_id": client, "kid": key.kid})
    assert again.status_code == 422
    assert sandbox.ask(signed).status_code == 200


@pytest.mark.parametrize(
    "changed",
    [{"kty": "EC"}, {"use": "enc"}, {"kid": ""}, {"n": "AQAB"}, {"n": "!"}, {"d": "AQAB"}],
)
def test_a_key_that_cannot_be_used_is_not_registered(sandbox: RunningSandbox, changed: dict[str, str]) -> None:
    path = f"{sandbox.control_url}/_sandbox/maskinporten/clients/{seed_id('client:964965226')}/jwks"
    right = dict(sandbox.key(BRONNOY).as_dict(private=False))

    refused = sandbox.http.post(path, json=right | changed)

    assert refused.status_code == 422
    assert ("private key" in refused.json()["detail"]) == ("d" in changed)


def test_a_client_has_at_most_five_keys(sandbox: RunningSandbox) -> None:
    path = f"{sandbox.control_url}/_sandbox/maskinporten/clients/{seed_id('client:944496394')}/jwks"
    right = dict(sandbox.key(BRONNOY).as_dict(private=False))

    answers = [sandbox.http.post(path, json=right | {"kid": f"key-{number}"}).status_code for number in range(6)]

    assert answers == [201] * 5 + [422]


def test_a_kid_is_one_clients_only(sandbox: RunningSandbox) -> None:
    path = f"{sandbox.control_url}/_sandbox/maskinporten/clients/{seed_id('client:964965226')}/jwks"

    refused = sandbox.http.post(path, json=sandbox.key(BRONNOY).as_dict(private=False))

    assert refused.status_code == 422
    assert "Another client has a key with kid" in refused.json()["detail"]


def test_nobody_registers_a_key_for_a_client_that_is_not_there(sandbox: RunningSandbox) -> None:
    path = f"{sandbox.control_url}/_sandbox/maskinporten/clients/{new_id()}/jwks"

    assert sandbox.http.post(path, json=sandbox.key(BRONNOY).as_dict(private=False)).status_code == 404
