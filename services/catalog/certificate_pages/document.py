"""Draws a certificate's page and badge: templates that escape whatever stands in the database, without any script."""

import base64
import hashlib
import json
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.catalog.certificate_pages import rules
from services.catalog.certificate_pages.rules import Language, Page, Tone
from services.chassis import clock

_FOLDER = Path(__file__).parent / "templates"
_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_WORDS: dict[Language, dict[str, Any]] = {
    language: json.loads((_FOLDER / f"{language}.json").read_text()) for language in Language
}
_CSS = (_FOLDER / "page.css").read_text()
_EDITION = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(_FOLDER.iterdir()))).hexdigest()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of the page: its own style sheet and nothing else at all."""
BADGE_POLICY = "default-src 'none'; frame-ancestors 'none'"
COLOURS = {Tone.GOOD: "#14532d", Tone.PAUSED: "#7a4100", Tone.BAD: "#8c1d18", Tone.OVER: "#4a5461"}
"""Behind white letters: a contrast of at least 7 to 1."""
OFFLINE = (
    ("verify_credential", "/certificates/{number}/credential"),
    ("verify_status_list", "/status-lists"),
    ("verify_keys", "/.well-known/jwks.json"),
)


def etag(page: Page, language: Language, public_url: str, what: str) -> str:
    """Weak: the moment of reading stands on the page, and is no difference."""
    content = f"{_EDITION} {what} {language} {public_url} {page!r}"
    return f'W/"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'


def html(page: Page, language: Language, public_url: str, read_at: datetime) -> str:
    words, day, url = _WORDS[language], partial(_day, language), f"{public_url}/certificates/{page.number}/page"
    return _TEMPLATES.get_template("page.html").render(
        **_frame(language, public_url, page.on if page.on != page.today else None),
        page=page,
        tone=page.tone,
        url=url,
        qr=_qr(url, words["verify_qr"]),
        day=day,
        instant=partial(_instant, language),
        read_at=_instant(language, read_at),
        versions=_versions(page, words),
        text_in=partial(rules.text_in, language),
        offline=[(label, path.format(number=page.number)) for label, path in OFFLINE],
    )


def unknown_html(number: str, language: Language, public_url: str) -> str:
    """The page of a number that no certificate has."""
    told = _WORDS[language]["not_found_text"].format(number=number)
    return _TEMPLATES.get_template("unknown.html").render(**_frame(language, public_url, None), told=told)


def badge(page: Page, language: Language, public_url: str) -> str:
    """Its widths are reckoned rather too wide, and the letters held to them, whatever font there is."""
    words, on = _WORDS[language], _day(language, page.on)
    what, status = page.product_name or {language: page.holder.name}, words["status"][page.status]
    name = f"{words['certificate']} {page.number}"
    told = words["badge_status"].format(status=status, on=on)
    return _TEMPLATES.get_template("badge.svg").render(
        language=language,
        name=name,
        told=told,
        left=rules.width(name) + 16,
        right=round(rules.width(told) * 1.1) + 34,  # bold, and room for the sign
        colour=COLOURS[page.tone],
        tone=page.tone,
        title=words["badge_title"].format(number=page.number, status=status.lower(), on=on),
        about=words["badge_about"].format(
            what=rules.text_in(language, what)[1],
            specification=rules.text_in(language, page.specification_name)[1],
            version=page.specification_version,
            url=f"{public_url}/certificates/{page.number}/page",
        ),
    )


def _frame(language: Language, public_url: str, day_asked: date | None) -> dict[str, Any]:
    return {
        "language": language,
        "words": _WORDS[language],
        "css": Markup(_CSS),  # our own file
        "public_url": public_url,
        "day_query": f"&on={day_asked}" if day_asked else "",
    }


def _qr(url: str, label: str) -> Markup:
    """One path on a grid of modules, with the quiet zone of four that readers need."""
    matrix = segno.make(url, error="m", micro=False).matrix
    side = len(matrix) + 8
    path = "".join(f"M{x + 4} {y + 4}h1v1h-1z" for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark)
    drawn = '<svg viewBox="0 0 {0} {0}" role="img" aria-label="{1}" shape-rendering="crispEdges"><path d="{2}"/></svg>'
    return Markup(drawn).format(side, label, path)  # Markup.format escapes what it is given


def _versions(page: Page, words: dict[str, Any]) -> str:
    scope = page.scope
    if scope.versions is not None:
        return ", ".join(scope.versions)
    ends = {"from": scope.version_from, "to": scope.version_to}
    if scope.every_version:
        return str(words["every_version"])
    return str(words["_".join(["version", *(name for name, label in ends.items() if label)])]).format(**ends)


def _day(language: Language, day: date) -> str:
    words = _WORDS[language]
    return str(words["day"]).format(day=day.day, month=words["months"][day.month - 1], year=day.year)


def _instant(language: Language, instant: datetime) -> str:
    """To the minute, in Norwegian time."""
    local = instant.astimezone(clock.OSLO)
    time = f"{local:%H.%M}" if language is Language.NB else f"{local:%H:%M}"
    return str(_WORDS[language]["at"]).format(day=_day(language, local.date()), time=time)
