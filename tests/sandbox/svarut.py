"""A letter on the wire, written by hand as SvarUT's real clients write theirs."""

import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from services.chassis.values import new_id
from tests.sandbox.running import RunningSandbox

PDF = b"%PDF-1.7\n%tiny\n"
SUPPLIER = {"navn": "Fjordvakt Velferd AS (fiktiv)", "digitalId": "100000016"}


def letter(*filenames: str, **changed: Any) -> dict[str, Any]:
    """Metadata of a right letter to an organisation; what is changed to None is left out."""
    right: dict[str, Any] = {
        "tittel": f"Bestilling {new_id()}",
        "mottaker": SUPPLIER,
        "eksternReferanse": str(new_id()),
        "dokumenter": [{"filnavn": name, "mimeType": "application/pdf"} for name in filenames or ("brev.pdf",)],
    }
    return {name: value for name, value in (right | changed).items() if value is not None}


def body(
    metadata: dict[str, Any] | bytes,
    *files: tuple[str, bytes],
    metadata_type: str | None = None,
    metadata_name: str = "forsendelse",
    part_name: str = "dokumenter",
    ascii_only: bool = False,
) -> tuple[bytes, str]:
    """→ (multipart body, its content type); file names stand as raw UTF-8 in quotes"""
    boundary = uuid4().hex
    told = metadata if isinstance(metadata, bytes) else json.dumps(metadata, ensure_ascii=ascii_only).encode()
    type_line = f"Content-Type: {metadata_type}\r\n" if metadata_type else ""
    parts = [f'Content-Disposition: form-data; name="{metadata_name}"\r\n{type_line}\r\n'.encode() + told]
    parts += [
        f'Content-Disposition: form-data; name="{part_name}"; filename="{name}"\r\n'.encode()
        + b"Content-Type: application/octet-stream\r\n\r\n"
        + content
        for name, content in files
    ]
    whole = b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()
    return whole, f"multipart/form-data; boundary={boundary}"


_tokens: dict[tuple[str, int], str] = {}
"""One a minute for each sandbox; they live for two."""


def headers(sandbox: RunningSandbox) -> dict[str, str]:
    """The three that every call carries."""
    one = (sandbox.settings.database_url, int(time.time()) // 60)
    if one not in _tokens:
        _tokens[one] = sandbox.token("integration-service", ["ks:fiks"])
    return {
        "Authorization": f"Bearer {_tokens[one]}",
        "IntegrasjonId": str(sandbox.settings.svarut_integration),
        "IntegrasjonPassord": sandbox.settings.svarut_password,
    }


def account(sandbox: RunningSandbox, version: str = "v3") -> str:
    return f"{sandbox.svarut_url}/api/{version}/kontoer/{sandbox.settings.svarut_konto}/forsendelser"


def send(
    sandbox: RunningSandbox,
    metadata: dict[str, Any] | bytes | None = None,
    *files: tuple[str, bytes],
    kind: str = "organisasjon",
    changed_headers: dict[str, str] | None = None,
    chunked: bool = False,
    client: httpx.Client | None = None,
    **written: Any,
) -> httpx.Response:
    content, content_type = body(letter() if metadata is None else metadata, *(files or [("brev.pdf", PDF)]), **written)
    return (client or sandbox.http).post(
        f"{account(sandbox)}/{kind}",
        content=iter([content[:100], content[100:]]) if chunked else content,
        headers=headers(sandbox) | {"Content-Type": content_type} | (changed_headers or {}),
    )


def sealed(sandbox: RunningSandbox, content: bytes) -> bytes:
    """A document encrypted for SvarUT, as KS's guide says, by the openssl program."""
    certificate = sandbox.http.get(f"{sandbox.svarut_url}/forsendelse/publickey/hent")
    oaep = ("rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256")
    options = [part for one in oaep for part in ("-keyopt", one)]
    with tempfile.TemporaryDirectory() as folder:
        recipient = Path(folder) / "svarut.pem"
        recipient.write_bytes(certificate.content)
        command = ["openssl", "cms", "-encrypt", "-binary", "-aes-256-cbc", "-outform", "DER", "-recip", str(recipient)]
        return subprocess.run([*command, *options], input=content, capture_output=True, check=True).stdout


def basic(sandbox: RunningSandbox) -> tuple[str, str]:
    """User name and password of REST v1."""
    return sandbox.settings.svarut_user, sandbox.settings.svarut_service_password


def v1(sandbox: RunningSandbox) -> str:
    return f"{sandbox.svarut_url}/tjenester/api/forsendelse/v1"


def multipart(metadata: dict[str, Any] | bytes, *files: tuple[str, bytes], **written: Any) -> dict[str, Any]:
    """Arguments for a request by httpx."""
    content, content_type = body(metadata, *(files or [("brev.pdf", PDF)]), **written)
    return {"content": content, "headers": {"Content-Type": content_type}}
