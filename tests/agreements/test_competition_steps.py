"""A mini-competition from its draft to the opening: whom it invites, what amends it, what ends it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from services.agreements.bids import rules as bids
from services.agreements.competition_steps import store as competition_steps
from services.agreements.mini_competitions import rules
from services.agreements.mini_competitions.api import TERMS
from services.agreements.places.rules import PlaceState
from services.chassis.values import seed_id
from tests.agreements.conftest import BRONNOY, FJORDVAKT, JOINT_UNIT, NORDLYS
from tests.agreements.test_sealed_bids import ANSWERED, EVERY, HAVORN, feed
from tests.conftest import NewDatabase, serving, state
from tests.issuer import Issuer

SUPPLIERS = (FJORDVAKT, NORDLYS, HAVORN)
NEW = {"framework_agreement": "ra-2026-driftsplattform", "lot": "radgivning", **TERMS}
BID = {"lines": [{"item": "radgivertime", "unit_price_excl_vat": "1100.00"}], "answers": ANSWERED}
NAMES = {name: str(seed_id(f"mini-competition:{name}")) for name in ("draft", "open", "due", "opened")}
Send = Callable[..., Any]


@pytest.fixture(scope="module")
def url(shared_database: NewDatabase) -> str:
    return shared_database("agreements", seeded=True)


@pytest.fixture(scope="module")
def api(apps: Callable[[str], FastAPI], url: str) -> Iterator[TestClient]:
    with serving(apps("agreements"), url) as client:
        yield client


@pytest.fixture(scope="module")
def rows(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def send(api: TestClient, issuer: Issuer) -> Send:
    def sent(path: str, body: Any = None, who: str = BRONNOY, method: str = "POST") -> Any:
        answer = api.request(
            method,
            f"/mini-competitions{path}",
            json=None if method == "GET" else body or {},
            headers=issuer.bearer(who, *EVERY),
        )
        return answer

    return sent


def read(send: Send, path: str, who: str = BRONNOY) -> Any:
    answer = send(path, who=who, method="GET")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def published(send: Send) -> str:
    """An open competition of the test's own: its path below /mini-competitions."""
    made = send("", NEW)
    assert made.status_code == 201, made.text
    here = f"/{made.json()['id']}"
    done = send(f"{here}/publish")
    assert done.status_code == 200, done.text
    return here


def bid(send: Send, here: str, who: str, *, submitted: bool = True) -> str:
    made = send(f"{here}/bids", BID, who)
    assert made.status_code == 201, made.text
    if submitted:
        assert send(f"{here}/bids/{made.json()['id']}/submit", who=who).status_code == 200
    return str(made.json()["id"])


def pass_deadline(rows: psycopg.Connection, here: str) -> None:
    rows.execute("UPDATE minicompetition SET deadline = clock_timestamp() WHERE uuid = %s", [here[1:]])


def test_everybody_who_can_deliver_is_invited_at_once_and_told(send: Send, api: TestClient, issuer: Issuer) -> None:
    made = send("", NEW).json()
    here = f"/{made['id']}"
    assert (made["state"], made["public_key"], made["value_excl_vat"]) == ("draft", None, None)
    assert send(here, who=FJORDVAKT, method="GET").status_code == 404
    done = send(f"{here}/publish").json()
    assert (done["state"], done["value_excl_vat"]) == ("open", "1125000.00")
    assert Decimal(done["room_left_excl_vat"]) > 1_125_000, "it shows what room is left for the award"
    assert [one["supplier_organisation_number"] for one in read(send, f"{here}/invitations")["items"]] == [*SUPPLIERS]
    for who in (*SUPPLIERS, JOINT_UNIT, BRONNOY):
        told = feed(api, issuer, who)
        assert [one for one in told if one["type"] == "mini_competition.publish" and one["data"]["id"] == made["id"]]
    own = read(send, f"{here}/invitations", NORDLYS)["items"]
    assert [one["prices"] is not None for one in own] == [False, True, False], "each sees its own prices"


