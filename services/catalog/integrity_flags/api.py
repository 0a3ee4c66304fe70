"""Integrity flags over HTTP."""

from datetime import date
from typing import Annotated

from fastapi import Path, Query, Request, Response
from pydantic import Field

from services.catalog.integrity_flags import rules, store
from services.catalog.integrity_flags.rules import Kind
from services.catalog.schemes.shapes import is_body
from services.chassis import audit, clock, feed, paging
from services.chassis.app import new_router
from services.chassis.auth import CallerDep, ViewerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Instant, Out, TextOut

router = new_router("/integrity-flags", "Integrity flags")

BODY = "100000040"
SEEDED = "SV-2026-000004"


class Acknowledged(Out):
    """That somebody has looked at it."""

    recorded_at: Instant
    organisation_number: str
    note: str | None = Field(description="What they found; null to whoever neither assesses nor decides")


class IntegrityFlag(Out):
    """Something about a certificate's record that is worth a look. It says nothing about right or wrong."""

    id: str = Field(description="The same whenever it is asked for", examples=[f"{SEEDED}.back_dated_event.4"])
    certificate: str = Field(description="The certificate's number", examples=[SEEDED])
    kind: Kind
    about: str | None = Field(
        description="The event by its `sequence` in the certificate, the requirement by its id, or the evidence "
        "file by its id; null when it is the certificate as a whole",
        examples=["4"],
    )
    text: TextOut
    on: date = Field(description="The day that it arose")
    acknowledged: Acknowledged | None = Field(description="Null: nobody has looked at it yet")


class Filters(In):
    certificate: list[Annotated[str, Field(max_length=20)]] | None = Field(
        default=None, max_length=100, description="Only of these certificates; may be repeated"
    )
    kind: list[Kind] | None = Field(default=None, max_length=20, description="Only of these kinds; may be repeated")
    acknowledged: bool | None = Field(
        default=None, description="Only those that somebody has looked at, or only others"
    )
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


class NewAcknowledgement(In):
    note: str = Field(min_length=1, max_length=2000, description="What was found when it was looked at")


@router.get("", summary="List integrity flags", openapi_extra=example(query={"certificate": SEEDED}))
def list_flags(
    filters: Annotated[Filters, Query()],
    reader: ReaderDep,
    viewer: ViewerDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
) -> paging.Page[IntegrityFlag]:
    """Open to all, by the certificates' numbers. Flags block nothing. They are worked out anew each time from what is
    only ever added: events and their traces in the sealed audit, results, evidence, who assessed and who decided. So
    none can be taken away. Among thousands of certificates a page may hold fewer than `limit`, even none, and still
    have a `next`: go on until it is null. Notes are seen by whoever assesses or decides."""
    start = paging.start(filters.after, str, str)
    found, following = store.page(
        reader,
        (start[0], start[1]) if start else None,
        filters.limit,
        today,
        numbers=filters.certificate,
        kinds=filters.kind,
        acknowledged=filters.acknowledged,
    )
    cursor = paging.cursor(*following) if following else None
    if cursor:
        response.headers["Link"] = f'<{request.url.include_query_params(after=cursor)}>; rel="next"'
    whole = is_body(viewer)
    return paging.Page(items=[_shown(one, whole) for one in found], next=cursor)


@router.post(
    "/{id}/acknowledge",
    summary="Acknowledge an integrity flag",
    openapi_extra=example(organisation=BODY, body={"note": "Vedtaket ble fattet på papir samme dag (fiktivt)"}),
)
def acknowledge(
    id: Annotated[str, Path(max_length=200, description="The flag's id", examples=[f"{SEEDED}.back_dated_event.4"])],
    new: NewAcknowledgement,
    caller: CallerDep,
    session: SessionDep,
    today: clock.TodayDep,
) -> IntegrityFlag:
    """For decision-makers of an organisation without an interest in what is certified, through another client than the
    one that caused it: that somebody has looked at it, with a note. The flag stays, and the note is never changed."""
    one, record = store.raised(session, id, today)
    refuse(
        rules.check_acknowledgement(
            one.flag,
            acknowledged=one.acknowledgement is not None,
            organisation=caller.organisation,
            client=caller.client,
            interested=record.interested,
        )
    )
    now = clock.now()
    made = store.acknowledge(
        session, one.flag, new.note, at=now, organisation=caller.organisation, client=caller.client
    )
    path = f"/integrity-flags/{id}"
    audit.record(session, caller, "integrity-flag.acknowledge", path, note=new.note)
    feed.tell(session, "integrity-flag.acknowledged", path, None, certificate=one.flag.number, kind=one.flag.kind)
    return _shown(made, True)


def _shown(one: store.Raised, whole: bool) -> IntegrityFlag:
    flag, looked = one.flag, one.acknowledgement
    return IntegrityFlag(
        id=flag.id,
        certificate=flag.number,
        kind=flag.kind,
        about=flag.about or None,
        text=flag.text,
        on=flag.on,
        acknowledged=looked
        and Acknowledged(
            recorded_at=looked.recorded_at,
            organisation_number=looked.organisation_number,
            note=looked.note if whole else None,
        ),
    )
