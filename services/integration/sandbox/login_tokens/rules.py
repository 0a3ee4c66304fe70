"""What stands in the tokens, in the shapes that were observed (reference/idporten.md §2.4, §3.1), and when a code or a
refresh token is good."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.integration.sandbox.authorizations.rules import Taken, right_verifier
from services.integration.sandbox.login_sessions.rules import BY_ENTRA, TESTED
from services.integration.sandbox.persons.rules import Person
from services.integration.sandbox.providers.rules import ENTRA, GrantInvalid, Provider, ScopeRefused
from services.integration.sandbox.relying_parties.rules import RelyingParty

MOST_GROUPS = 20
"""Of Entra's groups that a token tells of."""


@dataclass(frozen=True)
class Agreed:
    """What a user agreed to, as it was written down."""

    id: int
    client: int
    sid: str
    person: int
    scopes: tuple[str, ...]
    nonce: str | None
    acr: str
    logged_in_at: datetime
    locale: str
    details: list[dict[str, Any]] | None
    resources: tuple[str, ...]
    on_behalf_of: str | None
    ends_at: datetime
    revoked_at: datetime | None

    @property
    def by_employer(self) -> bool:
        """Logged in by Entra ID: the personal number is not known then."""
        return self.acr == ENTRA


def agreed(row: Mapping[str, Any]) -> Agreed:
    lists = {name: tuple(row[name]) for name in ("scopes", "resources")}
    return Agreed(**{name: row[name] for name in Agreed.__dataclass_fields__} | lists)


def subject(provider: Provider, client_id: str, person: Person, acr: str) -> str:
    """Pairwise: every client knows the same person by another name. 86 characters."""
    who = f"entra:{person.email}" if acr == ENTRA else person.personal_number
    mark = hmac.digest(provider.subject_key.encode(), f"{provider.issuer}\0{client_id}\0{who}".encode(), "sha512")
    return base64.urlsafe_b64encode(mark).rstrip(b"=").decode()


def id_token(
    provider: Provider, client: RelyingParty, login: Agreed, person: Person, now: datetime, jti: str, *, first: bool
) -> dict[str, Any]:
    """`first`: straight from the login; a renewed one has no nonce (OpenID Connect Core §12.2). No `at_hash`."""
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "sub": subject(provider, client.client_id, person, login.acr),
        "amr": list(BY_ENTRA if login.by_employer else TESTED),
        "iss": provider.issuer,
        **({} if login.by_employer else {"pid": person.personal_number}),
        "locale": login.locale,
    }
    if first and login.nonce is not None:
        claims["nonce"] = login.nonce
    if client.has_sid:
        claims["sid"] = login.sid
    claims |= {
        "aud": client.client_id,
        "acr": login.acr,
        "auth_time": int(login.logged_in_at.timestamp()),
        "iat": issued,
        "exp": issued + int(provider.lives.id_token.total_seconds()),
        "jti": jti,
    }
    if login.on_behalf_of is not None:
        claims["client_onbehalfof"] = login.on_behalf_of
    if login.by_employer:
        claims |= _known_to_employer(login, person)
    if login.details is not None:
        claims["authorization_details"] = login.details
    return claims


def _known_to_employer(login: Agreed, person: Person) -> dict[str, Any]:
    claims: dict[str, Any] = {"email": person.email}
    if person.groups:
        claims["groups"] = list(person.groups[:MOST_GROUPS])
    if "profile" in login.scopes and person.name:
        given, _, family = person.name.rpartition(" ")
        claims |= {"given_name": given, "family_name": family}
    return claims


def access_token(
    provider: Provider,
    client: RelyingParty,
    login: Agreed,
    person: Person,
    scopes: tuple[str, ...],
    now: datetime,
    jti: str,
    thumbprint: str | None,
) -> dict[str, Any]:
    """`sub` is the personal number, as in the real tokens, although the documentation calls it pairwise."""
    issued = int(now.timestamp())
    by_employer = login.by_employer
    claims: dict[str, Any] = {
        "sub": subject(provider, client.client_id, person, login.acr) if by_employer else person.personal_number,
        "acr": login.acr,
        "scope": " ".join(scopes),
        "iss": provider.issuer,
        "client_amr": str(client.method),
        **({} if by_employer else {"pid": person.personal_number}),
        "exp": issued + client.access_token_seconds,
        "iat": issued,
        "jti": jti,
        "client_id": client.client_id,
        "consumer": {"authority": "iso6523-actorid-upis", "ID": f"0192:{client.organisation}"},
    }
    if login.resources:
        claims["aud"] = login.resources[0] if len(login.resources) == 1 else list(login.resources)
    if login.details is not None:
        claims["authorization_details"] = login.details
    if thumbprint:
        claims["cnf"] = {"jkt": thumbprint}
    return claims


def by_reference(client: RelyingParty, scopes: tuple[str, ...]) -> bool:
    """Whether the access token says nothing by itself, so that the API must ask for it to be introspected."""
    return not client.opaque_scopes.isdisjoint(scopes)


def check_code(
    taken: Taken | None, redirect_uri: str | None, verifier: str | None, thumbprint: str | None, now: datetime
) -> int:
    """→ the authorization that the code hands over"""
    if taken is None:
        raise GrantInvalid("The code is unknown or used before")
    if taken.expires_at <= now:
        raise GrantInvalid("The code is expired")
    if redirect_uri != taken.redirect_uri:
        raise GrantInvalid("redirect_uri is not the one of the authorization request")
    if taken.challenge is None:
        if verifier is not None:
            raise GrantInvalid("code_verifier was sent, but no code_challenge before")
    elif not right_verifier(verifier) or not hmac.compare_digest(_challenge(verifier or ""), taken.challenge):
        raise GrantInvalid("code_verifier does not match code_challenge")
    if taken.thumbprint is not None and taken.thumbprint != thumbprint:
        raise GrantInvalid("The code is bound to another DPoP key")
    return taken.authorization


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def check_agreed(login: Agreed, now: datetime) -> None:
    if login.revoked_at is not None:
        raise GrantInvalid("The login is revoked")
    if login.ends_at <= now:
        raise GrantInvalid("The login is too old to be renewed")


def narrowed(login: Agreed, wanted: str | None) -> tuple[str, ...]:
    """The scopes of a renewed token: all, or fewer when the client asks so."""
    if wanted is None:
        return login.scopes
    scopes = tuple(dict.fromkeys(wanted.split()))
    if not scopes or not set(scopes) <= set(login.scopes):
        raise ScopeRefused("Invalid scope. It exceeds what was agreed to")
    return scopes
