"""An organisation's own system that fetches its letters from SvarInn: its own code from end to end, and openssl."""

import base64
import io
import itertools
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from stdnum.no import orgnr

from tests.sandbox.running import RunningSandbox

_unknown = filter(orgnr.is_valid, map(str, itertools.count(110_000_000)))


def own_number() -> str:
    """An organisation that no other test knows: what is registered in a sandbox that tests share stays there."""
    return next(_unknown)


@dataclass
class Receiver:
    url: str
    """Of SvarUT's host."""
    user: str
    keys: Path
    password: str = "sandkasse"
    base: str = "/tjenester"

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        url = path if path.startswith("http") else f"{self.url}{self.base}{path}"
        return httpx.request(method, url, auth=(self.user, self.password), timeout=20, **more)

    def letters(self) -> list[dict[str, Any]]:
        return list(self.call("GET", "/svarinn/mottaker/hentNyeForsendelser").raise_for_status().json())

    def envelope(self, letter: dict[str, Any]) -> httpx.Response:
        return self.call("GET", letter["downloadUrl"]).raise_for_status()

    def documents(self, letter: dict[str, Any]) -> dict[str, bytes]:
        """Download and decrypt. → what it holds by name, in its order"""
        came = self.envelope(letter)
        return unpacked(came, self.opened(came.content), letter["filmetadata"][0]["filnavn"])

    def opened(self, envelope: bytes) -> bytes:
        return opened(envelope, self.keys / f"svarinn-{self.user}.crt.pem", self.keys / f"svarinn-{self.user}.key.pem")

    def acknowledge(self, letter: dict[str, Any]) -> httpx.Response:
        return self.call("POST", f"/svarinn/kvitterMottak/forsendelse/{letter['id']}")


def unpacked(came: httpx.Response, content: bytes, filename: str) -> dict[str, bytes]:
    if came.headers["content-type"] != "application/zip":
        return {filename: content}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {one.filename: archive.read(one) for one in archive.infolist()}


def opened(envelope: bytes, certificate: Path, key: Path) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        sealed, content = Path(folder) / "sealed", Path(folder) / "content"
        sealed.write_bytes(envelope)
        told = ["-in", str(sealed), "-recip", str(certificate), "-inkey", str(key), "-out", str(content)]
        subprocess.run(["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", *told], check=True)
        return content.read_bytes()


def put(sandbox: RunningSandbox, *documents: tuple[str, bytes], **letter: Any) -> str:
    """Send a letter as another organisation; to the joint unit, from Fjordvakt. → SvarUT's id of it"""
    return put_at(sandbox.control_url, *documents, **letter)


def put_at(control_url: str, *documents: tuple[str, bytes], **letter: Any) -> str:
    body = {
        "sender": {"organisation_number": "100000016", "name": "Fjordvakt Velferd AS (fiktiv)"},
        "recipient": {"organisation_number": "100000008", "name": "Samvirke fellesenhet (fiktiv)"},
        "title": "Svar på bestilling",
        "documents": [
            {"filename": name, "content_base64": base64.b64encode(content).decode()}
            for name, content in documents or [("svar.pdf", b"%PDF-1.4\n%svar\n%%EOF\n")]
        ],
    } | letter
    answer = httpx.post(f"{control_url}/_sandbox/svarinn/letters", json=body, timeout=20)
    return str(answer.raise_for_status().json()["id"])
