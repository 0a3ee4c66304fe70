"""Cost splits over HTTP: computed, kept with what they rest on, compared, and never seen by others."""

import csv
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from tests.agreements.conftest import ALSTAHAUG, BRONNOY, FJORDVAKT
from tests.issuer import Issuer

VEFSN = "844824122"
DATA = Path(__file__).parents[1] / "data"
STRUCTURE = Path(__file__).parents[2] / "data" / "municipalities_2015.csv"


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


Compute = Callable[..., Any]


@pytest.fixture
def compute(api: TestClient, buyer: dict[str, str]) -> Compute:
    """Ask for a split, with changes to a usual one. → the answer"""

    def send(path: str = "/cost-splits", headers: dict[str, str] | None = None, **changes: Any) -> Any:
        body = {
            "purpose": "Felles brannmur",
            "key": {"kind": "weighted", "equal_percent": "30"},
            "members": [{"organisation_number": number} for number in (VEFSN, BRONNOY, ALSTAHAUG)],
            "amount": "100000.01",
            "amount_basis": "excl_vat",
        }
        sent = {name: value for name, value in (body | changes).items() if value is not None}
        return api.post(path, json=sent, headers=headers or buyer)

    return send


def rogaland() -> list[dict[str, Any]]:
    """Rogaland's 26 of 2019 by organisation number, with SSB's count of that year, which the catalogue has not."""
    numbers = {row["municipality_number"]: row["organisation_number"] for row in table(STRUCTURE)}
    return [
        {
            "organisation_number": numbers[row["municipality_number"]],
            "population": int(row["population_2019_01_01"]),
            "population_on": "2019-01-01",
            "population_source": "SSB tabell 07459",
        }
        for row in table(DATA / "cost_sharing_example_digi_rogaland_2019.csv")
    ]


def test_a_split_is_exact_and_every_figure_is_explained(compute: Compute) -> None:
    answer = compute()
    assert answer.status_code == 201, answer.text
    split = answer.json()
    assert answer.headers["Location"] == f"/cost-splits/{split['id']}"
    assert split["amount_basis"] == "excl_vat"
    assert [share["organisation_number"] for share in split["shares"]] == sorted([VEFSN, BRONNOY, ALSTAHAUG])
    assert sum(Decimal(share["amount"]) for share in split["shares"]) == Decimal("100000.01")
    assert sum(share["remaining_ore"] for share in split["shares"]) >= 1
    for share in split["shares"]:
        parts = Decimal(share["fixed_part"]) + Decimal(share["variable_part"])
        assert abs(parts - Decimal(share["ideal"])) <= Decimal("0.000002")
        assert Decimal(share["fixed_part"]) == Decimal("10000.001000")
        assert Decimal(share["rounded_down"]) + Decimal(share["remaining_ore"]) / 100 == Decimal(share["amount"])
        assert (share["population_source"], share["population_given"]) == ("catalogue", False)
        assert share["population_on"] == "2024-01-01"


def test_it_can_be_read_again_as_it_was(compute: Compute, api: TestClient, buyer: dict[str, str]) -> None:
    kept = compute().json()
    assert api.get(f"/cost-splits/{kept['id']}", headers=buyer).json() == kept


def test_what_is_kept_is_what_is_shown(compute: Compute, rows: psycopg.Connection) -> None:
    shown = compute().json()
    kept = rows.execute(
        "SELECT number, amount, population FROM costshare s JOIN costsplit c ON c.id = s.cost_split_id "
        "WHERE c.uuid = %s ORDER BY number",
        [shown["id"]],
    ).fetchall()
    assert kept == [
        (share["organisation_number"], Decimal(share["amount"]), share["population"]) for share in shown["shares"]
    ]


@pytest.mark.parametrize("table", ["costsplit", "costshare"])
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
def test_a_split_is_never_edited(compute: Compute, rows: psycopg.Connection, table: str, change: str) -> None:
    assert compute().status_code == 201
    column = {"costsplit": "purpose", "costshare": "amount"}[table]
    with pytest.raises(psycopg.errors.RaiseException):
        rows.execute(change.format(table, column, column).encode())


