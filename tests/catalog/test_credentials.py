"""A certificate is a signed token that stays the same until the certificate changes, and then counts no more."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from fastapi.testclient import TestClient

from services import verifier
from services.catalog.app import create_app
from services.catalog.certificates.rules import EventKind, Scope, SubjectKind
from services.catalog.credentials import rules, store
from services.catalog.settings import Settings
from services.catalog.signing_keys.store import Keyring
from services.chassis import clock, db
from services.chassis.db import Database
from services.verifier import Asked, Code
from tests.catalog.certifying import BODY, granted, happen
from tests.catalog.conftest import FJORDVAKT, problem
from tests.conftest import NewDatabase
from tests.issuer import Issuer
from tests.signed import decoded, status_of

NUMBER = "SV-2026-000001"
TODAY = clock.today()
A_DAY = timedelta(days=1)


def credential(catalog: TestClient, number: str = NUMBER) -> str:
    answer = catalog.get(f"/certificates/{number}/credential")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/jwt"
    return str(answer.text)


def the_list(catalog: TestClient, number: int = 1) -> str:
    answer = catalog.get(f"/status-lists/{number}")
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def verified(catalog: TestClient, token: str, **asked: Any) -> Code:
    keys = catalog.get("/.well-known/jwks.json").json()
    return verifier.verify(token, keys, the_list(catalog), Asked(**asked), clock.now()).code


def test_it_says_what_was_certified_and_holds_by_the_public_keys_alone(shared_catalog: TestClient) -> None:
    token = credential(shared_catalog)
    header, claims = decoded(token)
    keys = shared_catalog.get("/.well-known/jwks.json").json()["keys"]
    assert header == {"alg": "ES256", "typ": "certificate+jwt", "kid": keys[0]["kid"]}
    assert set(keys[0]) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    told = claims.pop("certificate")
    assert 0 <= clock.now().timestamp() - claims.pop("iat") < 600
    assert claims == {
        "iss": "http://127.0.0.1:8001",
        "sub": f"http://127.0.0.1:8001/certificates/{NUMBER}",
        "nbf": 1_767_222_000,  # 2025-12-31T23:00:00Z
        "exp": 1_893_452_400,  # 2029-12-31T23:00:00Z
        "status": {"status_list": {"idx": 0, "uri": "http://127.0.0.1:8001/status-lists/1"}},
    }
    assert told["subject"]["product"] == "fjordvakt-alarm"
    assert told["subject"]["supplier"]["organisation_number"] == FJORDVAKT
    assert (told["number"], told["revision"], told["versions"], told["granted_on"]) == (NUMBER, 1, "all", "2026-01-01")
    assert told["decided_by"] == BODY
    assert verified(shared_catalog, token, product="fjordvakt-alarm", delivery_form="saas") is Code.VALID


@pytest.mark.parametrize(("day", "offset"), [(date(2026, 1, 1), 1), (date(2026, 7, 1), 2), (date(2026, 10, 25), 2)])
def test_a_day_begins_at_norwegian_midnight_also_in_summer(day: date, offset: int) -> None:
    utc = (day - date(1970, 1, 1)).days * 86_400
    assert rules.midnight(day) == utc - offset * 3_600


def test_many_who_ask_at_once_get_one_and_the_same(catalog: TestClient) -> None:
    with ThreadPoolExecutor(6) as pool:
        tokens = set(pool.map(lambda _: credential(catalog), range(12)))
    assert len(tokens) == 1


def test_who_has_it_already_is_told_so(shared_catalog: TestClient) -> None:
    path = f"/certificates/{NUMBER}/credential"
    first = shared_catalog.get(path)
    again = shared_catalog.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert shared_catalog.get(path, headers={"If-None-Match": '"other"'}).text == first.text
    assert first.headers["Access-Control-Allow-Origin"] == "*"


def test_an_unknown_number_has_none(shared_catalog: TestClient) -> None:
    assert problem(shared_catalog.get("/certificates/SV-2026-999999/credential")) == (404, "certificate-not-found")


def test_a_reduced_scope_has_a_new_token_and_the_older_counts_no_more(catalog: TestClient, issuer: Issuer) -> None:
    wide = credential(catalog)
    reduced = {"versions": "all", "delivery_forms": ["saas"], "reason": "Gjelder bare som skytjeneste"}
    body = issuer.bearer(BODY, "certification.decide")
    answer = catalog.post(f"/certificates/{NUMBER}/reduce", json=reduced, headers=body)
    assert answer.status_code == 200, answer.text
    narrow = credential(catalog)
    assert decoded(wide)[1]["certificate"]["delivery_forms"] == ["saas", "on_premises"]
    assert decoded(narrow)[1]["certificate"]["delivery_forms"] == ["saas"]
    assert decoded(narrow)[1]["certificate"]["revision"] == 2
    assert decoded(narrow)[1]["nbf"] in {rules.midnight(day) for day in (TODAY, clock.today())}
    assert verified(catalog, wide) is Code.INVALID
    assert verified(catalog, narrow) is Code.VALID
    assert credential(catalog) == narrow


def test_a_reduction_ahead_leaves_the_token_until_its_day(catalog: TestClient, database: Database) -> None:
    wide = credential(catalog)
    happen(database, NUMBER, EventKind.SCOPE_REDUCED, TODAY + A_DAY, detail=Scope(delivery_forms=("saas",)).detail())
    assert credential(catalog) == wide
    assert verified(catalog, wide) is Code.VALID


def test_a_renewed_certificate_has_a_token_that_lives_as_long(catalog: TestClient, database: Database) -> None:
    old = credential(catalog)
    happen(database, NUMBER, EventKind.RENEWED, detail={"valid_to_on": "2032-12-31"})
    new = credential(catalog)
    assert decoded(new)[1]["exp"] == rules.midnight(date(2033, 1, 1))
    assert (verified(catalog, old), verified(catalog, new)) == (Code.INVALID, Code.VALID)


def test_a_token_of_an_annulled_revision_counts_no_more_though_the_number_of_the_revision_stays(
    catalog: TestClient, database: Database
) -> None:
    """The renewal is recorded first and takes effect last, so that its revision is in force before and after the
    extension is annulled; what it covers is not the same."""
    narrow = granted(database, NUMBER, date(2030, 1, 1), date(2031, 12, 31), delivery_forms=["saas"])
    happen(database, narrow, EventKind.RENEWED, date(2030, 3, 1), detail={"valid_to_on": "2032-12-31"})
    wider = Scope(delivery_forms=("saas", "on_premises")).detail()
    extension = happen(database, narrow, EventKind.SCOPE_EXTENDED, date(2030, 2, 1), detail=wider)
    now = clock.now().replace(year=2030, month=4, day=1)
    issuer, ring = "http://127.0.0.1:8001", app_state(catalog).keyring
    wide = store.token(database, ring, issuer, narrow, now)
    happen(database, narrow, EventKind.ANNULLED, date(2030, 3, 15), target_id=extension)
    right = store.token(database, ring, issuer, narrow, now)
    assert [decoded(one)[1]["certificate"]["revision"] for one in (wide, right)] == [2, 2]
    assert decoded(right)[1]["certificate"]["delivery_forms"] == ["saas"]
    assert decoded(wide)[1]["status"] != decoded(right)[1]["status"]


def app_state(catalog: TestClient) -> Any:
    app: Any = catalog.app
    return app.state


def test_every_certificate_has_a_place_in_a_list_whether_its_token_was_read_or_not(
    catalog: TestClient, database: Database, url: str
) -> None:
    number = granted(database, NUMBER, TODAY + 2000 * A_DAY, TODAY + 2100 * A_DAY)
    happen(database, number, EventKind.SCOPE_REDUCED, detail=Scope(delivery_forms=("saas",)).detail())
    happen(database, number, EventKind.SUSPENDED)
    with psycopg.connect(url) as connection:
        without = connection.execute(
            "SELECT number FROM certificate c WHERE NOT EXISTS (SELECT 1 FROM credential WHERE certificate_id = c.id)"
        ).fetchall()
        places = connection.execute(
            "SELECT count(*), count(jws) FROM credential k JOIN certificate c ON c.id = k.certificate_id "
            "WHERE number = %s",
            [number],
        ).fetchone()
    assert without == []
    assert places == (2, 0)


@pytest.mark.parametrize(
    ("kind", "role"), [(SubjectKind.SUPPLIER, None), (SubjectKind.ADVISER, "anskaffelsesradgiver")]
)
def test_suppliers_and_advisers_have_tokens_without_a_product(
    catalog: TestClient, database: Database, kind: SubjectKind, role: str | None
) -> None:
    number = granted(
        database,
        NUMBER,
        TODAY,
        TODAY + A_DAY,
        subject_kind=kind,
        product_id=None,
        role=role,
        delivery_forms=[],
    )
    token = credential(catalog, number)
    told = decoded(token)[1]["certificate"]
    assert (told["subject"]["kind"], told["subject"]["product"], told["subject"]["role"]) == (kind, None, role)
    assert told["subject"]["supplier"]["organisation_number"] == FJORDVAKT
    assert (told["versions"], told["delivery_forms"]) == (None, [])
    assert verified(catalog, token) is Code.VALID
    assert verified(catalog, token, product="fjordvakt-alarm") is Code.PRODUCT_OTHER


# ---- Keys


@pytest.fixture
def own_keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def own_catalog(url: str, issuer: Issuer, own_keys: Path) -> Iterator[TestClient]:
    """A catalogue whose keys are this test's own; there are none yet."""
    settings = Settings(database_url=url, issuers=[issuer.trusted()], signing_keys_folder=own_keys)
    with TestClient(create_app(settings)) as client:
        yield client


