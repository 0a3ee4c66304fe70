"""What is odd about a certificate's record: one rule for each oddity, over data that is only ever added."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

from services.catalog.certificates.rules import Assurance, EventKind, Outcome
from services.chassis.problems import Conflict, Forbidden, Problem

TOLERANCE = timedelta(seconds=60)
"""Two that write at once may take their instants in another order than their turns; a turn takes seconds at most."""


class Kind(StrEnum):
    BACK_DATED_EVENT = "back_dated_event"
    RECORDED_OUT_OF_ORDER = "recorded_out_of_order"
    HISTORY_DIFFERS_FROM_AUDIT = "history_differs_from_audit"
    CERTIFICATE_DIFFERS_FROM_GRANT = "certificate_differs_from_grant"
    EVIDENCE_REMOVED = "evidence_removed"
    TESTER_CHANGED = "tester_changed"
    GRANTED_BEFORE_TEST = "granted_before_test"
    TEST_UNDATED = "test_undated"
    DECIDED_BY_INTERESTED = "decided_by_interested"
    ASSESSED_AND_DECIDED_BY_SAME = "assessed_and_decided_by_same"


TEXTS = {
    Kind.BACK_DATED_EVENT: {
        "nb": "En hendelse gjelder fra en dag før den ble registrert.",
        "nn": "Ei hending gjeld frå ein dag før ho vart registrert.",
        "en": "An event takes effect on a day before it was recorded.",
    },
    Kind.RECORDED_OUT_OF_ORDER: {
        "nb": "En hendelse har et eldre tidspunkt enn den som ble registrert før den.",
        "nn": "Ei hending har eit eldre tidspunkt enn den som vart registrert før ho.",
        "en": "An event bears an earlier instant than the one recorded before it.",
    },
    Kind.HISTORY_DIFFERS_FROM_AUDIT: {
        "nb": "En hendelse og sporet av den i revisjonsloggen stemmer ikke overens.",
        "nn": "Ei hending og sporet av ho i revisjonsloggen stemmer ikkje overeins.",
        "en": "An event and its trace in the audit do not agree.",
    },
    Kind.CERTIFICATE_DIFFERS_FROM_GRANT: {
        "nb": "Sertifikatets første dag eller hvem som vedtok det, er en annen enn da det ble gitt.",
        "nn": "Den første dagen til sertifikatet eller kven som vedtok det, er ein annan enn då det vart gitt.",
        "en": "The certificate's first day, or who decided it, is not what it was when it was granted.",
    },
    Kind.EVIDENCE_REMOVED: {
        "nb": "Dokumentasjon som sertifikatet bygger på, er trukket tilbake etter vedtaket.",
        "nn": "Dokumentasjon som sertifikatet byggjer på, er trekt tilbake etter vedtaket.",
        "en": "Evidence that the certificate rests on was withdrawn after the decision.",
    },
    Kind.TESTER_CHANGED: {
        "nb": "Et krav er testet av en annen etter at sertifikatet ble gitt.",
        "nn": "Eit krav er testa av ein annan etter at sertifikatet vart gitt.",
        "en": "A requirement was tested by somebody else after the certificate was granted.",
    },
    Kind.GRANTED_BEFORE_TEST: {
        "nb": "Et krav er testet etter at sertifikatet ble gitt på grunnlag av testen.",
        "nn": "Eit krav er testa etter at sertifikatet vart gitt på grunnlag av testen.",
        "en": "A requirement was tested after the certificate that rests on the test was granted.",
    },
    Kind.TEST_UNDATED: {
        "nb": "Et krav er oppfylt etter en test uten dato.",
        "nn": "Eit krav er oppfylt etter ein test utan dato.",
        "en": "A requirement is met by a test without a date.",
    },
    Kind.DECIDED_BY_INTERESTED: {
        "nb": "Den som vedtok, eier komponenten eller leverer det som er sertifisert.",
        "nn": "Den som vedtok, eig komponenten eller leverer det som er sertifisert.",
        "en": "Who decided owns the component, or supplies what is certified.",
    },
    Kind.ASSESSED_AND_DECIDED_BY_SAME: {
        "nb": "Vurderingen og vedtaket kom gjennom samme klient.",
        "nn": "Vurderinga og vedtaket kom gjennom same klient.",
        "en": "The assessment and the decision came through the same client.",
    },
}


class FlagAlreadyAcknowledged(Conflict):
    """Somebody has looked at this flag already."""


class OwnFlag(Forbidden):
    """Somebody else than who caused a flag looks at it."""


class FlagBodyInterested(Forbidden):
    """Your organisation has an interest in what is certified."""


@dataclass(frozen=True)
class Event:
    """An event of the certificate; `on` is the day it was recorded on. `fields`: all that the audit keeps of it."""

    id: int
    kind: EventKind
    effective_on: date
    recorded_at: datetime
    on: date
    organisation: str
    client: str | None
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Trace:
    """What the audit keeps of an event."""

    event: int
    on: date
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Result:
    requirement: str
    outcome: Outcome
    assurance: Assurance
    tester: str | None
    tested_on: date | None
    recorded_at: datetime
    on: date


@dataclass(frozen=True)
class Removed:
    """Evidence withdrawn after the grant."""

    file: str
    on: date


@dataclass(frozen=True)
class Record:
    """All that is looked at of one certificate. `interested`: who supplies it or owns the component, by organisation
    number. `assessors`: (organisation, client)."""

    number: str
    valid_from_on: date
    decided_by: str
    events: Sequence[Event]
    traces: Sequence[Trace]
    results: Sequence[Result] = ()
    removed: Sequence[Removed] = ()
    interested: Collection[str] = ()
    assessors: Collection[tuple[str, str]] = ()

    @property
    def granted(self) -> Event:
        return self.events[0]

    def place(self, event: Event) -> int:
        """Its place in the history: 1 is the first."""
        return self.events.index(event) + 1


@dataclass(frozen=True)
class Flag:
    """`on`: the day it arose. `about`: the event's place in the history, the requirement, the file; nothing when it is
    the certificate as a whole. `client`: through which it was caused, if that is known."""

    number: str
    kind: Kind
    about: str
    on: date
    client: str | None = None

    @property
    def id(self) -> str:
        """The same whenever it is worked out; it names the certificate, so that one can be looked up."""
        return ".".join(filter(None, (self.number, self.kind, self.about)))

    @property
    def text(self) -> dict[str, str]:
        return TEXTS[self.kind]


def number_in(id: str) -> str:
    """The certificate that a flag's id names."""
    return id.partition(".")[0]


