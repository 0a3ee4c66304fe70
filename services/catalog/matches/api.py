"""Matches over HTTP."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query
from pydantic import Field
from sqlmodel import Session

from services.catalog.certificates import rules as certification
from services.catalog.certificates import store as kept_certificates
from services.catalog.declarations.rules import Answer
from services.catalog.matches import rules, store
from services.catalog.needs import store as needs
from services.catalog.products import store as products
from services.catalog.specifications.rules import Obligation
from services.chassis import clock
from services.chassis.app import new_router
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.values import Out, TextOut, seed_id

router = new_router("/needs/{id}/matches", "Needs")

NeedId = Annotated[UUID, Path(description="The need's id", examples=[str(seed_id("need:trygghetstjeneste-helgeland"))])]


class Covered(Out):
    """How far one requirement is covered, in two columns that are never one."""

    specification: str
    requirement: str
    obligation: Obligation
    certified: rules.Coverage = Field(
        description="By certificates in force. Not relevant to the product is `not_covered`, not tested `unknown`"
    )
    certificate: str | None = Field(description="The certificate that says so")
    declared: rules.Coverage = Field(description="By its supplier's own word only")
    declaration: UUID | None
    same_as: list[str] = Field(
        description="Requirements that say the same, word for word, in specifications derived from this one's or that "
        "it was derived from; what is certified or declared of them counts here",
        examples=[["velferdsteknologi-trygghetstjeneste VT2-01"]],
    )


class Tally(Out):
    total: int
    certified: int
    declared: int


class Covering(Out):
    """How far a candidate covers the need."""

    must: Tally = Field(description="How many must requirements are covered; never a percentage")
    should: Tally
    may: Tally
    requirements: list[Covered]
    gaps: list[Covered] = Field(description="What no certificate covers, musts first; a declaration closes no gap")


class Certificate(Out):
    number: str
    specification: str
    specification_version: str
    delivery_forms: list[str]
    valid_to_on: date


class ProductMatch(Covering):
    product: str
    name: TextOut
    supplier: str
    delivery_forms: list[str]
    components: list[str]
    certificates: list[Certificate] = Field(description="In force on the day, for its current version")


class ComponentMatch(Covering):
    """A component, by the products offered for it together: no single one need cover all."""

    component: str
    name: TextOut
    linked: bool = Field(description="The need is linked to it")
    products: list[str] = Field(description="The products offered for it, best first")


class Matches(Out):
    """What may meet a need on a day."""

    need: UUID
    on: date
    products: list[ProductMatch] = Field(description="Best first: by must requirements certified, then declared")
    components: list[ComponentMatch] = Field(description="In the same order")
    products_found: int = Field(description="How many there are, beyond those shown")
    complete: bool = Field(description="False where there is so much that only the newest 1,000 were looked at")


@router.get("", summary="Find what can meet a need", openapi_extra=example(query={"on": "2026-08-15"}))
def matches(
    id: NeedId,
    reader: ReaderDep,
    on: Annotated[
        date | None, Query(description="The day that certificates must be in force; today if left out")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Products, and components, shown at most")] = 20,
) -> Matches:
    """Products whose certificates or declarations answer the need's requirements, and those offered for its components;
    for each, requirement by requirement, what is certified, what is only declared, and the gaps. Sorted by must
    requirements covered."""
    now = clock.now()
    day = on or clock.on(now)
    need = needs.by_uuid(reader, id)
    wanted = needs.wanted(reader, need.key)
    asked = [rules.Wanted(one.id, Obligation(one.obligation)) for one in wanted]
    same = needs.same(reader, [one.key for one in asked])
    evidence = _inverted(same)
    certified, proofs, whole = _certified(reader, evidence, day, now)
    declared, all_declared = _declared(reader, evidence, day)
    linked = needs.components(reader, need.key)
    offered = products.of_component(reader, linked, store.MOST + 1)
    ids = set(certified) | set(declared) | {one for found in offered.values() for one in found}
    rows = store.products(reader, ids)
    lines = {row.id: rules.lines(asked, certified.get(row.id, ()), declared.get(row.id, ())) for row in rows}
    rows = sorted(rows, key=lambda row: rules.order(lines[row.id], row.slug))
    words = {
        one.id: (one, [f"{row.specification} {row.code}" for row in same[one.id] if row.key != one.id])
        for one in wanted
    }
    components = {
        row.id: row for row in store.components(reader, {*linked, *(c for row in rows for c in row.components)})
    }
    suppliers = products.suppliers(reader, {row.supplier_id for row in rows[:limit]}, clock.on(now))
    return Matches(
        need=id,
        on=day,
        products=[
            ProductMatch(
                product=row.slug,
                name=row.name,
                supplier=suppliers[row.supplier_id][0].name,
                delivery_forms=row.delivery_forms,
                components=sorted(components[one].slug for one in row.components),
                certificates=proofs.get(row.id, []),
                **_covering(lines[row.id], words),
            )
            for row in rows[:limit]
        ],
        components=_components(asked, words, components, linked, rows, lines)[:limit],
        products_found=len(rows),
        complete=whole and all_declared and sum(map(len, offered.values())) <= store.MOST,
    )


def _inverted(same: Mapping[int, Sequence[Any]]) -> dict[int, list[int]]:
    """A requirement that a certificate or declaration may be about → the requirements of the need that it answers."""
    answers: dict[int, list[int]] = defaultdict(list)
    for wanted, rows in same.items():
        for row in rows:
            answers[row.key].append(wanted)
    return answers


def _certified(
    session: Session, answers: Mapping[int, Sequence[int]], on: date, now: datetime
) -> tuple[dict[int, list[rules.Word]], dict[int, list[Certificate]], bool]:
    """→ what certificates say of each product, the certificates themselves, and whether all were looked at"""
    found = store.certificates(session, answers, on) if answers else []
    in_force: dict[int, Any] = {}
    words: dict[int, list[rules.Word]] = defaultdict(list)
    proofs: dict[int, list[Certificate]] = defaultdict(list)
    for row in found[: store.MOST]:
        stands = certification.standing(kept_certificates.history_of(row), on, now)
        if stands and stands.status is certification.Status.VALID and stands.scope.covers_version(row.current_version):
            in_force[row.id] = row
            proofs[row.product_id].append(
                Certificate(
                    number=row.number,
                    specification=row.specification,
                    specification_version=row.specification_version,
                    delivery_forms=list(stands.scope.delivery_forms),
                    valid_to_on=stands.validity.to_on,
                )
            )
    for result in store.results(session, in_force, answers):
        certificate = in_force[result.certificate_id]
        coverage = rules.OF_OUTCOME[certification.Outcome(result.outcome)]
        words[certificate.product_id] += [
            rules.Word(wanted, coverage, certificate.number) for wanted in answers[result.requirement_id]
        ]
    return words, proofs, len(found) <= store.MOST


def _declared(
    session: Session, answers: Mapping[int, Sequence[int]], on: date
) -> tuple[dict[int, list[rules.Word]], bool]:
    """→ what suppliers declare of each product, and whether all declarations were looked at"""
    rows = store.declarations(session, answers, on) if answers else []
    words: dict[int, list[rules.Word]] = defaultdict(list)
    for row in rows:
        coverage = rules.of_declaration(row.answer and Answer(row.answer), Obligation(row.obligation))
        words[row.product_id] += [rules.Word(wanted, coverage, str(row.uuid)) for wanted in answers[row.requirement_id]]
    return words, len({row.uuid for row in rows}) <= store.MOST


def _components(
    asked: Sequence[rules.Wanted],
    words: Mapping[int, Any],
    components: Mapping[int, Any],
    linked: Sequence[int],
    rows: Sequence[Any],
    lines: Mapping[int, Sequence[rules.Line]],
) -> list[ComponentMatch]:
    found = []
    for key, component in components.items():
        offered = [row for row in rows if key in row.components]
        between = rules.together(asked, {row.slug: lines[row.id] for row in offered})
        shown = ComponentMatch(
            component=component.slug,
            name=component.name,
            linked=key in linked,
            products=[row.slug for row in offered[:100]],
            **_covering(between, words),
        )
        found.append((rules.order(between, component.slug), shown))
    return [shown for _, shown in sorted(found, key=lambda pair: pair[0])]


def _covering(lines: Sequence[rules.Line], words: Mapping[int, Any]) -> dict[str, Any]:
    return {
        **{obligation.value: Tally.model_validate(rules.tally(lines, obligation)) for obligation in Obligation},
        "requirements": [_line(one, words) for one in lines],
        "gaps": [_line(one, words) for one in rules.gaps(lines)],
    }


def _line(line: rules.Line, words: Mapping[int, Any]) -> Covered:
    wanted, same_as = words[line.requirement]
    return Covered(
        specification=wanted.specification,
        requirement=wanted.code,
        obligation=line.obligation,
        certified=line.certified,
        certificate=line.certificate,
        declared=line.declared,
        declaration=UUID(line.declaration) if line.declaration else None,
        same_as=same_as,
    )
