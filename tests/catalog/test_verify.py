"""`/verify`: valid, not valid or unknown, on a day, with a code for machines and reasons for people."""

from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import Assurance, EventKind, Outcome, SubjectKind
from services.catalog.organisations import store as organisations
from services.catalog.organisations.rules import Relation
from services.catalog.products import store as products
from services.catalog.profiles import store as profiles
from services.catalog.specifications import store as specifications
from services.catalog.successions import store as successions
from services.catalog.verifications.rules import Code
from services.chassis import clock
from services.chassis.db import Database
from tests.catalog.certification import certified
from tests.catalog.certifying import granted, happen
from tests.catalog.conftest import problem
from tests.catalog.test_certificates import take
from tests.issuer import Issuer

SPECIFICATION = "velferdsteknologi-trygghetstjeneste"
SELF = Assurance.SELF_DECLARED
EXCHANGE = "velferdsteknologi-datautveksling"
DAY = "2027-03-01"
CASES: list[tuple[dict[str, str], str, str]] = [
    ({"product": "fjordvakt-alarm"}, "valid", "certified"),
    ({"product": "fjordvakt-alarm", "on": "2029-12-31"}, "valid", "certified"),
    ({"product": "fjordvakt-alarm", "on": "2030-01-01"}, "not_valid", "expired"),
    ({"product": "fjordvakt-alarm", "on": "2025-12-31"}, "not_valid", "not_yet_valid"),
    ({"product": "fjordvakt-alarm", "version": "0.1"}, "valid", "certified"),
    ({"product": "fjordvakt-alarm", "delivery_form": "on_premises"}, "valid", "certified"),
    ({"product": "fjordvakt-tilsyn", "delivery_form": "on_premises"}, "not_valid", "delivery_form_not_covered"),
    ({"product": "havorn-alarm"}, "not_valid", "suspended"),
    ({"product": "havorn-alarm", "on": "2026-08-31"}, "valid", "certified"),
    ({"product": "havorn-alarm", "on": "2030-01-01"}, "not_valid", "expired"),
    ({"product": "havorn-tilsyn"}, "not_valid", "no_certificate"),
    ({"product": "fjordvakt-alarm", "specification_version": "2.0"}, "not_valid", "no_certificate"),
    (
        {"product": "fjordvakt-tilsyn", "specification": "velferdsteknologi-datautveksling"},
        "not_valid",
        "no_certificate",
    ),
    (
        {"product": "fjordvakt-alarm", "specification": SPECIFICATION, "profile": "finnes-ikke"},
        "not_valid",
        "profile_not_covered",
    ),
    ({"certificate": "SV-2026-000001"}, "valid", "certified"),
    ({"certificate": "SV-2026-000003"}, "not_valid", "suspended"),
    ({"certificate": "SV-2026-000004", "delivery_form": "on_premises"}, "not_valid", "delivery_form_not_covered"),
    ({"certificate": "SV-2026-000001", "specification": EXCHANGE}, "not_valid", "no_certificate"),
    ({"certificate": "SV-1999-000001"}, "unknown", "certificate_unknown"),
    ({"supplier": "100000016"}, "not_valid", "no_certificate"),
    ({"supplier": "100000091"}, "unknown", "supplier_unknown"),
    ({"supplier": "100000016", "specification": "finnes-ikke"}, "unknown", "specification_unknown"),
    ({"product": "finnes-ikke"}, "unknown", "product_unknown"),
    ({"product": "fjordvakt-alarm", "specification": "finnes-ikke"}, "unknown", "specification_unknown"),
]


def verify(catalog: TestClient, product: str | None = None, on: str = DAY, **more: str) -> dict[str, Any]:
    """The answer, the same in both ways to ask."""
    asked = {"product": product, "on": on, **more} if product else {"on": on, **more}
    answer = catalog.post("/verify", json=asked)
    assert answer.status_code == 200, answer.text
    verdict: dict[str, Any] = answer.json()
    looked_up = catalog.get("/verify", params=asked)
    assert looked_up.json() | {"checked_at": verdict["checked_at"]} == verdict
    return verdict


