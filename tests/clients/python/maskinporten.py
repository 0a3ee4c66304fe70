"""Authlib's client asks a Maskinporten for a token, calls a service with it, and asks for another, as a municipality's
Python program would. Between the two it must forget the first one's jti, which Authlib uses again.

In: one JSON object on standard input. Out: one JSON object on standard output.
"""

import json
import sys

import httpx2
from authlib.integrations.httpx_client import AssertionClient, OAuthError
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

asked = json.load(sys.stdin)
metadata = httpx2.get(f"{asked['issuer']}.well-known/oauth-authorization-server").raise_for_status().json()
client = AssertionClient(
    metadata["token_endpoint"],
    issuer=asked["clientId"],
    subject=asked["clientId"],
    audience=metadata["issuer"],
    claims={"scope": asked["scope"]} | asked["claims"],
    header={"alg": "RS256", "kid": asked["jwk"]["kid"]},
    key=RSAKey.import_key(asked["jwk"]),
    expires_in=asked["expiresIn"],
)
try:
    called = client.get(asked["service"])
    keys = KeySet.import_key_set(httpx2.get(metadata["jwks_uri"]).raise_for_status().json())
    token = jwt.decode(client.token["access_token"], keys, algorithms=["RS256"])
    told = {"answer": dict(client.token), "header": token.header, "payload": token.claims}
    if asked["forgetsJti"]:
        client.claims.pop("jti")
    told["second"] = dict(client.refresh_token())
    print(json.dumps(told | {"status": called.status_code, "service": called.json()}))
except OAuthError as error:
    print(json.dumps({"error": error.error, "description": error.description}))
