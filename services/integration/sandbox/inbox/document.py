"""Draws the inbox: templates that escape whatever senders wrote, and a policy that lets nothing else in."""

import base64
import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.chassis.clock import OSLO

LANGUAGES = ("nb", "nn", "en")
_FOLDER = Path(__file__).parent / "templates"
_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_WORDS: dict[str, dict[str, Any]] = {
    language: json.loads((_FOLDER / f"{language}.json").read_text()) for language in LANGUAGES
}
_CSS = (_FOLDER / "page.css").read_text()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()}'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def language(asked: str | None, accepted: str) -> str:
    """The one asked for, then the browser's first that we have (RFC 9110 12.5.4, without weights), then bokmål."""
    preferred = (one.partition(";")[0].strip()[:2].lower() for one in accepted.split(","))
    return next((one for one in (asked, *_norwegian(preferred)) if one in LANGUAGES), LANGUAGES[0])


def _norwegian(preferred: Iterable[str]) -> Iterable[str]:
    return ("nb" if one == "no" else one for one in preferred)


def page(name: str, spoken: str, **more: Any) -> HTMLResponse:
    html = _TEMPLATES.get_template(f"{name}.html").render(
        words=_WORDS[spoken], language=spoken, languages=LANGUAGES, css=_CSS, **more
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"})


def _shown(instant: datetime) -> str:
    return f"{instant.astimezone(OSLO):%d.%m.%Y %H.%M}"


def _machine(instant: datetime) -> str:
    return instant.astimezone(OSLO).isoformat(timespec="seconds")


def _size(octets: int) -> str:
    return (
        f"{octets} B" if octets < 1000 else f"{octets / 1000:.0f} kB" if octets < 10**6 else f"{octets / 10**6:.1f} MB"
    )


_TEMPLATES.filters |= {"shown": _shown, "machine": _machine, "size": _size}
