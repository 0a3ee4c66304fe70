"""Verifies a certificate without the catalogue: a signed token, the issuer's public keys, its status list are enough.

No database, no settings, no server. Whatever is in doubt is not valid: a certificate that is wrong is refused, and
where the list or the keys do not answer, the answer is that nobody can tell.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from services.catalog.certificates.rules import Scope
from services.catalog.status_lists import rules as lists

ALGORITHM = "ES256"
CERTIFICATE, STATUS_LIST = "certificate+jwt", "statuslist+jwt"
MOST_BYTES = 4 * 2**20
"""Of what is read from a file or an address."""
FETCH_SECONDS = 5
AHEAD = timedelta(seconds=60)
"""How far another's clock may be ahead of ours."""
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_OSLO = ZoneInfo("Europe/Oslo")


class Answer(IntEnum):
    """The command's exit code."""

    VALID = 0
    NOT_VALID = 1
    CANNOT_TELL = 2


class Code(StrEnum):
    """Why."""

    VALID = "valid"
    VALID_WITH_CONDITIONS = "valid_with_conditions"

    MALFORMED = "malformed"
    TYPE_WRONG = "type_wrong"
    ALGORITHM_REFUSED = "algorithm_refused"
    SIGNATURE_INVALID = "signature_invalid"
    ISSUER_OTHER = "issuer_other"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    PRODUCT_OTHER = "product_other"
    VERSION_NOT_COVERED = "version_not_covered"
    DELIVERY_FORM_NOT_COVERED = "delivery_form_not_covered"
    INVALID = "invalid"
    SUSPENDED = "suspended"

    KEY_UNKNOWN = "key_unknown"
    KEYS_UNREADABLE = "keys_unreadable"
    CERTIFICATE_UNREADABLE = "certificate_unreadable"
    DAY_AHEAD = "day_ahead"
    LIST_UNREADABLE = "list_unreadable"
    LIST_MALFORMED = "list_malformed"
    LIST_FORGED = "list_forged"
    LIST_OF_OTHERS = "list_of_others"
    LIST_STALE = "list_stale"
    LIST_OF_ANOTHER_TIME = "list_of_another_time"
    LIST_TOO_SHORT = "list_too_short"


_VALID = {Code.VALID, Code.VALID_WITH_CONDITIONS}
_CODES = list(Code)
_CANNOT_TELL = set(_CODES[_CODES.index(Code.KEY_UNKNOWN) :])
_STATUSES = {
    lists.Value.VALID: (Code.VALID, "The issuer's status list says that it counts."),
    lists.Value.WITH_CONDITIONS: (
        Code.VALID_WITH_CONDITIONS,
        "It counts, with conditions or a dispensation that has not run out: read the certificate.",
    ),
    lists.Value.INVALID: (
        Code.INVALID,
        "It counts no more: withdrawn, relinquished, superseded or expired, or replaced by a newer revision.",
    ),
    lists.Value.SUSPENDED: (Code.SUSPENDED, "It is suspended."),
}


@dataclass(frozen=True)
class Asked:
    """What it has to be a certificate of, and when. What is None is not asked about; `on` None: now."""

    on: date | None = None
    product: str | None = None
    version: str | None = None
    delivery_form: str | None = None
    issuer: str | None = None


@dataclass(frozen=True)
class Verdict:
    code: Code
    detail: str
    certificate: Mapping[str, Any] = field(default_factory=dict)
    """What it says of itself, once the signature holds."""
    list_of: datetime | None = None
    """When the status list was made."""

    @property
    def answer(self) -> Answer:
        if self.code in _VALID:
            return Answer.VALID
        return Answer.CANNOT_TELL if self.code in _CANNOT_TELL else Answer.NOT_VALID

    def text(self) -> str:
        lines = [f"{self.answer.name.replace('_', ' ')} ({self.code}): {self.detail}"]
        if told := self.certificate:
            subject = told["subject"]
            what = " ".join(str(subject[name]) for name in ("product", "role") if subject.get(name))
            of = f"{subject['supplier']['name']} ({subject['supplier']['organisation_number']})"
            lines += [
                f"  certificate    {told['number']}, revision {told['revision']}",
                f"  of             {', '.join(filter(None, (what, of)))}",
                f"  versions       {_versions(told['versions'])}; {', '.join(told['delivery_forms']) or 'no forms'}",
                f"  against        {told['specification']} {told['specification_version']}"
                + (f", {told['profile']}" if told["profile"] else ""),
                f"  days           {told['valid_from_on']} to {told['valid_to_on']}",
                f"  decided by     {told['decided_by']}",
            ]
        if self.list_of:
            lines.append(f"  status as of   {self.list_of.astimezone(_OSLO):%Y-%m-%d %H:%M:%S} in Norway")
        return "\n".join(lines)


class _Refused(Exception):
    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


