"""One running system for all end-to-end tests that do not change how it runs."""

from collections.abc import Iterator

import pytest

from tests.e2e.system import System


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    with System() as running:
        yield running
