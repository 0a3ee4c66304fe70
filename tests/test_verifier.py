"""A certificate is verified without the catalogue, and whatever is in doubt is not valid."""

import base64
import json
import os
import socket
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from services import verifier
from services.chassis import clock, db
from services.verifier import Answer, Asked, Code
from tests.signed import DAY, ISSUER, certificate, jwks, new_key, seconds, signed, status_list

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEY, OTHER = new_key(), new_key()
KEYS = jwks(new_key("key-0"), KEY)
ALL_VALID = [0] * 20
CERTIFICATE, LIST = "certificate+jwt", "statuslist+jwt"
MINE = certificate(NOW)


def token(claims: dict[str, Any] = MINE, key: ECKey = KEY, **header: Any) -> str:
    return signed(key, claims, **{"typ": CERTIFICATE} | header)


def listed(values: list[int] = ALL_VALID, key: ECKey = KEY, typ: str = LIST, **changed: Any) -> str:
    return signed(key, status_list(NOW, values, **changed), typ=typ)


def asked(
    certified: str = "", status: str = "", keys: dict[str, Any] = KEYS, at: datetime = NOW, **question: Any
) -> tuple[Answer, Code]:
    found = verifier.verify(certified or token(), keys, status or listed(), Asked(**question), at)
    assert found.text().startswith(f"{found.answer.name.replace('_', ' ')} ({found.code}): ")
    return found.answer, found.code


@pytest.mark.parametrize(
    ("value", "answer", "code"),
    [
        (0, Answer.VALID, Code.VALID),
        (3, Answer.VALID, Code.VALID_WITH_CONDITIONS),
        (1, Answer.NOT_VALID, Code.INVALID),
        (2, Answer.NOT_VALID, Code.SUSPENDED),
    ],
)
def test_its_place_in_the_list_decides(value: int, answer: Answer, code: Code) -> None:
    others = [(value + 1) % 4] * 20
    others[5] = value
    assert asked(status=listed(others)) == (answer, code)


def swapped(part: str) -> str:
    """The token with other claims and the same signature."""
    header, _, signature = token().split(".")
    claims = MINE | {"certificate": MINE["certificate"] | {"delivery_forms": ["saas", part]}}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"{header}.{body}.{signature}"


def unsigned() -> str:
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": CERTIFICATE, "kid": "key-1"}).encode())
    return header.decode().rstrip("=") + "." + token().split(".")[1] + "."


def by_secret() -> str:
    """Signed with the public key as if it were a secret that both share."""
    secret = OctKey.import_key(json.dumps(KEY.as_dict(private=False)))
    return jwt.encode({"alg": "HS256", "kid": "key-1", "typ": CERTIFICATE}, MINE, secret)


def lacking(*path: str) -> str:
    claims = json.loads(json.dumps(MINE))
    inner = claims
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return token(claims)


@pytest.mark.parametrize(
    ("certified", "code"),
    [
        (swapped("on_premises"), Code.SIGNATURE_INVALID),
        (token(key=OTHER), Code.SIGNATURE_INVALID),
        (token()[:-8] + "AAAAAAAA", Code.SIGNATURE_INVALID),
        (unsigned(), Code.ALGORITHM_REFUSED),
        (by_secret(), Code.ALGORITHM_REFUSED),
        (token(typ="JWT"), Code.TYPE_WRONG),
        (listed(), Code.TYPE_WRONG),
        (token(typ="at+jwt"), Code.TYPE_WRONG),
        ("", Code.MALFORMED),
        ("a.b.c", Code.MALFORMED),
        (signed(KEY, {"iss": ISSUER}, typ=CERTIFICATE), Code.MALFORMED),
        (lacking("status"), Code.MALFORMED),
        (lacking("exp"), Code.MALFORMED),
        (lacking("certificate", "subject", "supplier"), Code.MALFORMED),
        (token(MINE | {"exp": True}), Code.MALFORMED),
        (token(MINE | {"exp": seconds(NOW.date())}), Code.EXPIRED),
        (token(MINE | {"nbf": seconds(NOW.date() + timedelta(days=1))}), Code.NOT_YET_VALID),
    ],
)
def test_a_certificate_that_is_wrong_is_refused_whatever_the_list_says(certified: str, code: Code) -> None:
    found = verifier.verify(certified, KEYS, listed(), Asked(), NOW)
    assert (found.answer, found.code) == (Answer.NOT_VALID, code)


def test_a_key_that_is_not_among_the_issuers_is_doubt() -> None:
    assert asked(keys=jwks(new_key("key-2"))) == (Answer.CANNOT_TELL, Code.KEY_UNKNOWN)
    assert asked(token(kid="key-9")) == (Answer.CANNOT_TELL, Code.KEY_UNKNOWN)
    assert asked(keys={"keys": [KEY.as_dict(private=False) | {"kid": None}, "key", 1]}) == (
        Answer.CANNOT_TELL,
        Code.KEY_UNKNOWN,
    )


