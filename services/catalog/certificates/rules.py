"""When a certificate may be granted, what it is worth on a day, and what is answered to whoever verifies a product."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.chassis.problems import Conflict, Forbidden, Invalid, Problem


class Status(StrEnum):
    VALID = "valid"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"


class Step(StrEnum):
    SUSPEND = "suspend"
    RESTORE = "restore"
    WITHDRAW = "withdraw"


class EventKind(StrEnum):
    GRANTED = "granted"
    SUSPENDED = "suspended"
    RESTORED = "restored"
    WITHDRAWN = "withdrawn"


MOVES = {
    (Status.VALID, Step.SUSPEND): Status.SUSPENDED,
    (Status.SUSPENDED, Step.RESTORE): Status.VALID,
    (Status.VALID, Step.WITHDRAW): Status.WITHDRAWN,
    (Status.SUSPENDED, Step.WITHDRAW): Status.WITHDRAWN,
    (Status.NOT_YET_VALID, Step.WITHDRAW): Status.WITHDRAWN,
}
EVENTS = {
    Step.SUSPEND: EventKind.SUSPENDED,
    Step.RESTORE: EventKind.RESTORED,
    Step.WITHDRAW: EventKind.WITHDRAWN,
}
_STEPS = {kind: step for step, kind in EVENTS.items()}


class Outcome(StrEnum):
    MET = "met"
    PARTLY = "partly"
    NOT_MET = "not_met"
    NOT_RELEVANT = "not_relevant"
    NOT_TESTED = "not_tested"


class StepRefused(Conflict):
    """The certificate cannot take this step from its status on that day."""


class DecisionOnOwnProduct(Forbidden):
    """A supplier does not decide on its own product."""


class CertificatePeriodInvalid(Invalid):
    """The certificate ends before it begins."""


class SpecificationNotInForce(Invalid):
    """The specification's version is not in force on the day that the certificate begins."""


class DeliveryFormNotOffered(Invalid):
    """The product is not offered in this form."""


class RequirementUnknown(Invalid):
    """The specification's version has no such requirement."""


class RequirementAnsweredTwice(Invalid):
    """A requirement has two results."""


class MustNotMet(Invalid):
    """A must requirement is not met.

    Each must be met, or be not relevant for a stated reason; a share of them is not enough.
    """


class ReasonMissing(Invalid):
    """What is not relevant needs a reason."""


class EvidenceMissing(Invalid):
    """What is said to be met needs evidence."""


class BackDatedWithoutReason(Invalid):
    """What takes effect before today needs a reason."""


@dataclass(frozen=True)
class Validity:
    """The first and the last day of a certificate."""

    from_on: date
    to_on: date


@dataclass(frozen=True)
class Event:
    kind: EventKind
    effective_on: date
    recorded_at: datetime


@dataclass(frozen=True)
class Result:
    requirement: str
    outcome: Outcome
    reason: str | None
    evidence: int
    """How many pieces."""


@dataclass(frozen=True)
class Grant:
    """All that decides whether a certificate may be granted. `requirements`: id → whether it is a must."""

    supplier: str | None
    decided_by: str
    delivery_forms: Sequence[str]
    offered_forms: Sequence[str]
    validity: Validity
    specification_effective_on: date | None
    """None: a draft, which nothing can be certified against."""
    requirements: dict[str, bool]
    results: Sequence[Result]
    reason: str | None
    today: date
    specification_ended_on: date | None = None


def status_on(events: Iterable[Event], validity: Validity, on: date, known_at: datetime) -> Status | None:
    """A certificate's status on a day, as it was known at an instant; None when it was not yet granted by then.

    Expiry follows from the day alone and beats a suspension; a withdrawal is final. A step that a back-dated one
    has made meaningless is passed over.
    """
    known = [event for event in events if event.recorded_at <= known_at]
    if not any(event.kind is EventKind.GRANTED for event in known):
        return None
    standing = Status.VALID
    for event in sorted(known, key=lambda event: (event.effective_on, event.recorded_at)):
        if event.kind in _STEPS and event.effective_on <= on:
            before = _seen(standing, validity, event.effective_on)
            standing = MOVES.get((before, _STEPS[event.kind]), standing)
    return _seen(standing, validity, on)


def _seen(standing: Status, validity: Validity, on: date) -> Status:
    if standing is Status.WITHDRAWN:
        return standing
    if on < validity.from_on:
        return Status.NOT_YET_VALID
    return Status.EXPIRED if on > validity.to_on else standing


