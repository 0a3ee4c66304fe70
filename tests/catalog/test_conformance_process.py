"""The process that tests a supplier's endpoint: the right verdict on each way to be wrong, no step out of bounds."""

import copy
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import dns.resolver
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.catalog.conformance_runs.bounds import Job, Used, run
from services.catalog.conformance_runs.rules import Finding, Limits, Outcome, Reason, Step, Verdict
from services.chassis.db import PROJECT
from tests.catalog.supplier_api import CONTRACT, Counted, Endpoint, NameServer, contract_of, listening

LIMITS = Limits(
    wall_seconds=60,
    cpu_seconds=30,
    memory_bytes=400 * 1024 * 1024,
    cases=200,
    cases_per_operation=20,
    answer_seconds=5,
    answer_bytes=100_000,
)
NAME = "endpoint.example"


def limited(**other: Any) -> Limits:
    return Limits(**{**vars(LIMITS), **other})


def examined(port: int, **other: Any) -> tuple[Outcome, Used]:
    given: dict[str, Any] = {
        "contract": CONTRACT,
        "base_url": f"http://127.0.0.1:{port}/api",
        "hosts": ["127.0.0.1", "::1", NAME],
        "headers": {},
        "exempts": [f"127.0.0.1/32:{port}"],
    }
    outcome, used = run(Job(**{"limits": LIMITS} | given | other))
    assert outcome
    return outcome, used


def by_name(port: int, server: str, **other: Any) -> tuple[Outcome, Used]:
    return examined(port, base_url=f"http://{NAME}:{port}/api", name_server=server, **other)


def findings(outcome: Outcome) -> set[str]:
    assert outcome.report
    return {one["finding"] for one in outcome.report["failures"]}


def test_who_is_right_passes_and_nothing_is_sent_but_the_contract() -> None:
    endpoint = Endpoint()
    with listening(endpoint) as port:
        outcome, used = examined(port, headers={"X-Test-Tenant": "fiktiv"})
    assert (outcome.step, outcome.verdict) == (Step.FINISH, Verdict.PASSED)
    assert outcome.report
    assert [one["succeeded"] for one in outcome.report["operations"]] == [True, True]
    assert outcome.report["cases"] == len(endpoint.seen)
    assert used.exit_code == 0
    for _, path, headers in endpoint.seen:
        assert path.startswith("/api/")
        assert headers["X-Test-Tenant"] == "fiktiv"
        assert headers["Host"] == f"127.0.0.1:{port}"
        assert not {"Authorization", "Cookie"} & set(headers)


WRONG = {
    "a status that is not described": {Finding.UNDOCUMENTED_STATUS},
    "a body that is not as described": {Finding.BODY_NOT_AS_DESCRIBED},
    "another content type": {Finding.UNDOCUMENTED_CONTENT_TYPE},
    "breaks on what is allowed": {Finding.SERVER_ERROR, Finding.UNDOCUMENTED_STATUS},
    "ignores a required header": {Finding.REQUIRED_PARAMETER_IGNORED},
}


@pytest.mark.parametrize("given", [True, False])
def test_what_the_contract_gives_as_an_example_is_asked_for(given: bool) -> None:
    room = {
        "name": "room",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": "^room-[0-9]{1,6}$"},
    }
    answers = {
        "200": {"description": "It", "content": {"application/json": {"schema": {"type": "object"}}}},
        "404": {"description": "There is none"},
    }
    operation = {"parameters": [room | {"example": "room-12"} if given else room], "responses": answers}
    contract = {**CONTRACT, "paths": {"/rooms/{room}": {"get": operation}}}
    with listening(Endpoint()) as port:
        outcome, _ = examined(port, contract=contract)
    assert outcome.report
    (told,) = outcome.report["operations"]
    assert told["succeeded"] == given
    assert outcome.verdict is (Verdict.PASSED if given else Verdict.FAILED), "nothing was shown"


def by_operation(outcome: Outcome) -> dict[str, set[str]]:
    """Each operation → what was found of it."""
    assert outcome.report
    found: dict[str, set[str]] = {one["operation"]: set() for one in outcome.report["operations"]}
    for one in outcome.report["failures"]:
        found[one["operation"]].add(one["finding"])
    return found