def test_its_last_second_counts_and_the_next_does_not() -> None:
    ends = datetime.fromtimestamp(MINE["exp"], UTC)
    for moment, expected in ((ends - timedelta(seconds=1), Code.VALID), (ends, Code.EXPIRED)):
        made = int(moment.timestamp()) - 5
        assert asked(status=listed(iat=made, exp=made + DAY), at=moment)[1] is expected


BOMB = base64.urlsafe_b64encode(zlib.compress(bytes(60 * 2**20), 9)).decode().rstrip("=")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (listed(key=OTHER), Code.LIST_FORGED),
        (listed(typ="JWT"), Code.LIST_FORGED),
        (token(), Code.LIST_FORGED),
        ("nothing", Code.LIST_FORGED),
        (listed(key=new_key("key-7")), Code.KEY_UNKNOWN),
        (listed(sub=f"{ISSUER}/status-lists/2"), Code.LIST_OF_OTHERS),
        (listed(sub="https://catalog.invalid/status-lists/1"), Code.LIST_OF_OTHERS),
        (listed(iss="https://catalog.invalid"), Code.LIST_OF_OTHERS),
        (listed(exp=int(NOW.timestamp())), Code.LIST_STALE),
        (listed(exp=None), Code.LIST_MALFORMED),
        (listed(iat=None), Code.LIST_MALFORMED),
        (listed(iat=int(NOW.timestamp()) + 90), Code.LIST_OF_ANOTHER_TIME),
        (listed([0, 0, 0, 0]), Code.LIST_TOO_SHORT),
        (listed(status_list={"bits": 1, "lst": "eNrbuRgAAhcBXQ"}), Code.LIST_MALFORMED),
        (listed(status_list={"bits": 2, "lst": "not zlib"}), Code.LIST_MALFORMED),
        (listed(status_list={"bits": 2, "lst": BOMB}), Code.LIST_MALFORMED),
        (listed(status_list="eNrbuRgAAhcBXQ"), Code.LIST_MALFORMED),
    ],
)
def test_a_list_that_proves_nothing_leaves_it_open(status: str, code: Code) -> None:
    assert asked(status=status) == (Answer.CANNOT_TELL, code)


SIGNED: dict[str, Any] = {"certified": token(), "status": listed()}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."


@given(st.sampled_from(sorted(SIGNED)), st.sampled_from(LETTERS), st.data())
def test_a_token_changed_anywhere_is_never_valid(which: str, letter: str, data: st.DataObject) -> None:
    whole = SIGNED[which]
    where = data.draw(st.integers(0, len(whole) - 1))
    changed = whole[:where] + letter + whole[where + 1 :]
    answer, _ = asked(**SIGNED | {which: changed})
    assert (answer is Answer.VALID) is (changed == whole)


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ({"product": "fjordvakt-alarm"}, Code.VALID),
        ({"product": "nordlys-alarm"}, Code.PRODUCT_OTHER),
        ({"version": "1.10"}, Code.VALID),
        ({"version": "1.8"}, Code.VERSION_NOT_COVERED),
        ({"version": "2.1.1"}, Code.VERSION_NOT_COVERED),
        ({"delivery_form": "saas"}, Code.VALID),
        ({"delivery_form": "on_premises"}, Code.DELIVERY_FORM_NOT_COVERED),
        ({"issuer": ISSUER + "/"}, Code.VALID),
        ({"issuer": "https://catalog.invalid"}, Code.ISSUER_OTHER),
    ],
)
def test_it_has_to_cover_what_is_asked(question: dict[str, Any], code: Code) -> None:
    assert asked(**question)[1] is code


@pytest.mark.parametrize(
    ("versions", "covered"), [("all", True), (["1.9", "2.0"], True), (["2"], False), (None, False)]
)
def test_versions_are_all_or_some_or_a_range(versions: Any, covered: bool) -> None:
    certified = token(certificate(NOW, versions=versions))
    assert asked(certified, version="2.0")[1] is (Code.VALID if covered else Code.VERSION_NOT_COVERED)


def test_an_earlier_day_needs_the_list_of_that_day() -> None:
    day = (NOW - timedelta(days=10)).date()
    its_end = seconds(day + timedelta(days=1)) - 1
    of_then = listed([2] * 20, iat=its_end, exp=its_end + DAY)
    assert asked(status=of_then, on=day) == (Answer.NOT_VALID, Code.SUSPENDED)
    assert asked(status=listed(), on=day) == (Answer.CANNOT_TELL, Code.LIST_OF_ANOTHER_TIME)
    assert asked(status=of_then) == (Answer.CANNOT_TELL, Code.LIST_STALE)
    assert asked(status=listed(), on=NOW.date()) == (Answer.VALID, Code.VALID)
    long_ago = NOW.date() - timedelta(days=31)
    assert asked(status=listed(), on=long_ago) == (Answer.NOT_VALID, Code.NOT_YET_VALID)


