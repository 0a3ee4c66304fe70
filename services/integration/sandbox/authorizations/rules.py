"""Which authorization requests are taken (OpenID Connect Core, RFC 7636, 9126, 9396), and whom a user then acts for."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.integration.sandbox.persons.rules import Represented, synthetic
from services.integration.sandbox.providers.rules import (
    EMPLOYER,
    ENTRA,
    PKCE_METHOD,
    RESOURCE,
    RESPONSE_MODES,
    USUAL_LEVEL,
    ChoiceNeeded,
    DetailsRefused,
    LevelNotReached,
    NobodyRepresented,
    Provider,
    ProviderName,
    RequestObjectUnsupported,
    RequestUnusable,
    ResponseTypeUnknown,
    ScopeRefused,
    reaches,
)
from services.integration.sandbox.relying_parties.rules import Method, RelyingParty

PUSHED_PREFIX = "urn:ietf:params:oauth:request_uri:"
RESOURCE_PREFIX = "urn:altinn:resource:"
SELF = "self"
SIGNED, SHORT_FOR_SIGNED = "query.jwt", "jwt"
"""With a code the two are the same (JARM §2.3.4); openid-client always asks for the short one."""
LONGEST_NONCE = 2000
PROMPTS = frozenset({"login", "none", "consent"})
FORMS = {"enterprise": False, "business": True}
SUB_UNITS = frozenset({"BEDR", "AAFY"})
"""Of Enhetsregisteret's unit types: places of business (`business`); all others are whole units (`enterprise`)."""
FIELDS = {
    RESOURCE: frozenset(
        {
            "type",
            "resource",
            "actions",
            "organizationform",
            "allow_multiple_organizations",
            "allow_deleted_organizations",
            "representation_is_required",
        }
    ),
    EMPLOYER: frozenset({"type", "allow_multiple_organizations", "representation_is_required"}),
}
BESIDE_PUSHED = frozenset({"client_id", "request_uri"})
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_THUMBPRINT = _CHALLENGE
Values = Mapping[str, list[str]]


@dataclass(frozen=True)
class Target:
    """Where an answer goes, be it a code or an error."""

    redirect_uri: str
    response_mode: str
    state: str | None


@dataclass(frozen=True)
class Hint:
    """`testid:<personal number>_<acr>`: log this one in without a page. Of our own making is a third part, an
    organisation number or `self`, which answers Ansattporten's question as well."""

    number: str
    acr: str
    acts_for: str | None


@dataclass(frozen=True)
class Wish:
    """What representation is asked for (`authorization_details`)."""

    type: str
    resource: str | None
    actions: tuple[str, ...]
    several: bool
    required: bool
    sub_units: bool | None
    """Only sub-units, only whole units, or all the same."""

    @property
    def resource_id(self) -> str | None:
        return self.resource.removeprefix(RESOURCE_PREFIX) if self.resource else None


@dataclass(frozen=True)
class Asked:
    """A request that can be met."""

    target: Target
    scopes: tuple[str, ...]
    nonce: str | None
    challenge: str | None
    acr_values: tuple[str, ...]
    prompts: frozenset[str]
    max_age: int | None
    locales: tuple[str, ...]
    hint: Hint | None
    wish: Wish | None
    resources: tuple[str, ...]
    thumbprint: str | None
    """Of the DPoP key that the code will be good with."""
    on_behalf_of: str | None
    """The code of the customer that a supplier's client asks for."""


@dataclass(frozen=True)
class Taken:
    """A code that was just used."""

    authorization: int
    redirect_uri: str
    challenge: str | None
    thumbprint: str | None
    expires_at: datetime


def target(values: Values, client: RelyingParty) -> Target:
    """Refused, this is told on a page: one does not send a browser where the client has not said."""
    address = _one(values, "redirect_uri")
    if address is None:
        raise RequestUnusable("redirect_uri is missing")
    if address not in client.redirect_uris:
        raise RequestUnusable("redirect_uri is not one of those that are registered for the client; compared exactly")
    mode = values.get("response_mode", ["query"])[0]
    mode = SIGNED if mode == SHORT_FOR_SIGNED else mode
    return Target(address, mode if mode in RESPONSE_MODES else "query", _one(values, "state"))