def test_each_of_five_planted_wrongs_is_told_by_name_and_nothing_else_is() -> None:
    with listening(Endpoint(ways=list(WRONG))) as port:
        outcome, _ = examined(port, contract=contract_of(*WRONG), limits=limited(cases=1000))
    assert outcome.verdict is Verdict.FAILED
    told = by_operation(outcome)
    assert told.pop("GET /alerts") == set()
    assert told.pop("POST /receipts") == set()
    assert told == {f"GET /{place}/alerts": found for place, found in enumerate(WRONG.values())}
    assert outcome.report
    for failure in outcome.report["failures"]:
        assert failure["example"].startswith("curl -X GET ")
        assert f"127.0.0.1:{port}/api/{failure['operation'][5]}/alerts" in failure["example"]
        assert failure["seen"] >= 1


TRAPS = {
    "huge": Finding.ANSWER_TOO_LARGE,
    "bomb": Finding.ANSWER_TOO_LARGE,
    "hangs up": Finding.NO_ANSWER,
    "hangs": Finding.NO_ANSWER,
    "drips": Finding.NO_ANSWER,
}


def test_an_answer_that_has_no_end_is_left_and_not_asked_for_again() -> None:
    contract = contract_of(*TRAPS)
    del contract["paths"]["/alerts"], contract["paths"]["/receipts"]
    with listening(Endpoint(ways=list(TRAPS))) as port:
        outcome, used = examined(port, contract=contract, limits=limited(answer_seconds=0.5))
    assert outcome.verdict is Verdict.FAILED
    assert by_operation(outcome) == {f"GET /{place}/alerts": {found} for place, found in enumerate(TRAPS.values())}
    assert outcome.report
    assert [one["cases"] for one in outcome.report["operations"]] == [1] * len(TRAPS)
    assert used.memory_bytes
    assert used.memory_bytes < LIMITS.memory_bytes, "a bomb of a gigabyte is not unpacked"


# ---- Nobody is led to where they should not be. Each trap is shown to work on whoever is careless.


def test_a_redirect_to_a_private_address_is_told_and_not_followed() -> None:
    private, endpoint = Counted(), Endpoint("redirects")
    with private.at("127.0.0.2") as door, listening(endpoint) as port:
        endpoint.elsewhere = f"http://127.0.0.2:{door}/"
        outcome, _ = examined(port)
        assert private.came == 0
        assert findings(outcome) == {Finding.REDIRECT, Finding.NOTHING_SHOWN}
        requests.get(f"http://127.0.0.1:{port}/api/alerts", timeout=5)
        assert private.came == 1, "the trap works: whoever follows redirects is led there"


def test_a_name_that_leads_elsewhere_at_the_second_look_is_not_looked_up_twice() -> None:
    private, endpoint = Counted(), Endpoint("closes")
    server = NameServer(["127.0.0.1"], ["127.0.0.2"])
    with server.running() as place, listening(endpoint) as port, private.at("127.0.0.2", port):
        outcome, _ = by_name(port, place)
        assert outcome.verdict is Verdict.PASSED
        assert outcome.report
        assert outcome.report["connections"] > 10, "every request needed a connection of its own"
        assert outcome.report["addresses"] == ["127.0.0.1"]
        assert sorted(server.asked) == ["A", "AAAA"]
        assert private.came == 0
        assert {headers["Host"] for _, _, headers in endpoint.seen} == {f"{NAME}:{port}"}
        careless(NameServer(["127.0.0.1"], ["127.0.0.2"]), port)
        assert private.came == 1, "the trap works: whoever looks, and then connects by the name, is led there"


def careless(server: NameServer, port: int) -> None:
    """Looks at an address, finds it allowed, and lets the name be looked up anew for the connection."""
    with server.running() as place:
        resolver = dns.resolver.Resolver(configure=False)
        host, _, at = place.rpartition(":")
        resolver.nameservers, resolver.port = [host], int(at)
        assert str(resolver.resolve(NAME, "A")[0]) == "127.0.0.1"
        with socket.create_connection((str(resolver.resolve(NAME, "A")[0]), port)) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            connection.recv(100)


PRIVATE = [
    ["127.0.0.2"],
    ["127.0.0.1", "127.0.0.2"],  # one that may be called does not help another that may not
    ["127.0.0.1", "::1"],
    ["fe80::1"],
    ["::ffff:127.0.0.2"],
    [],
]


