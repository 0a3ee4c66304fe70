"""A certificate's wire shape, as it stands in the routes of several concepts."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Response
from pydantic import ConfigDict, Field
from sqlmodel import Session

from services.catalog.certificates import rules, store
from services.catalog.products import store as products
from services.catalog.products.rules import DeliveryForm
from services.catalog.specifications.rules import Obligation
from services.chassis import changes, clock
from services.chassis.values import In, Instant, Out

VersionLabel = Annotated[str, Field(min_length=1, max_length=40, examples=["2.1"])]


class VersionRange(In):
    """Versions in the order of their labels, both ends included; null: open."""

    model_config = ConfigDict(serialize_by_alias=True)

    from_: VersionLabel | None = Field(default=None, alias="from")
    to: VersionLabel | None = None


Versions = Annotated[
    Annotated[list[VersionLabel], Field(min_length=1, max_length=200)] | VersionRange | Literal["all"],
    Field(description="Labels of the product's versions, a range of them, or `all`", examples=["all"]),
]
Number = Annotated[str, Field(description="The certificate's number", examples=["SV-2026-000001"])]


class Evidence(In):
    """A document that shows it, by its hash; `file` when the catalogue keeps it."""

    description: str = Field(min_length=1, max_length=500, examples=["Testrapport (eksempel)"])
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of the document, in hexadecimal")
    dated_on: date
    file: UUID | None = Field(default=None, description="Its id among the evidence files")


class Supplier(Out):
    organisation_number: str | None
    name: str


class Subject(Out):
    """What is certified."""

    kind: rules.SubjectKind
    product: str | None = Field(description="The product's name in addresses; null unless a product is certified")
    role: str | None = Field(description="Of an adviser; null otherwise")


class CertificateSummary(Out):
    """A certificate with its status on a day. Scope and period are those of that day."""

    number: Number
    subject: Subject
    product: str | None = Field(description="As in `subject`")
    supplier: Supplier = Field(description="Whose certificate it is: the product's supplier, or who is certified")
    versions: Versions
    specification: str
    specification_version: str
    profile: str | None = Field(description="The subset of the requirements that it is about; null: all")
    delivery_forms: list[DeliveryForm]
    valid_from_on: date
    valid_to_on: date = Field(description="The last day")
    decided_by: str = Field(description="The organisation number of whoever decided")
    status: rules.Status
    remarks: list[rules.Remark] = Field(description="What one has to know besides the status")
    status_on: date = Field(description="The day that `status` is of")
    revision: int = Field(description="Grows with every change of scope or period; the number stays")


class Result(Out):
    requirement: str
    obligation: Obligation
    outcome: rules.Outcome
    reason: str | None
    evidence: list[Evidence]
    assurance: rules.Assurance = Field(description="`self_declared` is the supplier's own word, `third_party` is not")
    tester: str | None = Field(description="The organisation number of whoever tested")
    tool: str | None
    tool_version: str | None
    tested_on: date | None
    lifetime_days: int | None = Field(
        description="How long a pass counts as recent, in days; null: as long as it lasts"
    )
    recently_verified: bool = Field(description="False: the pass is older than its lifetime")


class Condition(Out):
    """What has to be in place in time, or a must requirement that is dispensed with until then."""

    key: str
    kind: rules.ConditionKind
    requirement: str | None
    text: str
    due_on: date = Field(description="The last day; unmet, the certificate is suspended from the next")
    met_on: date | None


class Event(Out):
    sequence: int = Field(description="Its place in the certificate's history, from 1")
    kind: rules.EventKind
    effective_on: date
    recorded_at: Instant
    reason: str | None
    back_dated: bool = Field(description="It took effect before the day it was recorded on")
    organisation_number: str = Field(description="Who decided")
    ground: str | None = Field(description="What it was suspended for or restored from; null: on its own account")
    target: int | None = Field(description="The place of the event that is stayed or annulled")


class Certificate(CertificateSummary):
    """A certificate, whole."""

    results: list[Result]
    conditions: list[Condition]
    events: list[Event] = Field(description="In the order recorded; with `known_at`, those recorded by then")


def fields(
    row: Any,
    told: Mapping[int, Sequence[rules.Told]],
    of_today: Mapping[int, Sequence[Any]],
    on: date,
    known_at: datetime,
) -> dict[str, Any]:
    stands = rules.standing(store.history_of(row, told[row.specification_version_id]), on, known_at)
    if stands is None:
        raise store.CertificateNotFound(f"{row.number} had not been granted by then.")
    return {
        **row._asdict(),
        "subject": Subject(kind=row.subject_kind, product=row.product, role=row.role),
        "supplier": Supplier.model_validate(today[0])
        if len(today := of_today[row.supplier_id]) == 1
        else Supplier(organisation_number=row.supplier_number, name=row.supplier_name),
        "versions": wire_versions(stands.scope),
        "delivery_forms": stands.scope.delivery_forms,
        "valid_from_on": stands.validity.from_on,
        "valid_to_on": stands.validity.to_on,
        "status": stands.status,
        "remarks": stands.remarks,
        "revision": stands.revision,
        "status_on": on,
    }


def kept_scope(versions: Any, delivery_forms: Sequence[str]) -> rules.Scope:
    """Of the wire's versions and delivery forms."""
    forms = tuple(dict.fromkeys(delivery_forms))
    if versions == "all":
        return rules.Scope(delivery_forms=forms)
    if isinstance(versions, VersionRange):
        return rules.Scope(None, versions.from_, versions.to, forms)
    return rules.Scope(tuple(dict.fromkeys(versions)), delivery_forms=forms)


def wire_versions(scope: rules.Scope) -> Any:
    if scope.every_version:
        return "all"
    return list(scope.versions) if scope.versions is not None else {"from": scope.version_from, "to": scope.version_to}


def shown(session: Session, number: str, on: date, known_at: datetime, response: Response) -> Certificate:
    """A certificate as it is on a day and was known at an instant, with its ETag."""
    row = store.by_number(session, number)
    response.headers["ETag"] = changes.etag(len(row.events))
    told = store.timelines(session, [row.specification_version_id])
    summary = fields(row, told, products.suppliers(session, {row.supplier_id}, clock.today()), on, known_at)
    events = [event for event in store.events_of(session, row.id) if event.recorded_at <= known_at]
    places = {event.id: place for place, event in enumerate(events, start=1)}
    met = {
        (event.detail or {})["condition"]: event.effective_on
        for event in events
        if event.kind == rules.EventKind.CONDITION_MET
    }
    return Certificate.model_validate(
        {
            **summary,
            "results": [
                Result.model_validate(
                    {
                        **one._asdict(),
                        "recently_verified": rules.recently_verified(
                            rules.Tested(one.requirement, one.outcome, one.tested_on, one.lifetime_days, now), on
                        ),
                    }
                )
                for one in store.results(session, row.id, known_at)
                if (now := one.recorded_at)
            ],
            "conditions": [
                Condition.model_validate({**one.model_dump(), "met_on": met.get(one.key)})
                for one in store.conditions(session, row.id)
                if one.recorded_at <= known_at
            ],
            "events": [
                Event.model_validate(
                    {**event.model_dump(), "sequence": places[event.id], "target": places.get(event.target_id or 0)}
                )
                for event in events
            ],
        }
    )
