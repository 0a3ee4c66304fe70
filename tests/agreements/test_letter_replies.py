"""What was answered to an order's letter, as the feed of integration tells of it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from services.agreements.integration_client import Integration
from services.agreements.letter_replies import store
from services.chassis.http import Neighbour, new_client
from services.chassis.values import new_id
from tests.agreements.conftest import Place
from tests.conftest import state
from tests.issuer import Issuer

FJORDVAKT, ALSTAHAUG = "100000016", "938712441"


def hear(api: TestClient, reference: str, reply: UUID) -> None:
    with state(api).database.writing() as session:
        store.heard(
            session,
            reply_id=reply,
            reference=reference,
            sender_name="Fjordvakt",
            sender_number=None,
            title="Svar",
            documents=[{"position": 1, "filename": "svar.pdf", "media_type": "application/pdf", "size": 3, "new": 1}],
            received_at=datetime(2026, 11, 29, 10, tzinfo=UTC),
        )


def test_a_reply_is_shown_once_to_those_who_take_part(
    api: TestClient, place: Place, buyer: dict[str, str], issuer: Issuer
) -> None:
    call_off, reply = place().json(), new_id()
    assert call_off["replies"] == []
    (letter,) = call_off["letters"]
    for _ in range(2):
        hear(api, letter["reference"], reply)
    hear(api, "somebody-elses-letter", new_id())
    path = f"/call-offs/{call_off['id']}"
    supplier = issuer.bearer(FJORDVAKT, "agreements.read")
    shown: dict[str, Any]
    for viewer in (buyer, supplier):
        (shown,) = api.get(path, headers=viewer).json()["replies"]
        assert (shown["id"], shown["letter_reference"]) == (str(reply), letter["reference"])
        assert [one["filename"] for one in shown["documents"]] == ["svar.pdf"]
    (listed,) = [one for one in api.get("/call-offs", headers=buyer).json()["items"] if one["id"] == call_off["id"]]
    assert listed["replies"] == [shown]
    told = api.get("/events", headers=buyer, params={"limit": 200}).json()["items"]
    news = [one for one in told if one["subject"] == path]
    assert [one["data"]["reply"] for one in news if one["type"] == "call_off.reply"] == [str(reply)]


@pytest.mark.parametrize("position", [1, 2])
def test_a_reply_s_document_is_asked_for_by_those_alone(
    api: TestClient, place: Place, buyer: dict[str, str], issuer: Issuer, position: int
) -> None:
    """Integration is away here, which only they learn for whom there is such a document."""
    state(api).integration = Integration(Neighbour("Integration", new_client("http://127.0.0.1:9")))
    call_off, reply = place().json(), new_id()
    hear(api, call_off["letters"][0]["reference"], reply)
    path = f"/call-offs/{call_off['id']}/replies/{reply}/documents/{position}"
    assert api.get(path, headers=issuer.bearer(ALSTAHAUG, "agreements.read")).status_code == 404
    answer = api.get(path, headers=buyer)
    if position == 1:
        assert answer.status_code == 503
    else:
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/letter-reply-not-found")
