"""The seed data of reports: fictional files, sent and compared as any others are."""

import json
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from services.agreements.calloffs import store as calloffs
from services.agreements.frameworks import store as frameworks
from services.agreements.report_tables import sheet
from services.agreements.sales_reports import rules as sales_report_rules
from services.agreements.sales_reports import store as sales_reports
from services.chassis.db import PROJECT
from services.chassis.values import seed_id

FILE = PROJECT / "data" / "fictional" / "reports.json"


def load(session: Session, tell: Callable[[str], None]) -> None:
    """Load what is not there yet."""
    data = json.loads(FILE.read_text())
    for one in data["sales_reports"]:
        uuid = col(sales_reports.SalesReport.uuid)
        if session.exec(select(uuid).where(uuid == seed_id(f"sales-report:{one['name']}"))).first() is None:
            _sales_report(session, one)
            tell(f"sales report «{one['name']}»")


def _sales_report(session: Session, one: dict[str, Any]) -> None:
    agreement = frameworks.by_slug(session, one["framework"])
    framework_id, supplier = agreement.id or 0, one["supplier"]
    period = date.fromisoformat(one["from_on"]), date.fromisoformat(one["to_on"])
    heading = ";".join(column.heading or column.name for column in sales_report_rules.COLUMNS)
    rows = [
        f"{_number(session, row)};{row['buyer']};{row['item']};{row['quantity']};{row['amount']}" for row in one["rows"]
    ]
    content = "\r\n".join([heading, *rows, ""]).encode()
    lines = sheet.read(content, sheet.CSV, sales_report_rules.COLUMNS)
    compared = sales_report_rules.compare(
        lines,
        sales_reports.orders(session, framework_id, supplier),
        sales_reports.posted(session, framework_id, supplier, *period),
    )
    row = sales_reports.SalesReport(
        uuid=seed_id(f"sales-report:{one['name']}"),
        framework_id=framework_id,
        supplier=supplier,
        from_on=period[0],
        to_on=period[1],
        media_type=sheet.CSV,
        content=content,
        sha256="",
        rows=len(lines),
        recorded_at=datetime.fromisoformat(one["recorded_at"]),
    )
    sales_reports.add(session, None, agreement, row, compared)


def _number(session: Session, row: dict[str, Any]) -> str:
    if "number" in row:
        return str(row["number"])
    return calloffs.by_id(session, seed_id(f"call-off:{row['call_off']}")).number