def check_step(
    events: Iterable[Event],
    validity: Validity,
    step: Step,
    effective_on: date,
    now: datetime,
    *,
    supplier: str | None,
    decided_by: str,
) -> list[Problem]:
    found: list[Problem] = []
    if supplier == decided_by:
        found.append(DecisionOnOwnProduct())
    status = status_on(events, validity, effective_on, now)
    if status is None or (status, step) not in MOVES:
        found.append(StepRefused(f"Cannot {step} a certificate that is {status} on {effective_on}.", state=status))
    return found


# ---- Granting


def check_grant(grant: Grant) -> list[Problem]:
    found: list[Problem] = []
    if grant.supplier == grant.decided_by:
        found.append(DecisionOnOwnProduct())
    if grant.validity.to_on < grant.validity.from_on:
        found.append(CertificatePeriodInvalid(pointer="#/valid_to_on"))
    effective_on, ended_on = grant.specification_effective_on, grant.specification_ended_on
    if effective_on is None or effective_on > grant.validity.from_on:
        detail = f"From {effective_on}." if effective_on else "It is a draft."
        found.append(SpecificationNotInForce(detail, pointer="#/specification_version"))
    elif ended_on is not None and ended_on <= grant.validity.from_on:
        found.append(SpecificationNotInForce(f"It ended on {ended_on}.", pointer="#/specification_version"))
    if grant.validity.from_on < grant.today and not grant.reason:
        found.append(BackDatedWithoutReason(pointer="#/reason"))
    found += [
        DeliveryFormNotOffered(form, pointer=f"#/delivery_forms/{place}")
        for place, form in enumerate(grant.delivery_forms)
        if form not in grant.offered_forms
    ]
    return found + _check_results(grant.requirements, grant.results)


def _check_results(requirements: dict[str, bool], results: Sequence[Result]) -> list[Problem]:
    found: list[Problem] = []
    answered: set[str] = set()
    for place, result in enumerate(results):
        pointer = f"#/results/{place}"
        if result.requirement not in requirements:
            found.append(RequirementUnknown(result.requirement, pointer=f"{pointer}/requirement"))
            continue
        if result.requirement in answered:
            found.append(RequirementAnsweredTwice(result.requirement, pointer=f"{pointer}/requirement"))
        answered.add(result.requirement)
        if requirements[result.requirement] and result.outcome not in (Outcome.MET, Outcome.NOT_RELEVANT):
            found.append(MustNotMet(f"{result.requirement} is {result.outcome}.", pointer=f"{pointer}/outcome"))
        if result.outcome is Outcome.NOT_RELEVANT and not result.reason:
            found.append(ReasonMissing(result.requirement, pointer=f"{pointer}/reason"))
        if result.outcome in (Outcome.MET, Outcome.PARTLY) and not result.evidence:
            found.append(EvidenceMissing(result.requirement, pointer=f"{pointer}/evidence"))
    return found + [
        MustNotMet(f"{requirement} has no result.", pointer="#/results")
        for requirement, must in requirements.items()
        if must and requirement not in answered
    ]


# ---- Verifying


class Verdict(StrEnum):
    VALID = "valid"
    NOT_VALID = "not_valid"
    UNKNOWN = "unknown"


class Code(StrEnum):
    """Why. Of several certificates the one with the code that stands first here decides."""

    CERTIFIED = "certified"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    DELIVERY_FORM_NOT_COVERED = "delivery_form_not_covered"
    VERSION_NOT_COVERED = "version_not_covered"
    NO_CERTIFICATE = "no_certificate"
    SPECIFICATION_UNKNOWN = "specification_unknown"
    PRODUCT_UNKNOWN = "product_unknown"


