"""What a pack says of itself: how it is cited, what its hash is over, and why a certificate does not count."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from services.catalog.certificates.rules import Status
from services.catalog.specifications.rules import Timeline
from services.chassis.problems import Conflict, Invalid

LANGUAGES = ("nb", "nn", "en")
FALL_BACK = {"nb": ("nb", "nn", "en", "se"), "nn": ("nn", "nb", "en", "se"), "en": ("en", "nb", "nn", "se")}
_CITED = {
    "nb": "{owner}: {name}, versjon {version} (gjelder fra {effective}). Krav og sertifiserte produkter per {on}. "
    "{path}, SHA-256 {sha256}",
    "nn": "{owner}: {name}, versjon {version} (gjeld frå {effective}). Krav og sertifiserte produkt per {on}. "
    "{path}, SHA-256 {sha256}",
    "en": "{owner}: {name}, version {version} (effective from {effective}). Requirements and certified products as of "
    "{on}. {path}, SHA-256 {sha256}",
}
_EDITORS = {"nb": "Felleskomponentkatalogen", "nn": "Felleskomponentkatalogen", "en": "The catalogue of components"}
_WHY = {
    Status.SUSPENDED: {
        "nb": "Sertifikatet er suspendert.",
        "nn": "Sertifikatet er suspendert.",
        "en": "The certificate is suspended.",
    },
    Status.WITHDRAWN: {
        "nb": "Sertifikatet er tilbakekalt.",
        "nn": "Sertifikatet er kalla tilbake.",
        "en": "The certificate is withdrawn.",
    },
    Status.RELINQUISHED: {
        "nb": "Leverandøren har sagt fra seg sertifikatet.",
        "nn": "Leverandøren har sagt frå seg sertifikatet.",
        "en": "The supplier has given up the certificate.",
    },
    Status.RELINQUISHED_UNDER_INVESTIGATION: {
        "nb": "Leverandøren sa fra seg sertifikatet mens et avvik ble fulgt opp.",
        "nn": "Leverandøren sa frå seg sertifikatet medan eit avvik vart følgt opp.",
        "en": "The supplier gave up the certificate while a non-conformity was being followed up.",
    },
    Status.SUPERSEDED: {
        "nb": "Sertifikatet er erstattet av et nytt.",
        "nn": "Sertifikatet er erstatta av eit nytt.",
        "en": "The certificate has been superseded by a new one.",
    },
    Status.EXPIRED: {
        "nb": "Sertifikatet er utløpt.",
        "nn": "Sertifikatet er gått ut.",
        "en": "The certificate has expired.",
    },
    Status.NOT_YET_VALID: {
        "nb": "Sertifikatet gjelder ikke ennå.",
        "nn": "Sertifikatet gjeld ikkje enno.",
        "en": "The certificate is not valid yet.",
    },
}
_OTHER_VERSION = {
    "nb": "Sertifikatet gjelder en annen versjon: {version}.",
    "nn": "Sertifikatet gjeld ein annan versjon: {version}.",
    "en": "The certificate is against another version: {version}.",
}


class NothingInForce(Conflict):
    """No version of the specification is in force on this day; name one."""


class PackOfDraft(Conflict):
    """A draft cannot be cited; it may still change."""


class PackVersionUnknown(Invalid):
    """The specification has no such version."""


def chosen(versions: Mapping[str, Timeline], label: str | None, on: date) -> str:
    """The label of the version that the pack is of: the one asked for, or of those in force the one that took effect
    last. `versions` in the order in which they take effect."""
    if label is None:
        in_force = [one for one, timeline in versions.items() if timeline.in_force(on)]
        if not in_force:
            raise NothingInForce(f"On {on} there is none.")
        return in_force[-1]
    if label not in versions:
        raise PackVersionUnknown(f"There is no {label!r}.", pointer="?version")
    if not versions[label].published():
        raise PackOfDraft(f"{label} is not published.")
    return label


def fingerprint(content: Mapping[str, Any]) -> str:
    """SHA-256, in hexadecimal, over the content as JSON: keys sorted, no space between, UTF-8."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def citation(
    *,
    owner: str | None,
    name: Mapping[str, str],
    version: str,
    effective_on: date | None,
    on: date,
    path: str,
    sha256: str,
) -> dict[str, str]:
    """How one refers to the pack, in each language that it can be read in."""
    return {
        language: text.format(
            owner=owner or _EDITORS[language],
            name=in_language(name, language),
            version=version,
            effective=dated(effective_on, language),
            on=dated(on, language),
            path=path,
            sha256=sha256,
        )
        for language, text in _CITED.items()
    }


def in_language(text: Mapping[str, str] | None, language: str) -> str:
    """A text in a language, or in the first that there is."""
    return next((text[one] for one in FALL_BACK[language] if one in text), "") if text else ""


def dated(day: date | None, language: str) -> str:
    if day is None:
        return "–"
    return day.isoformat() if language == "en" else f"{day:%d.%m.%Y}"


def why_not(status: Status, version: str, *, counts: bool) -> dict[str, str] | None:
    """Why a certificate is not counted; None when it is. `counts`: a valid one would be, as it is against what the pack
    is of, or what that is derived from; `version`: the one that it is against."""
    if status is not Status.VALID:
        return _WHY[status]
    if counts:
        return None
    return {language: text.format(version=version) for language, text in _OTHER_VERSION.items()}


def not_covered(requirements: Iterable[Any], same: Sequence[str]) -> list[str]:
    """The requirements of a derived version that a certificate against its source says nothing of: those that say
    something else here, or are the owner's own. `same`: the ids of those that say the same."""
    known = set(same)
    return [one.id for one in requirements if one.id not in known]
