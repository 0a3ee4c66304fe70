"""A supplier's test endpoint: a real HTTP server on loopback, right or wrong in one planted way. And the two things a
trap is made of: a socket that counts who comes, and a name server that says what it is told to."""

import gzip
import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ALERT = {"id": "8d3c1a52-0b7e-4f3c-9d6a-1f2e3d4c5b6a", "kind": "fall", "room": "12"}
CONTRACT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Alerts (fictional)", "version": "1"},
    "paths": {
        "/alerts": {
            "get": {
                "parameters": [
                    {"name": "X-Municipality", "in": "header", "required": True,
                     "schema": {"type": "string", "pattern": "^[0-9]{4}$"}},
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 200}},
                ],
                "responses": {
                    "200": {"description": "Alerts", "content": {"application/json": {
                        "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Alert"}}}}},
                    "400": {"description": "Something is missing"},
                },
            }
        },
        "/receipts": {
            "post": {
                "requestBody": {"required": True, "content": {"application/json": {"schema": {
                    "type": "object", "required": ["alerts"], "properties": {
                        "alerts": {"type": "array", "minItems": 1, "maxItems": 5,
                                   "items": {"type": "string", "format": "uuid"}}}}}}},
                "responses": {"204": {"description": "Received"}, "400": {"description": "Not understood"}},
            }
        },
    },
    "components": {"schemas": {"Alert": {
        "type": "object", "required": ["id", "kind", "room"], "properties": {
            "id": {"type": "string", "format": "uuid"},
            "kind": {"type": "string", "enum": ["fall", "door"]},
            "room": {"type": "string"}}}}},
}  # fmt: skip


def contract_of(*ways: str) -> dict[str, Any]:
    """The contract with an operation for each way to be wrong, under `/<its place>/alerts`."""
    paths = {f"/{place}/alerts": CONTRACT["paths"]["/alerts"] for place in range(len(ways))}
    return {**CONTRACT, "paths": {**CONTRACT["paths"], **paths}}


