"""Components over HTTP."""

from datetime import date
from typing import Annotated, Any

from fastapi import Body, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import Field, ValidationError

from services.catalog.components import rules, store
from services.catalog.components.shapes import Component, ComponentChange, Described, NewComponent, Owned
from services.catalog.lifecycles import rules as lifecycles
from services.catalog.lifecycles.rules import EventKind, LifeCycle
from services.catalog.organisations import store as organisations
from services.catalog.search import store as search
from services.catalog.search.rules import Type
from services.chassis import audit, changes, clock, feed, paging
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.changes import IfMatch
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import Database, DatabaseDep, SessionDep
from services.chassis.hot import add_hot_read
from services.chassis.problems import Invalid, Problem, refuse
from services.chassis.values import OrganisationNumber, Slug, text_sort_key
from services.chassis.view import ViewDep, Viewed, answer, answer_json

router = new_router("/components", "Components")

SEEDED = "velferdsteknologi-trygghetsplattform"
JOINT_UNIT = "100000008"
Name = Annotated[str, Path(description="The component's name in addresses", examples=[SEEDED])]


class OrganisationUnknown(Invalid):
    """No registered organisation has this number."""


class FilterWithoutWords(Invalid):
    """This filter cannot stand beside words to search for."""


class Filters(Viewed):
    slug: list[Slug] | None = Field(default=None, max_length=100, description="These, by name; may be repeated")
    kind: rules.Kind | None = None
    reuse: rules.Reuse | None = None
    level: rules.Level | None = None
    life_cycle: LifeCycle | None = None
    owner: OrganisationNumber | None = Field(default=None, description="The owner's organisation number")
    operator: OrganisationNumber | None = Field(default=None, description="The operator's organisation number")
    licence: str | None = Field(default=None, max_length=200, description="An SPDX licence, letter for letter")
    overdue: bool | None = Field(default=None, description="Whether the editors' deadline for deciding has passed")
    stale: bool | None = Field(
        default=None, description="Whether its owner has not confirmed it for more than 365 days"
    )
    q: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00]*$",
        description='Words in name or summary, in Norwegian forms; the last word may be unfinished. `"…"` is a phrase, '
        "`-word` excludes, `or` is either",
        examples=["velferdsteknologi"],
    )
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


_FILTERS = set(store.FILTERS)
_BESIDE_WORDS = {"kind", "reuse", "level", "life_cycle", "owner"}


async def _read(slug: Name, database: DatabaseDep, today: TodayDep, view: ViewDep) -> Response:
    """One component. `life_cycle` is what is known today; what a report said in its time stands under `source`. The
    `ETag` is what a change starts from."""
    body, revision = await store.shown(database, slug, today)
    return answer_json(view, body, Component, {"ETag": changes.etag(revision)}) if view else _whole(body, revision)


async def _read_plainly(request: Request) -> Response | None:
    if request.scope["query_string"]:
        return None
    found: Database = request.app.state.database
    return _whole(*await store.shown(found, request.path_params["slug"], clock.today()))


def _whole(body: str, revision: int) -> Response:
    return Response(body, media_type="application/json", headers={"ETag": changes.etag(revision)})


add_hot_read(
    router,
    "/{slug}",
    _read,
    _read_plainly,
    name="read",
    summary="Read a component",
    response_model=Component,
    openapi_extra=example(),
)


async def _list(
    filters: Annotated[Filters, Query()], database: DatabaseDep, today: TodayDep, request: Request, response: Response
) -> Any:
    """Without `q`: by name, sorted as Norwegian does. With `q`: the best match first, words in the name counting
    most (`GET /search` tells facets and marks besides). Filters narrow the list together. Of the 48 entries from the
    reports of 2011–2019 about two thirds are components; the others are standards, projects, reports, schemes and
    guides (`kind`)."""
    if filters.q is not None:
        page = await run_in_threadpool(_search, database, filters, today, request, response)
        return answer(filters.view(), page, response)
    body, link = await _page(database, filters, today, request)
    if link:
        response.headers["Link"] = link
    if view := filters.view():
        return answer(view, paging.Page[Component].model_validate_json(body), response)
    return Response(body, media_type="application/json", headers=dict(response.headers))


