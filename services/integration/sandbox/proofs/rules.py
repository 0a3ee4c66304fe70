"""When a DPoP proof proves something (RFC 9449 §4.3)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from services.integration.sandbox.providers.rules import PROOF_ALGORITHMS, SKEW_SECONDS, ProofRefused

OLDEST_SECONDS = 60
PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")


def check_header(header: Mapping[str, Any]) -> dict[str, Any]:
    """→ the public key that stands in it"""
    if header.get("typ") != "dpop+jwt":
        raise ProofRefused("DPoP proof: typ must be dpop+jwt")
    if header.get("alg") not in PROOF_ALGORITHMS:
        raise ProofRefused(f"DPoP proof: alg must be one of {', '.join(PROOF_ALGORITHMS)}")
    jwk = header.get("jwk")
    if not isinstance(jwk, dict) or any(name in jwk for name in PRIVATE):
        raise ProofRefused("DPoP proof: jwk must be a public key")
    return jwk


def check_claims(
    claims: Mapping[str, Any], *, method: str, urls: tuple[str, ...], token_hash: str | None, now: float
) -> str:
    """→ its jti. `token_hash` is what `ath` must be when a token comes with the proof."""
    if claims.get("htm") != method:
        raise ProofRefused(f"DPoP proof: htm must be {method}")
    if _bare(str(claims.get("htu"))) not in urls:
        raise ProofRefused(f"DPoP proof: htu must be {urls[0]}")
    issued = claims.get("iat")
    if isinstance(issued, bool) or not isinstance(issued, int | float):
        raise ProofRefused("DPoP proof: iat must be seconds since 1970")
    if not now - OLDEST_SECONDS <= issued <= now + SKEW_SECONDS:
        raise ProofRefused("DPoP proof: iat is too old or after now")
    if token_hash is not None and claims.get("ath") != token_hash:
        raise ProofRefused("DPoP proof: ath is not the hash of the access token")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= 500:
        raise ProofRefused("DPoP proof: no jti")
    return jti


def _bare(url: str) -> str:
    """Without query and fragment, which are not compared."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
