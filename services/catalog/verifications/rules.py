"""What is answered to whoever verifies a product, a supplier, an adviser or a certificate."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from services.catalog.certificates import rules as certification
from services.catalog.certificates.rules import History, Remark, Standing, Status, SubjectKind

ALL_RECORDED = datetime.max.replace(tzinfo=UTC)
"""Whatever has been recorded counts, also by a machine whose clock is ahead."""


class Verdict(StrEnum):
    VALID = "valid"
    NOT_VALID = "not_valid"
    UNKNOWN = "unknown"


class Code(StrEnum):
    """Why. Of several certificates the one with the code that stands first here decides."""

    CERTIFIED = "certified"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"
    RELINQUISHED_UNDER_INVESTIGATION = "relinquished_under_investigation"
    RELINQUISHED = "relinquished"
    SUPERSEDED = "superseded"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    HOLDER_ENDED = "holder_ended"
    DELIVERY_FORM_NOT_COVERED = "delivery_form_not_covered"
    VERSION_NOT_COVERED = "version_not_covered"
    PROFILE_NOT_COVERED = "profile_not_covered"
    ROLE_NOT_COVERED = "role_not_covered"
    NO_CERTIFICATE = "no_certificate"
    SPECIFICATION_UNKNOWN = "specification_unknown"
    PRODUCT_UNKNOWN = "product_unknown"
    SUPPLIER_UNKNOWN = "supplier_unknown"
    CERTIFICATE_UNKNOWN = "certificate_unknown"


UNKNOWN = frozenset({Code.SPECIFICATION_UNKNOWN, Code.PRODUCT_UNKNOWN, Code.SUPPLIER_UNKNOWN, Code.CERTIFICATE_UNKNOWN})
"""The catalogue cannot say."""
_WORTH = {code: place for place, code in enumerate(Code)}


@dataclass(frozen=True, slots=True)
class Question:
    """What a verifier asks of one subject: a product, a supplier (an organisation number; in a role, an adviser) or the
    subject of a certificate. What is None is not asked about, but for the profile: then it is all requirements."""

    on: date
    product: str | None = None
    supplier: str | None = None
    certificate: str | None = None
    role: str | None = None
    version: str | None = None
    specification: str | None = None
    specification_version: str | None = None
    profile: str | None = None
    delivery_form: str | None = None

    @property
    def subject(self) -> str:
        return self.product or self.supplier or self.certificate or ""


@dataclass(frozen=True, slots=True)
class Assurance:
    """Of the must requirements that are looked at: how many are met, or not relevant, by a third party's findings, and
    how many by the supplier's own word."""

    musts: int
    third_party: int
    self_declared: int


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate of the subject. `profiles`: those that its version of the specification has. `serves_from_on`:
    since when it serves whoever is asked about, if it was granted to someone before it. `holder_ends_on`: the last day
    of a certified firm that nobody continues."""

    number: str
    subject_kind: SubjectKind
    product: str | None
    holder: str | None
    role: str | None
    specification: str
    specification_version: str
    profile: str | None
    profiles: Collection[str]
    history: History
    assurance: Assurance
    serves_from_on: date | None = None
    holder_ends_on: date | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """`certificate` decided; `standing` is its own on the day."""

    verdict: Verdict
    code: Code
    reasons: list[dict[str, str]]
    certificate: Held | None = None
    standing: Standing | None = None


def concerns(question: Question, specification: str, specification_version: str) -> bool:
    """Whether a certificate against this version of a specification is one of those asked about."""
    return question.specification in (None, specification) and question.specification_version in (
        None,
        specification_version,
    )


def unknown(question: Question, code: Code) -> Finding:
    return Finding(Verdict.UNKNOWN, code, [_text(_TEXTS[code], question)])


def verify(question: Question, held: Iterable[Held]) -> Finding:
    """Of the certificates that are asked about, the one that serves the question best decides; each thing that is wrong
    with it is a reason. Everything recorded counts."""
    best: tuple[tuple[int, int, str], list[Code], Held, Standing] | None = None
    for one in held:
        judged = judge(question, one)
        if judged is None or not concerns(question, one.specification, one.specification_version):
            continue
        codes, stands = judged
        rank = (_WORTH[codes[0]], -one.history.validity.from_on.toordinal(), one.number)
        if best is None or rank < best[0]:
            best = rank, codes, one, stands
    if best is None:
        return Finding(Verdict.NOT_VALID, Code.NO_CERTIFICATE, [_text(_TEXTS[Code.NO_CERTIFICATE], question)])
    _, codes, one, stands = best
    verdict = Verdict.VALID if codes[0] is Code.CERTIFIED else Verdict.NOT_VALID
    return Finding(verdict, codes[0], [_text(_TEXTS[code], question, one, stands) for code in codes], one, stands)


def judge(question: Question, held: Held) -> tuple[list[Code], Standing] | None:
    """All that is wrong with one certificate on the day, or that nothing is; None when there is none yet. What it does
    not cover weighs more than its status: it would not serve the question on any day."""
    if held.serves_from_on is not None and question.on < held.serves_from_on:
        return None
    stands = certification.standing(held.history, question.on, ALL_RECORDED)
    if stands is None:
        return None
    codes = []
    if question.role is not None and question.role != held.role:
        codes.append(Code.ROLE_NOT_COVERED)
    if not _covers_profile(question, held):
        codes.append(Code.PROFILE_NOT_COVERED)
    scope = stands.scope
    if question.version is not None and not (scope.every_version or scope.covers_version(question.version)):
        codes.append(Code.VERSION_NOT_COVERED)
    if question.delivery_form is not None and question.delivery_form not in scope.delivery_forms:
        codes.append(Code.DELIVERY_FORM_NOT_COVERED)
    if held.holder_ends_on is not None and question.on > held.holder_ends_on:
        codes.append(Code.HOLDER_ENDED)
    if stands.status is not Status.VALID:
        codes.append(Code(stands.status.value))
    return codes or [Code.CERTIFIED], stands


def _covers_profile(question: Question, held: Held) -> bool:
    """Who has been found to meet all requirements meets those of each profile; never the other way round. Who asks
    about one certificate has chosen its profile."""
    if question.profile is None:
        return held.profile is None or question.certificate is not None
    return question.profile == held.profile or (held.profile is None and question.profile in held.profiles)


# ---- Words


def remark_text(remark: Remark, number: str, to_on: date) -> dict[str, str]:
    """A remark in nb, nn and en."""
    return {language: text.format(number=number, to_on=to_on) for language, text in _REMARKS[remark].items()}


def _text(
    texts: dict[str, str], question: Question, held: Held | None = None, stands: Standing | None = None
) -> dict[str, str]:
    subject = (held.product or held.holder) if held else None
    words = {
        "subject": subject or question.subject,
        "version": question.version,
        "specification": question.specification,
        "delivery_form": question.delivery_form,
        "profile": (question.profile or (held.profile if held else None)),
        "role": question.role,
        "on": question.on,
        "number": held.number if held else question.certificate,
    }
    if held and stands:
        words |= {"from_on": stands.validity.from_on, "to_on": stands.validity.to_on, "ended_on": held.holder_ends_on}
    return {language: text.format(**words) for language, text in texts.items()}


_TEXTS = {
    Code.CERTIFIED: {
        "nb": "{subject} er sertifisert {on} ({number}).",
        "nn": "{subject} er sertifisert {on} ({number}).",
        "en": "{subject} is certified on {on} ({number}).",
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
    Code.RELINQUISHED_UNDER_INVESTIGATION: {
        "nb": "Leverandøren sa fra seg sertifikatet {number} mens et avvik ble fulgt opp.",
        "nn": "Leverandøren sa frå seg sertifikatet {number} medan eit avvik vart følgt opp.",
        "en": "The supplier gave up certificate {number} while a non-conformity was being followed up.",
    },
    Code.RELINQUISHED: {
        "nb": "Leverandøren har sagt fra seg sertifikatet {number}.",
        "nn": "Leverandøren har sagt frå seg sertifikatet {number}.",
        "en": "The supplier has given up certificate {number}.",
    },
    Code.SUPERSEDED: {
        "nb": "Sertifikatet {number} er erstattet av et nytt.",
        "nn": "Sertifikatet {number} er erstatta av eit nytt.",
        "en": "Certificate {number} has been superseded by a new one.",
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
    Code.HOLDER_ENDED: {
        "nb": "{subject}, som sertifikatet {number} gjelder, opphørte {ended_on}.",
        "nn": "{subject}, som sertifikatet {number} gjeld, vart avvikla {ended_on}.",
        "en": "{subject}, which certificate {number} is about, ceased to exist on {ended_on}.",
    },
    Code.DELIVERY_FORM_NOT_COVERED: {
        "nb": "Sertifikatet {number} dekker ikke leveranseformen {delivery_form}.",
        "nn": "Sertifikatet {number} dekkjer ikkje leveranseforma {delivery_form}.",
        "en": "Certificate {number} does not cover the delivery form {delivery_form}.",
    },
    Code.VERSION_NOT_COVERED: {
        "nb": "Sertifikatet {number} dekker ikke versjon {version} av {subject}.",
        "nn": "Sertifikatet {number} dekkjer ikkje versjon {version} av {subject}.",
        "en": "Certificate {number} does not cover version {version} of {subject}.",
    },
    Code.PROFILE_NOT_COVERED: {
        "nb": "Det sertifikatet {number} gjelder, er en annen del av kravene enn det spørres etter (profil {profile}).",
        "nn": "Det sertifikatet {number} gjeld, er ein annan del av krava enn det er spurt etter (profil {profile}).",
        "en": "Certificate {number} is about another part of the requirements than asked for (profile {profile}).",
    },
    Code.ROLE_NOT_COVERED: {
        "nb": "Sertifikatet {number} gjelder ikke rollen {role}.",
        "nn": "Sertifikatet {number} gjeld ikkje rolla {role}.",
        "en": "Certificate {number} is not for the role {role}.",
    },
    Code.NO_CERTIFICATE: {
        "nb": "{subject} har ikke noe sertifikat som det spørres etter.",
        "nn": "{subject} har ikkje noko sertifikat som det er spurt etter.",
        "en": "{subject} has no certificate of the kind asked for.",
    },
    Code.SPECIFICATION_UNKNOWN: {
        "nb": "Katalogen kjenner ikke kravspesifikasjonen {specification}.",
        "nn": "Katalogen kjenner ikkje kravspesifikasjonen {specification}.",
        "en": "The catalogue does not know the specification {specification}.",
    },
    Code.PRODUCT_UNKNOWN: {
        "nb": "Katalogen kjenner ikke produktet {subject}.",
        "nn": "Katalogen kjenner ikkje produktet {subject}.",
        "en": "The catalogue does not know the product {subject}.",
    },
    Code.SUPPLIER_UNKNOWN: {
        "nb": "Katalogen kjenner ingen organisasjon med nummeret {subject}.",
        "nn": "Katalogen kjenner ingen organisasjon med nummeret {subject}.",
        "en": "The catalogue knows no organisation with the number {subject}.",
    },
    Code.CERTIFICATE_UNKNOWN: {
        "nb": "Det finnes ikke noe sertifikat med nummeret {number}.",
        "nn": "Det finst ikkje noko sertifikat med nummeret {number}.",
        "en": "There is no certificate with the number {number}.",
    },
}
_REMARKS = {
    Remark.WITH_CONDITIONS: {
        "nb": "Sertifikatet {number} er gitt med vilkår som ikke er oppfylt ennå, og fristen løper.",
        "nn": "Sertifikatet {number} er gjeve med vilkår som ikkje er oppfylte enno, og fristen går.",
        "en": "Certificate {number} has conditions that are not met yet; their deadline runs.",
    },
    Remark.WITH_DISPENSATION: {
        "nb": "Det er gitt midlertidig dispensasjon fra et må-krav i sertifikatet {number}.",
        "nn": "Det er gjeve mellombels dispensasjon frå eit må-krav i sertifikatet {number}.",
        "en": "A must requirement is dispensed with for a time in certificate {number}.",
    },
    Remark.WITH_NON_CONFORMITY: {
        "nb": "Et avvik ved sertifikatet {number} følges opp.",
        "nn": "Eit avvik ved sertifikatet {number} blir følgt opp.",
        "en": "A non-conformity about certificate {number} is being followed up.",
    },
    Remark.EXPIRES_SOON: {
        "nb": "Sertifikatet {number} utløper snart: {to_on}.",
        "nn": "Sertifikatet {number} går snart ut: {to_on}.",
        "en": "Certificate {number} expires soon: {to_on}.",
    },
    Remark.NOT_RECENTLY_VERIFIED: {
        "nb": "Et av resultatene bak sertifikatet {number} er eldre enn det skal være.",
        "nn": "Eit av resultata bak sertifikatet {number} er eldre enn det skal vere.",
        "en": "One of the results behind certificate {number} is older than its lifetime.",
    },
    Remark.SPECIFICATION_WARNED: {
        "nb": "Den versjonen av kravene som sertifikatet {number} gjelder, er varslet utfaset.",
        "nn": "Den versjonen av krava som sertifikatet {number} gjeld, er varsla utfasa.",
        "en": "The version of the requirements that certificate {number} is against is going to end.",
    },
    Remark.SPECIFICATION_ENDED: {
        "nb": "Den versjonen av kravene som sertifikatet {number} gjelder, er utgått.",
        "nn": "Den versjonen av krava som sertifikatet {number} gjeld, er gått ut.",
        "en": "The version of the requirements that certificate {number} is against has ended.",
    },
    Remark.SPECIFICATION_SUPERSEDED: {
        "nb": "Det finnes en nyere versjon av kravene enn den sertifikatet {number} gjelder.",
        "nn": "Det finst ein nyare versjon av krava enn den sertifikatet {number} gjeld.",
        "en": "There is a newer version of the requirements than the one certificate {number} is against.",
    },
}