def verify(token: str, jwks: Mapping[str, Any], status_list: str, asked: Asked, now: datetime) -> Verdict:
    """Whether a certificate holds and covers what is asked, at a moment. On an earlier day it takes the list of that
    day's end (`?time=`), which tells what was known then."""
    claims: Mapping[str, Any] = {}
    try:
        claims = _opened(token, CERTIFICATE, jwks)
        told, place = _checked(claims, asked)
    except _Refused as refused:
        return Verdict(refused.code, refused.detail)
    listed_at = None
    try:
        moment = _moment(asked.on, now)
        _in_time(claims, moment)
        _covers(told, asked)
        if asked.on and asked.on > now.astimezone(_OSLO).date():
            raise _Refused(
                Code.DAY_AHEAD, f"Its dates include {asked.on}, and no list can tell what happens until then."
            )
        listed = _list(status_list, jwks, claims, place, moment, now)
        listed_at = datetime.fromtimestamp(listed["iat"], _OSLO)
        code, detail = _STATUSES[lists.Value(_value(listed["status_list"], place["idx"]))]
    except _Refused as refused:
        code, detail = refused.code, refused.detail
    return Verdict(code, detail, told, listed_at)


def _opened(token: str, typ: str, jwks: Mapping[str, Any]) -> Mapping[str, Any]:
    """The claims of a token that one of the keys has signed."""
    try:
        parsed = jws.extract_compact(token.strip().encode())
        header = parsed.headers()
        claims = json.loads(parsed.payload)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise _Refused(Code.MALFORMED, "It is not a signed token.") from error
    if not isinstance(claims, dict):
        raise _Refused(Code.MALFORMED, "It holds no claims.")
    if header.get("typ") != typ:
        raise _Refused(Code.TYPE_WRONG, f"It is not a {typ}, but a {header.get('typ')!r}.")
    if header.get("alg") != ALGORITHM:
        raise _Refused(Code.ALGORITHM_REFUSED, f"It is not signed with {ALGORITHM}, but with {header.get('alg')!r}.")
    found = [key for key in jwks["keys"] if isinstance(key, dict) and key.get("kid") == header.get("kid")]
    if not found or not isinstance(header.get("kid"), str):
        raise _Refused(
            Code.KEY_UNKNOWN, f"The key {header.get('kid')!r} is not among the issuer's. Fetch them anew and try again."
        )
    try:
        key = ECKey.import_key({name: found[0][name] for name in ("kty", "crv", "x", "y")})
        jws.deserialize_compact(token.strip().encode(), key, algorithms=[ALGORITHM])
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise _Refused(Code.SIGNATURE_INVALID, "The signature does not hold: it is not the issuer's.") from error
    return claims


