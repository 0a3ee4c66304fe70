"""The ledger's entries as they are read, by whom they concern."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.chassis.values import seed_id
from tests.agreements.conftest import ALSTAHAUG, BRONNOY, FJORDVAKT, JOINT_UNIT, NORDLYS, OSLO
from tests.conftest import NewDatabase, serving
from tests.issuer import Issuer

DONNA = "872417982"
POSTED, CALL_OFF = seed_id("entry:mistaken"), seed_id("call-off:mistaken")


@pytest.fixture(scope="module")
def seeded_api(apps: Callable[[str], FastAPI], shared_database: NewDatabase) -> Iterator[TestClient]:
    """For what only reads."""
    with serving(apps("agreements"), shared_database("agreements", seeded=True)) as client:
        yield client


def entries(api: TestClient, headers: dict[str, str], **query: Any) -> list[Any]:
    """All pages, three at a time."""
    found: list[Any] = []
    after: dict[str, str] = {}
    while True:
        answer = api.get("/ledger/entries", params=query | after | {"limit": 3}, headers=headers)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["items"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


def test_each_party_sees_its_own_entries(seeded_api: TestClient, issuer: Issuer) -> None:
    def seen(organisation: str, **query: Any) -> set[str]:
        return {
            one["call_off_id"] for one in entries(seeded_api, issuer.bearer(organisation, "agreements.read"), **query)
        }

    def seeded(*names: str) -> set[str]:
        return {str(seed_id(f"call-off:{name}")) for name in names}

    every = seen(JOINT_UNIT)
    assert seeded("sent", "reserved", "joint", "mistaken", "declined") <= every
    assert seen(BRONNOY) == every - seeded("joint"), "a buyer sees its own"
    assert seen(ALSTAHAUG) == seen(DONNA) == seeded("joint"), "a payer sees what it bears a share of"
    assert seeded("sent", "joint", "mistaken") <= seen(FJORDVAKT)
    assert not seen(FJORDVAKT) & seeded("reserved", "approved", "draft"), "a supplier sees what it has been told of"
    assert seen(NORDLYS) == seen(OSLO) == set()
    own = entries(seeded_api, issuer.bearer(FJORDVAKT, "agreements.read"))
    assert {one["supplier_organisation_number"] for one in own} == {FJORDVAKT}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"kind": "post"}, lambda one: one["kind"] == "post"),
        ({"kind": ["post", "release"]}, lambda one: one["kind"] in ("post", "release")),
        ({"buyer": ALSTAHAUG}, lambda one: one["buyer_organisation_number"] == ALSTAHAUG),
        ({"supplier": FJORDVAKT}, lambda one: one["supplier_organisation_number"] == FJORDVAKT),
        ({"supplier": NORDLYS}, lambda one: one["supplier_organisation_number"] == NORDLYS),
        (
            {"framework_agreement": "ra-2026-driftsplattform"},
            lambda one: one["framework_agreement"] == "ra-2026-driftsplattform",
        ),
        (
            {"framework_agreement": "ra-2026-velferdsteknologi", "lot": "alarmer"},
            lambda one: (one["framework_agreement"], one["lot"]) == ("ra-2026-velferdsteknologi", "alarmer"),
        ),
        ({"call_off": str(CALL_OFF)}, lambda one: one["call_off_id"] == str(CALL_OFF)),
        ({"effective_from_on": "2026-11-20"}, lambda one: one["effective_on"] >= "2026-11-20"),
        ({"effective_to_on": "2026-11-20"}, lambda one: one["effective_on"] <= "2026-11-20"),
        ({"back_dated": "true"}, lambda one: one["back_dated"]),
        ({"back_dated": "false"}, lambda one: not one["back_dated"]),
        ({"known_at": "2026-01-01T00:00:00Z"}, lambda one: False),
    ],
)
def test_each_filter_keeps_exactly_what_it_names(
    seeded_api: TestClient, issuer: Issuer, query: dict[str, Any], expected: Callable[[Any], bool]
) -> None:
    owner = issuer.bearer(JOINT_UNIT, "agreements.read")
    every = entries(seeded_api, owner)
    assert entries(seeded_api, owner, **query) == [one for one in every if expected(one)]
    assert len({one["id"] for one in every}) == len(every) > 10


@pytest.mark.parametrize(
    ("query", "status", "problem"),
    [
        ({"lot": "alarmer"}, 422, "lot-without-agreement"),
        ({"framework_agreement": "ra-2026-velferdsteknologi", "lot": "x"}, 404, "lot-not-found"),
        ({"framework_agreement": "ra-0000"}, 404, "framework-agreement-not-found"),
        ({"effective_from_on": "2026-02-01", "effective_to_on": "2026-01-01"}, 422, "period-backwards"),
        ({"known_at": "2999-01-01T00:00:00Z"}, 422, "recorded-in-future"),
        ({"after": "x"}, 400, "cursor-malformed"),
        ({"kind": "gift"}, 422, "invalid-request"),
        ({"colour": "red"}, 422, "invalid-request"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    seeded_api: TestClient, issuer: Issuer, query: dict[str, Any], status: int, problem: str
) -> None:
    answer = seeded_api.get("/ledger/entries", params=query, headers=issuer.bearer(JOINT_UNIT, "agreements.read"))
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{problem}")


def test_an_entry_is_its_lines(seeded_api: TestClient, issuer: Issuer) -> None:
    owner = issuer.bearer(JOINT_UNIT, "agreements.read")
    for one in entries(seeded_api, owner, framework_agreement="ra-2026-velferdsteknologi"):
        shown = seeded_api.get(f"/ledger/entries/{one['id']}", headers=owner).json()
        for name in ("reserved_excl_vat", "posted_excl_vat"):
            assert sum(Decimal(line[name]) for line in shown["lines"]) == Decimal(one[name])
        assert shown.keys() - one.keys() == {"lines"}
    assert (
        seeded_api.get(f"/ledger/entries/{POSTED}", headers=issuer.bearer(OSLO, "agreements.read")).status_code == 404
    )
