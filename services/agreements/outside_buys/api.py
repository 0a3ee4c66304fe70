"""Buys outside agreements over HTTP."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from pydantic import Field, StringConstraints
from sqlmodel import Session

from services.agreements.cost_splits.shapes import SignedMoney
from services.agreements.frameworks import store as frameworks
from services.agreements.outside_buys import rules, store
from services.agreements.outside_buys.rules import Found
from services.agreements.report_tables import sheet
from services.chassis import clock, paging
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, DryRunDep, ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Instant, OrganisationNumber, Out, Slug, seed_id

router = new_router("", "Reports")

BUYER, OWNER = "964983291", "100000008"
FileId = Annotated[UUID, Path(description="The file's id", examples=[str(seed_id("spend-file:november"))])]
EXAMPLE = (
    "Dato;Leverandør;Tekst;Beløp uten mva;Konto\n"
    "05.10.2026;100000075;Trygghetsalarmer (fiktivt);18 000,00;12010\n"
    "2026-10-06;100000067;Kurs (fiktivt);4 500,00;11500\n"
)


class MappedAccount(In):
    """That what is booked on an account belongs under a lot."""

    account: Annotated[
        str,
        StringConstraints(pattern=r"^[0-9A-Za-z-]{1,9}$"),
        Field(description="An account, or what several begin with; the longest that fits counts", examples=["1201"]),
    ]
    framework_agreement: Slug
    lot: Slug


class NewAccountMap(In):
    accounts: list[MappedAccount] = Field(min_length=1, max_length=500)


class AccountMap(Out):
    """Which of your accounts the agreements cover."""

    version: int
    accounts: list[MappedAccount]
    recorded_at: Instant


class OutsideMonth(Out):
    month: str = Field(examples=["2026-11"])
    framework_agreement: str
    lot: str
    found: Found
    buys: int
    amount_excl_vat: SignedMoney


class SpendFile(Out):
    """What a file of your books showed. NOK without VAT."""

    id: UUID
    from_on: date
    to_on: date
    map_version: int = Field(description="The version of your account map that it was judged by")
    media_type: str
    sha256: str = Field(description="Of the file, in hexadecimal; the file itself is not kept")
    rows: int
    total_excl_vat: SignedMoney
    within_excl_vat: SignedMoney = Field(description="From suppliers that you have placed orders with")
    not_covered_excl_vat: SignedMoney = Field(description="What no agreement that you may call off from covers")
    outside_excl_vat: SignedMoney = Field(description="The rest: what was bought outside agreements")
    months: list[OutsideMonth] = Field(description="What was bought outside, month by month")
    replaces: UUID | None
    replaced_by: UUID | None = Field(description="The later file that stands instead of this one")
    recorded_at: Instant


class OutsideBuy(Out):
    """A line of the file that shows a buy outside an agreement. NOK without VAT."""

    row: int = Field(description="In the file, as a spreadsheet counts it")
    found: Found
    framework_agreement: str = Field(description="The agreement that covers it")
    lot: str
    bought_on: date
    supplier_organisation_number: OrganisationNumber
    account: str
    amount_excl_vat: SignedMoney


class OutsideSum(Out):
    month: str = Field(examples=["2026-11"])
    lot: str
    found: Found
    buyers: int = Field(description="How many have such buys in the month")
    amount_excl_vat: SignedMoney | None = Field(
        description=f"Of all of them; null when they are fewer than {rules.FEWEST_BUYERS}"
    )


class OutsideSums(Out):
    """What buyers have reported of buys outside an agreement. NOK without VAT."""

    framework_agreement: str
    items: list[OutsideSum]


@router.put(
    "/account-map",
    summary="Say which of your accounts agreements cover",
    openapi_extra=example(
        organisation=BUYER,
        body={
            "accounts": [
                {"account": "1201", "framework_agreement": "ra-2026-velferdsteknologi", "lot": "alarmer"},
                {"account": "1202", "framework_agreement": "ra-2026-velferdsteknologi", "lot": "tilsyn"},
            ]
        },
    ),
)
def put_map(new: NewAccountMap, caller: CallerDep, session: SessionDep) -> AccountMap:
    """By a buyer, for its own books: account by account, or by what several begin with. It is a new version, and counts
    for files that are sent after it."""
    refuse(rules.check_map([one.account for one in new.accounts]))
    known = store.lots(session, sorted({one.framework_agreement for one in new.accounts}))
    for one in new.accounts:
        if (one.framework_agreement, one.lot) not in known:
            frameworks.lot(session, frameworks.visible(session, one.framework_agreement, None).id or 0, one.lot)
    store.lock(session, caller.organisation)
    return _map(store.add_map(session, caller, [one.model_dump() for one in new.accounts]))


@router.get("/account-map", summary="Read your account map", openapi_extra=example(organisation=BUYER))
def read_map(caller: CallerDep, reader: ReaderDep) -> AccountMap:
    """The newest version of what you have said that agreements cover. Nobody else sees it."""
    row = store.newest_map(reader, caller.organisation)
    if row is None:
        raise rules.AccountMapNotFound
    return _map(row)


@router.post(
    "/spend-files",
    status_code=201,
    summary="Find buys outside agreements in your books",
    openapi_extra=sheet.upload(
        example(
            organisation=BUYER,
            body=EXAMPLE,
            media_type=sheet.CSV,
            query={"from_on": "2026-10-01", "to_on": "2026-10-31"},
        )
    ),
)
def upload(
    from_on: Annotated[date, Query(description="The first day that it is about")],
    to_on: Annotated[date, Query(description="The last day")],
    file: Annotated[tuple[bytes, str], Depends(sheet.received)],
    caller: CallerDep,
    database: DatabaseDep,
    response: Response,
    dry_run: DryRunDep,
    replaces: Annotated[UUID | None, Query(description="Your file of the same days that this one corrects")] = None,
) -> SpendFile:
    """By a buyer. The body is the file: CSV (UTF-8; semicolons or commas) or XLSX (one sheet), at most 5 MB and 20,000
    rows, with the columns that `/reports/dictionary` tells of `spend_file`. Everything that is wrong is told at once,
    with row and column as in the sheet; a file with what looks like a personal number is refused.

    A line is a buy outside when its account is covered by a lot (`/account-map`) in which the supplier has no place,
    or when the supplier has a place in an agreement and you have placed no order with it there: on days on which you
    may call off from the agreement. Only those lines are kept, without their text; of all others the sums. You alone
    see lines; the framework owner sees sums of at least three buyers."""
    content, media_type = file
    lines = sheet.read(content, media_type, rules.COLUMNS)
    with database.writing(rehearsed=dry_run) as session:
        buyer = caller.organisation
        old = store.owned(session, replaces, buyer) if replaces else None
        store.lock(session, buyer)
        mapped = store.newest_map(session, buyer)
        taken = store.taken(session, buyer, from_on, to_on)
        refuse(
            [
                *rules.check(
                    from_on,
                    to_on,
                    mapped=mapped is not None,
                    taken=[uuid for key, uuid in taken.items() if not old or key != old.id],
                    replaced=old is not None and store.is_replaced(session, old),
                ),
                *rules.check_days(lines, from_on, to_on),
            ]
        )
        assert mapped
        sent = store.Sent(buyer, from_on, to_on, media_type, content)
        row, buys = store.judged(session, sent, mapped, lines, at=clock.now(), replaces=old)
        store.add(session, caller, row, buys)
        shown = _shown(session, [row])[0]
    response.headers["Location"] = f"/spend-files/{row.uuid}"
    return shown


@router.get("/spend-files", summary="List your spend files", openapi_extra=example(organisation=BUYER))
def list_files(
    caller: CallerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
    after: paging.After = None,
    limit: paging.Limit = paging.DEFAULT,
) -> paging.Page[SpendFile]:
    """The latest first, each with what it showed. Nobody else sees them."""
    start = paging.start(after, UUID)
    rows = store.page(reader, caller.organisation, start[0] if start else None, limit)
    shown = {one.id: one for one in _shown(reader, rows)}
    return paging.page(request, response, rows, limit, lambda row: paging.cursor(row.uuid), lambda row: shown[row.uuid])


@router.get("/spend-files/{id}", summary="Read what a spend file showed", openapi_extra=example(organisation=BUYER))
def read(id: FileId, caller: CallerDep, reader: ReaderDep) -> SpendFile:
    """What was bought outside agreements, month by month, and the sums of the rest. For the buyer alone."""
    return _shown(reader, [store.owned(reader, id, caller.organisation)])[0]


@router.get(
    "/spend-files/{id}/outside-buys", summary="List buys outside agreements", openapi_extra=example(organisation=BUYER)
)
def list_buys(
    id: FileId,
    caller: CallerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
    after: paging.After = None,
    limit: paging.Limit = paging.DEFAULT,
) -> paging.Page[OutsideBuy]:
    """The lines themselves, by their row in the file. For the buyer alone."""
    row = store.owned(reader, id, caller.organisation)
    start = paging.start(after, int)
    return paging.page(
        request,
        response,
        store.lines(reader, row.id or 0, start[0] if start else 0, limit + 1),
        limit,
        lambda one: paging.cursor(one.row),
        lambda one: OutsideBuy(
            row=one.row,
            found=one.found,
            framework_agreement=one.framework_agreement,
            lot=one.lot,
            bought_on=one.bought_on,
            supplier_organisation_number=one.supplier,
            account=one.account,
            amount_excl_vat=one.amount,
        ),
    )


@router.get(
    "/framework-agreements/{slug}/outside-buys",
    summary="Add up what is bought outside an agreement",
    openapi_extra=example(organisation=OWNER),
)
def sums(
    slug: Annotated[str, Path(description="The agreement's name in addresses", examples=["ra-2026-velferdsteknologi"])],
    caller: CallerDep,
    reader: ReaderDep,
) -> OutsideSums:
    """For the framework owner: by month and lot, of all buyers that have sent their books. A sum of fewer than three
    buyers is not told, and never who they are."""
    agreement = frameworks.visible(reader, slug, caller.organisation)
    if agreement.owner_number != caller.organisation:
        raise rules.OutsideBuysNotYours(f"It is owned by {agreement.owner_name}.")
    return OutsideSums(
        framework_agreement=slug,
        items=[
            OutsideSum(
                month=row.month,
                lot=row.lot,
                found=row.found,
                buyers=row.buyers,
                amount_excl_vat=row.amount if row.buyers >= rules.FEWEST_BUYERS else None,
            )
            for row in store.sums(reader, agreement.id or 0)
        ],
    )


def _map(row: store.AccountMap) -> AccountMap:
    return AccountMap(
        version=row.version,
        accounts=[MappedAccount.model_validate(one) for one in row.accounts],
        recorded_at=row.recorded_at,
    )


def _shown(session: Session, rows: Sequence[store.SpendFile]) -> list[SpendFile]:
    earlier, later = store.linked(session, rows)
    months = store.months(session, [row.id or 0 for row in rows])
    return [
        SpendFile(
            id=row.uuid,
            from_on=row.from_on,
            to_on=row.to_on,
            map_version=row.map_version,
            media_type=row.media_type,
            sha256=row.sha256,
            rows=row.rows,
            total_excl_vat=row.total,
            within_excl_vat=row.within,
            not_covered_excl_vat=row.not_covered,
            outside_excl_vat=row.total - row.within - row.not_covered,
            months=[
                OutsideMonth(
                    month=one.month,
                    framework_agreement=one.framework_agreement,
                    lot=one.lot,
                    found=one.found,
                    buys=one.buys,
                    amount_excl_vat=one.amount,
                )
                for one in months[row.id or 0]
            ],
            replaces=earlier.get(row.replaces_id or 0),
            replaced_by=later.get(row.id or 0),
            recorded_at=row.recorded_at,
        )
        for row in rows
    ]