async def _list_plainly(request: Request) -> Response | None:
    """A page without words, fields or language: the database builds the bytes, one query a page, and nothing is
    parsed on the way."""
    given = request.query_params
    try:
        filters = Filters.model_validate(dict(given))
    except ValidationError:
        return None
    if filters.q is not None or filters.view() or len(given) != len(given.multi_items()):
        return None
    body, link = await _page(request.app.state.database, filters, clock.today(), request)
    return Response(body, media_type="application/json", headers={"Link": link} if link else None)


async def _page(database: Database, filters: Filters, today: date, request: Request) -> tuple[bytes, str]:
    """→ (a page as JSON, the Link to the next or nothing)"""
    asked = filters.model_dump(include=_FILTERS, exclude_none=True)
    items, ends = await store.page(database, paging.start(filters.after, str, str), filters.limit, asked, today)
    if ends is None:
        return b'{"items":[%b],"next":null}' % items, ""
    following = paging.cursor(*ends)
    link = f'<{request.url.include_query_params(after=following)}>; rel="next"'
    return b'{"items":[%b],"next":"%b"}' % (items, following.encode()), link


add_hot_read(
    router,
    "",
    _list,
    _list_plainly,
    name="list_components",
    summary="List and search components",
    response_model=paging.Page[Component],
    openapi_extra=example(query={"q": "velferdsteknologi"}),
)


def _search(
    database: Database, filters: Filters, today: date, request: Request, response: Response
) -> paging.Page[Component]:
    asked = filters.model_dump(include=_FILTERS, exclude_none=True)
    refuse(FilterWithoutWords(pointer=f"?{name}") for name in asked if name not in _BESIDE_WORDS)
    only = {name: [str(value)] for name, value in asked.items()}
    with database.reading() as reader:
        found = search.find(
            reader, filters.q, types=[Type.COMPONENT], only=only, on=today, after=filters.after, limit=filters.limit
        )
        shown = store.shown_many(reader, [one.ref for one in found], today)
    by_slug = {one["slug"]: one for one in shown}
    return paging.page(
        request,
        response,
        found,
        filters.limit,
        lambda one: one.cursor,
        lambda one: Component.model_validate(by_slug[one.ref]),
    )


@router.post(
    "",
    status_code=201,
    summary="Register a component",
    response_model=Component,
    openapi_extra=example(
        organisation="964983291",
        body={
            "slug": "felles-skjemabibliotek",
            "name": {"nb": "Felles skjemabibliotek (eksempel)", "nn": "Felles skjemabibliotek (døme)"},
            "summary": {"nb": "Skjema for kommunale tjenester som andre kan kopiere og tilpasse."},
            "target_services": ["byggesak", "skjenkebevilling"],
            "reuse": "reuse",
            "level": "municipal",
            "licence": "EUPL-1.2",
        },
    ),
)
def register(new: NewComponent, caller: CallerDep, session: SessionDep, today: TodayDep) -> Response:
    """Your organisation becomes the owner; it must be registered. It is `proposed`: the editors approve or reject it
    within 20 working days, and then you publish it. What shared use and reuse entail (operator, terms, licence, …) may
    come later, but before that."""
    owner = organisations.of_caller(session, caller.organisation)
    refuse([*rules.check_licence(new.licence), *_unknown(session, new.operator, "#/operator")])
    component = store.new(
        new.slug,
        new.name.kept(),
        owner_id=owner.id,
        authors=[caller.client],
        confirmed_on=today,
        life_cycle=LifeCycle.PROPOSED,
        **_columns(session, new),
    )
    store.add(session, component)
    store.move(
        session,
        component,
        EventKind.PROPOSED,
        caller,
        effective_on=today,
        recorded_at=clock.now(),
        today=today,
        reason=None,
    )
    session.flush()
    store.index(session, component)
    path = f"/components/{new.slug}"
    audit.record(session, caller, "component.register", path, new=new.model_dump(mode="json", exclude_none=True))
    feed.tell(session, "component.proposed", path, None, decide_by_on=str(component.decide_by_on))
    answered = _whole(*store.shown_here(session, new.slug, today))
    answered.status_code = 201
    answered.headers["Location"] = path
    return answered


