"""A municipality's main job, as `make demo` walks it."""

import subprocess
import sys
from pathlib import Path

from pypdf import PdfReader

from services.chassis import db
from tests.e2e.system import System


def demonstrated(system: System) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services", "demo"],
        env=system.environment,
        cwd=db.PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_demonstration_goes_from_the_catalogue_to_the_letter(system: System) -> None:
    walked = demonstrated(system)
    assert walked.returncode == 0, f"{walked.stdout}\n{walked.stderr}\n{system.logs()}"
    for told in ("Find a shared component", "certified", "Call off three", "The same request again", "Done."):
        assert told in walked.stdout
    assert "velferdsteknologi-trygghetsplattform" in walked.stdout
    second, _, third = walked.stdout.partition("\nB. ")[2].partition("\nC. ")
    for told in ("Alstahaug kommune", "Vega kommune", "BR-01", "SV-2026-000001", "Krav og sertifiserte produkter"):
        assert told in second
    document = Path(second.partition("The same as a document: ")[2].strip())
    assert "Opplæring gis også i Velfjord" in "".join(page.extract_text() for page in PdfReader(document).pages)
    for told in ("VT1-06: met", "certificate", "verify: not_valid", "Brønnøy kommune: SV-2026-", "Done. Its page"):
        assert told in third
    again = demonstrated(system)
    assert again.returncode == 0, f"a second walk goes on from what is there\n{again.stdout}\n{again.stderr}"
    assert "has been certified before" in again.stdout


def test_the_printed_curl_works(system: System) -> None:
    (line,) = [line.strip() for line in system.lines if line.strip().startswith("curl ")]
    answer = subprocess.run(
        [*line.replace("'", "").split(), "--silent", "--fail"], capture_output=True, text=True, check=True, timeout=20
    )
    assert "velferdsteknologi" in answer.stdout
