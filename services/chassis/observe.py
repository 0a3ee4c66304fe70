"""One pure ASGI wrapper around a service: request id, one log line, metrics, and the answer to the unexpected."""

import logging
import re
from collections.abc import Callable
from http import HTTPStatus
from time import perf_counter

import orjson
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.chassis import log
from services.chassis.values import new_id

_log = logging.getLogger("services")
_WELL_FORMED = re.compile(rb"[A-Za-z0-9._-]{8,64}")


class Observe:
    """The caller's `X-Request-Id` is kept (8 to 64 of letters, digits, `.`, `_`, `-`) or a new one made, answered, and
    passed on to neighbours. A path is logged without its query; metrics carry the route's template only, and of routes
    that begin with `discreet` not even that: all requests there are counted as one, whatever was asked and answered."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry, discreet: str | None = None) -> None:
        self._app = app
        self._discreet = discreet
        self._requests = Counter("http_requests_total", "Answers", ["method", "route", "status"], registry=registry)
        self._seconds = Histogram("http_request_seconds", "Time to answer", ["method", "route"], registry=registry)
        self._known: dict[tuple[str, str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        own_id = given.decode() if _WELL_FORMED.fullmatch(given) else str(new_id())
        mark = log.request_id.set(own_id)
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", own_id.encode())]
                if status < 300 and scope.get("state", {}).get("dry_run"):
                    _rehearsed(message)
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception:
            _log.exception("unexpected error")
            if status:  # the answer has begun: cut it off rather than pretend it is whole
                raise
            await _something_went_wrong(answer)
        finally:
            self._tell(scope, status, perf_counter() - began)
            log.request_id.reset(mark)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "(none)")
        method = scope["method"]
        met = (method, route, status)
        if self._discreet and route.startswith(self._discreet):
            met = ("any", self._discreet, 0)
        count, time = self._known.get(met) or self._meet(*met)
        count()
        time(seconds)
        caller = scope.get("state", {}).get("caller")
        log.request(
            message=f"{method} {scope['path']} {status}",
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            organisation=caller.organisation if caller else None,
            client=caller.client if caller else None,
            supplier=caller.supplier if caller else None,
            token_id=caller.token_id if caller else None,
        )

    def _meet(self, method: str, route: str, status: int) -> tuple[Callable[[], None], Callable[[float], None]]:
        """The counters of an answer seen for the first time; looking them up costs more than counting."""
        found = self._requests.labels(method, route, status).inc, self._seconds.labels(method, route).observe
        self._known[method, route, status] = found
        return found


def _rehearsed(message: Message) -> None:
    """Nothing was made, so nothing is where it would have been."""
    if message["status"] == HTTPStatus.CREATED:
        message["status"] = int(HTTPStatus.OK)
    kept = [(name, value) for name, value in message["headers"] if name.lower() not in (b"location", b"etag")]
    message["headers"] = [*kept, (b"dry-run", b"true")]


async def _something_went_wrong(send: Send) -> None:
    body = orjson.dumps(
        {
            "type": "about:blank",
            "title": HTTPStatus(500).phrase,
            "status": 500,
            "detail": "Something went wrong here. Nothing was changed. Quote the request id.",
        }
    )
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