def flags(record: Record) -> list[Flag]:
    """Everything that is odd about one certificate's record, in the order of ids."""
    found = (flag for rule in RULES for flag in rule(record))
    return sorted(found, key=lambda flag: flag.id)


def back_dated(record: Record) -> Iterator[Flag]:
    for event in record.events:
        if event.effective_on < event.on:
            yield _about(record, Kind.BACK_DATED_EVENT, event)


def recorded_out_of_order(record: Record) -> Iterator[Flag]:
    for before, event in pairwise(record.events):
        if event.recorded_at < before.recorded_at - TOLERANCE:
            yield _about(record, Kind.RECORDED_OUT_OF_ORDER, event)


def history_differs(record: Record) -> Iterator[Flag]:
    """An event that the audit does not know, or knows otherwise, and one that the audit knows and that is gone."""
    traces = {trace.event: trace for trace in record.traces}
    for event in record.events:
        trace = traces.pop(event.id, None)
        if trace is None or trace.fields != event.fields:
            yield _about(record, Kind.HISTORY_DIFFERS_FROM_AUDIT, event)
    for trace in traces.values():
        yield Flag(record.number, Kind.HISTORY_DIFFERS_FROM_AUDIT, f"gone-{trace.event}", trace.on)


def differs_from_grant(record: Record) -> Iterator[Flag]:
    granted = record.granted
    if (record.valid_from_on, record.decided_by) != (granted.effective_on, granted.organisation):
        yield Flag(record.number, Kind.CERTIFICATE_DIFFERS_FROM_GRANT, "", granted.on)


