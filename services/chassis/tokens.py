"""Machine tokens by the JWT bearer grant (RFC 7523) as Maskinporten wants it: one token per client and scope, reused
until shortly before it expires."""

import json
import threading
import time
from collections.abc import Generator
from pathlib import Path

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

from services.chassis.values import new_id

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_SECONDS = 100
RENEW_BEFORE_SECONDS = 15


class GrantRefused(httpx.TransportError):
    """The token endpoint refused the grant: a matter of configuration, not of waiting."""


def read_key(file: Path) -> RSAKey:
    """A private key from its JWK file. From bytes joserfc would read PEM."""
    return RSAKey.import_key(json.loads(file.read_bytes()))


def assertion(key: RSAKey, *, issuer: str, client: str, scope: str) -> str:
    """The signed grant: audience is the issuer itself, life below 120 seconds, never used twice."""
    now = int(time.time())
    claims = {
        "aud": issuer,
        "iss": client,
        "scope": scope,
        "iat": now,
        "exp": now + ASSERTION_SECONDS,
        "jti": str(new_id()),
    }
    return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key, default_type=None)


class MachineToken(httpx.Auth):
    """Put on an httpx client, it sends the token with every request and fetches it when it is needed."""

    def __init__(self, *, issuer: str, token_url: str, client: str, key_file: Path, scope: str) -> None:
        self._issuer, self._token_url, self._client, self._scope = issuer, token_url, client, scope
        self._key_file = key_file
        self._lock = threading.Lock()
        self._token, self._renew_at = "", 0.0

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._current()}"
        response = yield request
        if response.status_code == 401:
            self._renew_at = 0.0

    def _current(self) -> str:
        with self._lock:
            if time.monotonic() >= self._renew_at:
                self._fetch()
            return self._token

    def _fetch(self) -> None:
        key = read_key(self._key_file)
        grant = assertion(key, issuer=self._issuer, client=self._client, scope=self._scope)
        response = httpx.post(
            self._token_url,
            data={"grant_type": GRANT, "assertion": grant},
            timeout=httpx.Timeout(2.0, connect=0.5),
        )
        if response.is_client_error:
            raise GrantRefused(f"The token endpoint refused the grant: {response.text[:300]}")
        if not response.is_success:
            raise httpx.ConnectError(f"The token endpoint has trouble ({response.status_code}).")
        try:
            answer = response.json()
            self._token = str(answer["access_token"])
            self._renew_at = time.monotonic() + float(answer["expires_in"]) - RENEW_BEFORE_SECONDS
        except (ValueError, KeyError, TypeError) as error:
            raise httpx.RemoteProtocolError("The token endpoint answered nonsense.") from error