@settings(max_examples=12)
@given(data=st.data())
def test_who_is_invited_is_who_holds_an_open_place_and_offers_all_of_it(
    send: Send, rows: psycopg.Connection, data: st.DataObject
) -> None:
    """Invariant 13, on the lot as it stands at publication; and no bid passes its supplier's own list."""
    states = [data.draw(st.sampled_from(list(PlaceState))) for _ in SUPPLIERS]
    offers = [data.draw(st.booleans()) for _ in SUPPLIERS]
    place = "lot_id = (SELECT id FROM lot WHERE slug = 'radgivning') AND number = %s"
    made = send("", NEW).json()
    rows.execute("ALTER TABLE price DISABLE TRIGGER USER")
    try:
        for who, now, offered in zip(SUPPLIERS, states, offers, strict=True):
            rows.execute(f"UPDATE place SET state = %s WHERE {place}", [now, who])
            item = "radgivertime" if offered else "noe-annet"
            rows.execute(
                f"UPDATE price SET item = %s WHERE item <> 'plattform' "
                f"AND place_id = (SELECT id FROM place WHERE {place})",
                [item, who],
            )
        able = [
            who
            for who, now, offered in zip(SUPPLIERS, states, offers, strict=True)
            if now is PlaceState.ACTIVE and offered
        ]
        done = send(f"/{made['id']}/publish")
        if not able:
            assert done.status_code in (409, 422), done.text
            return
        assert done.status_code == 200, done.text
        invited = read(send, f"/{made['id']}/invitations")["items"]
        assert [one["supplier_organisation_number"] for one in invited] == able
        price = data.draw(st.decimals("0.00", "2500.00", places=2))
        lines = [{"item": "radgivertime", "unit_price_excl_vat": f"{price:.2f}"}]
        answer = send(f"/{made['id']}/bids", BID | {"lines": lines}, able[0])
        assert (answer.status_code == 201) == (price <= 1250), answer.text
    finally:
        rows.execute("UPDATE place SET state = 'active' WHERE lot_id = (SELECT id FROM lot WHERE slug = 'radgivning')")
        rows.execute("UPDATE price SET item = 'radgivertime' WHERE item = 'noe-annet'")


@given(
    most=st.dictionaries(st.sampled_from("abcd"), st.decimals("0", "100", places=2), min_size=1),
    offered=st.lists(st.tuples(st.sampled_from("abcde"), st.decimals("0", "120", places=2)), max_size=6),
)
def test_a_bid_is_taken_only_when_it_prices_every_line_once_and_none_above_the_list(
    most: dict[str, Decimal], offered: list[tuple[str, Decimal]]
) -> None:
    asked = bids.Asked(list(most), most, [], set())
    problems = bids.check(asked, [bids.Offered(*one) for one in offered], [])
    right = sorted(item for item, _ in offered) == sorted(most) and all(price <= most[item] for item, price in offered)
    assert (not problems) == right


def test_an_amendment_gives_time_tells_everybody_and_says_whether_bids_must_be_new(
    send: Send, published: str, rows: psycopg.Connection
) -> None:
    given = bid(send, published, FJORDVAKT)
    change = {"reason": "Flere timer i helgene", "deadline": "2033-04-01T10:00:00Z", "requires_new_bids": False}
    amended = send(f"{published}/amend", change).json()
    assert (amended["version"], amended["bids_from_version"], amended["deadline"]) == (2, 1, "2033-04-01T10:00:00.000Z")
    quality = TERMS["criteria"][1] | {"weight": "100"}
    renewed = {"deadline": "2038-04-01T10:00:00Z", "requires_new_bids": True, "criteria": [quality]}
    answer = send(f"{published}/amend", change | renewed)
    assert answer.status_code == 200, answer.text
    assert answer.json()["bids_from_version"] == 3
    happened = read(send, f"{published}/history", NORDLYS)["items"]
    assert [one["event"] for one in happened] == ["draft", "publish", "amend", "amend"]
    assert happened[2]["detail"]["changed"]["deadline"]["after"].startswith("2033-04-01")
    (own,) = read(send, f"{published}/bids", FJORDVAKT)["items"]
    assert (own["id"], own["outdated"]) == (given, True)
    anew = {"answers": [ANSWERED[0]]}
    assert send(f"{published}/bids/{given}/replace", BID | anew, FJORDVAKT).json()["outdated"] is False


