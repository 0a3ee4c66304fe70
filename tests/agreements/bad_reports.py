"""Wrong questions to reports, and files that are no report."""

from typing import Any

from services.chassis.values import seed_id
from tests.agreements.bad import BRONNOY, FJORDVAKT, NORDLYS, OWNER, PERSON, PLATFORM, RUNNING, SOMEBODY, VEFSN, Case
from tests.agreements.workbooks import CSV, XLSX, bomb, workbook

HEADING = "Ordrenummer;Kjøper;Vare;Antall;Beløp uten mva\n"
ROW = "AVR-2026-000001;964983291;alarm;1;2400,00\n"
AGREEMENT = f"/framework-agreements/{RUNNING}"
BOOKS = f"/spend-files/{seed_id('spend-file:november')}"
BUY = f"2026-08-01;{FJORDVAKT};;1,00;1201\n"
TOLD = "personal-number-in-report #/rows/2/3"
SALES = f"/framework-agreements/{RUNNING}/sales-reports"
SEEDED = f"{SALES}/{seed_id('sales-report:november')}"
PERIOD = "from_on=2026-08-01&to_on=2026-08-31"
SPLIT = f"{PERSON[:6]} {PERSON[6:]}"


def sales(name: str, content: str | bytes, status: int, *fails: str, query: str = PERIOD, **more: Any) -> Case:
    raw = content.encode() if isinstance(content, str) else content
    given = {"organisation": FJORDVAKT, "media": CSV} | more
    return Case(name, "POST", f"{SALES}?{query}", status, fails, content=raw, **given)


def explain(name: str, path: str, status: int, *fails: str, **more: Any) -> Case:
    body = {"reason": "Prøve av avslag"} | more.pop("body", {})
    return Case(name, "POST", f"{path}/explain", status, fails, body, **({"organisation": OWNER} | more))


def books(name: str, rows: str, status: int, *fails: str, query: str = PERIOD, **more: Any) -> Case:
    given = {"organisation": BRONNOY, "media": CSV} | more
    content = f"Dato;Leverandør;Tekst;Beløp uten mva;Konto\n{rows}".encode()
    return Case(name, "POST", f"/spend-files?{query}", status, fails, content=content, **given)


def assume(name: str, status: int, *fails: str, **more: Any) -> Case:
    body = {
        "counted": "call_off",
        "hours_per_procurement": "60.00",
        "per_hour_excl_vat": "750.00",
        "further_per_procurement_excl_vat": "0.00",
        "source": "Prøve av avslag",
        "assumed_on": "2026-11-01",
    } | more.pop("body", {})
    given = {"organisation": OWNER} | more
    return Case(name, "POST", f"{AGREEMENT}/saving-assumptions", status, fails, body, **given)


