"""Machine tokens by the JWT bearer grant (RFC 7523) as Maskinporten wants it: one token per client and scope, reused
until shortly before it expires.

    token = MachineToken(issuer=…, token_url=…, client=…, key_file=…, scope="samvirke:agreements.read")
    httpx.Client(base_url=…, auth=token).get("/framework-agreements")   # or token.current(), for other HTTP clients
"""

import json
import os
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

from services.chassis.values import new_id

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_SECONDS = 100
RENEW_BEFORE_SECONDS = 15
KEY_BITS = 2048


class GrantRefused(httpx.TransportError):
    """The token endpoint refused the grant: a matter of configuration, not of waiting."""


def new_key(kid: str) -> RSAKey:
    """A private key for a client. `as_dict(private=False)` is what its issuer is told."""
    return RSAKey.generate_key(KEY_BITS, {"kid": kid, "use": "sig", "alg": "RS256"}, private=True)


def write_key(key: RSAKey, file: Path) -> None:
    """Keep a private key (JWK) where only this user reads it. Raises FileExistsError rather than overwrite one."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        json.dump(key.as_dict(private=True), opened)


def read_key(file: Path) -> RSAKey:
    """A private key from its JWK file. From bytes joserfc would read PEM."""
    return RSAKey.import_key(json.loads(file.read_bytes()))


def assertion(key: RSAKey, *, issuer: str, client: str, scope: str, **more: Any) -> str:
    """The signed grant: audience is the issuer itself, life below 120 seconds, never used twice. `more` claims are such
    as `consumer_org`, `resource` or `authorization_details`."""
    now = int(time.time())
    claims = {
        "aud": issuer,
        "iss": client,
        "scope": scope,
        "iat": now,
        "exp": now + ASSERTION_SECONDS,
        "jti": str(new_id()),
    }
    return jwt.encode({"alg": "RS256", "kid": key.kid}, claims | more, key, default_type=None)


class MachineToken(httpx.Auth):
    """Put on an httpx client, it sends the token with every request and fetches it when it is needed."""

    def __init__(
        self,
        *,
        issuer: str,
        token_url: str,
        client: str,
        key_file: Path,
        scope: str,
        consumer_org: str | None = None,
        resource: str | None = None,
        authorization_details: list[dict[str, Any]] | None = None,
    ) -> None:
        """`consumer_org`: the customer that delegated the scope to us; `resource`: the audience that the token is
        for; `authorization_details`: such as the system user that a customer gave us."""
        self._issuer, self._token_url, self._client, self._scope = issuer, token_url, client, scope
        self._key_file = key_file
        asked = {
            "consumer_org": consumer_org,
            "resource": resource,
            "authorization_details": authorization_details,
        }
        self._more = {name: value for name, value in asked.items() if value is not None}
        self._lock = threading.Lock()
        self._token, self._renew_at = "", 0.0

    def current(self) -> str:
        """The token: the same one until shortly before it expires. Raises GrantRefused, or what httpx raises when the
        token endpoint is away."""
        with self._lock:
            if time.monotonic() >= self._renew_at:
                self._fetch()
            return self._token

    def forget(self) -> None:
        """Fetch a new one next time: somebody did not take this."""
        self._renew_at = 0.0

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self.current()}"
        response = yield request
        if response.status_code == 401:
            self.forget()

    def _fetch(self) -> None:
        key = read_key(self._key_file)
        grant = assertion(key, issuer=self._issuer, client=self._client, scope=self._scope, **self._more)
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
