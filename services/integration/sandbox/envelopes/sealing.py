"""Has the openssl program seal and open envelopes: AES-256-CBC, the key wrapped with RSA-OAEP (SHA-256, MGF1-SHA-256),
written as BER with indefinite length, as KS's own library does. Memory: nothing to speak of when sealing."""

import subprocess
import tempfile
from pathlib import Path

LONGEST_SECONDS = 120
_OAEP = ("rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256")


class NotOpened(Exception):
    """The envelope is for another key, is damaged, or is none."""


def sealed(content: Path, envelope: Path, certificate: str) -> None:
    """Encrypt a file for whoever holds the key of a certificate (PEM)."""
    options = [part for one in _OAEP for part in ("-keyopt", one)]
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as recipient:
        recipient.write(certificate)
        recipient.flush()
        done = _openssl(
            "-encrypt", "-stream", "-aes-256-cbc", "-outform", "DER", "-recip", recipient.name, *options,
            "-in", str(content), "-out", str(envelope),
        )  # fmt: skip
    if done.returncode:
        raise ValueError(f"openssl does not encrypt: {done.stderr.decode(errors='replace')[:300]}")


def opened(envelope: bytes, certificate: str, key: str) -> bytes:
    """What an envelope holds; PKCS #1 v1.5 and DER are read, too."""
    with tempfile.TemporaryDirectory(prefix="samvirke-") as name:
        folder = Path(name)
        for file, content in (("cms", envelope), ("cert", certificate.encode()), ("key", key.encode())):
            (folder / file).write_bytes(content)
        done = _openssl(
            "-decrypt", "-inform", "DER", "-recip", str(folder / "cert"), "-inkey", str(folder / "key"),
            "-in", str(folder / "cms"), "-out", str(folder / "content"),
        )  # fmt: skip
        if done.returncode:
            raise NotOpened(done.stderr.decode(errors="replace")[:300])
        return (folder / "content").read_bytes()


def _openssl(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["openssl", "cms", "-binary", *arguments], capture_output=True, check=False, timeout=LONGEST_SECONDS
    )
