"""The difference between two versions over HTTP."""

from datetime import date
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import Field

from services.catalog.amendments import rules
from services.catalog.certificates import rules as certification
from services.catalog.certificates import store as certificates
from services.catalog.requirements.rules import Requirement
from services.catalog.specifications import rules as specification_rules
from services.catalog.specifications import store as specifications
from services.catalog.specifications.shapes import SpecificationSlug
from services.chassis import clock, view
from services.chassis.app import new_router
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.problems import Invalid, refuse
from services.chassis.values import Out, TextOut
from services.chassis.view import Viewed

router = new_router("/specifications/{slug}", "Specifications")


class VersionUnknown(Invalid):
    """The specification has no such version."""


class Compared(Viewed):
    from_: str = Field(alias="from", min_length=1, max_length=40, description="The earlier version's label")
    to: str = Field(min_length=1, max_length=40, description="The later version's label")
    on: date | None = Field(default=None, description="The day whose certificates are looked at; today if left out")


class RequirementNamed(Out):
    id: str
    obligation: specification_rules.Obligation
    text: TextOut


class Changed(Out):
    """A requirement that another took the place of."""

    before: str = Field(description="Its id before")
    after: str = Field(description="Its id now")
    obligation_before: specification_rules.Obligation
    obligation: specification_rules.Obligation
    text_before: TextOut
    text: TextOut
    fields: list[str] = Field(description="What is not the same")


class Affected(Out):
    """A product that is certified against the earlier version."""

    certificate: str
    product: str
    product_name: TextOut
    supplier: str
    valid_to_on: date


class Amendments(Out):
    specification: str
    from_version: str
    to_version: str
    new: list[RequirementNamed]
    changed: list[Changed]
    dropped: list[RequirementNamed]
    unchanged: int
    affected: list[Affected] = Field(description="Products with a certificate in force against the earlier version")
    affected_on: date


@router.get(
    "/diff",
    summary="Compare two versions of a specification",
    response_model=Amendments,
    openapi_extra=example(query={"from": "1.0", "to": "1.1"}),
)
def diff(
    slug: SpecificationSlug,
    asked: Annotated[Compared, Query()],
    reader: ReaderDep,
    response: Response,
    today: clock.TodayDep,
) -> Any:
    """Which requirements are new, changed (which id took the place of which) and dropped, and which certified products
    must be looked at again. A certificate stays what it is: it is held to the version that it names."""
    row = specifications.by_slug(reader, slug)
    several = {one.label: one for one in specifications.versions(reader, [row.id])[row.id]}
    refuse(
        VersionUnknown(f"There is no {label!r}.", pointer=f"?{name}")
        for name, label in (("from", asked.from_), ("to", asked.to))
        if label not in several
    )
    before, after = several[asked.from_], several[asked.to]
    contents = specifications.contents(reader, [before.id, after.id])
    replaced = {code: one.replaces for code, one in specifications.codes(reader, row.id).items() if one.replaces}
    found = rules.compare([one.says for one in contents[before.id]], [one.says for one in contents[after.id]], replaced)
    on, now = asked.on or today, clock.now()
    result = Amendments(
        specification=slug,
        from_version=before.label,
        to_version=after.label,
        new=[named(one) for one in found.new],
        changed=[
            Changed(
                before=one.before.id,
                after=one.after.id,
                obligation_before=one.before.obligation,
                obligation=one.after.obligation,
                text_before=one.before.text,
                text=one.after.text,
                fields=list(one.fields),
            )
            for one in found.changed
        ],
        dropped=[named(one) for one in found.dropped],
        unchanged=found.unchanged,
        affected=[
            Affected(
                certificate=held.number,
                product=held.product,
                product_name=held.product_name,
                supplier=held.supplier_name,
                valid_to_on=held.valid_to_on,
            )
            for held in certificates.against(reader, [before.id])
            if certification.status_on(certificates.history_of(held), on, now) is certification.Status.VALID
        ],
        affected_on=on,
    )
    return view.answer(asked.view(), result, response)


def named(one: Requirement) -> RequirementNamed:
    return RequirementNamed(id=one.id, obligation=one.obligation, text=one.text)
