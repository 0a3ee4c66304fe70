"""An issuer's public keys: kept for a while, fetched anew for an unknown key id, used on when the issuer is away."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, RSAKey

FIRST_PAUSE_SECONDS = 1.0
"""Between two attempts while there are no keys at all: a service that starts before its issuer is soon ready."""
SHORTEST_MODULUS = 342
"""Of an RSA key of 2048 bits, in base64url characters (RFC 7518, 3.3)."""
TIMEOUT = httpx.Timeout(2.0, connect=0.5)
_NONSENSE = (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError)
_log = logging.getLogger("auth")

PublicKey = RSAKey | ECKey


class Away(Exception):
    """The issuer's keys have never been had, or are older than its outage may last."""


class IssuerKeys:
    """Keys by id. A key that the issuer has removed is used `lives` seconds more at most, and `outlives` seconds beyond
    that while the key page cannot be had; sooner when the page is fetched for another reason."""

    def __init__(
        self,
        url: str,
        *,
        lives: float,
        pause: float,
        outlives: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url, self._lives, self._pause, self._outlives, self._clock = url, lives, pause, outlives, clock
        self._by_id: dict[str, PublicKey] | None = None
        self._fetched = self._fresh_until = self._next_try = float("-inf")
        self._lock = threading.Lock()

    def usable(self, kid: str) -> PublicKey | None:
        """The key, when it is known and what is known is fresh enough."""
        return self._by_id.get(kid) if self._by_id and self._clock() < self._fresh_until else None

    def holds(self, kid: str, key: PublicKey) -> bool:
        """Whether what was verified with this key still counts."""
        return self.usable(kid) is key

    def fetch(self, kid: str) -> PublicKey | None:
        """The key, after a look at the issuer's page when one is due. Raises Away."""
        with self._lock:
            if (found := self.usable(kid)) is not None:
                return found
            if self._clock() >= self._next_try:
                self._look()
            if self._by_id is None:
                raise Away(self._url)
            return self._by_id.get(kid)

    def _look(self) -> None:
        try:
            read = _read(self._url)
        except _NONSENSE as error:
            _log.warning("keys of %s cannot be fetched: %s", self._url, error)
            now = self._clock()
            if now >= self._fetched + self._lives + self._outlives:
                self._by_id = None
            self._next_try = now + (min(self._pause, FIRST_PAUSE_SECONDS) if self._by_id is None else self._pause)
            self._fresh_until = max(self._fresh_until, self._next_try)
            return
        before = self._by_id or {}
        # An unchanged key stays the same object, by which remembered tokens know it.
        self._by_id = {kid: before[kid] if _same(before.get(kid), key) else key for kid, key in read.items()}
        self._fetched = self._clock()
        self._fresh_until = self._fetched + self._lives
        self._next_try = min(self._fetched + self._pause, self._fresh_until)


def _read(url: str) -> dict[str, PublicKey]:
    page = httpx.get(url, timeout=TIMEOUT).raise_for_status().json()
    found = {}
    for jwk in page["keys"]:
        key = _public(jwk)
        if key is not None:
            found[str(key.kid)] = key
        else:
            _log.warning("a key of %s is not used: no public signing key of RSA or EC with an id and enough bits", url)
    return found


def _public(jwk: dict[str, Any]) -> PublicKey | None:
    """One unusable key among others is no reason to do without them all."""
    if not isinstance(jwk.get("kid"), str) or jwk.get("use", "sig") != "sig" or {"d", "k"} & jwk.keys():
        return None
    if jwk.get("kty") == "RSA" and len(str(jwk.get("n"))) < SHORTEST_MODULUS:
        return None
    try:
        key = JWKRegistry.import_key(jwk)
    except (JoseError, ValueError, KeyError, TypeError):
        return None
    return key if isinstance(key, RSAKey | ECKey) else None


def _same(one: PublicKey | None, other: PublicKey) -> bool:
    return one is not None and one.as_dict(private=False) == other.as_dict(private=False)
