"""Credentials, and the public keys that verify them, over HTTP."""

import hashlib
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Path, Request, Response
from pydantic import Field

from services.catalog.credentials import store
from services.catalog.settings import Settings
from services.catalog.signing_keys import rules as keys
from services.catalog.signing_keys.store import Keyring, NoSigningKey
from services.chassis import clock
from services.chassis.app import new_router
from services.chassis.contract import example
from services.chassis.db import DatabaseDep
from services.chassis.values import Out

router = new_router("/certificates", "Credentials")
keys_router = new_router("/.well-known", "Credentials")

MEDIA_TYPE = "application/jwt"
KEPT_SECONDS = 60
"""How long an answer may be kept. A token that is no longer right says so in its status list at once."""


async def _keyring(request: Request) -> Keyring:
    found = request.app.state.keyring
    assert isinstance(found, Keyring)
    return found


async def _settings(request: Request) -> Settings:
    found = request.app.state.settings
    assert isinstance(found, Settings)
    return found


KeyringDep = Annotated[Keyring, Depends(_keyring)]
SettingsDep = Annotated[Settings, Depends(_settings)]


class PublicKey(Out):
    """A public key (JWK, RFC 7517)."""

    kty: str = Field(examples=["EC"])
    crv: str = Field(examples=["P-256"])
    x: str
    y: str
    kid: str = Field(description="Its thumbprint (RFC 7638); the header of what it signed names it")
    use: str = Field(examples=["sig"])
    alg: str = Field(examples=["ES256"])


class PublicKeys(Out):
    keys: list[PublicKey] = Field(description="Of these some sign now, some soon, and some signed what still counts")


@router.get(
    "/{number}/credential",
    summary="Read a certificate as a signed token",
    openapi_extra=example(),
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}, 304: {"description": "As you have it"}},
)
def credential(
    number: Annotated[str, Path(description="The certificate's number", examples=["SV-2026-000001"])],
    request: Request,
    database: DatabaseDep,
    keyring: KeyringDep,
    settings: SettingsDep,
) -> Response:
    """Open to all, and made to be kept and passed on: a compact JWS (ES256) that whoever has the public keys
    (`/.well-known/jwks.json`) can verify without us. Its header has `typ` `certificate+jwt`, so that nobody takes it
    for an access token; its claims are `iss`, `sub` (the certificate's address), `iat`, `nbf` and `exp` (the first and
    the end of the last day in Norway), `certificate` with what was certified, and `status`: where in which status list
    it stands whether it still counts. Without that list it proves only what was certified then. A new revision of the
    certificate, such as a reduced scope, has a new token, and the older one reads invalid in the list from the day it
    takes effect. The token stays the same until then. `python -m services verify-certificate` checks all of it."""
    jws = store.token(database, keyring, settings.public_url, number, clock.now())
    headers = {
        "ETag": f'"{hashlib.sha256(jws.encode()).hexdigest()[:32]}"',
        "Cache-Control": f"public, max-age={KEPT_SECONDS}",
        "Access-Control-Allow-Origin": "*",
    }
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(jws, media_type=MEDIA_TYPE, headers=headers)


@keys_router.get("/jwks.json", summary="Read the public keys", openapi_extra=example())
def public_keys(database: DatabaseDep, keyring: KeyringDep, settings: SettingsDep, response: Response) -> PublicKeys:
    """The keys that verify credentials and status lists (JWK Set, RFC 7517). A new key stands here before it signs; one
    that no longer signs stays until the last credential that it signed has expired or been signed anew. Keep the set,
    and ask again when a token names a key (`kid`) that is not in it; if it still is not, the token is not ours."""
    now = clock.now()
    held = keyring.held()
    every = [one.key for one in held.values()]
    retired = [key.kid for key in every if key.retired_at and not key.compromised]
    needed: set[str] = set()
    if retired:
        with database.reading() as reader:
            needed = store.needed(reader, retired, now)
    lists_live = timedelta(hours=settings.status_list_hours)
    published = [
        one.public
        for one in held.values()
        if keys.state(one.key, every, now, needed=needed, lists_live=lists_live) is not keys.State.GONE
    ]
    if not published:
        raise NoSigningKey
    response.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return PublicKeys.model_validate({"keys": published})
