"""A status list is packed byte for byte as the IETF draft packs it, stays small, and is not unpacked beyond bounds."""

import base64
import gzip
import json
import random
import tracemalloc
import zlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey

from services.catalog.certificates.rules import (
    Condition,
    ConditionKind,
    Event,
    EventKind,
    History,
    Scope,
    Status,
    Validity,
    standing,
)
from services.catalog.credentials import rules as credentials
from services.catalog.status_lists import rules
from services.catalog.status_lists.rules import IndexBeyondList, ListBroken, Value

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "status-list-vectors.json").read_text())["vectors"]
SHORT = [vector for vector in VECTORS if "bytes_hex" in vector]
LONG = [vector for vector in VECTORS if "bytes_hex" not in vector]


def test_the_drafts_short_lists_are_made_byte_for_byte_and_read_back() -> None:
    assert {vector["bits"] for vector in SHORT} == {1, 2}
    for vector in SHORT:
        assert rules.encode(bytes.fromhex(vector["bytes_hex"])) == vector["lst"]
        assert rules.decode(vector["lst"]).hex() == vector["bytes_hex"]


def test_there_is_a_long_list_of_every_size() -> None:
    assert [vector["bits"] for vector in LONG] == [1, 2, 4, 8]


@pytest.mark.parametrize("vector", LONG, ids=lambda vector: f"{vector['bits']} bits")
def test_the_drafts_long_lists_are_made_byte_for_byte_and_read_back(vector: dict[str, Any]) -> None:
    bits, size = vector["bits"], vector["size"]
    packed = bytearray(size * bits // 8)
    for index, value in vector["nonzero"]:
        rules.put(packed, index, value, bits)
    assert rules.encode(packed) == vector["lst"]
    read = rules.decode(vector["lst"])
    assert read == packed
    assert [[index, rules.get(read, index, bits)] for index, _ in vector["nonzero"]] == vector["nonzero"]
    others = {0, 1, size - 1} - {index for index, _ in vector["nonzero"]}
    assert {rules.get(read, index, bits) for index in others} <= {0}


def test_the_drafts_example_of_two_bits_is_three_bytes() -> None:
    packed = bytearray(3)
    for index, value in enumerate([1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]):
        rules.put(packed, index, value)
    assert packed == bytes([0xC9, 0x44, 0xF9])


@given(st.lists(st.sampled_from(Value), min_size=1, max_size=300), st.data())
def test_what_is_put_in_is_got_out_and_nothing_else_is_touched(values: list[Value], data: st.DataObject) -> None:
    packed = bytearray(-(-len(values) // 4))
    for index, value in enumerate(values):
        rules.put(packed, index, value)
    assert [rules.get(packed, index) for index in range(len(values))] == values
    where = data.draw(st.integers(0, len(values) - 1))
    new = data.draw(st.sampled_from(Value))
    assert rules.put(packed, where, new) is (values[where] is not new)
    values[where] = new
    assert [rules.get(rules.decode(rules.encode(packed)), index) for index in range(len(values))] == values


@pytest.mark.parametrize("index", [-1, 12, 10**9])
def test_a_place_beyond_the_list_says_nothing(index: int) -> None:
    with pytest.raises(IndexBeyondList):
        rules.get(bytes(3), index)


@pytest.mark.parametrize(
    "lst",
    [
        "!",
        "eNrt=",
        "AAAA",
        "",
        base64.urlsafe_b64encode(zlib.compress(bytes(99))[:-3]).decode().rstrip("="),
        base64.urlsafe_b64encode(zlib.compress(bytes(99)) + b"more").decode().rstrip("="),
    ],
)
def test_what_is_no_list_is_not_unpacked(lst: str) -> None:
    with pytest.raises(ListBroken):
        rules.decode(lst)


def test_a_list_that_unpacks_without_end_is_left_packed() -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(bytes(20 * rules.MOST_BYTES), 9)).decode().rstrip("=")
    tracemalloc.start()
    with pytest.raises(ListBroken, match="more than"):
        rules.decode(bomb)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4 * rules.MOST_BYTES
    full = rules.encode(bytes(rules.MOST_BYTES))
    assert len(rules.decode(full)) == rules.MOST_BYTES


def test_a_hundred_thousand_certificates_of_which_two_in_a_hundred_are_not_valid_fit_in_five_kilobytes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    chance, count = random.Random(7), 100_000
    packed = bytearray(count // 4)
    for index in chance.sample(range(count), count // 50):
        rules.put(packed, index, chance.choice([Value.INVALID, Value.SUSPENDED]))
    lst = rules.encode(packed)
    claims = {"sub": "https://catalog.example/status-lists/1", "iat": 1, "exp": 2, "ttl": 1}
    token = jwt.encode(
        {"alg": "ES256", "kid": "k" * 43, "typ": "statuslist+jwt"},
        {**claims, "status_list": {"bits": 2, "lst": lst}},
        ECKey.generate_key("P-256"),
    )
    sent = gzip.compress(token.encode(), 9)
    sizes = f"{len(lst) * 3 // 4} bytes packed, {len(lst)} as text, {len(token)} as a token, {len(sent)} as sent"
    with capsys.disabled():
        print(f"\n100,000 certificates, 2 % not valid: {sizes}")  # noqa: T201  # a figure that is worth seeing
    assert len(lst) <= 5_000
    assert len(sent) <= 5_000


def test_every_status_has_its_two_bits() -> None:
    assert set(rules.VALUES) == set(Status)
    assert {status for status, value in rules.VALUES.items() if value is Value.VALID} == {
        Status.VALID,
        Status.NOT_YET_VALID,
    }


# ---- What time alone changes

FIRST = date(2026, 1, 1)
DAYS = st.integers(0, 60).map(lambda days: FIRST + timedelta(days=days))
INSTANT = datetime(2025, 12, 1, tzinfo=UTC)
GROUNDS = st.sampled_from([None, "supplier-suspension:1", "condition:one"])


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Anything that can stand in the tables, sensible or not."""
    begins, ends = sorted([draw(DAYS), draw(DAYS)])
    events = [Event(EventKind.GRANTED, begins, INSTANT, id=1)]
    for place in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from([kind for kind in EventKind if kind is not EventKind.GRANTED]))
        detail: dict[str, Any] = Scope(versions=(f"{place}",)).detail()
        if kind is EventKind.RENEWED:
            detail = {"valid_to_on": draw(DAYS).isoformat()}
        if kind is EventKind.CONDITION_MET:
            detail = {"condition": "one"}
        target = draw(st.integers(1, place + 1))
        at = INSTANT + timedelta(hours=place + 1)
        events.append(Event(kind, draw(DAYS), at, place + 2, draw(GROUNDS), target, detail))
    conditions = [Condition("one", draw(st.sampled_from(ConditionKind)), draw(DAYS), INSTANT)]
    return History(events, Validity(begins, ends), conditions=conditions[: draw(st.integers(0, 1))])


def said(history: History, on: date) -> tuple[Value, str]:
    stands = standing(history, on, credentials.EVER)
    assert stands
    return rules.of_standing(stands), credentials.fingerprint(stands)


@given(histories())
def test_between_two_turns_nothing_changes(history: History) -> None:
    day = FIRST - timedelta(days=1)
    turns = [day]
    while (turn := rules.next_turn(history, turns[-1])) is not None:
        assert turn > turns[-1]
        turns.append(turn)
    for number in range(70):
        on = day + timedelta(days=number)
        assert said(history, on) == said(history, max(turn for turn in turns if turn <= on))


@given(histories(), DAYS)
def test_only_what_is_valid_that_day_reads_valid(history: History, on: date) -> None:
    stands = standing(history, on, credentials.EVER)
    assert stands
    value = rules.of_standing(stands)
    assert (value in (Value.VALID, Value.WITH_CONDITIONS)) is (stands.status in (Status.VALID, Status.NOT_YET_VALID))
    assert (value is Value.SUSPENDED) is (stands.status is Status.SUSPENDED)
