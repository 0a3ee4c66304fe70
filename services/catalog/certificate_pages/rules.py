"""What a certificate's page says, in which language, and how wide its badge is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.catalog.certificates.rules import (
    Assurance,
    ConditionKind,
    EventKind,
    Outcome,
    Remark,
    Scope,
    Status,
    SubjectKind,
    Validity,
)
from services.catalog.specifications.rules import Obligation


class Language(StrEnum):
    NB = "nb"
    EN = "en"


class Tone(StrEnum):
    """How a status is marked, beside its words: a sign and a colour."""

    GOOD = "good"
    PAUSED = "paused"
    BAD = "bad"
    OVER = "over"


TONES = {
    Status.VALID: Tone.GOOD,
    Status.SUSPENDED: Tone.PAUSED,
    Status.NOT_YET_VALID: Tone.PAUSED,
    Status.WITHDRAWN: Tone.BAD,
    Status.RELINQUISHED: Tone.OVER,
    Status.RELINQUISHED_UNDER_INVESTIGATION: Tone.BAD,
    Status.SUPERSEDED: Tone.OVER,
    Status.EXPIRED: Tone.OVER,
}


class ConditionState(StrEnum):
    OPEN = "open"
    MET = "met"
    OVERDUE = "overdue"


@dataclass(frozen=True)
class Organisation:
    number: str | None
    name: str


@dataclass(frozen=True)
class Condition:
    kind: ConditionKind
    requirement: str | None
    text: str
    due_on: date
    met_on: date | None

    def state(self, on: date) -> ConditionState:
        """As it stands on a day: what is due that day still has the day."""
        if self.met_on is not None and self.met_on <= on:
            return ConditionState.MET
        return ConditionState.OVERDUE if on > self.due_on else ConditionState.OPEN


@dataclass(frozen=True)
class Result:
    requirement: str
    obligation: Obligation
    text: Mapping[str, str]
    outcome: Outcome
    reason: str | None
    assurance: Assurance
    tester: Organisation | None
    tested_on: date | None
    tool: str | None
    evidence: int

    @property
    def said_by(self) -> Assurance | None:
        """None: nobody says that it is met, since it was not tested."""
        return None if self.outcome is Outcome.NOT_TESTED else self.assurance


@dataclass(frozen=True)
class Event:
    kind: EventKind
    effective_on: date
    recorded_at: datetime
    reason: str | None
    back_dated: bool
    by: Organisation
    ground: str | None

    @property
    def ground_kind(self) -> str | None:
        """`non-conformity:<id>` → `non-conformity`; None for the certificate's own."""
        return self.ground.partition(":")[0] if self.ground else None


@dataclass(frozen=True)
class Flag:
    """Something odd about how the certificate came about, seen since a day."""

    text: Mapping[str, str]
    on: date


@dataclass(frozen=True)
class Page:
    """Everything that stands on a certificate's page about one day."""

    number: str
    on: date
    today: date
    status: Status
    remarks: Sequence[Remark]
    subject_kind: SubjectKind
    product: str | None
    product_name: Mapping[str, str] | None
    role: str | None
    holder: Organisation
    decided_by: Organisation
    scope: Scope
    validity: Validity
    revision: int
    specification: str
    specification_name: Mapping[str, str]
    specification_version: str
    profile_name: Mapping[str, str] | None
    conditions: Sequence[Condition]
    results: Sequence[Result]
    events: Sequence[Event]
    flags: Sequence[Flag]
    fictional: bool

    @property
    def tone(self) -> Tone:
        return TONES[self.status]


def language_of(asked: Language | None, accepted: str | None) -> Language:
    """The one asked for; else the first of the browser's that there is (RFC 9110 12.5.4); else bokmål. Whoever reads
    nynorsk, Danish or Swedish reads bokmål as well."""
    if asked is not None:
        return asked
    known = {"nb": Language.NB, "no": Language.NB, "nn": Language.NB, "da": Language.NB, "sv": Language.NB}
    known["en"] = Language.EN
    for name in _preferred(accepted or ""):
        if found := known.get(name.partition("-")[0]):
            return found
    return Language.NB


def prefers_html(accepted: str | None) -> bool:
    """Whether who asks would rather read a page than JSON: a browser does, a program that takes anything does not."""
    wanted = list(_preferred(accepted or ""))
    pages = [place for place, name in enumerate(wanted) if name in ("text/html", "application/xhtml+xml")]
    data = [place for place, name in enumerate(wanted) if name.endswith("json") or name == "*/*"]
    return bool(pages) and (not data or pages[0] < data[0])


def _preferred(header: str) -> list[str]:
    """`nb;q=0.8, en` → ["en", "nb"]; what has the same weight stays in the order given."""
    weighed = []
    for one in header.lower().split(",")[:50]:
        name, *parameters = (part.strip() for part in one.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        if name and weight > 0:
            weighed.append((weight, name))
    return [name for _, name in sorted(weighed, key=lambda pair: -pair[0])]


def text_in(language: Language, text: Mapping[str, str]) -> tuple[str, str]:
    """→ (the language that it really is in, the text)"""
    order = ("nb", "nn", "en", "se") if language is Language.NB else ("en", "nb", "nn", "se")
    return next((name, text[name]) for name in order if text.get(name))


# ---- The badge

_NARROW, _WIDE = set("fijlrtIJ.,:;'|!()[]· "), set("mwMWÆŒ@%–—")


def width(text: str) -> int:
    """How wide a text is at 11 px in a common sans-serif, in whole px and rather too wide: the badge then holds the
    text to this width, whatever font there is."""
    return round(
        sum(4.2 if one in _NARROW else 10.2 if one in _WIDE else 7.6 if one.isupper() else 6.6 for one in text)
    )
