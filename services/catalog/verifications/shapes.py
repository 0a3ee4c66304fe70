"""The wire shapes of verification: a question, and its answer."""

from datetime import date
from typing import Any, Self

from pydantic import Field, SkipValidation, model_validator
from pydantic_core import PydanticCustomError

from services.catalog.certificates import rules as certification
from services.catalog.certificates import shapes as certificates
from services.catalog.certificates.shapes import VersionLabel
from services.catalog.products.rules import DeliveryForm
from services.catalog.verifications import rules
from services.chassis.values import In, Instant, OrganisationNumber, Out, Slug, TextOut

MOST_QUESTIONS = 500


class Question(In):
    """About exactly one of a product, a certificate and a supplier."""

    product: Slug | None = Field(default=None, description="By its name in addresses", examples=["fjordvakt-alarm"])
    certificate: str | None = Field(
        default=None,
        pattern=r"^[A-Z0-9-]{1,20}$",
        description="By its number; what it certifies is asked about",
        examples=["SV-2026-000001"],
    )
    supplier: OrganisationNumber | None = Field(
        default=None, description="A certified firm, supplier or adviser, by its organisation number"
    )
    role: Slug | None = Field(default=None, description="Of an adviser; any if left out. Only with `supplier`")
    version: VersionLabel | None = Field(default=None, description="Of the product; its current one if left out")
    specification: Slug | None = Field(default=None, description="Any specification if left out")
    specification_version: VersionLabel | None = Field(default=None, description="Any version of it if left out")
    profile: Slug | None = Field(
        default=None,
        description="The part of the requirements that matters; if left out all of them do, and a certificate for a "
        "part is not enough unless it is asked for by its number",
    )
    delivery_form: DeliveryForm | None = Field(default=None, description="Any form if left out")
    on: date | None = Field(
        default=None,
        description="The day that it must be certified on, past or to come, as everything recorded by now says; today "
        "if left out",
        examples=["2027-03-01"],
    )

    @model_validator(mode="after")
    def _about_one(self) -> Self:
        if sum(one is not None for one in (self.product, self.certificate, self.supplier)) != 1:
            raise PydanticCustomError("subject", "Ask about exactly one of product, certificate and supplier.")
        if self.role is not None and self.supplier is None:
            raise PydanticCustomError("role", "Only a supplier is asked about in a role.")
        if self.supplier is not None and (self.version is not None or self.delivery_form is not None):
            raise PydanticCustomError("form", "A supplier is certified in no version and no delivery form.")
        return self


class Remark(Out):
    """What one has to know besides."""

    code: certification.Remark
    text: TextOut


class Assurance(Out):
    """Of the must requirements that were looked at, how many are met, or not relevant, by whose word."""

    musts: int = Field(description="How many were looked at")
    third_party: int = Field(description="By the findings of somebody else than the supplier")
    self_declared: int = Field(description="By the supplier's own word")


class VerifiedBy(Out):
    """The certificate that decided, as it is on the day."""

    number: certificates.Number
    subject_kind: certification.SubjectKind
    product: str | None
    holder: str | None = Field(description="The certified firm's organisation number; null for a product")
    role: str | None
    status: certification.Status
    specification: str
    specification_version: str
    profile: str | None = Field(description="The part of the requirements that it is about; null: all")
    versions: certificates.Versions
    delivery_forms: list[DeliveryForm]
    valid_from_on: date
    valid_to_on: date = Field(description="The last day")
    revision: int
    assurance: Assurance


class Answer(Out):
    """What is certified; the same bytes for as long as it is so."""

    verdict: rules.Verdict = Field(description="`unknown` is not `valid`: treat it as no answer")
    code: rules.Code
    reasons: list[TextOut] = Field(description="The first is that of `code`; each thing that is wrong has its own")
    remarks: list[Remark] = Field(description="A valid certificate may have some as well")
    certificate: VerifiedBy | None
    product: str | None
    supplier: str | None = Field(description="An organisation number")
    on: date


class Verdict(Answer):
    checked_at: Instant


class Refused(Out):
    """A question that could not be read; the others are answered."""

    problem: dict[str, Any] = Field(description="A problem (RFC 9457), with pointers into the whole request")


class Questions(In):
    questions: list[SkipValidation[Question]] = Field(min_length=1, max_length=MOST_QUESTIONS)


class Answers(Out):
    checked_at: Instant
    answers: list[Answer | Refused] = Field(description="In the order of the questions")


def wire(question: rules.Question, finding: rules.Finding) -> dict[str, Any]:
    best, stands = finding.certificate, finding.standing
    answer: dict[str, Any] = {
        "verdict": finding.verdict,
        "code": finding.code,
        "reasons": finding.reasons,
        "remarks": [],
        "certificate": None,
        "product": question.product,
        "supplier": question.supplier,
        "on": question.on,
    }
    if best is None or stands is None:
        return answer
    answer["product"] = question.product or best.product
    answer["supplier"] = question.supplier or best.holder
    answer["remarks"] = [
        {"code": one, "text": rules.remark_text(one, best.number, stands.validity.to_on)} for one in stands.remarks
    ]
    answer["certificate"] = {
        "number": best.number,
        "subject_kind": best.subject_kind,
        "product": best.product,
        "holder": best.holder,
        "role": best.role,
        "status": stands.status,
        "specification": best.specification,
        "specification_version": best.specification_version,
        "profile": best.profile,
        "versions": certificates.wire_versions(stands.scope),
        "delivery_forms": stands.scope.delivery_forms,
        "valid_from_on": stands.validity.from_on,
        "valid_to_on": stands.validity.to_on,
        "revision": stands.revision,
        "assurance": best.assurance,
    }
    return answer