CASES = [
    # Spend
    Case("a spend report without a token", "GET", "/reports/spend.csv", 401, ("token-missing",), organisation=None),
    Case(
        "a spend report of a lot of no agreement, backwards",
        "GET",
        "/reports/spend.xlsx?lot=alarmer&effective_from_on=2026-02-01&effective_to_on=2026-01-01",
        422,
        ("lot-without-agreement ?lot", "period-backwards ?effective_to_on"),
    ),
    Case(
        "a spend report by colour, as a picture",
        "GET",
        "/reports/spend.csv?by=colour&variant=picture&period=day",
        422,
        ("invalid-request ?by/0", "invalid-request ?period", "invalid-request ?variant"),
    ),
    # Files
    sales("a report in words", HEADING + ROW, 415, "report-file-type-not-taken", media="text/plain"),
    sales("a report that is no UTF-8", b"\xff\xfe\x00", 422, "report-file-mismatch"),
    sales("a workbook that is none", HEADING, 422, "report-file-mismatch", media=XLSX),
    sales("a workbook that unpacks without end", bomb(), 422, "report-file-unsafe", media=XLSX),
    sales("a report that is too large", b" " * 5_000_001, 413, "report-file-too-large"),
    sales("a workbook of two sheets", workbook([[1]], sheets=2), 422, "report-sheets-several", media=XLSX),
    sales("a report of nothing", HEADING, 422, "report-empty #/rows"),
    sales(
        "a report with columns that are wrong",
        "Ordrenummer;Kjøper;Vare;Vare;Kundens navn\n",
        422,
        "report-column-twice #/rows/1/4",
        "report-column-unknown #/rows/1/5",
        "report-column-missing #/rows/1",
        "report-column-missing #/rows/1",
    ),
    sales(
        "a report with values that are wrong, each told",
        HEADING + ROW + "AVR-2026-000001;964983292;;1,5;1.234\n" + "AVR-2026-000002;964983291;alarm;x;12,345,6\n",
        422,
        "report-value-unreadable #/rows/3/buyer_organisation_number",
        "report-value-missing #/rows/3/item",
        "report-value-unreadable #/rows/3/quantity",
        "report-value-unreadable #/rows/3/amount_excl_vat",
        "report-value-unreadable #/rows/4/quantity",
        "report-value-unreadable #/rows/4/amount_excl_vat",
    ),
    sales(
        "a workbook that works its values out",
        workbook(
            [
                ["order_number", "buyer_organisation_number", "item", "quantity", "amount_excl_vat"],
                ["AVR-2026-000001", "964983291", "alarm", 1, "=1+1"],
            ]
        ),
        422,
        "report-cell-formula #/rows/2/amount_excl_vat",
        media=XLSX,
    ),
    sales(
        "a report with personal numbers",
        HEADING + f"{PERSON};964983291;alarm;1;1,00\n{ROW}AVR-1;964983291;for {SPLIT};1;1,00\n",
        422,
        "personal-number-in-report #/rows/2/1",
        "personal-number-in-report #/rows/4/3",
    ),
    sales("a personal number as a heading", f"Ordrenummer;{PERSON}\n", 422, "personal-number-in-report #/rows/1/2"),
    sales(
        "a workbook with a personal number as a number, its nought gone",
        workbook([["Ordrenummer"], [int(PERSON)]]),
        422,
        "personal-number-in-report #/rows/2/1",
        media=XLSX,
    ),
    sales(
        "a workbook with a personal number in a comment",
        workbook([["Ordrenummer"], ["AVR-1"]], comment=f"for {PERSON}"),
        422,
        "personal-number-in-report",
        media=XLSX,
    ),
    # A buyer's books
    books("books with a personal number in a text", f"2026-08-01;{FJORDVAKT};for {SPLIT};1,00;1201\n", 422, TOLD),
    books(
        "books of other days, of a period that is taken, with an amount that is none",
        f"2026-11-01;{FJORDVAKT};;x;1201\n",
        422,
        "report-value-unreadable #/rows/2/amount_excl_vat",
        query="from_on=2026-11-01&to_on=2026-11-30",
    ),
    books(
        "books of other days, in days that are sent already, backwards",
        f"2026-10-31;{FJORDVAKT};;1,00;1201\n2026-12-01;{FJORDVAKT};;1,00;1201\n",
        409,
        "books-period-taken ?replaces",
        "buy-outside-period #/rows/2/bought_on",
        "buy-outside-period #/rows/3/bought_on",
        query="from_on=2026-11-01&to_on=2026-11-30",
    ),
    books(
        "books backwards by one that has no account map",
        f"2026-08-02;{FJORDVAKT};;1,00;1201\n",
        422,
        "books-period-backwards ?to_on",
        "account-map-missing",
        "buy-outside-period #/rows/2/bought_on",
        query="from_on=2026-08-02&to_on=2026-08-01",
        organisation=VEFSN,
    ),
    books("books of a supplier without the scope", BUY, 403, "scope-missing", scopes=("agreements.supply",)),
    books(
        "books in the place of another's",
        BUY,
        404,
        "spend-file-not-found",
        query=f"{PERIOD}&replaces={seed_id('spend-file:november')}",
        organisation=VEFSN,
    ),
    *(
        Case(f"another's books{part}", "GET", f"{BOOKS}{part}", 404, ("spend-file-not-found",), None, who)
        for part, who in (("", OWNER), ("/outside-buys", FJORDVAKT))
    ),
    Case("an account map that is not there", "GET", "/account-map", 404, ("account-map-not-found",), None, VEFSN),
    Case(
        "an account twice",
        "PUT",
        "/account-map",
        422,
        ("account-twice #/accounts/1/account",),
        {"accounts": [{"account": "1201", "framework_agreement": RUNNING, "lot": "alarmer"}] * 2},
    ),
    Case(
        "an account of a lot that is not there",
        "PUT",
        "/account-map",
        404,
        ("lot-not-found",),
        {"accounts": [{"account": "1201", "framework_agreement": RUNNING, "lot": "nei"}]},
    ),
    Case("leakage by a buyer", "GET", f"{AGREEMENT}/outside-buys", 403, ("outside-buys-not-yours",)),
    # Savings
    assume(
        "an assumption of nothing, of a day to come",
        422,
        "assumption-in-future #/assumed_on",
        "assumption-empty #/hours_per_procurement",
        body={"assumed_on": "2999-01-01", "hours_per_procurement": "0", "further_per_procurement_excl_vat": "0.00"},
    ),
    assume("an assumption without a source", 422, "invalid-request #/source", body={"source": "gjett"}),
    assume("an assumption by a buyer", 403, "not-owner", organisation=BRONNOY),
    Case(
        "savings of no assumption", "GET", f"/framework-agreements/{PLATFORM}/savings", 404, ("assumption-not-stated",)
    ),
    Case(
        "savings backwards",
        "GET",
        f"{AGREEMENT}/savings?from_on=2026-02-01&to_on=2026-01-01",
        422,
        ("savings-period-backwards ?to_on",),
    ),
    # Sales reports
    sales("sales by one that sells nothing", HEADING + ROW, 403, "sells-nothing-here", organisation=BRONNOY),
    sales(
        "sales of days to come, of a period backwards",
        HEADING + ROW,
        422,
        "sales-period-backwards ?to_on",
        "sales-period-not-over ?to_on",
        query="from_on=2999-02-01&to_on=2999-01-01",
    ),
    sales(
        "sales of days that are reported already",
        HEADING + ROW,
        409,
        "sales-period-taken ?replaces",
        query="from_on=2026-11-25&to_on=2026-11-26",
    ),
    sales(
        "sales in the place of a report that is another's",
        HEADING + ROW,
        404,
        "sales-report-not-found",
        query=f"{PERIOD}&replaces={seed_id('sales-report:november')}",
        organisation=NORDLYS,
    ),
    sales("sales under an agreement by a token of no scope", HEADING + ROW, 403, "scope-missing", scopes=()),
    Case("a sales report that is not there", "GET", f"{SALES}/{SOMEBODY}", 404, ("sales-report-not-found",)),
    *(
        Case(f"another's sales report{part}", "GET", f"{SEEDED}{part}", 404, ("sales-report-not-found",), None, who)
        for part, who in (("", NORDLYS), ("/lines", BRONNOY), ("/file", VEFSN))
    ),
    explain("a line of sales that is not there", f"{SEEDED}/lines/99", 404, "sales-line-not-found"),
    explain("a line of sales that is as posted", f"{SEEDED}/lines/2", 409, "nothing-to-explain"),
    explain("a buyer's word on sales", f"{SEEDED}/lines/1", 404, "sales-report-not-found", organisation=BRONNOY),
    explain("a line of sales, in a word", f"{SEEDED}/lines/1", 422, "invalid-request #/reason", body={"reason": "ja"}),
]
