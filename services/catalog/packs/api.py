"""The procurement pack over HTTP, as JSON and as a document."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Header, Query, Response
from pydantic import AwareDatetime, Field
from sqlmodel import Session

from services.catalog.certificates import rules as certification
from services.catalog.certificates import store as certificates
from services.catalog.certificates.shapes import Versions, wire_versions
from services.catalog.derivations import store as derivations
from services.catalog.packs import document, rules
from services.catalog.requirements.rules import Method, Obligation
from services.catalog.specifications import rules as specification_rules
from services.catalog.specifications import shapes
from services.catalog.specifications import store as specifications
from services.catalog.specifications.shapes import SpecificationSlug
from services.chassis import clock, view
from services.chassis.app import new_router
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.problems import Invalid
from services.chassis.values import Instant, Out, TextOut

router = new_router("/specifications/{slug}", "Specifications")
PDF = "application/pdf"


class PackFromFuture(Invalid):
    """What will be known cannot be told."""


class Asked(view.Viewed):
    version: str | None = Field(
        default=None, min_length=1, max_length=40, description="Its label; if left out the newest in force on the day"
    )
    on: date | None = Field(default=None, description="The day that the pack is of; today if left out")
    known_at: AwareDatetime | None = Field(
        default=None,
        description="As known at this instant: what was recorded later does not count. Give the `known_at` of a pack "
        "to ask the same again",
    )


class PackRequirement(Out):
    id: str
    obligation: Obligation = Field(description="must (må), should (bør) or may (kan)")
    text: TextOut
    applies_to: TextOut | None = Field(description="To whom or when it applies (gjelder for)")
    verification: TextOut | None
    method: Method | None
    clause: shapes.Clause | None
    comment: TextOut | None


class Certified(Out):
    """A product with a certificate that is valid on the day."""

    certificate: str
    product: str
    product_name: TextOut
    supplier: str
    supplier_number: str | None
    specification: str
    specification_version: str
    versions: Versions
    delivery_forms: list[str]
    valid_from_on: date
    valid_to_on: date


class CertifiedElsewhere(Certified):
    """The same against the specification that this one is derived from."""

    not_covered: list[str] = Field(description="The requirements here that such a certificate says nothing of")


class Excluded(Certified):
    """A product whose certificate does not count: it is not valid on the day, or is against another version."""

    status: certification.Status
    why: TextOut


class Left(Out):
    id: str
    obligation: Obligation
    text: TextOut
    reason: str | None


class DerivedFrom(Out):
    """What a derived specification makes of its source."""

    specification: str
    version: str
    name: TextOut
    unchanged: int
    changed: list[str]
    added: list[str]
    left_out: list[Left]


class ProcurementPack(Out):
    """A dated, citable extract of a specification."""

    specification: str
    name: TextOut
    owner: str | None = Field(description="Null: the catalogue's editors")
    level: shapes.Level | None
    version: str
    status: specification_rules.Status
    effective_on: date | None
    ended_on: date | None
    on: date
    derived_from: DerivedFrom | None
    musts: int
    shoulds: int
    mays: int
    requirements: list[PackRequirement]
    certified: list[Certified]
    certified_against_source: list[CertifiedElsewhere]
    excluded: list[Excluded]
    sha256: str = Field(
        description="Over all of this but `sha256`, `citation` and `known_at`, as JSON with sorted keys, without space "
        "between, in UTF-8: two packs with the same hash say the same"
    )
    citation: TextOut
    known_at: Instant


@router.get(
    "/procurement-pack",
    summary="Get the procurement pack of a specification",
    response_model=ProcurementPack,
    openapi_extra=example(query={"on": "2026-10-01"}),
    responses={200: {"content": {PDF: {"schema": {"type": "string", "format": "binary"}}}}},
)
def pack(
    slug: SpecificationSlug,
    asked: Annotated[Asked, Query()],
    reader: ReaderDep,
    response: Response,
    accept: Annotated[str, Header(description=f"`application/json`, or `{PDF}` for a document")] = "application/json",
) -> Any:
    """What to put into a tender: the requirements of a version, word for word, and which products are certified against
    it on a day; which are not, and why. Of a derived specification it tells what it is derived from and how it differs,
    and which products are certified against the source. Cite it with `citation`: whoever asks again with the same `on`
    and `known_at` sees by the hash whether it says the same. As a document (`Accept: application/pdf`) it is a PDF for
    archives and screen readers, in `language` nb, nn or en."""
    now = clock.now()
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as exact as it is told
    known_at = asked.known_at or now
    if known_at > now:
        raise PackFromFuture(pointer="?known_at")
    result = _pack(reader, slug, asked.version, asked.on or clock.on(now), known_at)
    response.headers["Vary"] = "Accept"
    if not _prefers_pdf(accept):
        return view.answer(asked.view(), result, response)
    language = asked.language if asked.language in rules.LANGUAGES else "nb"
    return Response(
        document.pdf(result.model_dump(mode="json"), result.on, language),
        media_type=PDF,
        headers={
            "Vary": "Accept",
            "Content-Language": language,
            "Content-Disposition": f'inline; filename="{slug}-{result.version}-{result.on}.pdf"',
        },
    )


def _prefers_pdf(accept: str) -> bool:
    """Whether PDF has the greater weight (RFC 9110 12.5.1); JSON when both have the same."""
    weights = {PDF: 0.0, "application/json": 0.0}
    for one in accept.split(","):
        kind, *parameters = (part.strip().lower() for part in one.split(";"))
        if kind in weights:
            given = [part[2:] for part in parameters if part.startswith("q=")]
            weights[kind] = float(given[0]) if given and given[0].replace(".", "", 1).isdecimal() else 1.0
    return weights[PDF] > weights["application/json"]


def _pack(session: Session, slug: str, label: str | None, on: date, known_at: datetime) -> ProcurementPack:
    row = specifications.by_slug(session, slug)
    versions = {one.label: one.known_at(known_at) for one in specifications.versions(session, [row.id])[row.id]}
    label = rules.chosen({label: one.timeline for label, one in versions.items()}, label, on)
    version = versions[label]
    contents = specifications.requirements(session, version.id)
    derived = derivations.read(session, row, version)
    sources = {one.id for one in versions.values()} | ({derived.base.id} if derived else set())
    against = certificates.against(session, sorted(sources))
    states = {
        one.number: stands
        for one in against
        if (stands := certification.standing(certificates.history_of(one), on, known_at))
    }
    against = [one for one in against if one.number in states]
    valid = [one for one in against if states[one.number].status is certification.Status.VALID]
    direct = [one for one in valid if (one.specification, one.specification_version) == (slug, label)]
    requirements = [PackRequirement.model_validate(shapes.requirement(one)) for one in contents]
    same = [one.says.id for one in derived.deviations().same] if derived else []
    owners = specifications.owners(session, [row.owner_id])
    count = {one: sum(content.obligation is one for content in contents) for one in Obligation}
    result = ProcurementPack(
        specification=slug,
        name=row.name,
        owner=owners[row.owner_id][1] if row.owner_id else None,
        level=row.level,
        version=version.label,
        status=version.timeline.status(on),
        effective_on=version.effective_on,
        ended_on=version.ended_on,
        on=on,
        derived_from=_derived(derived) if derived else None,
        musts=count[Obligation.MUST],
        shoulds=count[Obligation.SHOULD],
        mays=count[Obligation.MAY],
        requirements=requirements,
        certified=[Certified.model_validate(_certified(one, states[one.number])) for one in direct],
        certified_against_source=[
            CertifiedElsewhere.model_validate(
                {**_certified(one, states[one.number]), "not_covered": rules.not_covered(requirements, same)}
            )
            for one in valid
            if one.specification != slug
        ],
        excluded=[
            Excluded.model_validate({**_certified(one, states[one.number]), "status": status, "why": why})
            for one in against
            if (status := states[one.number].status)
            and (
                why := rules.why_not(
                    status, one.specification_version, counts=one in direct or one.specification != slug
                )
            )
        ],
        sha256="",
        citation={},
        known_at=known_at,
    )
    content = result.model_dump(mode="json", exclude={"sha256", "citation", "known_at"})
    result.sha256 = rules.fingerprint(content)
    result.citation = rules.citation(
        owner=result.owner,
        name=row.name,
        version=version.label,
        effective_on=version.effective_on,
        on=on,
        path=f"/specifications/{slug}/procurement-pack?version={version.label}&on={on}",
        sha256=result.sha256,
    )
    return result


def _derived(derived: derivations.Derived) -> DerivedFrom:
    found = derived.deviations()
    return DerivedFrom(
        specification=derived.source.slug,
        version=derived.base.label,
        name=derived.source.name,
        unchanged=len(found.same),
        changed=[ours.says.id for ours, _, _ in found.changed],
        added=[one.says.id for one in found.added],
        left_out=[
            Left(id=one.id, obligation=one.obligation, text=one.text, reason=derived.reason(one.id))
            for one in found.left
        ],
    )


def _certified(one: Any, stands: certification.Standing) -> dict[str, Any]:
    return {
        "certificate": one.number,
        "product": one.product,
        "product_name": one.product_name,
        "supplier": one.supplier_name,
        "supplier_number": one.supplier_number,
        "specification": one.specification,
        "specification_version": one.specification_version,
        "versions": wire_versions(stands.scope),
        "delivery_forms": stands.scope.delivery_forms,
        "valid_from_on": stands.validity.from_on,
        "valid_to_on": stands.validity.to_on,
    }
