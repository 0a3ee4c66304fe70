"""The search over HTTP: hits, and counts by facet."""

from typing import Annotated, Any, Literal

import orjson
from fastapi import Query, Request, Response
from pydantic import AfterValidator, Field, StringConstraints

from services.catalog.adoptions import store as adoptions
from services.catalog.hits import store
from services.catalog.search import store as engine
from services.catalog.search.rules import ADOPTION, ALL_FACETS, MATCHES, MISSING, Audience, Sort, Type
from services.catalog.search.store import Asked, Found, Narrowed
from services.chassis import clock, paging, view
from services.chassis.app import new_router
from services.chassis.auth import ViewerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.problems import Forbidden
from services.chassis.values import In, Out, TextOut

MOST_VALUES = 100
router = new_router("/search", "Search")


class AdoptionHidden(Forbidden):
    """Who uses what is seen by public bodies only."""


def _asked(q: str | None) -> str | None:
    return q or None


def _value(about: str) -> Any:
    return Field(default=[], max_length=50, description=f"{about} Several: any of them; `{MISSING}`: not told")


def _all(about: str) -> Any:
    return Field(default=[], max_length=50, description=f"{about} Several: all of them")


Value = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]
Values = list[Value]


class Narrowing(In):
    """Which things count. Each facet narrows; `<facet>_all` where a thing can have several values at once."""

    q: Annotated[str | None, AfterValidator(_asked)] = Field(
        default=None,
        max_length=200,
        pattern=r"^[^\x00]*$",
        description="What is looked for, in Norwegian or English, words in any form; æ, ø and å as ae, oe, aa, o and a "
        'too. The last word may be unfinished. `"…"` is a phrase, `-word` excludes, `or` (or `eller`) is either. '
        "With fewer than three matches, misspelt words are taken for the names they resemble",
        examples=["velferdsteknologi"],
    )
    type: list[Type] = Field(default=[], max_length=8, description="Only things of this type, or these")
    kind: Values = _value("Of a component, interface or organisation.")
    kind_all: Values = _all("Of an organisation.")
    reuse: Values = _value("Of a component: `reuse`, `shared_use`, `both`.")
    level: Values = _value("Of a component: whose tasks it serves; of a specification: 1 or 2.")
    life_cycle: Values = _value("Of a component, today.")
    owner: Values = _value("Organisation number of the owner; where it has none, its name.")
    licence: Values = _value("Of a component (SPDX).")
    supplier: Values = _value("Organisation number of a product's supplier.")
    delivery_form: Values = _value("Of a product.")
    delivery_form_all: Values = _all("Of a product.")
    hosting_country: Values = _value("Where a product is run (ISO 3166-1 alpha-2).")
    hosting_country_all: Values = _all("Where a product is run (ISO 3166-1 alpha-2).")
    component: Values = _value("The component that a product offers, an interface belongs to, a need is about.")
    component_all: Values = _all("The components that a product offers, an interface belongs to, a need is about.")
    specification: Values = _value("The specification that a product says it meets, or a need refers to.")
    specification_all: Values = _all("The specifications that a product says it meets, or a need refers to.")
    state: Values = _value("Of a specification, standard, interface or need, today.")
    sector: Values = _value("Whom a standard binds.")
    sector_all: Values = _all("Whom a standard binds.")
    binding: Values = _value("How a standard binds.")
    binding_all: Values = _all("How a standard binds.")
    area: Values = _value("Of a standard or need.")
    area_all: Values = _all("Of a standard or need.")
    county: Values = _value("County number, of an organisation, co-operation or need.")
    county_all: Values = _all("County number, of a co-operation or need.")
    form: Values = _value("The form of a co-operation.")
    form_all: Values = _all("The forms of a co-operation's units.")
    adoption: list[Literal["none", "few", "some", "many"]] = Field(
        default=[],
        max_length=4,
        description="How many organisations use it: 0, from 1, from 5, from 20. Seen by public bodies only (403)",
    )

    def narrowed(self, *, may_see: bool) -> Narrowed:
        if self.adoption and not may_see:
            raise AdoptionHidden("Leave `adoption` out.", pointer="?adoption")
        given: dict[str, Any] = self.model_dump(mode="json")
        return Narrowed(
            clock.today(),
            self.type,
            {name: given[name] for name in ALL_FACETS if name != "type" and given[name]},
            {name: given[f"{name}_all"] for name in ALL_FACETS if given.get(f"{name}_all")},
            self.adoption,
            Audience.PUBLIC_BODIES if may_see else Audience.PUBLIC,
        )


class Searched(Narrowing, view.Viewed):
    sort: Sort = Field(
        default=Sort.RELEVANCE,
        description="`relevance` without words: the most complete first. `adoption`: what most organisations use "
        "first, seen by public bodies only (403)",
    )
    after: paging.After = None
    limit: paging.Limit = 20


class Highlight(Out):
    """HTML: the text escaped, `<mark>` around each word that was asked for. Only the languages in which one was."""

    name: dict[str, str]
    snippet: dict[str, str] = Field(description="Of the summary, about 200 characters around the first word found")


