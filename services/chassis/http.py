"""How one service calls another: short time-outs, one retry for reads, and answers that become our problems."""

import time
from collections.abc import Mapping
from typing import Any

import httpx
import orjson

from services.chassis import log
from services.chassis.problems import NeighbourAway, NeighbourNonsense

TIMEOUT = httpx.Timeout(2.0, connect=0.5)
ALTOGETHER_SECONDS = 2.2
"""A retry is made only while this has not passed, so that the caller has its answer within three seconds."""
LARGEST_ANSWER = 8 * 1024 * 1024


def new_client(base_url: str, *, auth: httpx.Auth | None = None) -> httpx.Client:
    return httpx.Client(base_url=base_url, timeout=TIMEOUT, auth=auth, follow_redirects=False)


class Neighbour:
    """Another service, by its name in error messages and the client that reaches it."""

    def __init__(self, name: str, client: httpx.Client) -> None:
        self.name = name
        self.client = client

    def read(self, method: str, path: str, **request: Any) -> tuple[int, Any]:
        """Ask something that changes nothing, so it may be asked twice. → (status, JSON body)"""
        deadline = time.monotonic() + ALTOGETHER_SECONDS
        try:
            return self._once(method, path, deadline, request)
        except NeighbourAway:
            if time.monotonic() > deadline - 2.0:
                raise
        return self._once(method, path, deadline, request)

    def write(self, method: str, path: str, **request: Any) -> tuple[int, Any]:
        """Ask for a change, once."""
        return self._once(method, path, time.monotonic() + ALTOGETHER_SECONDS, request)

    def _once(self, method: str, path: str, deadline: float, request: Mapping[str, Any]) -> tuple[int, Any]:
        headers = {"X-Request-Id": log.request_id.get(), **request.get("headers", {})}
        rest = {name: value for name, value in request.items() if name != "headers"}
        try:
            with self.client.stream(method, path, headers=headers, **rest) as response:
                body = bytearray()
                for piece in response.iter_bytes():
                    body += piece
                    if time.monotonic() > deadline:
                        raise NeighbourAway(f"{self.name} answers too slowly.")
                    if len(body) > LARGEST_ANSWER:
                        raise NeighbourNonsense(f"{self.name} answers without end.")
        except httpx.TransportError as error:
            raise NeighbourAway(f"{self.name} does not answer.") from error
        if response.is_server_error:
            raise NeighbourAway(f"{self.name} has trouble ({response.status_code}).")
        try:
            return response.status_code, orjson.loads(body) if body else None
        except ValueError as error:
            raise NeighbourNonsense(f"{self.name} answered something that is not JSON.") from error
