"""One running system for all end-to-end tests that do not change how it runs."""

from collections.abc import Iterator

import pytest

from tests.clients.conftest import browsing as browsing
from tests.clients.conftest import node as node
from tests.e2e.system import System

FLOODS = ("tests/e2e/test_every_krone.py", "tests/e2e/test_idempotency.py")
"""They leave hundreds of letters in the queue, and nobody should have to wait behind them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share the running system run in one process, floods last."""
    for item in items:
        if "system" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("system"))
    items.sort(key=lambda item: item.nodeid.startswith(FLOODS))


@pytest.fixture(scope="package")
def system() -> Iterator[System]:
    """Stopped after the last of them: eleven processes that look for work now and then would slow the other tests."""
    with System() as running:
        yield running
    running.remove()
