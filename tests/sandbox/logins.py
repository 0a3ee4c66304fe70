"""A relying party and its users' browsers, as the sandbox's login providers meet them."""

import base64
import hashlib
import json
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from services.chassis.values import new_id
from tests.sandbox.running import RunningSandbox

BJORK = "12837532157"
"""Works for Brønnøy, and represents the joint unit as well."""
ROGN = "23869040584"
"""Works for Alstahaug, and represents nobody else."""
NOBODY = "28876895937"
"""A right number that nobody has written down."""
BRONNOY, ALSTAHAUG, JOINT_UNIT = "964983291", "938712441", "100000008"
CALLBACK = "http://127.0.0.1:3000/callback"
AFTER_LOGOUT = "http://127.0.0.1:3000/goodbye"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
BUYING = "urn:altinn:resource:samvirke-innkjop"
KEY = RSAKey.generate_key(2048, {"kid": "the-clients-key", "use": "sig"}, private=True)


def opened(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, as they stand."""
    header, claims, _ = token.split(".")
    return tuple(json.loads(base64.urlsafe_b64decode(one + "==")) for one in (header, claims))


def claims_of(token: str) -> dict[str, Any]:
    return opened(token)[1]


def told(response: httpx.Response) -> dict[str, str]:
    """What the browser takes back to the client."""
    assert response.status_code == 302, (response.status_code, response.text)
    return dict(parse_qsl(urlsplit(response.headers["location"]).query, keep_blank_values=True))


def field_of(page: httpx.Response, name: str) -> list[str]:
    """The values that a page's form offers for a field."""
    return re.findall(rf'name="{name}" value="([^"]*)"', page.text)


def browser() -> httpx.Client:
    return httpx.Client(timeout=10)


@dataclass
class Party:
    """A client of one provider. `values` of its requests are right until a test changes them."""

    sandbox: RunningSandbox
    provider: str
    client_id: str
    secret: str | None
    method: str
    url: str
    issuer: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def asks(self, **changed: Any) -> dict[str, Any]:
        """The parameters of an authorization request; those that are None are left out."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        right = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "scope": "openid profile",
            "state": "s=t+a/t&e",
            "nonce": "n0nce",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (right | changed).items() if value is not None}

    def authorize(self, at: httpx.Client, **changed: Any) -> httpx.Response:
        return at.get(f"{self.url}/authorize", params=self.asks(**changed))

    def hint(self, number: str = BJORK, acr: str | None = None, acts_for: str | None = None) -> str:
        usual = "substantial" if self.provider == "ansattporten" else "idporten-loa-substantial"
        return f"testid:{number}_{acr or usual}" + (f"_{acts_for}" if acts_for else "")

    def code(self, at: httpx.Client | None = None, **changed: Any) -> str:
        """A code by headless login, or by the browser's session when `login_hint` is None."""
        with browser() as own:
            answer = self.authorize(at or own, **{"login_hint": self.hint(), **changed})
        return told(answer)["code"]

    def assertion(self, *, key: Any = KEY, header: dict[str, Any] | None = None, **changed: Any) -> str:
        now = int(time.time())
        right = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.issuer,
            "iat": now,
            "exp": now + 100,
            "jti": str(new_id()),
        }
        claims = {name: value for name, value in (right | changed).items() if value is not None}
        head = {"alg": "RS256", "kid": KEY.kid} | (header or {})
        head = {name: value for name, value in head.items() if value is not None}
        return jwt.encode(head, claims, key, algorithms=[str(head["alg"])], default_type=None)

    def proof_of_client(self) -> tuple[dict[str, str], tuple[str, str] | None]:
        """What the client adds to a form, and its Authorization by Basic."""
        match self.method:
            case "client_secret_basic":
                return {}, (self.client_id, self.secret or "")
            case "client_secret_post":
                return {"client_id": self.client_id, "client_secret": self.secret or ""}, None
            case "private_key_jwt":
                signed = {"client_assertion": self.assertion(), "client_assertion_type": ASSERTION_TYPE}
                return {"client_id": self.client_id, **signed}, None
        return {"client_id": self.client_id}, None

    def post(self, path: str, form: dict[str, Any], headers: dict[str, str] | None = None) -> httpx.Response:
        """As the client itself, by its registered method; what is None in `form` is left out."""
        more, basic = self.proof_of_client()
        sent = {name: value for name, value in (more | form).items() if value is not None}
        with httpx.Client(timeout=10, auth=basic) as http:
            return http.post(f"{self.url}{path}", data=sent, headers=headers or {})

    def redeem(self, code: str, headers: dict[str, str] | None = None, **changed: Any) -> httpx.Response:
        right = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": self.verifier,
        }
        return self.post("/token", right | changed, headers)

    def refresh(self, token: str, headers: dict[str, str] | None = None, **changed: Any) -> httpx.Response:
        return self.post("/token", {"grant_type": "refresh_token", "refresh_token": token} | changed, headers)

    def tokens(self, at: httpx.Client | None = None, **changed: Any) -> dict[str, Any]:
        """A whole login."""
        answer: dict[str, Any] = self.redeem(self.code(at, **changed)).raise_for_status().json()
        return answer

    def push(self, **changed: Any) -> httpx.Response:
        form = self.asks(**changed)
        if self.method == "client_secret_basic" and "client_id" not in changed:
            del form["client_id"]
        return self.post("/par", form)

    def userinfo(self, token: str, scheme: str = "Bearer", proof: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"{scheme} {token}"} | ({"DPoP": proof} if proof else {})
        return httpx.get(f"{self.url}/userinfo", headers=headers)

    def log_out(self, at: httpx.Client, **values: Any) -> httpx.Response:
        return at.get(f"{self.url}/logout", params=values)

    def verified(self, token: str) -> dict[str, Any]:
        """The claims of a token, by the keys that the provider publishes."""
        keys = KeySet.import_key_set(httpx.get(f"{self.url}/jwks.json").json())
        return jwt.decode(token, keys, algorithms=["RS256"]).claims


