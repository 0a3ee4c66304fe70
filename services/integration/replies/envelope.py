"""Has the openssl program open what SvarInn encrypted, from file to file: BER with indefinite length and DER, the key
wrapped with RSA-OAEP or PKCS #1 v1.5. What it says of a failure becomes a refusal of its own."""

import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from services.integration.replies import rules

LONGEST_SECONDS = 300
_READING, _KEY = b"Error reading SMIME Content Info", b"Error decrypting CMS using private key"
_CUT, _SEQUENCE = b"not enough data", b"\x30"
_NO_FILE = b"Could not "


@dataclass(frozen=True)
class Key:
    """An account's certificate, as it was uploaded at SvarInn, and the private key to it; both PEM."""

    certificate: Path
    private: Path


def check(key: Key) -> None:
    """Raises NotAdmitted when a file is missing, or when others can read the private key."""
    for file in (key.certificate, key.private):
        if not file.is_file():
            raise rules.NotAdmitted(f"The file {file.name} is missing.")
    if stat.S_IMODE(key.private.stat().st_mode) & 0o077:
        raise rules.NotAdmitted(f"Others can read the private key {key.private.name}: give it mode 600.")


def opened(sealed: Path, content: Path, key: Key) -> None:
    """Decrypt a file into another. openssl would give anything a key of its own making, so that nobody learns from its
    answers what a wrong key is; we tell nobody but our own administrators, and ask it to say (-debug_decrypt)."""
    told = ["-in", str(sealed), "-recip", str(key.certificate), "-inkey", str(key.private), "-out", str(content)]
    try:
        done = subprocess.run(
            ["openssl", "cms", "-decrypt", "-binary", "-debug_decrypt", "-inform", "DER", *told],
            capture_output=True,
            check=False,
            timeout=LONGEST_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise rules.TooLarge(f"It was not decrypted within {LONGEST_SECONDS} s.") from error
    said = done.stderr
    if done.returncode == 0:
        return
    if _NO_FILE in said:
        raise rules.NotAdmitted(f"openssl cannot use {key.certificate.name} or {key.private.name}.")
    if _READING in said:
        with sealed.open("rb") as file:
            first = file.read(1)
        if not first or (first == _SEQUENCE and _CUT in said):
            raise rules.CutOff("The envelope ends too early.")
        raise rules.NoEnvelope("What came is no CMS envelope.")
    if _KEY in said:
        raise rules.NotForUs("It is encrypted for another certificate or key than this account's.")
    raise rules.Damaged("The envelope's content is damaged, or its key is for another.")
