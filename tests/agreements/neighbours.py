"""Neighbours that behave badly on the wire: they hang, drip, lie, or answer an error. Real sockets."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Behaviour = Callable[[socket.socket], None]


def says(status: str, body: str, content_type: str = "application/json") -> Behaviour:
    def answer(connection: socket.socket) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body.encode())}\r\n\r\n"
        connection.sendall(head.encode() + body.encode())

    return answer


def hangs(connection: socket.socket) -> None:
    time.sleep(20)


def hangs_up(connection: socket.socket) -> None:
    connection.close()


def drips(connection: socket.socket) -> None:
    """A byte now and then, for ever: no single read is too slow."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b" ")
        time.sleep(0.3)


@contextmanager
def listening(behave: Behaviour) -> Iterator[str]:
    """A server on a free port that treats every connection in the same way. → its URL"""
    door = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = door.accept()
            except OSError:
                return
            threading.Thread(target=one, args=[connection], daemon=True).start()

    def one(connection: socket.socket) -> None:
        try:
            with connection:
                connection.recv(65536)
                behave(connection)
        except OSError:
            return  # the other side has gone

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
    finally:
        door.close()
