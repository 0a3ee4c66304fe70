"""Which step an application can take, who has to act by when, and what an application must hold to be submitted."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.catalog.schemes import rules as schemes
from services.catalog.schemes.rules import SubjectKind, Terms
from services.chassis.problems import Conflict, Forbidden, Invalid, Problem


class Status(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    INFORMATION_MISSING = "information_missing"
    UNDER_ASSESSMENT = "under_assessment"
    RECOMMENDED = "recommended"
    """Assessed, with a recommendation; nothing is decided yet."""
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    SUBMIT = "submit"
    REQUEST_INFORMATION = "request-information"
    BEGIN_ASSESSMENT = "begin-assessment"
    RECOMMEND = "recommend"
    RETURN = "return"
    """Back to the assessors, from whoever decides."""
    DECIDE = "decide"
    REOPEN = "reopen"
    """To be decided anew, since the decision was annulled."""
    WITHDRAW = "withdraw"


class EventKind(StrEnum):
    SUBMITTED = "submitted"
    INFORMATION_REQUESTED = "information_requested"
    ASSESSMENT_BEGUN = "assessment_begun"
    RECOMMENDED = "recommended"
    RETURNED = "returned"
    DECIDED = "decided"
    REOPENED = "reopened"
    WITHDRAWN = "withdrawn"


class Actor(StrEnum):
    """Whose turn it is."""

    APPLICANT = "applicant"
    ASSESSOR = "assessor"
    DECISION_MAKER = "decision_maker"


MOVES = {
    (Status.DRAFT, Step.SUBMIT): Status.SUBMITTED,
    (Status.SUBMITTED, Step.REQUEST_INFORMATION): Status.INFORMATION_MISSING,
    (Status.INFORMATION_MISSING, Step.SUBMIT): Status.SUBMITTED,
    (Status.SUBMITTED, Step.BEGIN_ASSESSMENT): Status.UNDER_ASSESSMENT,
    (Status.UNDER_ASSESSMENT, Step.RECOMMEND): Status.RECOMMENDED,
    (Status.RECOMMENDED, Step.RETURN): Status.UNDER_ASSESSMENT,
    (Status.RECOMMENDED, Step.DECIDE): Status.DECIDED,
    (Status.DECIDED, Step.REOPEN): Status.RECOMMENDED,
    (Status.DRAFT, Step.WITHDRAW): Status.WITHDRAWN,
    (Status.SUBMITTED, Step.WITHDRAW): Status.WITHDRAWN,
    (Status.INFORMATION_MISSING, Step.WITHDRAW): Status.WITHDRAWN,
    (Status.UNDER_ASSESSMENT, Step.WITHDRAW): Status.WITHDRAWN,
    (Status.RECOMMENDED, Step.WITHDRAW): Status.WITHDRAWN,
}
EVENTS = {
    Step.SUBMIT: EventKind.SUBMITTED,
    Step.REQUEST_INFORMATION: EventKind.INFORMATION_REQUESTED,
    Step.BEGIN_ASSESSMENT: EventKind.ASSESSMENT_BEGUN,
    Step.RECOMMEND: EventKind.RECOMMENDED,
    Step.RETURN: EventKind.RETURNED,
    Step.DECIDE: EventKind.DECIDED,
    Step.REOPEN: EventKind.REOPENED,
    Step.WITHDRAW: EventKind.WITHDRAWN,
}
STEPS = {kind: step for step, kind in EVENTS.items()}
PENDING = frozenset(Status) - {Status.DRAFT, Status.DECIDED, Status.WITHDRAWN}
"""Submitted, and not through yet."""
NEXT: Mapping[Status, tuple[Actor, Step]] = {
    Status.DRAFT: (Actor.APPLICANT, Step.SUBMIT),
    Status.SUBMITTED: (Actor.ASSESSOR, Step.BEGIN_ASSESSMENT),
    Status.INFORMATION_MISSING: (Actor.APPLICANT, Step.SUBMIT),
    Status.UNDER_ASSESSMENT: (Actor.ASSESSOR, Step.RECOMMEND),
    Status.RECOMMENDED: (Actor.DECISION_MAKER, Step.DECIDE),
}
"""Whose turn it is, and what the ordinary next step is; nobody's when it is decided or withdrawn."""
ASSESSING = frozenset({EventKind.ASSESSMENT_BEGUN, EventKind.RECOMMENDED})
"""Whoever does one of these is an assessor, and does not decide."""


class ApplicationStepRefused(Conflict):
    """The application cannot take this step from the state it is in."""


