"""The log: one JSON object a line on standard output; anything that looks like a personal number is masked."""

import logging
import re
import sys
import time
from contextvars import ContextVar
from typing import Any

import orjson

request_id: ContextVar[str] = ContextVar("request_id", default="-")

_ELEVEN_DIGITS = re.compile(rb"(?<!\d)\d{6}[ -]?\d{5}(?!\d)")
"""A personal number is eleven digits, written together or as six and five."""


def masked(line: bytes) -> bytes:
    return _ELEVEN_DIGITS.sub(b"***********", line)


def request(**fields: object) -> None:
    """The line that every request gets, written without the logging machinery, which would cost as much as the rest.
    Nothing is written by a process whose log was not set up."""
    if _service:
        line = {"at": _stamp(time.time()), "level": "info", "service": _service, "request_id": request_id.get()}
        sys.stdout.buffer.write(masked(orjson.dumps(line | fields, default=str, option=orjson.OPT_APPEND_NEWLINE)))
        sys.stdout.buffer.flush()


_service = ""
_second: tuple[int, str] = (0, "")


def _stamp(moment: float) -> str:
    """UTC to the millisecond; the part down to the second is made once a second."""
    global _second
    whole = int(moment)
    if _second[0] != whole:
        _second = (whole, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)))
    return f"{_second[1]}.{int((moment - whole) * 1000):03d}Z"


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": _stamp(record.created),
            "level": record.levelname.lower(),
            "service": _service,
            "request_id": request_id.get(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return masked(orjson.dumps(line, default=str)).decode()


def to_stdout(service: str, level: str = "INFO") -> None:
    """Send this process's log to standard output, and the libraries' chatter nowhere."""
    global _service
    _service = service
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "procrastinate", "uvicorn.access", "alembic"):
        logging.getLogger(noisy).setLevel("WARNING")
