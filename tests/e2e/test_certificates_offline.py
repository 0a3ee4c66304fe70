"""A certificate that was fetched from the running system is verified without it."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import httpx

from services.chassis import db
from tests.e2e.system import System

NUMBER = "SV-2026-000001"


def test_what_the_running_system_signed_is_verified_by_files_alone(system: System, tmp_path: Path) -> None:
    catalog = system.url("catalog")
    for name, path in (
        ("certificate", f"/certificates/{NUMBER}/credential"),
        ("jwks", "/.well-known/jwks.json"),
        ("list", "/status-lists/1"),
    ):
        (tmp_path / name).write_bytes(httpx.get(catalog + path).raise_for_status().content)
    command = [sys.executable, "-m", "services", "verify-certificate", "certificate", "--jwks", "jwks"]
    command += ["--status-list", "list", "--issuer", catalog, "--product", "fjordvakt-alarm"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": str(db.PROJECT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("VALID (valid)")
    assert NUMBER in done.stdout


def test_the_key_that_signs_is_in_its_file_and_in_no_log(system: System) -> None:
    (file,) = (system.run.data / "keys" / "catalog").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert json.loads(file.read_text())["d"] not in system.logs()
