"""What the stories have in common: a request that is shown, and an end that is told."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx

BRONNOY = "964983291"
SHOWN = 700
"""Characters of an answer that are printed."""
AGAIN = 3
"""How often a service that is busy is asked once more."""


class Stopped(Exception):
    """The demonstration could not go on; told as one plain sentence."""


def call(http: httpx.Client, method: str, url: str, expected: int, *, quiet: bool = False, **request: Any) -> Any:
    answer = _answered(http, method, url, **request)
    for _ in range(AGAIN):
        if answer.status_code != 503:
            break
        seconds = float(answer.headers.get("Retry-After", 1))
        print(f"   … not just now, so it is asked again in {seconds:.0f} s: {answer.text[:SHOWN]}")
        time.sleep(seconds)  # nothing has been done, or it would not say 503
        answer = _answered(http, method, url, **request)
    if not quiet:
        body = f" {json.dumps(request['json'], ensure_ascii=False)}" if "json" in request else ""
        print(f"   → {method} {answer.request.url}{body}")
        text = answer.text if len(answer.text) <= SHOWN else answer.text[:SHOWN] + " …"
        print(f"   ← {answer.status_code} {text}\n")
    if answer.status_code != expected:
        raise Stopped(f"{method} {url} answered {answer.status_code}: {answer.text}")
    return answer.json()


def _answered(http: httpx.Client, method: str, url: str, **request: Any) -> httpx.Response:
    try:
        return http.request(method, url, **request)
    except httpx.TransportError as error:
        raise Stopped(f"nothing answers at {url}; is `make run` running?") from error


def awaited(what: str, look: Callable[[], Any], seconds: float = 30.0) -> Any:
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.3)
    raise Stopped(f"{what} has not come after {seconds:.0f} s.")
