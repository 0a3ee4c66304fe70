"""Declarations over HTTP."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.declarations import rules, store
from services.catalog.products import store as products
from services.catalog.specifications import store as specifications
from services.catalog.specifications.rules import Obligation
from services.chassis import audit, clock, feed, paging
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Invalid, refuse
from services.chassis.values import In, Out, Slug, seed_id

router = new_router("/products/{slug}/declarations", "Products")

SPECIFICATION = "velferdsteknologi-trygghetstjeneste"
SEEDED = str(seed_id(f"declaration:havorn-alarm:{SPECIFICATION}:1.0"))
ProductSlug = Annotated[str, Path(description="The product's name in addresses", examples=["havorn-alarm"])]
DeclarationId = Annotated[UUID, Path(description="The declaration's id", examples=[SEEDED])]


class DeclaredVersionUnknown(Invalid):
    """No specification has this version."""


class NewAnswer(In):
    requirement: str = Field(min_length=1, max_length=40, examples=["VT2-01"])
    answer: rules.Answer
    comment: str | None = Field(
        default=None, min_length=1, max_length=2000, description="Needed for partly and not_relevant"
    )


class NewDeclaration(In):
    specification: Slug = Field(examples=[SPECIFICATION])
    version: str = Field(min_length=1, max_length=40, examples=["1.0"])
    answers: list[NewAnswer] = Field(
        default=[],
        max_length=500,
        description="By requirement. A must that is not answered counts as declared to be met; nothing else does",
    )


class Withdrawal(In):
    reason: str = Field(min_length=1, max_length=2000)


class DeclaredAnswer(Out):
    requirement: str
    obligation: Obligation
    answer: rules.Answer
    comment: str | None


class Declaration(Out):
    """A supplier's own word about its product. It is not a certificate, and nobody has looked it over."""

    id: UUID
    specification: str
    version: str
    declared_on: date
    organisation_number: str = Field(description="Who declared it")
    answers: list[DeclaredAnswer]
    withdrawn_on: date | None
    withdrawn_reason: str | None


class Filters(In):
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("", summary="List a product's declarations", openapi_extra=example())
def list_declarations(
    slug: ProductSlug, filters: Annotated[Filters, Query()], reader: ReaderDep, request: Request, response: Response
) -> paging.Page[Declaration]:
    """What its supplier declares, those that are withdrawn among them, by id. For certificates see `/certificates`."""
    product = products.by_slug(reader, slug)
    rows = store.page(reader, product.id, paging.start(filters.after, UUID), filters.limit)
    answers = store.answers(reader, [row.key for row in rows])
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row.id),
        lambda row: _shown(row, answers[row.key]),
    )


@router.get("/{id}", summary="Read a declaration", openapi_extra=example())
def read(slug: ProductSlug, id: DeclarationId, reader: ReaderDep) -> Declaration:
    """One declaration with its answers."""
    return _kept(reader, products.by_slug(reader, slug).id, id)


@router.post(
    "",
    status_code=201,
    summary="Declare that a product meets a specification",
    openapi_extra=example(
        organisation="100000032",
        body={
            "specification": "velferdsteknologi-datautveksling",
            "version": "1.0",
            "answers": [
                {"requirement": "VT1-01", "answer": "met"},
                {"requirement": "VT1-04", "answer": "partly", "comment": "Inntil et døgn tilbake (fiktivt)"},
            ],
        },
    ),
)
def declare(
    slug: ProductSlug,
    new: NewDeclaration,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
) -> Declaration:
    """For whoever keeps the product. It stands until it is withdrawn, and is not changed: withdraw it and declare
    anew."""
    product = products.to_change(session, slug, caller.organisation, today)
    version = specifications.find_version(session, new.specification, new.version)
    if version is None or version.effective_on is None:  # a draft is nothing to declare against
        refuse([DeclaredVersionUnknown(f"There is no {new.specification} {new.version}.", pointer="#/version")])
        raise AssertionError
    ids = {one.code: one.id for one in specifications.requirements(session, version.id)}
    refuse(rules.check([rules.Answered(one.requirement, one.answer, one.comment) for one in new.answers], ids))
    added = products.Declaration(
        product_id=product.id,
        specification_version_id=version.id,
        declared_on=today,
        organisation_number=caller.organisation,
    )
    store.add(
        session,
        added,
        [
            store.DeclarationAnswer(
                declaration_id=0, requirement_id=ids[one.requirement], answer=one.answer, comment=one.comment
            )
            for one in new.answers
        ],
    )
    products.index(session, slug, today)
    response.headers["Location"] = path = f"/products/{slug}/declarations/{added.uuid}"
    audit.record(session, caller, "declaration.declare", path, new=new.model_dump(mode="json", exclude_none=True))
    feed.tell(
        session, "declaration.declared", f"/products/{slug}", None, specification=new.specification, version=new.version
    )
    return _kept(session, product.id, added.uuid)


@router.post(
    "/{id}/withdraw",
    summary="Withdraw a declaration",
    openapi_extra=example(organisation="100000032", body={"reason": "Ny versjon er under arbeid (fiktivt)"}),
)
def withdraw(
    slug: ProductSlug, id: DeclarationId, new: Withdrawal, caller: CallerDep, session: SessionDep, today: clock.TodayDep
) -> Declaration:
    """For whoever keeps the product. It counts no more from today on, and stays on record. The last one of a product
    that is offered for no component cannot be withdrawn."""
    product = products.to_change(session, slug, caller.organisation, today)
    declaration = store.locked(session, product.id, id)
    in_force = products.declared(session, product.id)
    refuse(rules.check_withdrawal(declaration.withdrawn_on, product.component_id is not None, in_force))
    declaration.withdrawn_on = today
    declaration.withdrawn_reason = new.reason
    session.flush()
    products.index(session, slug, today)
    shown = _kept(session, product.id, id)
    audit.record(session, caller, "declaration.withdraw", f"/products/{slug}/declarations/{id}", reason=new.reason)
    feed.tell(
        session,
        "declaration.withdrawn",
        f"/products/{slug}",
        None,
        specification=shown.specification,
        version=shown.version,
    )
    return shown


def _kept(session: Session, product_id: int, uuid: UUID) -> Declaration:
    row = store.shown(session, product_id, uuid)
    return _shown(row, store.answers(session, [row.key])[row.key])


def _shown(row: Any, answers: Sequence[Any]) -> Declaration:
    return Declaration.model_validate(
        {**row._asdict(), "answers": [DeclaredAnswer.model_validate(one) for one in answers]}
    )
