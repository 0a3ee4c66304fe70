"""Applications as they stand on the wire, for the routes of every concept that shows them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.applications import rules, store
from services.catalog.applications.rules import Actor, Status, Step
from services.catalog.certificates import shapes as certificates
from services.catalog.certificates.rules import Scope
from services.catalog.organisations import store as organisations
from services.catalog.products import store as products
from services.catalog.products.rules import DeliveryForm
from services.catalog.schemes.rules import SubjectKind
from services.catalog.specifications import store as specifications
from services.catalog.specifications.rules import Obligation
from services.chassis import changes
from services.chassis.values import Instant, Out, seed_id

FJORDVAKT, NORDLYS, HAVORN = "100000016", "100000024", "100000032"
BODY = "100000040"
"""The certification body in the seed data."""
SEEDED = {
    name: str(seed_id(f"certification-application:{name}"))
    for name in (
        "draft",
        "submitted",
        "information-missing",
        "to-assess",
        "assessed",
        "recommended",
        "decided",
        "refused",
    )
}
"""Applications in the seed data: fictional."""


class Applicant(Out):
    organisation_number: str | None
    name: str


class ApplicationSummary(Out):
    """An application: where it stands, whose turn it is, and by when."""

    id: UUID
    subject_kind: SubjectKind
    applicant: Applicant
    product: str | None = Field(description="The product's name in addresses; null unless a product is to be certified")
    role: str | None = Field(description="Of an adviser; null otherwise")
    specification: str
    specification_version: str
    profile: str | None = Field(description="The part of the requirements that it is about; null: all")
    versions: certificates.Versions | None = Field(description="Of the product; null for a firm")
    delivery_forms: list[DeliveryForm]
    renews: str | None = Field(description="The number of the certificate that is to last longer")
    extends: str | None = Field(description="The number of the certificate that is to cover more")
    status: Status
    status_since: Instant
    reason: str | None = Field(
        description="What was said when it came to this status: what is missing, the answer, why"
    )
    turn: Actor | None = Field(description="Whose turn it is; null when nothing more will happen")
    next_step: Step | None = Field(description="The ordinary next step")
    due_on: date | None = Field(description="The last day for it, by the scheme's working days")
    overdue: bool
    assessment: str | None = Field(description="Path of the assessment, once it has begun")
    decision: str | None = Field(description="Path of the decision, once it is made")
    certificate: str | None = Field(description="Path of the certificate, if it was granted. A passed test is none")


class Frozen(Out):
    requirement: str
    obligation: Obligation


class Event(Out):
    kind: rules.EventKind
    recorded_at: Instant
    reason: str | None
    due_on: date | None = Field(description="The last day for whoever's turn it then was")
    organisation_number: str = Field(description="Who did it")


class Application(ApplicationSummary):
    """An application, whole."""

    note: str | None
    requirements: list[Frozen] = Field(
        description="What it is held to: frozen at submission, whatever becomes of the specification. Empty in a draft"
    )
    events: list[Event] = Field(description="In the order recorded")


ApplicationId = Annotated[UUID, Path(description="The application's id", examples=[SEEDED["submitted"]])]


def summaries(session: Session, rows: Sequence[store.Application], today: date) -> dict[int, dict[str, Any]]:
    """Each application's fields, by internal key."""
    happened = store.events(session, [row.id for row in rows])
    applicants = organisations.by_ids(session, {row.applicant_id for row in rows})
    versions = specifications.labels(session, [row.specification_version_id for row in rows])
    slugs = products.slugs_by_id(session, [row.product_id for row in rows])
    return {
        row.id: {
            **row.model_dump(exclude={"id", "versions"}),
            "id": row.uuid,
            "applicant": applicants[row.applicant_id],
            "product": slugs.get(row.product_id),
            "specification": versions[row.specification_version_id][0],
            "specification_version": versions[row.specification_version_id][1],
            "versions": wire_versions(row),
            **_standing(row, happened[row.id], today),
        }
        for row in rows
    }


def shown(session: Session, row: store.Application, response: Response, today: date) -> Application:
    """One application, with its ETag."""
    response.headers["ETag"] = changes.etag(row.revision)
    return Application.model_validate(
        {
            **summaries(session, [row], today)[row.id],
            "requirements": [
                {"requirement": one.code, "obligation": one.obligation} for one in store.requirements(session, row.id)
            ],
            "events": store.events(session, [row.id])[row.id],
        }
    )


def wire_versions(row: store.Application) -> Any:
    if row.product_id is None:
        return None
    listed = tuple(row.versions) if row.versions is not None else None
    return certificates.wire_versions(Scope(listed, row.version_from, row.version_to, tuple(row.delivery_forms)))


def _standing(row: store.Application, happened: Sequence[store.ApplicationEvent], today: date) -> Mapping[str, Any]:
    last = happened[-1] if happened else None
    turn, step = rules.NEXT.get(Status(row.status), (None, None))
    links = {name: path for event in happened for name, path in (event.links or {}).items()}
    return {
        "status_since": last.recorded_at if last else row.created_at,
        "reason": last.reason if last else None,
        "turn": turn,
        "next_step": step,
        "due_on": last.due_on if last else None,
        "overdue": last is not None and last.due_on is not None and last.due_on < today,
        **{name: links.get(name) for name in ("assessment", "decision", "certificate")},
    }