def new_key(folder: Path, *retired: str, compromised: bool = False) -> str:
    ring = Keyring(folder, lead=timedelta(), production=False)
    made = ring.make(clock.now()).key.kid
    for kid in retired:
        ring.retire(kid, clock.now(), compromised=compromised)
    return made


def published(catalog: TestClient) -> set[str]:
    return {key["kid"] for key in catalog.get("/.well-known/jwks.json").json()["keys"]}


def test_without_a_key_nothing_is_signed_and_everything_else_works(own_catalog: TestClient, own_keys: Path) -> None:
    for path in (f"/certificates/{NUMBER}/credential", "/status-lists/1", "/.well-known/jwks.json"):
        answer = own_catalog.get(path)
        assert problem(answer) == (503, "no-signing-key")
        assert answer.headers["Retry-After"]
    assert own_catalog.get("/problems/no-signing-key").status_code == 200
    assert own_catalog.get(f"/certificates/{NUMBER}").status_code == 200
    assert own_catalog.get("/status-lists").json()["status_lists"]
    new_key(own_keys)
    assert verified(own_catalog, credential(own_catalog)) is Code.VALID


def test_a_new_key_signs_what_is_new_and_what_the_old_one_signed_stays(own_catalog: TestClient, own_keys: Path) -> None:
    old = new_key(own_keys)
    first = credential(own_catalog)
    new = new_key(own_keys)
    second = credential(own_catalog, "SV-2026-000002")
    assert [decoded(one)[0]["kid"] for one in (first, second)] == [old, new]
    assert decoded(the_list(own_catalog))[0]["kid"] == new
    assert credential(own_catalog) == first
    assert published(own_catalog) == {old, new}
    assert {verified(own_catalog, one) for one in (first, second)} == {Code.VALID}


