"""What a bid says is read by nobody before the opening, whatever they hold; the opening opens all of them, or none."""

import base64
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from psycopg import sql

from services.agreements.permissions import PERMISSIONS
from services.agreements.sealing import store as sealing
from services.chassis.foreign_files import examination
from services.chassis.values import seed_id
from tests.agreements import naive_bids
from tests.agreements.conftest import BRONNOY, FJORDVAKT, JOINT_UNIT, NORDLYS
from tests.conftest import NewDatabase, serving
from tests.issuer import Issuer

HAVORN, OSLO, STILLVAKT = "100000032", "958935420", "100000075"
OPEN, OPENED, DUE = (f"/mini-competitions/{seed_id(f'mini-competition:{name}')}" for name in ("open", "opened", "due"))
PRICE, TEXT, FILE = "1137.43", "Hemmelig-løsning-Æ7", "Innhold-som-ingen-ser"
"""Marks that stand nowhere else."""
EVERY = ("agreements.read", "agreements.order", "agreements.approve", "agreements.manage", "agreements.supply")
ANSWERED = [{"criterion": code, "text": "Fiktivt svar"} for code in ("kvalitet", "referanser")]
MARKED = {
    "lines": [{"item": "radgivertime", "unit_price_excl_vat": PRICE}],
    "answers": [{"criterion": code, "text": f"{TEXT} ({code})"} for code in ("kvalitet", "referanser")],
    "note": TEXT,
    "documents": [
        {
            "name": f"{FILE}.txt",
            "media_type": "text/plain",
            "content_base64": base64.b64encode(FILE.encode()).decode(),
        }
    ],
}


@pytest.fixture
def url(new_database: NewDatabase) -> str:
    return new_database("agreements", seeded=True)


@pytest.fixture
def api(apps: Callable[[str], FastAPI], url: str) -> Iterator[TestClient]:
    with serving(apps("agreements"), url) as client:
        yield client


def marks() -> list[bytes]:
    """The marks as they could stand anywhere: in clear, in base64 at each offset, in hexadecimal, as their hash."""
    found: list[bytes] = []
    for mark in (PRICE, TEXT, FILE):
        raw = mark.encode()
        found += [raw, mark.encode("utf-16-le"), json.dumps(mark)[1:-1].encode(), raw.hex().encode()]
        found += [one for shift in range(3) if len(one := base64.b64encode(b"x" * shift + raw)[4:-4]) > 8]
    whole = json.dumps(MARKED).encode()
    return [
        *found,
        sha256(PRICE.encode()).digest(),
        sha256(PRICE.encode()).hexdigest().encode(),
        sha256(whole).digest(),
    ]


def found_in(rows: psycopg.Connection) -> list[str]:
    """Every table and column in which a mark stands, as somebody reads them who has the whole database: bytes as they
    are, all else as text."""
    looked_for = marks()
    found = []
    for table, column in rows.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
    ).fetchall():
        query = sql.SQL("SELECT {}::text FROM {}").format(sql.Identifier(column), sql.Identifier(table))
        for (value,) in rows.execute(query):
            told = (value or "").encode()
            raw = bytes.fromhex(value[2:]) if told.startswith(b"\\x") and _is_hex(value[2:]) else b""
            if any(mark in told or mark in raw for mark in looked_for):
                found.append(f"{table}.{column}")
                break
    return found


def feed(api: TestClient, issuer: Issuer, who: str) -> list[dict[str, Any]]:
    """All that an organisation is told."""
    told: list[dict[str, Any]] = []
    position = 0
    while True:
        headers = issuer.bearer(who, *EVERY)
        page = api.get("/events", params={"after": position, "limit": 200}, headers=headers).json()
        if page["next"] == position:
            return told
        told, position = told + page["items"], page["next"]


def _is_hex(text: str) -> bool:
    return len(text) % 2 == 0 and all(one in "0123456789abcdef" for one in text)


def give(api: TestClient, issuer: Issuer, supplier: str = HAVORN, **body: Any) -> Any:
    headers = issuer.bearer(supplier, "agreements.supply")
    made = api.post(f"{OPEN}/bids", json=MARKED | body, headers=headers)
    assert made.status_code == 201, made.text
    sent = api.post(f"{OPEN}/bids/{made.json()['id']}/submit", json={}, headers=headers)
    assert sent.status_code == 200, sent.text
    return made.json()


def pass_deadline(rows: psycopg.Connection) -> None:
    rows.execute("UPDATE minicompetition SET deadline = clock_timestamp() WHERE uuid = %s", [OPEN.rpartition("/")[2]])


def open_bids(api: TestClient, issuer: Issuer, path: str = OPEN) -> Any:
    return api.post(f"{path}/open-bids", json={}, headers=issuer.bearer(BRONNOY, "agreements.order"))


