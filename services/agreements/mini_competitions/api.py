"""Mini-competitions over HTTP: drafting and reading."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import ConfigDict, Field

from services.agreements.calloffs import placing
from services.agreements.calloffs.rules import Wanted
from services.agreements.catalog_client import Catalog, CatalogDep
from services.agreements.frameworks import rules as framework_rules
from services.agreements.frameworks import store as frameworks
from services.agreements.mini_competitions import rules, shapes, store
from services.agreements.places import store as places
from services.chassis import paging
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, DryRunDep, ReaderDep
from services.chassis.problems import Invalid, Problem, refuse
from services.chassis.values import In, Out, Slug, seed_id

router = new_router("/mini-competitions", "Mini-competitions")

BRONNOY = "964983291"
DRAFT = Path(description="The mini-competition's id", examples=[str(seed_id("mini-competition:draft"))])
OPEN = Path(description="The mini-competition's id", examples=[str(seed_id("mini-competition:open"))])
TERMS: dict[str, Any] = {
    "title": {"nb": "Rådgivning om innføring av trygghetsalarmer (fiktivt)"},
    "description": {"nb": "Prosjektledelse og opplæring i hjemmetjenesten."},
    "lines": [{"item": "radgivertime", "quantity": 900}],
    "needed_on": "2029-06-01",
    "reference": "Hjemmetjenesten, prosjekt 7",
    "criteria": [
        {"code": "pris", "kind": "price", "weight": "60", "formula": "linear_against_ceiling"},
        {
            "code": "kvalitet",
            "kind": "quality",
            "title": {"nb": "Løsningsforslag"},
            "weight": "40",
            "formula": "average_of_evaluators",
            "scale_max": 10,
        },
        {"code": "referanser", "kind": "must", "title": {"nb": "Tre referanser"}},
    ],
    "tie_rule": ["lowest_price", "recorded_lot"],
    "questions_until": "2029-03-20T11:00:00Z",
    "deadline": "2029-04-01T10:00:00Z",
    "standstill_days": 10,
    "evaluators": [{"code": "fag", "title": {"nb": "Fagansvarlig"}}, {"code": "innkjop", "title": {"nb": "Innkjøp"}}],
}


class NewMiniCompetition(shapes.NewTerms):
    framework_agreement: Annotated[Slug, Field(examples=["ra-2026-driftsplattform"])]
    lot: Annotated[Slug, Field(examples=["radgivning"])]


class History(Out):
    items: list[shapes.Happened]


class Invitations(Out):
    items: list[shapes.Invited] = Field(description="By rank")


class Filters(In):
    model_config = ConfigDict(extra="forbid")

    state: rules.State | None = Field(default=None, description="Only those in this state")
    framework_agreement: Slug | None = Field(default=None, description="Only under this agreement")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


class NeedUnknown(Invalid):
    """The catalogue has no such need that everybody may read."""


class TitleMissing(Invalid):
    """A mini-competition has a title, its own or its need's."""


class CompetitionSpecificationUnknown(Invalid):
    """The catalogue has no such version of a specification."""


class DraftOnly(rules.MoveRefused):
    """Only a draft is changed; what is published is amended."""


@router.post(
    "",
    status_code=201,
    summary="Draft a mini-competition",
    openapi_extra=example(
        organisation=BRONNOY, body={"framework_agreement": "ra-2026-driftsplattform", "lot": "radgivning", **TERMS}
    ),
)
def draft(
    new: NewMiniCompetition,
    caller: CallerDep,
    database: DatabaseDep,
    dry_run: DryRunDep,
    catalog: CatalogDep,
    today: TodayDep,
    response: Response,
) -> shapes.MiniCompetition:
    """Draft a competition among the suppliers of a lot. Nobody sees it before you publish it. It can start from a need
    or a requirement specification in the catalogue. Award criteria with their weights and formulas, and what decides
    ties, are announced here; whom it invites is computed when it is published."""
    texts = _texts(catalog, new)
    with database.writing(rehearsed=dry_run) as session:
        offer = places.offer(session, new.framework_agreement, new.lot, caller.organisation, today)
        problems = _problems(offer, new, today)
        if problems:  # Of an agreement that is a draft nobody learns but its owner.
            frameworks.visible(session, new.framework_agreement, caller.organisation)
        refuse(problems)
        assert offer.buyer_id  # as it is entitled
        row = store.MiniCompetition(
            framework_id=offer.framework_id,
            lot_id=offer.lot_id,
            framework=offer.slug,
            lot=offer.lot,
            owner=store.owner_of(session, offer.framework_id),
            buyer_id=offer.buyer_id,
            buyer=caller.organisation,
            buyer_name=offer.buyer_name or "",
            participant_id=offer.participant_id or 0,
            **texts,
            **new.columns(),
        )
        store.add(session, caller, row)
        response.headers["Location"] = store.path(row.uuid)
        return shapes.of(session, row, caller.organisation)