def test_a_day_to_come_is_open_unless_it_has_expired_by_then() -> None:
    assert asked(on=NOW.date() + timedelta(days=1)) == (Answer.CANNOT_TELL, Code.DAY_AHEAD)
    assert asked(on=NOW.date() + timedelta(days=366)) == (Answer.NOT_VALID, Code.EXPIRED)


# ---- The command


@pytest.fixture
def files(tmp_path: Path) -> Path:
    now = clock.now()
    claims = certificate(now)
    (tmp_path / "certificate").write_text(signed(KEY, claims, typ=CERTIFICATE) + "\n")
    (tmp_path / "jwks").write_text(json.dumps(KEYS))
    (tmp_path / "list").write_text(signed(KEY, status_list(now, ALL_VALID), typ=LIST))
    return tmp_path


def run(files: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """In an environment without any setting, and with no database to be found."""
    command = [sys.executable, "-m", "services", "verify-certificate", str(files / "certificate")]
    command += ["--jwks", str(files / "jwks"), "--status-list", str(files / "list"), *more]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(command, env=kept, cwd=db.PROJECT, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_says_it_to_people_and_by_its_exit_code(files: Path) -> None:
    done = run(files, "--product", "fjordvakt-alarm", "--version", "2.0", "--delivery-form", "saas")
    assert (done.returncode, done.stderr) == (0, "")
    first, *told = done.stdout.splitlines()
    assert first == "VALID (valid): The issuer's status list says that it counts."
    assert "Fjordvakt Velferd AS (100000016)" in done.stdout
    assert told[-1].startswith("  status as of   20")
    refused = run(files, "--delivery-form", "on_premises")
    assert refused.returncode == 1
    assert refused.stdout.startswith("NOT VALID (delivery_form_not_covered): It covers saas.")
    (files / "list").unlink()
    open_question = run(files)
    assert open_question.returncode == 2
    assert open_question.stdout.startswith("CANNOT TELL (list_unreadable): ")


def test_it_needs_nothing_of_the_services_but_what_is_pure() -> None:
    code = "import sys, services.verifier; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=db.PROJECT, capture_output=True, text=True, timeout=60, check=True
    )
    needed = {name.partition(".")[0] for name in loaded.stdout.split()}
    assert not needed & {"sqlalchemy", "sqlmodel", "psycopg", "asyncpg", "fastapi", "starlette", "pydantic", "httpx"}


def found(files: Path, status: str, **question: Any) -> verifier.Verdict:
    return verifier.verdict(str(files / "certificate"), str(files / "jwks"), status, Asked(**question), clock.now())


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"keys": 1}', b"\xff", b"[" * 100_000, b" " * (5 * 2**20)])
def test_keys_that_are_none_leave_it_open(files: Path, content: bytes) -> None:
    (files / "jwks").write_bytes(content)
    assert found(files, str(files / "list")).code is Code.KEYS_UNREADABLE


@pytest.fixture
def served(files: Path) -> Iterator[tuple[str, list[str]]]:
    """A server with the status list. → its address, and the paths that it was asked for"""
    paths: list[str] = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            moved = self.path.startswith("/moved")
            self.send_response(302 if moved else 200)
            if moved:
                self.send_header("Location", "/list")
            self.end_headers()
            if not moved:
                self.wfile.write((files / "list").read_bytes())

        def log_message(self, format: str, *args: Any) -> None:
            """The tests' output is theirs."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", paths
    server.shutdown()
    server.server_close()


def test_a_list_is_fetched_from_its_address_and_of_the_day_that_is_asked_for(
    files: Path, served: tuple[str, list[str]]
) -> None:
    address, paths = served
    assert found(files, f"{address}/list").code is Code.VALID
    day = clock.today() - timedelta(days=3)
    assert found(files, f"{address}/list", on=day).code is Code.LIST_OF_ANOTHER_TIME
    assert paths == ["/list", f"/list?time={seconds(day + timedelta(days=1)) - 1}"]


@pytest.mark.parametrize(
    "address",
    [
        lambda base: f"{base}/moved",
        lambda base: base.replace("127.0.0.1", "[::ffff:127.0.0.1]"),
        lambda base: f"http://{socket.gethostname()}.invalid/list",
        lambda base: "http://127.0.0.1:1/list",
        lambda base: "file:///etc/hostname",
    ],
    ids=["elsewhere", "not loopback", "plain http", "nobody there", "no address"],
)
def test_what_cannot_be_fetched_safely_leaves_it_open(
    files: Path, served: tuple[str, list[str]], address: Callable[[str], str]
) -> None:
    assert found(files, address(served[0])).code is Code.LIST_UNREADABLE