@pytest.mark.parametrize("answers", PRIVATE, ids=str)
def test_a_name_with_an_address_that_is_not_on_the_internet_is_not_called_at_all(answers: list[str]) -> None:
    private = Counted()
    with ExitStack() as open_ones:
        place = open_ones.enter_context(NameServer(answers).running())
        port = open_ones.enter_context(private.at("127.0.0.2"))
        for other in ("127.0.0.1", "::1"):
            open_ones.enter_context(private.at(other, port))
        outcome, _ = by_name(port, place)
        assert (outcome.step, outcome.reason) == (Step.FAIL, Reason.ADDRESS_REFUSED if answers else Reason.NAME_UNKNOWN)
        assert private.came == 0


@pytest.mark.parametrize("host", ["[::1]", "127.0.0.2"])
def test_nor_is_such_an_address_in_numbers(host: str) -> None:
    private = Counted()
    with private.at(host.strip("[]")) as port:
        outcome, _ = examined(port, base_url=f"http://{host}:{port}", hosts=[host.strip("[]")])
        assert outcome.reason is Reason.ADDRESS_REFUSED
        assert private.came == 0
        with socket.create_connection((host.strip("[]"), port)) as connection:
            connection.recv(100)
        assert private.came == 1, "somebody is at home there"


def test_a_host_that_nobody_approved_is_not_called() -> None:
    endpoint = Endpoint()
    with listening(endpoint) as port:
        outcome, _ = examined(port, hosts=["another.example"])
    assert outcome.reason is Reason.ADDRESS_REFUSED
    assert endpoint.seen == []


