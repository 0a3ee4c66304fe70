"""A certificate's page in a real browser: everybody can read it, on a telephone, on a screen and on paper."""

import base64
import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pypdf import PdfReader

from services.catalog.app import create_app
from services.catalog.settings import Settings
from services.chassis.db import Database
from tests.catalog.certified import BODY, granted_with_everything
from tests.clients.conftest import Node
from tests.conftest import NewDatabase
from tests.issuer import Issuer

VALID, WITHDRAWN, SUSPENDED, CONDITIONAL = "SV-2026-000001", "SV-2026-000002", "SV-2026-000003", "conditional"
PAGES = [VALID, WITHDRAWN, SUSPENDED, CONDITIONAL]


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The app under a real server. → its address"""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"  # a connection waits in the socket until it accepts
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def page(shared_database: NewDatabase, issuer: Issuer) -> Iterator[Callable[..., str]]:
    """`page(number, language="en")` → the address of a certificate's page"""
    url = shared_database("catalog", seeded=True)
    app = create_app(Settings(database_url=url, issuers=[issuer.trusted()]))
    with TestClient(app) as client:
        answer = client.post(
            f"/certificates/{WITHDRAWN}/withdraw",
            json={"reason": "Avvik er ikke rettet (fiktivt)"},
            headers=issuer.bearer(BODY, "certification.decide"),
        )
        assert answer.status_code == 200, answer.text
    database = Database(url, connections=1)
    numbers = {CONDITIONAL: granted_with_everything(database)}
    database.close()
    with served(create_app(Settings(database_url=url, issuers=[issuer.trusted()]))) as address:
        yield (
            lambda number, language="nb": (
                f"{address}/certificates/{numbers.get(number, number)}/page?language={language}"
            )
        )


@pytest.mark.parametrize("language", ["nb", "en"])
@pytest.mark.parametrize("number", PAGES)
def test_no_barrier_is_found_and_a_telephone_shows_it_whole(
    page: Callable[..., str], browser: Node, number: str, language: str
) -> None:
    url = page(number, language)
    seen = browser(url=url, width=320)
    assert seen["lang"] == language
    assert seen["violations"] == []
    assert seen["incomplete"] == [], "nothing that axe-core could not decide"
    assert seen["passes"] > 30, "it did look"
    assert seen["scrollWidth"] <= seen["innerWidth"] == 320
    assert seen["headings"][0] == 1
    assert set(seen["headings"][1:]) == {2}
    assert seen["requests"] == [url], "the page and nothing else"
    assert seen["complaints"] == [], "its style sheet is the one that its policy lets in"


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (320, True)])
def test_neither_on_a_screen_nor_in_the_dark(page: Callable[..., str], browser: Node, width: int, dark: bool) -> None:
    seen = browser(url=page(CONDITIONAL), width=width, dark=dark)
    assert (seen["violations"], seen["incomplete"]) == ([], [])
    assert seen["scrollWidth"] <= seen["innerWidth"]


def test_it_prints_on_few_pages_with_all_that_it_says(page: Callable[..., str], browser: Node) -> None:
    for number, said in ((SUSPENDED, "Suspendert"), (CONDITIONAL, "Universell utforming rettes")):
        printed = PdfReader(io.BytesIO(base64.b64decode(browser(url=page(number), width=1280, print=True)["pdf"])))
        assert len(printed.pages) <= 3
        assert [round(float(side)) for side in printed.pages[0].mediabox[2:]] == [595, 842], "A4"
        text = "".join(one.extract_text() for one in printed.pages).replace("ﬁ", "fi")
        for word in (said, "VT", "Tredjepart", "Hva som har skjedd", "Slik kontrollerer du sertifikatet"):
            assert word in text, word


def test_an_unknown_number_reads_as_well(page: Callable[..., str], browser: Node) -> None:
    accept = {"Accept": "text/html"}
    seen: dict[str, Any] = browser(url=page("SV-2026-999999", "en"), width=320, headers=accept)
    assert seen["title"] == "Unknown certificate"
    assert (seen["violations"], seen["incomplete"]) == ([], [])
    assert seen["scrollWidth"] <= seen["innerWidth"]