def test_the_change_is_on_the_record(compute: Compute, rows: psycopg.Connection) -> None:
    id = compute().json()["id"]
    found = rows.execute("SELECT action FROM audit WHERE subject = %s", [f"/cost-splits/{id}"]).fetchall()
    assert found == [("cost_split.compute",)]


def test_a_dry_run_keeps_nothing(compute: Compute, rows: psycopg.Connection) -> None:
    before = rows.execute("SELECT count(*) FROM costsplit").fetchone()
    answer = compute("/cost-splits?dry_run=true")
    assert answer.status_code == 200, answer.text
    assert rows.execute("SELECT count(*) FROM costsplit").fetchone() == before


def test_rogaland_2019_to_the_krone_of_municipalities_that_have_ended_since(compute: Compute) -> None:
    """Forsand, Finnøy, Rennesøy and others are gone; as of 2019 they are found."""
    answer = compute(
        key={"kind": "fixed_and_per_inhabitant", "fixed": "150000.00", "per_inhabitant": "5.00"},
        members=rogaland(),
        amount=None,
        populations_on="2019-01-01",
        grants=[{"contributor": "Fylkesmannen i Rogaland", "amount": "3000000.00", "use": "beside"}],
    )
    assert answer.status_code == 201, answer.text
    split = answer.json()
    assert len(split["shares"]) == 26
    assert (split["amount"], split["contributions"], split["produced"]) == ("6278270.00", "6278270.00", True)
    assert split["financed"] == "9278270.00"
    (forsand,) = [share for share in split["shares"] if share["name"].startswith("Forsand")]
    assert (forsand["amount"], forsand["population"]) == ("155965.00", 1193)
    assert (forsand["population_source"], forsand["population_given"]) == ("SSB tabell 07459", True)


def test_the_catalogue_s_newest_count_that_is_not_later_is_used(compute: Compute) -> None:
    shares = compute(populations_on="2021-05-17", key={"kind": "population"}).json()["shares"]
    assert {share["population_on"] for share in shares} == {"2020-01-01"}


def test_everybody_without_a_population_is_named_at_once(compute: Compute) -> None:
    members = [{"organisation_number": number} for number in (FJORDVAKT, BRONNOY, "100000083", "100000008")]
    answer = compute(key={"kind": "population"}, members=members)
    assert answer.status_code == 422
    assert [(one["type"], one["pointer"]) for one in answer.json()["errors"]] == [
        ("/problems/member-unknown", "#/members/2"),
        ("/problems/population-missing", "#/members/0"),
        ("/problems/population-missing", "#/members/3"),
    ]


def test_a_key_that_counts_nobody_needs_no_population(compute: Compute) -> None:
    members = [{"organisation_number": number} for number in (FJORDVAKT, BRONNOY)]
    answer = compute(key={"kind": "equal"}, members=members)
    assert answer.status_code == 201, answer.text
    assert {share["amount"] for share in answer.json()["shares"]} == {"50000.01", "50000.00"}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"amount": None}, "amount-missing"),
        ({"amount": 100000.01}, "invalid-request"),
        ({"amount": "1e3"}, "invalid-request"),
        ({"amount": "100000.001"}, "invalid-request"),
        ({"key": {"kind": "weighted", "equal_percent": 30}}, "invalid-request"),
        ({"key": {"kind": "weighted", "equal_percent": "101"}}, "invalid-request"),
        ({"key": {"kind": "weighted"}}, "invalid-request"),
        ({"key": {"kind": "equal", "fixed": "10.00"}}, "invalid-request"),
        ({"key": {"kind": "by_beauty"}}, "invalid-request"),
        ({"key": {"kind": "fixed", "fixed": "-1.00"}}, "invalid-request"),
        ({"key": {"kind": "fixed", "fixed": "0.00"}}, "key-without-weight"),
        ({"key": {"kind": "percentages", "percentages": {BRONNOY: "100"}}}, "percentages-wrong"),
        ({"grants": [{"contributor": "Fylket", "amount": "100000.02", "use": "reduces"}]}, "grant-too-large"),
        ({"members": []}, "invalid-request"),
        ({"members": [{"organisation_number": BRONNOY}, {"organisation_number": BRONNOY}]}, "member-twice"),
        ({"members": [{"organisation_number": BRONNOY, "population": 5}]}, "invalid-request"),
        ({"members": [{"organisation_number": "964983292"}]}, "invalid-request"),
        ({"amount_basis": "maybe"}, "invalid-request"),
    ],
)
def test_what_cannot_be_split_is_refused(
    compute: Compute, rows: psycopg.Connection, changes: dict[str, Any], problem: str
) -> None:
    before = rows.execute("SELECT count(*) FROM costsplit").fetchone()
    answer = compute(**changes)
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] == f"/problems/{problem}"
    assert rows.execute("SELECT count(*) FROM costsplit").fetchone() == before


