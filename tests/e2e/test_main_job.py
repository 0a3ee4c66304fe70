"""A municipality's main job, as `make demo` walks it."""

import subprocess
import sys
from pathlib import Path

from pypdf import PdfReader

from services.chassis import db
from tests.e2e.system import System


def demonstrated(system: System, *story: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services", "demo", *story],
        env=system.environment,
        cwd=db.PROJECT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_the_demonstration_goes_from_the_catalogue_to_the_letter(system: System) -> None:
    walked = demonstrated(system)
    assert walked.returncode == 0, f"{walked.stdout}\n{walked.stderr}\n{system.logs()}"
    for told in ("Find a shared component", "certified", "Call off three", "The same request again", "Done."):
        assert told in walked.stdout
    assert "velferdsteknologi-trygghetsplattform" in walked.stdout
    walks, _, fifth = walked.stdout.partition("\nE. ")
    stories, _, fourth = walks.partition("\nD. ")
    second, _, third = stories.partition("\nB. ")[2].partition("\nC. ")
    for told in ("Alstahaug kommune", "Vega kommune", "BR-01", "SV-2026-000001", "Krav og sertifiserte produkter"):
        assert told in second
    document = Path(second.partition("The same as a document: ")[2].strip())
    assert "Opplæring gis også i Velfjord" in "".join(page.extract_text() for page in PdfReader(document).pages)
    for told in ("VT1-06: met", "certificate", "verify: not_valid", "Brønnøy kommune: SV-2026-", "Done. Its page"):
        assert told in third
    for told in (
        "Oslo kommune tries → refused: Only a contracting authority that the notice names can accede",
        "not Havørn Omsorgsteknologi AS (fiktiv): not_certified",
        "Fjordvakt declines on an announced ground → declined",
        "the turn has gone to Nordlys, at 12750.00 kr",
        "5 of 5 have come; certified on the day of delivery: valid",
        "reserved 0.00 kr, posted 17550.00 kr, accepted 17550.00 kr",
        "balances is the sum of its entries",
    ):
        assert told in fourth
    assert fourth.count("by ranking; the same again: True") == 3
    for kind, times in {"order": 3, "declined": 1, "confirmation": 2, "complaint": 1}.items():
        assert fourth.partition("\n9. ")[2].count(f"the letter «{kind}»") == times
    for told in (
        "What Brønnøy sees of them: nothing, not even how many there are",
        "Brønnøy kommune cannot open them yet → refused: Bids are opened after the deadline",
        "tries again after the deadline → refused: Bids are taken while the competition is open",
        "1. Nordlys Trygghet AS (fiktiv), 49000.00 kr: 38.3530 points",
        "49000.00 kr to Nordlys",
        "UBL: Order",
        "'OrderTypeCode': '226'",
        "OCDS: ocds-",
        ", award",
    ):
        assert told in fifth
    for kind in ("invitation", "questions", "award"):
        assert fifth.count(f"the letter «{kind}» to ") == 3
    again = demonstrated(system, "certification")
    assert again.returncode == 0, f"a second walk goes on from what is there\n{again.stdout}\n{again.stderr}"
    assert "has been certified before" in again.stdout


def test_the_printed_curl_works(system: System) -> None:
    (line,) = [line.strip() for line in system.lines if line.strip().startswith("curl ")]
    answer = subprocess.run(
        [*line.replace("'", "").split(), "--silent", "--fail"], capture_output=True, text=True, check=True, timeout=20
    )
    assert "velferdsteknologi" in answer.stdout