@router.patch(
    "/{slug}",
    summary="Change a component",
    response_model=Component,
    openapi_extra=example(
        organisation=JOINT_UNIT,
        headers={"If-Match": '"1"'},
        media_type=changes.MERGE_PATCH,
        body={"summary": {"en": "A shared platform for safety alerts (fictional)."}, "level": "municipal"},
    ),
)
def change(
    slug: Name,
    new: Annotated[ComponentChange, Body(media_type=changes.MERGE_PATCH)],
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
    if_match: IfMatch = None,
) -> Response:
    """Its owner, or an editor, changes it in part. What it must have to be available cannot be taken away while it is.
    Whoever changes a proposal is one of its authors, and does not approve it. State: see the steps."""
    component = store.lock(session, slug, today)
    editor = caller.may("catalog.admin")
    owner = store.number_of(session, component.owner_id)
    refuse(lifecycles.check_actor(lifecycles.Step.PROPOSE, owner, caller.organisation, editor=editor))
    changes.require_match(if_match, component.revision)
    before = _as_described(session, component)
    owned = before | {"owner": owner}
    after = changes.merged(Owned, owned, new)
    changed = changes.differences(owned, after.model_dump(mode="json", exclude_none=True))
    needing = [f"#/{name}" for name in changed if name in rules.SENSITIVE]
    refuse(
        [
            *rules.check_owner_change(changed, editor=editor),
            *([changes.ReasonMissing(pointer=pointer) for pointer in needing] if not new.reason else []),
            *(rules.check_licence(after.licence) if "licence" in changed else []),
            *_unknown(session, after.operator, "#/operator"),
            *_unknown(session, after.owner, "#/owner"),
            *_taken_away(before, after, component),
        ]
    )
    if not changed:
        return _whole(*store.shown_here(session, slug, today))
    for name, value in _columns(session, after).items():
        setattr(component, name, value)
    component.name, component.sort_key = after.name.kept(), text_sort_key(after.name.kept())
    if "owner" in changed:
        component.owner_id, component.owner_name = store.organisation_of(session, after.owner), None
        component.transfer_to_id = None
    if component.life_cycle in (LifeCycle.PROPOSED, LifeCycle.REJECTED):
        component.authors = sorted({*component.authors, caller.client})
    component.revision += 1
    session.flush()
    store.index(session, component)
    path = f"/components/{slug}"
    audit.record(session, caller, "component.change", path, changed=changed, reason=new.reason)
    feed.tell(session, "component.changed", path, None, fields=sorted(changed))
    return _whole(*store.shown_here(session, slug, today))


def _columns(session: SessionDep, new: Described) -> dict[str, Any]:
    """As the table keeps it, but for the name."""
    texts = {"summary": new.summary, "purpose": new.purpose, "price_note": new.price_note}
    plain = new.model_dump(
        include={"kind", "reuse", "level", "terms_url", "data_processing_agreement_url", "licence", "target_services"}
    )
    kept = {name: text.kept() if text else None for name, text in texts.items()}
    return plain | kept | {"operator_id": store.organisation_of(session, new.operator)}


def _as_described(session: SessionDep, component: store.Component) -> dict[str, Any]:
    """As its owner would register it now."""
    whole = component.model_dump(mode="json", include=set(Described.model_fields) - {"operator"}, exclude_none=True)
    operator = store.number_of(session, component.operator_id)
    return whole | ({"operator": operator} if operator else {})


def _unknown(session: SessionDep, number: str | None, pointer: str) -> list[Invalid]:
    if number is None or store.organisation_of(session, number) is not None:
        return []
    return [OrganisationUnknown(f"{number} is not registered.", pointer=pointer)]


def _taken_away(before: dict[str, Any], after: Described, component: store.Component) -> list[Problem]:
    """What is missing after the change and was not before, while it is offered."""
    if component.life_cycle is not LifeCycle.AVAILABLE:
        return []
    missing_before = {type(one) for one in _missing(Described.model_validate(before))}
    return [one for one in _missing(after) if type(one) not in missing_before]


def _missing(new: Described) -> list[Problem]:
    told = new.model_dump(mode="json", include=set(rules.ENTAILED))
    return rules.check_offer(rules.Offer(new.kind, new.reuse, {name for name, value in told.items() if value}))
