"""A draft's requirements over HTTP, one by one and as a table."""

from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.drafts import rules, sheet, store
from services.catalog.specifications import shapes
from services.catalog.specifications import store as specifications
from services.catalog.specifications.shapes import OwnSlug, SpecificationSlug
from services.chassis import audit, changes, clock, feed
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import NotFound, refuse
from services.chassis.values import Out
from services.chassis.view import Language

router = new_router("/specifications/{slug}/versions/{label}", "Specifications")
DraftLabel = Annotated[str, Path(description="The draft's label", examples=["1.1"])]
RequirementId = Annotated[
    str, Path(description="The requirement's id", pattern=r"^[A-Z0-9][A-Z0-9.-]{0,39}$", examples=["ALS-02"])
]
Reason = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=2000,
        description="Why a requirement of the specification that this one follows is left out; needed for a must",
    ),
]
_TABLE = (
    'ID;Krav;Må/bør/kan;Gjelder for;Kommentar\nALS-10;"Alarmen virker i hele kommunen.";Må;;\n'
    "ALS-11;Opplæring gis på stedet.;Bør;Sykehjem;Etter avtale\n"
)


class RequirementNotFound(NotFound):
    """The version has no such requirement."""


class Outcome(Out):
    """What became of a draft, by the ids of its requirements."""

    specification: str
    version: str
    requirements: int = Field(description="How many it has now")
    added: list[str]
    changed: list[str]
    dropped: list[str]
    unchanged: int


async def _body(request: Request) -> bytes:
    """The file; more than is allowed is not even read to its end."""
    content = bytearray()
    async for block in request.stream():
        content += block
        if len(content) > sheet.LARGEST:
            raise sheet.TableTooLarge(f"At most {sheet.LARGEST // 1024 // 1024} MB.")
    return bytes(content)


@router.post(
    "/requirements",
    summary="Import a requirement table into a draft",
    openapi_extra=example(
        organisation=shapes.MUNICIPALITY,
        body=_TABLE,
        media_type=sheet.CSV,
        query={"reason": "Dekkes av kommunens egne krav (fiktivt)"},
    ),
)
def take_in(
    slug: OwnSlug,
    label: DraftLabel,
    request: Request,
    content: Annotated[bytes, Depends(_body)],
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    language: Annotated[Language, Query(description="The language of text columns that name none")] = "nb",
    ignore: Annotated[list[str], Query(max_length=60, description="Columns to leave out, by name")] = [],  # noqa: B006
    reason: Reason = None,
    if_match: changes.IfMatch = None,
) -> Outcome:
    """The table becomes the whole of the draft, or nothing of it does. CSV (UTF-8; semicolons or commas) or XLSX (its
    first sheet), at most 5 MB. Columns: *ID*, *Krav* and *Må/bør/kan* are needed; *Gjelder for*, *Verifikasjon*,
    *Metode*, *Kommentar*, *Standard*, *Punkt* and *Erstatter* may be there; English names work as well, and `Krav (nn)`
    is the text in nynorsk. Everything that is wrong is told at once, with row and column as in the sheet:
    `#/rows/12/obligation`. Try it with `dry_run` first."""
    row = specifications.to_change(session, slug, caller.organisation, editor=caller.may("catalog.admin"))
    changes.require_match(if_match, row.revision, needed=False)
    draft = store.open(session, row, label)
    table = sheet.read(content, request.headers.get("content-type", ""))
    read, found = rules.read(table, language=language, ignored=ignore)
    if not read:
        refuse(found or [rules.ValueMissing("The table has no requirements.", pointer="#/rows")])
    outcome = store.replace(
        session,
        draft,
        [one for _, one in read],
        pointer=lambda place: f"#/rows/{read[place][0]}",
        reason=reason,
        found=found,
    )
    return _kept(session, draft, outcome, caller, response, today, how="table", reason=reason)