@router.put("/{id}", summary="Change a draft", openapi_extra=example(organisation=BRONNOY, body=TERMS))
def change(
    id: Annotated[UUID, DRAFT],
    new: shapes.NewTerms,
    caller: CallerDep,
    database: DatabaseDep,
    dry_run: DryRunDep,
    catalog: CatalogDep,
    today: TodayDep,
) -> shapes.MiniCompetition:
    """Give all terms of a draft anew. Once it is published they are frozen, and changed by amendments only."""
    texts = _texts(catalog, new)
    with database.writing(rehearsed=dry_run) as session:
        row = store.locked(session, id, caller.organisation)
        if row.state is not rules.State.DRAFT:
            raise DraftOnly(f"It is {row.state}.", state=row.state.value)
        offer = places.offer(session, row.framework, row.lot, caller.organisation, today)
        refuse(_problems(offer, new, today))
        for name, value in (texts | new.columns()).items():
            setattr(row, name, value)
        session.flush()
        store.tell(session, row, store.CHANGED, caller)
        return shapes.of(session, row, caller.organisation)


@router.get("", summary="List your mini-competitions", openapi_extra=example(organisation=BRONNOY))
def list_competitions(
    filters: Annotated[Filters, Query()], caller: CallerDep, reader: ReaderDep, request: Request, response: Response
) -> paging.Page[shapes.MiniCompetition]:
    """Newest first. A municipality sees its own; once they are published, the framework owner and who is invited see
    them too."""
    (after,) = paging.start(filters.after, UUID) or (None,)
    me = caller.organisation
    rows = store.page(reader, me, after, filters.limit, state=filters.state, framework=filters.framework_agreement)
    shown = dict(zip([row.uuid for row in rows], shapes.shown(reader, rows, me), strict=True))
    return paging.page(
        request, response, rows, filters.limit, lambda row: paging.cursor(str(row.uuid)), lambda row: shown[row.uuid]
    )


@router.get("/{id}", summary="Read a mini-competition", openapi_extra=example(organisation=BRONNOY))
def read(id: Annotated[UUID, OPEN], caller: CallerDep, reader: ReaderDep) -> shapes.MiniCompetition:
    """What is announced, and how far it has come. Whether anybody has bid stands nowhere before the opening."""
    return shapes.of(reader, store.visible(reader, id, caller.organisation), caller.organisation)


@router.get("/{id}/history", summary="Read what happened to it", openapi_extra=example(organisation=BRONNOY))
def history(id: Annotated[UUID, OPEN], caller: CallerDep, reader: ReaderDep) -> History:
    """Every step, oldest first, with what each amendment changed. Bids are no steps of it."""
    row = store.visible(reader, id, caller.organisation)
    return History(items=[shapes.Happened.model_validate(one) for one in store.events(reader, row.id or 0)])


@router.get("/{id}/invitations", summary="Read who is invited", openapi_extra=example(organisation=BRONNOY))
def invitations(id: Annotated[UUID, OPEN], caller: CallerDep, reader: ReaderDep) -> Invitations:
    """Every supplier that held an open place in the lot and offered every item when it was published: the list is
    computed, never chosen. Each sees the prices that its own bid is held to."""
    row = store.visible(reader, id, caller.organisation)
    found = store.invitations(reader, row.id or 0)
    return Invitations(items=[shapes.invited(one, caller.organisation) for one in found])


def _problems(offer: places.Offer, new: shapes.NewTerms, today: date) -> list[Problem]:
    wanted = tuple(Wanted(line.item, line.quantity) for line in new.lines)
    return [
        *placing.check(offer, placing.Asked(wanted, new.needed_on), today),
        *rules.check(new.checked()),
        *rules.check_price_list(new.above_price_list, offer.competition_may_exceed_price_list),
    ]


def _texts(catalog: Catalog, new: shapes.NewTerms) -> dict[str, Any]:
    """Title and description, the need's where it has none of its own; what it names must be in the catalogue."""
    found: list[Problem] = []
    need = catalog.need(new.need) if new.need else None
    if new.need and need is None:
        found.append(NeedUnknown(pointer="#/need"))
    title = new.title.kept() if new.title else need.title if need else None
    if title is None and not found:
        found.append(TitleMissing(pointer="#/title"))
    if (new.specification is None) != (new.specification_version is None):
        missing = "specification" if new.specification is None else "specification_version"
        found.append(framework_rules.SpecificationVersionMissing("Give both, or neither.", pointer=f"#/{missing}"))
    elif new.specification and not _published(catalog, new.specification, new.specification_version or ""):
        told = f"{new.specification} {new.specification_version}."
        found.append(CompetitionSpecificationUnknown(told, pointer="#/specification"))
    refuse(found)
    description = new.description.kept() if new.description else need.description if need else None
    return {"title": title, "description": description}


def _published(catalog: Catalog, specification: str, version: str) -> bool:
    return catalog.specification_status(specification, version) in framework_rules.CERTIFIABLE
