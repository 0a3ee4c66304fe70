"""Wrong questions for open data."""

from services.agreements.releases import rules
from tests.agreements.bad import SOMEBODY, Case


def read(name: str, path: str, status: int, *fails: str) -> Case:
    return Case(name, "GET", path, status, fails, organisation=None)


CASES = [
    read(
        "releases of a period backwards",
        "/ocds/releases.json?from=2026-02-01&to=2026-01-01",
        422,
        "period-backwards ?to",
    ),
    read("releases of a day that is none", "/ocds/releases.json?from=2026-02-30", 422, "invalid-request ?from"),
    read("releases of a time before all", "/ocds/releases.json?to=2001-01-01", 404, "nothing-published"),
    read("a process that is not there", f"/ocds/{rules.UNREGISTERED}-nei", 404, "process-not-found"),
    read("an agreement that is a draft", f"/ocds/{rules.UNREGISTERED}-ra-2027-nettbrett", 404, "process-not-found"),
    read("a call-off that is not there", f"/call-offs/{SOMEBODY}/ocds", 404, "process-not-found"),
    read("a call-off that is only reserved", "/call-offs/{reserved}/ocds", 404, "process-not-found"),
    read("a file that the extension has not", "/ocds/extension/other.json", 422, "invalid-request file"),
]