class ApplicationSubmitted(Conflict):
    """What has been submitted is no longer changed; answer a request for information, or withdraw it."""


class ApplicationRepeated(Conflict):
    """You already have an application under way for some of the same."""


class ApplicantInterested(Forbidden):
    """Whoever applies, or owns the component, does not handle the application."""


class NotYourProduct(Forbidden):
    """Only a product's supplier applies for its certification."""


class ApplicantNotSupplier(Forbidden):
    """Only registered suppliers apply."""


class SupplierSuspended(Conflict):
    """The supplier is suspended from the scheme; nothing can be submitted until that is lifted."""


class ReferenceUnknown(Invalid):
    """What the request refers to is not in the catalogue."""


class SubjectMismatch(Invalid):
    """The application does not fit what is to be certified.

    A product has versions and delivery forms; an adviser has a role; a supplier has neither.
    """


class SpecificationOfAnotherKind(Invalid):
    """The specification is for another kind of thing."""


class SpecificationNotInForce(Invalid):
    """The specification's version is not in force."""


class ProfileUnknown(Invalid):
    """The specification's version has no such profile."""


class DeliveryFormNotOffered(Invalid):
    """The product is not offered in this form."""


class ProductVersionUnknown(Invalid):
    """The product has no such version; register it first."""


class ProductVersionEnded(Invalid):
    """The product's version has reached the end of its life."""


class VersionRangeInvalid(Invalid):
    """A range of versions begins before it ends, and stands without a list of versions."""


class CertificateOfAnother(Invalid):
    """The certificate to renew or extend is not of this product or firm, and this specification."""


class AnswerMissing(Invalid):
    """A request for information is waiting for an answer."""


class AnswerMisplaced(Invalid):
    """Nothing was asked that could be answered."""


@dataclass(frozen=True)
class Versions:
    """Versions of a product, by the keys that sort them. `listed` None: all from `first` to `last`, open where None."""

    listed: frozenset[str] | None = None
    first: str | None = None
    last: str | None = None

    def include(self, key: str) -> bool:
        if self.listed is not None:
            return key in self.listed
        return (self.first is None or self.first <= key) and (self.last is None or key <= self.last)

    def meet(self, other: "Versions") -> bool:
        """Whether some version could be of both."""
        if self.listed is not None:
            return any(other.include(key) for key in self.listed)
        if other.listed is not None:
            return other.meet(self)
        return not (_before(self.last, other.first) or _before(other.last, self.first))


def _before(last: str | None, first: str | None) -> bool:
    return last is not None and first is not None and last < first


@dataclass(frozen=True)
class Scope:
    """What is applied for, apart from by whom."""

    product_id: int | None
    role: str | None
    specification_version_id: int
    profile: str | None
    versions: Versions
    delivery_forms: frozenset[str]

    def meets(self, other: "Scope") -> bool:
        """Whether two applications are, in part, for the same."""
        same = ("product_id", "role", "specification_version_id", "profile")
        if any(getattr(self, name) != getattr(other, name) for name in same):
            return False
        if self.product_id is None:
            return True
        return bool(self.delivery_forms & other.delivery_forms) and self.versions.meet(other.versions)


@dataclass(frozen=True)
class Sought:
    """An application as it was written."""

    kind: SubjectKind
    product: str | None
    role: str | None
    versions: Sequence[str] | None
    version_from: str | None
    version_to: str | None
    delivery_forms: Sequence[str]
    profile: str | None
    renews: str | None
    extends: str | None


@dataclass(frozen=True)
class Facts:
    """What the catalogue says today about what an application refers to."""

    certifies: SubjectKind
    in_force: bool
    profiles: Collection[str]
    offered_forms: Collection[str]
    product_versions: Mapping[str, tuple[str, date | None]]
    """Label → (the key that sorts it, the end of its life)."""
    certificates: Collection[str]
    """Numbers of those that could be renewed or extended."""
    suspended: bool
    today: date


def after(status: Status, step: Step) -> Status:
    """The state after a step; refused where it cannot be taken."""
    if (status, step) not in MOVES:
        raise ApplicationStepRefused(f"Cannot {step} an application that is {status}.", state=status)
    return MOVES[status, step]


def status_after(events: Collection[EventKind]) -> Status:
    """The state that events lead to, in their order."""
    status = Status.DRAFT
    for event in events:
        status = after(status, STEPS[event])
    return status


