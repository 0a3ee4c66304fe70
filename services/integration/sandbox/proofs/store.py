"""Looks at a DPoP proof, and remembers that it was used."""

import base64
import hashlib
from datetime import datetime, timedelta

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import import_key
from sqlmodel import Session

from services.integration.sandbox.proofs import rules
from services.integration.sandbox.providers import store as providers
from services.integration.sandbox.providers.rules import PROOF_ALGORITHMS, ProofRefused, Provider

KEPT = timedelta(minutes=10)


def check(
    session: Session, provider: Provider, proofs: list[str], method: str, path: str, now: datetime, token: str = ""
) -> str | None:
    """→ the key's thumbprint (RFC 7638); None without a proof. The session must be autocommit: a proof stays used."""
    if not proofs:
        return None
    if len(proofs) > 1:
        raise ProofRefused("DPoP proof: there must be one only")
    try:
        header, _ = providers.unproven(proofs[0])
    except ValueError as error:
        raise ProofRefused("DPoP proof: not a signed JWT") from error
    shown = rules.check_header(header)
    try:
        key = import_key(shown)
        claims = jwt.decode(proofs[0], key, algorithms=list(PROOF_ALGORITHMS)).claims
        thumbprint = key.thumbprint()
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise ProofRefused("DPoP proof: invalid signature") from error
    jti = rules.check_claims(
        claims,
        method=method,
        urls=tuple(dict.fromkeys(f"{base}{path}" for base in (provider.internal_url, provider.issuer))),
        token_hash=_hash(token) if token else None,
        now=now.timestamp(),
    )
    if not providers.first_use(session, "proof", provider.name, thumbprint, jti, now=now, kept=KEPT):
        raise ProofRefused("DPoP proof: it is used before")
    return thumbprint


def _hash(token: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