_WORTH = {code: place for place, code in enumerate(Code)}
_UNKNOWN = {Code.SPECIFICATION_UNKNOWN, Code.PRODUCT_UNKNOWN}
_TEXTS = {
    Code.CERTIFIED: {
        "nb": "{product} er sertifisert {on} ({number}).",
        "nn": "{product} er sertifisert {on} ({number}).",
        "en": "{product} is certified on {on} ({number}).",
    },
    Code.SUSPENDED: {
        "nb": "Sertifikatet {number} er suspendert {on}.",
        "nn": "Sertifikatet {number} er suspendert {on}.",
        "en": "Certificate {number} is suspended on {on}.",
    },
    Code.WITHDRAWN: {
        "nb": "Sertifikatet {number} er trukket tilbake {on}.",
        "nn": "Sertifikatet {number} er trekt tilbake {on}.",
        "en": "Certificate {number} has been withdrawn by {on}.",
    },
    Code.NOT_YET_VALID: {
        "nb": "Sertifikatet {number} gjelder først fra {from_on}.",
        "nn": "Sertifikatet {number} gjeld først frå {from_on}.",
        "en": "Certificate {number} is not valid until {from_on}.",
    },
    Code.EXPIRED: {
        "nb": "Sertifikatet {number} gjaldt til {to_on}.",
        "nn": "Sertifikatet {number} gjaldt til {to_on}.",
        "en": "Certificate {number} was valid until {to_on}.",
    },
    Code.DELIVERY_FORM_NOT_COVERED: {
        "nb": "Sertifikatet {number} dekker ikke leveranseformen {delivery_form}.",
        "nn": "Sertifikatet {number} dekkjer ikkje leveranseforma {delivery_form}.",
        "en": "Certificate {number} does not cover the delivery form {delivery_form}.",
    },
    Code.VERSION_NOT_COVERED: {
        "nb": "Sertifikatet {number} dekker ikke versjon {version} av {product}.",
        "nn": "Sertifikatet {number} dekkjer ikkje versjon {version} av {product}.",
        "en": "Certificate {number} does not cover version {version} of {product}.",
    },
    Code.NO_CERTIFICATE: {
        "nb": "{product} har ikke noe sertifikat som det spørres etter.",
        "nn": "{product} har ikkje noko sertifikat som det er spurt etter.",
        "en": "{product} has no certificate of the kind asked for.",
    },
    Code.SPECIFICATION_UNKNOWN: {
        "nb": "Katalogen kjenner ikke kravspesifikasjonen {specification}.",
        "nn": "Katalogen kjenner ikkje kravspesifikasjonen {specification}.",
        "en": "The catalogue does not know the specification {specification}.",
    },
    Code.PRODUCT_UNKNOWN: {
        "nb": "Katalogen kjenner ikke produktet {product}.",
        "nn": "Katalogen kjenner ikkje produktet {product}.",
        "en": "The catalogue does not know the product {product}.",
    },
}


@dataclass(frozen=True)
class Question:
    """What a verifier asks. What is None is not asked about."""

    product: str
    version: str | None
    specification: str | None
    specification_version: str | None
    delivery_form: str | None
    on: date


@dataclass(frozen=True)
class Held:
    """A certificate that the product holds. `versions` None: all."""

    number: str
    specification: str
    specification_version: str
    versions: Sequence[str] | None
    delivery_forms: Sequence[str]
    validity: Validity
    events: Sequence[Event]


@dataclass(frozen=True)
class Finding:
    verdict: Verdict
    code: Code
    reasons: list[dict[str, str]]
    certificate: Held | None


def unknown(question: Question, code: Code) -> Finding:
    return Finding(Verdict.UNKNOWN, code, [_text(code, question, None)], None)


def verify(question: Question, held: Iterable[Held], now: datetime) -> Finding:
    """The certificate that serves the question best decides; each thing that is wrong with it is a reason."""
    judged = [
        (codes, one)
        for one in held
        if question.specification in (None, one.specification)
        and question.specification_version in (None, one.specification_version)
        and (codes := _codes(question, one, now))
    ]
    if not judged:
        code = Code.NO_CERTIFICATE
        return Finding(Verdict.NOT_VALID, code, [_text(code, question, None)], None)
    codes, best = min(judged, key=lambda pair: (_WORTH[pair[0][0]], -pair[1].validity.from_on.toordinal()))
    verdict = Verdict.VALID if codes[0] is Code.CERTIFIED else Verdict.NOT_VALID
    return Finding(verdict, codes[0], [_text(code, question, best) for code in codes], best)


def _codes(question: Question, held: Held, now: datetime) -> list[Code]:
    """All that is wrong with one certificate, or that nothing is; none for one that was not granted by now."""
    status = status_on(held.events, held.validity, question.on, now)
    if status is None:
        return []
    codes = []
    if question.version is not None and held.versions is not None and question.version not in held.versions:
        codes.append(Code.VERSION_NOT_COVERED)
    if question.delivery_form is not None and question.delivery_form not in held.delivery_forms:
        codes.append(Code.DELIVERY_FORM_NOT_COVERED)
    if status is not Status.VALID:
        codes.append(Code(status.value))
    return codes or [Code.CERTIFIED]


def _text(code: Code, question: Question, held: Held | None) -> dict[str, str]:
    words = {
        "product": question.product,
        "version": question.version,
        "specification": question.specification,
        "delivery_form": question.delivery_form,
        "on": question.on,
    }
    if held:
        words |= {"number": held.number, "from_on": held.validity.from_on, "to_on": held.validity.to_on}
    return {language: text.format(**words) for language, text in _TEXTS[code].items()}