def test_a_retired_key_is_published_until_what_it_signed_is_signed_anew(
    own_catalog: TestClient, own_keys: Path, database: Database
) -> None:
    old = new_key(own_keys)
    first = credential(own_catalog)
    new = new_key(own_keys, old)
    assert published(own_catalog) == {old, new}
    with database.reading() as reader:
        assert store.needed(reader, [old], clock.now()) == {old}
    again = credential(own_catalog)
    assert decoded(again)[0]["kid"] == new
    assert decoded(again)[1]["status"] == decoded(first)[1]["status"], "the same place, for the same claims"
    with database.reading() as reader:
        assert store.needed(reader, [old], clock.now()) == set()
        assert store.latest_jws(reader, NUMBER) == again


def test_a_compromised_key_is_not_published_and_all_it_signed_is_signed_anew(
    own_catalog: TestClient, own_keys: Path
) -> None:
    old = new_key(own_keys)
    first = credential(own_catalog)
    new = new_key(own_keys, old, compromised=True)
    assert published(own_catalog) == {new}
    assert verified(own_catalog, first) is Code.KEY_UNKNOWN
    assert verified(own_catalog, credential(own_catalog)) is Code.VALID


def test_the_list_says_of_a_token_what_it_says_of_the_certificate(own_catalog: TestClient, own_keys: Path) -> None:
    new_key(own_keys)
    tokens = {number: credential(own_catalog, number) for number in (NUMBER, "SV-2026-000003")}
    assert {number: status_of(the_list(own_catalog), token) for number, token in tokens.items()} == {
        NUMBER: 0,
        "SV-2026-000003": 2,
    }


def test_certificates_of_before_get_their_places_when_the_database_is_upgraded(
    new_database: NewDatabase, url: str
) -> None:
    config = db.migrations("catalog")
    config.attributes["url"] = url
    database = Database(url, connections=1)
    happen(database, NUMBER, EventKind.SCOPE_REDUCED, detail=Scope(delivery_forms=("saas",)).detail())
    with psycopg.connect(url) as connection:
        asked = "SELECT certificate_id, count(*) FROM credential GROUP BY 1 ORDER BY 1"
        before = connection.execute(asked).fetchall()
        assert [number for _, number in before][:2] == [2, 1]
    command.downgrade(config, "c1a7a1070005")
    command.upgrade(config, "head")
    with psycopg.connect(url) as connection:
        assert connection.execute(asked).fetchall() == before
    database.close()
