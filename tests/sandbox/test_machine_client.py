"""Our own machine client against the sandbox, and the command that gets anybody's token."""

import stat
import sys
from pathlib import Path

import httpx
import pytest

from services import access, cli
from services.chassis.auth import Gate
from services.chassis.settings import IssuerKind, TrustedIssuer
from services.chassis.tokens import GrantRefused, MachineToken, new_key, read_key, write_key
from services.chassis.values import seed_id
from services.settings import RunSettings
from tests.sandbox.running import RunningSandbox

BRONNOY, ALSTAHAUG, HATTFJELLDAL, NORDLAND = "964983291", "938712441", "944716904", "964982953"
READ = "samvirke:agreements.read"


def client_of(sandbox: RunningSandbox, number: str, scope: str = READ, **more: str) -> MachineToken:
    return MachineToken(
        issuer=sandbox.issuer,
        token_url=f"{sandbox.maskinporten_url}/token",
        client=str(seed_id(f"client:{number}")),
        key_file=sandbox.keys_folder / f"{number}.json",
        scope=scope,
        **more,  # type: ignore[arg-type]  # consumer_org and resource are text, authorization_details is not given here
    )


def caller(sandbox: RunningSandbox, token: str, audience: str | None = None) -> tuple[str, str | None, set[str]]:
    trusted = TrustedIssuer(issuer=sandbox.issuer, kind=IssuerKind.MACHINE, jwks_url=f"{sandbox.maskinporten_url}/jwk")
    found = Gate([trusted], scope_prefix="samvirke", audience=audience).verify(token, fetching=True)
    assert found
    return found.organisation, found.supplier, set(found.scopes)


def test_a_token_is_used_again_until_somebody_refuses_it(sandbox: RunningSandbox) -> None:
    machine = client_of(sandbox, BRONNOY)
    first = machine.current()
    assert machine.current() == first
    answers = iter([200, 401, 200])
    seen: list[str] = []

    def neighbour(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"].removeprefix("Bearer "))
        return httpx.Response(next(answers))

    with httpx.Client(transport=httpx.MockTransport(neighbour), auth=machine) as http:
        for _ in range(3):
            http.get("http://neighbour.example/")
    assert seen[:2] == [first, first]
    assert seen[2] != first


def test_a_refused_grant_is_not_a_matter_of_waiting(sandbox: RunningSandbox) -> None:
    with pytest.raises(GrantRefused, match="invalid_scope"):
        client_of(sandbox, BRONNOY, "samvirke:platform.admin").current()


def test_a_token_can_be_for_a_customer_or_an_audience(sandbox: RunningSandbox) -> None:
    supplier = "100000016"
    sandbox.http.post(
        f"{sandbox.control_url}/_sandbox/maskinporten/delegations",
        json={"consumer": BRONNOY, "supplier": supplier, "scope": READ},
    ).raise_for_status()
    delegated = client_of(sandbox, supplier, consumer_org=BRONNOY).current()
    assert caller(sandbox, delegated) == (BRONNOY, supplier, {"agreements.read"})
    audience = "https://samvirke.example"
    assert caller(sandbox, client_of(sandbox, BRONNOY, resource=audience).current(), audience)[0] == BRONNOY


def test_a_new_key_is_its_owners_alone(tmp_path: Path) -> None:
    file, key = tmp_path / "keys" / "one.json", new_key("one")
    write_key(key, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_key(file).as_dict(private=True) == key.as_dict(private=True)
    with pytest.raises(FileExistsError):
        write_key(new_key("two"), file)


@pytest.mark.parametrize(
    ("number", "expected"), [("1820", ALSTAHAUG), ("18", NORDLAND), ("1826", HATTFJELLDAL), (BRONNOY, BRONNOY)]
)
def test_one_command_gets_a_token_for_anybody(
    sandbox: RunningSandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: str,
    expected: str,
) -> None:
    """By municipality, county or organisation number; who has no key yet gets one."""
    for name in (BRONNOY, ALSTAHAUG):
        write_key(sandbox.key(name), tmp_path / "keys" / f"{name}.json")
    for name, value in {
        "DATA": str(tmp_path),
        "CONTROL_PORT": str(sandbox.settings.control_port),
        "MASKINPORTEN_PORT": str(sandbox.settings.maskinporten_port),
    }.items():
        monkeypatch.setenv(f"SAMVIRKE_{name}", value)
    command = ["services", "token", "--as", number, "--scope", "agreements.read", "samvirke:agreements.order"]
    monkeypatch.setattr(sys, "argv", command)
    cli.main()
    token = capsys.readouterr().out.strip()
    assert caller(sandbox, token) == (expected, None, {"agreements.read", "agreements.order"})


def test_a_number_that_nobody_has_is_told() -> None:
    with pytest.raises(access.NoToken, match="9999"):
        access.organisation("9999")


def test_a_sandbox_that_is_away_is_told_in_a_sentence(sandbox: RunningSandbox, tmp_path: Path) -> None:
    write_key(sandbox.key(BRONNOY), tmp_path / "keys" / f"{BRONNOY}.json")
    run = RunSettings(data=tmp_path, maskinporten_port=9)
    with pytest.raises(access.NoToken, match="gives no token"):
        access.token(run, BRONNOY, "agreements.read")
