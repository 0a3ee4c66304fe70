"""Open contracting data is valid by the standard's own review, in every state, and exact to the øre."""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.agreements.calloffs.rules import MOVES, Event
from services.agreements.calloffs.rules import State as CallOffState
from services.agreements.contracting_processes import rules as processes
from services.agreements.contracting_processes.rules import Asked, CallOff, Competition, Line, Party
from services.agreements.framework_processes import rules as framework_processes
from services.agreements.frameworks.rules import Method
from services.agreements.frameworks.rules import State as AgreementState
from services.agreements.mini_competitions.rules import State as CompetitionState
from services.agreements.releases import rules, store
from services.chassis.db import Database
from services.chassis.values import seed_id
from tests.agreements import review
from tests.agreements.conftest import ALSTAHAUG, BRONNOY, FJORDVAKT, JOINT_UNIT, NORDLYS
from tests.agreements.review import Review
from tests.conftest import NewDatabase, serving, state

AGREEMENT = f"{rules.UNREGISTERED}-ra-2026-velferdsteknologi"
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def seeded(apps: Callable[[str], FastAPI], shared_database: NewDatabase) -> Iterator[TestClient]:
    """Agreements on its seed data, only read."""
    with serving(apps("agreements"), shared_database("agreements", seeded=True)) as client:
        yield client


@pytest.fixture(scope="module")
def reviewed(seeded: TestClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Review]:
    with review.reviewing(tmp_path_factory.mktemp("review"), seeded) as made:
        yield made


def test_all_that_the_seed_data_publishes_is_valid(seeded: TestClient, reviewed: Review) -> None:
    for path in ("/ocds/releases.json", "/ocds/records.json", f"/ocds/{AGREEMENT}"):
        assert reviewed.findings(seeded.get(path).json()) == {}
    assert reviewed.findings(seeded.get(f"/call-offs/{seed_id('call-off:joint')}/ocds").json()) == {}


FAULTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "no ocid": (lambda release: release.pop("ocid"), "'ocid' is missing"),
    "a date that is none": (lambda release: release.update(date="2. mars"), "date"),
    "a status that is in no codelist": (lambda release: release["awards"][0].update(status="done"), "done"),
    "a tag that is in no codelist": (lambda release: release.update(tag=["order"]), "order"),
    "a method that the extension does not know": (
        lambda release: release["tender"]["techniques"]["frameworkAgreement"].update(method="lottery"),
        "lottery",
    ),
    "a party whose role is in no codelist": (
        lambda release: release["parties"][0].update(roles=["shopper"]),
        "shopper",
    ),
    "an amount as text": (
        lambda release: release["tender"]["techniques"]["frameworkAgreement"]["value"].update(amount="1.00"),
        "amount",
    ),
    "a field that no extension declares": (lambda release: release["tender"].update(ceiling=1), "ceiling"),
    "a prefix that is none": (lambda release: release.update(ocid="ra-2026"), "ra-2026"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(seeded: TestClient, reviewed: Review, fault: str) -> None:
    spoil, told = FAULTS[fault]
    found = seeded.get(f"/ocds/{AGREEMENT}").json()
    spoilt = {name: value for name, value in found.items() if name != "records"} | {
        "releases": found["records"][0]["releases"]
    }
    assert reviewed.findings(spoilt) == {}
    spoil(spoilt["releases"][0])
    assert told in json.dumps(reviewed.findings(spoilt), ensure_ascii=False)


def line(item: str = "alarm", quantity: int = 3, price: str = "10.10", *, secret: bool = False) -> Line:
    return Line(item, {"nn": "Alarm"}, "stk", quantity, Decimal(price), secret)


def call_off(at: CallOffState, **more: Any) -> CallOff:
    """One that its second supplier is asked for."""
    lines, buyer = (line(), line("drift", 12, "99.99", secret=True)), Party(BRONNOY, "Brønnøy kommune")
    asked = tuple(
        Asked(version, Party(number, "Leverandør AS"), AT, lines) for version, number in ((1, FJORDVAKT), (2, NORDLYS))
    )
    confirmed = AT if more.pop("confirmed", False) or at in LATE else None
    given: dict[str, Any] = {
        "number": "AVR-2026-000017",
        "lot": "alarmer",
        "framework": AGREEMENT,
        "state": at,
        "method": Method.RANKING,
        "buyer": buyer,
        "version": 3,
        "lines": (line(quantity=2),),
        "asked": asked,
        "asked_now": True,
        "confirmed_at": confirmed,
        "changed": ((2, AT),) if confirmed else (),
    }
    return CallOff(**given | more)


LATE = {one for one, stage in processes.CALL_OFF.items() if stage and stage.contract == "active"} | {
    CallOffState.CLOSED
}
PARTS = {
    Party(BRONNOY, "Brønnøy kommune"): {1: Decimal("700.00"), 2: Decimal("700.00"), 3: Decimal("10.20")},
    Party(ALSTAHAUG, "Alstahaug kommune"): {1: Decimal("530.18"), 2: Decimal("530.18"), 3: Decimal("10.00")},
}


def test_every_state_of_a_call_off_is_told_by_the_codelists_or_not_at_all(reviewed: Review, seeded: TestClient) -> None:
    assert set(processes.CALL_OFF) == set(CallOffState)
    head = {name: value for name, value in seeded.get("/ocds/releases.json").json().items() if name != "releases"}
    releases = []
    for number, (at, payers, asked_now, method, confirmed) in enumerate(
        product(CallOffState, ({}, PARTS), (True, False), (Method.RANKING, Method.MINI_COMPETITION), (True, False)), 1
    ):
        told = call_off(at, payers=payers, asked_now=asked_now, method=method, confirmed=confirmed)
        for part, content in processes.call_off(told).items():
            text = orjson.dumps(content, default=store._exact, option=orjson.OPT_UTC_Z)
            name = f"{rules.UNREGISTERED}-{number}-{part}"
            made = {"ocid": name, "id": name, "date": "2026-03-02T09:30:00Z", "initiationType": "tender"}
            releases.append(made | {"tag": rules.tags(None, orjson.loads(text))} | orjson.loads(text))
    assert len(releases) == len(CallOffState) * 8 * 3
    assert reviewed.findings(head | {"releases": releases}) == {}


def test_only_an_order_that_was_sent_is_open() -> None:
    for at in CallOffState:
        assert processes.call_off(call_off(at, asked=())) == {}
    hidden = {one for one, stage in processes.CALL_OFF.items() if stage is None}
    assert hidden == {CallOffState.DRAFT, CallOffState.RESERVED, CallOffState.APPROVED}
    for at in hidden:  # The next supplier is only reserved at: nothing of it is told.
        told = processes.call_off(call_off(at, asked_now=False))[""]
        assert [one["status"] for one in told["awards"]] == ["unsuccessful", "unsuccessful"]
        assert "contracts" not in told


def test_a_cancelled_call_off_has_a_cancelled_contract_only_if_it_had_one() -> None:
    before = processes.call_off(call_off(CallOffState.CANCELLED))[""]
    after = processes.call_off(call_off(CallOffState.CANCELLED, confirmed=True))[""]
    assert "contracts" not in before
    assert [one["status"] for one in after["contracts"]] == ["cancelled"]


def test_every_state_of_an_agreement_is_told_by_the_codelists_or_not_at_all(
    seeded: TestClient, reviewed: Review
) -> None:
    assert set(framework_processes.AGREEMENT) == set(AgreementState)
    codes = {
        name: (review.DATA / "schema" / "codelists" / f"{name}Status.csv").read_text().split()[1:]
        for name in ("tender", "award", "contract")
    }
    for stage in framework_processes.AGREEMENT.values():
        for name in codes:
            assert stage is None or getattr(stage, name) in (*codes[name], None)
    told = [one["ocid"].removeprefix(f"{rules.UNREGISTERED}-") for one in review.package(seeded)["releases"]]
    assert "ra-2027-nettbrett" not in told, "a draft"
    assert {"ra-2027-digitalt-tilsyn", "ra-2027-dorlaser", "ra-2025-gps", "ra-2022-nettverk"} <= set(told)


def competition(at: CompetitionState, **more: Any) -> Competition:
    given: dict[str, Any] = {
        "number": "MK-2026-000004",
        "title": {"nb": "Rådgivning"},
        "lot": "radgivning",
        "framework": AGREEMENT,
        "state": at,
        "buyer": Party(BRONNOY, "Brønnøy kommune"),
        "lines": (line(), line("drift", 12, secret=True)),
        "weights": (({"nb": "Pris"}, "60"), ({"nb": "Kvalitet"}, "40")),
        "published_at": AT,
        "deadline": AT,
        "questions_until": None,
    }
    return Competition(**given | more)


BIDDERS = (Party(FJORDVAKT, "Leverandør AS"), Party(NORDLYS, "Leverandør AS"))


def test_every_state_of_a_mini_competition_is_told_by_the_codelists(seeded: TestClient, reviewed: Review) -> None:
    assert set(processes.COMPETITION) == set(CompetitionState)
    assert processes.competition(competition(CompetitionState.DRAFT), None) is None
    head = {name: value for name, value in seeded.get("/ocds/releases.json").json().items() if name != "releases"}
    releases = []
    published = [one for one in CompetitionState if one is not CompetitionState.DRAFT]
    for number, (at, held, order) in enumerate(product(published, ((), BIDDERS), (None, *CallOffState)), 1):
        told = competition(at, bidders=held, amended=(AT,) if number % 2 else ())
        placed = call_off(order, method=Method.MINI_COMPETITION) if order else None
        content = read(processes.competition(told, placed))
        name = f"{rules.UNREGISTERED}-{number}"
        made = {"ocid": name, "id": name, "date": "2026-03-02T09:30:00Z", "initiationType": "tender"}
        releases.append(made | {"tag": rules.tags(None, content)} | content)
    assert reviewed.findings(head | {"releases": releases}) == {}


def test_a_mini_competition_is_a_tender_and_then_an_award_under_one_identifier() -> None:
    first = read(processes.competition(competition(CompetitionState.OPEN), None))
    amended = read(processes.competition(competition(CompetitionState.OPEN, amended=(AT,)), None))
    final = competition(CompetitionState.AWARDED, amended=(AT,), bidders=BIDDERS)
    ordered = read(processes.competition(final, call_off(CallOffState.SENT, method=Method.MINI_COMPETITION)))
    cancelled = read(processes.competition(competition(CompetitionState.CANCELLED), None))
    assert rules.tags(None, first) == ["tender"]
    assert rules.tags(first, amended) == ["tenderAmendment"]
    assert rules.tags(amended, ordered) == ["tenderUpdate", "award"]
    assert rules.tags(first, cancelled) == ["tenderCancellation"]
    assert ordered["tender"]["numberOfTenderers"] == 2
    units = [item.get("unit") for award in ordered["awards"] for item in award["items"]]
    assert units == [{"name": "stk"}, None] * 2, "no price that was bid for a single item"


def read(content: Any) -> Any:
    return orjson.loads(orjson.dumps(content, default=store._exact, option=orjson.OPT_UTC_Z))


def test_of_a_competition_that_is_not_decided_nobody_learns_who_has_bid(seeded: TestClient) -> None:
    competed = [one for one in review.package(seeded)["releases"] if one["tender"].get("competitive")]
    undecided = [one for one in competed if one["tender"]["status"] == "active"]
    assert undecided
    for release in undecided:
        assert [one["roles"] for one in release["parties"]] == [["buyer", "procuringEntity"]]
        assert not release["tender"].keys() & {"tenderers", "numberOfTenderers", "value", "documents", "enquiries"}
        assert "awards" not in release
    with state(seeded).database.reading() as reader:
        rows = reader.execute(sa.text("SELECT number, state, reference, description FROM minicompetition")).all()
    text = seeded.get("/ocds/records.json").text
    for row in rows:
        assert (row.number in text) == (row.state != "draft")
        assert not row.reference or row.reference not in text
        assert not row.description or row.description["nb"] not in text


MORE = (
    "INSERT INTO release (ocid, number, published_at, published_on, tag, content) SELECT ocid, number + n, "
    "published_at, published_on, tag, content FROM release, generate_series(1, 20) AS n",
    "INSERT INTO contracting_process SELECT ocid || '-' || n, subject || n, part, 1 "
    "FROM contracting_process, generate_series(1, 100) AS n",
    "INSERT INTO release (ocid, number, published_at, published_on, tag, content) SELECT ocid || '-' || n, 1, "
    "published_at, published_on, tag, content FROM release, generate_series(1, 100) AS n WHERE number = 1",
)


def test_the_whole_set_goes_out_in_pieces_and_is_never_in_memory(new_database: NewDatabase) -> None:
    database = Database(new_database("agreements", seeded=True))
    with database.writing() as session:
        for statement in MORE:
            session.execute(sa.text(statement))
    ever = (date(2000, 1, 1), date(9999, 12, 31))
    with database.reading() as reader:
        whole = store.extent(reader, *ever)
    tracemalloc.start()
    try:
        for pieces in (store.releases(database, whole, *ever), store.records(database, whole)):
            tracemalloc.reset_peak()
            size = sum(len(piece) for piece in pieces)
            assert size > 4_000_000
            assert tracemalloc.get_traced_memory()[1] < size / 2
    finally:
        tracemalloc.stop()
        database.close()


def test_an_agreement_tells_its_maximum_and_its_estimate_apart(seeded: TestClient) -> None:
    release = review.package(seeded, f"/ocds/{AGREEMENT}")["records"][0]["compiledRelease"]
    agreement = release["tender"]["techniques"]["frameworkAgreement"]
    assert agreement["value"] == {"amount": Decimal("24000000.00"), "currency": "NOK"}
    assert agreement["estimatedValue"]["amount"] < agreement["value"]["amount"]
    assert "buyer" not in release, "several buyers: none of them is the buyer"
    roles = {one["id"]: one["roles"] for one in release["parties"]}
    assert roles[f"NO-BRC-{JOINT_UNIT}"] == ["procuringEntity"]
    assert sum("buyer" in held for held in roles.values()) == 18


def test_a_joint_order_is_one_process_for_each_municipality_and_they_add_up(seeded: TestClient) -> None:
    records = review.package(seeded, f"/call-offs/{seed_id('call-off:joint')}/ocds")["records"]
    compiled = [one["compiledRelease"] for one in records]
    assert len(compiled) > 1
    assert len({one["buyer"]["id"] for one in compiled}) == len(compiled)
    for one in compiled:
        assert [party["id"] for party in one["parties"] if "buyer" in party["roles"]] == [one["buyer"]["id"]]
        assert [item.keys() for award in one["awards"] for item in award["items"]] == [{"id", "description"}]
    with state(seeded).database.reading() as reader:
        net = reader.execute(sa.text("SELECT net FROM calloff WHERE cost_key IS NOT NULL")).scalar_one()
    assert sum(one["awards"][0]["value"]["amount"] for one in compiled) == net


@pytest.mark.parametrize("path", ["/ocds/releases.json", "/ocds/records.json", f"/ocds/{AGREEMENT}"])
def test_who_has_it_already_is_told_so(seeded: TestClient, path: str) -> None:
    etag = seeded.get(path).headers["ETag"]
    again = seeded.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert seeded.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


@given(
    price=st.decimals(min_value=0, max_value=10**9, places=2),
    quantity=st.integers(min_value=1, max_value=900),
    part=st.decimals(min_value=0, max_value=10**9, places=2),
)
def test_amounts_are_numbers_with_two_decimals_and_never_a_float(price: Decimal, quantity: int, part: Decimal) -> None:
    ordered = (replace(line(), quantity=quantity, unit_price=price),)
    asked = (Asked(1, Party(FJORDVAKT, "Leverandør AS"), AT, ordered),)
    alone = call_off(CallOffState.CONFIRMED, lines=ordered, version=1, asked=asked, changed=())
    text = orjson.dumps(processes.call_off(alone)[""], default=store._exact).decode()
    (award,), (contract,) = (json.loads(text, parse_float=str)[name] for name in ("awards", "contracts"))
    for told in (award, contract):
        assert told["value"]["amount"] == f"{price * quantity:.2f}"
        assert told["items"][0]["unit"]["value"]["amount"] == f"{price:.2f}"
    payers = {Party(BRONNOY, "Brønnøy kommune"): {1: part}}
    text = orjson.dumps(processes.call_off(replace(alone, payers=payers))[BRONNOY], default=store._exact).decode()
    assert json.loads(text, parse_float=str)["contracts"][0]["value"]["amount"] == f"{part:.2f}"


def test_what_is_in_the_database_is_what_is_told_to_the_ore(seeded: TestClient) -> None:
    releases = review.package(seeded)["releases"]
    told = {one["tender"]["id"]: one for one in releases if one["tender"].get("competitive") is False}
    lines_of = "JOIN calloffline l ON l.call_off_id = c.id AND l.version = c.version WHERE c.cost_key IS NULL"
    with state(seeded).database.reading() as reader:
        rows = reader.execute(sa.text("SELECT number, net FROM calloff WHERE cost_key IS NULL")).all()
        lines = reader.execute(sa.text(f"SELECT c.number, l.item, l.unit_price FROM calloff c {lines_of}")).all()
    for number, net in rows:
        if number in told:
            assert str(told[number]["awards"][-1]["value"]["amount"]) == str(net)
    for number, item, price in lines:
        if number in told:
            (found,) = (one for one in told[number]["awards"][-1]["items"] if one["id"] == item)
            assert str(found["unit"]["value"]["amount"]) == str(price)


def test_every_way_to_a_state_is_one_that_the_map_was_tried_for() -> None:
    """A call-off that is sent and then anything: the walk stays within what is told."""
    seen, waiting = set[CallOffState](), [MOVES[CallOffState.APPROVED, Event.SEND]]
    while waiting:
        at = waiting.pop()
        if at not in seen:
            seen.add(at)
            waiting += [to for (start, _), to in MOVES.items() if start is at]
    assert {one for one in seen if processes.CALL_OFF[one] is None} == {
        CallOffState.DRAFT,
        CallOffState.RESERVED,
        CallOffState.APPROVED,
    }


def test_the_review_knows_the_extensions_that_are_declared() -> None:
    assert {path.name for path in (review.DATA / "extensions").iterdir()} == {
        one.split("/")[-3] for one in rules.EXTENSIONS
    }
