"""Draws the login pages: templates that escape whatever they are given, and a policy that lets nothing else in."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.integration.sandbox.providers.rules import LANGUAGES, Provider, ProviderName

_FOLDER = Path(__file__).parent / "templates"
_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_WORDS: dict[str, dict[str, str]] = {
    language: json.loads((_FOLDER / f"{language}.json").read_text()) for language in LANGUAGES
}
_CSS = (_FOLDER / "page.css").read_text()
_SEND_ON = "document.forms[0].submit()"
_GO_BACK = 'addEventListener("load", () => location.replace(document.getElementById("back").href))'
"""When every client's frame has been loaded, and so told of the logout."""
NAMES = {ProviderName.IDPORTEN: "ID-porten", ProviderName.ANSATTPORTEN: "Ansattporten"}
LANGUAGE_COOKIE = "language"


def language(cookie: str | None, wanted: Sequence[str]) -> str:
    """The user's own choice, then what the client asks for, then bokmål."""
    return next((one for one in (cookie, *wanted) if one in LANGUAGES), LANGUAGES[0])


def page(
    name: str, provider: Provider, spoken: str, *, status: int = 200, goes_to: str | None = None, **more: Any
) -> HTMLResponse:
    """`goes_to` is where the page's form may lead in the end, which the browser wants to know."""
    html = _TEMPLATES.get_template(f"{name}.html").render(
        words=_WORDS[spoken],
        language=spoken,
        languages=LANGUAGES,
        provider=NAMES[provider.name],
        css=_CSS,
        send_on=_SEND_ON,
        go_back=_GO_BACK,
        **more,
    )
    return HTMLResponse(html, status, headers=_headers(goes_to, more.get("frames", ())))


def form_post(provider: Provider, spoken: str, address: str, values: Mapping[str, str]) -> HTMLResponse:
    """Sends itself on, with what the client is told in its form (OAuth 2.0 Form Post Response Mode)."""
    return page("form_post", provider, spoken, goes_to=address, address=address, values=values)


def _headers(goes_to: str | None, frames: Sequence[str]) -> dict[str, str]:
    targets = ["'self'", *([_origin(goes_to)] if goes_to else [])]
    shown = [_origin(frame) for frame in frames] or ["'none'"]
    policy = (
        f"default-src 'none'; style-src '{_hash(_CSS)}'; script-src '{_hash(_SEND_ON)}' '{_hash(_GO_BACK)}'; "
        f"form-action {' '.join(targets)}; frame-src {' '.join(dict.fromkeys(shown))}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _origin(address: str) -> str:
    """Of a web address its origin; of an app's own scheme the scheme."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else f"{parts.scheme}:"
