"""C. A product is certified; a buyer verifies that without any server; it is suspended, and users are told."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from services import access
from services.chassis import clock, db
from services.demo.calls import BRONNOY, Stopped, awaited, call
from services.settings import RunSettings

SUPPLIER, LABORATORY, BODY = "100000032", "100000059", "100000040"
PRODUCT, SPECIFICATION = "havorn-alarm", "velferdsteknologi-datautveksling"


def walk(run: RunSettings) -> None:
    catalog = run.url("catalog")
    with httpx.Client(timeout=10) as http:
        body = _as(run, BODY, "certification.decide")
        number = _held(http, catalog) or _certified(http, run, catalog, body)

        print(f"5. Is {PRODUCT} certified? Anybody may ask")
        asked = {"product": PRODUCT, "specification": SPECIFICATION}
        verdict = call(http, "GET", f"{catalog}/verify", 200, params=asked)
        if verdict["verdict"] != "valid":
            raise Stopped(f"{PRODUCT} is not certified: {verdict['code']}.")

        print(
            "6. The same without the catalogue: the signed certificate, the public keys and the status list, as files"
        )
        files = _saved(http, run, catalog, number)
        _expect(_offline(files), 0)

        print("7. Brønnøy uses it, and says so")
        _use(http, run, catalog)

        print("8. The certification body suspends the certificate")
        step = {"reason": "Varsler kom for sent fram i tilsyn (demonstrasjon)"}
        call(http, "POST", f"{catalog}/certificates/{number}/suspend", 200, headers=body, json=step)
        try:
            verdict = call(http, "GET", f"{catalog}/verify", 200, params=asked, quiet=True)
            print(f"   verify: {verdict['verdict']}, {verdict['reasons'][0]['en']}")
            print("   and with a status list fetched anew, still without asking about the certificate:")
            _expect(_offline(_saved(http, run, catalog, number)), 1)

            print("9. Brønnøy is told")
            mine = _as(run, BRONNOY, "catalog.write")
            notice = awaited("the notice to Brønnøy", lambda: _notice(http, catalog, mine, number))
            print(f"   {notice['name']}: {notice['certificate']} is {notice['status']} from {notice['effective_on']}")
            answer = {"measure": "use_continues", "comment": "Vi følger med til det er rettet (demonstrasjon)."}
            path = f"{catalog}/recall-notices/{notice['id']}/acknowledge"
            call(http, "POST", path, 200, headers=mine, json=answer, quiet=True)
        finally:
            print("10. What was wrong is put right, and the certificate is restored")
            step = {"reason": "Rettet og prøvd på nytt (demonstrasjon)"}
            call(http, "POST", f"{catalog}/certificates/{number}/restore", 200, headers=body, json=step, quiet=True)
        print(f"Done. Its page, for people: {catalog}/certificates/{number}/page")


def _as(run: RunSettings, organisation: str, *scopes: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {access.token(run, organisation, *scopes)}"}


def _held(http: httpx.Client, catalog: str) -> str | None:
    """The certificate of an earlier walk."""
    asked = {"product": PRODUCT, "specification": SPECIFICATION}
    found = call(http, "GET", f"{catalog}/certificates", 200, params=asked, quiet=True)["items"]
    number: str | None = next((one["number"] for one in found if one["status"] == "valid"), None)
    if number:
        print(f"1.–4. {PRODUCT} has been certified before: {number}\n")
    return number


def _certified(http: httpx.Client, run: RunSettings, catalog: str, body: dict[str, str]) -> str:
    supplier = _as(run, SUPPLIER, "certification.apply")
    laboratory = _as(run, LABORATORY, "certification.assess")
    today = clock.today()

    print("1. The supplier applies; from now on the requirements are frozen")
    new = {
        "product": PRODUCT,
        "specification": SPECIFICATION,
        "specification_version": "1.0",
        "delivery_forms": ["saas"],
    }
    application = call(http, "POST", f"{catalog}/certification-applications", 201, headers=supplier, json=new)
    path = f"{catalog}/certification-applications/{application['id']}"
    call(http, "POST", f"{path}/submit", 200, headers=supplier, json={}, quiet=True)

    print("2. A laboratory assesses it, requirement by requirement")
    begun = {"application": application["id"]}
    assessment = call(
        http, "POST", f"{catalog}/certification-assessments", 201, headers=laboratory, json=begun, quiet=True
    )
    assessed = f"{catalog}/certification-assessments/{assessment['id']}"
    for one in assessment["requirements"]:
        result = {
            "outcome": "met",
            "evidence": [{"description": "Prøverapport (fiktiv)", "sha256": "5a" * 32, "dated_on": str(today)}],
            "tool": "Samvirke samsvarstest (fiktiv)",
            "tool_version": "1.4",
            "tested_on": str(today),
        }
        url = f"{assessed}/results/{one['requirement']}"
        call(http, "PUT", url, 200, headers=laboratory, json=result, quiet=True)
        print(f"   {one['requirement']}: met")
    done = {"recommendation": "grant", "reason": "Alle krav er oppfylt (demonstrasjon)"}
    call(http, "POST", f"{assessed}/complete", 200, headers=laboratory, json=done, quiet=True)

    print("\n3. Somebody else decides")
    decision = {
        "application": application["id"],
        "outcome": "granted",
        "reason": "Alle må-krav er oppfylt, se vurderingen (demonstrasjon).",
        "valid_from_on": str(today),
        "valid_to_on": str(today + timedelta(days=700)),
    }
    made = call(http, "POST", f"{catalog}/certification-decisions", 201, headers=body, json=decision)
    number: str = made["certificate"]
    print(f"4. The certificate: {number}\n")
    return number


def _saved(http: httpx.Client, run: RunSettings, catalog: str, number: str) -> list[Path]:
    """The certificate, the keys and the list, as anybody may keep them."""
    folder = run.data / "certificates"
    folder.mkdir(exist_ok=True)
    files = []
    for name, path in (
        (f"{number}.jwt", f"/certificates/{number}/credential"),
        ("jwks.json", "/.well-known/jwks.json"),
        ("status-list.jwt", "/status-lists/1"),
    ):
        answer = http.get(catalog + path)
        if answer.status_code != 200:
            raise Stopped(f"{path} answered {answer.status_code}: {answer.text}")
        (folder / name).write_bytes(answer.content)
        files.append(folder / name)
    return files


def _offline(files: list[Path]) -> subprocess.CompletedProcess[str]:
    certificate, keys, status_list = map(str, files)
    command = ["verify-certificate", certificate, "--jwks", keys, "--status-list", status_list, "--product", PRODUCT]
    print(f"   $ python -m services {' '.join(command)}")
    return subprocess.run(
        [sys.executable, "-m", "services", *command], capture_output=True, text=True, cwd=db.PROJECT, check=False
    )


def _expect(done: subprocess.CompletedProcess[str], code: int) -> None:
    print("   " + done.stdout.strip().replace("\n", "\n   ") + "\n")
    if done.returncode != code:
        raise Stopped(f"the verifier ended with {done.returncode} instead of {code}: {done.stdout}{done.stderr}")


def _use(http: httpx.Client, run: RunSettings, catalog: str) -> None:
    mine = _as(run, BRONNOY, "catalog.write")
    asked = {"product": PRODUCT, "municipality_number": "1813"}
    if call(http, "GET", f"{catalog}/adoptions", 200, headers=mine, params=asked, quiet=True)["items"]:
        print("   registered before\n")
        return
    new = {"product": PRODUCT, "status": "in_use"}
    call(http, "POST", f"{catalog}/adoptions", 201, headers=mine, json=new)


def _notice(http: httpx.Client, catalog: str, mine: dict[str, str], number: str) -> dict[str, Any] | None:
    found = call(http, "GET", f"{catalog}/recall-notices", 200, headers=mine, params={"state": "told"}, quiet=True)
    notices: list[dict[str, Any]] = [
        one for one in found["items"] if one["certificate"] == number and not one["ended_on"]
    ]
    return notices[-1] if notices else None
