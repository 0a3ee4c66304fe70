"""A municipality's main job, as `make demo` walks it."""

import subprocess
import sys

from services.chassis import db
from tests.e2e.system import System


def test_the_demonstration_goes_from_the_catalogue_to_the_letter(system: System) -> None:
    walked = subprocess.run(
        [sys.executable, "-m", "services", "demo"],
        env=system.environment,
        cwd=db.PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert walked.returncode == 0, f"{walked.stdout}\n{walked.stderr}\n{system.logs()}"
    for told in ("Find a shared component", "certified", "Call off three", "The same request again", "Done."):
        assert told in walked.stdout
    assert "velferdsteknologi-trygghetsplattform" in walked.stdout


def test_the_printed_curl_works(system: System) -> None:
    (line,) = [line.strip() for line in system.lines if line.strip().startswith("curl ")]
    answer = subprocess.run(
        [*line.replace("'", "").split(), "--silent", "--fail"], capture_output=True, text=True, check=True, timeout=20
    )
    assert "velferdsteknologi" in answer.stdout
