"""The certification schemes over HTTP."""

from typing import Annotated

from fastapi import Body, Path, Response
from pydantic import Field

from services.catalog.schemes import store
from services.catalog.schemes.rules import SubjectKind
from services.chassis import audit, changes, feed
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.values import In, Out, Text, TextOut

router = new_router("/certification-schemes", "Certification")

EDITOR = "100000008"
Kind = Annotated[SubjectKind, Path(description="What is certified", examples=["product"])]
WorkingDays = Annotated[int, Field(ge=1, le=365, description="Norwegian working days")]


class Days(In):
    """What a scheme lays down."""

    name: Text
    completeness_days: WorkingDays = Field(
        description="Working days from submission until what is missing is asked for"
    )
    information_days: WorkingDays = Field(description="Working days to answer a request for information")
    assessment_days: WorkingDays = Field(description="Working days to assess")
    decision_days: WorkingDays = Field(description="Working days to decide, from the recommendation")
    appeal_days: int = Field(
        ge=1,
        le=365,
        description="Calendar days from a decision in which it can be appealed against; the last one counts",
    )
    longest_validity_days: int = Field(ge=1, le=3660, description="How many days a certificate lasts at the most")
    expires_soon_days: int = Field(ge=0, le=365, description="So many days before its last a certificate expires soon")
    result_lifetime_days: int = Field(
        ge=1, le=3660, description="How many days a test counts that says nothing else itself"
    )
    carry_over: bool = Field(description="A certificate can be carried over to a minor version by declaration")
    appeal_to_working_day: bool = Field(
        description="An appeal's last day moves to the next working day when it is none (as domstolloven § 149)"
    )
    appeal_by_another_organisation: bool = Field(
        description="An appeal is decided by another organisation than the one that decided first"
    )


class SchemeChange(In):
    """What is not named stays."""

    name: changes.TextChange | None = None
    completeness_days: WorkingDays | None = None
    information_days: WorkingDays | None = None
    assessment_days: WorkingDays | None = None
    decision_days: WorkingDays | None = None
    appeal_days: int | None = Field(default=None, ge=1, le=365, description="Calendar days")
    longest_validity_days: int | None = Field(default=None, ge=1, le=3660, description="Days")
    expires_soon_days: int | None = Field(default=None, ge=0, le=365, description="Days")
    result_lifetime_days: int | None = Field(default=None, ge=1, le=3660, description="Days")
    carry_over: bool | None = None
    appeal_to_working_day: bool | None = None
    appeal_by_another_organisation: bool | None = None


class Scheme(Out):
    """The rules that hold for everything of one kind that is certified."""

    subject_kind: SubjectKind
    name: TextOut
    completeness_days: int = Field(description="Working days from submission until what is missing is asked for")
    information_days: int = Field(description="Working days to answer a request for information")
    assessment_days: int = Field(description="Working days to assess")
    decision_days: int = Field(description="Working days to decide, from the recommendation")
    appeal_days: int = Field(description="Calendar days from a decision in which it can be appealed against")
    longest_validity_days: int = Field(description="How many days a certificate lasts at the most")
    expires_soon_days: int = Field(description="So many days before its last a certificate expires soon")
    result_lifetime_days: int = Field(description="How many days a test counts that says nothing else itself")
    carry_over: bool = Field(description="A certificate can be carried over to a minor version by declaration")
    appeal_to_working_day: bool = Field(description="An appeal's last day moves to the next working day")
    appeal_by_another_organisation: bool = Field(description="Another organisation decides an appeal")


class Schemes(Out):
    items: list[Scheme]


@router.get("", summary="List certification schemes", openapi_extra=example())
def list_schemes(reader: ReaderDep) -> Schemes:
    """One for each kind of what is certified, with its deadlines. Deadlines are in Norwegian working days (Monday to
    Friday, no public holidays), but for appeals, which are in calendar days."""
    return Schemes(items=[Scheme.model_validate(one) for one in store.every(reader)])


@router.get("/{subject_kind}", summary="Read a certification scheme", openapi_extra=example())
def read(subject_kind: Kind, reader: ReaderDep, response: Response) -> Scheme:
    """The rules of one scheme. Send the `ETag` back as `If-Match` when you change them."""
    row = store.of_kind(reader, subject_kind)
    response.headers["ETag"] = changes.etag(row.revision)
    return Scheme.model_validate(row)


@router.patch(
    "/{subject_kind}",
    summary="Change a certification scheme",
    openapi_extra=example(
        organisation=EDITOR,
        body={"assessment_days": 25},
        media_type=changes.MERGE_PATCH,
        headers={"If-Match": '"1"'},
    ),
)
def change(
    subject_kind: Kind,
    change: Annotated[SchemeChange, Body(media_type=changes.MERGE_PATCH)],
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    if_match: changes.IfMatch = None,
) -> Scheme:
    """For editors. What is not named stays. A deadline that is running already stays as it was told; a certificate that
    is granted stays as long as it is."""
    row = store.of_kind(session, subject_kind, changing=True)
    changes.require_match(if_match, row.revision)
    before = {name: getattr(row, name) for name in Days.model_fields}
    after = changes.merged(Days, before, change).model_dump(exclude_none=True)
    changed = changes.differences(before, after)
    if changed:
        row.sqlmodel_update({name: new for name, (_, new) in changed.items()})
        row.revision += 1
        path = f"/certification-schemes/{subject_kind}"
        audit.record(session, caller, "certification-scheme.change", path, changed=changed)
        feed.tell(session, "certification-scheme.changed", path, None, fields=sorted(changed))
    response.headers["ETag"] = changes.etag(row.revision)
    return Scheme.model_validate(row)
