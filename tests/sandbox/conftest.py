"""The running sandbox, with keys that are made once for all tests."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from services.chassis import embedded
from tests.conftest import NewDatabase
from tests.sandbox.running import RunningSandbox, running_sandbox


@pytest.fixture(scope="session")
def keys_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sandbox") / "keys"


@pytest.fixture(scope="session")
def _shared(
    server: embedded.Server, template: Callable[[str, bool], str], keys_folder: Path
) -> Iterator[RunningSandbox]:
    name = "sandbox_shared"
    url = server.create(name, template=template("sandbox", False))
    with running_sandbox(url, keys_folder, svarut_step_seconds=20) as running:
        yield running
    server.drop(name)


@pytest.fixture
def sandbox(_shared: RunningSandbox) -> Iterator[RunningSandbox]:
    """One for all tests; letters of other tests may be in it, faults may not."""
    yield _shared
    _shared.http.delete(f"{_shared.control_url}/_sandbox/faults").raise_for_status()


@pytest.fixture
def own_sandbox(new_database: NewDatabase, keys_folder: Path) -> Iterator[RunningSandbox]:
    """One for this test alone."""
    with running_sandbox(new_database("sandbox"), keys_folder) as running:
        yield running


@pytest.fixture
def new_sandbox(new_database: NewDatabase, keys_folder: Path) -> Callable[..., AbstractContextManager[RunningSandbox]]:
    """`with new_sandbox(svarut_duplicates=2) as own:`"""

    def start(**changed: Any) -> AbstractContextManager[RunningSandbox]:
        return running_sandbox(new_database("sandbox"), keys_folder, **changed)

    return start


@pytest.fixture(scope="module")
def new_module_sandbox(
    shared_database: NewDatabase, keys_folder: Path
) -> Callable[..., AbstractContextManager[RunningSandbox]]:
    """The same for all tests of a module."""

    def start(**changed: Any) -> AbstractContextManager[RunningSandbox]:
        return running_sandbox(shared_database("sandbox"), keys_folder, **changed)

    return start