@router.put(
    "/requirements/{id}",
    summary="Put a requirement into a draft",
    openapi_extra=example(
        organisation=shapes.MUNICIPALITY,
        body={
            "obligation": "should",
            "text": {"nb": "Opplæring gis på stedet (fiktivt krav)."},
            "method": "inspection",
        },
        headers={"If-Match": '"1"'},
    ),
)
def put(
    slug: OwnSlug,
    label: DraftLabel,
    id: RequirementId,
    new: shapes.RequirementContent,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Outcome:
    """Adds it at the end, or says it anew. What another version contains under this id cannot be changed: take a new
    id, and name the old one in `replaces`, which then leaves the draft."""
    row = specifications.to_change(session, slug, caller.organisation, editor=caller.may("catalog.admin"))
    changes.require_match(if_match, row.revision)
    draft = store.open(session, row, label)
    says = new.says(id)
    wanted = [says if one.id in (id, says.replaces) else one for one in draft.says()]
    wanted = list({one.id: one for one in wanted}.values())
    if says not in wanted:
        wanted.append(says)
    if len(wanted) > rules.MOST_REQUIREMENTS:
        raise rules.TooManyRequirements(f"At most {rules.MOST_REQUIREMENTS}.")
    outcome = store.replace(session, draft, wanted, pointer=lambda place: "#", reason=None)
    return _kept(session, draft, outcome, caller, response, today, how="one", reason=None)


@router.delete(
    "/requirements/{id}",
    summary="Drop a requirement from a draft",
    openapi_extra=example(
        organisation=shapes.MUNICIPALITY,
        query={"reason": "Dekkes av kommunens egne krav (fiktivt)"},
        headers={"If-Match": '"1"'},
    ),
)
def drop(
    slug: OwnSlug,
    label: DraftLabel,
    id: RequirementId,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    reason: Reason = None,
    if_match: changes.IfMatch = None,
) -> Outcome:
    """Its id stays taken, if it has been published. A must of the specification that this one follows is left out for a
    reason, which everyone can read."""
    row = specifications.to_change(session, slug, caller.organisation, editor=caller.may("catalog.admin"))
    changes.require_match(if_match, row.revision)
    draft = store.open(session, row, label)
    wanted = [one for one in draft.says() if one.id != id]
    if len(wanted) == len(draft.contents):
        raise RequirementNotFound(f"{slug} {label} has no {id!r}.")
    outcome = store.replace(session, draft, wanted, pointer=lambda place: "#", reason=reason)
    return _kept(session, draft, outcome, caller, response, today, how="one", reason=reason)


@router.get(
    "/requirements.csv",
    summary="Read a version's requirement table",
    openapi_extra=example(),
    response_class=Response,
    responses={200: {"content": {sheet.CSV: {"schema": {"type": "string"}}}}},
)
def table(
    slug: SpecificationSlug,
    label: Annotated[str, Path(description="The version's label", examples=["1.0"])],
    reader: ReaderDep,
) -> Response:
    """As CSV for a spreadsheet: UTF-8, semicolons. It can be imported again as it is. A value that a spreadsheet would
    take for a formula has an apostrophe before it."""
    row = specifications.by_slug(reader, slug)
    version = specifications.version(reader, row, label)
    content = sheet.write(rules.written([one.says for one in specifications.requirements(reader, version.id)]))
    return Response(
        content,
        media_type=f"{sheet.CSV}; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{slug}-{version.label}.csv"',
            "ETag": changes.etag(row.revision),
            "X-Content-Type-Options": "nosniff",
        },
    )


def _kept(
    session: Session,
    draft: store.Draft,
    outcome: rules.Outcome,
    caller: Caller,
    response: Response,
    today: Any,
    *,
    how: str,
    reason: str | None,
) -> Outcome:
    row, label = draft.specification, draft.version.label
    path = f"/specifications/{row.slug}"
    contents = specifications.requirements(session, draft.version.id)
    if outcome:
        were = {one.code: one.says for one in draft.contents}
        changed = {
            one.code: changes.differences(_values(were[one.code]), _values(one.says))
            for one in contents
            if one.code in outcome.changed
        }
        audit.record(
            session,
            caller,
            "specification.requirements",
            path,
            version=label,
            how=how,
            added={one.code: _values(one.says) for one in contents if one.code in outcome.added},
            changed=changed,
            dropped=outcome.dropped,
            reason=reason,
        )
        feed.tell(session, "specification.requirements_changed", path, None, version=label, requirements=len(contents))
        row.revision += 1
        specifications.index(session, row, today)
    response.headers["ETag"] = changes.etag(row.revision)
    return Outcome.model_validate(
        {**vars(outcome), "specification": row.slug, "version": label, "requirements": len(contents)}
    )


def _values(one: Any) -> dict[str, Any]:
    return {**one.content(), "replaces": one.replaces}