def test_questions_and_answers_are_read_by_all_and_show_nobody_who_asked(
    send: Send, published: str, api: TestClient, issuer: Issuer
) -> None:
    asked = send(f"{published}/questions", {"text": "Er reisetid betalt?"}, HAVORN)
    assert asked.status_code == 201, asked.text
    answered = send(f"{published}/questions/{asked.json()['id']}/answer", {"text": "Nei."})
    assert answered.status_code == 200, answered.text
    for who in (BRONNOY, JOINT_UNIT, *SUPPLIERS):
        told = api.get(f"/mini-competitions{published}/questions", headers=issuer.bearer(who, *EVERY))
        assert [(one["text"], one["answer"]) for one in told.json()["items"]] == [("Er reisetid betalt?", "Nei.")]
        about = [
            one
            for one in feed(api, issuer, who)
            if one["type"].startswith("question.") and one["subject"].endswith(published)
        ]
        assert [one["type"] for one in about] == ["question.asked", "question.answered"]
        assert HAVORN not in told.text + str(about)


def test_the_deadline_discards_drafts_and_without_a_bid_it_is_unsuccessful(
    send: Send, published: str, rows: psycopg.Connection, api: TestClient
) -> None:
    draft = bid(send, published, NORDLYS, submitted=False)
    assert competition_steps.due(state(api).database) == 0, "it is not due"
    pass_deadline(rows, published)
    late = send(f"{published}/bids/{draft}/submit", who=NORDLYS)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/bid-too-late")
    assert competition_steps.due(state(api).database) == 1
    assert competition_steps.due(state(api).database) == 0
    assert read(send, published)["state"] == "unsuccessful"
    (own,) = read(send, f"{published}/bids", NORDLYS)["items"]
    assert (own["state"], own["history"][-1]["organisation"]) == ("withdrawn", None)


def test_the_deadline_seals_and_the_buyer_opens(
    send: Send, published: str, rows: psycopg.Connection, api: TestClient
) -> None:
    bid(send, published, NORDLYS)
    pass_deadline(rows, published)
    competition_steps.due(state(api).database)
    assert read(send, published)["state"] == "sealed"
    assert read(send, f"{published}/bids") == {"sealed": True, "items": []}
    assert send(f"{published}/open-bids").json()["state"] == "evaluation"
    assert [one["supplier_organisation_number"] for one in read(send, f"{published}/bids")["items"]] == [NORDLYS]


def test_a_cancelled_competition_s_bids_are_void_and_never_opened(
    send: Send, published: str, rows: psycopg.Connection
) -> None:
    bid(send, published, FJORDVAKT)
    bid(send, published, NORDLYS, submitted=False)
    done = send(f"{published}/cancel", {"reason": "Behovet er falt bort"})
    assert done.json()["state"] == "cancelled"
    states = {who: read(send, f"{published}/bids", who)["items"][0]["state"] for who in (FJORDVAKT, NORDLYS)}
    assert states == {FJORDVAKT: "void", NORDLYS: "withdrawn"}
    assert read(send, f"{published}/bids")["items"] == []
    assert send(f"{published}/open-bids").status_code == 409


def test_a_draft_is_changed_whole_and_a_bid_given_back_makes_room_for_another(send: Send, published: str) -> None:
    changed = send(f"/{NAMES['draft']}", TERMS | {"standstill_days": 0}, method="PUT").json()
    assert (changed["standstill_days"], changed["title"]) == (0, TERMS["title"])
    first = bid(send, published, HAVORN)
    assert send(f"{published}/bids/{first}/withdraw", who=HAVORN).json()["state"] == "withdrawn"
    bid(send, published, HAVORN)
    assert [one["state"] for one in read(send, f"{published}/bids", HAVORN)["items"]] == ["withdrawn", "submitted"]


