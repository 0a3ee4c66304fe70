"""Foreign clients are programs of their own; without them the tests say so, and where everything must run they fail."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest

from services.chassis import embedded
from tests.sandbox.running import RunningSandbox, running_sandbox

HERE = Path(__file__).parent
Node = Callable[..., dict[str, Any]]
Program = Callable[..., dict[str, Any]]
PYTHON = HERE / "python" / ".venv" / "bin" / "python"


@pytest.fixture(scope="session")
def node() -> Node:
    """`node("program.mjs", key=value)` → what the program printed, a JSON object"""
    found = shutil.which("node")
    if found is None or not (HERE / "node_modules").is_dir():
        missing("foreign clients are not installed: needs node 20, and `npm ci` in tests/clients")
    return partial(_run, found, HERE)


@pytest.fixture(scope="session")
def python() -> Program:
    """`python("program.py", key=value)` → what the program printed, a JSON object. It has an environment of its own:
    Authlib's client wants another HTTP library than ours, which would change our own tests."""
    if not PYTHON.exists():
        missing("Authlib is not installed: `make tests/clients/python/.venv` does it")
    return partial(_run, PYTHON, PYTHON.parents[2])


def missing(why: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def _run(interpreter: str | Path, folder: Path, name: str, /, *, patience: float = 30, **given: Any) -> dict[str, Any]:
    """`patience` in seconds."""
    command = [interpreter, folder / name]
    done = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, timeout=patience, check=False
    )
    assert done.returncode == 0, done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


@pytest.fixture(scope="session")
def browsing(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Node:
    """`browsing("swagger.mjs", width=390)` → what a program saw in a real browser"""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        missing("no browser is installed: needs chromium")
    return partial(node, patience=240, chromium=found, folder=str(tmp_path_factory.mktemp("browser")))


@pytest.fixture(scope="session")
def browser(browsing: Node) -> Node:
    """`browser(url=…, width=320)` → what a real browser and axe-core say about a page, see `browser.mjs`"""
    return partial(browsing, "browser.mjs")


@pytest.fixture(scope="session")
def _shared(
    server: embedded.Server, template: Callable[[str, bool], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningSandbox]:
    name = "sandbox_of_clients"
    url = server.create(name, template=template("sandbox", False))
    with running_sandbox(url, tmp_path_factory.mktemp("clients") / "keys") as running:
        yield running
    server.drop(name)


@pytest.fixture
def sandbox(_shared: RunningSandbox) -> Iterator[RunningSandbox]:
    """One for all tests; what others have registered may be in it, faults may not."""
    yield _shared
    _shared.http.delete(f"{_shared.control_url}/_sandbox/faults").raise_for_status()
