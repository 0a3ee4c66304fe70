"""Foreign clients are programs of their own; without them the tests say so, and where everything must run they fail."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import NewDatabase
from tests.sandbox.running import RunningSandbox, running_sandbox

HERE = Path(__file__).parent
Node = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def node() -> Node:
    """`node("program.mjs", key=value)` → what the program printed, a JSON object"""
    found = shutil.which("node")
    if found is None or not (HERE / "node_modules").is_dir():
        why = "foreign clients are not installed: needs node 20, and `npm ci` in tests/clients"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    program = found

    def run(name: str, **given: Any) -> dict[str, Any]:
        done = subprocess.run(
            [program, HERE / name], input=json.dumps(given), capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 0, done.stderr
        printed: dict[str, Any] = json.loads(done.stdout)
        return printed

    return run


@pytest.fixture(scope="session")
def browser(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Node:
    """`browser(url=…, width=320)` → what a real browser and axe-core say about a page, see `browser.mjs`"""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        why = "no browser is installed: needs chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return partial(node, "browser.mjs", chromium=found, folder=str(tmp_path_factory.mktemp("browser")))


@pytest.fixture
def sandbox(new_database: NewDatabase, tmp_path: Path) -> Iterator[RunningSandbox]:
    with running_sandbox(new_database("sandbox"), tmp_path / "keys") as running:
        yield running
