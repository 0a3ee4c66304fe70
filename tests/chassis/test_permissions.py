"""The table of permissions: what it lets in, what it refuses to start with, and how the contract tells of it."""

from enum import StrEnum
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

from services.chassis.app import new_app, new_router
from services.chassis.auth import CallerDep, ViewerDep
from services.chassis.db import Database
from services.chassis.permissions import ANY_TOKEN, Property, Row, Table, TableDiffers, anyone, may, only
from services.chassis.settings import ServiceSettings
from services.chassis.values import Out
from tests.issuer import Issuer


class Relation(StrEnum):
    SENDER = "the sender"
    RECIPIENT = "the recipient"
    STRANGER = "somebody else"


SENDER, RECIPIENT, STRANGER = Relation.SENDER, Relation.RECIPIENT, Relation.STRANGER
ROWS = {
    "GET /letters": anyone(),
    "GET /letters/{id}": only(may("read", SENDER, RECIPIENT)),
    "POST /letters": only(may("write"), may("admin")),
}
ROLES = {"read": ("clerk", "archivist"), "write": ("clerk",)}


class Letter(Out):
    """A letter."""

    state: str
    draft: str | None


def letters() -> APIRouter:
    router = new_router("/letters", "Letters")

    @router.get("")
    def every(viewer: ViewerDep) -> str:
        """All of them."""
        return viewer.organisation if viewer else "nobody"

    @router.get("/{id}")
    def one(id: int, caller: CallerDep) -> Letter:
        """One of them."""
        return Letter(state="sent", draft=None)

    @router.post("")
    def write(caller: CallerDep) -> str:
        """Another one."""
        return caller.organisation

    return router


def build(issuer: Issuer, rows: dict[str, Row], *properties: Property, router: APIRouter | None = None) -> TestClient:
    url = "postgresql://127.0.0.1/none"
    settings = ServiceSettings.model_validate({"database_url": url, "port": 1, "issuers": [issuer.trusted()]})
    app = new_app(
        "Letters",
        section="agreements",
        description="",
        version="1",
        settings=settings,
        database=Database(url),
        routers=[router or letters()],
        audited=False,
        permissions=Table(rows, ROLES, properties),
    )
    return TestClient(app)


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ({name: row for name, row in ROWS.items() if name != "POST /letters"}, "Without a row: POST /letters."),
        (ROWS | {"DELETE /letters": only(may("admin"))}, "Without an operation: DELETE /letters."),
        (ROWS | {"GET /letters": only(may("read"))}, "disagree whether a token is needed: GET /letters."),
        (ROWS | {"POST /letters": anyone()}, "disagree whether a token is needed: POST /letters."),
    ],
)
def test_an_app_whose_table_differs_from_its_routes_does_not_start(
    issuer: Issuer, rows: dict[str, Row], named: str
) -> None:
    with pytest.raises(TableDiffers, match=named.replace(".", r"\.")):
        build(issuer, rows)


def test_any_one_of_the_scopes_opens_an_operation(issuer: Issuer) -> None:
    api = build(issuer, ROWS)
    assert api.post("/letters").status_code == 401
    for scope, status in (("write", 200), ("admin", 200), ("read", 403)):
        assert api.post("/letters", headers=issuer.bearer("964983291", scope)).status_code == status
    refused = api.post("/letters", headers=issuer.bearer("964983291", "read"))
    assert refused.json()["detail"] == "Needed: samvirke:write or samvirke:admin"