def test_a_credit_is_split_as_what_it_credits(compute: Compute) -> None:
    debit, credit = compute().json(), compute(amount="-100000.01").json()
    assert [f"-{share['amount']}" for share in debit["shares"]] == [share["amount"] for share in credit["shares"]]


def test_a_split_is_its_makers(compute: Compute, api: TestClient, issuer: Issuer) -> None:
    id = compute().json()["id"]
    others = issuer.bearer(ALSTAHAUG, "agreements.read")
    assert api.get(f"/cost-splits/{id}", headers=others).status_code == 404
    assert id not in [one["id"] for one in api.get("/cost-splits", headers=others).json()["items"]]
    assert api.get("/cost-splits").status_code == 401
    assert compute(headers=issuer.bearer(BRONNOY, "agreements.read")).status_code == 403


def test_splits_are_listed_newest_first_page_by_page(compute: Compute, api: TestClient, buyer: dict[str, str]) -> None:
    made = [compute(purpose=f"Nummer {number}").json()["id"] for number in range(3)]
    first = api.get("/cost-splits?limit=2", headers=buyer).json()
    second = api.get("/cost-splits", params={"limit": 2, "after": first["next"]}, headers=buyer).json()
    ids = [one["id"] for one in first["items"] + second["items"]]
    assert [id for id in ids if id in made] == made[::-1]


def test_keys_stand_side_by_side_and_nothing_is_kept(compute: Compute, rows: psycopg.Connection) -> None:
    before = rows.execute("SELECT count(*) FROM costsplit").fetchone()
    answer = compute(
        "/cost-splits/compare",
        purpose=None,
        key=None,
        keys=[
            {"label": "Likt", "key": {"kind": "equal"}},
            {"label": "Etter innbyggere", "key": {"kind": "population"}},
            {"label": "30/70", "key": {"kind": "weighted", "equal_percent": "30"}},
        ],
    )
    assert answer.status_code == 200, answer.text
    compared = answer.json()
    assert [key["contributions"] for key in compared["keys"]] == ["100000.01"] * 3
    for place in range(3):
        amounts = [member["amounts"][place] for member in compared["members"]]
        assert sum(Decimal(one["amount"]) for one in amounts) == Decimal("100000.01")
        assert sum(Decimal(one["difference"]) for one in amounts) == 0
    effects = {
        member["organisation_number"]: [one["effect"] for one in member["amounts"]] for member in compared["members"]
    }
    assert effects[VEFSN] == ["same", "pays_more", "pays_more"], "the largest gains by sharing equally"
    assert effects[ALSTAHAUG] == ["same", "pays_less", "pays_less"]
    assert rows.execute("SELECT count(*) FROM costsplit").fetchone() == before


def test_the_real_models_that_are_exact_can_be_used_as_they_are(compute: Compute, api: TestClient) -> None:
    models = {model["id"]: model for model in api.get("/cost-splits/models").json()["items"]}
    assert len(models) == 9
    assert all(model["source"] for model in models.values())
    ready = {id for id, model in models.items() if model["key"]}
    assert ready == {"KOST-01", "KOST-02", "KOST-09"}
    assert all(model["not_computed_because"] for id, model in models.items() if id not in ready)
    digi = models["KOST-02"]
    split = compute(
        key=digi["key"],
        grants=digi["grants"],
        members=rogaland(),
        amount=None,
        populations_on="2019-01-01",
        amount_basis="incl_vat",
    ).json()
    assert (split["contributions"], split["financed"]) == ("6278270.00", "9278270.00")
    assert split["amount_basis"] == "incl_vat"
