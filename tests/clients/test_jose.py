"""jose, the most used JOSE library of Node, and PyJWT, of Python, verify our certificates and read our status lists."""

import zlib
from base64 import urlsafe_b64decode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from fastapi import FastAPI

from services.catalog.certificates.rules import EventKind
from services.chassis import clock
from services.chassis.db import Database
from tests.catalog.certifying import happen
from tests.clients.conftest import Node
from tests.conftest import NewDatabase, serving
from tests.signed import certificate, jwks, new_key, signed, status_list

ISSUER = "http://127.0.0.1:8001"
NUMBERS = ("SV-2026-000001", "SV-2026-000002", "SV-2026-000003")
Published = dict[str, Any]


@pytest.fixture(scope="module")
def published(apps: Callable[[str], FastAPI], shared_database: NewDatabase) -> Published:
    """The keys, the list, and tokens: of a valid certificate, a withdrawn one, a suspended one."""
    url = shared_database("catalog", seeded=True)
    database = Database(url, connections=1)
    happen(database, NUMBERS[1], EventKind.WITHDRAWN)
    database.close()
    with serving(apps("catalog"), url) as catalog:
        return {
            "jwks": catalog.get("/.well-known/jwks.json").json(),
            "list": catalog.get("/status-lists/1").text,
            "tokens": [catalog.get(f"/certificates/{number}/credential").text for number in NUMBERS],
        }


def by_node(node: Node, published: Published, token: str, **other: Any) -> dict[str, Any]:
    return node(
        "credential.mjs", token=token, issuer=ISSUER, **{name: published[name] for name in ("jwks", "list")} | other
    )


def test_jose_verifies_certificates_and_reads_their_statuses(node: Node, published: Published) -> None:
    read = [by_node(node, published, token) for token in published["tokens"]]
    assert [one["certificate"]["number"] for one in read] == list(NUMBERS)
    assert [one["status"] for one in read] == [0, 1, 2]


def test_jose_refuses_what_is_not_ours(node: Node, published: Published) -> None:
    token, now, other = published["tokens"][0], clock.now(), new_key(published["jwks"]["keys"][0]["kid"])
    header, claims, signature = token.split(".")
    refused = [
        by_node(node, published, f"{header}.{claims[:-4]}AAAA.{signature}"),
        by_node(node, published, signed(other, certificate(now) | {"iss": ISSUER}, typ="certificate+jwt")),
        by_node(node, published, published["list"]),
        by_node(node, published, token, jwks=jwks(new_key("another"))),
        by_node(node, published, token, list=token),
        by_node(node, published, token, list=signed(other, status_list(now, [0] * 9), typ="statuslist+jwt")),
    ]
    assert [one["error"] for one in refused] == [
        "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
        "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
        "ERR_JWT_CLAIM_VALIDATION_FAILED",
        "ERR_JWKS_NO_MATCHING_KEY",
        "ERR_JWT_CLAIM_VALIDATION_FAILED",
        "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
    ]


def test_pyjwt_verifies_certificates_and_reads_their_statuses(published: Published) -> None:
    keys = jwt.PyJWKSet.from_dict(published["jwks"])

    def opened(token: str, typ: str, **needed: Any) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        assert header["typ"] == typ
        claims: dict[str, Any] = jwt.decode(token, keys[header["kid"]], algorithms=["ES256"], **needed)
        return claims

    seen = []
    for token in published["tokens"]:
        claims = opened(token, "certificate+jwt", issuer=ISSUER, options={"require": ["exp", "iat", "nbf", "sub"]})
        place = claims["status"]["status_list"]
        listed = opened(published["list"], "statuslist+jwt", subject=place["uri"], options={"require": ["exp", "iat"]})
        inner = listed["status_list"]
        packed = zlib.decompress(urlsafe_b64decode(inner["lst"] + "=="))
        seen.append(packed[place["idx"] // 4] >> place["idx"] % 4 * 2 & 3)
    assert seen == [0, 1, 2]


def test_pyjwt_refuses_what_is_not_ours(published: Published) -> None:
    key = jwt.PyJWKSet.from_dict(published["jwks"]).keys[0]
    header, claims, signature = published["tokens"][0].split(".")
    other = new_key(str(key.key_id))
    stale = status_list(clock.now() - timedelta(days=2), [0])
    for wrong in (
        f"{header}.{claims[:-4]}AAAA.{signature}",
        signed(other, certificate(clock.now()), typ="certificate+jwt"),
    ):
        with pytest.raises(jwt.InvalidTokenError):
            jwt.decode(wrong, key, algorithms=["ES256"])
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(signed(other, stale, typ="statuslist+jwt"), jwt.PyJWK(other.as_dict(private=False)), ["ES256"])
