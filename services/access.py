"""A token for any organisation of the seed data, from its own client at the sandbox's Maskinporten."""

import json
from pathlib import Path

import httpx
from joserfc.jwk import RSAKey

from services.chassis import tokens
from services.chassis.values import seed_id
from services.settings import RunSettings


class NoToken(Exception):
    """Told to the user as one plain sentence."""


def token(run: RunSettings, organisation: str, *scopes: str) -> str:
    """A token of the organisation's own client at the sandbox; without a key yet, it gets one first."""
    client = str(seed_id(f"client:{organisation}"))
    key_file = run.data / "keys" / f"{organisation}.json"
    if not key_file.exists():
        _register_key(run, client, key_file)
    key = tokens.read_key(key_file)
    grant = tokens.assertion(
        key,
        issuer=run.issuer,
        client=client,
        scope=" ".join(f"{run.scope_prefix}:{scope}" for scope in scopes),
    )
    answer = httpx.post(run.url("maskinporten") + "/token", data={"grant_type": tokens.GRANT, "assertion": grant})
    if answer.status_code != 200:
        raise NoToken(f"The sandbox gives no token: {answer.text}")
    return str(answer.json()["access_token"])


def _register_key(run: RunSettings, client: str, key_file: Path) -> None:
    key = RSAKey.generate_key(2048, {"kid": str(seed_id(f"key:{client}")), "use": "sig", "alg": "RS256"})
    answer = httpx.post(
        f"{run.url('control')}/_sandbox/maskinporten/clients/{client}/jwks", json=key.as_dict(private=False)
    )
    if answer.status_code >= 400:
        raise NoToken(f"The sandbox takes no key for this organisation: {answer.text}")
    key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key_file.touch(mode=0o600)
    key_file.write_text(json.dumps(key.as_dict(private=True)))