def test_a_certified_product_is_valid(shared_catalog: TestClient) -> None:
    verdict = verify(shared_catalog, "fjordvakt-alarm", specification=SPECIFICATION, specification_version="1.0")
    assert verdict.pop("checked_at").endswith("Z")
    assert verdict.pop("reasons")[0]["en"] == "fjordvakt-alarm is certified on 2027-03-01 (SV-2026-000001)."
    assert verdict == {
        "verdict": "valid",
        "code": "certified",
        "remarks": verdict["remarks"],
        "certificate": {
            "number": "SV-2026-000001",
            "subject_kind": "product",
            "product": "fjordvakt-alarm",
            "holder": None,
            "role": None,
            "status": "valid",
            "specification": SPECIFICATION,
            "specification_version": "1.0",
            "profile": None,
            "versions": "all",
            "delivery_forms": ["saas", "on_premises"],
            "valid_from_on": "2026-01-01",
            "valid_to_on": "2029-12-31",
            "revision": 1,
            "assurance": verdict["certificate"]["assurance"],
        },
        "product": "fjordvakt-alarm",
        "supplier": None,
        "on": DAY,
    }
    assert verdict["certificate"]["assurance"]["third_party"] == verdict["certificate"]["assurance"]["musts"] > 0


@pytest.mark.parametrize(("asked", "verdict", "code"), CASES)
def test_each_code_has_its_verdict(shared_catalog: TestClient, asked: dict[str, str], verdict: str, code: str) -> None:
    answer = verify(shared_catalog, **({"on": DAY} | asked))
    assert (answer["verdict"], answer["code"]) == (verdict, code)
    assert (answer["certificate"] is None) == (code == "no_certificate" or verdict == "unknown")
    for text in [*answer["reasons"], *(one["text"] for one in answer["remarks"])]:
        assert set(text) == {"nb", "nn", "en"}
        assert "None" not in "".join(text.values())
    assert all(answer["reasons"])


def test_a_withdrawn_certificate_counts_no_more(catalog: TestClient, decider: dict[str, str]) -> None:
    assert take(catalog, decider, "SV-2026-000002", "withdraw", effective_on="2027-01-01").status_code == 200
    assert verify(catalog, "nordlys-alarm", specification=SPECIFICATION)["code"] == "withdrawn"
    assert verify(catalog, "nordlys-alarm", specification=SPECIFICATION, on="2026-12-31")["code"] == "certified"


@pytest.fixture
def covered(database: Database) -> dict[str, str]:
    """A product whose current version (1.4) is not among those certified: the question to ask."""
    with database.reading() as session:
        product = products.find(session, "havorn-tilsyn")
    assert product
    scope = {"product_id": product.id, "versions": ["1.2", "1.3"]}
    granted(database, "SV-2026-000004", date(2027, 1, 1), date(2029, 12, 31), **scope)
    return {"product": "havorn-tilsyn", "on": "2028-06-01"}


def test_a_version_must_be_covered_and_the_current_one_is_meant_unless_said(
    catalog: TestClient, covered: dict[str, str]
) -> None:
    assert verify(catalog, **covered, version="1.3")["code"] == "certified"
    assert verify(catalog, **covered, version="1.4")["code"] == "version_not_covered"
    current = verify(catalog, **covered)
    assert (current["verdict"], current["code"]) == ("not_valid", "version_not_covered")
    assert "1.4" in current["reasons"][0]["nb"]


def test_everything_wrong_is_a_reason(catalog: TestClient, covered: dict[str, str]) -> None:
    answer = verify(catalog, **(covered | {"on": "2035-01-01"}), delivery_form="on_premises")
    assert answer["code"] == "version_not_covered"
    assert len(answer["reasons"]) == 3


def test_of_several_certificates_the_one_that_serves_best_decides(catalog: TestClient, issuer: Issuer) -> None:
    number = certified(catalog, issuer, product="havorn-alarm")
    answer = verify(catalog, "havorn-alarm")
    assert (answer["code"], answer["certificate"]["number"]) == ("certified", number)
    assert verify(catalog, "havorn-alarm", specification=SPECIFICATION)["code"] == "suspended"
    assert verify(catalog, "havorn-alarm", on="2026-12-31")["code"] == "suspended"


ENDS = {
    EventKind.RELINQUISHED: Code.RELINQUISHED,
    EventKind.SUPERSEDED: Code.SUPERSEDED,
    EventKind.WITHDRAWN: Code.WITHDRAWN,
}


@pytest.mark.parametrize(("kind", "code"), ENDS.items())
def test_each_end_of_a_certificate_has_its_code(
    catalog: TestClient, database: Database, kind: EventKind, code: Code
) -> None:
    happen(database, "SV-2026-000001", kind, date(2027, 1, 1))
    answer = verify(catalog, certificate="SV-2026-000001")
    assert (answer["verdict"], answer["code"]) == ("not_valid", code)
    assert answer["certificate"]["status"] == code
    assert verify(catalog, certificate="SV-2026-000001", on="2026-12-31")["code"] == "certified"