class Endpoint:
    """What each request is answered with. `wrong` names the planted way; None: right. `ways`: those of the operations
    under `/0/`, `/1/` …"""

    def __init__(self, wrong: str | None = None, ways: Sequence[str] = ()) -> None:
        self.wrong, self.ways, self.elsewhere = wrong, ways, ""
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.arrived, self.closing = threading.Event(), threading.Event()
        endpoint = self

        class Page(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65536

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except (ConnectionError, TimeoutError):
                    self.close_connection = True

            def do_GET(self) -> None:
                endpoint.seen.append((self.command, self.path, dict(self.headers.items())))
                endpoint.answer(self, b"")

            def do_POST(self) -> None:
                endpoint.seen.append((self.command, self.path, dict(self.headers.items())))
                endpoint.answer(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def log_message(self, format: str, *args: Any) -> None:
                """The tests' output is theirs."""

        self.page = Page

    def answer(self, page: BaseHTTPRequestHandler, body: bytes) -> None:
        traps: dict[str | None, Callable[[], None]] = {
            "hangs": lambda: self._hang(page),
            "drips": lambda: self._drip(page),
            "redirects": lambda: reply(page, 302, b"", {"Location": self.elsewhere}),
            "huge": lambda: self._huge(page),
            "bomb": lambda: reply(page, 200, BOMB, {"Content-Type": "application/json", "Content-Encoding": "gzip"}),
            "hangs up": lambda: self._raw(page, b""),
        }
        place = re.search(r"/(\d)/alerts", page.path)
        wrong = self.ways[int(place[1])] if place else self.wrong
        if wrong in traps:
            traps[wrong]()
        elif "/rooms/" in page.path:
            known = page.path.endswith("/room-12")
            reply(page, 200 if known else 404, b"{}", {"Content-Type": "application/json"})
        elif urlsplit(page.path).path.endswith("/alerts"):
            self._alerts(page, wrong)
        else:
            told = json.loads(body)
            fine = all(UUID.fullmatch(one) for one in told["alerts"])
            reply(page, 204 if fine else 400, b"")

    def _alerts(self, page: BaseHTTPRequestHandler, wrong: str | None) -> None:
        page.close_connection = page.close_connection or wrong == "closes"
        limit = int(parse_qs(urlsplit(page.path).query).get("limit", ["50"])[0])
        kind = {"Content-Type": "application/json"}
        if "X-Municipality" not in page.headers and wrong != "ignores a required header":
            return reply(page, 400, b"")
        shown = dict(ALERT)
        if wrong == "a status that is not described" and limit > 100:
            return reply(page, 418, b"{}", kind)
        if wrong == "breaks on what is allowed" and limit > 150:
            return reply(page, 500, b"{}", kind)
        if wrong == "a body that is not as described":
            del shown["room"]
        if wrong == "another content type":
            kind = {"Content-Type": "text/html"}
        return reply(page, 200, json.dumps([shown]).encode(), kind)

    def _hang(self, page: BaseHTTPRequestHandler) -> None:
        self.arrived.set()
        self.closing.wait(30)
        page.close_connection = True

    def _drip(self, page: BaseHTTPRequestHandler) -> None:
        page.send_response(200)
        page.send_header("Content-Length", "1000000")
        page.end_headers()
        while not self.closing.wait(0.05):
            page.wfile.write(b" ")
            page.wfile.flush()

    def _huge(self, page: BaseHTTPRequestHandler) -> None:
        page.send_response(200)
        page.send_header("Content-Type", "application/json")
        page.send_header("Connection", "close")
        page.end_headers()
        while not self.closing.is_set():
            page.wfile.write(b" " * 65536)

    def _raw(self, page: BaseHTTPRequestHandler, content: bytes) -> None:
        page.wfile.write(content)
        page.close_connection = True


BOMB = gzip.compress(bytes(1024 * 1024), 9) * 1024
"""A megabyte that unpacks to a gigabyte."""


def reply(page: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    page.send_response(status)
    for name, value in (headers or {}).items():
        page.send_header(name, value)
    if status != 204:
        page.send_header("Content-Length", str(len(body)))
    page.end_headers()
    page.wfile.write(body)


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up in the middle is what is tested."""


class _Quiet6(_Quiet):
    address_family = socket.AF_INET6


@contextmanager
def listening(endpoint: Endpoint, address: str = "127.0.0.1", wrapped: Any = None) -> Iterator[int]:
    """→ the port"""
    server = (_Quiet6 if ":" in address else _Quiet)((address, 0), endpoint.page)
    if wrapped:
        server.socket = wrapped.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server.server_port
    finally:
        endpoint.closing.set()
        server.shutdown()
        server.server_close()


class Counted:
    """A place that nobody may come to, and how many came."""

    def __init__(self) -> None:
        self.came = 0

    @contextmanager
    def at(self, address: str, port: int = 0) -> Iterator[int]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind((address, port))
            door.listen(16)
            stop = threading.Event()

            def watch() -> None:
                while not stop.is_set():
                    try:
                        visitor, _ = door.accept()
                    except OSError:
                        return
                    with visitor:
                        if stop.is_set():
                            return
                        self.came += 1
                        visitor.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]")

            watching = threading.Thread(target=watch, daemon=True)
            watching.start()
            yield door.getsockname()[1]
            stop.set()
            with socket.socket(family, socket.SOCK_STREAM) as last:
                last.connect(door.getsockname()[:2])
            watching.join()


class NameServer:
    """Answers every question for an address with the next of its answers, the last one for ever, and counts."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    @contextmanager
    def running(self) -> Iterator[str]:
        """→ where it listens, such as `127.0.0.1:5353`"""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
            here.bind(("127.0.0.1", 0))
            place = here.getsockname()

            def serve() -> None:
                while True:
                    question, whence = here.recvfrom(4096)
                    if not question:
                        return
                    here.sendto(self._answer(question), whence)

            serving = threading.Thread(target=serve, daemon=True)
            serving.start()
            yield f"{place[0]}:{place[1]}"
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", place)
            serving.join()

    def _answer(self, question: bytes) -> bytes:
        end = question.index(b"\0", 12) + 5
        (kind,) = struct.unpack("!H", question[end - 4 : end - 2])
        self.asked.append({1: "A", 28: "AAAA"}.get(kind, str(kind)))
        now = self._answers[0]
        if kind == 1 and len(self._answers) > 1:  # A comes after AAAA, or is the only one that is asked
            self._answers.pop(0)
        family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(kind)
        fitting = [one for one in now if (":" in one) == (family is socket.AF_INET6)] if family else []
        records = b"".join(
            struct.pack("!HHHIH", 0xC00C, kind, 1, 0, len(packed)) + packed
            for packed in (socket.inet_pton(family, one) for one in fitting if family)
        )
        head = struct.pack("!HHHHH", 0x8180, 1, len(fitting), 0, 0)
        return question[:2] + head + question[12:end] + records
