"""The way to SvarUT, byte by byte, and answers that make no sense."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.integration.attempts.rules import Answer, Verdict, verdict
from services.integration.svarut_client import File, Letter, SvarUt, Told

KONTO, INTEGRATION = UUID(int=1), UUID(int=2)
ID, OTHER = str(UUID(int=3)), str(UUID(int=4))
LETTER = Letter(
    "brev-1",
    "Bestilling på «smørbrød»",
    "100000016",
    "Fjordvakt",
    [File("å.pdf", "application/pdf", b"%PDF-1"), File("b.pdf", "application/pdf", b"%PDF-2" * 50_000)],
)


@dataclass
class OddSvarUt:
    """Says what it is told to say, and remembers what it was asked."""

    url: str = ""
    status: int = 200
    content_type: str = "application/json"
    body: bytes = b""
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def says(self, body: Any, *, status: int = 200, content_type: str = "application/json") -> None:
        self.status, self.content_type = status, content_type
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()


@pytest.fixture
def odd() -> Iterator[OddSvarUt]:
    told = OddSvarUt()

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            told.asked.append((self.command, self.path, headers, self.rfile.read(length)))
            self.send_response(told.status)
            self.send_header("Content-Type", told.content_type)
            self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            self.wfile.write(told.body)

        do_GET = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            """The tests' output is theirs."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    told.url = f"http://127.0.0.1:{server.server_port}"
    yield told
    server.shutdown()
    server.server_close()


class _Token(httpx.Auth):
    def auth_flow(self, request: httpx.Request) -> Any:
        request.headers["Authorization"] = "Bearer x"
        yield request


@pytest.fixture
def svarut(odd: OddSvarUt) -> Iterator[SvarUt]:
    client = SvarUt(
        odd.url,
        konto=KONTO,
        integration_id=INTEGRATION,
        password="pæss",
        token=_Token(),
        read_seconds=2,
        connections=2,
    )
    yield client
    client.close()


def test_a_letter_is_one_multipart_body_with_the_metadata_first_and_the_files_in_order(
    odd: OddSvarUt, svarut: SvarUt
) -> None:
    odd.says({"id": ID, "noe nytt": [1]})
    answer = svarut.send(LETTER)
    assert (answer.id, verdict(answer)) == (ID, Verdict.SENT)
    ((method, path, headers, body),) = odd.asked
    assert (method, path) == ("POST", f"/api/v3/kontoer/{KONTO}/forsendelser/organisasjon")
    assert headers["authorization"] == "Bearer x"
    assert headers["integrasjonid"] == str(INTEGRATION)
    assert headers["integrasjonpassord"].encode("latin-1").decode() == "pæss"
    assert "transfer-encoding" not in headers
    boundary = headers["content-type"].removeprefix("multipart/form-data; boundary=")
    nothing, *parts, end = body.split(f"--{boundary}".encode())
    assert (nothing, end) == (b"", b"--\r\n")
    heads = [part.partition(b"\r\n\r\n")[0] for part in parts]
    contents = [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts]
    assert b'name="forsendelse"' in heads[0]
    assert "filename" not in heads[0].decode()
    assert 'filename="å.pdf"' in heads[1].decode()
    assert contents[1:] == [file.content for file in LETTER.files]
    metadata = json.loads(contents[0])
    assert metadata["mottaker"] == {"navn": "Fjordvakt", "digitalId": "100000016"}
    assert (metadata["tittel"], metadata["eksternReferanse"]) == (LETTER.title, "brev-1")
    assert [one["filnavn"] for one in metadata["dokumenter"]] == ["å.pdf", "b.pdf"]


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ({}, 200, Verdict.UNCERTAIN),
        ({"id": None}, 200, Verdict.UNCERTAIN),
        ({"id": "42"}, 200, Verdict.UNCERTAIN),
        ([], 200, Verdict.UNCERTAIN),
        (b"", 200, Verdict.UNCERTAIN),
        (b"<html>Velkommen</html>", 200, Verdict.UNCERTAIN),
        (b"", 302, Verdict.DENIED),
        (b"<html>413</html>", 413, Verdict.DENIED),
        ({"message": "x"}, 400, Verdict.DENIED),
        ({"message": None, "errorId": "1"}, 400, Verdict.DENIED),
        ({"message": "x", "errorId": "1", "errorJson": {"antall": 13}}, 400, Verdict.REFUSED),
        ({"message": "x", "errorcode": "GJENTAGENDE_FORSENDELSE"}, 400, Verdict.DUPLICATE),
        (b"<html>500</html>", 500, Verdict.DENIED),
    ],
)
def test_an_odd_answer_to_a_letter_is_never_taken_for_more_than_it_is(
    odd: OddSvarUt, svarut: SvarUt, body: Any, status: int, expected: Verdict
) -> None:
    odd.says(body, status=status, content_type="text/html")
    answer = svarut.send(LETTER)
    assert verdict(answer) is expected
    assert answer.message


