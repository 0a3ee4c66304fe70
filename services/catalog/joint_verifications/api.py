"""Joint verifications over HTTP."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.certificates import rules as certification
from services.catalog.certificates.shapes import VersionLabel
from services.catalog.joint_verifications import rules, store
from services.catalog.products.rules import DeliveryForm
from services.catalog.profiles import store as profiles
from services.catalog.specifications import store as specifications
from services.catalog.specifications.rules import Obligation
from services.catalog.verifications import rules as verification
from services.chassis import clock
from services.chassis.app import new_router
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.problems import Invalid, refuse
from services.chassis.values import In, Instant, Out, Slug, TextOut

router = new_router("/verify", "Verification")

MOST_PRODUCTS = 20


class ProductRepeated(Invalid):
    """A product stands twice."""


class AskedProduct(In):
    product: Slug
    version: VersionLabel | None = Field(default=None, description="Its current one if left out")
    delivery_form: DeliveryForm | None = Field(default=None, description="Any form if left out")


class JointQuestion(In):
    """Do these products together meet a specification?"""

    products: Annotated[list[AskedProduct], Field(min_length=1, max_length=MOST_PRODUCTS)]
    specification: Slug
    specification_version: VersionLabel | None = Field(
        default=None, description="The newest version in force on the day if left out"
    )
    profile: Slug | None = Field(default=None, description="Only this part of the requirements; all if left out")
    on: date | None = Field(default=None, description="Today if left out")


class JointProduct(Out):
    """A product of the set, with its certificates that hold for what was asked: their findings count."""

    product: str
    version: str | None
    delivery_form: DeliveryForm | None
    known: bool = Field(description="False: the catalogue has no such product")
    certificates: list[str] = Field(description="Numbers; against any version of the specification")


class JointProof(Out):
    product: str
    certificate: str
    outcome: certification.Outcome
    assurance: certification.Assurance


class JointLine(Out):
    """A must requirement, and which product answers for it."""

    requirement: str
    text: TextOut
    covered: bool
    by: list[JointProof] = Field(description="What was found about it, what covers it first")


class JointVerdict(Out):
    verdict: verification.Verdict = Field(description="`unknown` is not `valid`: treat it as no answer")
    code: rules.Code
    reasons: list[TextOut] = Field(description="One for each gap, or for whatever is unknown")
    specification: str
    specification_version: str | None
    profile: str | None
    on: date
    products: list[JointProduct]
    requirements: list[JointLine] = Field(description="The must requirements in the specification's order")
    gaps: list[str] = Field(description="The requirements that nothing covers")
    checked_at: Instant


@router.post(
    "/set",
    summary="Do these products together meet a specification?",
    openapi_extra=example(
        body={
            "products": [{"product": "fjordvakt-alarm"}, {"product": "nordlys-alarm", "delivery_form": "saas"}],
            "specification": "velferdsteknologi-datautveksling",
            "on": "2027-03-01",
        }
    ),
)
def verify_set(asked: JointQuestion, reader: ReaderDep, response: Response) -> JointVerdict:
    """Open to all. `valid` when each must requirement of the version (or of the profile) is met by a certificate of at
    least one product, in the version and delivery form asked for, on the day. The finding may be in a certificate
    against another version of the specification, as an id never comes to mean something else. What is not relevant to
    one product and not met by another is a gap. Nothing is certified by the answer: it holds for one second."""
    now = clock.now()
    on = asked.on or clock.on(now)
    slugs = [one.product for one in asked.products]
    refuse(
        ProductRepeated(slug, pointer=f"#/products/{place}/product")
        for place, slug in enumerate(slugs)
        if slug in slugs[:place]
    )
    response.headers["Cache-Control"] = "max-age=1"
    answer = JointVerdict(
        verdict=verification.Verdict.UNKNOWN,
        code=rules.Code.SPECIFICATION_UNKNOWN,
        reasons=[],
        specification=asked.specification,
        specification_version=asked.specification_version,
        profile=asked.profile,
        on=on,
        products=[],
        requirements=[],
        gaps=[],
        checked_at=now,
    )
    specification = specifications.find(reader, asked.specification)
    if specification is None:
        return _unknown(answer, rules.Code.SPECIFICATION_UNKNOWN)
    version = _version(reader, specification, asked.specification_version, on)
    if version is None:
        return _unknown(answer, rules.Code.VERSION_UNKNOWN)
    answer.specification_version = version.label
    musts = [one for one in specifications.requirements(reader, version.id) if one.obligation is Obligation.MUST]
    if asked.profile is not None:
        wanted = set(profiles.requirement_ids(reader, version.id, asked.profile))
        if not wanted:
            return _unknown(answer, rules.Code.PROFILE_UNKNOWN)
        musts = [one for one in musts if one.id in wanted]
    return _answered(reader, answer, asked.products, specification.id, musts)


def _version(
    reader: Session, specification: specifications.Specification, label: str | None, on: date
) -> specifications.Version | None:
    """The version asked for, published by now, or the newest in force."""
    known = specifications.versions(reader, [specification.id])[specification.id]
    if label is not None:
        return next((one for one in known if one.label == label and one.effective_on), None)
    return next((one for one in reversed(known) if one.timeline.in_force(on)), None)


def _answered(
    reader: Session,
    answer: JointVerdict,
    asked: Sequence[AskedProduct],
    specification_id: int,
    musts: Sequence[specifications.Content],
) -> JointVerdict:
    known = store.products(reader, [one.product for one in asked], specification_id)
    serving = [
        (key, held.number, one.product)
        for one in asked
        for key, held in (known[one.product].held if one.product in known else ())
        if _serves(one, known[one.product], held, answer.on)
    ]
    found = rules.lines([one.id for one in musts], store.proofs(reader, serving, [one.id for one in musts]))
    numbers = store.by_product(serving)
    answer.products = [
        JointProduct(
            product=one.product,
            version=one.version or (known[one.product].current_version if one.product in known else None),
            delivery_form=one.delivery_form,
            known=one.product in known,
            certificates=numbers.get(one.product, []),
        )
        for one in asked
    ]
    answer.requirements = [
        JointLine(
            requirement=must.code,
            text=must.says.text,
            covered=line.covered,
            by=[JointProof.model_validate(proof) for proof in line.proofs],
        )
        for must, line in zip(musts, found, strict=True)
    ]
    answer.gaps = [one.requirement for one in answer.requirements if not one.covered]
    unknown = [one.product for one in answer.products if not one.known]
    answer.verdict, answer.code = rules.decide(found, unknown)
    words = {"specification": answer.specification, "version": answer.specification_version, "on": answer.on}
    match answer.code:
        case rules.Code.PRODUCT_UNKNOWN:
            answer.reasons = [rules.text(answer.code, product=one) for one in unknown]
        case rules.Code.GAPS:
            answer.reasons = [rules.text(answer.code, requirement=one, **words) for one in answer.gaps]
        case _:
            answer.reasons = [rules.text(answer.code, **words)]
    return answer


def _serves(asked: AskedProduct, known: store.Known, held: verification.Held, on: date) -> bool:
    """Whether a certificate, of whatever profile, holds for the product as it is asked about."""
    question = verification.Question(
        on,
        product=asked.product,
        version=asked.version or known.current_version,
        delivery_form=asked.delivery_form,
        profile=held.profile,
    )
    judged = verification.judge(question, held)
    return judged is not None and judged[0] == [verification.Code.CERTIFIED]


def _unknown(answer: JointVerdict, code: rules.Code) -> JointVerdict:
    answer.code = code
    words = {"specification": answer.specification, "version": answer.specification_version}
    answer.reasons = [rules.text(code, **words, profile=answer.profile, on=answer.on)]
    return answer