def test_what_is_looked_into_is_remarked_and_giving_up_meanwhile_is_another_thing(
    catalog: TestClient, database: Database
) -> None:
    ground = "non-conformity:01900000-0000-7000-8000-000000000000"
    happen(database, "SV-2026-000001", EventKind.INVESTIGATION_OPENED, date(2027, 1, 1), ground=ground)
    answer = verify(catalog, certificate="SV-2026-000001")
    assert (answer["verdict"], "with_non_conformity") == ("valid", answer["remarks"][0]["code"])
    assert set(answer["remarks"][0]["text"]) == {"nb", "nn", "en"}
    happen(database, "SV-2026-000001", EventKind.RELINQUISHED, date(2027, 2, 1))
    assert heard(catalog, answer, certificate="SV-2026-000001")["code"] == "relinquished_under_investigation"


def heard(catalog: TestClient, but: dict[str, Any], **asked: str) -> dict[str, Any]:
    """The answer once what another process committed has been heard, which takes milliseconds: another one than `but`,
    or that after very many questions."""
    answer = but
    for _ in range(2_000):
        answer = catalog.post("/verify", json={"on": DAY} | asked).json()
        if answer["certificate"] != but["certificate"]:
            break
    return answer


def test_a_range_of_versions_is_covered_with_its_ends(catalog: TestClient) -> None:
    known = {"certificate": "SV-2026-000007"}
    found = {version: verify(catalog, version=version, **known)["code"] for version in ("1.9", "2.0", "2.10", "3.0")}
    assert found == {"1.9": "version_not_covered", "2.0": "certified", "2.10": "certified", "3.0": "certified"}
    assert verify(catalog, **known)["certificate"]["versions"] == {"from": "2.0", "to": None}


def test_a_certificate_for_a_part_of_the_requirements_serves_who_asks_for_that_part(
    catalog: TestClient, database: Database
) -> None:
    with database.writing() as session:
        version = specifications.find_version(session, EXCHANGE, "1.0")
        assert version
        profiles.put(session, version.id, "avlesing", {"nb": "Avlesing"}, ["VT1-01"])
        profiles.put(session, version.id, "sending", {"nb": "Sending"}, ["VT1-02"])
    against = {"specification_version_id": version.id, "profile": "avlesing"}
    number = granted(database, "SV-2026-000004", date(2029, 1, 1), date(2029, 12, 31), **against)
    product = {"product": "fjordvakt-tilsyn", "specification": EXCHANGE, "on": "2029-06-01"}
    assert verify(catalog, **product, profile="avlesing")["certificate"]["number"] == number
    assert verify(catalog, **product, profile="sending")["code"] == "profile_not_covered"
    whole = verify(catalog, **product)
    assert (whole["verdict"], whole["code"]) == ("not_valid", "profile_not_covered")
    assert "avlesing" in whole["reasons"][0]["en"]
    assert verify(catalog, certificate=number, on="2029-06-01")["certificate"]["profile"] == "avlesing"
    covered = {"product": "nordlys-alarm", "specification": EXCHANGE, "version": "2.0"}
    assert verify(catalog, **covered, profile="sending")["code"] == "certified", "who meets all meets a part"


def test_firms_are_verified_by_their_number_and_role(catalog: TestClient, database: Database) -> None:
    number = firm_certified(database, "100000067", "innforing")
    asked = {"supplier": "100000067"}
    assert verify(catalog, **asked)["certificate"]["number"] == number
    answer = verify(catalog, **asked, role="innforing")
    assert (answer["code"], answer["supplier"], answer["product"]) == ("certified", "100000067", None)
    certificate = answer["certificate"]
    assert (certificate["subject_kind"], certificate["holder"]) == ("adviser", "100000067")
    assert verify(catalog, **asked, role="innkjop")["code"] == "role_not_covered"
    assert verify(catalog, supplier="100000016")["code"] == "no_certificate"


def firm_certified(database: Database, firm: str, role: str | None) -> str:
    with database.reading() as session:
        holder = organisations.by_organisation_number(session, firm)
    return granted(
        database,
        "SV-2026-000001",
        date(2026, 1, 1),
        date(2029, 12, 31),
        subject_kind=SubjectKind.ADVISER if role else SubjectKind.SUPPLIER,
        product_id=None,
        holder_id=holder,
        role=role,
        delivery_forms=[],
    )