def test_the_right_answer_under_the_wrong_content_type_is_taken(odd: OddSvarUt, svarut: SvarUt) -> None:
    odd.says({"id": ID}, content_type="text/plain")
    assert svarut.send(LETTER).id == ID


def test_a_personal_number_in_an_error_is_masked(odd: OddSvarUt, svarut: SvarUt) -> None:
    odd.says({"message": "Ukjent mottaker 01020312345", "errorId": "1"}, status=400)
    assert svarut.send(LETTER).message == "Ukjent mottaker ***********"


def test_a_letter_is_found_by_its_reference(odd: OddSvarUt, svarut: SvarUt) -> None:
    odd.says({"forsendelseIds": [ID, None, "42", OTHER], "noe nytt": 1})
    assert svarut.find("brev-1~a") == [ID, OTHER]
    assert odd.asked[0][1] == f"/api/v2/kontoer/{KONTO}/forsendelser?eksternRef=brev-1~a"
    odd.says({"forsendelseIds": []})
    assert svarut.find("brev-1") == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 200),
        ({"forsendelseIds": None}, 200),
        ([], 200),
        (b"<html>", 200),
        ({"forsendelseIds": []}, 404),
        (b"", 503),
    ],
)
def test_not_knowing_is_never_taken_for_not_there(odd: OddSvarUt, svarut: SvarUt, body: Any, status: int) -> None:
    odd.says(body, status=status)
    assert isinstance(svarut.find("brev-1"), Answer)


def test_statuses_survive_what_they_do_not_understand(odd: OddSvarUt, svarut: SvarUt) -> None:
    odd.says(
        {
            "statuser": [
                {"id": ID, "status": "NOE_NYTT", "sisteStatusEndring": "2026-11-02T10:00:00.008+01:00", "mer": 1},
                {"id": OTHER, "status": None},
                {"id": None, "status": "LEST"},
                {"id": OTHER, "status": "LEST", "sisteStatusEndring": "i går"},
                None,
            ]
        }
    )
    first, second = svarut.statuses([ID, OTHER])  # type: ignore[misc]  # a list, as the next lines show
    assert isinstance(first, Told)
    assert (first.id, first.status) == (ID, "NOE_NYTT")
    assert first.changed_at
    assert first.changed_at.isoformat() == "2026-11-02T10:00:00.008000+01:00"
    assert second == Told(OTHER, "LEST", None)
    assert json.loads(odd.asked[0][3]) == {"id": [ID, OTHER]}
    odd.says(b"<html>", status=502)
    assert isinstance(svarut.statuses([ID]), Answer)


def test_nobody_there_is_known_to_have_got_nothing(svarut: SvarUt, odd: OddSvarUt) -> None:
    client = SvarUt(
        "http://127.0.0.1:1",
        konto=KONTO,
        integration_id=INTEGRATION,
        password="x",
        token=_Token(),
        read_seconds=1,
        connections=1,
    )
    assert verdict(client.send(LETTER)) is Verdict.TRANSIENT
    client.close()
