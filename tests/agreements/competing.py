"""Mini-competitions held over HTTP by those who take part in them, as far as a test needs one."""

from dataclasses import dataclass
from typing import Any

import psycopg
from fastapi.testclient import TestClient

from services.agreements.competition_steps import store as competition_steps
from tests.agreements.conftest import BRONNOY, FJORDVAKT, NORDLYS
from tests.conftest import state
from tests.issuer import Issuer

HAVORN = "100000032"
SCOPES = ("agreements.read", "agreements.order", "agreements.approve", "agreements.supply", "agreements.manage")
BY_PRICE = [{"code": "pris", "kind": "price", "weight": "100", "formula": "linear_against_ceiling"}]
CRITERIA: list[dict[str, Any]] = [
    {"code": "pris", "kind": "price", "weight": "60", "formula": "linear_against_ceiling"},
    {
        "code": "kvalitet",
        "kind": "quality",
        "title": {"nb": "Løsningsforslag"},
        "weight": "40",
        "formula": "average_of_evaluators",
        "scale_max": 10,
    },
    {"code": "referanser", "kind": "must", "title": {"nb": "Tre referanser"}},
]
EVALUATORS = [{"code": "fag", "title": {"nb": "Fagansvarlig"}}, {"code": "innkjop", "title": {"nb": "Innkjøp"}}]
PRICES = {FJORDVAKT: "1200.00", NORDLYS: "1000.00", HAVORN: "1100.00"}
"""Per hour. Of at most 1,250.00 for each of 1,000 hours: Nordlys has 20 of 100 for price, Havørn 12, Fjordvakt 4."""
QUALITY = {FJORDVAKT: ("9", "10"), NORDLYS: ("6", "5"), HAVORN: ("8", "8")}
"""By each of the evaluators. With 60 for price and 40 for this: Fjordvakt 40.4, Havørn 39.2, Nordlys 34."""


@dataclass(frozen=True)
class Competition:
    api: TestClient
    issuer: Issuer
    id: str
    bids: dict[str, str]
    """By supplier."""

    def send(self, method: str, path: str, body: Any = None, by: str = BRONNOY, key: str | None = None) -> Any:
        headers = self.issuer.bearer(by, *SCOPES) | ({"Idempotency-Key": key} if key else {})
        return self.api.request(method, f"/mini-competitions/{self.id}{path}", json=body, headers=headers)

    def done(self, method: str, path: str, body: Any = None, by: str = BRONNOY, key: str | None = None) -> Any:
        answer = self.send(method, path, body, by, key)
        assert answer.status_code in (200, 201), f"{path}: {answer.text}"
        return answer.json()

    def mark(self, evaluator: str, quality: dict[str, str], met: bool = True) -> Any:
        marks = [
            {
                "bid": self.bids[supplier],
                "marks": [
                    {"criterion": "kvalitet", "points": points, "comment": f"{points} av 10 til {supplier}"},
                    {"criterion": "referanser", "met": met},
                ],
            }
            for supplier, points in quality.items()
        ]
        return self.done("PUT", f"/scores/{evaluator}", {"bids": marks})

    def mark_all(self) -> Any:
        self.mark("fag", {supplier: first for supplier, (first, _) in QUALITY.items()})
        return self.mark("innkjop", {supplier: second for supplier, (_, second) in QUALITY.items()})

    def announce(self, key: str = "tildeling", **more: Any) -> Any:
        return self.send("POST", "/announce-award", {"reason": "Best løsningsforslag (fiktivt)."} | more, key=key)

    def over(self, key: str = "avrop") -> Any:
        return self.send("POST", "/standstill-over", {}, key=key)

    def read(self, path: str = "", by: str = BRONNOY) -> Any:
        return self.done("GET", path, by=by)

    def states(self) -> dict[str, str]:
        """Of the bids, by supplier."""
        found = self.read("/bids")["items"]
        return {one["supplier_organisation_number"]: one["state"] for one in found}


def hold(
    api: TestClient,
    issuer: Issuer,
    rows: psycopg.Connection,
    *,
    standstill_days: int = 0,
    prices: dict[str, str] | None = None,
    criteria: list[dict[str, Any]] | None = None,
    tie_rule: tuple[str, ...] = ("lowest_price", "rank"),
) -> Competition:
    """A competition for 1,000 hours of advice with these bids, opened."""
    criteria = criteria or CRITERIA
    terms = {
        "framework_agreement": "ra-2026-driftsplattform",
        "lot": "radgivning",
        "title": {"nb": "Rådgivning (fiktiv)"},
        "lines": [{"item": "radgivertime", "quantity": 1000}],
        "needed_on": "2029-06-01",
        "criteria": criteria,
        "tie_rule": list(tie_rule),
        "deadline": "2029-04-01T10:00:00Z",
        "standstill_days": standstill_days,
        "evaluators": EVALUATORS if len(criteria) > 1 else [],
    }
    headers = issuer.bearer(BRONNOY, *SCOPES)
    drafted = api.post("/mini-competitions", json=terms, headers=headers)
    assert drafted.status_code == 201, drafted.text
    held = Competition(api, issuer, drafted.json()["id"], {})
    held.done("POST", "/publish", {})
    for supplier, price in (prices or PRICES).items():
        lines = [{"item": "radgivertime", "unit_price_excl_vat": price}]
        answers = [{"criterion": one["code"], "text": "Se vedlegg (fiktivt)"} for one in criteria[1:]]
        held.bids[supplier] = held.done("POST", "/bids", {"lines": lines, "answers": answers}, supplier)["id"]
        held.done("POST", f"/bids/{held.bids[supplier]}/submit", {}, supplier)
    rows.execute("UPDATE minicompetition SET deadline = clock_timestamp() WHERE uuid = %s", [held.id])
    competition_steps.due(state(api).database)
    held.done("POST", "/open-bids", {})
    return held