def kept(rows: psycopg.Connection) -> Any:
    query = "SELECT (SELECT state FROM minicompetition WHERE uuid = %s), (SELECT count(*) FROM opening), "
    query += "(SELECT count(*) FROM openedbid), (SELECT count(*) FROM bidevent), (SELECT count(*) FROM audit)"
    return rows.execute(query, [OPEN.rpartition("/")[2]]).fetchone()


def test_no_role_by_any_operation_reads_a_sealed_bid_nor_learns_that_there_is_one(
    api: TestClient, rows: psycopg.Connection, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    """Before and after the bid, everybody but its supplier gets the same answers."""
    competition = OPEN.rpartition("/")[2]
    paths = [path.split(" ")[1] for path in PERMISSIONS.rows if path.startswith("GET ") and "mini-comp" in path]
    own = give(api, issuer, HAVORN)
    others = (BRONNOY, JOINT_UNIT, FJORDVAKT, NORDLYS, OSLO, STILLVAKT)
    withdrawn = api.post(
        f"{OPEN}/bids/{own['id']}/withdraw", json={}, headers=issuer.bearer(HAVORN, "agreements.supply")
    )
    assert withdrawn.status_code == 200, withdrawn.text

    def answers() -> dict[str, tuple[int, bytes, Any]]:
        told = {}
        for path in paths:
            for bid in (own["id"], str(seed_id("bid:open:submitted"))):
                here = path.replace("{id}", competition).replace("{bid}", bid).replace("{n}", "1")
                for who in others:
                    answer = api.get(here, headers=issuer.bearer(who, *EVERY))
                    told[f"{who} {here}"] = (answer.status_code, answer.content, answer.headers.get("etag"))
        return told

    before = answers()
    counted = api.get("/metrics").text
    with caplog.at_level(logging.DEBUG):
        again = give(api, issuer, HAVORN)
        after = answers()
    changed = [one for one in after if after[one] != before[one]]
    assert not changed
    assert any(status == 200 for status, _, _ in after.values())
    everything = b"".join(content for _, content, _ in after.values()) + api.get("/metrics").content
    everything += caplog.text.encode() + json.dumps([vars(one) for one in caplog.records], default=str).encode()
    for who in (*others, HAVORN):
        everything += json.dumps(feed(api, issuer, who), ensure_ascii=False).encode()
    everything += api.get(f"{OPEN}/bids/{again['id']}", headers=issuer.bearer(HAVORN, "agreements.read")).content
    assert not [mark for mark in marks() if mark in everything]
    told = {line.split("}")[0] for line in api.get("/metrics").text.splitlines() if "mini" in line}
    assert told == {line.split("}")[0] for line in counted.splitlines() if "mini" in line}
    assert not [line for line in told if "bids" in line or "submit" in line], "they are counted with all else"


def test_the_whole_database_holds_no_byte_of_a_bid_before_the_opening(
    api: TestClient, rows: psycopg.Connection, issuer: Issuer
) -> None:
    made = give(api, issuer)
    replaced = api.post(
        f"{OPEN}/bids/{made['id']}/replace", json=MARKED, headers=issuer.bearer(HAVORN, "agreements.supply")
    )
    assert replaced.json()["version"] == 2, replaced.text
    assert found_in(rows) == []
    pass_deadline(rows)
    assert open_bids(api, issuer).status_code == 200
    assert "openedbid.lines" in found_in(rows), "the search finds what is there"


def test_a_service_that_kept_bids_in_the_clear_would_be_found_out(
    api: TestClient, rows: psycopg.Connection, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "seal", naive_bids.seal)
    give(api, issuer)
    assert found_in(rows) == ["bid.sealed", "biddocument.sealed"]


def test_a_receipt_shows_afterwards_that_what_was_opened_is_what_was_sent(
    api: TestClient, rows: psycopg.Connection, issuer: Issuer
) -> None:
    made = give(api, issuer)
    text = base64.b64decode(made["content"])
    assert sha256(text).hexdigest() == made["sha256"]
    assert json.loads(text)["salt"] == made["salt"]
    pass_deadline(rows)
    assert open_bids(api, issuer).json()["state"] == "evaluation"
    buyer, supplier = (issuer.bearer(who, "agreements.read") for who in (BRONNOY, HAVORN))
    for headers in (buyer, supplier):
        read = api.get(f"{OPEN}/bids/{made['id']}", headers=headers).json()
        assert (read["lines"][0]["unit_price_excl_vat"], read["note"], read["sha256"]) == (PRICE, TEXT, made["sha256"])
        assert Decimal(read["amount_excl_vat"]) == 900 * Decimal(PRICE)
        document = api.get(f"{OPEN}/bids/{made['id']}/documents/1", headers=headers)
        assert document.content == FILE.encode()
    assert api.get(f"{OPEN}/bids/{made['id']}", headers=issuer.bearer(NORDLYS, "agreements.read")).status_code == 404
    record = api.get(f"{OPEN}/opening", headers=buyer).json()
    again = next(one for one in record["bids"] if one["bid"] == made["id"])
    opened = sealing.unseal(
        bytes.fromhex(record["private_key"]),
        base64.b64decode(again["sealed_base64"]),
        OPEN.rpartition("/")[2],
        made["id"],
        again["version"],
    )
    assert opened == text, "anybody repeats the opening with the released key"


def test_every_submitted_bid_is_opened_at_once_and_a_draft_is_discarded(
    api: TestClient, rows: psycopg.Connection, issuer: Issuer
) -> None:
    give(api, issuer)
    pass_deadline(rows)
    assert open_bids(api, issuer).status_code == 200
    states = rows.execute(
        "SELECT b.supplier, b.state FROM bid b JOIN minicompetition c ON c.id = b.competition_id WHERE c.uuid = %s "
        "ORDER BY b.supplier",
        [OPEN.rpartition("/")[2]],
    ).fetchall()
    assert states == [(FJORDVAKT, "opened"), (NORDLYS, "withdrawn"), (HAVORN, "opened")]
    listed = api.get(f"{OPEN}/bids", headers=issuer.bearer(BRONNOY, "agreements.read")).json()
    assert (listed["sealed"], len(listed["items"])) == (False, 2)


def test_without_the_sealing_key_nothing_is_opened_and_nothing_changed(
    api: TestClient, rows: psycopg.Connection, issuer: Issuer, sealing_file: Path, tmp_path: Path
) -> None:
    give(api, issuer)
    pass_deadline(rows)
    before, hidden = kept(rows), tmp_path / "away"
    sealing_file.rename(hidden)
    try:
        answer = open_bids(api, issuer)
    finally:
        hidden.rename(sealing_file)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/sealing-key-away")
    assert kept(rows) == before
    os.chmod(sealing_file, 0o644)
    try:
        assert open_bids(api, issuer).status_code == 503, "others may read it"
    finally:
        os.chmod(sealing_file, 0o600)
    assert open_bids(api, issuer).status_code == 200


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE bid SET sealed = set_byte(sealed, 100, get_byte(sealed, 100) # 1)",
        "UPDATE bid SET digest = repeat('0', 64)",
        "UPDATE bid SET sealed = (SELECT o.sealed FROM bid o WHERE o.id <> bid.id ORDER BY o.id LIMIT 1)",
        "UPDATE bid SET version = version + 1",
        "ALTER TABLE biddocument DISABLE TRIGGER USER; DELETE FROM biddocument",
        "ALTER TABLE biddocument DISABLE TRIGGER USER; "
        "UPDATE biddocument SET sealed = set_byte(sealed, 100, get_byte(sealed, 100) # 1)",
    ],
    ids=["a bit", "its receipt", "another's", "another version", "a document gone", "a document"],
)
def test_one_spoilt_bid_keeps_all_of_them_shut(
    api: TestClient, rows: psycopg.Connection, issuer: Issuer, spoil: str
) -> None:
    made = give(api, issuer)
    where = f" WHERE {'bid_id' if 'biddocument' in spoil else 'id'} = (SELECT id FROM bid WHERE uuid = '{made['id']}')"
    rows.execute(spoil + where)
    pass_deadline(rows)
    before = kept(rows)
    answer = open_bids(api, issuer)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/seal-broken")
    assert kept(rows) == before


