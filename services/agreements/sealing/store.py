"""The service's sealing key, each competition's own pair, and what is sealed to it.

X25519, HKDF-SHA-256 and AES-256-GCM, from a library; nothing of our own but how they are put together. Whoever reads
the database, a backup, a log or the feed has ciphertexts, and wrapped keys that only the file outside it unwraps.
"""

import base64
import json
import logging
import os
import stat
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from fastapi import Depends, Request

from services.agreements.settings import Settings
from services.chassis.problems import Conflict, Unavailable
from services.chassis.settings import Environment

KEY_BYTES, NONCE_BYTES = 32, 12
ROUND_BYTES = 4096
"""Sealed text is filled up to a multiple of this, so that its length tells little."""
_OURS = "samvirke"
"""The member of the JWK that says what we know of the key."""
_log = logging.getLogger("sealing")


class SealingKeyAway(Unavailable):
    """The service's sealing key cannot be read, so that nothing can be published or opened. Nothing was changed.

    Whoever runs the service puts the key's file back; without it, what is sealed stays sealed.
    """


class SealBroken(Conflict):
    """Something that was sealed cannot be opened: it, or its key, is not what was kept. Nothing was changed.

    Bids are opened all at once, or none.
    """


class SealingKey:
    """The key in a file outside the database. In production one that the sandbox made does not count."""

    def __init__(self, file: Path, *, production: bool) -> None:
        self._file, self._production = file, production

    def first(self) -> bool:
        """Make one, unless there is a file. → whether it was made"""
        if self._file.exists():
            return False
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret = base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).rstrip(b"=").decode()
        kept = {"kty": "oct", "alg": "A256GCM", "k": secret, _OURS: {"sandbox": not self._production}}
        with open(os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(kept, file)
        return True

    def first_of_sandbox(self) -> bool:
        """The same, but in production, where whoever runs it makes it (`python -m services keys sealing`)."""
        return not self._production and self.first()

    def must_be_there(self) -> None:
        """For production, which does not start without it."""
        self._read()

    def wrap(self, private: bytes, competition: UUID) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self._read()).encrypt(nonce, private, competition.bytes)

    def unwrap(self, wrapped: bytes, competition: UUID) -> bytes:
        try:
            return AESGCM(self._read()).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], competition.bytes)
        except InvalidTag:
            raise SealBroken("The competition's key does not open with this sealing key.") from None

    def _read(self) -> bytes:
        """Read anew each time: a key that is taken away is away at once."""
        try:
            if stat.S_IMODE(self._file.stat().st_mode) & 0o077:
                raise ValueError("others may read it: chmod 600")
            jwk = json.loads(self._file.read_bytes())
            if self._production and jwk[_OURS]["sandbox"]:
                raise ValueError("the sandbox made it, and this is production")
            key = base64.urlsafe_b64decode(jwk["k"] + "=")
            if len(key) != KEY_BYTES:
                raise ValueError("it is not 32 bytes")
        except (OSError, ValueError, KeyError, TypeError) as error:
            # The kind of error, and never what the file holds.
            why = error if type(error) is ValueError else type(error).__name__
            _log.error("the sealing key cannot be used: %s", why)
            raise SealingKeyAway from None
        return key


def new_key(settings: Settings) -> SealingKey:
    return SealingKey(settings.sealing_key_file, production=settings.env is Environment.PRODUCTION)


def new_pair() -> tuple[bytes, bytes]:
    """→ (public, private), 32 bytes each"""
    private = X25519PrivateKey.generate()
    return private.public_key().public_bytes_raw(), private.private_bytes_raw()


def seal(public: bytes, content: bytes, *bound: object) -> bytes:
    """To be opened by the private key alone, and only together with what it is `bound` to."""
    once, sent = X25519PrivateKey.generate(), X25519PublicKey.from_public_bytes(public)
    own, nonce = once.public_key().public_bytes_raw(), os.urandom(NONCE_BYTES)
    filled = len(content).to_bytes(8, "big") + content
    filled += bytes(-len(filled) % ROUND_BYTES)
    key = _derived(once.exchange(sent), own, public)
    return own + nonce + AESGCM(key).encrypt(nonce, filled, _bound(bound))


def unseal(private: bytes, sealed: bytes, *bound: object) -> bytes:
    """SealBroken when a bit of it, or what it is bound to, is another."""
    own, rest = sealed[:KEY_BYTES], sealed[KEY_BYTES:]
    mine = X25519PrivateKey.from_private_bytes(private)
    try:
        shared = mine.exchange(X25519PublicKey.from_public_bytes(own))
        key = _derived(shared, own, mine.public_key().public_bytes_raw())
        filled = AESGCM(key).decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], _bound(bound))
    except (InvalidTag, ValueError):
        raise SealBroken(f"It is bound to {'/'.join(map(str, bound))}.") from None
    return filled[8 : 8 + int.from_bytes(filled[:8], "big")]


def _derived(shared: bytes, own: bytes, public: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"samvirke sealed bid" + own + public).derive(shared)


def _bound(values: tuple[object, ...]) -> bytes:
    return "/".join(map(str, values)).encode()


async def _sealing_key(request: Request) -> SealingKey:
    found: Any = request.app.state.sealing_key
    assert isinstance(found, SealingKey)
    return found


SealingKeyDep = Annotated[SealingKey, Depends(_sealing_key)]
