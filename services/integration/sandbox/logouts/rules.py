"""Where one may be sent after a logout, and what the clients are told (OpenID Connect RP-Initiated, Front-Channel and
Back-Channel Logout 1.0)."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from services.integration.sandbox.providers.rules import Provider, RequestUnusable
from services.integration.sandbox.relying_parties.rules import RelyingParty

LIVES_SECONDS = 300
EVENT = "http://schemas.openid.net/event/backchannel-logout"
ENDS = frozenset({"openid", "profile"})
"""A logout ends tokens that have these scopes only; those for an API live on until they expire or are revoked."""
_PRINTABLE = re.compile(r"[\x20-\x7e]*")


def back(client: RelyingParty | None, address: str | None, state: str | None) -> str | None:
    """Where the browser is sent afterwards: nowhere when nobody says which client asks."""
    if state is not None and not _PRINTABLE.fullmatch(state):
        raise RequestUnusable("state must be printable ASCII")
    if client is None or address is None:
        return None
    if address not in client.post_logout_redirect_uris:
        raise RequestUnusable("post_logout_redirect_uri is not one of those that are registered for the client")
    return address if state is None else _with(address, {"state": state})


def frame(provider: Provider, client: RelyingParty, sid: str) -> str | None:
    """What is opened in a frame, the initiating client's own as well."""
    address = client.frontchannel_logout_uri
    return _with(address, {"iss": provider.issuer, "sid": sid}) if address else None


def _with(address: str, values: dict[str, str]) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(values)}"


def logout_token(
    provider: Provider, client: RelyingParty, subject: str, sid: str, now: datetime, jti: str
) -> dict[str, Any]:
    issued = int(now.timestamp())
    return {
        "iss": provider.issuer,
        "aud": client.client_id,
        "sub": subject,
        "iat": issued,
        "exp": issued + LIVES_SECONDS,
        "jti": jti,
        "sid": sid,
        "events": {EVENT: {}},
    }
