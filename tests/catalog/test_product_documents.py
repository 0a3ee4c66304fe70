"""Documents about products: byte for byte, approved by someone else, and seen by whom they concern."""

import hashlib
import io
import zipfile
from itertools import product as pairs
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.documents import rules
from services.catalog.documents.rules import State, Step
from services.chassis.values import seed_id
from tests.catalog.conftest import BRONNOY, EDITOR, FJORDVAKT, HAVORN, problem, walk
from tests.catalog.test_products import walk_events
from tests.issuer import Issuer

PDF = b"%PDF-1.7\nhemmelig innhold\n%%EOF\n"
PATH = "/products/havorn-alarm/documents"
PUBLIC, CONCEPT = (f"/products/fjordvakt-alarm/documents/{seed_id(f'document:{one}')}" for one in ("public", "concept"))


@pytest.fixture
def havorn(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(HAVORN, "catalog.write")


def uploaded(
    catalog: TestClient, headers: dict[str, str], content: bytes = PDF, media: str = rules.PDF, **query: str
) -> Any:
    asked = {"type": "dpia", "title": "Vurdering", "file_name": "vurdering æøå.pdf"} | query
    return catalog.post(PATH, params=asked, content=content, headers=headers | {"Content-Type": media})


def folder(**files: bytes) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as made:
        for name, content in files.items():
            made.writestr(name.replace("__", "/"), content)
    return kept.getvalue()


def test_a_document_comes_back_byte_for_byte(catalog: TestClient, havorn: dict[str, str]) -> None:
    made = uploaded(catalog, havorn)
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["sha256"], told["size"], told["state"]) == (hashlib.sha256(PDF).hexdigest(), len(PDF), "concept")
    answer = catalog.get(f"{made.headers['Location']}/content", headers=havorn)
    assert answer.content == PDF
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''vurdering%20%C3%A6%C3%B8%C3%A5.pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-store"


VIEWERS = {
    None: False,
    HAVORN: True,  # its supplier
    FJORDVAKT: False,  # another supplier
    "100000024": False,  # a third
    BRONNOY: True,  # a municipality
    EDITOR: True,  # the joint unit
    "987654325": False,  # nobody that is registered
}


def test_a_document_is_for_public_bodies_and_its_supplier_until_it_is_public(
    catalog: TestClient, havorn: dict[str, str], editor: dict[str, str], issuer: Issuer
) -> None:
    concept, closed, opened, withdrawn = (
        uploaded(catalog, havorn, PDF + bytes([number])).headers["Location"] for number in range(4)
    )
    assert catalog.post(f"{closed}/approve", json={"public": False}, headers=editor).status_code == 200
    for path in (opened, withdrawn):
        assert catalog.post(f"{path}/approve", json={"public": True}, headers=editor).status_code == 200
    gone = catalog.post(f"{withdrawn}/withdraw", json={"reason": "Utdatert"}, headers=havorn)
    assert gone.json()["state"] == "withdrawn"
    for viewer, sees in VIEWERS.items():
        headers = issuer.bearer(viewer) if viewer else {}
        listed = {f"{PATH}/{one['id']}" for one in catalog.get(PATH, headers=headers).json()["items"]}
        for path in (concept, closed, withdrawn):
            found = {catalog.get(where, headers=headers).status_code for where in (path, f"{path}/content")}
            assert found == ({200} if sees else {404}), (viewer, path)
            assert (path in listed) == sees
        assert opened in listed
        assert catalog.get(f"{opened}/content", headers=headers).content == PDF + bytes([2]), "all see what is public"
        told = {one["subject"] for one in walk_events(catalog, headers)}
        assert ({concept, closed} <= told) == (viewer == HAVORN), "an event would tell that it exists"


def test_what_was_decided_is_never_changed(url: str, catalog: TestClient) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for table in ("document_event", "need_event", "need_joining", "takeover"):
            for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET id = id", f"TRUNCATE {table}"):
                with pytest.raises(psycopg.errors.RaiseException):
                    connection.execute(statement)


def test_a_supplier_never_sees_anothers_by_any_list(shared_catalog: TestClient, issuer: Issuer) -> None:
    for headers in ({}, issuer.bearer(HAVORN, "catalog.write")):
        assert [one["state"] for one in walk_with(shared_catalog, headers)] == ["approved"]
        assert problem(shared_catalog.get(CONCEPT, headers=headers)) == (404, "document-not-found")
        assert problem(shared_catalog.get(f"{CONCEPT}/content", headers=headers)) == (404, "document-not-found")
        reason = {"reason": "Prøve"}
        if headers:
            assert problem(shared_catalog.post(f"{CONCEPT}/withdraw", json=reason, headers=headers)) == (
                404,
                "document-not-found",
            )
    assert {one["state"] for one in walk_with(shared_catalog, issuer.bearer(BRONNOY))} == {"approved", "concept"}