def due_on(status: Status, since_on: date, terms: Terms) -> date | None:
    """The last day for whoever's turn it is, in working days from the day that brought the application there."""
    days = {
        Status.SUBMITTED: terms.completeness_days,
        Status.INFORMATION_MISSING: terms.information_days,
        Status.UNDER_ASSESSMENT: terms.assessment_days,
        Status.RECOMMENDED: terms.decision_days,
    }.get(status)
    return schemes.after_working_days(since_on, days) if days else None


def check_shape(sought: Sought) -> list[Problem]:
    """What an application must hold for its kind, whatever the catalogue says; drafts as well."""
    found: list[Problem] = []
    of_product = sought.kind is SubjectKind.PRODUCT
    for name, value, wanted in (
        ("product", sought.product, of_product),
        ("delivery_forms", sought.delivery_forms, of_product),
        ("role", sought.role, sought.kind is SubjectKind.ADVISER),
    ):
        if bool(value) is not wanted:
            found.append(
                SubjectMismatch(
                    f"{sought.kind} applications {'need' if wanted else 'have no'} {name}.", pointer=f"#/{name}"
                )
            )
    ranged = sought.version_from is not None or sought.version_to is not None
    if not of_product:
        for name in ("versions", "version_from", "version_to"):
            if getattr(sought, name) is not None:
                found.append(SubjectMismatch(f"{sought.kind} applications have no {name}.", pointer=f"#/{name}"))
    elif ranged and sought.versions is not None:
        found.append(VersionRangeInvalid("Give versions, or a range, or neither for all.", pointer="#/versions"))
    if sought.renews and sought.extends:
        found.append(SubjectMismatch("It renews a certificate, or extends one.", pointer="#/extends"))
    return found


def check_references(sought: Sought, facts: Facts) -> list[Problem]:
    """What a draft refers to fits together; what changes from day to day is looked at when it is submitted."""
    found: list[Problem] = []
    if facts.certifies is not sought.kind:
        found.append(SpecificationOfAnotherKind(f"It certifies {facts.certifies}s.", pointer="#/specification"))
    if sought.profile and sought.profile not in facts.profiles:
        found.append(ProfileUnknown(f"There is no {sought.profile!r}.", pointer="#/profile"))
    for name in ("renews", "extends"):
        number = getattr(sought, name)
        if number and number not in facts.certificates:
            found.append(CertificateOfAnother(f"Not {number}.", pointer=f"#/{name}"))
    return found


def check_submission(sought: Sought, facts: Facts) -> list[Problem]:
    """Every reason why it cannot be submitted today."""
    found = check_shape(sought) + check_references(sought, facts)
    if facts.suspended:
        found.insert(0, SupplierSuspended())
    if not facts.in_force:
        found.append(SpecificationNotInForce(f"Not on {facts.today}.", pointer="#/specification_version"))
    found += [
        DeliveryFormNotOffered(form, pointer=f"#/delivery_forms/{place}")
        for place, form in enumerate(sought.delivery_forms)
        if form not in facts.offered_forms
    ]
    return found + _check_versions(sought, facts)


def _check_versions(sought: Sought, facts: Facts) -> list[Problem]:
    found: list[Problem] = []
    named = [(label, f"#/versions/{place}") for place, label in enumerate(sought.versions or ())]
    named += [(label, f"#/{name}") for name in ("version_from", "version_to") if (label := getattr(sought, name))]
    for label, pointer in named:
        if label not in facts.product_versions:
            found.append(ProductVersionUnknown(f"There is no {label!r}.", pointer=pointer))
            continue
        ends_on = facts.product_versions[label][1]
        if ends_on is not None and ends_on <= facts.today:
            found.append(ProductVersionEnded(f"{label} ended on {ends_on}.", pointer=pointer))
    ends = [facts.product_versions.get(label or "") for label in (sought.version_from, sought.version_to)]
    if ends[0] and ends[1] and ends[1][0] < ends[0][0]:
        found.append(VersionRangeInvalid(f"{sought.version_to} comes first.", pointer="#/version_to"))
    return found


def check_answer(status: Status, answer: str | None) -> list[Problem]:
    """Submitting again answers what was asked; the first time there is nothing to answer."""
    if status is Status.INFORMATION_MISSING and not answer:
        return [AnswerMissing(pointer="#/answer")]
    if status is Status.DRAFT and answer:
        return [AnswerMisplaced(pointer="#/answer")]
    return []


def check_handler(organisation: str, interested: Collection[str]) -> list[Problem]:
    """`organisation` handles an application: it is none of those that have an interest in it."""
    return [ApplicantInterested(f"{organisation} has an interest in it.")] if organisation in interested else []