def _checked(claims: Mapping[str, Any], asked: Asked) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What it certifies, and its place in a status list."""
    told, status = claims.get("certificate"), claims.get("status")
    place = status.get("status_list") if isinstance(status, dict) else None
    sound = (
        isinstance(told, dict)
        and told.keys() >= _SAID
        and isinstance(told["subject"], dict)
        and isinstance(told["subject"].get("supplier"), dict)
        and told["subject"]["supplier"].keys() >= {"name", "organisation_number"}
        and isinstance(told["delivery_forms"], list)
        and isinstance(place, dict)
        and isinstance(place.get("uri"), str)
        and _whole(place.get("idx"))
        and isinstance(claims.get("iss"), str)
        and all(_whole(claims.get(name)) for name in ("iat", "nbf", "exp"))
    )
    if not sound:
        raise _Refused(Code.MALFORMED, "It lacks something that every certificate has.")
    assert isinstance(told, dict)
    assert isinstance(place, dict)
    if asked.issuer and claims["iss"] != asked.issuer.rstrip("/"):
        raise _Refused(Code.ISSUER_OTHER, f"It was issued by {claims['iss']}.")
    return told, place


_SAID = {
    *("number", "revision", "subject", "versions", "delivery_forms", "specification", "specification_version"),
    *("profile", "valid_from_on", "valid_to_on", "decided_by"),
}


def _moment(on: date | None, now: datetime) -> datetime:
    """Now; of a day that is past its last second, of one to come its noon."""
    today = now.astimezone(_OSLO).date()
    if on is None or on == today:
        return now
    if on < today:
        begins = datetime.combine(on + timedelta(days=1), datetime.min.time(), _OSLO)
        return datetime.fromtimestamp(begins.timestamp() - 1, _OSLO)
    return datetime.combine(on, datetime.min.time(), _OSLO) + timedelta(hours=12)


def _in_time(claims: Mapping[str, Any], moment: datetime) -> None:
    """Its own dates come first, whatever a list says."""
    at = moment.timestamp()
    if at >= claims["exp"]:
        raise _Refused(Code.EXPIRED, f"It expired on {_day(claims['exp'] - 1)}.")
    if at < claims["nbf"]:
        raise _Refused(Code.NOT_YET_VALID, f"It begins on {_day(claims['nbf'])}.")


def _covers(told: Mapping[str, Any], asked: Asked) -> None:
    product, versions = told["subject"].get("product"), told["versions"]
    if asked.product is not None and asked.product != product:
        raise _Refused(Code.PRODUCT_OTHER, f"It is a certificate of {product or 'no product'}.")
    if asked.version is not None and not _scope(versions).covers_version(asked.version):
        raise _Refused(Code.VERSION_NOT_COVERED, f"It covers {_versions(versions)}.")
    if asked.delivery_form is not None and asked.delivery_form not in told["delivery_forms"]:
        covered = ", ".join(map(str, told["delivery_forms"])) or "none"
        raise _Refused(Code.DELIVERY_FORM_NOT_COVERED, f"It covers {covered}.")


def _scope(versions: Any) -> Scope:
    if versions == "all":
        return Scope()
    if isinstance(versions, list):
        return Scope(versions=tuple(map(str, versions)))
    if isinstance(versions, dict) and {"from", "to"} == versions.keys():
        return Scope(version_from=versions["from"], version_to=versions["to"])
    return Scope(versions=())


def _versions(versions: Any) -> str:
    if isinstance(versions, dict):
        return f"{versions.get('from') or '…'} to {versions.get('to') or '…'}"
    return ", ".join(map(str, versions)) if isinstance(versions, list) else str(versions or "no versions")


def _list(
    token: str,
    jwks: Mapping[str, Any],
    claims: Mapping[str, Any],
    place: Mapping[str, Any],
    moment: datetime,
    now: datetime,
) -> Mapping[str, Any]:
    """The claims of the status list that the certificate names, if it is that one, and of that time."""
    try:
        listed = _opened(token, STATUS_LIST, jwks)
    except _Refused as refused:
        code = Code.LIST_FORGED if refused.code is not Code.KEY_UNKNOWN else Code.KEY_UNKNOWN
        raise _Refused(code, f"The status list proves nothing. {refused.detail}") from None
    inner = listed.get("status_list")
    if not (
        isinstance(inner, dict)
        and inner.get("bits") == lists.BITS
        and isinstance(inner.get("lst"), str)
        and _whole(listed.get("iat"))
        and _whole(listed.get("exp"))
    ):
        raise _Refused(Code.LIST_MALFORMED, f"The status list is none with {lists.BITS} bits that begins and ends.")
    if listed.get("sub") != place["uri"] or listed.get("iss", claims["iss"]) != claims["iss"]:
        raise _Refused(Code.LIST_OF_OTHERS, f"The status list is {listed.get('sub')}, and it stands in {place['uri']}.")
    at = moment.timestamp()
    if at >= listed["exp"]:
        until = datetime.fromtimestamp(listed["exp"], _OSLO)
        raise _Refused(Code.LIST_STALE, f"The status list was good until {until:%Y-%m-%d %H:%M}. Fetch it anew.")
    if listed["iat"] > at + (AHEAD.total_seconds() if moment == now else 0):
        detail = f"The status list is newer than that: fetch {place['uri']}?time={int(at)}."
        raise _Refused(Code.LIST_OF_ANOTHER_TIME, detail)
    return listed


def _value(inner: Mapping[str, Any], index: int) -> int:
    try:
        return lists.get(lists.decode(inner["lst"]), index)
    except lists.ListBroken as error:
        raise _Refused(Code.LIST_MALFORMED, f"The status list cannot be unpacked. {error}") from error
    except lists.IndexBeyondList as error:
        raise _Refused(Code.LIST_TOO_SHORT, f"{error} Fetch it anew.") from error


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, _OSLO).date().isoformat()


# ---- The command


def verdict(file: str, keys: str, status_list: str, asked: Asked, now: datetime) -> Verdict:
    """The same from files or addresses. An address of a status list is asked for the list of an earlier day."""
    try:
        token = _read(file, Code.CERTIFICATE_UNREADABLE)
        jwks = _keys(_read(keys, Code.KEYS_UNREADABLE))
        if asked.on and asked.on < now.astimezone(_OSLO).date() and _is_address(status_list):
            status_list += f"{'&' if '?' in status_list else '?'}time={int(_moment(asked.on, now).timestamp())}"
        listed = _read(status_list, Code.LIST_UNREADABLE)
    except _Refused as refused:
        return Verdict(refused.code, refused.detail)
    return verify(token, jwks, listed, asked, now)


def _keys(text: str) -> Mapping[str, Any]:
    try:
        jwks = json.loads(text)
        if isinstance(jwks["keys"], list):
            return dict(jwks)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise _Refused(Code.KEYS_UNREADABLE, "The keys are no JWK Set.")


def _is_address(source: str) -> bool:
    return source.startswith(("https://", "http://"))


def _read(source: str, code: Code) -> str:
    try:
        if _is_address(source):
            content = _fetched(source)
        else:
            with Path(source).open("rb") as file:
                content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise _Refused(code, f"{source} is larger than {MOST_BYTES} bytes.")
        return content.decode("ascii")
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise _Refused(code, f"{source} cannot be read: {why}.") from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The address that was given is the one that is trusted."""

    def redirect_request(self, *arguments: Any) -> None:
        return None


def _fetched(address: str) -> bytes:
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise ValueError("plain http proves nothing")
    opener = urllib.request.build_opener(_NoRedirect)
    with opener.open(urllib.request.Request(address), timeout=FETCH_SECONDS) as answer:
        return bytes(answer.read(MOST_BYTES + 1))