def registered(sandbox: RunningSandbox, provider: str, method: str = "client_secret_basic", **changed: Any) -> Party:
    """A new client at a provider, refreshing unless it is public."""
    client = {
        "organisation": BRONNOY,
        "name": "Bestillingen",
        "method": method,
        "redirect_uris": [CALLBACK, f"{CALLBACK}?fixed=1"],
        "post_logout_redirect_uris": [AFTER_LOGOUT],
        "scopes": ["openid", "profile", "samvirke:agreements.order", "idporten:token.introspection"],
        "may_refresh": method != "none",
        "keys": [KEY.as_dict(private=False)] if method == "private_key_jwt" else [],
    }
    made = sandbox.http.post(
        f"{sandbox.control_url}/_sandbox/logins/{provider}/clients", json=client | changed
    ).raise_for_status()
    url = sandbox.idporten_url if provider == "idporten" else sandbox.ansattporten_url
    issuer = getattr(sandbox.settings, f"{provider}_issuer")
    return Party(sandbox, provider, made.json()["client_id"], made.json()["client_secret"], method, url, issuer)


def proof(key: ECKey, url: str, method: str = "POST", token: str | None = None, **changed: Any) -> str:
    """A DPoP proof; `header` changes what stands there, other names what it claims."""
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)} | changed.pop("header", {})
    header = {name: value for name, value in header.items() if value is not None}
    claims: dict[str, Any] = {"jti": str(new_id()), "htm": method, "htu": url, "iat": int(time.time())}
    if token is not None:
        claims["ath"] = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
    claims = {name: value for name, value in (claims | changed).items() if value is not None}
    return jwt.encode(header, claims, key, algorithms=["ES256", "ES384"], default_type=None)


def representing(**changed: Any) -> str:
    """authorization_details that ask for a representation by Altinn."""
    return json.dumps([{"type": "ansattporten:altinn:resource", "resource": BUYING} | changed])
