"""The log: one JSON object a line on standard output; anything that looks like a personal number is masked."""

import logging
import re
import sys
from contextvars import ContextVar
from typing import Any

import orjson

request_id: ContextVar[str] = ContextVar("request_id", default="-")

_ELEVEN_DIGITS = re.compile(rb"(?<!\d)\d{6}[ -]?\d{5}(?!\d)")
"""A personal number is eleven digits, written together or as six and five."""


def masked(line: bytes) -> bytes:
    return _ELEVEN_DIGITS.sub(b"***********", line)


class _JsonLines(logging.Formatter):
    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "service": self._service,
            "request_id": request_id.get(),
            "message": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return masked(orjson.dumps(line, default=str)).decode()


def to_stdout(service: str, level: str = "INFO") -> None:
    """Send this process's log to standard output, and the libraries' chatter nowhere."""
    import time

    handler = logging.StreamHandler(sys.stdout)
    formatter = _JsonLines(service)
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "procrastinate", "uvicorn.access", "alembic"):
        logging.getLogger(noisy).setLevel("WARNING")
