"""A certificate's page and badge over HTTP, for people."""

from datetime import date
from typing import Annotated

from fastapi import Path, Query, Request, Response
from fastapi.responses import HTMLResponse

from services.catalog.certificate_pages import document, rules, store
from services.catalog.certificates.store import CertificateNotFound
from services.catalog.settings import Settings
from services.chassis import clock
from services.chassis.app import new_router
from services.chassis.contract import example
from services.chassis.db import ReaderDep

router = new_router("/certificates", "Certificates")

FRESH_SECONDS = 30
"""How long a page or a badge may be shown again without asking: that long at most does a withdrawn one look valid."""
_HEADERS = {
    "Cache-Control": f"public, max-age={FRESH_SECONDS}",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
Number = Annotated[str, Path(description="The certificate's number", examples=["SV-2026-000001"])]
Language = Annotated[
    rules.Language | None,
    Query(description="`nb` or `en`; if left out, what the browser prefers (`Accept-Language`), else `nb`"),
]
On = Annotated[
    date | None, Query(description="As the certificate was on this day; today if left out. The page says which")
]


class SvgResponse(Response):
    media_type = "image/svg+xml"


@router.get(
    "/{number}/page",
    summary="Read a certificate as a page",
    response_class=HTMLResponse,
    openapi_extra=example(query={"language": "en"}),
)
def page(number: Number, request: Request, reader: ReaderDep, language: Language = None, on: On = None) -> Response:
    """For people, on a screen or on paper (A4): the status of today in words, what is certified and by whom, conditions
    with their dates, the result of each requirement (what the supplier declares itself and what others have tested look
    different), what has happened, and how to check it. A QR code leads from paper back to the page. Without script, and
    nothing is fetched from elsewhere. An unknown number is a page as well for those who prefer HTML (`Accept`), and a
    problem for others. May be kept for 30 seconds."""
    chosen = rules.language_of(language, request.headers.get("Accept-Language"))
    now = clock.now()
    today = clock.on(now)
    public_url = _public_url(request)
    headers = _HEADERS | {
        "Content-Security-Policy": document.POLICY,
        "Content-Language": chosen,
        "Vary": "Accept, Accept-Language",
    }
    try:
        found = store.page(reader, number, on or today, now, today)
    except CertificateNotFound:
        if not rules.prefers_html(request.headers.get("Accept")):
            raise
        return HTMLResponse(document.unknown_html(number, chosen, public_url), 404, headers)
    headers["ETag"] = tag = document.etag(found, chosen, public_url, "page")
    if _has(request, tag):
        return Response(status_code=304, headers=headers)
    return HTMLResponse(document.html(found, chosen, public_url, now), headers=headers)


@router.get(
    "/{number}/badge.svg",
    summary="Show a certificate's badge",
    response_class=SvgResponse,
    openapi_extra=example(query={"language": "nb"}),
)
def badge(number: Number, request: Request, reader: ReaderDep, language: Language = None) -> Response:
    """A picture for the supplier's own site: `<a href="…/certificates/SV-2026-000001/page"><img
    src="…/certificates/SV-2026-000001/badge.svg" alt="…"></a>`. It is drawn anew with the status of today and says the
    day, so that a copy grows old visibly and a suspension shows wherever it stands. May be kept for 30 seconds."""
    chosen = rules.language_of(language, request.headers.get("Accept-Language"))
    now = clock.now()
    today = clock.on(now)
    public_url = _public_url(request)
    found = store.page(reader, number, today, now, today)
    tag = document.etag(found, chosen, public_url, "badge")
    headers = _HEADERS | {
        "Content-Security-Policy": document.BADGE_POLICY,
        "Content-Language": chosen,
        "Cross-Origin-Resource-Policy": "cross-origin",  # it is made to stand on others' pages
        "Vary": "Accept-Language",
        "ETag": tag,
    }
    if _has(request, tag):
        return Response(status_code=304, headers=headers)
    return SvgResponse(document.badge(found, chosen, public_url), headers=headers)


def _has(request: Request, tag: str) -> bool:
    """Whether the caller holds this one already (RFC 9110 13.1.2; compared weakly)."""
    held = {one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")}
    return bool(held & {"*", tag.removeprefix("W/")})


def _public_url(request: Request) -> str:
    settings = request.app.state.settings
    assert isinstance(settings, Settings)
    return settings.public_url