class Hit(Out):
    """A thing that was found."""

    type: Type
    path: str = Field(description="Where to read it", examples=["/components/velferdsteknologi-trygghetsplattform"])
    ref: str = Field(description="Its slug, or its id")
    name: TextOut
    summary: TextOut | None
    facets: dict[str, list[str]] = Field(description="Its values of each facet that it has")
    match: Literal["exact", "name", "name_begun", "anywhere", "similar"] | None = Field(
        description="Where the words are: they are its name (`exact`), all stand in its name, the last one begins so "
        "in its name, they stand anywhere; `similar`: what was typed is taken for misspelt. null when it is sorted "
        "otherwise or no words were asked for"
    )
    highlight: Highlight
    adopters: int | None = Field(description="How many organisations use it; null unless you are a public body")


class Hits(paging.Page[Hit]):
    """Hits, best first."""

    did_you_mean: str | None = Field(
        description="The words as they were probably meant, when fewer than three things have them as they are"
    )


class Number(Out):
    value: str = Field(description=f"Give it back as the facet's parameter; `{MISSING}` where a thing should have one")
    count: int
    name: TextOut | None = Field(description="What an organisation number or a slug stands for, if it is known")


class Facet(Out):
    facet: str = Field(examples=["kind"])
    values: list[Number] = Field(description="The most frequent first, at most 100; `missing` last")


class Counted(Out):
    """How many, and of what."""

    total: int
    exact: bool = Field(description="Above 10,000 matches a tenth is counted, and the numbers are estimates")
    facets: list[Facet] = Field(
        description="A facet that is itself narrowed to any of some values is counted as if it were not, so that one "
        "sees what else there is"
    )
    did_you_mean: str | None = Field(description="As in the search itself")


@router.get(
    "",
    summary="Search everything",
    response_model=Hits,
    openapi_extra=example(query={"q": "velferdsteknologi", "limit": "10"}),
)
def search(
    searched: Annotated[Searched, Query()],
    viewer: ViewerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
) -> Response:
    """Components, products, specifications, standards, interfaces, organisations, co-operations and needs, the
    best match first: a thing of that name, then all words in the name, then words anywhere; among equals the most
    complete and alive. Facets narrow together. `next` keeps the question; give it back as `after`."""
    sees = adoptions.may_see(reader, viewer)
    if searched.sort is Sort.ADOPTION and not sees:
        raise AdoptionHidden("Sort by relevance or name.", pointer="?sort")
    asked = Asked.of(reader, searched.q)
    narrowed = searched.narrowed(may_see=sees)
    found = engine.ordered(reader, asked, narrowed, searched.after, searched.limit, searched.sort)
    page = found[: searched.limit]
    few = (searched.after is None and len(found) < engine.FEW) or any(_match(one) == "similar" for one in page)
    following = page[-1].cursor if len(found) > searched.limit else None
    if following:
        response.headers["Link"] = f'<{request.url.include_query_params(after=following)}>; rel="next"'
    hits = {
        "items": [_hit(one, marks, sees) for one, marks in zip(page, store.marks(reader, asked, page), strict=True)],
        "next": following,
        "did_you_mean": store.meant(reader, asked, searched.q) if searched.q and few else None,
    }
    if wanted := searched.view():
        answer = view.answer(wanted, Hits.model_validate(hits), response)
        assert isinstance(answer, Response)
        return answer
    # The declared shape is checked by the contract's test; to build and check it here costs half as much as the search.
    return Response(orjson.dumps(hits), media_type="application/json", headers=dict(response.headers))


@router.get(
    "/facets",
    summary="Count what a search finds by facet",
    response_model=Counted,
    openapi_extra=example(query={"q": "felles", "type": "component"}),
)
def facets(narrowing: Annotated[Narrowing, Query()], viewer: ViewerDep, reader: ReaderDep) -> Response:
    """The same question and the same facets as `GET /search`: how many there are, and how many of each value,
    among them `missing` where a thing should have a value and has none."""
    sees = adoptions.may_see(reader, viewer)
    asked = Asked.of(reader, narrowing.q)
    counts = store.counts(reader, asked, narrowing.narrowed(may_see=sees), adoption=sees)
    shown = {name: _most(counts.facets[name]) for name in (*ALL_FACETS, ADOPTION) if name in counts.facets}
    names = store.names(reader, {name: [value for value, _ in values] for name, values in shown.items()})
    counted = {
        "total": counts.total,
        "exact": counts.exact,
        "facets": [
            {"facet": name, "values": [{"value": one, "count": of, "name": names.get(one)} for one, of in values]}
            for name, values in shown.items()
        ],
        "did_you_mean": store.meant(reader, asked, narrowing.q) if narrowing.q and counts.total < engine.FEW else None,
    }
    return Response(orjson.dumps(counted), media_type="application/json")


def _match(found: Found) -> str | None:
    return None if found.match is None else MATCHES[found.match]


def _hit(found: Found, marks: store.Marks, sees: bool) -> dict[str, Any]:
    return {
        "type": found.type,
        "path": found.path,
        "ref": found.ref,
        "name": found.name,
        "summary": found.summary,
        "facets": found.facets,
        "match": _match(found),
        "highlight": {"name": marks.name, "snippet": marks.snippet},
        "adopters": found.adopters if sees else None,
    }


def _most(counted: dict[str, int]) -> list[tuple[str, int]]:
    most = sorted(counted.items(), key=lambda one: (one[0] == MISSING, -one[1], one[0]))
    return [*most[:MOST_VALUES], *(one for one in most[MOST_VALUES:] if one[0] == MISSING)]
