"""Equivalent evidence over HTTP."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.certificates import store as certificates
from services.catalog.equivalents import rules, store
from services.catalog.evidence_files import store as evidence_files
from services.catalog.products import store as products
from services.catalog.schemes.shapes import is_body
from services.catalog.specifications import store as specifications
from services.chassis import audit, changes, clock, feed, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep, ViewerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Instant, Out, Slug, seed_id

router = new_router("/equivalents", "Equivalent evidence")

BODY, LABORATORY = "100000040", "100000059"
Reason = Annotated[
    str, Field(min_length=1, max_length=2000, description="Public once confirmed: no person's name in it")
]
Requirements = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=40)]] | None,
    Field(description="Ids of the requirements that it covers; null: the whole version", examples=[["VT1-01"]]),
]


class Evidence(In):
    """A document that shows it, by its hash; `file` when the catalogue keeps it."""

    description: str = Field(min_length=1, max_length=500, examples=["Sertifikat fra en annen ordning (eksempel)"])
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of the document, in hexadecimal")
    dated_on: date
    file: UUID | None = Field(default=None, description="Its id among the evidence files")


class NewEquivalent(In):
    product: Slug
    specification: Slug
    specification_version: str = Field(min_length=1, max_length=40, examples=["1.0"])
    requirements: Annotated[Requirements, Field(min_length=1, max_length=500)] = None
    scheme: str = Field(min_length=1, max_length=200, description="The other scheme", examples=["Nordisk ordning"])
    issuer: str = Field(min_length=1, max_length=200, description="Who issued it, an organisation")
    issuer_country: str = Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2", examples=["SE"])
    reference: str = Field(min_length=1, max_length=200, description="Its number or address in the other scheme")
    valid_from_on: date
    valid_to_on: date = Field(description="The last day")
    reason: Annotated[Reason, Field(description="Why it shows the same as ours would")]
    evidence: list[Evidence] = Field(min_length=1, max_length=20)


class NewStep(In):
    reason: Reason


class Event(Out):
    kind: rules.EventKind
    effective_on: date
    recorded_at: Instant
    reason: str
    organisation_number: str = Field(description="Who did it")


class Equivalent(Out):
    """Another scheme's certificate that was found to show the same. It is not a certificate of this scheme."""

    id: UUID = Field(validation_alias="uuid")
    product: str
    specification: str
    specification_version: str
    requirements: Requirements
    scheme: str
    issuer: str
    issuer_country: str
    reference: str
    valid_from_on: date
    valid_to_on: date = Field(description="The last day")
    reason: str
    evidence: list[Evidence]
    status: rules.Status
    status_on: date = Field(description="The day that `status` is of")
    recorded_at: Instant
    recorded_by: str = Field(description="The organisation number of whoever recorded it")
    events: list[Event] = Field(description="In the order recorded")


class Filters(In):
    product: Slug | None = Field(default=None, description="Only this product's")
    specification: Slug | None = Field(default=None, description="Only for this specification, in any version")
    confirmed_on: date | None = Field(default=None, description="Only what is confirmed and valid on this day")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


def _id(name: str) -> Any:
    return Path(description="The evidence's id", examples=[str(seed_id(f"equivalent:{name}"))])


@router.get("", summary="List equivalent evidence", openapi_extra=example(query={"product": "nordlys-tilsyn"}))
def list_equivalents(
    filters: Annotated[Filters, Query()], viewer: ViewerDep, reader: ReaderDep, request: Request, response: Response
) -> paging.Page[Equivalent]:
    """Evidence from other schemes, in the order recorded. What has been confirmed is open to all, also when it has
    expired or been revoked since; the rest is seen by assessors, decision-makers and the product's supplier. None of it
    makes a product certified: `POST /verify` is about certificates."""
    start = paging.start(filters.after, UUID)
    rows = store.page(
        reader,
        start[0] if start else None,
        filters.limit,
        _sight(reader, viewer),
        product=filters.product,
        specification=filters.specification,
        confirmed_on=filters.confirmed_on,
    )
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row.uuid),
        lambda row: Equivalent.model_validate(_fields(row, clock.today())),
    )


@router.get("/{id}", summary="Read equivalent evidence", openapi_extra=example())
def read(id: Annotated[UUID, _id("confirmed")], viewer: ViewerDep, reader: ReaderDep, response: Response) -> Equivalent:
    """What the other scheme's certificate covers, why it was found to show the same, and who confirmed it."""
    return _shown(reader, id, viewer, response)


