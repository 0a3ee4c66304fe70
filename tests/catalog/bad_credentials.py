"""What is refused around credentials and status lists."""

from tests.catalog.bad import Case

CREDENTIAL = "/certificates/SV-2026-000001/credential"
LIST = "/status-lists/1"


def open_read(name: str, path: str, problem: str, status: int, **more: object) -> Case:
    return Case(name, "GET", path, problem, status, organisation=None, **more)  # type: ignore[arg-type]  # as they come


CASES = [
    open_read("credential of nothing", "/certificates/SV-2026-999999/credential", "certificate-not-found", 404),
    open_read("credential of NUL", "/certificates/SV%00/credential", "value-unusable", 400),
    open_read("credential of a long number", f"/certificates/{'9' * 2000}/credential", "certificate-not-found", 404),
    Case("credential made by hand", "POST", CREDENTIAL, "about:blank", 405, body={"jws": "a.b.c"}),
    Case("credential taken away", "DELETE", CREDENTIAL, "about:blank", 405),
    open_read("list that there is not", "/status-lists/99", "status-list-not-found", 404),
    open_read("list nought", "/status-lists/0", "invalid-request", 422),
    open_read("list below nought", "/status-lists/-1", "invalid-request", 422),
    open_read("list by name", "/status-lists/alle", "invalid-request", 422),
    open_read("list of a huge number", f"/status-lists/{'9' * 5000}", "invalid-request", 422),
    open_read("time in words", LIST, "invalid-request", 422, query={"time": "i går"}, pointer="?time"),
    open_read("time before 1970", LIST, "invalid-request", 422, query={"time": "-1"}, pointer="?time"),
    open_read("time with a fraction", LIST, "invalid-request", 422, query={"time": "1.5"}, pointer="?time"),
    open_read("time beyond all calendars", LIST, "invalid-request", 422, query={"time": "9" * 30}, pointer="?time"),
    open_read("time that has not come", LIST, "time-not-served", 404, query={"time": "32503680000"}),
    open_read("time before certificates", LIST, "time-not-served", 404, query={"time": "0"}),
    Case("list written by hand", "PUT", LIST, "about:blank", 405, body={"bits": 2}),
    Case("key brought along", "POST", "/.well-known/jwks.json", "about:blank", 405, body={"keys": []}),
    open_read("key by its file", "/.well-known/../keys/catalog", "about:blank", 404),
]
