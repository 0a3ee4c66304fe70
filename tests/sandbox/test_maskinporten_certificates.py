"""A client without registered keys proves itself by its organisation's enterprise certificate (x5c)."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import RSAKey

from services.integration.sandbox.enterprise_certificates import rules
from tests.sandbox.running import RunningSandbox
from tests.sandbox.test_maskinporten_refuses import assert_refused, compact
from tests.sandbox.test_maskinporten_tokens import opened

BERGEN = "964338531"
"""A municipality that has registered no key."""
BRONNOY = "964983291"
READ = "samvirke:agreements.read"


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, private=True)


def ask(sandbox: RunningSandbox, key: RSAKey, x5c: Any, client: str = BERGEN, **header: Any) -> httpx.Response:
    claims = sandbox.claims(client, READ)
    return sandbox.ask(jwt.encode({"alg": "RS256", "x5c": x5c, **header}, claims, key, default_type=None))


@pytest.mark.parametrize("links", [1, 2], ids=["its own certificate alone", "the chain"])
def test_a_certificate_is_as_good_as_a_registered_key(sandbox: RunningSandbox, key: RSAKey, links: int) -> None:
    x5c = sandbox.certificate(BERGEN, key)["x5c"]

    answer = ask(sandbox, key, x5c[:links])

    assert answer.status_code == 200
    claims = opened(answer.json()["access_token"])[1]
    assert claims["client_amr"] == "virksomhetssertifikat"
    assert claims["consumer"]["ID"] == f"0192:{BERGEN}"


@pytest.mark.parametrize(
    "chain", ["MIIB", [], ["MIIB"], ["!"], [7], {"0": "MIIB"}, ["MIIB"] * 6], ids=lambda chain: str(chain)[:12]
)
def test_a_chain_that_is_no_array_of_certificates(sandbox: RunningSandbox, key: RSAKey, chain: Any) -> None:
    response = sandbox.ask(compact({"alg": "RS256", "x5c": chain}, sandbox.claims(BERGEN, READ)))

    assert_refused(response, "invalid_grant", "MP-123")


def self_signed(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> list[str]:
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, f"NTRNO-{BERGEN}")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return [base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()]


def test_a_certificate_that_its_owner_issued(sandbox: RunningSandbox, key: RSAKey) -> None:
    private = key.private_key
    assert isinstance(private, rsa.RSAPrivateKey)

    assert_refused(ask(sandbox, key, self_signed(private)), "invalid_grant", "MP-120")


def test_a_certificate_without_an_rsa_key(sandbox: RunningSandbox, key: RSAKey) -> None:
    response = ask(sandbox, key, self_signed(ec.generate_private_key(ec.SECP256R1())))

    assert_refused(response, "invalid_grant", "MP-120")


def test_the_authoritys_own_certificate(sandbox: RunningSandbox, key: RSAKey) -> None:
    response = ask(sandbox, key, sandbox.certificate(BERGEN, key)["x5c"][1:])

    assert_refused(response, "invalid_grant", "MP-120")


@pytest.mark.parametrize("when", [{"begins_seconds": -200, "ends_seconds": -100}, {"begins_seconds": 100}])
def test_a_certificate_that_has_expired_or_is_not_valid_yet(
    sandbox: RunningSandbox, key: RSAKey, when: dict[str, int]
) -> None:
    assert_refused(ask(sandbox, key, sandbox.certificate(BERGEN, key, **when)["x5c"]), "invalid_grant", "MP-120")


def test_a_certificate_that_was_revoked(sandbox: RunningSandbox, key: RSAKey) -> None:
    issued = sandbox.certificate(BERGEN, key)
    url = f"{sandbox.control_url}/_sandbox/enterprise-certificates"
    assert ask(sandbox, key, issued["x5c"]).status_code == 200

    assert [sandbox.http.post(f"{url}/{issued['serial']}/revoke").status_code for _ in range(2)] == [204, 204]

    assert_refused(ask(sandbox, key, issued["x5c"]), "invalid_grant", "MP-120", says="revoked")
    assert sandbox.http.post(f"{url}/0/revoke").status_code == 404


def test_another_organisations_certificate(sandbox: RunningSandbox, key: RSAKey) -> None:
    response = ask(sandbox, key, sandbox.certificate(BRONNOY, key)["x5c"])

    assert_refused(response, "invalid_grant", "MP-122", says="organisation number is not the client's")


def test_another_key_than_the_certificates(sandbox: RunningSandbox, key: RSAKey) -> None:
    stolen = sandbox.certificate(BERGEN, key)["x5c"]

    assert_refused(ask(sandbox, sandbox.key(BRONNOY), stolen), "invalid_grant", "MP-124")


def test_a_client_with_registered_keys_must_name_one(sandbox: RunningSandbox, key: RSAKey) -> None:
    response = ask(sandbox, key, sandbox.certificate(BRONNOY, key)["x5c"], client=BRONNOY)

    assert_refused(response, "invalid_grant", says="requires pre-registered jwk and no key identifier (kid) provided")


def test_a_named_key_goes_before_a_certificate(sandbox: RunningSandbox) -> None:
    own = sandbox.key(BRONNOY)

    response = ask(sandbox, own, sandbox.certificate(BERGEN, own)["x5c"], client=BRONNOY, kid=own.kid)

    assert opened(response.json()["access_token"])[1]["client_amr"] == "private_key_jwt"


def test_no_private_key_is_certified(sandbox: RunningSandbox, key: RSAKey) -> None:
    body = {"organisation_number": BERGEN, "jwk": key.as_dict(private=True)}

    refused = sandbox.http.post(f"{sandbox.control_url}/_sandbox/enterprise-certificates", json=body)

    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/key-unusable")


@pytest.mark.parametrize(
    ("identifiers", "serials", "found"),
    [
        (["NTRNO-964338531"], [], "964338531"),
        ([], ["964338531"], "964338531"),
        (["NTRNO-964338531"], ["111111111"], "964338531"),
        (["NTRSE-964338531"], ["12837532157"], None),
        ([], [], None),
    ],
)
def test_a_certificates_organisation_stands_in_either_of_two_forms(
    identifiers: list[str], serials: list[str], found: str | None
) -> None:
    assert rules.organisation(identifiers, serials) == found
