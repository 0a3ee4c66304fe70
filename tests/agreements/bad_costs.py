"""Wrong requests about cost splits, fees and thresholds."""

from typing import Any

from tests.agreements.bad import (
    ALSTAHAUG,
    BRONNOY,
    FJORDVAKT,
    NOBODY,
    OVER,
    OWNER,
    PERSON,
    RUNNING,
    SOMEBODY,
    VEFSN,
    Case,
)

FEES = f"/framework-agreements/{RUNNING}/fees"
SPLIT: dict[str, Any] = {
    "purpose": "Prøve",
    "key": {"kind": "equal"},
    "members": [{"organisation_number": BRONNOY}, {"organisation_number": VEFSN}],
    "amount": "100.00",
    "amount_basis": "excl_vat",
}
FEE = {"valid_from_on": "2029-01-01", "joining_excl_vat": "1.00", "per_inhabitant_per_year_excl_vat": "1.00"}
THRESHOLD = {
    "kind": "national",
    "amount_excl_vat": "1.00",
    "valid_from_on": "2099-01-01",
    "source": "Prøve (fiktiv)",
    "fictional": True,
}


def split(name: str, *fails: str, **change: Any) -> Case:
    return Case(name, "POST", "/cost-splits", 422, fails, SPLIT | change)


def members(*numbers: str) -> list[dict[str, Any]]:
    return [{"organisation_number": one} for one in numbers]


def fee(name: str, status: int, *fails: str, slug: str = RUNNING, who: str = OWNER, **change: Any) -> Case:
    return Case(name, "POST", f"/framework-agreements/{slug}/fees", status, fails, FEE | change, who)


def estimate(name: str, status: int, *fails: str, number: str = BRONNOY, more: str = "") -> Case:
    return Case(name, "GET", f"{FEES}/estimate?organisation_number={number}{more}", status, fails)


def threshold(name: str, status: int, *fails: str, who: str = OWNER, **change: Any) -> Case:
    return Case(name, "POST", "/thresholds", status, fails, THRESHOLD | change, who)


CASES = [
    # Cost splits
    split("what nobody says how much is of", "amount-missing #/amount", amount=None),
    split("a key that weighs nothing", "key-without-weight #/key", key={"kind": "fixed", "fixed": "0.00"}),
    split(
        "percentages of others, that are too many",
        "percentages-wrong #/key/percentages",
        "percentages-wrong #/key/percentages/938712441",
        key={"kind": "percentages", "percentages": {BRONNOY: "60", ALSTAHAUG: "60"}},
    ),
    split(
        "members unknown, one twice and one without inhabitants",
        "member-unknown #/members/1",
        "member-twice #/members/3",
        "population-missing #/members/2",
        "population-missing #/members/3",
        key={"kind": "population"},
        members=members(BRONNOY, NOBODY, FJORDVAKT, FJORDVAKT),
    ),
    split(
        "a grant that is more than all of it",
        "grant-too-large #/grants",
        grants=[{"contributor": "Fylket", "amount": "100.01", "use": "reduces"}],
    ),
    split("a key of no kind", "invalid-request #/key", key={"kind": "by_beauty"}),
    split(
        "a population without a day",
        "invalid-request #/members/0",
        members=[{"organisation_number": BRONNOY, "population": 5}],
    ),
    split("a person as a member", "invalid-request #/members/0/organisation_number", members=members(PERSON)),
    Case(
        "two keys of which one has no rates",
        "POST",
        "/cost-splits/compare",
        422,
        ("amount-missing #/amount",),
        {
            "keys": [
                {"label": "a", "key": {"kind": "fixed", "fixed": "1.00"}},
                {"label": "b", "key": {"kind": "equal"}},
            ],
            "members": SPLIT["members"],
            "amount_basis": "excl_vat",
        },
    ),
    Case("another's split", "GET", f"/cost-splits/{SOMEBODY}", 404, ("cost-split-not-found",)),
    # Fees
    fee("a fee from a day that has passed", 422, "fee-in-past #/reason", valid_from_on="2020-01-01"),
    fee("a fee after the agreement", 422, "fee-outside-period #/valid_from_on", valid_from_on="2099-01-01"),
    fee(
        "a fee of what is over, after its end",
        409,
        "fees-closed",
        "fee-outside-period #/valid_from_on",
        slug=OVER,
    ),
    fee("a fee by a participant", 403, "not-owner", who=BRONNOY),
    fee("a fee below nothing", 422, "invalid-request #/joining_excl_vat", joining_excl_vat="-1.00"),
    estimate("a fee of before there was one", 404, "fee-not-set", more="&on=2020-01-01"),
    estimate(
        "a fee of one that is not there", 404, "organisation-not-found", number="100000083", more="&on=2027-01-01"
    ),
    estimate("a fee by inhabitants of one without", 409, "population-unknown", number=FJORDVAKT, more="&on=2027-01-01"),
    estimate("what will be known", 422, "known-at-in-future", more="&known_at=2999-01-01T00:00:00Z"),
    estimate("a person's fee", 422, "invalid-request ?organisation_number", number=PERSON),
    # Thresholds
    threshold("a threshold by another", 403, "not-threshold-keeper", who=BRONNOY),
    threshold(
        "a threshold that ends before it begins, of the past",
        422,
        "threshold-period-invalid #/valid_to_on",
        "threshold-in-past #/reason",
        valid_from_on="2020-01-01",
        valid_to_on="2019-12-31",
    ),
    threshold("a threshold of nothing", 422, "invalid-request #/amount_excl_vat", amount_excl_vat="0.00"),
    Case(
        "what was known of no day", "GET", "/thresholds?known_at=2026-01-01T00:00:00Z", 422, ("known-at-without-day",)
    ),
]
