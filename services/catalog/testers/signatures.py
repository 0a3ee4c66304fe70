"""What only a library can say of a key: whether it is one, and whether a signature is its own."""

import base64
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

_HALF = 32


def is_key(jwk: Mapping[str, str]) -> bool:
    """Whether it can be used: a point of P-256 lies on the curve."""
    try:
        _ed25519(jwk) if jwk["crv"] == "Ed25519" else _p256(jwk)
    except ValueError:
        return False
    return True


def verify(jwk: Mapping[str, str], signed: bytes, signature: bytes) -> bool:
    """Whether a key that `is_key` made a signature: Ed25519 (RFC 8037), or ES256 (RFC 7518 3.4). The key decides how,
    never what the signature says of itself."""
    try:
        if jwk["crv"] == "Ed25519":
            _ed25519(jwk).verify(signature, signed)
        elif len(signature) != 2 * _HALF:
            return False
        else:
            halves = (int.from_bytes(half) for half in (signature[:_HALF], signature[_HALF:]))
            _p256(jwk).verify(encode_dss_signature(*halves), signed, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _ed25519(jwk: Mapping[str, str]) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(_bytes(jwk["x"]))


def _p256(jwk: Mapping[str, str]) -> EllipticCurvePublicKey:
    x, y = (int.from_bytes(_bytes(jwk[name])) for name in ("x", "y"))
    return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()


def _bytes(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
