"""Buyer and supplier of call-offs, each with a system of its own that reads UBL."""

from typing import Any

from fastapi.testclient import TestClient

from services.agreements.message_rules import rules as message_rules
from services.agreements.ubl_messages import rules as ubl_rules
from services.agreements.ubl_messages import wire
from tests.agreements.messages import ubl
from tests.issuer import Issuer

EVERY = ("agreements.read", "agreements.order", "agreements.approve", "agreements.supply")


class Side:
    """One who takes part, with all scopes."""

    def __init__(self, api: TestClient, issuer: Issuer, organisation: str) -> None:
        self.api, self.headers = api, issuer.bearer(organisation, *EVERY)
        self.keys = iter(range(1_000_000))
        self.organisation = organisation

    def get(self, path: str) -> Any:
        return self.api.get(path, headers=self.headers)

    def post(self, path: str, **body: Any) -> Any:
        key = {"Idempotency-Key": f"{self.organisation}-{next(self.keys)}"}
        answer = self.api.post(path, json=body, headers=self.headers | key)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def order(self, *lines: tuple[str, int], **changes: Any) -> Any:
        body = {
            "framework_agreement": "ra-2026-velferdsteknologi",
            "lot": "alarmer",
            "lines": [{"item": item, "quantity": quantity} for item, quantity in lines],
            "needed_on": "2029-06-01",
            "reference": "Hjemmetjenesten & natt <1>",
        }
        return self.post("/call-offs", **body | changes)


def messages(side: Side, id: Any) -> Any:
    answer = side.get(f"/call-offs/{id}/order-messages")
    assert answer.status_code == 200, answer.text
    return answer.json()


def valid(side: Side, id: Any) -> list[bytes]:
    """Every message of a call-off, in each profile that it can be had in: it has UBL's schema and our rules, and comes
    alike a second time. → those of the last profile"""
    found = []
    for one in messages(side, id)["items"]:
        for profile in one["profiles"]:
            path = f"/call-offs/{id}/order-messages/{one['id']}?profile={profile}"
            answer = side.get(path)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/xml"), answer.text
            assert ubl.faults(answer.content) == [], answer.text
            read = wire.read(answer.content)
            transaction = ubl_rules.transaction(read)
            assert transaction
            broken = message_rules.check(read, transaction)
            assert {b.rule for b in broken if not b.warning} == set()
            assert [b.rule for b in broken] in ([], ["PEPPOL-T114-R002"]), "a change has no day to be answered by"
            assert side.get(path).content == answer.content
            assert answer.headers.get("Not-Expressed", "") == ", ".join(w["what"] for w in one["not_expressed"])
        found.append(answer.content)
    return found
