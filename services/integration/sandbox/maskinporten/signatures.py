"""What only a cryptographic library can do: sign a token, and say whether a grant's signature is right (RFC 7515).

The two of every token are made of cryptography's own operations: a library for JWS around them takes a fifteenth of the
time of a token, for what there is no choice about here, or what `rules` has decided already."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from joserfc.jwk import RSAKey
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from services.integration.sandbox.grant_refusals import rules as refusals

LONGEST_GRANT = 160_000
"""Characters: a chain of certificates in the header, and as much again."""
_HASHES: Mapping[str, HashAlgorithm] = {"RS256": SHA256(), "RS384": SHA384(), "RS512": SHA512()}
"""By `rules.ALGORITHMS`."""
_PADDING = PKCS1v15()
_compact = json.JSONEncoder(separators=(",", ":")).encode


@lru_cache(maxsize=2000)
def public(jwk: str) -> RSAPublicKey:
    """A registered key, from its JWK as JSON text."""
    return RSAKey.import_key(json.loads(jwk)).public_key


def check(assertion: str, algorithm: str, key: RSAPublicKey) -> None:
    """`algorithm` is one of `rules.ALGORITHMS`."""
    if len(assertion) > LONGEST_GRANT:
        raise refusals.SignatureRefused
    signed, _, signature = assertion.encode().rpartition(b".")
    try:
        key.verify(urlsafe_b64decode(signature), signed, _PADDING, _HASHES[algorithm])
    except (InvalidSignature, ValueError) as error:
        raise refusals.SignatureRefused from error


def sign(key: RSAPrivateKey, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """RS256, whatever the header says."""
    signed = b".".join(urlsafe_b64encode(_compact(part).encode()) for part in (header, claims))
    return (signed + b"." + urlsafe_b64encode(key.sign(signed, _PADDING, _HASHES["RS256"]))).decode()
