"""How the system starts, moves and stops; other addresses, issuers, keys and scopes are a matter of the environment."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from services.chassis import db
from tests.e2e.system import PORTS, System, free_ports


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services", "run"],
        env=os.environ | environment,
        cwd=db.PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_elsewhere_with_other_names_and_keys_by_environment_alone() -> None:
    host = "127.0.0.7"
    ports = free_ports(len(PORTS), host)
    given = {f"{name}_port": str(port) for name, port in zip(PORTS, ports, strict=True)}
    issuer = f"http://localhost:{given['maskinporten_port']}/tokens/"
    with System(host=host, scope_prefix="felles", maskinporten_issuer=issuer, **given) as system:
        headers = system.bearer("agreements.read")
        answer = httpx.get(f"{system.url('agreements')}/call-offs", headers=headers)
        assert answer.status_code == 200, answer.text
        other = httpx.get(f"{system.url('agreements')}/call-offs", headers={"Authorization": "Bearer x.y.z"})
        assert other.status_code == 401
        demo = subprocess.run(
            [sys.executable, "-m", "services", "demo"],
            env=system.environment,
            cwd=db.PROJECT,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert demo.returncode == 0, f"{demo.stdout}\n{demo.stderr}\n{system.logs()}"
        keys = system.folder / "d" / "keys"
        placed = httpx.get(f"{system.url('agreements')}/call-offs", headers=headers).json()["items"]
        assert system.stop() == 0
    assert oct(keys.stat().st_mode & 0o777) == "0o700"
    assert {oct(path.stat().st_mode & 0o777) for path in keys.rglob("*") if path.is_file()} == {"0o600"}
    with system:  # a second start takes up the same data
        headers = system.bearer("agreements.read")
        again = httpx.get(f"{system.url('agreements')}/call-offs", headers=headers).json()["items"]
        assert [one["id"] for one in again] == [one["id"] for one in placed]
    system.remove()


def test_a_taken_port_is_told_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = start(SAMVIRKE_CATALOG_PORT=port, SAMVIRKE_DATA=str(tmp_path / "d"))
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert f"Port {port}" in ended.stderr
    assert "SAMVIRKE_CATALOG_PORT" in ended.stderr


@pytest.mark.parametrize("broken", ["a file where the folder should be", "a cluster that is none"])
def test_a_broken_data_folder_is_told_in_one_sentence(tmp_path: Path, broken: str) -> None:
    tmp_path.chmod(0o755)
    data = tmp_path / "d"
    if broken.startswith("a file"):
        data.write_text("")
    else:
        (data / "pg").mkdir(parents=True)
        (data / "pg" / "PG_VERSION").write_text("18\n")
    free = free_ports(len(PORTS))
    ports = {f"SAMVIRKE_{name.upper()}_PORT": str(port) for name, port in zip(PORTS, free, strict=True)}
    ended = start(SAMVIRKE_DATA=str(data), **ports)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert "data folder" in ended.stderr


def test_production_refuses_what_is_only_for_trying_out(tmp_path: Path) -> None:
    ended = start(SAMVIRKE_ENV="production", SAMVIRKE_DATA=str(tmp_path / "d"))
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert "production" in ended.stderr
