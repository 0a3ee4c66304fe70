"""The sandbox's inbox in a real browser: everybody can read it, on a telephone and on a screen, in three languages."""

from typing import Any

import pytest

from services.chassis.values import new_id
from tests.clients.conftest import Node
from tests.sandbox.running import RunningSandbox
from tests.sandbox.svarut import PDF, letter, send
from tests.sandbox.svarut_fields import V3

HEADINGS = {"nb": "Hva som har skjedd", "nn": "Kva som har hendt", "en": "What has happened"}


@pytest.fixture
def sent(sandbox: RunningSandbox) -> str:
    """A letter with much in it, and one with a long name, at the top of the inbox."""
    send(sandbox, letter(tittel="Bestilling av trygghetsalarmer" + "x" * 200))
    more: dict[str, Any] = {name: V3["organisasjon"][name] for name in ("svarSendesTil", "lenker")}
    named = letter("bestilling.pdf", "databehandleravtale-" + "x" * 100 + ".pdf", **more)
    files = [(one["filnavn"], PDF) for one in named["dokumenter"]]
    return str(send(sandbox, named, *files).raise_for_status().json()["id"])


def assert_readable(seen: dict[str, Any], width: int) -> None:
    assert (seen["violations"], seen["incomplete"]) == ([], [])
    assert seen["passes"] > 20, "it did look"
    assert seen["scrollWidth"] <= seen["innerWidth"] == width
    assert seen["headings"][0] == 1
    assert set(seen["headings"][1:]) == {2}
    assert seen["complaints"] == [], "its style sheet is the one that its policy lets in"


@pytest.mark.parametrize(("language", "width"), [("nb", 320), ("nn", 320), ("en", 1280)])
def test_no_barrier_is_found(sandbox: RunningSandbox, browser: Node, sent: str, language: str, width: int) -> None:
    for path in ("/", f"/letters/{sent}"):
        url = f"{sandbox.control_url}{path}?language={language}"
        seen = browser(url=url, width=width)
        assert seen["lang"] == language
        assert seen["requests"] == [url], "the page and nothing else"
        assert_readable(seen, width)


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        ("nn", "en", "nn"),
        ("", "en-GB,en;q=0.9,nb;q=0.8", "en"),
        ("", "no", "nb"),
        ("", "sv, nn;q=0.5", "nn"),
        ("se", "", "nb"),
    ],
)
def test_it_speaks_the_language_that_is_wanted(
    sandbox: RunningSandbox, sent: str, asked: str, accepted: str, language: str
) -> None:
    page = sandbox.http.get(
        f"{sandbox.control_url}/letters/{sent}", params={"language": asked}, headers={"Accept-Language": accepted}
    )

    assert f'<html lang="{language}">' in page.text
    assert HEADINGS[language] in page.text


def test_it_shows_one_recipients_letters(sandbox: RunningSandbox, sent: str) -> None:
    other = f"Til Nordlys {new_id()}"
    send(sandbox, letter(tittel=other, mottaker={"navn": "Nordlys", "digitalId": "100000024"})).raise_for_status()

    all_of_them = sandbox.http.get(f"{sandbox.control_url}/").text
    one = sandbox.http.get(f"{sandbox.control_url}/", params={"recipient": "100000024"}).text

    assert f"/letters/{sent}" in all_of_them
    assert f"/letters/{sent}" not in one
    assert other in one
    assert 'href="?language=nn&amp;recipient=100000024"' in one
    assert sandbox.http.get(f"{sandbox.control_url}/letters/{new_id()}").status_code == 404