def walk_with(catalog: TestClient, headers: dict[str, str]) -> list[dict[str, Any]]:
    answer = catalog.get("/products/fjordvakt-alarm/documents", headers=headers)
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_four_eyes(catalog: TestClient, issuer: Issuer, editor: dict[str, str]) -> None:
    own = uploaded(catalog, editor).headers["Location"]
    assert problem(catalog.post(f"{own}/approve", json={}, headers=editor)) == (403, "four-eyes")
    supplier = issuer.bearer(HAVORN, "catalog.admin")
    assert problem(catalog.post(f"{own}/reject", json={"reason": "Nei"}, headers=supplier)) == (403, "four-eyes")
    other = issuer.bearer(BRONNOY, "catalog.admin")
    assert catalog.post(f"{own}/reject", json={"reason": "Mangler vurdering"}, headers=other).status_code == 200
    assert problem(catalog.post(f"{own}/approve", json={}, headers=other)) == (409, "document-step-refused")
    events = catalog.get(own, headers=other).json()["events"]
    assert [(one["state"], one["reason"]) for one in events] == [("rejected", "Mangler vurdering")]


def test_a_decision_can_start_from_what_was_read(catalog: TestClient, editor: dict[str, str], issuer: Issuer) -> None:
    made = uploaded(catalog, issuer.bearer(HAVORN, "catalog.write"))
    path = made.headers["Location"]
    read = {"If-Match": made.headers["ETag"]}
    assert catalog.post(f"{path}/approve", json={}, headers=editor | read).status_code == 200
    stale = catalog.post(f"{path}/withdraw", json={"reason": "Ny utgave"}, headers=editor | read)
    assert problem(stale) == (412, "stale")


def test_others_do_not_upload(shared_catalog: TestClient, issuer: Issuer) -> None:
    assert problem(uploaded(shared_catalog, issuer.bearer(FJORDVAKT, "catalog.write"))) == (403, "may-not-upload")
    assert walk(shared_catalog, PATH) == []


def test_only_what_is_listed_and_what_it_says_it_is(shared_catalog: TestClient, havorn: dict[str, str]) -> None:
    def refused(content: bytes, media: str, **query: str) -> tuple[int, str]:
        return problem(uploaded(shared_catalog, havorn, content, media, **query))

    assert refused(b"<script>alert(1)</script>", "text/html") == (415, "media-type-not-taken")
    assert refused(b"<html>", rules.PDF) == (422, "content-mismatch")
    assert refused(b"", rules.PDF) == (422, "content-missing")
    assert refused(folder(a=b"b"), rules.DOCX) == (422, "content-mismatch")
    assert refused(PDF, rules.PDF, file_name="../../etc/passwd") == (422, "file-name-unusable")
    assert refused(b"%PDF-" + b"0" * rules.LARGEST, rules.PDF) == (413, "document-too-large")
    assert shared_catalog.get(PATH, headers=havorn).json()["items"] == []


@pytest.mark.parametrize(
    ("media", "content"),
    [
        (rules.PDF, PDF),
        (rules.PNG, b"\x89PNG\r\n\x1a\n...."),
        (rules.JPEG, b"\xff\xd8\xff\xe0...."),
        (rules.DOCX, folder(**{"[Content_Types].xml": b"<x/>", "word__document.xml": b"<x/>"})),
        (rules.ODT, folder(mimetype=rules.ODT.encode(), content=b"<x/>")),
    ],
)
def test_each_kind_is_known_by_its_content_and_no_other_is_taken_for_it(media: str, content: bytes) -> None:
    assert rules.check_content(content, media, "fil") == []
    assert all(rules.check_content(content, other, "fil") for other in rules.MEDIA_TYPES if other != media)


@given(st.binary(max_size=60), st.sampled_from(rules.MEDIA_TYPES))
def test_no_content_breaks_the_look_at_it(content: bytes, media: str) -> None:
    rules.check_content(b"PK\x03\x04" + content, media, "fil")


@pytest.mark.parametrize(("state", "step"), list(pairs(State, Step)))
def test_a_document_takes_the_steps_of_the_table_and_no_other(state: State, step: Step) -> None:
    expected = {
        State.CONCEPT: {Step.APPROVE, Step.REJECT, Step.WITHDRAW},
        State.APPROVED: {Step.WITHDRAW},
        State.REJECTED: {Step.WITHDRAW},
        State.WITHDRAWN: set(),
    }
    caller = "uploader" if step is Step.WITHDRAW else "other"
    refused = rules.check_step(state, step, caller=caller, uploaded_by="uploader", suppliers=["supplier"])
    assert bool(refused) == (step not in expected[state])
