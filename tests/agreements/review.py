"""Open contracting data as its own review library sees it, without a network: the standard's schemas are a file, and
the extensions are served on this machine."""

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from fastapi.testclient import TestClient
from libcoveocds.api import ocds_json_output
from libcoveocds.config import LibCoveOCDSConfig

DATA = Path(__file__).parents[1] / "data" / "ocds"
ELSEWHERE = "https://raw.githubusercontent.com/open-contracting-extensions/"
WRONG = (
    *("validation_errors", "additional_fields", "conformance_errors", "additional_closed_codelist_values"),
    *("additional_open_codelist_values", "deprecated_fields", "json_deref_error"),
)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


class Review:
    """Looks at packages."""

    def __init__(self, folder: Path, own: dict[str, str], address: str) -> None:
        self._address = address
        for name, text in own.items():
            (folder / "own" / name).write_text(text)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as packed:
            packed.writestr("standard-1__1__5/", "")
            # We publish no versioned releases, and the library wants their schema all the same.
            packed.writestr(
                "standard-1__1__5/schema/versioned-release-validation-schema.json",
                '{"$schema": "http://json-schema.org/draft-04/schema#"}',
            )
            for path in sorted((DATA / "schema").rglob("*.*")):
                packed.write(path, f"standard-1__1__5/schema/{path.relative_to(DATA / 'schema')}")
        self._standard = folder / "standard.zip"
        self._standard.write_bytes(archive.getvalue())

    def findings(self, package: dict[str, Any]) -> dict[str, Any]:
        """What is wrong with a package; empty: nothing."""
        here = {
            one: one.replace(ELSEWHERE, f"{self._address}/").replace("/master/", "/")
            if one.startswith(ELSEWHERE)
            else f"{self._address}/own/extension.json"
            for one in package["extensions"]
        }
        config = LibCoveOCDSConfig({"standard_zip": self._standard.as_uri(), "context": "api"})
        told = ocds_json_output(
            json_data=package | {"extensions": list(here.values())}, lib_cove_ocds_config=config, schema_version="1.1"
        )
        found = {name: told[name] for name in WRONG if told.get(name)}
        if told["extensions"]["invalid_extension"]:
            found["invalid_extension"] = told["extensions"]["invalid_extension"]
        checks = [one for one in told.get("additional_checks", {}).values() if one]
        return found | ({"additional_checks": checks} if checks else {})


@contextmanager
def reviewing(folder: Path, api: TestClient | httpx.Client) -> Iterator[Review]:
    """A review with the extensions in the folder: the three of the standard's, and our own as the service serves it."""
    for path in sorted((DATA / "extensions").rglob("*.*")):
        copied = folder / path.relative_to(DATA / "extensions")
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_bytes(path.read_bytes())
    (folder / "own").mkdir()
    own = {name: api.get(f"/ocds/extension/{name}").text for name in ("extension.json", "release-schema.json")}
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Review(folder, own, f"http://127.0.0.1:{server.server_address[1]}")
    finally:
        server.shutdown()
        server.server_close()


def package(client: TestClient, path: str = "/ocds/releases.json") -> Any:
    """What is published there, its amounts exact."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text, parse_float=Decimal)
