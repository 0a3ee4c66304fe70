"""The seed data of reports: fictional files, sent and compared as any others are."""

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, select

from services.agreements.calloffs import store as calloffs
from services.agreements.frameworks import store as frameworks
from services.agreements.outside_buys import rules as outside_buy_rules
from services.agreements.outside_buys import store as outside_buys
from services.agreements.report_tables import sheet
from services.agreements.sales_reports import rules as sales_report_rules
from services.agreements.sales_reports import store as sales_reports
from services.agreements.savings import store as savings
from services.agreements.savings.rules import Counted
from services.chassis import audit
from services.chassis.auth import Caller
from services.chassis.db import PROJECT
from services.chassis.settings import IssuerKind
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
    for one in data["saving_assumptions"]:
        framework_id = frameworks.by_slug(session, one["framework"]).id or 0
        if not savings.of(session, framework_id):
            _saving_assumption(session, one, framework_id)
            tell(f"assumption of savings under {one['framework']}")
    for one in data["spend_files"]:
        uuid = col(outside_buys.SpendFile.uuid)
        if session.exec(select(uuid).where(uuid == seed_id(f"spend-file:{one['name']}"))).first() is None:
            _spend_file(session, one)
            tell(f"spend file «{one['name']}»")


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


def _saving_assumption(session: Session, one: dict[str, Any], framework_id: int) -> None:
    row = savings.SavingAssumption(
        framework_id=framework_id,
        version=0,
        counted=Counted(one["counted"]),
        hours=Decimal(one["hours"]),
        per_hour=Decimal(one["per_hour"]),
        further=Decimal(one["further"]),
        source=one["source"],
        assumed_on=date.fromisoformat(one["assumed_on"]),
    )
    savings.add(session, row)
    audit.record(session, None, "saving_assumption.seed", frameworks.path(one["framework"]), new=one)


def _spend_file(session: Session, one: dict[str, Any]) -> None:
    caller = Caller(one["buyer"], frozenset(), "seed", IssuerKind.MACHINE)
    mapped = outside_buys.add_map(session, caller, one["accounts"])
    heading = "Dato;Leverandør;Beløp uten mva;Konto"
    rows = [f"{row['on']};{row['supplier']};{row['amount']};{row['account']}" for row in one["rows"]]
    content = "\r\n".join([heading, *rows, ""]).encode()
    lines = sheet.read(content, sheet.CSV, outside_buy_rules.COLUMNS)
    row = outside_buys.judged(
        session,
        outside_buys.Sent(
            one["buyer"], date.fromisoformat(one["from_on"]), date.fromisoformat(one["to_on"]), sheet.CSV, content
        ),
        mapped,
        lines,
        at=datetime.fromisoformat(one["recorded_at"]),
        uuid=seed_id(f"spend-file:{one['name']}"),
    )
    outside_buys.add(session, None, *row)


def _number(session: Session, row: dict[str, Any]) -> str:
    if "number" in row:
        return str(row["number"])
    return calloffs.by_id(session, seed_id(f"call-off:{row['call_off']}")).number
