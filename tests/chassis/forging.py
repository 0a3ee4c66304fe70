"""Tokens made by hand: right ones of each kind, changed as one likes, and signed by whoever."""

import base64
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey

from services.chassis.auth import Gate
from services.chassis.settings import IssuerKind, Role, ServiceSettings
from tests.issuer import Issuer

NOW = int(time.time())
"""At which the services' clock stands still here."""
ORGANISATION, VENDOR, OTHER = "964983291", "100000016", "938712441"
PID = "17868197342"
"""Synthetic, of nobody."""
BUYING = "urn:altinn:resource:samvirke-innkjop"
SCOPES = ("catalog.write", "agreements.read", "dispatch.read")
ROLES = [Role(role="buyer", scopes=list(SCOPES), resources=[BUYING, "ansattporten:orgno"], actions=["read"])]
OWN = RSAKey.generate_key(2048, {"kid": "test-1"})
"""An attacker's key, with the issuer's key id."""


def org(number: str) -> dict[str, str]:
    return {"authority": "iso6523-actorid-upis", "ID": f"0192:{number}"}


def encoded(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def public(key: RSAKey | ECKey) -> dict[str, Any]:
    return dict(key.as_dict(private=False))


@dataclass
class Forge:
    """The three kinds of issuer, one of each."""

    machines: Issuer
    persons: Issuer
    employees: Issuer
    second: ECKey
    """The other key that the machines' issuer has published."""

    def gate(self, **changed: Any) -> Gate:
        kinds = ((self.machines, IssuerKind.MACHINE), (self.persons, IssuerKind.PERSON))
        issuers = [*(one.trusted(kind) for one, kind in kinds), self.employees.trusted(IssuerKind.EMPLOYEE)]
        rules = ServiceSettings(database_url="postgresql://127.0.0.1/none", port=1, roles=ROLES)
        return Gate(issuers, scope_prefix="samvirke", rules=rules, clock=lambda: NOW, **changed)

    def machine_claims(self, **changed: Any) -> dict[str, Any]:
        """As Maskinporten writes them; `changed` ones are put in or, when None, left out."""
        right: dict[str, Any] = {
            "iss": self.machines.issuer,
            "iat": NOW - 5,
            "exp": NOW + 115,
            "jti": "one",
            "client_id": "a-client",
            "client_amr": "private_key_jwt",
            "scope": " ".join(f"samvirke:{scope}" for scope in SCOPES),
            "consumer": org(ORGANISATION),
        }
        return {name: value for name, value in (right | changed).items() if value is not None}

    def machine(self, *, header: dict[str, Any] | None = None, key: Any = None, **changed: Any) -> str:
        return signed(key or self.machines.key, header, self.machine_claims(**changed))

    def login(self, by: Issuer, *, header: dict[str, Any] | None = None, **changed: Any) -> str:
        """As ID-porten and Ansattporten write them: the number stands in `sub` too, and `consumer` owns the client."""
        right = self.machine_claims(
            iss=by.issuer, sub=PID, pid=PID, acr="high", client_amr="none", consumer=org("100000008")
        )
        return signed(by.key, header, {name: one for name, one in (right | changed).items() if one is not None})

    def employee(self, *parties: dict[str, Any], kind: str = "ansattporten:altinn:resource", **changed: Any) -> str:
        """Of somebody who may read through the resource for buying, on one organisation's behalf if none is given."""
        chosen = list(parties) or [{"orgno": org(ORGANISATION), "actions": ["read"]}]
        details = [{"type": kind, "resource": BUYING, "authorized_parties": chosen}]
        return self.login(self.employees, **({"authorization_details": details} | changed))

    def id_token(self, by: Issuer, **changed: Any) -> str:
        told = {"client_id": None, "scope": None, "consumer": None, "client_amr": None, "aud": "a-client"}
        details = [{"type": "ansattporten:altinn:resource", "resource": BUYING, "authorized_parties": []}]
        return self.login(by, **(told | {"authorization_details": details} | changed))

    def by_secret(self, secret: bytes) -> str:
        """HS256, with what everybody knows as its secret. By hand: a careful library does not do it."""
        head = f"{encoded({'alg': 'HS256', 'kid': 'test-1'})}.{encoded(self.machine_claims())}"
        return f"{head}.{encoded(hmac.digest(secret, head.encode(), 'sha256'))}"

    def public_bytes(self, encoding: serialization.Encoding) -> bytes:
        return self.machines.key.public_key.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)

    def unsigned(self, header: dict[str, Any], signature: str = "") -> str:
        return f"{encoded(header)}.{encoded(self.machine_claims())}.{signature}"

    def headed(self, **header: Any) -> str:
        """Rightly signed, whatever its header says. By hand: a careful library does not write every header."""
        head = f"{encoded({'alg': 'RS256', 'kid': 'test-1'} | header)}.{encoded(self.machine_claims())}"
        private = self.machines.key.private_key
        assert private
        signature = private.sign(head.encode(), PKCS1v15(), SHA256())
        return f"{head}.{encoded(signature)}"

    def raw(self, payload: bytes) -> str:
        """Rightly signed, whatever it says."""
        return jws.serialize_compact({"alg": "RS256", "kid": "test-1"}, payload, self.machines.key)


def signed(key: Any, header: dict[str, Any] | None, claims: dict[str, Any]) -> str:
    right = {"alg": "RS256", "kid": "test-1"} | (header or {})
    kept = {name: value for name, value in right.items() if value is not None}
    return jwt.encode(kept, claims, key, algorithms=[kept["alg"]], default_type=None)
