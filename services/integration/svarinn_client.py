"""What integration asks of SvarInn (v1, which KS has frozen): which letters wait, one of them, and that it came or did
not. SvarInn's words become ours here; fields that we do not know are let be, and those that are missing are missing."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
from stdnum.no import orgnr

from services.chassis import log
from services.integration.replies import rules
from services.integration.replies.rules import File, Listed

LARGEST_LIST = 32 * 1024 * 1024
LONGEST_MESSAGE = 500
ASK_SECONDS, DOWNLOAD_SECONDS = 30.0, 120.0
"""Between two pieces of an answer, not for the whole of it."""
CASE = {
    "saksaar": "case_year",
    "sakssekvensnummer": "case_number",
    "journalaar": "journal_year",
    "journalsekvensnummer": "journal_sequence",
    "journalpostnummer": "journal_number",
    "journalposttype": "journal_type",
    "tittel": "title",
}


class SvarInn:
    """One account (mottakersystem) at SvarInn. Raises what `replies.rules` calls the ways in which it goes wrong."""

    def __init__(self, base_url: str, *, user: str, password: str) -> None:
        self.user = user
        self._base = base_url.rstrip("/")
        self._client = httpx.Client(
            auth=httpx.BasicAuth(user, password),  # httpx writes it as UTF-8
            timeout=httpx.Timeout(ASK_SECONDS, connect=5.0),
            limits=httpx.Limits(max_connections=2, keepalive_expiry=30.0),
            follow_redirects=False,
        )

    def close(self) -> None:
        self._client.close()

    def listed(self) -> list[Listed]:
        """At most 200; a letter stands there until it is acknowledged."""
        with self._asked("GET", f"{self._base}/svarinn/mottaker/hentNyeForsendelser") as response:
            _must_be_well(response)
            body = bytearray()
            for piece in response.iter_bytes():
                body += piece
                if len(body) > LARGEST_LIST:
                    raise rules.SvarInnAway("Its list has no end.")
        try:
            told = orjson.loads(bytes(body))  # whatever it is called: text/plain has been seen
        except ValueError as error:
            raise rules.SvarInnAway("Its list is not JSON.") from error
        if not isinstance(told, list):
            raise rules.SvarInnAway("Its list is none.")
        return [read for one in told if (read := listed(one))]

    def download(self, letter: Listed, target: Path, largest: int) -> str:
        """Write a letter's envelope into a file. → its media type, which is that of what is in it"""
        if not letter.download_url.startswith(f"{self._base}/"):  # our password goes nowhere else
            raise rules.DownloadFailed("Its download address is not SvarInn's.")
        timeout = httpx.Timeout(DOWNLOAD_SECONDS, connect=5.0)
        written = 0
        with self._asked("GET", letter.download_url, timeout=timeout) as response, target.open("wb") as file:
            _must_be_well(response)
            for piece in response.iter_bytes():
                written += file.write(piece)
                if written > largest:
                    raise rules.TooLarge(f"It is larger than {largest} bytes.")
        return str(response.headers.get("content-type", ""))

    def acknowledge(self, id: UUID) -> None:
        """We have it. Its sender sees it read, and it leaves the list."""
        self._tell(f"{self._base}/svarinn/kvitterMottak/forsendelse/{id}")

    def fail(self, id: UUID, message: str, *, permanent: bool) -> None:
        """We could not take it: for now, or for good; then SvarUT brings it another way, perhaps on paper."""
        told = {"feilmelding": log.masked(message.encode()).decode()[:LONGEST_MESSAGE], "permanent": permanent}
        self._tell(f"{self._base}/svarinn/mottakFeilet/forsendelse/{id}", json=told)

    def _tell(self, url: str, **request: Any) -> None:
        with self._asked("POST", url, **request) as response:
            _must_be_well(response)

    @contextmanager
    def _asked(self, method: str, url: str, **request: Any) -> Iterator[httpx.Response]:
        try:
            with self._client.stream(method, url, **request) as response:
                yield response
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise rules.SvarInnAway(f"SvarInn cannot be reached ({type(error).__name__}).") from error
        except (httpx.TransportError, httpx.InvalidURL, httpx.DecodingError) as error:
            raise rules.DownloadFailed(f"SvarInn's answer did not come whole ({type(error).__name__}).") from error


def _must_be_well(response: httpx.Response) -> None:
    status = response.status_code
    if status in (401, 403):
        raise rules.NotAdmitted(f"SvarInn does not let us in ({status}).")
    if status in (404, 410):
        raise rules.NoLongerThere("SvarInn does not have it any more; another system may have fetched it.")
    if status in (429, 502, 503, 504):
        raise rules.SvarInnAway(f"SvarInn is not available ({status}).")
    if not response.is_success:
        raise rules.DownloadFailed(f"SvarInn answered {status}.")


def listed(told: Any) -> Listed | None:
    """A letter of the list; None when it has no id, so that nothing could be told of it."""
    if not isinstance(told, dict) or not (id := _uuid(told.get("id"))):
        return None
    recipient, answer, sender = (_dict(told.get(name)) for name in ("mottaker", "svarSendesTil", "avsender"))
    return Listed(
        id=id,
        title=_text(told.get("tittel"), 1000) or "(uten tittel)",
        download_url=str(told.get("downloadUrl") or ""),
        sent_at=_instant(told.get("date")),
        recipient_number=_organisation(recipient.get("orgnr")),
        sender_name=_text(sender.get("navn"), 200) or _text(answer.get("navn"), 200),
        sender_number=_organisation(answer.get("orgnr")),  # eDialog has a person's number there instead: not ours
        answers_to=_uuid(_dict(told.get("svarPaForsendelse")).get("id") or told.get("svarPaForsendelse")),
        reference=_text(told.get("eksternRef"), 100),
        letter_type=_text(told.get("forsendelseType"), 100),
        case=_case(_dict(told.get("metadataFraAvleverendeSystem"))),
        files=[
            File(str(one.get("filnavn") or ""), _text(one.get("mimetype"), 127), _text(one.get("sha256hash"), 100))
            for one in told.get("filmetadata") or []
            if isinstance(one, dict)
        ]
        if isinstance(told.get("filmetadata"), list)
        else [],
    )


def _case(told: dict[str, Any]) -> dict[str, int | str]:
    """The sender's own case; zero and empty mean absent."""
    found: dict[str, int | str] = {}
    for name, ours in CASE.items():
        value = told.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value:
            found[ours] = value
        elif isinstance(value, str) and (text := rules.plain(value, 500)):
            found[ours] = text
    return found


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any, longest: int) -> str | None:
    return (rules.plain(value, longest) or None) if isinstance(value, str) else None


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


def _organisation(value: Any) -> str | None:
    return value if isinstance(value, str) and len(value) == 9 and orgnr.is_valid(value) else None


def _instant(value: Any) -> datetime | None:
    """Milliseconds since 1970, or text: KS documents both."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000, UTC)
        read = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return read if read.tzinfo else None
