"""Framework agreements over HTTP."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import ConfigDict, Field
from sqlmodel import Session

from services.agreements.catalog_client import CatalogDep
from services.agreements.frameworks import rules, store
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import Scope
from services.chassis import audit, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, needs
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, DryRunDep, ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Money, OrganisationNumber, Out, Slug, Text, TextOut

router = new_router("/framework-agreements", "Framework agreements")

ReaderOf = Annotated[Caller, needs("agreements.read")]
Manager = Annotated[Caller, needs("agreements.manage")]
SLUG = Path(description="The agreement's name in addresses", examples=["ra-2026-velferdsteknologi"])

OWNER = "100000008"


class NewLot(In):
    slug: Annotated[Slug, Field(examples=["alarmer"])]
    title: Text
    ceiling_excl_vat: Money | None = Field(
        default=None, description="Its own maximum; null is none beside the agreement's"
    )
    method: rules.Method = Field(default=rules.Method.RANKING, description="How the supplier is found, as announced")


class NewFrameworkAgreement(In):
    slug: Annotated[Slug, Field(description="Its name in addresses, for ever")]
    title: Text
    notice_reference: str = Field(min_length=1, max_length=80, description="The notice in Doffin or TED")
    cpv: list[Annotated[str, Field(pattern=r"^\d{8}(-\d)?$")]] = Field(
        min_length=1, max_length=20, description="Common Procurement Vocabulary codes, eight digits"
    )
    starts_on: date
    ends_on: date = Field(description="The last day on which a call-off can be placed; at most four years on")
    period_rationale: str | None = Field(default=None, max_length=2000, description="Why it is longer than four years")
    estimate_excl_vat: Money = Field(description="Announced estimate over all participants and options; warns")
    ceiling_excl_vat: Money = Field(description="Announced maximum value; stops (C-23/20)")
    approval_limit_excl_vat: Money = Field(
        description="A call-off up to this value is sent at once; above it a spending authority approves first"
    )
    specification: Slug | None = Field(default=None, description="Products must be certified against this one")
    specification_version: str | None = Field(default=None, max_length=40, description="The announced version of it")
    lots: list[NewLot] = Field(min_length=1, max_length=50)
    participants: list[OrganisationNumber] = Field(
        min_length=1, max_length=500, description="Who is entitled to call off, as the notice names them"
    )


class Room(Out):
    """What is taken and left under a ceiling. NOK without VAT; a ceiling that is null does not limit."""

    ceiling_excl_vat: Money | None
    reserved_excl_vat: Money = Field(description="Ordered and not yet accepted")
    posted_excl_vat: Money = Field(description="Accepted")
    left_excl_vat: Money | None


class Party(Out):
    organisation_id: UUID
    organisation_number: str
    name: str = Field(description="As it was when the agreement was made")


class Lot(Out):
    slug: str
    title: TextOut
    method: rules.Method
    room: Room


class Summary(Out):
    """A framework agreement in a list."""

    slug: str
    title: TextOut
    state: rules.State
    owner: Party
    starts_on: date
    ends_on: date
    notice_reference: str
    cpv: list[str]


class FrameworkAgreement(Summary):
    """A framework agreement, whole."""

    period_rationale: str | None
    estimate_excl_vat: Money
    approval_limit_excl_vat: Money
    specification: str | None
    specification_version: str | None
    room: Room
    lots: list[Lot]
    participants: list[Party]


class Filters(In):
    model_config = ConfigDict(extra="forbid")

    state: rules.State | None = Field(default=None, description="Only agreements in this state")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get(
    "",
    summary="List framework agreements",
    openapi_extra=example(organisation="964983291", query={"state": "active"}),
)
def list_agreements(
    filters: Annotated[Filters, Query()], caller: ReaderOf, reader: ReaderDep, request: Request, response: Response
) -> paging.Page[Summary]:
    """Every framework agreement, by name: suppliers, ceilings and participants are public to whoever has access."""
    start = paging.start(filters.after, str)
    rows = store.page(reader, start, filters.limit, filters.state)
    return paging.page(request, response, rows, filters.limit, lambda row: paging.cursor(row.slug), _summary)


@router.get("/{slug}", summary="Read a framework agreement", openapi_extra=example(organisation="964983291"))
def read(slug: Annotated[str, SLUG], caller: ReaderOf, reader: ReaderDep) -> FrameworkAgreement:
    """Its terms, lots, participants, and what each ceiling leaves. Suppliers and prices stand under `/places`."""
    return _shown(reader, store.by_slug(reader, slug))


@router.post(
    "",
    status_code=201,
    summary="Register a framework agreement",
    openapi_extra=example(
        organisation=OWNER,
        body={
            "slug": "ra-2027-journalsystem",
            "title": {"nb": "Rammeavtale om journalsystem (fiktiv)"},
            "notice_reference": "2026-100003 (fiktiv)",
            "cpv": ["48000000"],
            "starts_on": "2027-01-01",
            "ends_on": "2030-12-31",
            "estimate_excl_vat": "8000000.00",
            "ceiling_excl_vat": "12000000.00",
            "approval_limit_excl_vat": "250000.00",
            "lots": [{"slug": "lisenser", "title": {"nb": "Lisenser"}, "ceiling_excl_vat": "9000000.00"}],
            "participants": ["964983291", "938712441"],
        },
    ),
)
def register(
    new: NewFrameworkAgreement,
    caller: Manager,
    catalog: CatalogDep,
    database: DatabaseDep,
    dry_run: DryRunDep,
    response: Response,
) -> FrameworkAgreement:
    """Your organisation becomes the framework owner. The agreement starts as a draft; its list of participants and its
    ceilings are fixed from the announcement. Participants must be known to the catalogue."""
    (owner,) = catalog.known([caller.organisation], "#").items()
    parties = catalog.known(new.participants, "#/participants")
    refuse(
        [
            *rules.check_period(rules.Period(new.starts_on, new.ends_on, new.period_rationale)),
            *rules.check_ceilings(
                new.ceiling_excl_vat, new.estimate_excl_vat, [lot.ceiling_excl_vat for lot in new.lots]
            ),
        ]
    )
    with database.writing(rehearsed=dry_run) as session:
        agreement = store.add(
            session,
            store.FrameworkAgreement(
                slug=new.slug,
                title=new.title.kept(),
                owner_id=owner[1].id,
                owner_number=owner[0],
                owner_name=owner[1].name,
                state=rules.State.DRAFT,
                notice_reference=new.notice_reference,
                cpv=new.cpv,
                starts_on=new.starts_on,
                ends_on=new.ends_on,
                period_rationale=new.period_rationale,
                estimate=new.estimate_excl_vat,
                approval_limit=new.approval_limit_excl_vat,
                specification=new.specification,
                specification_version=new.specification_version,
            ),
        )
        assert agreement.id
        ledger.open_balance(session, Scope.FRAMEWORK_AGREEMENT, agreement.id, new.ceiling_excl_vat)
        for new_lot in new.lots:
            lot = store.Lot(
                framework_id=agreement.id, slug=new_lot.slug, title=new_lot.title.kept(), method=new_lot.method
            )
            session.add(lot)
            session.flush()
            assert lot.id
            ledger.open_balance(session, Scope.LOT, lot.id, new_lot.ceiling_excl_vat)
        session.add_all(
            store.Participant(
                framework_id=agreement.id,
                organisation_id=party.id,
                number=number,
                name=party.name,
            )
            for number, party in parties.items()
        )
        session.flush()
        audit.record(session, caller, "framework_agreement.register", _path(new.slug), new=new.model_dump(mode="json"))
        shown = _shown(session, agreement)
    response.headers["Location"] = _path(new.slug)
    return shown


class NewStep(In):
    """Why; kept in the audit trail."""

    reason: str | None = Field(default=None, min_length=1, max_length=2000)


def _step(event: rules.Event, seeded: str, summary: str, about: str) -> None:
    """One route for each event that the owner takes; `seeded` is an agreement that can take it."""

    def take(
        slug: Annotated[str, Path(description="The agreement's name in addresses", examples=[seeded])],
        caller: Manager,
        session: SessionDep,
        step: NewStep,
    ) -> FrameworkAgreement:
        agreement = store.owned(session, slug, caller.organisation)
        before = agreement.state
        agreement.state = rules.after(before, event)
        if event is rules.Event.ACTIVATE:
            refuse(rules.check_activation(store.lots_without_place(session, agreement.id or 0)))
        session.flush()
        audit.record(session, caller, f"framework_agreement.{event}", _path(slug), before=before, reason=step.reason)
        return _shown(session, agreement)

    take.__doc__ = about
    router.post(
        f"/{{slug}}/{event.value.replace('_', '-')}",
        summary=summary,
        operation_id=f"framework_agreement_{event}",
        openapi_extra=example(organisation=OWNER, body={"reason": "Vedtak i styret (fiktivt)"}),
    )(take)


for _event, _seeded, _summary_text, _about in (
    (
        rules.Event.ANNOUNCE,
        "ra-2027-nettbrett",
        "Announce an agreement",
        "Draft → announced. From here the ceilings and the list of participants are closed.",
    ),
    (
        rules.Event.AWARD,
        "ra-2027-digitalt-tilsyn",
        "Award an agreement",
        "Announced → standstill: the suppliers have been chosen and told.",
    ),
    (
        rules.Event.ACTIVATE,
        "ra-2027-dorlaser",
        "Activate an agreement",
        "Standstill → active. Every lot needs a supplier with a price list. Call-offs are possible within the period.",
    ),
    (
        rules.Event.REOPEN_EVALUATION,
        "ra-2027-dorlaser",
        "Reopen the evaluation",
        "Standstill → announced, for example after a complaint.",
    ),
    (
        rules.Event.SUSPEND,
        "ra-2026-velferdsteknologi",
        "Suspend an agreement",
        "Active → suspended. No new call-offs; those already placed stand.",
    ),
    (rules.Event.RESUME, "ra-2025-gps", "Resume an agreement", "Suspended → active: call-offs are possible again."),
    (
        rules.Event.TERMINATE,
        "ra-2025-gps",
        "Terminate an agreement",
        "Active, suspended or exhausted → terminated. Call-offs already placed stand.",
    ),
    (
        rules.Event.CANCEL,
        "ra-2027-nettbrett",
        "Cancel a competition",
        "Draft, announced or standstill → cancelled: the competition is called off.",
    ),
):
    _step(_event, _seeded, _summary_text, _about)


def _path(slug: str) -> str:
    return f"/framework-agreements/{slug}"


def _summary(row: store.FrameworkAgreement) -> Summary:
    return Summary.model_validate(_summary_fields(row))


def _summary_fields(row: store.FrameworkAgreement) -> dict[str, Any]:
    owner = Party(organisation_id=row.owner_id, organisation_number=row.owner_number, name=row.owner_name)
    names = ("slug", "title", "state", "starts_on", "ends_on", "notice_reference", "cpv")
    return {"owner": owner, **{name: getattr(row, name) for name in names}}


def _shown(session: Session, row: store.FrameworkAgreement) -> FrameworkAgreement:
    assert row.id
    lots = store.lots(session, row.id)
    lot_room = ledger.room(session, Scope.LOT, [lot.id or 0 for lot in lots])
    return FrameworkAgreement(
        **_summary_fields(row),
        period_rationale=row.period_rationale,
        estimate_excl_vat=row.estimate,
        approval_limit_excl_vat=row.approval_limit,
        specification=row.specification,
        specification_version=row.specification_version,
        room=_room(ledger.room(session, Scope.FRAMEWORK_AGREEMENT, [row.id])[row.id]),
        lots=[
            Lot(slug=lot.slug, title=lot.title, method=lot.method, room=_room(lot_room[lot.id or 0])) for lot in lots
        ],
        participants=[
            Party(organisation_id=one.organisation_id, organisation_number=one.number, name=one.name)
            for one in store.participants(session, row.id)
        ],
    )


def _room(room: ledger.Room) -> Room:
    return Room(
        ceiling_excl_vat=room.ceiling,
        reserved_excl_vat=room.reserved,
        posted_excl_vat=room.posted,
        left_excl_vat=room.left,
    )