def read(values: Values, client: RelyingParty, provider: Provider) -> Asked:
    where = target(values, client)
    if "request" in values:
        raise RequestObjectUnsupported
    if _one(values, "response_type") != "code":
        raise ResponseTypeUnknown
    if (mode := _one(values, "response_mode")) not in (None, SHORT_FOR_SIGNED, *RESPONSE_MODES):
        raise RequestUnusable(f"response_mode {mode!r} is not one of {', '.join(RESPONSE_MODES)}")
    wish = _wish(_one(values, "authorization_details"), provider)
    wanted = _levels(_words(values, "acr_values"), wish, provider)
    nonce = _one(values, "nonce")
    _check_strictness(where, nonce, client, provider)
    if nonce is not None and len(nonce) > LONGEST_NONCE:
        raise RequestUnusable(f"nonce must have at most {LONGEST_NONCE} characters")
    prompts = frozenset(_words(values, "prompt"))
    if not prompts <= PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise RequestUnusable("prompt must be login, consent or both, or none alone")
    age = _one(values, "max_age")
    if age is not None and not re.fullmatch(r"[0-9]{1,9}", age):
        raise RequestUnusable("max_age must be seconds")
    thumbprint = _one(values, "dpop_jkt")
    if thumbprint is not None and not _THUMBPRINT.fullmatch(thumbprint):
        raise RequestUnusable("dpop_jkt must be a SHA-256 thumbprint")
    return Asked(
        target=where,
        scopes=_scopes(_words(values, "scope"), client),
        nonce=nonce,
        challenge=_challenge(values, client, provider),
        acr_values=wanted,
        prompts=prompts,
        max_age=None if age is None else int(age),
        locales=_words(values, "ui_locales"),
        hint=_hint(_one(values, "login_hint"), wanted, provider),
        wish=wish,
        resources=tuple(values.get("resource", [])),
        thumbprint=thumbprint,
        on_behalf_of=_customer(_one(values, "onbehalfof"), client),
    )


def _customer(code: str | None, client: RelyingParty) -> str | None:
    if code is not None and code not in client.on_behalf_of:
        raise RequestUnusable("onbehalfof is not one of those that are registered for the client")
    return code


def _check_strictness(where: Target, nonce: str | None, client: RelyingParty, provider: Provider) -> None:
    """Mandatory at Ansattporten, and state for public clients everywhere; otherwise a client may be let off."""
    strict = client.state_and_nonce_required or provider.name is ProviderName.ANSATTPORTEN
    if where.state is None and (strict or client.method is Method.NONE):
        raise RequestUnusable("state is missing")
    if nonce is None and strict:
        raise RequestUnusable("nonce is missing")


def _scopes(asked: tuple[str, ...], client: RelyingParty) -> tuple[str, ...]:
    if "openid" not in asked:
        raise ScopeRefused("Invalid scope. openid is missing")
    for scope in asked:
        if scope not in client.scopes:
            raise ScopeRefused(f"Invalid scope. Client has not been registered with scope {scope}")
    return tuple(dict.fromkeys(asked))


def _challenge(values: Values, client: RelyingParty, provider: Provider) -> str | None:
    challenge, method = _one(values, "code_challenge"), _one(values, "code_challenge_method")
    if challenge is None:
        strict = client.pkce_required or provider.name is ProviderName.ANSATTPORTEN
        if strict or client.method is Method.NONE or method is not None:
            raise RequestUnusable("code_challenge is missing")
        return None
    if method != PKCE_METHOD:
        raise RequestUnusable(f"code_challenge_method must be {PKCE_METHOD}")
    if not _CHALLENGE.fullmatch(challenge):
        raise RequestUnusable("code_challenge must be a SHA-256 in base64url: 43 characters, without padding")
    return challenge


def _levels(asked: tuple[str, ...], wish: Wish | None, provider: Provider) -> tuple[str, ...]:
    for acr in asked:
        if acr not in provider.levels:
            raise RequestUnusable(f"acr_values: {acr!r} is not one of {', '.join(provider.levels)}")
    if wish is None:
        return asked or (USUAL_LEVEL[provider.name],)
    fitting = tuple(acr for acr in asked if (acr == ENTRA) == (wish.type == EMPLOYER))
    if asked and not fitting:
        raise RequestUnusable(f"acr_values: {wish.type} is for another way to log in")
    return fitting or ((ENTRA,) if wish.type == EMPLOYER else (USUAL_LEVEL[provider.name],))


def _hint(text: str | None, wanted: tuple[str, ...], provider: Provider) -> Hint | None:
    """Hints that are not for tests are let be, as they may be left unheeded."""
    if text is None or not text.startswith("testid:"):
        return None
    number, _, rest = text.removeprefix("testid:").partition("_")
    acr, _, acts_for = rest.partition("_")
    if acr not in provider.offered:
        raise RequestUnusable("login_hint must be testid:<personal number>_<acr>, with an acr to log in at")
    if not reaches(provider.levels, acr, wanted):
        raise LevelNotReached(f"The login at {acr} does not reach {' '.join(wanted)}")
    return Hint(synthetic(number), acr, acts_for or None)


