"""Artefacts over HTTP."""

from typing import Annotated

from fastapi import Depends, Path, Request, Response
from pydantic import Field

from services.catalog.artefacts import examination, rules, store
from services.catalog.interface_versions import rules as version_rules
from services.catalog.interface_versions import store as versions
from services.catalog.interfaces import rules as interface_rules
from services.catalog.interfaces.rules import Status
from services.catalog.organisations import store as organisations
from services.chassis import audit, changes, clock, feed
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import Instant, Out

router = new_router("/interfaces/{slug}/versions/{version}/artefact", "Interfaces")

EDITOR = "100000008"
InterfaceSlug = Annotated[
    str, Path(description="The interface's name in addresses", examples=["velferdsteknologi-varsler"])
]
Label = Annotated[str, Path(description="The version's label", examples=["2.0"])]
DraftLabel = Annotated[str, Path(description="The version's label", examples=["3.0"])]
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_EXAMPLE = """\
openapi: 3.0.3
info: {title: Varsler (fiktiv), version: "3.0"}
paths:
  /varsler:
    get:
      responses:
        "200": {description: Varslene}
"""


class Artefact(Out):
    """What is known of the document; the document itself is `GET …/artefact`."""

    interface: str
    version: str
    sha256: str = Field(description="Of its bytes, in hexadecimal; the `ETag` of the document is the same")
    media_type: str
    format: rules.Format
    specification_version: str | None = Field(
        description="The version of OpenAPI or AsyncAPI that it is written in, or the `version` of an XSD"
    )
    title: str | None = Field(description="Its own title, or the target namespace of an XSD")
    size_bytes: int
    complete: bool = Field(
        description="False where references lead out of the document. They are not fetched, so what hangs on them was "
        "not judged"
    )
    external_references: list[str]
    put_at: Instant


async def _body(request: Request) -> bytes:
    """The request's bytes, as they are; no more of them are read than an artefact may have."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > rules.LARGEST:
            raise rules.ArtefactTooLarge(f"At most {rules.LARGEST} bytes.")
    return bytes(body)


async def _media_type(request: Request) -> str:
    return rules.media_type(request.headers.get("content-type"))


@router.put(
    "",
    summary="Put the artefact of a version",
    openapi_extra={
        **example(organisation=EDITOR, body=_EXAMPLE, media_type="application/yaml", headers={"If-Match": "*"}),
        "requestBody": {
            "required": True,
            "description": "An OpenAPI 3.0–3.2, AsyncAPI 2.0–3.1 or XSD 1.0 document, at most two megabytes",
            "content": {name: dict(_BYTES) for name in rules.MEDIA_TYPES}
            | {"application/yaml": {**_BYTES, "example": _EXAMPLE}},
        },
    },
)
def put(
    slug: InterfaceSlug,
    version: DraftLabel,
    caller: CallerDep,
    media_type: Annotated[str, Depends(_media_type)],
    body: Annotated[bytes, Depends(_body)],
    database: DatabaseDep,
    session: SessionDep,
    response: Response,
    if_match: changes.IfMatch = None,
) -> Artefact:
    """The document that describes the version, as the request's body: kept byte for byte under its hash. It is examined
    first, and everything that is wrong with it is told: OpenAPI by its official schema and the rules between its parts,
    AsyncAPI by the official schema of its version, XSD by compiling it. Nothing that it refers to is fetched.

    A draft's artefact can be replaced (send `If-Match` with its `ETag`); that of a published version never. For the
    interface's owner and for editors."""
    editor = caller.may("catalog.admin")
    with database.reading() as reader:  # before the work: is it theirs at all?
        acting = organisations.of_caller(reader, caller.organisation)
        interface, _ = versions.of(reader, slug, version)
        refuse(interface_rules.check_keeper(interface.owner_id, acting.id, editor=editor))
    examined = examination.examine(body, media_type)
    refuse(rules.check(examined, interface.kind))
    interface, row = versions.of(session, slug, version, lock=True)
    refuse(interface_rules.check_keeper(interface.owner_id, acting.id, editor=editor))
    before = store.find(session, row.id)
    new, old = store.hashed(body), before.sha256 if before else None
    draft = version_rules.last(versions.history(versions.events(session, [row.id])[row.id])) is Status.DRAFT
    if draft and old not in (None, new) and if_match is None:
        raise changes.IfMatchMissing("Send If-Match with the ETag of the artefact that you want to replace.")
    refuse(rules.check_replacement(old, new, if_match, draft=draft))
    if before is None or old != new:
        before = store.put(session, row.id, body, media_type, examined, clock.now())
        row.revision += 1
        path = f"/interfaces/{slug}/versions/{version}"
        audit.record(session, caller, "artefact.put", path, changed={"sha256": [old, new]}, media_type=media_type)
        feed.tell(session, "artefact.put", path, None, sha256=new, format=before.format.value)
    response.headers["ETag"] = f'"{new}"'
    return _shown(slug, version, before)


@router.get(
    "",
    summary="Fetch the artefact of a version",
    response_class=Response,
    openapi_extra=example(),
    responses={200: {"content": {name: dict(_BYTES) for name in rules.MEDIA_TYPES}}},
)
def fetch(slug: InterfaceSlug, version: Label, reader: ReaderDep, request: Request) -> Response:
    """The same bytes that were put, with their hash as `ETag`. They are somebody else's: save them, do not open them in
    a browser (the answer says so)."""
    _, row = versions.of(reader, slug, version)
    known = store.of(reader, row.id)
    suffix = rules.SUFFIXES[rules.MEDIA_TYPES[known.media_type].syntax]
    headers = {
        "ETag": f'"{known.sha256}"',
        "Content-Disposition": f'attachment; filename="{slug}-{version}.{suffix}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    if headers["ETag"] in [one.strip() for one in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    # A media type without charset parameter: what is text says itself what it is written in.
    return Response(store.content(reader, known.sha256), headers=headers | {"Content-Type": known.media_type})


@router.get("/about", summary="Read about the artefact of a version", openapi_extra=example())
def about(slug: InterfaceSlug, version: Label, reader: ReaderDep) -> Artefact:
    """Its hash, format and size, what it calls itself, and which other documents it refers to."""
    _, row = versions.of(reader, slug, version)
    return _shown(slug, version, store.of(reader, row.id))


def _shown(slug: str, version: str, known: store.Described) -> Artefact:
    return Artefact.model_validate({**known.__dict__, "interface": slug, "version": version})
