"""Certificates and status lists for tests: as the catalogue signs them, or wrong in one thing."""

import base64
import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from services.catalog.credentials import rules as credentials
from services.catalog.status_lists import rules as lists

ISSUER = "https://catalog.example"
DAY = 86_400


def new_key(kid: str = "key-1") -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})


def jwks(*keys: ECKey) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


def signed(key: ECKey, claims: dict[str, Any], **header: Any) -> str:
    return jwt.encode({"alg": "ES256", "kid": key.kid} | header, claims, key)


def certificate(now: datetime, *, index: int = 5, **changed: Any) -> dict[str, Any]:
    """The claims of a certificate that began a month ago and ends in a year; `changed` stands in `certificate`."""
    today = now.date()
    from_on, to_on = today - timedelta(days=30), today + timedelta(days=365)
    return {
        "iss": ISSUER,
        "sub": f"{ISSUER}/certificates/SV-2026-000001",
        "iat": int(now.timestamp()) - DAY,
        "nbf": credentials.midnight(from_on),
        "exp": credentials.midnight(to_on + timedelta(days=1)),
        "status": {"status_list": {"idx": index, "uri": f"{ISSUER}/status-lists/1"}},
        "certificate": {
            "number": "SV-2026-000001",
            "revision": 1,
            "subject": {
                "kind": "product",
                "product": "fjordvakt-alarm",
                "name": {"nb": "Fjordvakt trygghetsalarm"},
                "supplier": {"organisation_number": "100000016", "name": "Fjordvakt Velferd AS"},
                "role": None,
            },
            "versions": {"from": "1.9", "to": "2.1"},
            "delivery_forms": ["saas"],
            "specification": "velferdsteknologi-trygghetstjeneste",
            "specification_version": "1.0",
            "profile": None,
            "valid_from_on": from_on.isoformat(),
            "valid_to_on": to_on.isoformat(),
            "granted_on": from_on.isoformat(),
            "decided_by": "100000040",
            "conditions": [],
        }
        | changed,
    }


def status_list(now: datetime, values: Sequence[int], **changed: Any) -> dict[str, Any]:
    """The claims of a list of these statuses, made a minute ago and good for a day."""
    packed = bytearray(-(-len(values) // 4))
    for index, value in enumerate(values):
        lists.put(packed, index, value)
    made = int(now.timestamp()) - 60
    return {
        "iss": ISSUER,
        "sub": f"{ISSUER}/status-lists/1",
        "iat": made,
        "exp": made + DAY,
        "ttl": 1,
        "status_list": {"bits": 2, "lst": lists.encode(packed)},
    } | changed


def seconds(day: date) -> int:
    return credentials.midnight(day)


def decoded(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, whoever signed."""
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    return header, claims


def status_of(list_token: str, credential: str) -> int:
    """What a list says of a credential."""
    place = decoded(credential)[1]["status"]["status_list"]
    listed = decoded(list_token)[1]
    assert listed["sub"] == place["uri"]
    return lists.get(lists.decode(listed["status_list"]["lst"]), place["idx"])