def test_a_proxy_in_the_environment_is_none_of_its_business(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Counted()
    with proxy.at("127.0.0.2") as door, listening(Endpoint()) as port:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.2:{door}")
        outcome, _ = examined(port)
        assert outcome.verdict is Verdict.PASSED
        assert proxy.came == 0
        requests.get(f"http://127.0.0.1:{port}/api/alerts", timeout=5)
        assert proxy.came == 1, "the proxy would have been asked by others"


def test_a_contract_leads_nowhere_either() -> None:
    private, endpoint = Counted(), Endpoint()
    with private.at("127.0.0.2") as door, listening(endpoint) as port:
        url = f"http://127.0.0.2:{door}/"
        contract = copy.deepcopy(CONTRACT)
        contract["servers"] = [{"url": url}]
        alert = contract["components"]["schemas"]["Alert"]
        alert["$schema"], alert["$id"] = f"{url}dialect", f"{url}id"
        limit = contract["paths"]["/alerts"]["get"]["parameters"][1]
        limit["examples"] = {"a": {"externalValue": f"{url}a.json"}}
        outcome, _ = examined(port, contract=contract)
        assert outcome.verdict is Verdict.PASSED
        assert private.came == 0
        endpoint.seen.clear()
        alert["properties"]["room"] = {"$ref": f"{url}schema.json"}
        outcome, _ = examined(port, contract=contract)
        assert outcome.reason is Reason.CONTRACT_UNUSABLE
        assert private.came == 0
        assert endpoint.seen == []


# ---- Secure connections go to the checked address, and are proved by the name


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of NAME, which nobody but itself vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "endpoint.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(("trusted", "host"), [(True, NAME), (False, NAME), (True, "another.example")])
def test_a_certificate_is_looked_at_by_the_name(certificate: Path, trusted: bool, host: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    pem = certificate.read_text()
    given = {"authorities": pem[pem.index("-----BEGIN CERT") :] if trusted else None}
    with NameServer(["127.0.0.1"]).running() as place, listening(Endpoint(), wrapped=context) as port:
        base = f"https://{host}:{port}/api"
        outcome, _ = examined(port, base_url=base, hosts=[host], name_server=place, **given)
    if trusted and host == NAME:
        assert outcome.verdict is Verdict.PASSED
    else:
        assert outcome.reason is Reason.UNREACHABLE


def test_nobody_there_is_no_verdict() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        outcome, _ = examined(taken.getsockname()[1])
    assert (outcome.step, outcome.reason, outcome.report) == (Step.FAIL, Reason.UNREACHABLE, None)


# ---- What the kernel holds


def test_the_kernel_gives_no_more_memory() -> None:
    with listening(Endpoint()) as port:
        outcome, used = examined(port, limits=limited(memory_bytes=60 * 1024 * 1024))
    assert (outcome.step, outcome.reason) == (Step.FAIL, Reason.TOO_MUCH_MEMORY), (outcome, used)


def test_the_kernel_ends_what_computes_too_long() -> None:
    with listening(Endpoint()) as port:
        outcome, used = examined(port, limits=limited(cpu_seconds=1, cases=100_000, cases_per_operation=100_000))
    assert outcome.reason is Reason.TOO_MUCH_PROCESSOR_TIME, (outcome, used)
    assert used.exit_code == -signal.SIGXCPU
    assert used.cpu_seconds < 3, "one second, and two of grace"


def test_who_lasts_too_long_is_ended_from_outside_with_all_that_belongs_to_it() -> None:
    with listening(Endpoint("hangs")) as port:
        outcome, used = examined(port, limits=limited(wall_seconds=2, answer_seconds=60))
    assert (outcome.step, outcome.reason) == (Step.TIME_OUT, Reason.TOO_MUCH_TIME)
    assert used.exit_code == -signal.SIGKILL


def test_who_is_not_wanted_any_more_is_ended() -> None:
    with listening(Endpoint("hangs")) as port:
        job = Job(CONTRACT, f"http://127.0.0.1:{port}", ["127.0.0.1"], {}, limited(answer_seconds=60),
                  [f"127.0.0.1/32:{port}"])  # fmt: skip
        outcome, used = run(job, wanted=lambda: False)
    assert outcome is None
    assert used.exit_code == -signal.SIGKILL


TRIED = """
import encodings.idna, json, os, resource, socket, sys, threading
from services.catalog.conformance_runs import runner
told = {}
def tried(name, what):
    try:
        what()
        told[name] = "done"
    except BaseException as error:
        told[name] = type(error).__name__
written = os.open(sys.argv[2], os.O_WRONLY)
runner.bound(400 * 1024 * 1024, 10, os.getppid())
runner.become_nobody(os.getppid())
tried("a process", os.fork)
tried("a thread", threading.Thread(target=print).start)
tried("a file", lambda: os.write(written, b"x"))
tried("a higher limit", lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40)))
tried("much memory", lambda: bytearray(500 * 1024 * 1024))
tried("many files", lambda: [os.dup(0) for _ in range(100)])
os.closerange(10, 64)
told["uid"] = os.getuid()
told["environment"] = sorted(os.environ)
runner.watch_over(["127.0.0.1"], int(sys.argv[1]))
tried("the checked address", lambda: socket.socket().connect(("127.0.0.1", int(sys.argv[1]))))
tried("another address", lambda: socket.socket().connect(("127.0.0.2", int(sys.argv[1]))))
tried("another port", lambda: socket.socket().connect(("127.0.0.1", 1)))
tried("a name", lambda: socket.getaddrinfo("localhost", 80))
tried("a datagram", lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"", ("127.0.0.1", 53)))
tried("somebody's file", lambda: open("/etc/passwd"))
tried("a file of the installation", lambda: open(sys.argv[3]))
tried("a way around", lambda: open(sys.prefix + "/../../etc/passwd"))
tried("Python's own file", lambda: open(json.__file__).close())
tried("a program", lambda: os.execv("/bin/true", ["true"]))
print(json.dumps(told))
"""


def test_a_run_can_do_nothing_but_talk_to_its_endpoint(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.touch()
    target.chmod(0o666)
    visitors = Counted()
    with visitors.at("127.0.0.1") as port:
        done = subprocess.run(
            [sys.executable, "-P", "-c", TRIED, str(port), str(target), str(PROJECT / "pyproject.toml")],
            env={"PYTHONPATH": str(PROJECT)},
            capture_output=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told.pop("uid") == (65534 if os.getuid() == 0 else os.getuid())
    assert set(told.pop("environment")) <= {"PYTHONPATH", "LC_CTYPE"}
    assert told.pop("Python's own file") in ("done", "PermissionError")  # nobody may not be allowed to
    assert told.pop("the checked address") == "done"
    assert visitors.came == 1
    assert told == {
        "a process": "BlockingIOError",
        "a thread": "RuntimeError",
        "a file": "OSError",
        "a higher limit": "ValueError",
        "much memory": "MemoryError",
        "many files": "OSError",
        "another address": "Left",
        "another port": "Left",
        "a name": "Left",
        "a datagram": "Left",
        "somebody's file": "PermissionError",
        "a file of the installation": "PermissionError",
        "a way around": "PermissionError",
        "a program": "Left",
    }


def test_the_traps_stand_on_addresses_that_are_not_on_the_internet() -> None:
    assert not any(ip_address(one).is_global for one in ("127.0.0.2", "::1", "fe80::1", "169.254.169.254"))