@router.post(
    "",
    status_code=201,
    summary="Record equivalent evidence",
    openapi_extra=example(
        organisation=LABORATORY,
        body={
            "product": "nordlys-alarm",
            "specification": "velferdsteknologi-datautveksling",
            "specification_version": "1.0",
            "requirements": ["VT1-01", "VT1-02"],
            "scheme": "Nordisk ordning for velferdsteknologi (fiktiv)",
            "issuer": "Nordisk sertifisering AB (fiktiv)",
            "issuer_country": "SE",
            "reference": "NOV-2026-0112 (fiktiv)",
            "valid_from_on": "2026-02-01",
            "valid_to_on": "2029-01-31",
            "reason": "Ordningen prøver de samme kravene med samme metode (fiktivt)",
            "evidence": [{"description": "Sertifikat (fiktivt)", "sha256": "5" * 64, "dated_on": "2026-02-01"}],
        },
    ),
)
def record(new: NewEquivalent, caller: CallerDep, session: SessionDep, response: Response) -> Equivalent:
    """For assessors, but not the product's supplier nor the owner of a component that it is offered for. It counts for
    nothing until a decision-maker, who is another person, has confirmed it; until then others do not see it."""
    now = clock.now()
    today = clock.on(now)
    product = products.find(session, new.product)
    version = specifications.find_version(session, new.specification, new.specification_version)
    if product is None or version is None:
        unknown = {
            rules.EquivalentProductUnknown(pointer="#/product"): product,
            rules.EquivalentVersionUnknown(pointer="#/specification_version"): version,
        }
        refuse(problem for problem, found in unknown.items() if found is None)
        raise AssertionError
    refuse(
        rules.check_new(
            interested=certificates.interested(session, product.id, today),
            caller=caller.organisation,
            country=new.issuer_country,
            validity=rules.Validity(new.valid_from_on, new.valid_to_on),
            today=today,
            asked=new.requirements,
            known={one.code for one in specifications.requirements(session, version.id)},
            files=_files(session, new.evidence),
        )
    )
    kept = store.add(
        session,
        store.Equivalent(
            product_id=product.id,
            specification_version_id=version.id,
            recorded_at=now,
            organisation_number=caller.organisation,
            client=caller.client,
            evidence=[one.model_dump(mode="json") for one in new.evidence],
            **new.model_dump(exclude={"product", "specification", "specification_version", "evidence"}),
        ),
        today,
    )
    response.headers["Location"] = path = f"/equivalents/{kept.uuid}"
    audit.record(session, caller, "equivalent.record", path, new=new.model_dump(mode="json"))
    feed.tell(session, "equivalent.recorded", path, product.supplier, product=new.product)
    return _shown(session, kept.uuid, caller, response)


def _files(session: Session, evidence: Sequence[Evidence]) -> list[rules.File]:
    known = evidence_files.by_uuids(session, [one.file for one in evidence if one.file])
    hashes = {uuid: file.sha256 for uuid, file in known.items() if file.withdrawn_at is None}
    return [
        rules.File(place, one.file, one.sha256, hashes.get(one.file)) for place, one in enumerate(evidence) if one.file
    ]


def _step(step: rules.Step, seeded: str, summary: str, about: str) -> None:
    """One route for each decision; `seeded` is evidence that can take it."""

    def take(
        id: Annotated[UUID, _id(seeded)],
        new: NewStep,
        caller: CallerDep,
        session: SessionDep,
        response: Response,
        if_match: changes.IfMatch = None,
    ) -> Equivalent:
        kept = store.locked(session, id)
        now = clock.now()
        today = clock.on(now)
        events = store.events_of(session, kept.id)
        changes.require_match(if_match, len(events), needed=False)
        refuse(
            rules.check_step(
                events,
                kept.validity,
                step,
                today,
                interested=certificates.interested(session, kept.product_id, today),
                caller=caller.organisation,
                client=caller.client,
                recorded_by=kept.client,
            )
        )
        kind = rules.EVENTS[step]
        store.record(
            session,
            kept,
            kind,
            organisation=caller.organisation,
            client=caller.client,
            now=now,
            today=today,
            reason=new.reason,
        )
        path, row = f"/equivalents/{id}", store.shown(session, id, store.Sight(everything=True))
        audit.record(session, caller, f"equivalent.{step}", path, reason=new.reason)
        # Rejected evidence has never been public.
        hidden = products.find(session, row.product) if step is rules.Step.REJECT else None
        feed.tell(session, f"equivalent.{kind}", path, hidden.supplier if hidden else None, product=row.product)
        return _shown(session, id, caller, response)

    take.__doc__ = about
    router.post(
        f"/{{id}}/{step}",
        summary=summary,
        operation_id=f"equivalent_{step}",
        openapi_extra=example(organisation=BODY, body={"reason": "Vurdert av en annen person (fiktivt)"}),
    )(take)


for _taken, _seeded, _summary, _about in (
    (
        rules.Step.CONFIRM,
        "recorded",
        "Confirm equivalent evidence",
        "For a decision-maker who is another person than whoever recorded it. From now on everybody sees it, for as "
        "long as the other scheme's certificate is valid.",
    ),
    (
        rules.Step.REJECT,
        "recorded",
        "Reject equivalent evidence",
        "For a decision-maker who is another person than whoever recorded it, with the reason why it does not show the "
        "same. It stays unseen by others; new evidence is recorded anew.",
    ),
    (
        rules.Step.REVOKE,
        "confirmed",
        "Revoke equivalent evidence",
        "Confirmed evidence no longer counts, from today on and for ever: the other scheme has withdrawn its "
        "certificate, or the confirmation was wrong. It stays to be read.",
    ),
):
    _step(_taken, _seeded, _summary, _about)


def _sight(session: Session, viewer: Caller | None) -> store.Sight:
    if viewer is None:
        return store.Sight(everything=False)
    if is_body(viewer):
        return store.Sight(everything=True)
    return store.Sight(
        everything=False, suppliers=products.keys_of_supplier(session, viewer.organisation, clock.today())
    )


def _fields(row: Any, today: date) -> dict[str, Any]:
    events = [rules.Event(rules.EventKind(one["kind"]), date.fromisoformat(one["effective_on"])) for one in row.events]
    status = rules.status_on(events, rules.Validity(row.valid_from_on, row.valid_to_on), today)
    return {**row._asdict(), "status": status, "status_on": today}


def _shown(session: Session, id: UUID, viewer: Caller | None, response: Response) -> Equivalent:
    row = store.shown(session, id, _sight(session, viewer))
    response.headers["ETag"] = changes.etag(len(row.events))
    return Equivalent.model_validate(_fields(row, clock.today()))
