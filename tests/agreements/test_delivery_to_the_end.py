"""What deliveries and their acceptance mean for the agreement, and what its end means for them; joint orders' bills."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.agreements.catalog_client import Catalog
from services.agreements.integration_client import Integration
from services.agreements.jobs import Days, Letters
from services.agreements.ledger import store as ledger
from services.chassis.clock import today
from services.chassis.http import Neighbour
from services.integration import app as integration
from services.integration.settings import Settings as IntegrationSettings
from tests.agreements.conftest import ALSTAHAUG, BRONNOY, FJORDVAKT, JOINT_UNIT, Place
from tests.agreements.test_deliveries import come, refused, step
from tests.conftest import NewDatabase, state
from tests.e2e import flood
from tests.issuer import Issuer

LEIRFJORD, DONNA = "945034572", "872417982"
FIELD = "/framework-agreements/flom-1"


def now(api: TestClient, owner: dict[str, str]) -> str:
    """→ the agreement's state"""
    answer = api.get(FIELD, headers=owner)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["state"])


@pytest.fixture(autouse=True)
def _proven(api: TestClient) -> Iterator[None]:
    """After each test every balance is the sum of its entries."""
    yield
    with state(api).database.reading() as reader:
        assert ledger.unproven(reader) == []


@pytest.fixture
def supplier(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(FJORDVAKT, "agreements.read", "agreements.supply")


@pytest.fixture
def owner(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(JOINT_UNIT, "agreements.read", "agreements.manage")


def order(quantity: int) -> dict[str, Any]:
    lines = [{"item": "ting", "quantity": quantity}]
    return {"framework_agreement": "flom-1", "lot": "alt", "lines": lines}


def confirmed(place: Place, api: TestClient, supplier: dict[str, str], quantity: int) -> str:
    """An order of `quantity` of the one item, confirmed. → its id"""
    id = str(place(**order(quantity)).json()["id"])
    step(api, id, "confirm", supplier)
    return id


def deliver(api: TestClient, id: str, supplier: dict[str, str], item: str, quantity: int, **changes: Any) -> Any:
    body = {"lines": [{"item": item, "quantity": quantity}], "delivered_on": today().isoformat()} | changes
    key = {"Idempotency-Key": f"{id}-{quantity}-{body['delivered_on']}"}
    return api.post(f"/call-offs/{id}/deliveries", json=body, headers=supplier | key)


def test_an_agreement_is_exhausted_when_what_is_accepted_reaches_its_maximum(
    place: Place,
    api: TestClient,
    buyer: dict[str, str],
    supplier: dict[str, str],
    owner: dict[str, str],
    rows: psycopg.Connection,
) -> None:
    flood.fields(rows, 1, 100)
    rows.execute(
        "UPDATE balance b SET ceiling = %s FROM frameworkagreement f WHERE f.slug = 'flom-1' AND b.item = '' "
        "AND b.scope = 'framework_agreement' AND b.subject_id = f.id",
        [10 * flood.PRICE],
    )
    first, second = (confirmed(place, api, supplier, quantity) for quantity in (4, 6))
    for id, quantity, expected in ((first, 4, "active"), (second, 6, "exhausted")):
        deliver(api, id, supplier, "ting", quantity)
        assert now(api, owner) == "active", "a delivery posts nothing"
        step(api, id, "accept", buyer)
        assert now(api, owner) == expected
    answer = place(**order(1))
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/agreement-not-open")
    for id in (first, second):
        assert step(api, id, "close", buyer)["reserved_excl_vat"] == "0.00"
    assert now(api, owner) == "exhausted", "there is no way back"


def test_an_order_outlives_its_agreement_by_the_lot_s_days_and_then_the_agreement_can_be_closed(
    place: Place,
    api: TestClient,
    buyer: dict[str, str],
    supplier: dict[str, str],
    owner: dict[str, str],
    rows: psycopg.Connection,
) -> None:
    flood.fields(rows, 1, 100)
    id = confirmed(place, api, supplier, 5)
    rows.execute("UPDATE calloff SET placed_on = placed_on - 20 WHERE uuid = %s", [id])
    rows.execute("UPDATE frameworkagreement SET ends_on = %s WHERE slug = 'flom-1'", [today() - timedelta(days=10)])
    rows.execute("UPDATE lot SET delivery_days_after_end = 9 WHERE slug = 'alt'")
    Days(state(api).database).look()
    assert now(api, owner) == "expired"
    yesterday = (today() - timedelta(days=1)).isoformat()
    assert come(deliver(api, id, supplier, "ting", 2, delivered_on=yesterday)) == ("in_delivery", [(2, 3)])
    late = deliver(api, id, supplier, "ting", 3)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/delivered-after-end")
    ended = step(api, id, "terminate-rest", buyer, reason="For sent")
    assert ended["reserved_excl_vat"] == f"{2 * flood.PRICE:.2f}"
    step(api, id, "accept", buyer)

    def close_agreement() -> Any:
        return api.post(f"{FIELD}/close", json={"reason": "Alt er levert"}, headers=owner)

    assert close_agreement().json()["type"] == "/problems/call-offs-open"
    step(api, id, "close", buyer)
    assert close_agreement().json()["state"] == "closed"


@pytest.mark.parametrize(
    "end",
    [
        "UPDATE place SET state = 'suspended', suspended_until_on = current_date + 90",
        "UPDATE place SET state = 'terminated'",
        "UPDATE frameworkagreement SET state = 'terminated' WHERE slug = 'flom-1'",
        "UPDATE accession SET state = 'ended', ends_on = current_date - 1",
    ],
    ids=["place suspended", "place terminated", "agreement terminated", "accession ended"],
)
def test_an_order_that_stands_is_delivered_and_accepted_whatever_ends_meanwhile(
    place: Place, api: TestClient, buyer: dict[str, str], supplier: dict[str, str], rows: psycopg.Connection, end: str
) -> None:
    flood.fields(rows, 1, 100)
    id = confirmed(place, api, supplier, 2)
    rows.execute(end.encode())
    assert come(deliver(api, id, supplier, "ting", 2))[0] == "delivered"
    assert step(api, id, "accept", buyer)["posted_excl_vat"] == f"{2 * flood.PRICE:.2f}"
    assert step(api, id, "close", buyer)["state"] == "closed"


def test_where_no_certification_is_demanded_none_is_asked_for(
    place: Place, api: TestClient, supplier: dict[str, str], rows: psycopg.Connection
) -> None:
    flood.fields(rows, 1, 100)
    id = confirmed(place, api, supplier, 2)
    assert deliver(api, id, supplier, "ting", 1).json()["items"][0]["certification"] is None


@pytest.mark.parametrize("agreed", [None, "12345.67"])
def test_each_payer_is_billed_its_part_of_what_a_joint_order_was_accepted_at(
    place: Place, api: TestClient, issuer: Issuer, supplier: dict[str, str], agreed: str | None
) -> None:
    host = issuer.bearer(ALSTAHAUG, "agreements.read", "agreements.order", "agreements.approve")
    members = [{"organisation_number": number} for number in (ALSTAHAUG, LEIRFJORD, DONNA)]
    sharing = {"key": {"kind": "population"}, "members": members}
    id = place(host, lines=[{"item": "alarm", "quantity": 7}], cost_sharing=sharing).json()["id"]
    step(api, id, "confirm", supplier)
    deliver(api, id, supplier, "alarm", 3)
    deliver(api, id, supplier, "alarm", 4)
    if agreed is None:
        step(api, id, "accept", host)
    else:
        step(api, id, "complain", host, lines=[{"item": "alarm", "quantity": 1}], reason="Riper")
        lines = [{"item": "alarm", "amount_excl_vat": agreed}]
        step(api, id, "settle", host, lines=lines, reason="Prisavslag avtalt")
    (bill,) = api.get(f"/call-offs/{id}/shares", headers=host).json()["bills"]
    assert bill["amount_excl_vat"] == (agreed or "16800.00")
    assert sum(Decimal(one["amount_excl_vat"]) for one in bill["owed"]) == Decimal(bill["amount_excl_vat"])
    assert sum(Decimal(one["amount_vat"]) for one in bill["owed"]) == Decimal(bill["amount_vat"])
    assert len(bill["owed"]) == 3
    payer, stranger = issuer.bearer(LEIRFJORD, "agreements.read"), issuer.bearer(BRONNOY, "agreements.read")
    assert len(api.get(f"/call-offs/{id}/deliveries", headers=payer).json()["items"]) == 2
    assert api.get(f"/call-offs/{id}/deliveries", headers=stranger).status_code == 404
    pays_only = issuer.bearer(LEIRFJORD, "agreements.read", "agreements.order")
    assert refused(api, id, "close", pays_only)[0] == 404, "who only pays does not close it"


def test_each_complaint_goes_to_the_supplier_in_a_letter_of_its_own(
    place: Place,
    api: TestClient,
    buyer: dict[str, str],
    supplier: dict[str, str],
    issuer: Issuer,
    new_database: NewDatabase,
    catalog_api: TestClient,
) -> None:
    id = str(place().json()["id"])
    step(api, id, "confirm", supplier)
    deliver(api, id, supplier, "alarm", 3)
    step(api, id, "complain", buyer, lines=[{"item": "alarm", "quantity": 2}], reason="Virker ikke")
    step(api, id, "redeliver", supplier)
    deliver(api, id, supplier, "alarm", 2)
    step(api, id, "complain", buyer, lines=[{"item": "alarm", "quantity": 1}], reason="Virker fortsatt ikke")
    settings = IntegrationSettings(database_url=new_database("integration"), issuers=[issuer.trusted()])
    with TestClient(integration.create_app(settings)) as door:
        door.headers.update(issuer.bearer(JOINT_UNIT, "dispatch.write", "dispatch.read"))
        asked = Catalog(Neighbour("The catalogue", catalog_api))
        integration_client = Integration(Neighbour("Integration", door))
        letters = Letters(state(api).database, integration_client, asked, "http://127.0.0.1:8002")
        for kind in ("complaint", "complaint-2", "complaint"):
            letters.deliver(id, kind)
        taken = {one["reference"]: one["documents"][0]["sha256"] for one in door.get("/dispatches").json()["items"]}
    shown = {one["reference"]: one for one in api.get(f"/call-offs/{id}", headers=buyer).json()["letters"]}
    assert taken.keys() == {f"call-off-{id}-complaint", f"call-off-{id}-complaint-2"}
    assert taken == {reference: shown[reference]["sha256"] for reference in taken}
    assert {shown[reference]["recipient"] for reference in taken} == {FJORDVAKT}
    assert len(set(taken.values())) == 2
