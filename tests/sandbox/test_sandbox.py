"""The sandbox as a whole: where it starts, what it is seeded with, and how its ports are told apart."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from alembic import command
from fastapi.testclient import TestClient
from pydantic import ValidationError

from services.chassis import db
from services.chassis.clock import now
from services.chassis.values import seed_id
from services.integration.sandbox import seed
from services.integration.sandbox.app import create_app, stand_in
from services.integration.sandbox.clients import store as clients
from services.integration.sandbox.maskinporten import rules, store
from services.integration.sandbox.self_service.rules import ALL as ADMINISTRATION
from services.integration.sandbox.settings import Settings
from tests.conftest import NewDatabase
from tests.sandbox.running import RunningSandbox

NOWHERE = "postgresql://127.0.0.1/none"


def test_it_refuses_to_start_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMVIRKE_ENV", "production")

    with pytest.raises(ValidationError, match="the sandbox does not start in production"):
        Settings(database_url=NOWHERE)


@pytest.mark.parametrize(
    "issuer",
    ["https://maskinporten.no/", "https://test.maskinporten.no/", "http://10.0.0.1:8091/", "http://127.0.0.1.example/"],
)
def test_it_refuses_an_issuer_that_is_not_on_this_machine(issuer: str) -> None:
    with pytest.raises(ValidationError, match="must be on this machine"):
        Settings(database_url=NOWHERE, maskinporten_issuer=issuer)


def test_it_refuses_an_issuer_without_its_slash_and_two_stand_ins_on_one_port() -> None:
    with pytest.raises(ValidationError, match="ends with a slash"):
        Settings(database_url=NOWHERE, maskinporten_issuer="http://127.0.0.1:8091")
    with pytest.raises(ValidationError, match="a port of its own"):
        Settings(database_url=NOWHERE, svarut_port=8091)


def test_everything_is_set_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_DATABASE_URL", NOWHERE)
    monkeypatch.setenv("SANDBOX_HOST", "127.0.0.2")
    monkeypatch.setenv("SANDBOX_MASKINPORTEN_PORT", "9091")
    monkeypatch.setenv("SANDBOX_SCOPE_PREFIX", "kommune-demo")

    settings = Settings()

    assert settings.maskinporten_issuer == "http://127.0.0.2:9091/"
    assert settings.ports == [8090, 9091, 8092, 8093, 8094, 8096, 8097]
    assert settings.of_control().scope_prefix == "kommune-demo"


def test_the_seed_can_be_loaded_again(new_database: NewDatabase, tmp_path: Path) -> None:
    database = db.Database(new_database("sandbox"), connections=1)
    settings = Settings(database_url=database.url, keys_folder=tmp_path / "keys", scope_prefix="kommune-demo")
    told: list[str] = []

    seed.load(database, tell=told.append, settings=settings)
    with database.reading() as session:
        first = clients.overview(session, None), store.published(session, now())
    files = {path.name: path.read_bytes() for path in settings.keys_folder.iterdir()}
    seed.load(database, tell=told.append, settings=settings)
    with database.reading() as session:
        second = clients.overview(session, None), store.published(session, now())
    database.close()

    assert first == second
    assert files == {path.name: path.read_bytes() for path in settings.keys_folder.iterdir()}
    assert told == 2 * [
        f"381 Maskinporten clients, 13 of them with a key in {settings.keys_folder}",
        f"2 receiving systems at SvarInn, with keys in {settings.keys_folder}",
        "381 organisations in Enhetsregisteret",
        "8 test persons, and a client for Swagger UI at each login provider",
    ]
    seeded = {client["client_id"]: client for client in first[0]}
    assert len(seeded) == 357 + 14 + 7 + 3
    assert len(first[1]) == 1
    oslo = seeded[str(seed_id("client:958935420"))]
    assert (oslo["name"], oslo["kids"]) == ("Oslo", [])
    assert set(oslo["scopes"]) == {f"kommune-demo:{scope}" for scope in seed.BUYER} | set(ADMINISTRATION)
    supplier = seeded[str(seed_id("client:100000016"))]
    assert set(supplier["scopes"]) == {f"kommune-demo:{scope}" for scope in seed.SUPPLIER} | set(ADMINISTRATION)
    assert seeded[str(seed_id("client:integration-service"))]["scopes"] == ["ks:fiks"]
    assert len(seeded[str(seed_id("client:100000008"))]["scopes"]) == len(seed.SCOPES) + len(ADMINISTRATION)


def test_private_keys_are_their_owners_alone_and_stay_out_of_the_database(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    database = db.Database(new_database("sandbox"), connections=1)
    settings = Settings(database_url=database.url, keys_folder=tmp_path / "keys")
    seed.load(database, tell=lambda line: None, settings=settings)

    assert stat.S_IMODE(settings.keys_folder.stat().st_mode) == 0o700
    files = list(settings.keys_folder.iterdir())
    assert {path.stem for path in files} == {
        *seed.WITH_KEYS,
        *("100000008", "100000016", "100000024", "100000032", "100000040", "100000059", "100000067"),
        *("agreements-service", "catalog-service", "integration-service"),
        *(path.stem for path in files if path.stem.startswith("svarinn-")),
    }
    secret = [path for path in files if not path.name.endswith(".crt.pem")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}
    private = json.loads((settings.keys_folder / "964983291.json").read_text())
    claims = {"iss": str(seed_id("client:964983291")), "scope": "a:b", "iat": 1, "exp": 2}
    grant = rules.read({"alg": "RS256", "kid": private["kid"]}, claims)

    async def registered() -> store.Known | None:
        async with hot(database):
            return await store.Grants(database).ask(grant, now())

    known = asyncio.run(registered())
    assert known
    assert known.client.key
    assert set(json.loads(known.client.key)) == {"kty", "kid", "n", "e", "use"}


def test_used_grants_are_forgotten_when_they_could_not_be_used_anyway(new_database: NewDatabase) -> None:
    grant = rules.read({}, {"iss": "c", "scope": "a:b", "iat": 1, "exp": 2, "jti": "j"})
    instant = now()

    async def outcomes(database: db.Database) -> list[store.Outcome]:
        async with hot(database):
            grants = store.Grants(database)
            known = await grants.ask(grant, instant)
            assert known
            first = await grants.use_up(grant, "a.b.c", known, instant)
            await store.forget_used(database, instant + rules.USED_IS_KEPT)
            kept = await grants.use_up(grant, "a.b.c", known, instant)
            await store.forget_used(database, instant + rules.USED_IS_KEPT * 1.01)
            return [first, kept, await grants.use_up(grant, "a.b.c", known, instant)]

    database = db.Database(new_database("sandbox"), connections=1)
    with database.writing() as session:
        client = clients.Client(
            client_id="c", organisation="964983291", name="Sak", created_at=instant, last_updated_at=instant
        )
        clients.add(session, client, [])

    assert asyncio.run(outcomes(database)) == [store.Outcome.USED, store.Outcome.USED_BEFORE, store.Outcome.USED]


@asynccontextmanager
async def hot(database: db.Database) -> AsyncIterator[None]:
    await database.open_hot()
    yield
    await database.close_hot()
    database.close()


def test_the_port_decides_who_answers(sandbox: RunningSandbox) -> None:
    asked = {
        url: {path: sandbox.http.get(url + path).status_code for path in ("/jwk", "/_sandbox/faults", "/health/ready")}
        for url in (sandbox.control_url, sandbox.maskinporten_url, sandbox.svarut_url)
    }

    assert asked == {
        sandbox.control_url: {"/jwk": 404, "/_sandbox/faults": 200, "/health/ready": 200},
        sandbox.maskinporten_url: {"/jwk": 200, "/_sandbox/faults": 404, "/health/ready": 404},
        sandbox.svarut_url: {"/jwk": 404, "/_sandbox/faults": 404, "/health/ready": 404},
    }


def test_nobody_answers_on_a_port_that_is_not_set(new_database: NewDatabase) -> None:
    app = create_app(Settings(database_url=new_database("sandbox")))

    with TestClient(app, base_url="http://127.0.0.1:1") as client:
        assert client.get("/jwk").status_code == 421
    with TestClient(app, base_url="http://127.0.0.1:8090") as client:
        assert client.get("/health/live").json() == {"status": "live"}


def test_one_stand_in_can_be_had_alone(new_database: NewDatabase) -> None:
    app = stand_in(Settings(database_url=new_database("sandbox")), "maskinporten")

    with TestClient(app) as client:
        assert client.get("/jwk").json() == {"keys": []}
    app.state.database.close()


def test_a_database_that_is_away_is_told_nationally() -> None:
    settings = Settings(database_url="postgresql://127.0.0.1:1/none")

    with TestClient(stand_in(settings, "maskinporten")) as client:
        maskinporten = client.get("/jwk")
    with TestClient(stand_in(settings, "svarut")) as client:
        url = f"/api/v2/kontoer/{settings.svarut_konto}/forsendelser"
        svarut = client.get(url, headers={"Authorization": "Bearer e30.e30.x"})

    assert (maskinporten.status_code, maskinporten.json()["error"]) == (503, "temporarily_unavailable")
    assert (svarut.status_code, svarut.json()["error"]) == (503, "Service Unavailable")


def test_the_tables_are_those_of_the_migrations(new_database: NewDatabase) -> None:
    config = db.migrations("sandbox")
    config.attributes["url"] = new_database("sandbox")

    command.check(config)
    command.downgrade(config, "base")
    command.upgrade(config, "head")