def test_a_bid_whose_documents_nobody_can_look_through_is_not_taken(
    api: TestClient, rows: psycopg.Connection, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examination, "TURN_SECONDS", 0.01)
    unseen = [MARKED["documents"][0] | {"content_base64": base64.b64encode(b"Ikke sett for").decode()}]  # type: ignore[operator]  # of mixed kinds
    with ExitStack() as busy:
        for _ in range(examination.AT_ONCE):
            busy.enter_context(examination.turns)
        headers = issuer.bearer(HAVORN, "agreements.supply")
        answer = api.post(f"{OPEN}/bids", json=MARKED | {"documents": unseen}, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/examiners-of-bids-busy")
    assert give(api, issuer)["version"] == 1, "and later it is"


def test_production_does_not_start_without_a_sealing_key_of_its_own(tmp_path: Path) -> None:
    made_here = tmp_path / "key.json"
    sealing.SealingKey(made_here, production=False).first()
    for file in (tmp_path / "none.json", made_here):
        with pytest.raises(sealing.SealingKeyAway):
            sealing.SealingKey(file, production=True).must_be_there()
    own = sealing.SealingKey(tmp_path / "own.json", production=True)
    assert own.first()
    own.must_be_there()
    assert not sealing.SealingKey(tmp_path / "third.json", production=True).first_of_sandbox()
