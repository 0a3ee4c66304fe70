"""Framework agreements over HTTP."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Path, Query, Request, Response
from pydantic import ConfigDict, Field
from sqlmodel import Session

from services.agreements.catalog_client import Catalog, CatalogDep
from services.agreements.frameworks import rules, shapes, store
from services.agreements.frameworks.shapes import FrameworkAgreement, NewFrameworkAgreement, NewTerms, Summary
from services.chassis import changes, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep, ViewerDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, DryRunDep, ReaderDep
from services.chassis.problems import Invalid, NotFound, Problem, refuse
from services.chassis.values import In, Instant, Money, Out

router = new_router("/framework-agreements", "Framework agreements")

SLUG = Path(description="The agreement's name in addresses", examples=["ra-2026-velferdsteknologi"])
DRAFT = Path(description="The agreement's name in addresses", examples=["ra-2027-nettbrett"])

OWNER = "100000008"


class Change(In):
    """What changes in a draft: a field that is not named stays, one that is null goes, and a list is given whole."""

    title: changes.TextChange | None = None
    role: rules.Role | None = None
    manager: str | None = None
    manager_contact: str | None = None
    contract_kind: rules.ContractKind | None = None
    notice_reference: str | None = None
    cpv: list[str] | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    extensions: list[date] | None = None
    period_rationale: str | None = None
    estimate_excl_vat: Money | None = None
    ceiling_excl_vat: Money | None = None
    quantities: list[shapes.Quantity] | None = None
    approval_limit_excl_vat: Money | None = None
    accession_from_on: date | None = None
    accession_to_on: date | None = None
    accession_notice_days: int | None = None
    response_days: int | None = None
    reservation_days: int | None = None
    lots: list[shapes.NewLot] | None = None
    participants: list[shapes.NewParticipant] | None = None


class ThresholdReliedOn(Out):
    """A threshold as it was when the agreement was announced. NOK without VAT."""

    kind: str = Field(examples=["national"])
    amount_excl_vat: Money
    valid_from_on: date
    valid_to_on: date | None
    source: str
    fictional: bool
    reached: bool = Field(description="Whether the estimate is as large or larger")


class Announcement(Out):
    """What was announced, as it was then. It is never changed."""

    announced_on: date
    thresholds: list[ThresholdReliedOn]
    terms: dict[str, Any] = Field(description="Every announced term, as it would be registered")


class Happened(Out):
    event: str = Field(description="An event of the state table, or `register` or `change`", examples=["announce"])
    state: rules.State = Field(description="The state after it")
    organisation: str | None = Field(description="Who did it; null: the service itself, by calendar or ledger")
    reason: str | None
    recorded_at: Instant


class History(Out):
    items: list[Happened]


class Filters(In):
    model_config = ConfigDict(extra="forbid")

    state: rules.State | None = Field(default=None, description="Only agreements in this state")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


class SpecificationUnknown(Invalid):
    """The catalogue has no such version of a specification, or it is not in force."""


class AnnouncementNotFound(NotFound):
    """What was announced was not kept, as the agreement is older than this rule, or nothing has been announced."""


@router.get("", summary="List framework agreements", openapi_extra=example(query={"state": "active"}))
def list_agreements(
    filters: Annotated[Filters, Query()], viewer: ViewerDep, reader: ReaderDep, request: Request, response: Response
) -> paging.Page[Summary]:
    """Every framework agreement that has been announced, by name; a token's own drafts stand among them. Open to
    everybody."""
    start = paging.start(filters.after, str)
    rows = store.page(reader, start, filters.limit, filters.state, _number(viewer))
    return paging.page(request, response, rows, filters.limit, lambda row: paging.cursor(row.slug), shapes.summary)


@router.get("/{slug}", summary="Read a framework agreement", openapi_extra=example())
def read(slug: Annotated[str, SLUG], viewer: ViewerDep, reader: ReaderDep, response: Response) -> FrameworkAgreement:
    """Its terms, lots, participants, and what each ceiling leaves. Suppliers and prices stand under `/places`. Open to
    everybody once it is announced; before that its owner reads it with a token, and gives the `ETag` back as
    `If-Match` with a change."""
    row = store.visible(reader, slug, _number(viewer))
    response.headers["ETag"] = changes.etag(row.revision)
    return shapes.shown(reader, row)


@router.get("/{slug}/history", summary="Read what happened to an agreement", openapi_extra=example())
def history(slug: Annotated[str, SLUG], viewer: ViewerDep, reader: ReaderDep) -> History:
    """Every step since it was registered, oldest first, with who took it. Nothing of it is ever changed. Open to
    everybody."""
    row = store.visible(reader, slug, _number(viewer))
    return History(items=[Happened.model_validate(one) for one in store.events(reader, row.id or 0)])


@router.get("/{slug}/announcement", summary="Read what was announced", openapi_extra=example())
def announcement(slug: Annotated[str, SLUG], viewer: ViewerDep, reader: ReaderDep) -> Announcement:
    """All terms as they were on the day of the announcement, and the thresholds that the estimate was measured against.
    Open to everybody."""
    row = store.visible(reader, slug, _number(viewer))
    if row.announcement is None:
        raise AnnouncementNotFound(f"Of {slug} there is none.")
    return Announcement.model_validate(row.announcement)


@router.post(
    "",
    status_code=201,
    summary="Register a framework agreement",
    openapi_extra=example(
        organisation=OWNER,
        body={
            "slug": "ra-2027-journalsystem",
            "title": {"nb": "Rammeavtale om journalsystem (fiktiv)"},
            "manager": "Innkjøpsseksjonen",
            "notice_reference": "2026-100003 (fiktiv)",
            "cpv": ["48000000"],
            "starts_on": "2027-01-01",
            "ends_on": "2030-12-31",
            "estimate_excl_vat": "8000000.00",
            "ceiling_excl_vat": "12000000.00",
            "approval_limit_excl_vat": "250000.00",
            "accession_from_on": "2026-12-01",
            "accession_to_on": "2027-06-30",
            "lots": [
                {
                    "slug": "lisenser",
                    "title": {"nb": "Lisenser"},
                    "ceiling_excl_vat": "9000000.00",
                    "quantities": [{"item": "lisens", "maximum": 5000}],
                    "bands": [
                        {"from_excl_vat": "0.00", "method": "ranking"},
                        {"from_excl_vat": "1000000.00", "method": "cheapest_basket"},
                    ],
                    "decline_grounds": [{"code": "utgatt", "text": {"nb": "Varen lages ikke lenger"}}],
                }
            ],
            "participants": [
                {"organisation_number": "964983291", "ceiling_excl_vat": "2000000.00"},
                {"organisation_number": "938712441"},
            ],
        },
    ),
)
def register(
    new: NewFrameworkAgreement,
    caller: CallerDep,
    catalog: CatalogDep,
    database: DatabaseDep,
    dry_run: DryRunDep,
    response: Response,
) -> FrameworkAgreement:
    """Your organisation becomes the framework owner. The agreement starts as a draft that only you see; its list of
    participants and its ceilings are fixed from the announcement. Participants and specifications must be known to the
    catalogue."""
    refuse(rules.check(new.checked()))
    (owner,) = catalog.known([caller.organisation], "#").items()
    parties = _parties(catalog, new)
    with database.writing(rehearsed=dry_run) as session:
        agreement = store.FrameworkAgreement(
            slug=new.slug,
            owner_id=owner[1].id,
            owner_number=owner[0],
            owner_name=owner[1].name,
            state=rules.State.DRAFT,
            **shapes.columns(new),
        )
        store.add(session, agreement)
        shapes.put_parts(session, agreement.id or 0, new, parties)
        store.tell(session, agreement, store.REGISTER, caller, new=new.model_dump(mode="json"))
        shown = shapes.shown(session, agreement)
    response.headers["Location"] = store.path(new.slug)
    response.headers["ETag"] = changes.etag(agreement.revision)
    return shown


@router.patch(
    "/{slug}",
    summary="Change a draft",
    openapi_extra=example(
        organisation=OWNER,
        body={"manager": "Innkjøpsseksjonen", "estimate_excl_vat": "3500000.00"},
        media_type=changes.MERGE_PATCH,
        headers={"If-Match": '"1"'},
    ),
)
def change(
    slug: Annotated[str, DRAFT],
    change: Annotated[Change, Body(media_type=changes.MERGE_PATCH)],
    caller: CallerDep,
    catalog: CatalogDep,
    database: DatabaseDep,
    dry_run: DryRunDep,
    response: Response,
    if_match: changes.IfMatch = None,
) -> FrameworkAgreement:
    """By the framework owner, before the announcement. What is not named stays; what would not be accepted as new is
    not accepted as changed. From the announcement on it is refused (409 `terms-closed`)."""
    with database.reading() as reader:  # let go before the catalogue is asked
        before = _terms(reader, _draft(store.visible(reader, slug, caller.organisation), if_match))
    after = changes.merged(NewTerms, before, change)
    refuse(rules.check(after.checked()))
    parties = _parties(catalog, after)
    with database.writing(rehearsed=dry_run) as session:
        agreement = _draft(store.owned(session, slug, caller.organisation), if_match)
        changed = changes.differences(before, after.model_dump(mode="json"))
        if changed:
            store.clear_terms(session, agreement.id or 0)
            for name, value in shapes.columns(after).items():
                setattr(agreement, name, value)
            shapes.put_parts(session, agreement.id or 0, after, parties)
            agreement.revision += 1
            store.tell(session, agreement, store.CHANGE, caller, changed=changed)
        shown = shapes.shown(session, agreement)
        response.headers["ETag"] = changes.etag(agreement.revision)
    return shown


def _draft(agreement: store.FrameworkAgreement, if_match: str | None) -> store.FrameworkAgreement:
    refuse(rules.check_open_terms(agreement.state))
    changes.require_match(if_match, agreement.revision)
    return agreement


def _terms(session: Session, agreement: store.FrameworkAgreement) -> dict[str, Any]:
    return shapes.terms(shapes.shown(session, agreement)).model_dump(mode="json")


def _parties(catalog: Catalog, terms: NewTerms) -> dict[str, tuple[UUID, str]]:
    """Each participant as the catalogue knows it, when it knows the lots' specifications too."""
    known = catalog.known([one.organisation_number for one in terms.participants], "#/participants")
    refuse(_specifications(catalog, terms.lots))
    return {number: (party.id, party.name) for number, party in known.items()}


def _specifications(catalog: Catalog, lots: Sequence[shapes.NewLot]) -> list[Problem]:
    found: list[Problem] = []
    for place, lot in enumerate(lots):
        if lot.specification and lot.specification_version:
            status = catalog.specification_status(lot.specification, lot.specification_version)
            if status not in rules.CERTIFIABLE:
                found.append(
                    SpecificationUnknown(
                        f"{lot.specification} {lot.specification_version} is {status or 'not there'}.",
                        pointer=f"#/lots/{place}/specification_version",
                    )
                )
    return found


def _number(viewer: Caller | None) -> str | None:
    return viewer.organisation if viewer else None