def test_a_firm_under_a_new_registration_is_the_same_and_one_that_took_it_over_is_not(
    catalog: TestClient, database: Database
) -> None:
    number = firm_certified(database, "100000016", None)
    against = {"specification": SPECIFICATION}
    with database.writing() as session:
        ids = [organisations.by_organisation_number(session, one) for one in ("100000016", "100000024", "100000032")]
        parties = successions.lock(session, [one for one in ids if one])
        old, same, other = (parties[one] for one in ids if one)
        now = clock.now()
        for follower, kind, day in ((same, Relation.CONTINUED, date(2028, 1, 1)),):
            successions.add(
                session,
                old,
                [follower],
                kind,
                effective_on=day,
                source="Prøve",
                recorded_at=now,
                back_dated=False,
                reason=None,
            )
    assert verify(catalog, supplier="100000024", on="2027-12-31", **against)["code"] == "no_certificate"
    assert verify(catalog, supplier="100000024", on="2028-01-01", **against)["certificate"]["number"] == number
    assert verify(catalog, certificate=number, on="2028-01-01")["code"] == "certified"
    with database.writing() as session:
        parties = successions.lock(session, [same.id, other.id])
        successions.add(
            session,
            parties[same.id],
            [parties[other.id]],
            Relation.MERGER,
            effective_on=date(2029, 1, 1),
            source="Prøve",
            recorded_at=now,
            back_dated=False,
            reason=None,
        )
    assert verify(catalog, supplier="100000032", on="2029-01-01", **against)["code"] == "no_certificate"


def test_a_firm_that_has_ended_is_certified_no_more(catalog: TestClient, database: Database) -> None:
    number = firm_certified(database, "100000016", None)
    with database.writing() as session:
        id = organisations.by_organisation_number(session, "100000016")
        session.get_one(organisations.Organisation, id).existed_to_on = date(2027, 6, 30)
    assert verify(catalog, certificate=number, on="2027-06-30")["code"] == "certified"
    answer = verify(catalog, certificate=number, on="2027-07-01")
    assert (answer["code"], "2027-06-30" in answer["reasons"][0]["nb"]) == ("holder_ended", True)


def test_how_much_is_the_suppliers_own_word_is_told(catalog: TestClient, database: Database) -> None:
    asked = {"certificate": "SV-2026-000001"}
    answer = verify(catalog, **asked)
    before = answer["certificate"]["assurance"]
    with database.writing() as session:
        id = certificates.by_number(session, asked["certificate"]).id
        first, second, *_ = [one for one in certificates.results(session, id, clock.now()) if one.obligation == "must"]
        told = {"certificate_id": id, "evidence": [], "recorded_at": clock.now()}
        later = [
            certificates.Result(requirement_id=first.requirement_id, outcome=Outcome.MET, assurance=SELF, **told),
            certificates.Result(requirement_id=second.requirement_id, outcome=Outcome.NOT_MET, **told),
        ]
        certificates.add_results(session, id, later, clock.now())
    after = heard(catalog, answer, **asked)["certificate"]["assurance"]
    assert after == {"musts": before["musts"], "third_party": before["third_party"] - 2, "self_declared": 1}


def test_every_code_is_seen_in_these_tests() -> None:
    on_their_own = {
        Code.VERSION_NOT_COVERED,
        Code.ROLE_NOT_COVERED,
        Code.HOLDER_ENDED,
        Code.RELINQUISHED_UNDER_INVESTIGATION,
        *ENDS.values(),
    }
    assert {code for _, _, code in CASES} | on_their_own == set(Code)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"product": "Ikke En Slug"},
        {"product": "fjordvakt-alarm", "on": "i dag"},
        {"product": "fjordvakt-alarm", "delivery_form": "paper"},
        {"product": "fjordvakt-alarm", "organisation": "964983291"},
        {"product": "fjordvakt-alarm", "certificate": "SV-2026-000001"},
        {"product": "fjordvakt-alarm", "role": "innforing"},
        {"supplier": "100000016", "version": "1"},
    ],
)
def test_a_question_that_cannot_be_read_is_refused(shared_catalog: TestClient, wrong: dict[str, str]) -> None:
    assert problem(shared_catalog.post("/verify", json=wrong)) == (422, "invalid-request")
    assert problem(shared_catalog.get("/verify", params=wrong)) == (422, "invalid-request")


def test_an_answer_may_be_kept_for_a_second(shared_catalog: TestClient) -> None:
    answer = shared_catalog.post("/verify", json={"product": "fjordvakt-alarm"})
    assert answer.headers["Cache-Control"] == "max-age=1"