def evidence_removed(record: Record) -> Iterator[Flag]:
    for one in record.removed:
        yield Flag(record.number, Kind.EVIDENCE_REMOVED, one.file, one.on)


def tester_changed(record: Record) -> Iterator[Flag]:
    """After the grant: before it, several may have tried."""
    for requirement, results in _by_requirement(record).items():
        named = [one for one in results if one.tester]
        for before, after in pairwise(named):
            if before.tester != after.tester and after.recorded_at > record.granted.recorded_at:
                yield Flag(record.number, Kind.TESTER_CHANGED, requirement, after.on)
                break


def granted_before_test(record: Record) -> Iterator[Flag]:
    for requirement, result in _rests_on(record).items():
        if result.tested_on and result.tested_on > record.granted.on:
            yield Flag(record.number, Kind.GRANTED_BEFORE_TEST, requirement, record.granted.on)


def undated_test(record: Record) -> Iterator[Flag]:
    """Of a test by others than the supplier, whose own word needs none."""
    for requirement, result in _rests_on(record).items():
        met = result.outcome in (Outcome.MET, Outcome.PARTLY)
        if met and result.assurance is Assurance.THIRD_PARTY and result.tested_on is None:
            yield Flag(record.number, Kind.TEST_UNDATED, requirement, record.granted.on)


_HOLDERS_OWN = frozenset({EventKind.RELINQUISHED, EventKind.CARRIED_OVER, EventKind.CONDITION_OVERDUE})
"""What the holder does itself, or nobody: an interest is no oddity there."""


def decided_by_interested(record: Record) -> Iterator[Flag]:
    for event in record.events:
        if event.kind not in _HOLDERS_OWN and event.organisation in record.interested:
            yield _about(record, Kind.DECIDED_BY_INTERESTED, event)


def assessed_and_decided_by_same(record: Record) -> Iterator[Flag]:
    granted = record.granted
    if granted.client and granted.client in {client for _, client in record.assessors}:
        yield Flag(record.number, Kind.ASSESSED_AND_DECIDED_BY_SAME, "", granted.on, granted.client)


RULES = (
    back_dated,
    recorded_out_of_order,
    history_differs,
    differs_from_grant,
    evidence_removed,
    tester_changed,
    granted_before_test,
    undated_test,
    decided_by_interested,
    assessed_and_decided_by_same,
)


def _about(record: Record, kind: Kind, event: Event) -> Flag:
    return Flag(record.number, kind, str(record.place(event)), event.on, event.client)


def _by_requirement(record: Record) -> dict[str, list[Result]]:
    """Each requirement's results in the order recorded."""
    found: dict[str, list[Result]] = {}
    for one in sorted(record.results, key=lambda one: one.recorded_at):
        found.setdefault(one.requirement, []).append(one)
    return found


def _rests_on(record: Record) -> dict[str, Result]:
    """What the grant rests on: of each requirement the last result by then."""
    at = record.granted.recorded_at
    known = {name: [one for one in all_ if one.recorded_at <= at] for name, all_ in _by_requirement(record).items()}
    return {name: results[-1] for name, results in known.items() if results}


def check_acknowledgement(
    flag: Flag, *, acknowledged: bool, organisation: str, client: str, interested: Collection[str]
) -> list[Problem]:
    found: list[Problem] = []
    if organisation in interested:
        found.append(FlagBodyInterested())
    if client == flag.client:
        found.append(OwnFlag("Another client has to."))
    if acknowledged:
        found.append(FlagAlreadyAcknowledged())
    return found


def wanted(found: Iterable[Flag], kinds: Collection[Kind] | None) -> list[Flag]:
    return [flag for flag in found if not kinds or flag.kind in kinds]