@pytest.mark.parametrize(
    ("row", "scopes", "relation", "refusal"),
    [
        (anyone(), None, STRANGER, None),
        (anyone(), ("read",), STRANGER, None),
        (anyone(may(ANY_TOKEN, SENDER)), None, SENDER, 404),
        (anyone(may(ANY_TOKEN, SENDER)), (), SENDER, None),
        (anyone(may(ANY_TOKEN, SENDER)), (), RECIPIENT, 404),
        (anyone(may(ANY_TOKEN, SENDER), may("admin")), ("admin",), RECIPIENT, None),
        (only(may(ANY_TOKEN)), None, SENDER, 401),
        (only(may(ANY_TOKEN)), (), STRANGER, None),
        (only(may("read", SENDER)), None, SENDER, 401),
        (only(may("read", SENDER)), ("write",), SENDER, 403),
        (only(may("read", SENDER)), ("read",), SENDER, None),
        (only(may("read", SENDER)), ("read",), STRANGER, 404),
        (only(may("read", SENDER), otherwise=403), ("read",), STRANGER, 403),
        (only(may("read", SENDER), but={RECIPIENT: 403}), ("read",), RECIPIENT, 403),
        (only(may("read", SENDER), but={RECIPIENT: 403}), ("read",), STRANGER, 404),
        (only(may("read", SENDER), may("write", RECIPIENT)), ("write",), RECIPIENT, None),
        (only(may("read", SENDER), may("write", RECIPIENT)), ("write",), SENDER, 404),
        (only(may("admin").barring(SENDER)), ("admin",), STRANGER, None),
        (only(may("admin").barring(SENDER), otherwise=403), ("admin",), SENDER, 403),
    ],
)
def test_a_row_says_who_is_let_in(
    row: Row, scopes: tuple[str, ...] | None, relation: Relation, refusal: int | None
) -> None:
    assert row.refusal(scopes, relation) == refusal


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (anyone(), "Who may: everybody, also without a token."),
        (only(may(ANY_TOKEN), also="Each its own."), "Who may: any organisation with a token. Each its own."),
        (only(may("write")), "Who may: clerk (`write`)."),
        (only(may("admin")), "Who may: a machine client (`admin`)."),
        (
            only(may("read", SENDER, RECIPIENT), but={STRANGER: 403}),
            "Who may: clerk, archivist (`read`) as the sender or the recipient. Others: 404; somebody else: 403.",
        ),
        (
            only(may("write").barring(SENDER), may("admin"), otherwise=403),
            "Who may: clerk (`write`), not as the sender; a machine client (`admin`). Others: 403.",
        ),
        (anyone(may(ANY_TOKEN, SENDER)), "Who may: the sender. Others: 404."),
    ],
)
def test_a_row_is_told_in_words(row: Row, told: str) -> None:
    assert Table({}, ROLES).told(row) == told


def test_the_contract_tells_it(issuer: Issuer) -> None:
    draft = Property("Letter.draft", (may("read", SENDER),), when="until it is sent")
    api = build(issuer, ROWS, draft, Property("Letter.state", written_by="its steps"))
    for _ in range(2):
        document: dict[str, Any] = api.get("/openapi.json").json()
        every, one = document["paths"]["/letters"], document["paths"]["/letters/{id}"]
        assert every["get"]["security"] == [{}, {"token": []}]
        assert every["post"]["security"] == [{"token": ["write"]}, {"token": ["admin"]}]
        assert every["post"]["description"] == "Another one.\n\nWho may: clerk (`write`); a machine client (`admin`)."
        assert one["get"]["security"] == [{"token": ["read"]}]
        fields = document["components"]["schemas"]["Letter"]["properties"]
        assert fields["state"]["description"] == "No request holds it; it changes by its steps."
        assert fields["draft"]["description"] == (
            "Until it is sent, who reads it: clerk, archivist (`read`) as the sender; null to all others."
        )


def test_a_field_that_the_contract_does_not_have_is_told(issuer: Issuer) -> None:
    app = build(issuer, ROWS, Property("Letter.date", written_by="its steps")).app
    assert isinstance(app, FastAPI)
    with pytest.raises(TableDiffers, match=r"no field Letter\.date\."):
        app.openapi()


def test_a_page_tells_the_whole_table() -> None:
    page = Table(ROWS, ROLES, (Property("Letter.state", written_by="its steps"),)).page()
    assert "| `POST /letters` | clerk (`write`); a machine client (`admin`). |" in page
    assert "| `Letter.state` | No request holds it; it changes by its steps. |" in page
