"""Accessions over HTTP: who has acceded, an accession's steps, and for whom it orders."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import ConfigDict, Field
from sqlmodel import Session

from services.agreements.accessions import rules, shapes, store
from services.agreements.catalog_client import Catalog, CatalogDep, CoOperation, Organisation
from services.agreements.frameworks import store as frameworks
from services.chassis import paging
from services.chassis.app import new_router
from services.chassis.auth import CallerDep, ViewerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, DryRunDep, ReaderDep
from services.chassis.problems import Problem, refuse
from services.chassis.values import In, Instant, OrganisationNumber, Out, Slug, seed_id

router = new_router("/framework-agreements/{slug}/accessions", "Accessions")

BRONNOY, ALSTAHAUG, DONNA = "964983291", "938712441", "945114878"
OPEN, RUNNING = "ra-2027-digitalt-tilsyn", "ra-2026-velferdsteknologi"
"""Agreements of the seed data: its window is open; it runs, with a host."""


def _slug(seeded: str) -> Any:
    return Path(description="The agreement's name in addresses", examples=[seeded])


def _seeded(agreement: str, number: str) -> Any:
    return Path(description="The accession", examples=[str(seed_id(f"accession:{agreement}:{number}"))])


Reference = Annotated[
    str | None,
    Field(min_length=1, max_length=200, description="Your own decision, such as a case number", examples=["26/1234-7"]),
]


class NewAccession(In):
    basis: rules.Basis = Field(
        default=rules.Basis.OWN,
        description="`own`: for yourself. `legal_person`: you are a co-operation that is a legal person, for the "
        "members you list. `host`: you are a host municipality, for yourself and those you list",
    )
    binding: bool = Field(
        description="Binding: you leave with the agreement, unless its owner releases you. Optional: you leave with "
        "the notice that was announced"
    )
    co_operation: Slug | None = Field(
        default=None, description="Its name in the catalogue; needed unless you accede for yourself"
    )
    covered: list[OrganisationNumber] = Field(
        default=[], max_length=100, description="Whom you will order for; each is named in the notice itself"
    )
    decision_reference: Reference = None
    decided_on: date | None = Field(default=None, description="The day of the decision; not in the future")
    starts_on: date | None = Field(default=None, description="The first day that you wish for")


class NewSubmission(In):
    """Completes the draft with the decision, if that was not there yet."""

    decision_reference: Reference = None
    decided_on: date | None = Field(default=None, description="The day of the decision; not in the future")
    reason: str | None = Field(default=None, min_length=1, max_length=2000)


class NewCoverage(In):
    from_on: date | None = Field(default=None, description="Order for it from this day; one of the two")
    to_on: date | None = Field(default=None, description="Order for it to this day and no longer")
    reason: str = Field(min_length=1, max_length=2000)


class Happened(Out):
    event: str = Field(description="Of the state table; besides `register` and `cover`", examples=["submit"])
    state: rules.State = Field(description="The state after it")
    organisation: str | None = Field(description="Who did it; null: the service, on the day that was set")
    reason: str | None
    detail: dict[str, Any] | None
    recorded_at: Instant


class History(Out):
    items: list[Happened]


class Filters(In):
    model_config = ConfigDict(extra="forbid")

    state: rules.State | None = Field(default=None, description="Only accessions in this state")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("", summary="List who has acceded", openapi_extra=example())
def list_accessions(
    slug: Annotated[str, _slug(RUNNING)],
    filters: Annotated[Filters, Query()],
    viewer: ViewerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
) -> paging.Page[shapes.Acceded]:
    """Whoever is entitled to call off now, by organisation number: open to all. With a token you also see your own
    accession in any state, and as the agreement's owner everybody's."""
    viewed_by = viewer.organisation if viewer else None
    agreement = frameworks.visible(reader, slug, viewed_by)
    rows = store.page(
        reader,
        agreement,
        viewed_by,
        paging.start(filters.after, str, UUID),
        filters.limit,
        filters.state,
    )
    return paging.page(
        request, response, rows, filters.limit, lambda row: paging.cursor(row.number, str(row.uuid)), shapes.acceded
    )


@router.get("/{id}", summary="Read an accession", openapi_extra=example(organisation=ALSTAHAUG))
def read(
    slug: Annotated[str, _slug(RUNNING)],
    id: Annotated[UUID, _seeded(RUNNING, ALSTAHAUG)],
    caller: CallerDep,
    reader: ReaderDep,
) -> shapes.Accession:
    """An accession with its decision, its days and whom it orders for: for the two parties to it only."""
    agreement = frameworks.visible(reader, slug, caller.organisation)
    return shapes.shown(reader, agreement, store.seen(reader, agreement, id, caller.organisation))


@router.get(
    "/{id}/history", summary="Read what happened to an accession", openapi_extra=example(organisation=ALSTAHAUG)
)
def history(
    slug: Annotated[str, _slug(RUNNING)],
    id: Annotated[UUID, _seeded(RUNNING, ALSTAHAUG)],
    caller: CallerDep,
    reader: ReaderDep,
) -> History:
    """Every step, oldest first, with who took it and why; nothing in it is ever changed."""
    agreement = frameworks.visible(reader, slug, caller.organisation)
    row = store.seen(reader, agreement, id, caller.organisation)
    return History(items=[Happened.model_validate(one) for one in store.events(reader, row)])


@router.post(
    "",
    status_code=201,
    summary="Draft an accession",
    openapi_extra=example(
        organisation=BRONNOY,
        body={"binding": False, "decision_reference": "26/1234-7 (fiktiv)", "decided_on": "2026-11-17"},
    ),
)
def draft(
    slug: Annotated[str, _slug(OPEN)],
    new: NewAccession,
    caller: CallerDep,
    catalog: CatalogDep,
    database: DatabaseDep,
    dry_run: DryRunDep,
    today: TodayDep,
    response: Response,
) -> shapes.Accession:
    """For an organisation that the notice names; nobody else can ever accede. The agreement has been announced. What
    binds your organisation takes a token that may approve (`agreements.approve`). Submit it when you have your own
    decision. Each of `covered` is named in the notice, and a member of the co-operation by the catalogue."""
    party = _party(catalog, caller.organisation)
    known = catalog.known(new.covered, "#/covered")
    covered = [_as_party(number, known[number]) for number in new.covered]
    told = catalog.co_operation(new.co_operation) if new.co_operation else None
    with database.writing(rehearsed=dry_run) as session:
        agreement = store.joinable(session, slug, caller.organisation)
        participant = store.named(session, agreement, caller.organisation)
        refuse(
            [
                *rules.check_named(caller.organisation, participant is not None),
                *rules.check_open(store.terms(agreement)),
                *_check_parties(session, agreement, new.basis, party, covered, new.co_operation, told),
            ]
        )
        assert participant  # or it was refused
        row = store.Accession(
            framework_id=agreement.id or 0,
            participant_id=participant.id or 0,
            number=participant.number,
            name=participant.name,
            relied_on=_relied_on(told),
            **new.model_dump(exclude={"covered"}),
        )
        store.add(session, caller, agreement, row, covered, from_on=today)
        response.headers["Location"] = store.path(agreement, row)
        return shapes.shown(session, agreement, row)


@router.post("/{id}/submit", summary="Submit an accession", openapi_extra=example(organisation=ALSTAHAUG, body={}))
def submit(
    slug: Annotated[str, _slug(OPEN)],
    id: Annotated[UUID, _seeded(OPEN, ALSTAHAUG)],
    step: NewSubmission,
    caller: CallerDep,
    catalog: CatalogDep,
    database: DatabaseDep,
    dry_run: DryRunDep,
    today: TodayDep,
) -> shapes.Accession:
    """Draft → submitted. Needs an open window, your decision with its day, and still a lawful basis: the catalogue is
    asked anew. Everything that is missing is told at once."""
    with database.reading() as reader:  # let go before the catalogue is asked
        agreement = frameworks.visible(reader, slug, caller.organisation)
        row = store.acceding(store.seen(reader, agreement, id, caller.organisation), caller.organisation)
        listed = store.covered(reader, [row.id or 0])[row.id or 0]
    covered = [rules.Party(one.organisation_id, one.number, one.name) for one in listed if one.to_on is None]
    party = _party(catalog, caller.organisation)
    told = catalog.co_operation(row.co_operation) if row.co_operation else None
    with database.writing(rehearsed=dry_run) as session:
        agreement = store.joinable(session, slug, caller.organisation)
        row = store.acceding(store.locked(session, agreement, id, caller.organisation), caller.organisation)
        rules.after(row.state, rules.Event.SUBMIT)
        reference = step.decision_reference or row.decision_reference
        decided_on = step.decided_on or row.decided_on
        refuse(
            [
                *rules.check_submission(store.terms(agreement), reference, decided_on, today),
                *_check_parties(session, agreement, row.basis, party, covered, row.co_operation, told, drafted=False),
            ]
        )
        row.decision_reference, row.decided_on, row.relied_on = reference, decided_on, _relied_on(told)
        store.move(session, caller, agreement, row, rules.Event.SUBMIT, step.reason, decision_reference=reference)
        return shapes.shown(session, agreement, row)


@router.post(
    "/{id}/covered/{number}",
    summary="Change whom a co-operation orders for",
    openapi_extra=example(organisation=ALSTAHAUG, body={"reason": "Dønna er med fra nå av (fiktivt)"}),
)
def cover(
    slug: Annotated[str, _slug(RUNNING)],
    id: Annotated[UUID, _seeded(RUNNING, ALSTAHAUG)],
    number: Annotated[
        str,
        Path(pattern=r"^\d{9}$", description="Organisation number: whom to order for, or no longer", examples=[DONNA]),
    ],
    new: NewCoverage,
    caller: CallerDep,
    catalog: CatalogDep,
    database: DatabaseDep,
    dry_run: DryRunDep,
    today: TodayDep,
) -> shapes.Accession:
    """By the host or the co-operation that accedes: from a day on (today when no day is given) it orders for this
    organisation, which the notice names and which is a member by the catalogue; or with `to_on`, to that day and no
    longer. Nothing is overwritten: each change is kept with its reason, and the organisation is told."""
    with database.reading() as reader:  # let go before the catalogue is asked
        agreement = frameworks.visible(reader, slug, caller.organisation)
        row = store.acceding(store.seen(reader, agreement, id, caller.organisation), caller.organisation)
    if new.to_on is None:
        party, (one,) = _party(catalog, caller.organisation), catalog.known([number], "#").values()
        told = catalog.co_operation(row.co_operation) if row.co_operation else None
    with database.writing(rehearsed=dry_run) as session:
        agreement = store.joinable(session, slug, caller.organisation)
        row = store.acceding(store.locked(session, agreement, id, caller.organisation), caller.organisation)
        refuse(
            [
                *rules.check_coverage_open(row.basis, row.state),
                *rules.check_coverage_day(new.from_on, new.to_on, today),
            ]
        )
        if new.to_on is not None:
            store.uncover(session, caller, agreement, row, number, new.to_on, new.reason)
        else:
            added = _as_party(number, one)
            refuse(_check_parties(session, agreement, row.basis, party, [added], row.co_operation, told, drafted=False))
            row.relied_on = _relied_on(told)
            store.cover(session, caller, agreement, row, added, new.from_on or today, new.reason)
        return shapes.shown(session, agreement, row)


def _party(catalog: Catalog, number: str) -> rules.Party:
    return _as_party(number, catalog.known([number], "#")[number])


def _as_party(number: str, found: Organisation) -> rules.Party:
    return rules.Party(found.id, number, found.name, frozenset(found.kinds))


def _check_parties(
    session: Session,
    agreement: frameworks.FrameworkAgreement,
    basis: rules.Basis,
    party: rules.Party,
    covered: Sequence[rules.Party],
    named: str | None,
    told: CoOperation | None,
    *,
    drafted: bool = True,
) -> list[Problem]:
    """The basis and everybody that is ordered for, by what the catalogue has just said. Problems point into the body
    of a draft only."""
    found = _understood(told) if told else None
    problems = [
        *rules.check_basis(basis, party, named, found),
        *rules.check_coverage(basis, party, covered, found, store.named_ids(session, agreement)),
    ]
    for one in problems:
        one.pointer = one.pointer if drafted else None
    return problems


def _understood(told: CoOperation) -> rules.CoOperation:
    members = {one.organisation_id: one.status in rules.MEMBER for one in told.on_that_day}
    return rules.CoOperation(
        told.id,
        told.name,
        tuple(rules.Unit(unit.form, unit.legal_person) for unit in told.units),
        told.host,
        frozenset(one for one, member in members.items() if member),
        frozenset(one for one, member in members.items() if not member),
    )


def _relied_on(told: CoOperation | None) -> dict[str, Any] | None:
    return told.model_dump(mode="json") if told else None
