"""What the integration service starts with: example letters, and settings that production would not take."""

import psycopg
import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from services.chassis.db import Database
from services.chassis.values import seed_id
from services.integration import seed
from services.integration.app import create_app
from services.integration.settings import Settings
from tests.conftest import NewDatabase
from tests.integration.conftest import BRONNOY
from tests.issuer import Issuer

PRODUCTION = {
    "SAMVIRKE_ENV": "production",
    "database_url": "postgresql://db/integration",
    "issuers": [{"issuer": "https://maskinporten.no/", "kind": "machine", "jwks_url": "https://maskinporten.no/jwk"}],
    "svarut_url": "https://svarut.ks.no",
    "svarut_integration_password": "hemmelig",
    "svarinn_accounts": [],
}


def test_seeding_twice_changes_nothing(new_database: NewDatabase) -> None:
    url = new_database("integration", seeded=True)

    def everything() -> list[object]:
        with psycopg.connect(url) as connection:
            return [
                connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
                for table in ("dispatch", "dispatch_document", "dispatch_event", "reply", "event", "audit")
            ]

    before, told = everything(), list[str]()
    database = Database(url, connections=1)
    seed.load(database, tell=told.append)
    database.close()
    assert everything() == before
    assert told == []


def test_the_example_letters_are_there_and_none_waits_to_be_sent(new_database: NewDatabase, issuer: Issuer) -> None:
    url = new_database("integration", seeded=True)
    with TestClient(create_app(Settings(database_url=url, issuers=[issuer.trusted()]))) as api:
        headers = issuer.bearer(BRONNOY, "dispatch.read")
        page = api.get("/dispatches", headers=headers).json()["items"]
        read = api.get(f"/dispatches/{seed_id('dispatch:eksempel-brev-1')}", headers=headers).json()
    assert {one["reference"]: one["status"] for one in page} == {
        "eksempel-brev-1": "read",
        "eksempel-brev-2": "failed",
        "eksempel-brev-3": "failed",
        "eksempel-brev-4": "failed",
        "eksempel-brev-5": "failed",
    }
    assert [one["event"] for one in read["history"]] == [None, "hand_over", "accept", "notify", "read"]
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM procrastinate_jobs").fetchone() == (0,)


def test_production_takes_real_settings() -> None:
    assert Settings.model_validate(PRODUCTION).svarut_settle_seconds == 960


@pytest.mark.parametrize(
    "change",
    [
        {"svarut_url": "http://127.0.0.1:8094"},
        {"svarut_integration_password": "sandkasse"},
        {"svarut_settle_seconds": 5},
    ],
)
def test_production_refuses_what_only_a_sandbox_may_have(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(PRODUCTION | change)


def test_production_fetches_over_https_with_a_password_of_its_own() -> None:
    files = {"certificate_file": "crt.pem", "key_file": "key.pem"}
    account = {"user": "mottak", "password": "hemmelig", "organisation": "964983291", **files}
    secure = account | {"url": "https://s"}
    with pytest.raises(ValidationError, match="does not fetch letters over plain http"):
        Settings.model_validate(PRODUCTION | {"svarinn_accounts": [account]})
    with pytest.raises(ValidationError, match="SvarInn's own password for mottak"):
        Settings.model_validate(PRODUCTION | {"svarinn_accounts": [secure | {"password": "sandkasse"}]})
    assert Settings.model_validate(PRODUCTION | {"svarinn_accounts": [secure]}).svarinn_accounts
