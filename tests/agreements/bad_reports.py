"""Wrong questions to reports, and files that are no report."""

from typing import Any

from services.chassis.values import seed_id
from tests.agreements.bad import BRONNOY, FJORDVAKT, NORDLYS, OWNER, PERSON, RUNNING, SOMEBODY, VEFSN, Case
from tests.agreements.workbooks import CSV, XLSX, bomb, workbook

HEADING = "Ordrenummer;Kjøper;Vare;Antall;Beløp uten mva\n"
ROW = "AVR-2026-000001;964983291;alarm;1;2400,00\n"
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
