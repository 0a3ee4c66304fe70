"""Letters without a database: an order as it could be, and all that can be written about it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.agreements.calloffs import letter
from services.agreements.calloffs.rules import Priced
from services.agreements.calloffs.store import CallOff
from services.agreements.certificate_notices import store as notices
from services.agreements.complaints import store as complaints
from services.agreements.complaints.rules import Rejected
from services.agreements.letters.rules import Kind

PUBLIC_URL = "https://avtaler.example.no"
ID = UUID("0192e0a0-0000-7000-8000-00000000ab12")
DAY = date(2026, 11, 2)


def order(**changes: Any) -> CallOff:
    usual: dict[str, Any] = {
        "uuid": ID,
        "number": "AVR-2026-000001",
        "framework": "ra-2026-velferdsteknologi",
        "framework_title": {"nb": "Velferdsteknologi (fiktiv)", "en": "Welfare technology (fictional)"},
        "lot": "alarmer",
        "lot_title": {"nb": "Trygghetsalarmer", "nn": "Tryggleiksalarmar"},
        "notice_owner": "Fellesenheten (fiktiv)",
        "buyer": "964983291",
        "buyer_name": "Brønnøy kommune",
        "supplier": "100000016",
        "supplier_name": "Fjordvakt Velferd AS (fiktiv)",
        "placed_on": DAY,
        "needed_on": date(2029, 6, 1),
        "respond_by_on": date(2026, 11, 7),
        "reference": "Hjemmetjenesten 42",
        "choice": {"certification": [{"product": "fjordvakt-alarm", "certificate": "SV-2026-000001"}]},
    }
    return CallOff(**usual | changes)


def line(item: str = "alarm", name: str = "Trygghetsalarm", quantity: int = 3, **changes: Any) -> Priced:
    usual: dict[str, Any] = {
        "unit": "stk",
        "unit_price": Decimal("2400.00"),
        "vat_percent": Decimal("25.00"),
        "product": "fjordvakt-alarm",
        "price_list_version": 1,
        "component": None,
    }
    return Priced(item=item, name={"nb": name}, quantity=quantity, **usual | changes)


LINES = [line(), line("montering", "Montering av alarm", 2, unit_price=Decimal("890.00"), vat_percent=Decimal("12.50"))]


def matter(kind: Kind) -> letter.Matter:
    if kind is Kind.COMPLAINT:
        complaint = complaints.Complaint(
            uuid=ID, call_off_id=1, sequence=1, organisation="964983291", reason="Virker ikke", complained_on=DAY
        )
        return letter.Matter(complaint=complaints.Told(complaint, (Rejected("alarm", 2),), None))
    if kind is Kind.CHANGE_REQUEST:
        return letter.Matter(wish=letter.Wish([line(quantity=5)], date(2029, 8, 1), "Flere brukere"))
    if kind in (Kind.RECALL, Kind.RECALL_ENDED):
        notice = notices.CertificateNotice(
            call_off_id=1,
            position=1,
            certificate="SV-2026-000001",
            product="fjordvakt-alarm",
            kind="suspended" if kind is Kind.RECALL else "restored",
            effective_on=DAY,
            relied_on=True,
            recorded_at=datetime(2026, 11, 2, tzinfo=UTC),
            told_at=datetime(2026, 11, 2, tzinfo=UTC),
        )
        return letter.Matter(notice=notices.Told(notice, "100000008"))
    return letter.Matter()


def pdf(kind: Kind, language: str = "nb", *, lines: list[Priced] | None = None, **changes: Any) -> bytes:
    preview = changes.pop("preview", False)
    return letter.pdf(
        order(**changes),
        lines or LINES,
        kind,
        matter(kind),
        language=language,
        public_url=PUBLIC_URL,
        preview=preview,
    )
