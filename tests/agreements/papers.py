"""Papers of a mini-competition without a database: a competition as it could be, and all that can be written of it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from services.agreements.competition_papers import document
from services.agreements.competition_papers.rules import (
    AWARD,
    Amendment,
    Answered,
    Award,
    Competition,
    Criterion,
    EvaluatedBid,
    Evaluation,
    Kind,
    Line,
    OpenedBid,
    Opening,
    Paper,
    Party,
    Score,
)

PUBLIC_URL = "https://avtaler.example.no"
DAY = date(2026, 11, 2)
FJORDVAKT, NORDLYS = (
    Party("Fjordvakt Velferd AS (fiktiv)", "100000016"),
    Party("Nordlys Trygghet AS (fiktiv)", "100000024"),
)
STILLVAKT = Party("Stillvakt AS (fiktiv)", "100000075")
COMPETITION = Competition(
    number="MK-2026-000001",
    path="/mini-competitions/0192e0a0-0000-7000-8000-00000000ab13",
    title={"nb": "Trygghetsalarmer til hjemmetjenesten (fiktiv)", "en": "Safety alarms for home care (fictional)"},
    description={"nb": "Vi trenger alarmer til hjemmeboende, med montering (fiktivt)."},
    framework="ra-2026-velferdsteknologi",
    framework_title={"nb": "Velferdsteknologi (fiktiv)", "en": "Welfare technology (fictional)"},
    lot_title={"nb": "Trygghetsalarmer", "nn": "Tryggleiksalarmar"},
    owner="Fellesenheten (fiktiv)",
    buyer=Party("Brønnøy kommune", "964983291"),
    needed_on=date(2029, 6, 1),
    specification="kravspesifikasjon-trygghetsalarm, 2.0.0",
    ceiling=Decimal("1284000.00"),
    lines=(
        Line("alarm", {"nb": "Trygghetsalarm"}, 1200, "stk"),
        Line("montering", {"nb": "Montering av alarm"}, 400, "stk"),
    ),
    criteria=(
        Criterion("price", "price", None, Decimal("60"), "linear_against_ceiling"),
        Criterion(
            "quality",
            "quality",
            {"nb": "Løsningsforslag"},
            Decimal("37.5"),
            "average_of_evaluators",
            scale_max=Decimal(10),
        ),
        Criterion("service", "quality", None, Decimal("2.5"), "median_of_evaluators", scale_max=Decimal(5)),
        Criterion("must-logging", "must", None, None, None, requirement="LOGG-1"),
    ),
    tie_rules=("lowest_price", "highest_quality", "rank", "recorded_lot"),
    above_price_list=False,
    questions_until=datetime(2026, 11, 10, 11, 0, tzinfo=UTC),
    deadline=datetime(2026, 11, 20, 11, 0, tzinfo=UTC),
    standstill_days=10,
    evaluators=({"nb": "Fagansvarlig"}, {"nb": "IKT-arkitekt"}),
    published_on=DAY,
)
WINNER = EvaluatedBid(
    NORDLYS,
    Decimal("989000.00"),
    1,
    Decimal("49.6613"),
    (
        Score("price", Decimal("22.9751"), Decimal("13.7851"), "100 × (1 − 989000.00 / 1284000.00) = 22.9751"),
        Score("quality", Decimal("90.0000"), Decimal("33.7500"), "100 × (9 + 9) / 2 / 10 = 90.0000"),
        Score("service", Decimal("85.0480"), Decimal("2.1262"), "100 × median(4; 4.5048) / 5 = 85.0480"),
    ),
    reasons=("God løsning for logging, og opplæring på stedet (fiktivt).",),
)
SECOND = replace(WINNER, supplier=FJORDVAKT, place=2, net=Decimal("1001000.00"), tie="lowest_price")
OUT = EvaluatedBid(STILLVAKT, Decimal("850000.50"), None, None, unmet=("must-logging",), reasons=("Mangler logg.",))
EVALUATION = Evaluation((WINNER, SECOND, OUT), "5c1e" * 16, "ab12" * 16)
OPENING = Opening(
    datetime(2026, 11, 20, 11, 0, 7, tzinfo=UTC),
    "Brønnøy kommune",
    "q2Jm" * 11,
    tuple(
        OpenedBid(
            one.supplier,
            datetime(2026, 11, 20, 10, 59, 58, tzinfo=UTC),
            one.net,
            one.net / 4,
            ("losning.pdf", "opplæring.pdf") if one is WINNER else (),
            "9f86" * 16,
        )
        for one in (WINNER, SECOND, OUT)
    ),
    (Party("Havørn (fiktiv)", "100000032"),),
)
QUESTIONS = (
    Answered("Kan alarmene leveres i to omganger?", "Ja, med høyst én måned mellom.", DAY),
    Answered("Gjelder kravet om logging også sentralen?", "Ja.", DAY),
)


def paper(kind: Kind, **changes: Any) -> Paper:
    """A paper of a kind with all that belongs to it."""
    own = {Kind.AWARD_WON: WINNER, Kind.AWARD_LOST: SECOND, Kind.AWARD_REJECTED: OUT}
    given = {
        "recipient": None if kind in (Kind.OPENING_RECORD, Kind.EVALUATION_REPORT) else FJORDVAKT,
        "reason": "Behovet er endret (fiktivt)." if kind in REASONED else "",
        "questions": QUESTIONS if kind is Kind.QUESTIONS else (),
        "amendment": Amendment(requires_new_bids=True, old_deadline=datetime(2026, 11, 18, 11, 0, tzinfo=UTC))
        if kind is Kind.AMENDMENT
        else None,
        "opening": OPENING if kind is Kind.OPENING_RECORD else None,
        "evaluation": EVALUATION if kind is Kind.EVALUATION_REPORT else None,
        "award": Award(("Best samlet etter kriteriene.",), own[kind], WINNER, 10) if kind in AWARD else None,
    }
    usual: dict[str, Any] = {"competition": COMPETITION, "day": DAY, **given}
    return Paper(kind=kind, **usual | changes)


REASONED = {Kind.AMENDMENT, Kind.AWARD_WITHDRAWN, Kind.CANCELLATION, Kind.UNSUCCESSFUL}


def pdf(kind: Kind, language: str = "nb", **changes: Any) -> bytes:
    return document.pdf(paper(kind, **changes), language=language, public_url=PUBLIC_URL)