@given(
    announced=st.integers(1, 5000),
    passed=st.integers(0, 5000),
    more=st.integers(-100, 6000),
)
def test_after_an_amendment_at_least_half_of_the_announced_time_is_left(announced: int, passed: int, more: int) -> None:
    published_at = datetime(2026, 1, 1, tzinfo=UTC)
    deadline = published_at + timedelta(hours=announced)
    now = min(published_at + timedelta(hours=passed), deadline)
    new = deadline + timedelta(hours=more)
    taken = not rules.check_amendment(rules.earliest_deadline(published_at, deadline, now), deadline, new)
    assert taken == (new > deadline and new - now >= timedelta(hours=announced) / 2)


BODIES = {
    "publish": {},
    "amend": {"reason": "Prøve", "deadline": "2090-01-01T11:00:00Z", "requires_new_bids": False},
    "cancel": {"reason": "Prøve"},
    "open-bids": {},
}
BID_BODIES: dict[str, Any] = {"submit": {}, "replace": BID, "withdraw": {}, "discard": {}}


@pytest.mark.parametrize(("now", "event"), list(product(rules.State, BODIES)))
def test_a_step_that_the_table_has_not_is_refused_and_writes_nothing(
    send: Send, rows: psycopg.Connection, now: rules.State, event: str
) -> None:
    here = NAMES["draft"] if event == "publish" else NAMES["open"]
    before = rows.execute("SELECT state FROM minicompetition WHERE uuid = %s", [here]).fetchone()
    rows.execute("UPDATE minicompetition SET state = %s WHERE uuid = %s", [now, here])
    counts = "SELECT (SELECT count(*) FROM minicompetitionevent), (SELECT count(*) FROM audit), "
    counts += "(SELECT count(*) FROM event), (SELECT count(*) FROM bidevent)"
    written = rows.execute(counts).fetchone()
    answer = send(f"/{here}/{event}?dry_run=true", BODIES[event])
    rows.execute("UPDATE minicompetition SET state = %s WHERE uuid = %s", [before[0] if before else None, here])
    early = event == "open-bids" and now in (rules.State.OPEN, rules.State.SEALED)  # its deadline has not come
    moves = (now, rules.Event(event.replace("-", "_"))) in rules.MOVES and not early
    assert (answer.status_code == 200) == moves, answer.text
    if not moves:
        assert answer.json()["type"] == ("/problems/too-early-to-open" if early else "/problems/move-refused")
    assert rows.execute(counts).fetchone() == written


@pytest.mark.parametrize(("now", "event"), list(product(bids.State, BID_BODIES)))
def test_a_bid_s_step_that_the_table_has_not_is_refused_and_writes_nothing(
    send: Send, rows: psycopg.Connection, now: bids.State, event: str
) -> None:
    uuid = str(seed_id("bid:open:submitted"))
    rows.execute("UPDATE bid SET state = %s WHERE uuid = %s", [now, uuid])
    written = rows.execute("SELECT (SELECT count(*) FROM bidevent), (SELECT count(*) FROM audit)").fetchone()
    answer = send(f"/{NAMES['open']}/bids/{uuid}/{event}?dry_run=true", BID_BODIES[event], FJORDVAKT)
    rows.execute("UPDATE bid SET state = 'submitted' WHERE uuid = %s", [uuid])
    moves = (now, bids.Event(event)) in bids.MOVES
    assert (answer.status_code == 200) == moves, answer.text
    assert moves or answer.json()["type"] == "/problems/move-refused"
    assert rows.execute("SELECT (SELECT count(*) FROM bidevent), (SELECT count(*) FROM audit)").fetchone() == written
