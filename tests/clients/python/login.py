"""Authlib's client logs somebody in at an ID-porten or Ansattporten, as a municipality's Python program would.

In: one JSON object on standard input. Out: one JSON object on standard output.
"""

import json
import sys
import time
from urllib.parse import parse_qs, urlsplit

import httpx2
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import OAuth2Client, OAuthError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

asked = json.load(sys.stdin)
metadata = httpx2.get(f"{asked['issuer']}/.well-known/openid-configuration").raise_for_status().json()
by_key = asked["method"] == "private_key_jwt"
client = OAuth2Client(
    asked["clientId"],
    RSAKey.import_key(asked["jwk"]) if by_key else asked["secret"],
    token_endpoint_auth_method=asked["method"],
    scope=asked["scope"],
    redirect_uri=asked["redirectUri"],
    code_challenge_method="S256",
)


def proof() -> dict[str, str]:
    """What Authlib leaves to a client with a key: that the assertion is for the issuer and lives two minutes at most,
    is made anew for every call (Authlib keeps the jti), and has client_id beside it."""
    if not by_key:
        return {}
    claims = {"aud": metadata["issuer"], "exp": int(time.time()) + 100} | asked.get("claims", {})
    method = PrivateKeyJWT(metadata["token_endpoint"], claims=claims, headers={"kid": asked["jwk"]["kid"]})
    client.register_client_auth_method(method)
    return {"client_id": asked["clientId"]}


def identity(id_token: str, nonce: str | None) -> dict[str, object]:
    """The claims, when the signature holds under a published key and they are what OpenID Connect wants."""
    keys = KeySet.import_key_set(httpx2.get(metadata["jwks_uri"]).raise_for_status().json())
    decoded = jwt.decode(id_token, keys, algorithms=metadata["id_token_signing_alg_values_supported"])
    wanted = {"iss": {"values": [metadata["issuer"]]}, "aud": {"values": [asked["clientId"]]}}
    claims = CodeIDToken(decoded.claims, decoded.header, wanted, {"nonce": nonce} if nonce else {})
    claims.validate(leeway=0)
    return dict(claims)


verifier, nonce = generate_token(48), generate_token(20)
url, state = client.create_authorization_url(
    metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce, **asked["parameters"]
)
try:
    sent = httpx2.get(url)
    back = sent.headers["location"]
    assert parse_qs(urlsplit(back).query)["iss"] == [metadata["issuer"]]
    answer = client.fetch_token(
        metadata["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier, **proof()
    )
    told = {"asked": sorted(parse_qs(urlsplit(url).query)), "answer": dict(answer)}
    told["claims"] = identity(answer["id_token"], nonce)
    told["userinfo"] = client.get(metadata["userinfo_endpoint"]).raise_for_status().json()
    if "refresh_token" in answer:
        client.token.pop("refresh_token")
        renewed = client.refresh_token(
            metadata["token_endpoint"], refresh_token=told["answer"]["refresh_token"], **proof()
        )
        told["renewed"] = dict(renewed)
        told["renewedClaims"] = identity(renewed["id_token"], None)
    print(json.dumps(told))
except OAuthError as error:
    print(json.dumps({"error": error.error, "description": error.description}))