def _wish(text: str | None, provider: Provider) -> Wish | None:
    if text is None:
        return None
    try:
        details = json.loads(text)
    except ValueError as error:
        raise DetailsRefused("authorization_details is not JSON") from error
    if not isinstance(details, list) or len(details) != 1 or not isinstance(details[0], dict):
        raise DetailsRefused("authorization_details must be an array of one object: one type per request")
    detail: dict[str, Any] = details[0]
    kind = detail.get("type")
    if kind not in provider.details:
        raise DetailsRefused(f"Unknown authorization_details type. Known: {', '.join(provider.details) or 'none'}")
    if unknown := sorted(detail.keys() - FIELDS[kind]):
        raise DetailsRefused(f"Unknown authorization_details fields: {', '.join(unknown)}")
    resource = detail.get("resource")
    if kind == RESOURCE and not (isinstance(resource, str) and resource.startswith(RESOURCE_PREFIX)):
        raise DetailsRefused(f"authorization_details: resource must be {RESOURCE_PREFIX}<id>")
    form = detail.get("organizationform")
    if form is not None and form not in FORMS:
        raise DetailsRefused(f"authorization_details: organizationform must be one of {', '.join(FORMS)}")
    _flag(detail, "allow_deleted_organizations")  # nobody here represents a deleted one
    return Wish(
        type=kind,
        resource=resource,
        actions=_actions(detail.get("actions")),
        several=_flag(detail, "allow_multiple_organizations"),
        required=_flag(detail, "representation_is_required"),
        sub_units=FORMS[form] if form else None,
    )


def _actions(value: object) -> tuple[str, ...]:
    """A text or an array of texts: both are seen."""
    given = [value] if isinstance(value, str) else value
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise DetailsRefused("authorization_details: actions must be texts")
    return tuple(given)


def _flag(detail: Mapping[str, Any], name: str) -> bool:
    """Real clients write `"true"` as well."""
    value = detail.get(name, False)
    if value not in (True, False, "true", "false"):
        raise DetailsRefused(f"authorization_details: {name} must be true or false")
    return value in (True, "true")


def _one(values: Values, name: str) -> str | None:
    found = values.get(name, [])
    if len(found) > 1:
        raise RequestUnusable(f"The parameter {name} stands more than once")
    return found[0] if found else None


def _words(values: Values, name: str) -> tuple[str, ...]:
    return tuple((_one(values, name) or "").split())


def check_pushed_alone(values: Values) -> None:
    """A pushed request says everything; what stands beside it could only contradict it."""
    if unknown := sorted(values.keys() - BESIDE_PUSHED):
        raise RequestUnusable(f"With request_uri only client_id may stand, and not {', '.join(unknown)}")


def right_verifier(verifier: str | None) -> bool:
    return verifier is not None and _VERIFIER.fullmatch(verifier) is not None


def open_to(wish: Wish, held: Sequence[Represented]) -> list[Represented]:
    """The organisations that the wish leaves to choose from; refused when one is demanded and there is none."""
    left = [one for one in held if wish.sub_units is None or (one.unit_type in SUB_UNITS) == wish.sub_units]
    if wish.required and not left:
        raise NobodyRepresented
    return left


def settled(wish: Wish, held: Sequence[Represented], hint: Hint | None) -> Sequence[Represented] | None:
    """Whom the user acts for, as far as nobody needs to be asked; None: she must choose. A headless login with one
    organisation has chosen it, and with several all of them where that is allowed."""
    if hint and hint.acts_for:
        return picked(wish, held, [hint.acts_for])
    if not held:
        return ()
    return held if hint and (len(held) == 1 or wish.several) else None


def picked(wish: Wish, held: Sequence[Represented], numbers: Sequence[str]) -> Sequence[Represented]:
    """Whom the user has chosen: organisation numbers, or `self` for nobody."""
    if list(numbers) == [SELF]:
        if wish.required:
            raise NobodyRepresented
        return ()
    chosen = [one for one in held if one.organisation in numbers]
    if len(chosen) != len(set(numbers)):
        raise NobodyRepresented("The user does not represent that organisation")
    if not chosen or (len(chosen) > 1 and not wish.several):
        raise ChoiceNeeded("One organisation must be chosen")
    return chosen
